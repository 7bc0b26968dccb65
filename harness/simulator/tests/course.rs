//! What is kept of a run over time and by kind: for every overlay the same sums as its figures have.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use overlay_bittorrent::Bittorrent;
use overlay_chord::Chord;
use overlay_core::Overlay;
use overlay_flooding::Flooding;
use overlay_tracker::Tracker;
use peerbench_measure::{Driver, FaultMark, Key, RunRecord, Status};
use peerbench_simulator::Laboratory;

const WORLD: &str = "
nodes: 32
start: converged
warm_up: 500ms
network: {uniform_round_trip: 20ms}
workload: {items: 16, searches: 200, rate: 20/s, timeout: 2s}
";

/// Four nodes of 32 stop and come back, as many freeze, and two leave; one leaves before the window.
const FAULTS: &str = "
faults:
- {at: 400ms, action: leave, nodes: [5]}
- {at: 3s, action: kill, nodes: [8, 9, 10, 11], back_after: 4s}
- {at: 3s, action: freeze, nodes: [20, 21, 22, 23]}
- {at: 5s, action: leave, nodes: [30, 31]}
";

fn record<O: Overlay>(yaml: &str) -> RunRecord {
    let laboratory = Laboratory::<O>::new(yaml, 1).unwrap();
    let measurement = laboratory.measure().unwrap();
    let key = Key {
        overlay: O::NAME.into(),
        scenario: "course".into(),
        driver: Driver::Simulator,
        n: laboratory.scenario.nodes,
        seed: 1,
        round: 0,
    };
    RunRecord::new(key, String::new(), Status::Ok, &measurement)
}

fn figure(record: &RunRecord, name: &str) -> f64 {
    record.reading(name).number().unwrap_or_else(|| panic!("{name} was not measured"))
}

fn assert_kinds_are_the_messages_of_lookups(record: &RunRecord) {
    let timeline = record.timeline.as_ref().unwrap();
    let outcomes = [&timeline.correct, &timeline.incorrect, &timeline.failed];
    let searches: u64 = outcomes.into_iter().flatten().sum();
    let messages: u64 = record.lookup_kinds.iter().map(|kind| kind.messages).sum();
    let expected = figure(record, "lookup_messages") * searches as f64;
    assert!((messages as f64 - expected).abs() < 1e-6, "{messages} are not {expected}");
    assert!(record.lookup_kinds.is_sorted_by(|one, next| one.messages >= next.messages));
}

fn sums_are_right<O: Overlay>(kinds: &[&str]) {
    let steady = record::<O>(WORLD);
    let mut names: Vec<_> = steady.lookup_kinds.iter().map(|kind| &*kind.kind).collect();
    names.sort_unstable();
    assert_eq!(names, kinds, "{}", O::NAME);
    assert_kinds_are_the_messages_of_lookups(&steady);

    let traffic = steady.traffic.as_ref().unwrap();
    assert_eq!((traffic.from_s, traffic.width_s), (0, 1));
    assert!(traffic.alive.iter().all(|alive| (alive - 32.0).abs() < 1e-9), "{:?}", traffic.alive);
    let world = Laboratory::<O>::new(WORLD, 1).unwrap().world;
    let window = world.ends_at().since(world.searches_from()).as_secs_f64();
    for (bytes, class) in [
        (&traffic.maintenance, "maintenance"),
        (&traffic.lookup, "lookup"),
        (&traffic.data, "data"),
    ] {
        let bytes: u64 = bytes.iter().sum();
        let expected = figure(&steady, &format!("bandwidth_{class}_sent_mean")) * 32.0 * window;
        assert!((bytes as f64 - expected).abs() <= 1e-3 * expected, "{class}: {bytes}, {expected}");
    }

    let struck = record::<O>(&[WORLD, FAULTS].concat());
    assert_kinds_are_the_messages_of_lookups(&struck);
}

#[test]
fn every_overlay_says_what_its_searches_say() {
    sums_are_right::<Chord>(&["find successor", "successor found"]);
    sums_are_right::<Flooding>(&["query", "query hit"]);
    sums_are_right::<Tracker>(&["found", "search"]);
    sums_are_right::<Bittorrent>(&["announce", "peers"]);
}

#[test]
fn faults_are_marked_and_seen_in_who_is_alive() {
    let record = record::<Tracker>(&[WORLD, FAULTS].concat());
    let mark = |at_us, action: &str, nodes| FaultMark { at_us, action: action.into(), nodes };
    let marks = [
        mark(3_000_000, "kill", 4),
        mark(3_000_000, "freeze", 4),
        mark(5_000_000, "leave", 2),
        mark(7_000_000, "return", 4),
    ];
    assert_eq!(record.faults, marks);
    let alive = record.traffic.unwrap().alive;
    // Bins begin at half seconds; node 5 left before the first.
    assert_eq!((alive[0], alive[1]), (31.0, 31.0));
    assert!((alive[2] - (31.0 + 23.0) / 2.0).abs() < 1e-6, "{alive:?}");
    assert!((alive[5] - 21.0).abs() < 1e-6 && (alive[7] - 25.0).abs() < 1e-6, "{alive:?}");
}
