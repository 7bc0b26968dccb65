//! Whatever arrives where there is no tracker, a node lives on, its state stays bounded, and a swarm
//! that is under way comes to its end.
mod gathering;

use gathering::{Gathering, Trackerless, seconds};
use overlay_bittorrent::{BittorrentMessage, Metainfo, PeerId, Reason, Tag, TrackerlessMessage};
use overlay_chord::{Body, ChordMessage, Claim, Payload};
use overlay_core::dht::{DhtMessage, Record, Request, StorageMessage};
use overlay_core::{Input, Key, Message as _, NodeId, Overlay, wire};
use peerbench_simulator::Laboratory;
use proptest::collection::vec;
use proptest::prelude::*;

const NODES: u32 = 6;

const SWARM: &str = "
nodes: 6
network:
  uniform_round_trip: 50ms
  capacities: [{share: 1.0, up: 100kB/s, down: 0bit/s}]
overlays:
  bittorrent-dht:
    swarm: {piece_length: 32KiB, max_peers: 5, max_initiate: 5}
    metainfo_timeout: 1s
";

type Message = <Trackerless as Overlay>::Message;

fn laboratory() -> Laboratory<Trackerless> {
    Laboratory::new(SWARM, 1).expect("the scenario is sound")
}

/// The one that is fetched, and another one.
fn key() -> impl Strategy<Value = Key> {
    prop_oneof![Just(Key::of(b"the item")), Just(Key([9; 20]))]
}

fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![4 => 0..NODES, 1 => any::<u32>()].prop_map(NodeId)
}

fn metainfo() -> impl Strategy<Value = Option<Metainfo>> {
    let piece_length = prop_oneof![Just(32 << 10), any::<u32>()];
    let metainfo = (any::<u64>(), any::<u32>(), piece_length)
        .prop_map(|(content, length, piece_length)| Metainfo { content, length, piece_length });
    proptest::option::of(metainfo)
}

fn of_the_table() -> impl Strategy<Value = DhtMessage<ChordMessage>> {
    let request = prop_oneof![
        Just(Request::Search),
        node().prop_map(|than| Request::OtherHolder { than }),
        node().prop_map(|holder| Request::RemovePointer { holder }),
        node().prop_map(|holder| Request::PutPointer { holder }),
    ];
    let claim = prop_oneof![Just(Claim::Closer), Just(Claim::Successor), Just(Claim::Survivor)];
    let route = (key(), request, claim).prop_map(|(key, request, claim)| {
        let payload = Payload::Request(request);
        let body = Body::Route { token: 7, key, payload, claim, hops: 1, timeouts: 0 };
        DhtMessage::Routing(ChordMessage { to: 0, body })
    });
    let store =
        (key(), vec(node(), 0..40), any::<bool>()).prop_map(|(key, holders, responsible)| {
            let record = Record::Pointer(holders.into());
            DhtMessage::Storage(StorageMessage::Store { key, record, responsible })
        });
    let remove = (key(), node())
        .prop_map(|(key, holder)| DhtMessage::Storage(StorageMessage::Remove { key, holder }));
    prop_oneof![route, store, remove]
}

fn of_swarms() -> impl Strategy<Value = BittorrentMessage> {
    let names = || vec(node(), 0..60);
    prop_oneof![
        (key(), names(), names()).prop_map(|(key, added, dropped)| {
            BittorrentMessage::Pex { tag: Tag::of(&key), added, dropped }
        }),
        (key(), 0..3_u32, any::<bool>()).prop_map(|(key, name, is_reply)| {
            BittorrentMessage::Handshake { key, name: PeerId(name), is_reply }
        }),
        (key(), metainfo()).prop_map(|(key, metainfo)| {
            BittorrentMessage::Announce { key, reason: Reason::Started, left: 1, metainfo }
        }),
        (key(), names(), metainfo()).prop_map(|(key, peers, metainfo)| {
            BittorrentMessage::Peers { key, reason: Reason::Regular, peers, seeds: 1, metainfo }
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        of_the_table().prop_map(TrackerlessMessage::Dht),
        of_swarms().prop_map(TrackerlessMessage::Swarm),
        key().prop_map(|key| TrackerlessMessage::AskMetainfo { key }),
        (key(), metainfo())
            .prop_map(|(key, metainfo)| TrackerlessMessage::Metainfo { key, metainfo }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_stops_a_node_or_fills_it(
        deliveries in vec((node(), 0..NODES, message(), 0..300_u64), 1..60),
    ) {
        let laboratory = laboratory();
        let mut gathering = Gathering::new(&laboratory);
        gathering.publish(NodeId(1), 300_000);
        (2..4).for_each(|node| gathering.fetch_from(NodeId(node), NodeId(1)));
        for (from, to, message, wait) in deliveries {
            let input = Input::Message { from, message };
            let network = &mut gathering.network;
            network.simulation.give(NodeId(to), input, &mut network.told);
            gathering.wait(std::time::Duration::from_millis(wait));
            gathering.check();
            for (id, node) in gathering.network.simulation.live() {
                let state = node.state(&laboratory.config);
                prop_assert!(state.links < 20 && state.entries <= 2, "{id}: {state:?}");
            }
        }
        gathering.wait(seconds(100));
        gathering.check();
    }

    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        let mut bytes = Vec::new();
        wire::encode(&message, &mut bytes);
        prop_assert_eq!(bytes.len() as u32, wire::length(&message));
        let read: Message = wire::decode(&bytes).expect("it is whole");
        prop_assert_eq!(read.class(), message.class());
        prop_assert_eq!(format!("{read:?}"), format!("{message:?}"));
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::decode::<Message>(&bytes) {
            prop_assert!(message.blob().is_none_or(|blob| blob.length as usize <= bytes.len()));
        }
    }
}
