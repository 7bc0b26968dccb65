//! Whatever arrives, a node lives on: messages of any content, in any order, from anybody, and
//! bytes that were damaged on the way.
mod common;

use std::time::Duration;

use common::laboratory;
use overlay_core::{
    Blob, Command, ExchangeMessage, Input, Key, Message as _, NodeId, OpId, Overlay as _, wire,
};
use overlay_flooding::{Flooding, FloodingMessage, QueryId, Spread};
use peerbench_simulator::Unobserved;
use proptest::collection::vec;
use proptest::prelude::*;

const NODES: u32 = 12;

/// Mostly somebody who exists, sometimes not.
fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![4 => 0..NODES, 1 => any::<u32>()].prop_map(NodeId)
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        (0..8_u32).prop_map(|name| Key::of(&name.to_be_bytes())),
        any::<[u8; 20]>().prop_map(Key)
    ]
}

fn sequence() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..4_u32, 1 => any::<u32>()]
}

fn id() -> impl Strategy<Value = QueryId> {
    (node(), sequence()).prop_map(|(origin, sequence)| QueryId { origin, sequence })
}

fn spread() -> impl Strategy<Value = Spread> {
    (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(ttl, hops, round)| Spread {
        ttl,
        hops,
        round,
    })
}

fn exchange() -> impl Strategy<Value = ExchangeMessage> {
    let op = (0..8_u32).prop_map(OpId);
    let blob = (any::<u64>(), 0..10_000_u32, any::<bool>());
    prop_oneof![
        (op.clone(), key()).prop_map(|(op, key)| ExchangeMessage::Fetch { op, key }),
        (op.clone(), blob).prop_map(|(op, (content, length, intact))| {
            ExchangeMessage::Data { op, blob: Blob { content, length, intact } }
        }),
        op.prop_map(|op| ExchangeMessage::Missing { op }),
    ]
}

fn message() -> impl Strategy<Value = FloodingMessage> {
    let hosts = || vec(node(), 0..40).prop_map(Vec::into_boxed_slice);
    let keys = vec(key(), 0..40).prop_map(Vec::into_boxed_slice);
    let links = prop_oneof![
        any::<bool>().prop_map(|leaf| FloodingMessage::Connect { leaf }),
        hosts().prop_map(|hosts| FloodingMessage::Accept { hosts }),
        hosts().prop_map(|hosts| FloodingMessage::Refuse { hosts }),
        hosts().prop_map(|hosts| FloodingMessage::Pong { hosts }),
        Just(FloodingMessage::Bye),
        any::<bool>().prop_map(|wants_hosts| FloodingMessage::Ping { wants_hosts }),
        keys.prop_map(|keys| FloodingMessage::Share { keys }),
        exchange().prop_map(FloodingMessage::from),
    ];
    let hit = (id(), node(), node(), any::<u16>(), any::<u8>());
    let searches = prop_oneof![
        (id(), key(), spread()).prop_map(|(id, key, spread)| FloodingMessage::Query {
            id,
            key,
            spread
        }),
        hit.prop_map(|(id, by, holder, hops, ttl)| FloodingMessage::QueryHit {
            id,
            by,
            holder,
            hops,
            ttl
        }),
        (id(), key(), any::<u16>()).prop_map(|(id, key, hops)| FloodingMessage::Walk {
            id,
            key,
            hops
        }),
        (sequence(), node(), any::<u16>()).prop_map(|(sequence, previous, hops)| {
            FloodingMessage::CheckBack { sequence, previous, hops }
        }),
        (sequence(), key(), node(), any::<u16>()).prop_map(|(sequence, key, previous, hops)| {
            FloodingMessage::Continue { sequence, key, previous, hops }
        }),
    ];
    prop_oneof![links, searches]
}

/// Puts messages into the nodes of a network that has work to do, a moment after one another, lets
/// half a minute pass, and looks whether the bounds hold.
fn deliver(messages: Vec<(NodeId, NodeId, FloodingMessage)>, search: &str, seed: u64) {
    let setting = laboratory(
        &format!(
            "nodes: {NODES}
start: converged
network:
  uniform_round_trip: 50ms
  handshake_round_trips: 0.0
  capacities: [{{share: 0.5, up: 50Mbit/s, down: 50Mbit/s}}, {{share: 0.5, up: 1Mbit/s, down: 9Mbit/s}}]
overlays:
  flooding: {{links: 2, max_links: 4, host_cache: 8, max_seen: 64, {search}, super_peers: {{max_leaves: 3, max_leaf_keys: 4}}}}
"
        ),
        seed,
    );
    let mut network = setting.settled_network();
    for (op, (from, to, message)) in (0..).map(OpId).zip(messages) {
        let key = Key::of(&op.0.to_be_bytes());
        let search = Input::Command(Command::Search { op, key });
        network.simulation.give(to, search, &mut Unobserved);
        let input = Input::Message { from, message };
        network.simulation.give(to, input, &mut Unobserved);
        let until = network.simulation.now() + Duration::from_millis(20);
        while network.simulation.next_time().is_some_and(|time| time <= until) {
            network.simulation.step(&mut Unobserved);
        }
        network.simulation.advance_to(until);
    }
    network.wait(30);
    let nodes: Vec<_> = network.simulation.live().collect();
    Flooding::check_network(&setting.config, &nodes).expect("the bounds hold");
}

fn damaged(message: &FloodingMessage, damage: &[(prop::sample::Index, u8)], cut: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    for (place, flip) in damage {
        *place.get_mut(&mut bytes) ^= flip;
    }
    bytes.truncate(bytes.len().saturating_sub(cut));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_message_stops_a_node(
        messages in vec((0..NODES, 0..NODES, message()), 1..20),
        search in prop_oneof![Just("search: flood"), Just("search: expanding-ring"), Just("search: random-walk")],
        seed in any::<u64>(),
    ) {
        let messages = messages.into_iter().map(|(from, to, it)| (NodeId(from), NodeId(to), it));
        deliver(messages.collect(), search, seed);
    }

    #[test]
    fn no_damaged_message_stops_a_node(
        messages in vec((message(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), 0..3_usize), 1..10),
        seed in any::<u64>(),
    ) {
        let arrived = messages.iter().filter_map(|(message, damage, cut)| {
            wire::decode::<FloodingMessage>(&damaged(message, damage, *cut)).ok()
        });
        let arrived = arrived.map(|message| (NodeId(1), NodeId(0), message)).collect();
        deliver(arrived, "search: flood", seed);
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::decode::<FloodingMessage>(&bytes) {
            prop_assert!(message.blob().is_none_or(|blob| blob.length as usize <= bytes.len()));
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        let mut bytes = Vec::new();
        wire::encode(&message, &mut bytes);
        prop_assert_eq!(bytes.len() as u32, wire::length(&message));
        let read: FloodingMessage = wire::decode(&bytes).expect("it is whole");
        prop_assert_eq!(format!("{read:?}"), format!("{message:?}"));
    }
}
