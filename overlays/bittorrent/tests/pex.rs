//! Peer exchange (BEP 11), in swarms with a tracker that names few.
mod common;

use std::time::Duration;

use common::{Network, Setting};
use overlay_bittorrent::{BittorrentMessage, MOST_NAMED, Tag};
use overlay_core::{Input, NodeId, Time};

const LEECHERS: u32 = 20;

/// A tracker that names one peer, and a seed that has room for a few.
fn setting(section: &str) -> Setting {
    let yaml = format!(
        "
nodes: 21
start: converged
warm_up: 3s
network:
  uniform_round_trip: 40ms
  capacities: [{{share: 1.0, up: 500kB/s, down: 0bit/s}}]
workload: {{items: 1, item_size: 8MiB, publishers: [0], downloads: {{over: 1s}}, fetch: true, timeout: 1h}}
overlays:
  bittorrent: {{piece_length: 64KiB, num_want: 1, announce_at_most_every: 1h, {section}}}
"
    );
    Setting::new(&yaml, 1)
}

/// How many peers each leecher has.
fn peers(network: &Network<'_>, setting: &Setting) -> Vec<usize> {
    let key = setting.key();
    let swarms = (1..=LEECHERS).filter_map(|node| network.swarm(NodeId(node), &key));
    swarms.map(|swarm| swarm.peers().count()).collect()
}

/// A peer of node 1.
fn peer(network: &Network<'_>, setting: &Setting) -> NodeId {
    let swarm = network.swarm(NodeId(1), &setting.key()).expect("it takes part");
    swarm.peers().next().expect("it has a peer")
}

#[test]
fn who_knows_one_peer_gets_to_know_all() {
    for (pex, most) in [(false, 4), (true, LEECHERS as usize)] {
        let setting = setting(&format!("pex: {pex}"));
        let mut network = setting.network();
        network.run_until(Time::ZERO + Duration::from_secs(6));
        let mut peers = peers(&network, &setting);
        peers.sort_unstable();
        assert_eq!(peers.len(), LEECHERS as usize);
        let median = peers[peers.len() / 2];
        assert!(if pex { median == most } else { median <= most }, "{pex}: {peers:?}");
        network.check();
    }
}

/// Who is refused for lack of room hears who else there is, and nobody dials the same peers again and
/// again.
#[test]
fn who_is_refused_finds_others() {
    let setting = setting("pex: true, max_peers: 6, max_initiate: 4, min_peers: 4");
    let mut network = setting.network();
    network.run_until(Time::ZERO + Duration::from_secs(6));
    let peers = peers(&network, &setting);
    assert!(peers.iter().all(|&peers| (2..=6).contains(&peers)), "{peers:?}");
    let before = network.simulation.delivered();
    network.run_until_done(LEECHERS as usize, Duration::from_secs(300));
    assert_eq!(network.told.done.len(), LEECHERS as usize);
    let pieces = u64::from(LEECHERS) * (8 << 20) / (16 << 10);
    let messages = network.simulation.delivered() - before;
    assert!(messages < 5 * pieces, "{messages} messages for {pieces} blocks");
    network.check();
}

#[test]
fn too_many_names_at_once_are_dropped() {
    let setting = setting("pex: true");
    let mut network = setting.network();
    network.run_until(Time::ZERO + Duration::from_secs(6));
    let (tag, from) = (Tag::of(&setting.key()), peer(&network, &setting));
    let before = network.told.dropped;
    let names = |count: usize| (0..count as u32).map(NodeId).collect::<Vec<_>>();
    for (added, dropped) in [(MOST_NAMED + 1, 0), (0, MOST_NAMED + 1), (MOST_NAMED, MOST_NAMED)] {
        let message = BittorrentMessage::Pex { tag, added: names(added), dropped: names(dropped) };
        let input = Input::Message { from, message };
        network.simulation.give(NodeId(1), input, &mut network.told);
    }
    assert_eq!(network.told.dropped - before, 2);
}

#[test]
fn where_it_is_not_wanted_nobody_listens_to_it() {
    let setting = setting("");
    let mut network = setting.network();
    network.run_until(Time::ZERO + Duration::from_secs(6));
    let (tag, from) = (Tag::of(&setting.key()), peer(&network, &setting));
    let before = network.told.dropped;
    let message = BittorrentMessage::Pex { tag, added: vec![NodeId(3)], dropped: Vec::new() };
    let input = Input::Message { from, message };
    network.simulation.give(NodeId(1), input, &mut network.told);
    assert_eq!(network.told.dropped - before, 1);
}
