//! A run's folder: what is stored, what reads back, and what a failing disk or a crash leaves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::fs;
use std::path::Path;
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Answer, Conduct, NodeId, Role, StateSize, Time};
use peerbench_measure::{
    Driver, FolderError, Key, Measurement, NodeSample, Portrait, PortraitMessage, PortraitNode,
    PortraitSearch, RunFolder, RunRecord, SCHEMA, Setup, Status, Traffic, Verdict,
};

fn setup() -> Setup {
    Setup {
        overlays: vec!["chord".into()],
        scenario: "small".into(),
        scenario_yaml: "nodes: 4\n".into(),
        scenario_digest: "d1".into(),
        command_line: vec!["peerbench".into(), "bench".into(), "chord".into()],
        run_again: "peerbench bench chord".into(),
    }
}

fn measurement() -> Measurement {
    let mut measurement = Measurement::new(Duration::from_secs(25));
    for micros in 1..=1_000u64 {
        let hops = (micros % 7) as u16;
        let answer = Answer { by: NodeId(0), holder: None, hops, timeouts: 0 };
        let done = Time::ZERO + Duration::from_micros(micros * 300);
        measurement.lookup(Time::ZERO, done, Verdict::Correct, &answer);
        measurement.stretch(done.since(Time::ZERO), Duration::from_micros(7 * micros));
    }
    measurement.begins(Time::ZERO, None);
    measurement.node(&NodeSample {
        node: NodeId(0),
        conduct: Conduct::Contributor,
        role: Role::Server,
        uplink: BitRate(5_000_000),
        alive: Duration::from_secs(24),
        traffic: Traffic::default(),
        wire: None,
        state: StateSize { links: 3, entries: 7, bytes: 40 },
        resident_bytes: None,
        cpu: None,
    });
    measurement.trace_digest(0xabc);
    measurement.control("cpu_spin", 12.5, "ms");
    measurement
}

fn key(seed: u64) -> Key {
    Key {
        overlay: "chord".into(),
        scenario: "small".into(),
        driver: Driver::Simulator,
        n: 4,
        seed,
        round: 0,
    }
}

fn record(seed: u64, measurement: &Measurement) -> RunRecord {
    RunRecord::new(key(seed), "d1".into(), Status::Ok, measurement)
}

/// Node 0 asks node 3, and nobody else is there.
fn portrait(seed: u64) -> Portrait {
    let node = |node, position| {
        let conduct = Conduct::Contributor.to_string();
        PortraitNode { node, position, role: Role::Peer, conduct }
    };
    let message = PortraitMessage {
        sent_us: 0,
        received_us: 1_250,
        from: 0,
        to: 3,
        kind: "find successor".into(),
        bytes: 25,
    };
    Portrait {
        key: key(seed),
        at_us: 30_000_000,
        nodes: vec![node(0, Some(0.1)), node(3, None)],
        links: vec![(0, 3), (3, 0)],
        searches: vec![PortraitSearch {
            searcher: 0,
            key_position: Some(1.0 / 3.0),
            answered_by: Some(3),
            holder: None,
            hops: Some(1),
            latency_us: Some(2_500),
            messages: vec![message],
            cut: false,
        }],
    }
}

/// A stored run of two seeds.
fn store(runs: &Path) -> RunFolder {
    let mut run = RunFolder::create(runs, setup()).unwrap();
    for seed in [1, 2] {
        let measurement = measurement();
        run.append(&record(seed, &measurement), &measurement).unwrap();
    }
    run.finish(Status::Ok).unwrap();
    run
}

#[test]
fn what_was_stored_reads_back_the_same() {
    let runs = tempfile::tempdir().unwrap();
    let run = store(runs.path());
    let back = RunFolder::open(run.path().unwrap()).unwrap();
    assert_eq!(back.manifest(), run.manifest());
    assert_eq!(back.records(), run.records());
    assert_eq!(back.records()[0].trace_digest.as_deref(), Some("0000000000000abc"));
    assert_eq!(back.manifest().status, Some(Status::Ok));
    assert_eq!(back.manifest().controls["cpu_spin"].value, 12.5);

    let hops = back.histogram(&back.records()[1], "lookup_hops").unwrap().unwrap();
    assert!(hops.iter().eq(measurement().hops().iter()));
    assert_eq!(hops.mean(), measurement().hops().mean());
    assert_eq!(back.histogram(&back.records()[0], "lateness_us").unwrap(), None);
}

#[test]
fn portraits_read_back_the_same() {
    let runs = tempfile::tempdir().unwrap();
    let mut run = store(runs.path());
    let path = run.path().unwrap().to_owned();
    assert_eq!(RunFolder::open(&path).unwrap().portraits().unwrap(), []);
    for seed in [2, 1, 2] {
        run.store_portrait(&portrait(seed)).unwrap();
    }
    assert_eq!(run.portraits().unwrap(), [portrait(1), portrait(2)]);
    let mut back = RunFolder::open(&path).unwrap();
    assert_eq!(back.portraits().unwrap(), run.portraits().unwrap());
    back.store_portrait(&portrait(3)).unwrap();
    assert_eq!(back.portraits().unwrap().len(), 3);

    fs::write(path.join(key(1).portrait_file()), "{").unwrap();
    let error = RunFolder::open(&path).unwrap().portraits().unwrap_err();
    assert!(matches!(error, FolderError::Malformed { .. }), "{error}");
}

