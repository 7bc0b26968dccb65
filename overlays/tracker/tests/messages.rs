//! Whatever arrives, a node lives on and its state stays bounded: messages of any content, in any
//! order, from anybody, and bytes that were damaged on the way.
mod common;

use common::{Laboratory, item};
use overlay_core::{
    Blob, ExchangeMessage, Input, Key, Message as _, NodeId, OpId, Overlay as _, wire,
};
use overlay_tracker::{Layout, Record, Tracker, TrackerConfig, TrackerMessage};
use proptest::collection::vec;
use proptest::prelude::*;

const NODES: u32 = 8;
const MOST_RECORDS: u32 = 12;

/// Mostly somebody who exists, sometimes not.
fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![4 => 0..NODES, 1 => any::<u32>()].prop_map(NodeId)
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![(0..8_u64).prop_map(|number| item(number).key), any::<[u8; 20]>().prop_map(Key)]
}

fn blob() -> impl Strategy<Value = Blob> {
    (any::<u64>(), 0..10_000_u32, any::<bool>()).prop_map(|(content, length, intact)| Blob {
        content,
        length,
        intact,
    })
}

fn request() -> impl Strategy<Value = TrackerMessage> {
    let token = || 0..6_u32;
    let record = (node(), key()).prop_map(|(holder, key)| Record { holder, key });
    prop_oneof![
        (token(), any::<bool>())
            .prop_map(|(token, is_fresh)| TrackerMessage::Register { token, is_fresh }),
        (token(), vec(key(), 0..10))
            .prop_map(|(token, keys)| TrackerMessage::Publish { token, keys }),
        token().prop_map(|token| TrackerMessage::KeepAlive { token }),
        (token(), key()).prop_map(|(token, key)| TrackerMessage::Search { token, key }),
        vec(record, 0..10).prop_map(|records| TrackerMessage::Copy { records }),
        node().prop_map(|holder| TrackerMessage::Forget { holder }),
        Just(TrackerMessage::Leaving),
    ]
}

fn reply() -> impl Strategy<Value = TrackerMessage> {
    // Nodes count tokens from 0; the largest was never given out.
    let token = || prop_oneof![5 => 0..6_u32, 1 => Just(u32::MAX)];
    prop_oneof![
        token().prop_map(|token| TrackerMessage::Registered { token }),
        (token(), vec(any::<u16>(), 0..4))
            .prop_map(|(token, refused)| TrackerMessage::Published { token, refused }),
        token().prop_map(|token| TrackerMessage::Alive { token }),
        token().prop_map(|token| TrackerMessage::Unknown { token }),
        (token(), proptest::option::of(node()))
            .prop_map(|(token, holder)| TrackerMessage::Found { token, holder }),
    ]
}

fn exchanged() -> impl Strategy<Value = TrackerMessage> {
    let op = (0..8_u32).prop_map(OpId);
    let message = prop_oneof![
        (op.clone(), key()).prop_map(|(op, key)| ExchangeMessage::Fetch { op, key }),
        (op.clone(), blob()).prop_map(|(op, blob)| ExchangeMessage::Data { op, blob }),
        op.prop_map(|op| ExchangeMessage::Missing { op }),
    ];
    message.prop_map(TrackerMessage::Exchange)
}

fn message() -> impl Strategy<Value = TrackerMessage> {
    prop_oneof![3 => request(), 2 => reply(), 1 => exchanged()]
}

/// What is done to a network.
#[derive(Clone, Debug)]
enum Deed {
    Deliver { from: NodeId, to: NodeId, message: TrackerMessage },
    Publish(NodeId, u64),
    Search(NodeId, u64),
    Fetch(NodeId, u64, NodeId),
    Lose(NodeId, NodeId),
    Kill(NodeId),
    Freeze(NodeId),
    Restart(NodeId),
    Leave(NodeId),
    Wait(u32),
}

fn deed() -> impl Strategy<Value = Deed> {
    let someone = || (0..NODES).prop_map(NodeId);
    let number = || 0..8_u64;
    prop_oneof![
        8 => (node(), someone(), message())
            .prop_map(|(from, to, message)| Deed::Deliver { from, to, message }),
        4 => (someone(), number()).prop_map(|(node, item)| Deed::Publish(node, item)),
        4 => (someone(), number()).prop_map(|(node, item)| Deed::Search(node, item)),
        2 => (someone(), number(), someone()).prop_map(|(node, it, holder)| Deed::Fetch(node, it, holder)),
        2 => (someone(), someone()).prop_map(|(node, peer)| Deed::Lose(node, peer)),
        1 => someone().prop_map(Deed::Kill),
        1 => someone().prop_map(Deed::Freeze),
        1 => someone().prop_map(Deed::Restart),
        1 => someone().prop_map(Deed::Leave),
        4 => (0..40_000_u32).prop_map(Deed::Wait),
    ]
}

