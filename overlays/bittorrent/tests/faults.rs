//! Peers that go, and bytes that are not what they should be.
mod common;

use std::time::Duration;

use common::{Network, Setting};
use overlay_bittorrent::{BLOCK, BittorrentMessage, Tag};
use overlay_core::{Blob, Input, NodeId, Time};

const SWARM: &str = "
nodes: 11
start: converged
warm_up: 3s
network:
  uniform_round_trip: 40ms
  capacities:
    - {nodes: [0], up: 1MB/s, down: 0bit/s}
    - {share: 1.0, up: 500kB/s, down: 0bit/s}
workload: {items: 1, item_size: 8MiB, publishers: [0], downloads: {over: 1s}, fetch: true, timeout: 1h}
overlays:
  bittorrent: {piece_length: 64KiB}
";

/// Runs until every piece is at some leecher, or at none.
fn run_until_out(network: &mut Network<'_>, setting: &Setting, out: bool) {
    let key = setting.key();
    let is_out = |network: &Network<'_>, piece| {
        let leechers = (1..11).filter_map(|node| network.swarm(NodeId(node), &key));
        leechers.into_iter().any(|swarm| swarm.have().has(piece))
    };
    let end = if out { 100 } else { 6 };
    while network.simulation.now() < Time::ZERO + Duration::from_secs(end) {
        network.run_until(network.simulation.now() + Duration::from_millis(100));
        if out && (0..128).all(|piece| is_out(network, piece)) {
            return;
        }
    }
    assert!(!out, "pieces stay at the seed");
}

/// The tracker is on the seed's host: both are gone at once.
#[test]
fn a_swarm_that_has_all_pieces_needs_neither_seed_nor_tracker() {
    let setting = Setting::new(SWARM, 1);
    let mut network = setting.network();
    run_until_out(&mut network, &setting, true);
    assert_eq!(network.told.done.len(), 0, "nobody has everything by itself");
    network.simulation.kill(NodeId(0));
    network.run_until_done(10, Duration::from_secs(300));
    assert_eq!(network.told.done.len(), 10);
    network.check();
}

/// What only the seed had is gone; everybody has all that anybody has, and waits for the rest.
#[test]
fn a_seed_that_leaves_too_early_leaves_everybody_waiting() {
    let setting = Setting::new(SWARM, 1);
    let mut network = setting.network();
    run_until_out(&mut network, &setting, false);
    network.simulation.kill(NodeId(0));
    network.run_until(Time::ZERO + Duration::from_secs(300));
    assert_eq!(network.told.done.len(), 0);
    let key = setting.key();
    let have = (1..11).map(|node| network.swarm(NodeId(node), &key).expect("it takes part").have());
    let counts: Vec<u32> = have.map(|have| have.count()).collect();
    assert!(counts[0] > 10 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    network.check();
}

#[test]
fn leechers_that_go_are_made_up_for() {
    let setting = Setting::new(SWARM, 2);
    let mut network = setting.network();
    for (second, node) in [(5, 3), (7, 8), (9, 1)] {
        network.run_until(Time::ZERO + Duration::from_secs(second));
        network.simulation.kill(NodeId(node));
    }
    network.run_until_done(7, Duration::from_secs(300));
    assert_eq!(network.told.done.len(), 7);
    network.run_until(network.simulation.now() + Duration::from_secs(60));
    assert_eq!(network.simulation.node(NodeId(0)).tracker().map(|it| it.records()), Some(8));
    network.check();
}

/// A block that was asked for comes with bytes that are not the content's: its piece is not accepted,
/// is counted, and is fetched again.
#[test]
fn a_corrupt_piece_is_fetched_again() {
    let setting = Setting::new(SWARM, 1);
    let (key, victim, liar) = (setting.key(), NodeId(4), NodeId(0));
    let mut network = setting.network();
    let tag = Tag::of(&key);
    while network.swarm(victim, &key).is_none_or(|swarm| swarm.corrupt_pieces() == 0) {
        network.run_until(network.simulation.now() + Duration::from_millis(50));
        assert!(network.simulation.now() < Time::ZERO + Duration::from_secs(20), "none was taken");
        for (piece, begin) in (0..128).flat_map(|piece| [0, BLOCK].map(|begin| (piece, begin))) {
            let block = Blob { intact: false, ..Blob::new(1, BLOCK) };
            let message = BittorrentMessage::Piece { tag, piece, begin, block };
            let input = Input::Message { from: liar, message };
            network.simulation.give(victim, input, &mut network.told);
        }
    }
    network.run_until_done(10, Duration::from_secs(300));
    assert_eq!(network.told.done.len(), 10);
    assert!(network.told.dropped > 0);
    network.check();
}