#[test]
fn the_histograms_of_the_same_run_are_the_same_bytes() {
    let runs = tempfile::tempdir().unwrap();
    let file = record(1, &measurement()).key.histogram_file();
    let [one, another] =
        [(); 2].map(|()| fs::read(store(runs.path()).path().unwrap().join(&file)).unwrap());
    assert!(!one.is_empty());
    assert_eq!(one, another);
}

#[cfg(unix)]
#[test]
fn latest_is_the_newest_run() {
    let runs = tempfile::tempdir().unwrap();
    store(runs.path());
    let newest = store(runs.path());
    let latest = RunFolder::open(&runs.path().join("latest")).unwrap();
    assert_eq!(latest.manifest().id, newest.manifest().id);
}

#[test]
fn a_record_is_on_the_disk_when_append_returns_and_half_a_record_does_no_harm() {
    let runs = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(runs.path(), setup()).unwrap();
    let measurement = measurement();
    run.append(&record(1, &measurement), &measurement).unwrap();
    let path = run.path().unwrap().to_owned();
    assert_eq!(RunFolder::open(&path).unwrap().records().len(), 1);

    let records = path.join("runs.jsonl");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, [&whole[..], &whole[..whole.len() / 2]].concat()).unwrap();
    let after_crash = RunFolder::open(&path).unwrap();
    assert_eq!(after_crash.records(), run.records());
    assert_eq!(after_crash.manifest().status, None);
}

#[test]
fn what_was_stopped_goes_on_behind_the_last_whole_record() {
    let runs = tempfile::tempdir().unwrap();
    let path = store(runs.path()).path().unwrap().to_owned();
    store(runs.path());
    let records = path.join("runs.jsonl");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, &whole[..whole.len() - 9]).unwrap();

    let mut run = RunFolder::resume(&path).unwrap();
    assert_eq!((run.records().len(), run.manifest().status), (1, None));
    let measurement = measurement();
    run.append(&record(3, &measurement), &measurement).unwrap();
    run.finish(Status::Ok).unwrap();
    let back = RunFolder::open(&runs.path().join("latest")).unwrap();
    assert_eq!(back.manifest().id, run.manifest().id);
    let seeds: Vec<u64> = back.records().iter().map(|record| record.key.seed).collect();
    assert_eq!(seeds, [1, 3]);
    assert!(back.histogram(&back.records()[0], "lookup_hops").unwrap().is_some());
    assert!(RunFolder::resume(runs.path()).is_err());
}

#[test]
fn a_disk_that_takes_nothing_gives_an_error_and_costs_no_figure() {
    let directory = tempfile::tempdir().unwrap();
    let occupied = directory.path().join("runs");
    fs::write(&occupied, "a file, where a folder should be").unwrap();
    let error = RunFolder::create(&occupied, setup()).unwrap_err();
    assert!(matches!(error, FolderError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("Nothing was measured"), "{error}");

    let mut run = RunFolder::create(directory.path(), setup()).unwrap();
    fs::remove_dir_all(run.path().unwrap()).unwrap();
    let measurement = measurement();
    let record = record(1, &measurement);
    assert!(matches!(run.append(&record, &measurement), Err(FolderError::Write { .. })));
    assert_eq!(run.records(), std::slice::from_ref(&record));
    assert!(run.histogram(&record, "lookup_latency_us").unwrap().is_some());
    assert!(run.finish(Status::Ok).is_err());
    assert!(!run.is_complete());

    let elsewhere = directory.path().join("elsewhere");
    let path = run.rescue(&elsewhere).unwrap();
    assert!(run.is_complete() && path.starts_with(&elsewhere));
    let back = RunFolder::open(&path).unwrap();
    assert_eq!((back.records(), back.manifest().status), (run.records(), Some(Status::Ok)));
    assert!(back.histogram(&record, "lookup_latency_us").unwrap().is_some());
}

#[test]
fn a_run_in_memory_is_stored_nowhere() {
    let mut run = RunFolder::in_memory(setup());
    let measurement = measurement();
    run.append(&record(1, &measurement), &measurement).unwrap();
    run.finish(Status::Ok).unwrap();
    run.store_report("summary.md", "text").unwrap();
    run.store_portrait(&portrait(1)).unwrap();
    assert_eq!(run.portraits().unwrap(), [portrait(1)]);
    assert_eq!((run.path(), run.records().len()), (None, 1));
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    let runs = tempfile::tempdir().unwrap();
    let error = |path: &Path| RunFolder::open(path).unwrap_err().to_string();
    assert!(error(runs.path()).contains("is not the folder of a run"));
    assert!(error(&runs.path().join("nothing")).contains("is not the folder of a run"));

    let run = store(runs.path());
    let path = run.path().unwrap();
    let records = path.join("runs.jsonl");
    let text = fs::read_to_string(&records).unwrap();
    fs::write(&records, text.replacen("\"seed\":2", "\"seed\":two", 1)).unwrap();
    assert!(error(path).contains("runs.jsonl, line 2"), "{}", error(path));

    let file = path.join(&run.records()[0].histograms[0].file);
    fs::write(&file, "Tag=lookup_latency_us,0.000,25.000,300.000,HIST\n").unwrap();
    fs::write(&records, text).unwrap();
    let back = RunFolder::open(path).unwrap();
    let damaged = back.histogram(&back.records()[0], "lookup_latency_us").unwrap_err();
    assert!(matches!(damaged, FolderError::Histogram { .. }), "{damaged}");

    let manifest = fs::read_to_string(path.join("manifest.json")).unwrap();
    let of_another = manifest.replacen(&format!("\"schema\": {SCHEMA}"), "\"schema\": 99", 1);
    fs::write(path.join("manifest.json"), of_another).unwrap();
    assert!(error(path).contains("schema 99"));
}
