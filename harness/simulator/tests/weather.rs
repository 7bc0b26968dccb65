//! Weather in the simulator: what each kind does to messages, that a run is the same each time, and what
//! an examination finds when it is over.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use overlay_chord::Chord;
use overlay_core::{NodeId, Overlay, Time};
use overlay_flooding::Flooding;
use overlay_tracker::Tracker;
use peerbench_measure::{Driver, Key, RunRecord, Status};
use peerbench_simulator::{Defect, Examined, Laboratory, Limits, Links, examine};

/// Twenty nodes for a minute, with this weather.
fn yaml(weather: &str) -> String {
    format!(
        "
nodes: 20
warm_up: 10s
network: {{uniform_round_trip: 50ms, weather: {weather}}}
workload: {{items: 20, searches: 500, rate: 10/s}}
overlays:
  chord: {{storage: {{republish_every: 4s}}}}
  flooding: {{ttl: 20}}
  tracker: {{keep_alive_every: 2s, expire_after: 8s, retry_at_most: 2s}}
"
    )
}

fn record<O: Overlay>(weather: &str) -> RunRecord {
    let measurement = Laboratory::<O>::new(&yaml(weather), 7).unwrap().measure().unwrap();
    let (overlay, scenario) = (O::NAME.into(), "weather".into());
    let key = Key { overlay, scenario, driver: Driver::Simulator, n: 20, seed: 7, round: 0 };
    RunRecord::new(key, String::new(), Status::Ok, &measurement)
}

/// What the weather did, in the order of its kinds: cut off, lost, duplicated, delayed, overtaken,
/// damaged, beyond reading.
fn tally(weather: &str) -> Vec<u64> {
    let record = record::<Chord>(weather);
    let note = record.notes.iter().find(|note| note.starts_with("weather: ")).unwrap();
    note.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

fn examined<O: Overlay>(weather: &str, judged_from: u64) -> Examined {
    examined_of::<O>(&yaml(weather), judged_from)
}

fn examined_of<O: Overlay>(yaml: &str, judged_from: u64) -> Examined {
    let laboratory = Laboratory::<O>::new(yaml, 7).unwrap();
    let limits = Limits {
        judged_from: Duration::from_secs(judged_from),
        acknowledged_from: Duration::ZERO,
        links: Links::Exactly,
        most_waiting: 10_000,
        most_inputs: 10_000,
    };
    examine::<O>(&laboratory.scenario, &laboratory.config, 7, &limits).unwrap()
}

#[test]
fn each_kind_strikes_alone_and_as_often_as_it_should() {
    let kinds = [
        "{partitions: [{at: 20s, lasts: 5s}]}",
        "{lost: 0.2}",
        "{duplicated: 0.2}",
        "{delayed: 0.2}",
        "{reordered: 0.2}",
        "{corrupted: 0.2}",
    ];
    for (place, weather) in kinds.into_iter().enumerate() {
        let tally = tally(weather);
        for (other, count) in tally.iter().enumerate() {
            let is_its = other == place || place == 5 && other == 6;
            assert_eq!(*count > 0, is_its, "{weather}: {tally:?}");
        }
    }
    assert!(tally("{corrupted: 0.2}")[5] > tally("{corrupted: 0.2}")[6], "some can be read");
}

#[test]
fn weather_that_does_nothing_changes_nothing() {
    let digest = |weather| record::<Chord>(weather).trace_digest;
    let calm = digest("null");
    assert_eq!(digest("{}"), calm);
    assert_eq!(
        digest("{lost: 0.5, from: 30s, until: 30000001us}"),
        calm,
        "too short for a message"
    );
    assert_ne!(digest("{lost: 0.01}"), calm);
}

#[test]
fn a_seed_has_one_weather() {
    let weather = "{until: 40s, lost: 0.1, duplicated: 0.1, delayed: 0.2, reordered: 0.2, corrupted: \
                   0.05, one_way: 0.1, slow: {share: 0.2, by: 300ms}, drift: {share: 0.5, factor: 2}, \
                   partitions: [{at: 20s, lasts: 3s}], overload: {at: 25s}}";
    assert_eq!(record::<Chord>(weather).trace_digest, record::<Chord>(weather).trace_digest);
    assert_eq!(record::<Tracker>(weather).trace_digest, record::<Tracker>(weather).trace_digest);
}

#[test]
fn what_is_judged_in_the_storm_fails_and_what_is_judged_after_it_does_not() {
    let weather = "{until: 20s, lost: 0.3}";
    let during = examined::<Tracker>(weather, 10);
    assert!(during.defects.iter().any(|it| matches!(it, Defect::Unanswered { .. })));
    let after = examined::<Tracker>(weather, 30);
    assert_eq!(after.defects, []);
    assert!(after.judged > 100 && after.judged < during.judged, "{}", after.judged);
    assert_eq!(examined::<Flooding>(weather, 50).defects, []);
    assert_eq!(examined::<Chord>(weather, 50).defects, []);
}

#[test]
fn who_is_back_has_to_publish_once_more() {
    let faults = "faults: [{at: 20s, nodes: [5], back_after: 5s}]";
    let world = |weather| {
        let by_one = yaml(weather).replace("items: 20", "items: 20, publishers: [5]");
        examined_of::<Tracker>(&format!("{by_one}{faults}\n"), 1_000).defects
    };
    assert_eq!(world("null"), []);
    // It has joined by then, and publishes within a second.
    let defects = world("{from: 25500ms, lost: 1}");
    let is_its = |it: &Defect| {
        let back = Time::ZERO + Duration::from_secs(25);
        matches!(it, Defect::Unpublished { node: NodeId(5), due } if *due >= back)
    };
    assert!(!defects.is_empty() && defects.iter().all(is_its), "{defects:?}");
}

#[test]
fn nodes_that_never_rest_are_given_up() {
    let busy = yaml("null").replace("searches: 500, rate: 10/s", "searches: 3000, rate: 60/s");
    let laboratory = Laboratory::<Flooding>::new(&busy, 7).unwrap();
    let judged_from = Duration::from_secs(10);
    let limits = Limits {
        judged_from,
        acknowledged_from: judged_from,
        links: Links::Exactly,
        most_waiting: 1,
        most_inputs: 1,
    };
    let examined = examine::<Flooding>(&laboratory.scenario, &laboratory.config, 7, &limits);
    let defects = examined.unwrap().defects;
    let kinds: Vec<_> = defects.iter().map(Defect::kind).collect();
    assert_eq!(kinds, ["endless", "growth"]);
}
