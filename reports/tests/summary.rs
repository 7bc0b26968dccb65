//! What a person sees of a run, as a whole, for every kind of run.
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Answer, Class, Conduct, NodeId, Role, StateSize, Strategy, Time};
use peerbench_measure::{
    Cost, Counter, Driver, Git, Group, Key, Machine, Measurement, NodeSample, RunFolder, RunRecord,
    Setup, Status, Toolchain, Traffic, Verdict,
};
use peerbench_reports::{Summary, explain, list, summary};

const WINDOW: Duration = Duration::from_secs(25);

fn run() -> RunFolder {
    RunFolder::in_memory(Setup {
        overlays: vec!["chord".into()],
        scenario: "cities".into(),
        scenario_yaml: "name: cities\nnodes: 64\n".into(),
        scenario_digest: "5be1a0c2".into(),
        command_line: vec!["peerbench".into(), "bench".into(), "chord".into()],
        run_again: "peerbench bench chord --seeds 1".into(),
    })
}

/// A made-up run of 64 nodes and 2,000 searches, a little different for each seed; everything in
/// it takes `stretch` thousandths of the time it takes at 1,000.
fn measured(seed: u64, stretch: u64) -> Measurement {
    let mut m = Measurement::new(WINDOW);
    for search in 0..2_000u64 {
        let hops = 1 + (search * (7 + seed)) % 7;
        let answer = Answer {
            by: NodeId(0),
            holder: None,
            hops: hops as u16,
            timeouts: u16::from(search % 100 == 0),
        };
        let took = Duration::from_micros((hops * 52_000 + search * 13) * stretch / 1_000);
        match search {
            0..2 => m.lookup_failed(Time::ZERO),
            2 => m.lookup(Time::ZERO, Time::ZERO + took, Verdict::Incorrect, &answer),
            _ => m.lookup(Time::ZERO, Time::ZERO + took, Verdict::Correct, &answer),
        }
        m.charge(if search <= 2 { Duration::from_secs(4) } else { took });
    }
    m.converged(Some(Duration::from_millis(4_210 * stretch / 1_000)), 64, 64);
    m.count(Counter::DroppedNonsense, 0);
    m
}

fn sample(node: u32, seed: u64) -> NodeSample {
    let mut traffic = Traffic::default();
    for message in 0..200 + node {
        traffic.send(Class::Maintenance, 24);
        traffic.receive(Class::Maintenance, 24);
        if message % 2 == 0 {
            traffic.send(Class::Lookup, 31 + seed as u32);
            traffic.receive(Class::Lookup, 30);
        }
    }
    NodeSample {
        node: NodeId(node),
        conduct: Conduct::Contributor,
        role: Role::Peer,
        uplink: BitRate(0),
        alive: WINDOW,
        traffic,
        wire: None,
        state: StateSize { links: 10 + node % 5, entries: node % 9, bytes: 700 + u64::from(node) },
        resident_bytes: None,
        cpu: None,
    }
}

/// What a driver with real processes adds.
fn on_a_testbed(seed: u64, stretch: u64) -> Measurement {
    let mut m = measured(seed, stretch);
    for node in 0..64u32 {
        let mut sample = sample(node, seed);
        sample.wire = Some((90_000 + u64::from(node) * 700, 91_000));
        sample.resident_bytes = Some(8_100_000 + u64::from(node) * 4_096);
        sample.cpu = Some(Duration::from_millis(140));
        m.node(&sample);
    }
    (0..1_000).for_each(|n| m.lateness(Duration::from_micros(40 + n)));
    m.count(Counter::DialFailures, 0);
    m.count(Counter::PeersLost, 3);
    m.cost(Cost {
        nodes: 64,
        processes: 64,
        events: 98_213,
        delivered_messages: 61_007,
        build: Duration::from_millis(2_130),
        wall: Duration::from_secs(41),
        processor: None,
        peak_memory_bytes: Some(538_000_000),
    });
    m.control("raw_stream_round_trip_p50", 23.4, "µs");
    m.control("cpu_spin", 181.25, "ms");
    m
}

/// What a driver with virtual time adds.
fn in_virtual_time(seed: u64, stretch: u64) -> Measurement {
    let mut m = measured(seed, stretch);
    (0..64).for_each(|node| m.node(&sample(node, seed)));
    m.trace_digest(0x9c3f_00d1_27ab_4e54 + seed);
    m.cost(Cost {
        nodes: 64,
        processes: 1,
        events: 97_455,
        delivered_messages: 60_512,
        build: Duration::from_micros(412),
        wall: Duration::from_millis(19),
        processor: Some(Duration::from_micros(18_400)),
        peak_memory_bytes: Some(6_200_000),
    });
    m.control("cpu_spin", 180.5, "ms");
    m.control("queue", 11_400_000.0, "1/s");
    m
}

