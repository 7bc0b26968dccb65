//! Whatever arrives, a node lives on and its state stays bounded: messages of any content, in any
//! order, from anybody, in the middle of a download.
mod common;

use std::time::Duration;

use common::{Network, Setting};
use overlay_bittorrent::{BLOCK, BittorrentMessage, Metainfo, PeerId, Reason, Tag};
use overlay_core::{
    Blob, Command, Input, Key, Message as _, NodeId, OpId, Overlay as _, Time, wire,
};
use proptest::collection::vec;
use proptest::prelude::*;

const NODES: u32 = 6;
const MOST_PEERS: usize = 4;

const SWARM: &str = "
nodes: 6
start: converged
warm_up: 2s
network:
  uniform_round_trip: 50ms
  capacities: [{share: 1.0, up: 100kB/s, down: 0bit/s}]
workload: {items: 2, item_size: 300kB, publishers: [0], downloads: {over: 1s}, fetch: true, timeout: 1h}
overlays:
  bittorrent: {piece_length: 32KiB, max_peers: 4, max_initiate: 3, max_requests: 8, pex: true}
";

fn keys() -> Vec<Key> {
    let setting = Setting::new(SWARM, 1);
    let mut keys: Vec<Key> = setting.world.publishers().map(|(item, _)| item.key).collect();
    keys.push(Key([9; 20]));
    keys
}

/// Mostly somebody who exists, sometimes not.
fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![4 => 0..NODES, 1 => any::<u32>()].prop_map(NodeId)
}

fn key() -> impl Strategy<Value = Key> {
    prop::sample::select(keys())
}

fn tag() -> impl Strategy<Value = Tag> {
    key().prop_map(|key| Tag::of(&key))
}

/// Mostly a number that there is, sometimes not.
fn piece() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..11_u32, 1 => any::<u32>()]
}

fn begin() -> impl Strategy<Value = u32> {
    prop_oneof![8 => (0..3_u32).prop_map(|block| block * BLOCK), 1 => any::<u32>()]
}

fn metainfo() -> impl Strategy<Value = Option<Metainfo>> {
    let lengths = prop_oneof![4 => Just(300_000_u32), 1 => any::<u32>()];
    let pieces = prop_oneof![4 => Just(2 * BLOCK), 1 => any::<u32>(), 1 => Just(0)];
    let some = (0..3_u64, lengths, pieces).prop_map(|(content, length, piece_length)| Metainfo {
        content,
        length,
        piece_length,
    });
    prop::option::of(some)
}

fn reason() -> impl Strategy<Value = Reason> {
    let all = vec![Reason::Regular, Reason::Started, Reason::Completed, Reason::Stopped];
    prop::sample::select(all)
}

fn about_peers() -> impl Strategy<Value = BittorrentMessage> {
    prop_oneof![
        (key(), reason(), any::<u32>(), metainfo()).prop_map(|(key, reason, left, metainfo)| {
            BittorrentMessage::Announce { key, reason, left, metainfo }
        }),
        (key(), reason(), vec(node(), 0..9), any::<u32>(), metainfo()).prop_map(
            |(key, reason, peers, seeds, metainfo)| BittorrentMessage::Peers {
                key,
                reason,
                peers,
                seeds,
                metainfo
            }
        ),
        (key(), 0..3_u32, any::<bool>()).prop_map(|(key, name, is_reply)| {
            BittorrentMessage::Handshake { key, name: PeerId(name), is_reply }
        }),
        tag().prop_map(|tag| BittorrentMessage::Close { tag }),
    ]
}

