//! Runs of downloads: they end when all have ended, and say who is stuck.
#![allow(clippy::expect_used, reason = "a test that cannot go on should say where")]

use overlay_bittorrent::Bittorrent;
use overlay_core::Overlay;
use overlay_tracker::Tracker;
use peerbench_measure::{Driver, Key, RunRecord, Status};
use peerbench_simulator::Laboratory;

/// A seed of 2 MB/s and eight leechers of 1 MB/s, which download 4 MiB: 3.4 s by all uplinks together.
fn record<O: Overlay>(rest: &str) -> RunRecord {
    let yaml = format!(
        "
nodes: 9
start: converged
warm_up: 5s
network:
  uniform_round_trip: 20ms
  capacities:
    - {{nodes: [0], up: 2MB/s, down: 100MB/s}}
    - {{share: 1.0, up: 1MB/s, down: 100MB/s}}
workload:
  items: 1
  item_size: 4MiB
  publishers: [0]
  downloads: {{arrivals: flash-crowd, over: 100ms}}
  fetch: true
  timeout: 5min
{rest}
"
    );
    let laboratory: Laboratory<O> = Laboratory::new(&yaml, 1).expect("the scenario is sound");
    let measurement = laboratory.measure().expect("the world can be drawn");
    let key = Key {
        overlay: O::NAME.into(),
        scenario: "downloads".into(),
        driver: Driver::Simulator,
        n: 9,
        seed: 1,
        round: 0,
    };
    RunRecord::new(key, "d".into(), Status::Ok, &measurement)
}

fn figure(record: &RunRecord, name: &str) -> f64 {
    record.reading(name).number().unwrap_or_else(|| panic!("{name} was not measured"))
}

const PIECES: &str = "overlays: {bittorrent: {piece_length: 64KiB}}";

#[test]
fn a_swarm_is_seen_to_fill() {
    let swarm = record::<Bittorrent>(PIECES).swarm.expect("it downloads in pieces");
    assert_eq!((swarm.pieces, swarm.of, swarm.from_us), (64, 8, 5_000_000));
    assert_eq!((swarm.nodes.len(), swarm.held.len()), (8, 64));
    let rows = || swarm.nodes.iter().map(|node| &node.share).chain(&swarm.held);
    assert!(rows().all(|shares| shares.is_sorted() && shares.len() == swarm.held[0].len()));
    assert!(rows().all(|shares| shares.last() == Some(&1.0)));
    let half = swarm.held[0].len() / 2;
    assert!(swarm.nodes.iter().all(|node| (0.1..0.9).contains(&node.share[half])));
    assert_eq!(record::<Tracker>("").swarm, None);
}

#[test]
fn a_run_ends_with_its_last_download_and_rates_are_those_of_the_downloads() {
    let record = record::<Bittorrent>(PIECES);
    assert_eq!(figure(&record, "fetch_ratio"), 1.0);
    assert_eq!(record.notes, [""; 0]);
    let efficiency = figure(&record, "distribution_efficiency");
    assert!((0.5..1.0).contains(&efficiency), "{efficiency}");
    // All bytes over the time it took, divided by the uplinks, is about the efficiency; over the
    // five minutes of the timeout it would be next to nothing.
    let utilisation = figure(&record, "uplink_utilisation_mean");
    assert!((utilisation - efficiency).abs() < 0.15, "{utilisation} and {efficiency}");
    assert!(figure(&record, "state_links_mean") > 3.0, "looked at while there was a swarm");
    let received =
        ["received_by_contributors_from_publishers", "received_by_contributors_from_others"];
    let received: f64 = received.iter().map(|name| figure(&record, name)).sum();
    let item = 4.0 * 1_048_576.0;
    assert!((item..item * 1.1).contains(&received), "{received}");
    let last = figure(&record, "fetch_time_contributors_us_max");
    assert!(last < 10e6 && last >= figure(&record, "fetch_time_contributors_us_p50"));
}

#[test]
fn a_server_alone_has_the_efficiency_of_its_share_of_the_uplinks() {
    let record = record::<Tracker>("");
    // Eight times 4 MiB over the 2 MB/s of one node, where 2 + 8 × 1 MB/s could have been used.
    let efficiency = figure(&record, "distribution_efficiency");
    assert!((0.19..0.2).contains(&efficiency), "{efficiency}");
    assert_eq!(figure(&record, "share_ratio_max"), 0.0);
    assert_eq!(record.reading("piece_diversity").number(), None);
}

#[test]
fn a_node_that_is_struck_is_not_waited_for() {
    let faults = "faults: [{at: 6s, action: kill, nodes: [3]}]";
    let record = record::<Bittorrent>(&format!("{PIECES}\n{faults}"));
    assert_eq!(figure(&record, "fetch_ratio"), 1.0, "its own download is nobody's");
    assert!(record.reading("distribution_efficiency").number().is_some());
    assert!(figure(&record, "uplink_utilisation_max") > 0.3, "the run did not last for minutes");
}

#[test]
fn a_fault_that_is_still_due_keeps_the_run_going() {
    let faults = "faults: [{at: 60s, action: kill, nodes: [3]}]";
    let late = record::<Bittorrent>(&format!("{PIECES}\n{faults}"));
    assert!(figure(&late, "uplink_utilisation_mean") < 0.1, "55 s for 4 s of downloads");
    assert!(figure(&late, "distribution_efficiency") > 0.5);
}

#[test]
fn a_swarm_whose_only_seed_left_too_early_says_who_is_stuck() {
    let faults = "faults: [{at: 6s, action: kill, nodes: [0]}]";
    let record = record::<Bittorrent>(&format!("{PIECES}\n{faults}"));
    assert_eq!(figure(&record, "fetch_ratio"), 0.0);
    assert_eq!(record.reading("distribution_efficiency").number(), None);
    let note = record.notes.iter().find(|note| note.contains("8 downloads"));
    let note = note.unwrap_or_else(|| panic!("{:?}", record.notes));
    assert!(note.contains("did not finish: "), "{note}");
}
