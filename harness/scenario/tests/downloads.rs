//! Everybody downloads everything, once; certain nodes publish, and certain nodes have certain links.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Command, NodeId, Time};
use peerbench_scenario::{Document, Due, World, builtin};

fn world(yaml: &str, seed: u64) -> World {
    World::new(&Document::parse("test", yaml).unwrap().scenario().unwrap(), seed).unwrap()
}

fn searches(world: &World) -> Vec<Due> {
    let is_search = |due: &Due| matches!(due.command, Command::Search { .. });
    world.timetable().filter(is_search).collect()
}

fn downloads(arrivals: &str) -> World {
    world(
        &format!(
            "
nodes: 2000
start: converged
workload:
  items: 2
  publishers: [3, 1999]
  downloads: {{arrivals: {arrivals}, over: 100s}}
  fetch: true
"
        ),
        1,
    )
}

#[test]
fn everybody_searches_once_for_what_it_does_not_publish() {
    for arrivals in ["flash-crowd", "poisson", "staggered"] {
        let world = downloads(arrivals);
        let publishers: BTreeSet<NodeId> = world.publishers().map(|(_, node)| node).collect();
        assert_eq!(publishers, BTreeSet::from([NodeId(3), NodeId(1_999)]));
        assert_eq!(world.publishers().count(), 4);
        let searches = searches(&world);
        assert_eq!(searches.len(), 2 * 1_998);
        assert_eq!(world.operations().searches.len(), searches.len());
        assert_eq!(world.operations().fetches.len(), searches.len());
        let mut pairs = BTreeSet::new();
        for (due, number) in searches.iter().zip(world.operations().searches.clone()) {
            let Command::Search { op, key } = due.command else { panic!("{due:?}") };
            assert_eq!(op.0, number);
            assert!(!publishers.contains(&due.node));
            assert!(pairs.insert((due.node, key)), "{due:?} comes twice");
        }
        assert!(searches.is_sorted_by_key(|due| due.at));
        assert_eq!(searches.last().map(|due| due.at), Some(world.last_search()));
        let nodes: Vec<NodeId> = searches.iter().map(|due| due.node).collect();
        assert!(!nodes.is_sorted(), "who comes first is drawn");
    }
}

#[test]
fn a_crowd_comes_within_its_time_and_others_one_by_one() {
    let after = |world: &World| -> Vec<f64> {
        let from = world.searches_from();
        searches(world).iter().map(|due| due.at.since(from).as_secs_f64()).collect()
    };
    let (crowd, poisson) = (after(&downloads("flash-crowd")), after(&downloads("poisson")));
    assert!(crowd[0] > 0.0 && crowd[crowd.len() - 1] < 100.0);
    let early = crowd.iter().filter(|&&after| after < 25.0).count() as f64;
    assert!((early - 999.0).abs() < 6.0 * 750.0_f64.sqrt(), "{early} of 3,996 in a quarter");
    let gaps = poisson.windows(2).map(|pair| pair[1] - pair[0]);
    let mean = gaps.clone().sum::<f64>() / gaps.len() as f64;
    let square = gaps.clone().map(|gap| gap * gap).sum::<f64>() / gaps.len() as f64;
    assert!((mean * 39.96 - 1.0).abs() < 0.1, "{mean}");
    assert!((square / mean / mean - 2.0).abs() < 0.3, "exponential: the square's mean is 2 mean²");
    let staggered = after(&downloads("staggered"));
    assert!((0..staggered.len()).all(|index| {
        (staggered[index] - 100.0 * index as f64 / staggered.len() as f64).abs() < 1e-6
    }));
}

#[test]
fn listed_nodes_have_their_links_and_the_others_their_shares() {
    let world = world(
        "
nodes: 12
network:
  capacities:
    - {nodes: [0, 11], up: 2MB/s, down: 0bit/s}
    - {share: 0.3, up: 1MB/s, down: 0bit/s}
    - {share: 0.7, up: 3MB/s, down: 0bit/s}
",
        5,
    );
    let with = |up| {
        let nodes = (0..12).filter(|&node| world.uplink(NodeId(node)) == BitRate(up));
        nodes.collect::<Vec<u32>>()
    };
    assert_eq!(with(16_000_000), [0, 11]);
    assert_eq!((with(8_000_000).len(), with(24_000_000).len()), (3, 7));
}

#[test]
fn all_nodes_may_be_listed() {
    let yaml = "{nodes: 2, network: {capacities: [{nodes: [1, 0], up: 2MB/s}]}}";
    let world = world(yaml, 5);
    assert!((0..2).all(|node| world.uplink(NodeId(node)) == BitRate(16_000_000)));
}

#[test]
fn the_built_in_swarm_is_the_set_up_in_which_clients_were_measured() {
    let scenario = builtin("swarm").unwrap().scenario().unwrap();
    let world = World::new(&scenario, 1).unwrap();
    assert_eq!(world.uplink(NodeId(0)), BitRate(16_000_000));
    assert!((1..21).all(|node| world.uplink(NodeId(node)) == BitRate(8_000_000)));
    let (item, seed) = world.publishers().next().unwrap();
    assert_eq!((seed, item.blob.length), (NodeId(0), 64 << 20));
    assert_eq!(searches(&world).len(), 20);
    assert!(world.last_search() < Time::ZERO + Duration::from_secs(6));
}
