//! The least time in which everybody could have everything, against cases computed by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use overlay_core::NodeId;
use peerbench_scenario::{Document, World};

fn world(nodes: u32, capacities: &str, workload: &str, rest: &str) -> World {
    let yaml = format!(
        "
nodes: {nodes}
start: converged
network: {{uniform_round_trip: 20ms, capacities: [{capacities}]}}
workload: {{{workload}, fetch: true, downloads: {{arrivals: flash-crowd, over: 1s}}}}
{rest}
"
    );
    World::new(&Document::parse("test", yaml.as_str()).unwrap().scenario().unwrap(), 1).unwrap()
}

fn bound(nodes: u32, capacities: &str, workload: &str, rest: &str) -> Option<Duration> {
    world(nodes, capacities, workload, rest).distribution_bound()
}

const ONE: &str = "items: 1, item_size: 12MB, publishers: [0]";

#[test]
fn the_seed_s_uplink_bounds_a_few_fast_leechers() {
    // 12 MB from 2 MB/s once: 6 s; in all 3 × 12 MB over 2 + 3 × 10 MB/s: 1.1 s.
    let links = "{nodes: [0], up: 2MB/s, down: 0bit/s}, {share: 1.0, up: 10MB/s, down: 0bit/s}";
    assert_eq!(bound(4, links, ONE, ""), Some(Duration::from_secs(6)));
}

#[test]
fn the_slowest_downlink_bounds_who_is_behind_it() {
    let links = "{nodes: [0], up: 20MB/s, down: 0bit/s}, {nodes: [1], up: 10MB/s, down: 1MB/s}, \
                 {share: 1.0, up: 10MB/s, down: 50MB/s}";
    assert_eq!(bound(4, links, ONE, ""), Some(Duration::from_secs(12)));
}

#[test]
fn all_uplinks_together_bound_many_leechers() {
    // 10 × 12 MB over 2 + 10 × 1 MB/s.
    let links = "{nodes: [0], up: 2MB/s, down: 0bit/s}, {share: 1.0, up: 1MB/s, down: 0bit/s}";
    assert_eq!(bound(11, links, ONE, ""), Some(Duration::from_secs(10)));
}

#[test]
fn several_items_must_leave_their_publishers_all_of_them() {
    // Two publishers of 2 MB/s each send five items once: 60 MB over 4 MB/s.
    let links = "{nodes: [0, 1], up: 2MB/s, down: 0bit/s}, {share: 1.0, up: 90MB/s, down: 0bit/s}";
    let items = "items: 5, item_size: 12MB, publishers: [0, 1]";
    assert_eq!(bound(4, links, items, ""), Some(Duration::from_secs(15)));
}

#[test]
fn the_bound_is_of_contributors_and_counts_on_nobody_who_gives_nothing() {
    // Half of 20 leechers and a seed is 10 or 11 freeloaders; the seed gives whatever it is.
    let links = "{nodes: [0], up: 2MB/s, down: 0bit/s}, {share: 1.0, up: 1MB/s, down: 0bit/s}";
    let nodes = 21;
    let of = |strategy: &str| {
        let rest = format!("freeloaders: {{share: 0.5, strategy: {strategy}}}");
        let world = world(nodes, links, ONE, &rest);
        let honest = |node: &NodeId| world.conduct(*node) == overlay_core::Conduct::Contributor;
        let leechers = (1..nodes).map(NodeId).filter(honest).count() as f64;
        (world.distribution_bound().unwrap().as_secs_f64(), leechers)
    };
    let close = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}")
    };
    let (bound, honest) = of("no-upload");
    close(bound, 12.0 * honest / (2.0 + honest));
    let (bound, honest) = of("no-forward");
    close(bound, (12.0_f64 / 2.0).max(12.0 * honest / 22.0));
}

#[test]
fn what_is_unlimited_bounds_nobody() {
    assert_eq!(bound(4, "", ONE, ""), None);
    let links = "{nodes: [0], up: 0bit/s, down: 0bit/s}, {share: 1.0, up: 1MB/s, down: 3MB/s}";
    assert_eq!(bound(4, links, ONE, ""), Some(Duration::from_secs(4)));
    let by_chance =
        World::new(&Document::parse("test", "nodes: 4").unwrap().scenario().unwrap(), 1);
    assert_eq!(by_chance.unwrap().distribution_bound(), None);
}

#[test]
fn publishers_are_known_by_their_numbers() {
    let world = world(9, "", "items: 5, item_size: 1kB, publishers: [2, 7]", "");
    let publishers: Vec<u32> = (0..10).filter(|node| world.is_publisher(NodeId(*node))).collect();
    assert_eq!(publishers, [2, 7]);
    assert_eq!(world.downloads_due(), 7 * 5);
}
