//! The worked example: identifiers 0..7; nodes 1, 2, 0 and 6 join one after the other; items 7 and
//! 1 are published; 7 is searched for at node 1.
mod common;

use std::fmt::Write as _;
use std::time::Duration;

use common::laboratory;
use overlay_chord::{Chord, ChordConfig, Position};
use overlay_core::dht::DhtMessage;
use overlay_core::{Blob, Class, Command, Event, Input, Item, Key, Message, NodeId, OpId, Time};
use peerbench_simulator::{Laboratory, Observer, Simulation, Wiring};

const BITS: u8 = 3;

/// Writes down what happens, with the example's identifiers for nodes.
#[derive(Default)]
struct Scribe {
    positions: Vec<u64>,
    lines: String,
    is_on: bool,
}

impl Observer<Chord> for Scribe {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        if self.is_on {
            let at = self.positions[node.index()];
            writeln!(self.lines, "{now} {at} tells {event:?}").expect("a string takes everything");
        }
        None
    }

    fn on_input(&mut self, node: NodeId, now: Time, input: &Input<Chord>) {
        let Input::Message { from, message: DhtMessage::Routing(message) } = input else { return };
        if self.is_on && message.class() != Class::Maintenance {
            let (from, to) = (self.positions[from.index()], self.positions[node.index()]);
            let said = without_token(&format!("{:?}", message.body));
            writeln!(self.lines, "{now} {from} -> {to} {said}").expect("a string takes everything");
        }
    }
}

/// A token is a number without a meaning of its own, and depends on how much was said before.
fn without_token(said: &str) -> String {
    let Some((before, rest)) = said.split_once("token: ") else { return said.to_owned() };
    let after = rest.split_once(", ").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

fn key(number: u64) -> Key {
    Position::from_number(number, BITS).to_key()
}

fn wait(simulation: &mut Simulation<'_, Chord>, seconds: u64, scribe: &mut Scribe) {
    let until = simulation.now() + Duration::from_secs(seconds);
    while simulation.next_time().is_some_and(|time| time <= until) {
        simulation.step(scribe);
    }
    simulation.advance_to(until);
}

/// The table as the lecture draws it: a line a node, with the fingers' starts and nodes.
fn tables(simulation: &Simulation<'_, Chord>, config: &ChordConfig, joined: u32) -> String {
    let mut text = String::new();
    for node in (0..joined).map(NodeId) {
        let chord = simulation.node(node);
        let member = &chord.routing().members()[0];
        let me = config.positions[node.index()];
        let position = |member: overlay_chord::Member| config.positions[member.0 as usize];
        write!(text, "node {me}:").expect("a string takes everything");
        for octave in 0..BITS {
            let start = (me + (1 << octave)) % 8;
            let finger = position(member.finger(octave, config));
            write!(text, " {start}→{finger}").expect("a string takes everything");
        }
        let predecessor = member.predecessor().map(position);
        let keys: Vec<u8> = chord.storage().keys().map(|key| key.0[0] >> 5).collect();
        writeln!(text, "; predecessor {predecessor:?}; keeps {keys:?}")
            .expect("a string takes everything");
    }
    text
}

#[test]
fn the_worked_example() {
    let Laboratory { scenario, config, world, .. } = laboratory(
        "nodes: 4
founders: 1
network: {uniform_round_trip: 100ms, handshake_round_trips: 0.0}
overlays:
  chord: {bits: 3, successors: 1, positions: [1, 2, 0, 6], storage: {replicas: 0}}
",
        1,
    );
    let mut simulation = Simulation::<Chord>::new(&world, &config, 1, Wiring::of(&scenario));
    let mut scribe = Scribe { positions: config.positions.clone(), ..Scribe::default() };
    let mut shown = String::new();
    let mut show = |simulation: &Simulation<'_, Chord>, what: &str, joined| {
        let tables = tables(simulation, &config, joined);
        write!(shown, "{what}\n{tables}\n").expect("a string takes everything");
    };

    let found = Command::Found { founders: 1 };
    simulation.give(NodeId(0), Input::Command(found), &mut scribe);
    wait(&mut simulation, 20, &mut scribe);
    show(&simulation, "node 1 alone", 1);
    for node in 1..4 {
        let join = Command::Join { op: OpId(node), rendezvous: NodeId(0) };
        simulation.give(NodeId(node), Input::Command(join), &mut scribe);
        wait(&mut simulation, 20, &mut scribe);
        let position = config.positions[node as usize];
        show(&simulation, &format!("node {position} has joined"), node + 1);
    }
    for (op, number) in [(10, 7), (11, 1)] {
        let item = Item { key: key(number), blob: Blob::new(number, 100) };
        let publish = Command::Publish { op: OpId(op), item };
        simulation.give(NodeId(1), Input::Command(publish), &mut scribe);
    }
    wait(&mut simulation, 20, &mut scribe);
    show(&simulation, "items 7 and 1 are published by node 2", 4);
    scribe.is_on = true;
    let search = Command::Search { op: OpId(20), key: key(7) };
    simulation.give(NodeId(0), Input::Command(search), &mut scribe);
    wait(&mut simulation, 5, &mut scribe);
    insta::assert_snapshot!(format!("{shown}a search for 7 at node 1\n{}", scribe.lines));
}
