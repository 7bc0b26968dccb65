//! Nodes that do not do their part; and runs that can be repeated to the bit.
mod common;

use common::simulate;
use overlay_chord::Chord;
use overlay_core::Overlay as _;
use peerbench_measure::{Driver, Key, Measurement, RunRecord, Status};
use peerbench_scenario::Document;

/// 64 nodes in a settled ring; 2,000 searches in ten seconds from 20 s on.
fn world(rest: &str, chord: &str) -> String {
    format!(
        "nodes: 64
start: converged
warm_up: 20s
network: {{handshake_round_trips: 0.0}}
workload: {{items: 0, keys: random, searches: 2000, rate: 200/s}}
{rest}
overlays:
  chord: {{{chord}}}
"
    )
}

fn correct_ratio(measurement: &Measurement) -> f64 {
    measurement.hops().count() as f64 / measurement.searches() as f64
}

const STYLES: [&str; 2] = ["lookup: recursive", "lookup: iterative"];

/// A frozen node is found out by its silence: while that lasts, lookups that met it go another way
/// and most of them still end within their 4 s; afterwards all do.
///
/// Every eighth node freezes when the searches begin, or 15 s before.
#[test]
fn lookups_go_round_frozen_nodes() {
    for style in STYLES {
        let run = |at| {
            let freeze = format!("faults: [{{at: {at}, action: freeze, share: 0.125}}]");
            simulate(&world(&freeze, &format!("{style}, timeout: 500ms")), 1)
        };
        let during = correct_ratio(&run("20s"));
        assert!((0.9..1.0).contains(&during), "{style}: {during}");
        assert_eq!(correct_ratio(&run("5s")), 1.0, "{style}: everybody has noticed after 15 s");
    }
}

/// The host of a dead node says so at once: lookups lose a round trip for each that they meet, and
/// none goes wrong.
#[test]
fn lookups_go_round_dead_nodes() {
    for style in STYLES {
        let kill = "faults: [{at: 20s, action: kill, share: 0.5}]";
        let measurement = simulate(&world(kill, style), 1);
        assert_eq!(correct_ratio(&measurement), 1.0, "{style}");
        let tried = measurement.timeouts().max().expect("lookups were counted");
        assert!(tried > 0, "{style}: somebody met a dead node");
    }
}

/// Who does not forward makes lookups through it fail: the more there are, the more of them.
#[test]
fn freeloaders_that_do_not_forward_cost_others_their_answers() {
    for style in STYLES {
        let run = |share: f64| {
            let freeloaders = format!("freeloaders: {{share: {share}, strategy: no-forward}}");
            correct_ratio(&simulate(&world(&freeloaders, style), 1))
        };
        let ratios = [0.0, 0.1, 0.25].map(run);
        assert_eq!(ratios[0], 1.0, "{style}");
        // A path of 64 nodes has two nodes in between that forward, or fewer.
        assert!(ratios[1] < 0.95 && ratios[1] > 0.75, "{style}: {ratios:?}");
        assert!(ratios[2] < ratios[1] - 0.05 && ratios[2] > 0.5, "{style}: {ratios:?}");
    }
}

/// Who is back has joined within moments, and has published what it holds: from then on, lookups
/// end as if nothing had happened. Meanwhile, what only the dead held is not to be had.
#[test]
fn lookups_recover_when_the_dead_come_back() {
    for style in STYLES {
        let yaml = format!(
            "nodes: 64
warm_up: 20s
workload: {{items: 200, searches: 4000, rate: 200/s}}
faults: [{{at: 24s, share: 0.25, back_after: 4s}}]
overlays:
  chord: {{{style}}}
"
        );
        let measurement = simulate(&yaml, 1);
        let timeline = measurement.timeline().expect("lookups were counted");
        let wrong = |second: usize| timeline.incorrect[second] + timeline.failed[second];
        assert_eq!((0..3).map(wrong).sum::<u64>(), 0, "{style}: before");
        assert!((4..8).all(|second| wrong(second) > 10), "{style}: {timeline:?}");
        assert_eq!((11..20).map(wrong).sum::<u64>(), 0, "{style}: {timeline:?}");
        assert_eq!(simulate(&yaml, 1).timeline(), Some(timeline), "{style}: the same again");
    }
}

fn digest(seed: u64) -> String {
    let yaml = "nodes: 32
founders: 9
workload: {items: 50, searches: 500, rate: 100/s, fetch: true}
faults: [{at: 14s, action: kill, share: 0.1}, {at: 15s, action: leave, share: 0.1}]
overlays:
  chord: {storage: {keep: value}}
";
    let key = Key {
        overlay: "chord".to_owned(),
        scenario: "digest".to_owned(),
        driver: Driver::Simulator,
        n: 32,
        seed,
        round: 0,
    };
    let record = RunRecord::new(key, String::new(), Status::Ok, &simulate(yaml, seed));
    record.trace_digest.expect("the simulator is exact")
}

/// A changed digest is a changed behaviour: mean it, and pin the new one.
#[test]
fn a_run_is_the_same_every_time_and_on_every_machine() {
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    insta::assert_snapshot!(digest(1), @"44c8c2fe631e8534");
}

/// A node that sets a timer for the same instant again and again would never let time go on.
#[test]
fn periods_that_leave_no_time_are_refused() {
    let complaint = |chord: &str| {
        let yaml = format!("nodes: 8\noverlays: {{chord: {{{chord}}}}}");
        let document = Document::parse("test", &yaml).expect("the test's YAML is well-formed");
        let config = document.overlay_config(Chord::NAME).expect("it can be read");
        let (field, message) = Chord::check(&config, 8).expect_err("it makes no sense");
        format!("{field}: {message}")
    };
    let wrong = [
        "stabilize_every: 0s",
        "settle_every: 0s",
        "reunite_every: 1us",
        "storage: {republish_every: 0s}",
        "storage: {offer_every: 0s}",
        "storage: {republish_every: 10s, expire_after: 15s}",
    ];
    insta::assert_snapshot!(wrong.map(complaint).join("\n"), @"
    stabilize_every: 0ns would keep a node busy: use 1ms or more
    settle_every: 0ns would keep a node busy: use 1ms or more
    reunite_every: 1us would keep a node busy: use 1ms or more
    storage.republish_every: 0ns would keep a node busy: use 1ms or more
    storage.offer_every: 0ns would keep a node busy: use 1ms or more
    storage.expire_after: 15s is over before items are published again: 10s ±50 %
    ");
}