fn about_pieces() -> impl Strategy<Value = BittorrentMessage> {
    let bits = prop_oneof![vec(any::<u8>(), 0..4), Just(vec![0xff, 0xc0])];
    let block = (any::<u64>(), prop_oneof![Just(BLOCK), any::<u32>()], any::<bool>())
        .prop_map(|(content, length, intact)| Blob { content, length, intact });
    let length = || prop_oneof![4 => Just(BLOCK), 1 => any::<u32>()];
    prop_oneof![
        (tag(), bits).prop_map(|(tag, bits)| BittorrentMessage::Bitfield { tag, bits }),
        (tag(), piece()).prop_map(|(tag, piece)| BittorrentMessage::Have { tag, piece }),
        tag().prop_map(|tag| BittorrentMessage::HaveAll { tag }),
        tag().prop_map(|tag| BittorrentMessage::Choke { tag }),
        tag().prop_map(|tag| BittorrentMessage::Unchoke { tag }),
        tag().prop_map(|tag| BittorrentMessage::Interested { tag }),
        tag().prop_map(|tag| BittorrentMessage::NotInterested { tag }),
        (tag(), piece(), begin(), length()).prop_map(|(tag, piece, begin, length)| {
            BittorrentMessage::Request { tag, piece, begin, length }
        }),
        (tag(), piece(), begin(), block).prop_map(|(tag, piece, begin, block)| {
            BittorrentMessage::Piece { tag, piece, begin, block }
        }),
        (tag(), piece(), begin(), length()).prop_map(|(tag, piece, begin, length)| {
            BittorrentMessage::Cancel { tag, piece, begin, length }
        }),
        (tag(), vec(node(), 0..60), vec(node(), 0..60))
            .prop_map(|(tag, added, dropped)| BittorrentMessage::Pex { tag, added, dropped }),
    ]
}

fn message() -> impl Strategy<Value = BittorrentMessage> {
    prop_oneof![1 => about_peers(), 3 => about_pieces()]
}

/// What is done to a network.
#[derive(Clone, Debug)]
enum Deed {
    Deliver(NodeId, NodeId, BittorrentMessage),
    Search(NodeId, Key),
    Fetch(NodeId, Key, NodeId),
    Lose(NodeId, NodeId),
    Leave(NodeId),
    Wait(u32),
}

fn deed() -> impl Strategy<Value = Deed> {
    let someone = || (0..NODES).prop_map(NodeId);
    prop_oneof![
        20 => (node(), someone(), message())
            .prop_map(|(from, to, message)| Deed::Deliver(from, to, message)),
        1 => (someone(), key()).prop_map(|(node, key)| Deed::Search(node, key)),
        1 => (someone(), key(), someone()).prop_map(|(node, key, from)| Deed::Fetch(node, key, from)),
        2 => (someone(), someone()).prop_map(|(node, peer)| Deed::Lose(node, peer)),
        1 => someone().prop_map(Deed::Leave),
        5 => (0..15_000_u32).prop_map(Deed::Wait),
    ]
}

fn act(network: &mut Network<'_>, number: u32, deed: Deed) {
    // Numbers that the workload does not use.
    let op = OpId(1_000_000 + number);
    let (to, input) = match deed {
        Deed::Deliver(from, to, message) => (to, Input::Message { from, message }),
        Deed::Search(node, key) => (node, Input::Command(Command::Search { op, key })),
        Deed::Fetch(node, key, holder) => {
            (node, Input::Command(Command::Fetch { op, key, holder }))
        }
        Deed::Lose(node, peer) => (node, Input::PeerLost(peer)),
        Deed::Leave(node) => (node, Input::Command(Command::Leave { op })),
        Deed::Wait(milliseconds) => {
            let now = network.simulation.now();
            return network.run_until(now + Duration::from_millis(milliseconds.into()));
        }
    };
    network.simulation.give(to, input, &mut network.told);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_stops_a_node_or_fills_it(deeds in vec(deed(), 1..80)) {
        let setting = Setting::new(SWARM, 1);
        let mut network = setting.network();
        network.told.counts_only = true;
        network.run_until(Time::ZERO + Duration::from_secs(3));
        for (number, deed) in (0..).zip(deeds) {
            act(&mut network, number, deed);
            network.check();
            for (id, node) in network.simulation.live() {
                let state = node.state(&setting.config);
                prop_assert!(state.links as usize <= 3 * MOST_PEERS, "{}: {:?}", id, state);
                prop_assert!(id == NodeId(0) || state.entries == 0, "{}: {:?}", id, state);
            }
        }
        network.run_until(network.simulation.now() + Duration::from_secs(100));
        network.check();
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::decode::<BittorrentMessage>(&bytes) {
            prop_assert!(message.blob().is_none_or(|blob| blob.length as usize <= bytes.len()));
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        prop_assume!(message.blob().is_none_or(|blob| blob.length <= BLOCK));
        let mut bytes = Vec::new();
        wire::encode(&message, &mut bytes);
        prop_assert_eq!(bytes.len() as u32, wire::length(&message));
        let read: BittorrentMessage = wire::decode(&bytes).expect("it is whole");
        prop_assert_eq!(read.class(), message.class());
        if message.blob().is_none_or(|blob| blob.intact) {
            prop_assert_eq!(read, message);
        }
    }
}