fn config() -> impl Strategy<Value = TrackerConfig> {
    let layout = prop_oneof![Just(Layout::Partitioned), Just(Layout::Replicated)];
    (1..4_u16, layout).prop_map(|(servers, layout)| TrackerConfig {
        servers,
        layout,
        max_records: MOST_RECORDS,
        max_holders: 3,
        max_batch: 5,
        ..TrackerConfig::default()
    })
}

fn act(lab: &mut Laboratory, deed: Deed) {
    match deed {
        Deed::Deliver { from, to, message } => lab.give(to, Input::Message { from, message }),
        Deed::Publish(node, number) => drop(lab.publish(node, item(number))),
        Deed::Search(node, number) => drop(lab.begin_search(node, item(number).key)),
        Deed::Fetch(node, number, holder) => {
            lab.begin_fetch(node, item(number).key, holder);
        }
        Deed::Lose(node, peer) => lab.give(node, Input::PeerLost(peer)),
        Deed::Kill(node) => lab.kill(node),
        Deed::Freeze(node) => lab.freeze(node),
        Deed::Restart(node) => {
            lab.restart(node);
            lab.join(node);
        }
        Deed::Leave(node) => {
            lab.leave(node);
            lab.kill(node);
        }
        Deed::Wait(milliseconds) => lab.wait(f64::from(milliseconds) / 1_000.0),
    }
}

fn assert_bounded(lab: &Laboratory) {
    for (id, node) in lab.live() {
        let state = node.state(&lab.config);
        let servers = u32::from(lab.config.servers);
        if lab.config.is_server(id) {
            assert!(state.entries <= MOST_RECORDS, "{id}: {state:?}");
        } else {
            assert!(state.entries == 0 && state.links <= servers, "{id}: {state:?}");
        }
    }
}

/// A server's index holds what it says it holds, and nothing that belongs to another server.
fn assert_sound(lab: &Laboratory) {
    for (id, node) in lab.live() {
        let Some(server) = node.server() else { continue };
        let index = server.index();
        assert!(index.keys().all(|key| lab.config.is_asked_for(id, key)), "{id}");
        assert!(index.own_records().count() as u32 <= index.records(), "{id}");
        assert!(index.bytes() <= 24 * u64::from(MOST_RECORDS), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    /// The laboratory also sees to it that no operation ends twice.
    #[test]
    fn nothing_stops_a_node_or_fills_it(config in config(), deeds in vec(deed(), 1..40)) {
        let mut lab = Laboratory::joined(NODES, config);
        for deed in deeds {
            act(&mut lab, deed);
            assert_bounded(&lab);
        }
        lab.wait(10.0);
        assert_bounded(&lab);
        assert_sound(&lab);
    }

    /// Whatever was done to a network, when everybody has started anew and enough time has passed,
    /// everything that is published is found.
    #[test]
    fn a_network_heals(config in config(), deeds in vec(deed(), 1..40)) {
        let mut lab = Laboratory::joined(NODES, config);
        deeds.into_iter().for_each(|deed| act(&mut lab, deed));
        for node in (0..NODES).map(NodeId) {
            lab.kill(node);
            lab.restart(node);
            lab.join(node);
        }
        lab.wait(300.0);
        for number in 0..3 {
            lab.publish(NodeId(NODES - 1), item(number));
            lab.wait(0.5);
            for node in (0..NODES).map(NodeId) {
                let answer = lab.search(node, item(number).key);
                prop_assert_eq!(answer.and_then(|it| it.holder), Some(NodeId(NODES - 1)), "{}", node);
            }
        }
        Tracker::check_network(&lab.config, &lab.live()).expect("it is sound");
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::decode::<TrackerMessage>(&bytes) {
            prop_assert!(message.blob().is_none_or(|blob| blob.length as usize <= bytes.len()));
            let mut lab = Laboratory::joined(2, TrackerConfig::default());
            lab.give(NodeId(0), Input::Message { from: NodeId(1), message: message.clone() });
            lab.give(NodeId(1), Input::Message { from: NodeId(0), message });
            lab.wait(100.0);
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        let mut bytes = Vec::new();
        wire::encode(&message, &mut bytes);
        prop_assert_eq!(bytes.len() as u32, wire::length(&message));
        let read: TrackerMessage = wire::decode(&bytes).expect("it is whole");
        prop_assert_eq!(read.class(), message.class());
        let is_damaged = |it: &TrackerMessage| it.blob().is_some_and(|blob| !blob.intact);
        prop_assert_eq!(is_damaged(&read), is_damaged(&message) && message.blob().is_some_and(|blob| blob.length > 0));
        if !is_damaged(&message) {
            prop_assert_eq!(read, message);
        }
    }
}
