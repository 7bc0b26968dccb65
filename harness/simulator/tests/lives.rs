//! What waits for a node of which a former life asked for it never comes to a later one; who sleeps keeps
//! everything.
#![allow(clippy::expect_used, reason = "a test that cannot go on should say where")]

mod nobody;

use std::collections::BTreeMap;
use std::time::Duration;

use nobody::{NoConfig, Nobody};
use overlay_core::{
    Blob, Class, Command, Ctx, DropReason, Event, Input, Key, Message, NodeId, Overlay, Purpose,
    Random, Setting, StateSize, Time,
};
use peerbench_simulator::{Laboratory, Network};
use serde::{Deserialize, Serialize};

const NODES: u32 = 8;

/// Asks for timers and for what it sends itself with the time of its birth in them, and tells
/// whether what comes is its own (`Visited`) or that of another life (`Dropped`).
struct Mortal {
    born: Time,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reminder {
    of: Option<Time>,
}

impl Message for Reminder {
    fn class(&self) -> Class {
        Class::Maintenance
    }

    fn kind(&self) -> &'static str {
        "reminder"
    }

    fn blob(&self) -> Option<&Blob> {
        None
    }
}

impl Mortal {
    fn check(&self, born: Time, cx: &mut Ctx<'_, Self>) {
        cx.emit(match born == self.born {
            true => Event::Visited,
            false => Event::Dropped(DropReason::Nonsense),
        });
    }
}

impl Overlay for Mortal {
    const NAME: &'static str = "mortal";
    type Config = NoConfig;
    type Message = Reminder;
    type Timer = Time;
    type Oracle = Nobody;

    fn check(_: &NoConfig, _: u32) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        Self { born: cx.now }
    }

    fn on_command(&mut self, _: Command, cx: &mut Ctx<'_, Self>) {
        for _ in 0..3 {
            let after = cx.rng.duration_below(Duration::from_millis(600));
            cx.set_timer(after, self.born);
        }
        cx.send(cx.me, Reminder { of: Some(self.born) });
        cx.send(NodeId((cx.me.0 + 1) % NODES), Reminder { of: None });
    }

    fn on_message(&mut self, _: NodeId, message: Reminder, cx: &mut Ctx<'_, Self>) {
        if let Some(born) = message.of {
            self.check(born, cx);
        }
    }

    fn on_timer(&mut self, born: Time, cx: &mut Ctx<'_, Self>) {
        self.check(born, cx);
        let after = cx.rng.duration_below(Duration::from_millis(600));
        cx.set_timer(after, self.born);
    }

    fn on_peer_lost(&mut self, _: NodeId, _: &mut Ctx<'_, Self>) {}

    fn state(&self, _: &NoConfig) -> StateSize {
        StateSize::default()
    }

    fn neighbors(&self, _: &NoConfig) -> Vec<NodeId> {
        Vec::new()
    }

    fn holds(&self, _: &Key) -> bool {
        false
    }

    fn oracle(_: &NoConfig, _: &dyn Setting) -> Nobody {
        Nobody
    }

    fn settle(&mut self, _: &Nobody, _: &mut Ctx<'_, Self>) {}
}

fn laboratory(seed: u64) -> Laboratory<Mortal> {
    laboratory_with(seed, 0)
}

fn laboratory_with(seed: u64, handshakes: u32) -> Laboratory<Mortal> {
    let network = format!("{{uniform_round_trip: 80ms, handshake_round_trips: {handshakes}}}");
    let yaml = format!("nodes: {NODES}\nstart: converged\nnetwork: {network}\n");
    Laboratory::new(&yaml, seed).expect("the test's scenario is sound")
}

fn begin(network: &mut Network<'_, Mortal>, node: NodeId) {
    let command = Input::Command(Command::Found { founders: 1 });
    network.simulation.give(node, command, &mut network.told);
}

#[test]
fn nothing_that_a_former_life_asked_for_comes_to_the_present_one() {
    for seed in 0..8 {
        let (laboratory, mut random) = (laboratory(seed), Random::stream(seed, Purpose::Churn, 0));
        let mut network = laboratory.network();
        (0..NODES).map(NodeId).for_each(|node| begin(&mut network, node));
        for round in 1..40 {
            // At times nothing happens in between, so that both are at one moment.
            network.simulation.advance_to(network.simulation.now() + Duration::from_millis(1));
            let back: BTreeMap<NodeId, u32> =
                (0..3).map(|_| (NodeId(random.below(NODES.into()) as u32), round)).collect();
            for &node in back.keys() {
                network.simulation.kill(node);
            }
            if random.below(2) == 0 {
                let until = network.simulation.now() + Duration::from_millis(random.below(300));
                while network.simulation.next_time().is_some_and(|time| time <= until) {
                    network.simulation.step(&mut network.told);
                }
                network.simulation.advance_to(until);
            }
            network.simulation.revive(&back, &mut network.told);
            back.keys().for_each(|&node| begin(&mut network, node));
        }
        network.wait(1);
        assert_eq!(network.told.dropped, 0, "seed {seed}");
        assert!(network.told.visited > 100, "seed {seed}: {}", network.told.visited);
    }
}

#[test]
fn messages_on_their_way_come_to_whoever_is_there_when_they_arrive() {
    let laboratory = laboratory(1);
    let mut network = laboratory.network();
    begin(&mut network, NodeId(0));
    network.simulation.kill(NodeId(1));
    network.simulation.revive(&BTreeMap::from([(NodeId(1), 1)]), &mut network.told);
    network.wait(1);
    // One from the first node to itself, one to the next.
    assert_eq!(network.told.delivered[Class::Maintenance as usize], 2);
    assert_eq!(network.told.dropped, 0);
}

#[test]
fn who_falls_asleep_during_a_handshake_sends_when_it_wakes() {
    let laboratory = laboratory_with(1, 2);
    let mut network = laboratory.network();
    begin(&mut network, NodeId(0));
    network.simulation.freeze(NodeId(0), true);
    network.wait(1);
    assert_eq!(network.told.delivered[Class::Maintenance as usize], 0);
    network.simulation.wake(NodeId(0));
    network.wait(1);
    assert_eq!(network.told.delivered[Class::Maintenance as usize], 2);
}

#[test]
fn what_finds_no_room_at_a_node_that_sleeps_is_counted() {
    let laboratory = laboratory(1);
    let mut network = laboratory.network();
    network.simulation.freeze(NodeId(1), true);
    (0..2_000).for_each(|_| begin(&mut network, NodeId(0)));
    network.wait(1);
    network.simulation.wake(NodeId(1));
    network.wait(1);
    let to_others = network.told.delivered[Class::Maintenance as usize] - 2_000;
    assert!(to_others > 1_000, "{to_others}");
    assert_eq!(to_others + network.simulation.overflowed(), 2_000);
}
