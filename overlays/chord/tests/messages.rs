//! Whatever arrives, a node lives on: messages of any content, in any order, from anybody, and
//! bytes that were damaged on the way.
mod common;

use std::time::Duration;

use common::laboratory;
use overlay_chord::{Body, Chord, ChordMessage, Claim, Member, Outcome, Payload};
use overlay_core::dht::{DhtMessage, Path, Record, Request, Response, StorageMessage};
use overlay_core::{
    Blob, Class, Command, ExchangeMessage, Input, Key, Message as _, NodeId, OpId, Overlay, wire,
};
use peerbench_simulator::Unobserved;
use proptest::collection::vec;
use proptest::prelude::*;

type Message = <Chord as Overlay>::Message;

const NODES: u32 = 12;

/// Mostly somebody who exists, sometimes not.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..NODES * 2, 1 => any::<u32>()]
}

fn member() -> impl Strategy<Value = Member> {
    number().prop_map(Member)
}

fn node() -> impl Strategy<Value = NodeId> {
    number().prop_map(NodeId)
}

fn key() -> impl Strategy<Value = Key> {
    any::<[u8; 20]>().prop_map(Key)
}

fn blob() -> impl Strategy<Value = Blob> {
    (any::<u64>(), 0..10_000_u32, any::<bool>()).prop_map(|(content, length, intact)| Blob {
        content,
        length,
        intact,
    })
}

/// Tokens count generations from 1 in their upper half, and places from 0 in the lower.
fn token() -> impl Strategy<Value = u32> {
    prop_oneof![
        (1..4_u32, 0..4_u32).prop_map(|(generation, place)| generation << 16 | place),
        any::<u32>()
    ]
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        Just(Request::Search),
        node().prop_map(|holder| Request::PutPointer { holder }),
        blob().prop_map(|blob| Request::PutValue { blob }),
    ]
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        request().prop_map(Payload::Request),
        node().prop_map(|asker| Payload::Locate { asker }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        proptest::option::of(node()).prop_map(|it| Outcome::Response(Response::Holder(it))),
        Just(Outcome::Response(Response::Stored)),
        Just(Outcome::Response(Response::Refused)),
        member().prop_map(Outcome::Located),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    (node(), any::<u16>(), any::<u16>()).prop_map(|(by, hops, timeouts)| Path {
        by,
        hops,
        timeouts,
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![Just(Claim::Closer), Just(Claim::Successor), Just(Claim::Survivor)]
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Maintenance), Just(Class::Lookup), Just(Class::Data)]
}

fn body() -> impl Strategy<Value = Body> {
    let routed = (token(), key(), payload(), claim(), any::<u8>(), any::<u8>());
    let list = vec(member(), 0..40).prop_map(Into::into);
    prop_oneof![
        routed.prop_map(|(token, key, payload, claim, hops, timeouts)| Body::Route {
            token,
            key,
            payload,
            claim,
            hops,
            timeouts
        }),
        (token(), outcome(), path()).prop_map(|(token, outcome, path)| Body::Answer {
            token,
            outcome,
            path
        }),
        (token(), key(), proptest::option::of(member()), class())
            .prop_map(|(token, key, dead, class)| Body::FindNext { token, key, dead, class }),
        (token(), (member(), claim()), class()).prop_map(|(token, next, class)| Body::Next {
            token,
            next,
            class
        }),
        member().prop_map(|asker| Body::GetSuccessors { asker }),
        (member(), proptest::option::of(member()), list)
            .prop_map(|(of, predecessor, list)| Body::Successors { of, predecessor, list }),
        member().prop_map(|candidate| Body::Notify { candidate }),
        Just(Body::Ping),
        Just(Body::Pong),
        (member(), proptest::option::of(member()))
            .prop_map(|(member, predecessor)| Body::Leaving { member, predecessor }),
    ]
}

fn stored() -> impl Strategy<Value = StorageMessage> {
    let record = prop_oneof![
        vec(node(), 0..20).prop_map(|holders| Record::Pointer(holders.into())),
        blob().prop_map(Record::Value),
    ];
    prop_oneof![
        (key(), record, any::<bool>()).prop_map(|(key, record, responsible)| {
            StorageMessage::Store { key, record, responsible }
        }),
        (key(), node()).prop_map(|(key, holder)| StorageMessage::Remove { key, holder }),
        vec(key(), 0..4).prop_map(|keys| StorageMessage::Offer { keys }),
        vec(key(), 0..4).prop_map(|keys| StorageMessage::Want { keys }),
        key().prop_map(|key| StorageMessage::Release { key }),
    ]
}

fn exchanged() -> impl Strategy<Value = ExchangeMessage> {
    let op = (0..8_u32).prop_map(OpId);
    prop_oneof![
        (op.clone(), key()).prop_map(|(op, key)| ExchangeMessage::Fetch { op, key }),
        (op.clone(), blob()).prop_map(|(op, blob)| ExchangeMessage::Data { op, blob }),
        op.prop_map(|op| ExchangeMessage::Missing { op }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        8 => (0..3_u16, body()).prop_map(|(to, body)| DhtMessage::Routing(ChordMessage { to, body })),
        1 => stored().prop_map(DhtMessage::Storage),
        1 => exchanged().prop_map(DhtMessage::Exchange),
    ]
}

/// Puts messages into the nodes of a ring that has work to do, a moment after one another, and lets
/// half a minute pass.
fn deliver(messages: Vec<(NodeId, NodeId, Message)>, lookup: &str, seed: u64) {
    let setting = laboratory(
        &format!(
            "nodes: {NODES}
network: {{uniform_round_trip: 50ms, handshake_round_trips: 0.0}}
overlays:
  chord: {{virtual_nodes: 2, lookup: {lookup}, successors: 3, storage: {{republish_every: 5s}}}}
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
}

fn damaged(message: &Message, damage: &[(prop::sample::Index, u8)], cut: usize) -> Vec<u8> {
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
        messages in vec((node(), (0..NODES).prop_map(NodeId), message()), 1..20),
        iterative in any::<bool>(),
        seed in any::<u64>(),
    ) {
        deliver(messages, if iterative { "iterative" } else { "recursive" }, seed);
    }

    #[test]
    fn no_damaged_message_stops_a_node(
        messages in vec((message(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), 0..3_usize), 1..10),
        seed in any::<u64>(),
    ) {
        let arrived = messages.iter().filter_map(|(message, damage, cut)| {
            wire::decode::<Message>(&damaged(message, damage, *cut)).ok()
        });
        let arrived = arrived.map(|message| (NodeId(1), NodeId(0), message)).collect();
        deliver(arrived, "recursive", seed);
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::decode::<Message>(&bytes) {
            prop_assert!(message.blob().is_none_or(|blob| blob.length as usize <= bytes.len()));
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        let mut bytes = Vec::new();
        wire::encode(&message, &mut bytes);
        prop_assert_eq!(bytes.len() as u32, wire::length(&message));
        let read: Message = wire::decode(&bytes).expect("it is whole");
        prop_assert_eq!(format!("{read:?}"), format!("{message:?}"));
    }
}
