//! Nodes that fail or do not do their part; and runs that can be repeated to the bit.
mod common;

use common::{assert_sound, item, laboratory, simulate};
use overlay_core::{NodeId, Purpose, Random};
use peerbench_measure::{Driver, Key, Measurement, RunRecord, Status};

/// 64 nodes that have settled; 1,000 searches in ten seconds from 20 s on, for items of which there
/// are three copies each.
fn world(rest: &str, flooding: &str) -> String {
    format!(
        "nodes: 64
start: converged
warm_up: 20s
network: {{handshake_round_trips: 0.0}}
workload: {{items: 64, copies: 3, searches: 1000, rate: 100/s}}
{rest}
overlays:
  flooding: {{{flooding}}}
"
    )
}

fn correct_ratio(measurement: &Measurement) -> f64 {
    measurement.hops().count() as f64 / measurement.searches() as f64
}

const STYLES: [&str; 3] =
    ["search: flood", "search: expanding-ring", "search: random-walk, walkers: 32"];

#[test]
fn without_faults_everything_is_found() {
    for style in STYLES {
        let ratio = correct_ratio(&simulate(&world("", style), 1));
        assert!(ratio > 0.99, "{style}: {ratio}");
    }
}

/// Half of the nodes are killed at once: the others find each other again.
#[test]
fn links_to_the_dead_are_replaced() {
    for share in [3, 2] {
        let yaml = "nodes: 200
start: converged
network: {handshake_round_trips: 0.0}
overlays: {flooding: {ttl: 12}}
";
        let setting = laboratory(yaml, 1);
        let mut network = setting.settled_network();
        let mut random = Random::stream(1, Purpose::Churn, 7);
        for node in (0..200).map(NodeId) {
            if random.below(share) == 0 {
                network.simulation.kill(node);
            }
        }
        network.wait(60);
        assert_sound(&network);
        let live: Vec<NodeId> = network.simulation.live().map(|(node, _)| node).collect();
        assert!(network.publish(live[0], item("apple")));
        let found = live.iter().filter(|&&node| network.search(node, item("apple").key).is_some());
        assert_eq!({ found }.count(), live.len());
    }
}

/// A frozen node is found out by its silence, and a flood does not wait for it.
#[test]
fn floods_go_round_frozen_nodes() {
    for at in ["5s", "20s"] {
        let freeze = format!("faults: [{{at: {at}, action: freeze, share: 0.125}}]");
        let ratio = correct_ratio(&simulate(&world(&freeze, "search: flood"), 1));
        assert!(ratio > 0.98, "frozen at {at}: {ratio}");
    }
}

/// Adar and Huberman 2000: two thirds share nothing. An item is found if one of its three publishers
/// shares: 1 − 0.67³ = 0.70 of them; three standard deviations of 64 items are 0.17.
#[test]
fn freeloaders_that_share_nothing_publish_nothing() {
    let freeloaders = "freeloaders: {share: 0.67, strategy: no-share}";
    let measurement = simulate(&world(freeloaders, "search: flood"), 1);
    let ratio = correct_ratio(&measurement);
    assert!((ratio - 0.70).abs() < 0.17, "{ratio}");
}

/// Who does not forward narrows floods; there are other ways, until there are too few.
#[test]
fn freeloaders_that_do_not_forward_narrow_floods() {
    let run = |share: f64| {
        let freeloaders = format!("freeloaders: {{share: {share}, strategy: no-forward}}");
        correct_ratio(&simulate(&world(&freeloaders, "search: flood"), 1))
    };
    let ratios = [0.0, 0.25, 0.9].map(run);
    assert!(ratios[1] > 0.9, "{ratios:?}");
    assert!(ratios[2] < ratios[1] - 0.1, "{ratios:?}");
}

fn digest(seed: u64) -> String {
    let yaml = "nodes: 32
founders: 9
network: {capacities: [{share: 0.5, up: 50Mbit/s, down: 50Mbit/s}, {share: 0.5, up: 1Mbit/s, down: 9Mbit/s}]}
workload: {items: 50, searches: 500, rate: 100/s, fetch: true}
faults: [{at: 14s, action: kill, share: 0.1}, {at: 15s, action: leave, share: 0.1}]
overlays:
  flooding: {super_peers: {}}
";
    let key = Key {
        overlay: "flooding".to_owned(),
        scenario: "digest".to_owned(),
        driver: Driver::Simulator,
        n: 32,
        seed,
        round: 0,
    };
    let record = RunRecord::new(key, String::new(), Status::Ok, &simulate(yaml, seed));
    record.trace_digest.expect("the simulator is exact")
}

#[test]
fn a_run_is_the_same_every_time() {
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
