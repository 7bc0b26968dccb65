//! Swarms of real node processes: real bytes that everybody verifies, and what becomes of downloads
//! when the tracker, the only seed or a leecher goes in the middle.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod runs;

use std::fs;
use std::sync::atomic::AtomicBool;

use overlay_bittorrent::Bittorrent;
use peerbench_measure::{Progress, Silent};
use peerbench_scenario::Scenario;
use runs::{Outcome, alone, assert_no_process_is_left, plan, scenario};

/// Node 0 is the tracker and node 1 the seed; to give everybody everything takes 3.7 s at least.
/// A run that did not end with its downloads would take an hour.
const SWARM: &str = "
nodes: 8
start: converged
warm_up: 1s
network:
  uniform_round_trip: 10ms
  capacities: [{share: 1.0, up: 1MB/s, down: 0bit/s}]
workload: {items: 1, item_size: 4MiB, publishers: [1], downloads: {over: 200ms}, fetch: true, timeout: 1h}
overlays: {bittorrent: {piece_length: 64KiB}}
";

/// Not a test of its own: the body of every node process of the others.
#[test]
fn node_process() {
    if std::env::var_os("PEERBENCH_CONTROL").is_some() {
        let _ = peerbench_testbed::node_main::<Bittorrent>();
    }
}

fn run(scenario: &Scenario, progress: &dyn Progress) -> Outcome {
    let stop = AtomicBool::new(false);
    let measurement = peerbench_testbed::run::<Bittorrent>(&plan(scenario), progress, &stop);
    assert_no_process_is_left();
    Outcome::of(&measurement.unwrap())
}

/// A folder with bytes that do not divide into pieces, in files that do not end where pieces do.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, length) in [("a", 1_000_003), ("b", 5), ("c", 0), ("d", 777_777)] {
        let bytes: Vec<u8> =
            (0..length).map(|place: u32| (place.wrapping_mul(place) >> 5) as u8).collect();
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn content(folder: &tempfile::TempDir) -> String {
    format!("workload.content={}", folder.path().display())
}

/// Does something once, when the window begins.
struct AtOnce<F: Fn() + Sync>(F);

impl<F: Fn() + Sync> Progress for AtOnce<F> {
    fn phase(&self, what: &str) {
        if what == "searching" {
            (self.0)();
        }
    }

    fn advance(&self, _: u64, _: u64) {}
}

#[test]
fn everybody_gets_the_bytes_of_a_folder_and_verifies_them() {
    let _alone = alone();
    let folder = folder();
    let outcome = run(&scenario(SWARM, &[&content(&folder)]), &Silent);
    assert_eq!(outcome.value("fetch_ratio"), 1.0, "{:?}", outcome.record.notes);
    assert_eq!(outcome.value("fetch_corrupt_ratio"), 0.0);
    assert_eq!(outcome.value("losses_corrupt"), 0.0);
    let size = 1_777_785.0;
    let received = outcome.value("received_by_contributors_from_publishers")
        + outcome.value("received_by_contributors_from_others");
    assert!((size..size * 1.2).contains(&received), "{received} bytes each, some twice");
    assert!(outcome.value("distribution_efficiency") <= 1.0);
    assert!(outcome.value("piece_diversity") > 0.0);
    assert!(outcome.value("state_links_max") > 0.0, "looked at before the swarm dissolved");
}

#[test]
fn content_that_changes_during_the_run_is_found_as_corrupt_pieces() {
    let _alone = alone();
    let folder = folder();
    let change = AtOnce(|| {
        for name in ["a", "b", "d"] {
            let path = folder.path().join(name);
            let bytes: Vec<u8> = fs::read(&path).unwrap().iter().map(|byte| !byte).collect();
            fs::write(path, bytes).unwrap();
        }
    });
    let changes = [&*content(&folder), "workload.timeout=3s"];
    let outcome = run(&scenario(SWARM, &changes), &change);
    assert_eq!(outcome.value("fetch_ratio"), 0.0);
    assert!(outcome.value("losses_corrupt") > 0.0);
    assert!(outcome.has_note("did not finish"), "{:?}", outcome.record.notes);
}

/// The liar claims to have everything, and is asked for it.
#[test]
fn real_bytes_that_are_false_are_fetched_again_and_who_sent_them_is_banned() {
    let _alone = alone();
    let folder = folder();
    let liar = "freeloaders={nodes: [5], strategy: lying}";
    let outcome = run(&scenario(SWARM, &[&content(&folder), liar]), &Silent);
    assert_eq!(outcome.value("fetch_corrupt_ratio"), 0.0);
    assert!(outcome.value("losses_corrupt") > 0.0);
    let banned = outcome.value("losses_peers_banned");
    assert!((1.0..=7.0).contains(&banned), "{banned} bans of one liar by seven");
    let finished = outcome.value("fetch_ratio") * 7.0;
    assert!(finished > 5.5, "{finished} of the six who are honest, and perhaps the liar");
}

#[test]
fn who_is_in_the_swarm_goes_on_when_the_tracker_dies() {
    let _alone = alone();
    let outcome = run(&scenario(SWARM, &["faults=[{at: 2s, nodes: [0]}]"]), &Silent);
    assert_eq!(outcome.value("fetch_ratio"), 1.0, "{:?}", outcome.record.notes);
    assert_eq!(outcome.value("losses_processes"), 0.0);
}

#[test]
fn downloads_that_are_stuck_without_the_only_seed_are_told() {
    let _alone = alone();
    for action in ["leave", "kill", "freeze"] {
        let fault = format!("faults=[{{at: 2s, action: {action}, nodes: [1]}}]");
        let outcome = run(&scenario(SWARM, &[&fault, "workload.timeout=4s"]), &Silent);
        assert_eq!(outcome.value("fetch_ratio"), 0.0, "{action}");
        let notes = &outcome.record.notes;
        assert!(outcome.has_note("7 downloads of item"), "{action}: {notes:?}");
        assert!(outcome.has_note("every live node lacks"), "{action}: {notes:?}");
    }
}

#[test]
fn a_leecher_that_dies_and_comes_back_disturbs_nobody() {
    let _alone = alone();
    let fault = "faults=[{at: 2s, nodes: [5], back_after: 1s}]";
    let outcome = run(&scenario(SWARM, &[fault]), &Silent);
    assert_eq!(outcome.value("fetch_ratio"), 1.0, "{:?}", outcome.record.notes);
    assert_eq!(outcome.value("cost_processes"), 9.0);
    assert_eq!(outcome.value("losses_strangers"), 0.0);
    assert!(!outcome.has_note("did not"), "{:?}", outcome.record.notes);
}
