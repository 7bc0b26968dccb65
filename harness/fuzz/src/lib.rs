//! What the targets share: a settled network of an overlay, and bytes that are frames to its nodes.
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{Command, Effect, Input, Key, NodeId, OpId, Overlay, Time, wire};
use peerbench_scenario::{Document, World};
use peerbench_testbed::node::{Identity, Machine};

/// Nodes of the network.
const NODES: u32 = 8;
/// Messages and timers that are followed after each frame.
const FOLLOWED: usize = 64;
/// The most that a node may remember, in bytes.
const MOST_STATE: u64 = 1 << 20;

/// Takes bytes apart (a sender, a receiver, a length, and so many bytes of a frame, again and again)
/// and has the nodes of a settled network receive the frames.
///
/// # Panics
/// If a node does, or remembers too much.
pub fn receive<O: Overlay>(scenario: &str, mut data: &[u8]) {
    let document = Document::parse("fuzzed", scenario).expect("the scenario is a constant");
    let scenario = document.scenario().expect("it is sound");
    let config: O::Config = document.overlay_config(O::NAME).expect("it is sound");
    let world = World::new(&scenario, 1).expect("it reads no files");
    let oracle = O::oracle(&config, &world);
    let config = Arc::new(config);
    let identity = |node| Identity::<O> {
        me: node,
        config: Arc::clone(&config),
        conduct: world.conduct(node),
        uplink: world.uplink(node),
        seed: 1,
        life: 0,
        since: Time::ZERO,
    };
    let mut machines: Vec<Machine<O>> =
        (0..NODES).map(|node| Machine::new(identity(NodeId(node)), Some(&oracle))).collect();
    let mut now = Time::ZERO;
    for (op, machine) in (0..).map(OpId).zip(&mut machines) {
        let key = Key::of(&op.0.to_be_bytes());
        machine.feed(now, Input::Command(Command::Search { op, key }));
    }
    while let [from, to, length, rest @ ..] = data {
        let (frame, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        data = rest;
        now = now + Duration::from_millis(50);
        let (from, to) = (NodeId(u32::from(*from) % NODES), NodeId(u32::from(*to) % NODES));
        if let Ok(message) = wire::decode::<O::Message>(frame) {
            machines[to.index()].feed(now, Input::Message { from, message });
        }
        follow(&mut machines, now);
    }
    for machine in &machines {
        assert!(machine.state().bytes <= MOST_STATE, "{:?}", machine.state());
    }
}

/// Has some of what the nodes asked for happen at once.
fn follow<O: Overlay>(machines: &mut [Machine<O>], now: Time) {
    let (mut left, mut effects) = (FOLLOWED, Vec::new());
    for node in (0..NODES).map(NodeId) {
        machines[node.index()].take_effects(&mut effects);
        for effect in effects.drain(..) {
            let (at, input) = match effect {
                Effect::Send { to, message } => (to, Input::Message { from: node, message }),
                Effect::SetTimer { timer, .. } => (node, Input::Timer(timer)),
                Effect::Emit(_) => continue,
            };
            if left > 0 && at.index() < machines.len() {
                left -= 1;
                machines[at.index()].feed(now, input);
            }
        }
    }
}