fn add(run: &mut RunFolder, driver: Driver, seed: u64, status: Status, m: &Measurement) {
    let key =
        Key { overlay: "chord".into(), scenario: "cities".into(), driver, n: 64, seed, round: 0 };
    let record = RunRecord::new(key, "5be1a0c2".into(), status, m);
    run.append(&record, m).expect("memory takes everything");
}

/// The summary as on one particular machine.
fn of(run: &RunFolder) -> Summary {
    let mut summary = summary(run).expect("what is in memory reads back");
    let manifest = &mut summary.manifest;
    manifest.id = "20010909T014640Z-chord-beef".into();
    manifest.started = "2001-09-09T01:46:40Z".into();
    manifest.finished = Some("2001-09-09T01:47:40Z".into());
    manifest.status = Some(Status::Ok);
    manifest.load_at_start = Some([0.25, 0.5, 0.75]);
    manifest.git = Some(Git { commit: "0123abcd".into(), dirty: true });
    manifest.machine = Machine {
        cpu: Some("A fast one".into()),
        cores: Some(2),
        memory_bytes: Some(24 << 30),
        system: "linux x86_64".into(),
        kernel: Some("6.1.0".into()),
    };
    manifest.toolchain = Toolchain {
        peerbench: "0.1.0".into(),
        rustc: "rustc 1.95.0".into(),
        profile: "release".into(),
        target: "x86_64-unknown-linux-gnu".into(),
    };
    summary
}

fn both_drivers() -> RunFolder {
    let mut run = run();
    let mut testbed = on_a_testbed(1, 1_030);
    testbed.note("overloaded: deliveries were up to 3.4 ms late at p99, which is more than 3 ms");
    add(&mut run, Driver::Testbed, 1, Status::Ok, &testbed);
    add(&mut run, Driver::Simulator, 1, Status::Ok, &in_virtual_time(1, 1_000));
    run
}

fn several_seeds() -> RunFolder {
    let mut run = run();
    for seed in 1..=3 {
        let stretch = 1_000 + 10 * seed;
        add(&mut run, Driver::Testbed, seed, Status::Ok, &on_a_testbed(seed, stretch + 25));
        let status = if seed == 3 { Status::Interrupted } else { Status::Ok };
        add(&mut run, Driver::Simulator, seed, status, &in_virtual_time(seed, stretch));
    }
    run
}

#[test]
fn two_drivers_side_by_side() {
    insta::assert_snapshot!(of(&both_drivers()).terminal(100, false));
}

#[test]
fn two_drivers_side_by_side_in_colour() {
    let text = of(&both_drivers()).terminal(100, true);
    let head: Vec<&str> = text.lines().take(12).collect();
    let last = text.lines().last().unwrap_or_default();
    insta::assert_snapshot!(format!("{}\n…\n{last}", head.join("\n")).replace('\u{1b}', "␛"));
}

#[test]
fn two_drivers_in_markdown() {
    insta::assert_snapshot!(of(&both_drivers()).markdown());
}

#[test]
fn several_seeds_show_median_and_range() {
    insta::assert_snapshot!(of(&several_seeds()).terminal(100, false));
}

#[test]
fn a_narrow_terminal_breaks_lines_inside_of_cells() {
    insta::assert_snapshot!(of(&several_seeds()).terminal(80, false));
}

#[test]
fn freeloaders_and_fetches_have_rows_where_there_are_some() {
    let mut m = measured(1, 1_000);
    for n in 1..=100u64 {
        m.fetch(Duration::from_millis(900 + n), true, Conduct::Contributor);
        m.fetch(Duration::from_millis(1_400 + n), true, Conduct::Freeloader(Strategy::NoUpload));
    }
    m.fetch(Duration::from_millis(1), false, Conduct::Contributor);
    let mut run = run();
    add(&mut run, Driver::Simulator, 1, Status::Ok, &m);
    let text = of(&run).terminal(100, false);
    let (_, rows) = text.split_once("\n fetch").expect("there are fetches");
    let (rows, _) = rows.split_once("\n state of a node").expect("the block behind");
    insta::assert_snapshot!(rows);
    // Who fetched nothing has no rows about it.
    let mut nothing = self::run();
    add(&mut nothing, Driver::Simulator, 1, Status::Ok, &measured(1, 1_000));
    let titles: Vec<String> =
        of(&nothing).tables[0].blocks.iter().map(|block| block.title.clone()).collect();
    for title in ["fetch", "swarm", "sharing", "freeloading"] {
        assert!(!titles.iter().any(|known| known == title), "{title}");
    }
}

