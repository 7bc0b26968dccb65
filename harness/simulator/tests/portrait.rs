//! Portraits: everything that a search caused, nothing else, and no trace of them in the run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use overlay_bittorrent::{Bittorrent, Trackerless};
use overlay_chord::Chord;
use overlay_core::Overlay;
use overlay_flooding::Flooding;
use overlay_tracker::Tracker;
use peerbench_measure::{Portrait, PortraitMessage, PortraitSearch};
use peerbench_simulator::{Laboratory, portray};

const WORLD: &str = "
nodes: 64
join: {over: 5s}
warm_up: 20s
network: {uniform_round_trip: 20ms}
workload: {items: 64, searches: 50, rate: 20/s}
";

fn portrait<O: Overlay>(yaml: &str) -> Option<Portrait> {
    let laboratory = Laboratory::<O>::new(yaml, 1).unwrap();
    portray::<O>(&laboratory.scenario, &laboratory.config, 1, &AtomicBool::new(false)).unwrap()
}

fn of<O: Overlay>() -> Portrait {
    let portrait = portrait::<O>(WORLD).unwrap();
    assert_eq!((portrait.at_us, portrait.nodes.len()), (20_000_000, 64));
    let nodes: BTreeSet<u32> = portrait.nodes.iter().map(|node| node.node).collect();
    assert!(portrait.links.is_sorted());
    assert!(portrait.links.iter().all(|(a, b)| nodes.contains(a) && nodes.contains(b) && a != b));
    assert_eq!(portrait.searches.len(), Portrait::SEARCHES);
    for search in &portrait.searches {
        assert!(search.messages.is_sorted_by_key(|message| message.sent_us));
        assert!(search.messages.iter().all(|message| message.received_us >= message.sent_us));
        assert!(!search.cut);
    }
    portrait
}

/// The nodes that a search went through, as far as each message begins where the last one ended.
fn path(search: &PortraitSearch, kind: &str) -> Vec<u32> {
    let mut path = vec![search.searcher];
    let its = |message: &&PortraitMessage| message.kind == kind;
    for message in search.messages.iter().filter(its) {
        assert_eq!(path.last(), Some(&message.from));
        path.push(message.to);
    }
    path
}

#[test]
fn a_search_in_a_ring_goes_there_and_back() {
    let portrait = of::<Chord>();
    assert!(portrait.nodes.iter().all(|node| (0.0..1.0).contains(&node.position.unwrap())));
    for search in &portrait.searches {
        let there = path(search, "find successor");
        assert_eq!(there.len(), 1 + usize::from(search.hops.unwrap()));
        assert_eq!(there.last().copied(), search.answered_by);
        assert_eq!(search.messages.len(), 2 * (there.len() - 1));
        // The answer came back to who asked, over links of 10 ms each.
        let last = search.messages.last();
        assert_eq!(last.map_or(search.searcher, |message| message.to), search.searcher);
        assert_eq!(search.latency_us.unwrap(), 10_000 * search.messages.len() as u64);
        // Whoever answers is the first at or after the key.
        let place = |node: u32| portrait.nodes[node as usize].position.unwrap();
        let key = search.key_position.unwrap();
        let after = |node: u32| (place(node) - key).rem_euclid(1.0);
        let nearest = (0..64).min_by(|a, b| after(*a).total_cmp(&after(*b))).unwrap();
        assert_eq!(search.answered_by, Some(nearest));
    }
}

#[test]
fn a_flood_is_followed_to_its_end() {
    let portrait = of::<Flooding>();
    assert!(portrait.nodes.iter().all(|node| node.position.is_none()));
    for search in &portrait.searches {
        assert_eq!(search.key_position, None);
        let heard: BTreeSet<u32> = search.messages.iter().map(|message| message.to).collect();
        assert_eq!(heard.len(), 64, "copies come back to the searcher, too");
        let links: BTreeSet<(u32, u32)> = portrait.links.iter().copied().collect();
        assert!(search.messages.iter().all(|message| links.contains(&(message.from, message.to))));
    }
}

#[test]
fn a_search_at_a_tracker_is_two_messages() {
    for search in of::<Tracker>().searches {
        let kinds: Vec<&str> = search.messages.iter().map(|message| &*message.kind).collect();
        assert_eq!((kinds, search.hops), (vec!["search", "found"], Some(1)));
    }
}

#[test]
fn every_overlay_can_sit() {
    of::<Bittorrent>();
    let trackerless = of::<Trackerless<overlay_chord::Router>>();
    assert!(trackerless.nodes.iter().all(|node| node.position.is_some()));
}

#[test]
fn large_networks_silent_ones_and_those_that_were_stopped_have_no_portrait() {
    let with = |change: &str| portrait::<Chord>(&[WORLD, change].concat());
    let nodes =
        |nodes: u32| WORLD.replace("nodes: 64", &format!("nodes: {nodes}\nstart: converged"));
    assert!(portrait::<Chord>(&nodes(256)).is_some());
    assert_eq!(portrait::<Chord>(&nodes(257)), None);
    assert_eq!(portrait::<Chord>(&WORLD.replace("searches: 50", "searches: 0")), None);
    assert!(with("faults: [{at: 1s, action: kill, nodes: [3]}]").unwrap().nodes.len() == 63);

    let laboratory = Laboratory::<Chord>::new(WORLD, 1).unwrap();
    let (scenario, config) = (&laboratory.scenario, &laboratory.config);
    assert_eq!(portray::<Chord>(scenario, config, 1, &AtomicBool::new(true)).unwrap(), None);
}

#[test]
fn the_same_seed_gives_the_same_portrait() {
    assert_eq!(portrait::<Flooding>(WORLD), portrait::<Flooding>(WORLD));
}