#[test]
fn how_lookups_ended_over_time_is_shown_where_nodes_went() {
    let mut m = Measurement::new(WINDOW);
    let answer = Answer { by: NodeId(0), holder: None, hops: 2, timeouts: 0 };
    m.begins(Time::ZERO, Some(Time::ZERO + Duration::from_secs(8)));
    for tenth in 0..250u64 {
        let due = Time::ZERO + Duration::from_millis(100 * tenth);
        let done = due + Duration::from_millis(80);
        match tenth {
            80..100 => m.lookup_failed(due),
            100 | 130 => m.lookup(due, done, Verdict::Incorrect, &answer),
            _ => m.lookup(due, done, Verdict::Correct, &answer),
        }
    }
    let mut calm = run();
    add(&mut calm, Driver::Simulator, 1, Status::Ok, &m);
    assert!(!of(&calm).terminal(100, false).contains("over time"));
    m.struck(Time::ZERO + Duration::from_secs(8), "kill");
    let mut struck = run();
    add(&mut struck, Driver::Testbed, 1, Status::Ok, &m);
    add(&mut struck, Driver::Simulator, 1, Status::Ok, &m);
    let text = of(&struck).terminal(100, false);
    let (outcome, _) = text.split_once("\n lookup latency").expect("the block behind");
    insta::assert_snapshot!(outcome);
}

#[test]
fn a_server_and_weak_uplinks_are_not_hidden_among_the_others() {
    let mut m = measured(1, 1_000);
    for node in 0..64 {
        let (role, uplink) = match node {
            0 => (Role::Server, BitRate(100_000_000)),
            node if node % 2 == 0 => (Role::Peer, BitRate(5_000_000)),
            _ => (Role::Peer, BitRate(20_000)),
        };
        m.node(&NodeSample { role, uplink, ..sample(node, 1) });
    }
    let mut run = run();
    add(&mut run, Driver::Simulator, 1, Status::Ok, &m);
    let text = of(&run).terminal(100, false);
    let (_, loads) = text.split_once("\n load, Gini").expect("the block before");
    let (loads, _) = loads.split_once("\n convergence").expect("the block behind");
    insta::assert_snapshot!(loads);
}

#[test]
fn what_was_not_measured_or_is_not_offered_is_neither_hidden_nor_zero() {
    let mut run = run();
    let mut m = Measurement::new(WINDOW);
    m.not_offered(Group::State);
    add(&mut run, Driver::Testbed, 1, Status::Failed, &m);
    insta::assert_snapshot!(of(&run).terminal(100, false));
}

#[test]
fn drivers_are_held_against_each_other_under_the_same_seeds() {
    let mut run = run();
    add(&mut run, Driver::Testbed, 1, Status::Ok, &on_a_testbed(1, 1_000));
    for seed in 1..=3 {
        add(
            &mut run,
            Driver::Simulator,
            seed,
            Status::Ok,
            &in_virtual_time(seed, 1_000 + 200 * seed),
        );
    }
    let summary = of(&run);
    let table = &summary.tables[0];
    assert!(table.title.ends_with("seed 1"), "{}", table.title);
    assert!(table.notes.iter().any(|note| note.starts_with("2 runs")), "{:?}", table.notes);
}

#[test]
fn an_empty_run_says_so() {
    let empty = of(&run());
    assert!(empty.is_empty());
    assert_eq!(empty.terminal(100, false), "Nothing was measured.\n");
    assert!(empty.markdown().starts_with("Nothing was measured.\n"));
}

#[test]
fn the_same_seed_with_another_trace_is_invalid() {
    let mut run = run();
    for digest in [1, 2] {
        let mut m = measured(1, 1_000);
        m.trace_digest(digest);
        add(&mut run, Driver::Simulator, 1, Status::Ok, &m);
    }
    let table = &of(&run).tables[0];
    assert_eq!(table.notes, ["simulator: invalid: seed 1 gave different traces"]);
    let trace = table.blocks.iter().find(|block| block.title == "trace hash");
    assert_eq!(trace.map(|block| block.rows[0].cells[0].as_str()), Some("they differ"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for run in [both_drivers(), several_seeds()] {
        for width in [60, 80, 100, 200] {
            let text = of(&run).terminal(width, false);
            let table = text.lines().filter(|line| !line.starts_with('!'));
            let widest = table.map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.min(100)), "{widest:?} in {width}\n{text}");
        }
    }
}

#[test]
fn a_metric_is_explained_by_any_of_its_names() {
    insta::assert_snapshot!(explain("lookup_latency_us_p99").unwrap_or_default());
    assert_eq!(explain("lookup_latency_us"), explain("lookup_latency_us_p99"));
    insta::assert_snapshot!(explain("load_sent_gini").unwrap_or_default());
    assert_eq!(explain("speed"), None);
}

#[test]
fn every_metric_is_listed() {
    insta::assert_snapshot!(list());
}
