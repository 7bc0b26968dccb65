//! What the tests of Chord share: worlds from a few lines of YAML, run to their end, or node by node
//! and second by second.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use overlay_chord::{Chord, ChordConfig, Ring};
use overlay_core::{
    Answer, Blob, Command, Event, Input, Item, Key, NodeId, OpId, Oracle as _, Overlay as _, Time,
};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::{Document, Scenario, World};
use peerbench_simulator::{Observer, Simulation, Wiring};

/// Longer than any operation takes, if it is answered at all.
const PATIENCE: Duration = Duration::from_secs(4);

/// A scenario and Chord's part of it.
pub(crate) fn scenario(yaml: &str) -> (Scenario, ChordConfig) {
    let document = Document::parse("test", yaml).expect("the test's YAML is well-formed");
    let scenario = document.scenario().expect("the test's scenario is sound");
    let config = document.overlay_config("chord").expect("the test's configuration is sound");
    (scenario, config)
}

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    let (scenario, config) = scenario(yaml);
    let stop = AtomicBool::new(false);
    peerbench_simulator::run::<Chord>(&scenario, &config, seed, &Silent, &stop)
        .expect("the world can be drawn")
        .measurement
}

/// What a network is made from.
pub(crate) struct Setting {
    pub(crate) scenario: Scenario,
    pub(crate) config: ChordConfig,
    pub(crate) world: World,
    seed: u64,
}

impl Setting {
    pub(crate) fn new(yaml: &str, seed: u64) -> Self {
        let (scenario, config) = scenario(yaml);
        Chord::check(&config, scenario.nodes).expect("the test's configuration makes sense");
        let world = World::new(&scenario, seed).expect("the world can be drawn");
        Self { scenario, config, world, seed }
    }

    /// Its nodes, before anything has happened.
    pub(crate) fn network(&self) -> Network<'_> {
        let wiring = Wiring::of(&self.scenario);
        let simulation = Simulation::new(&self.world, &self.config, self.seed, wiring);
        Network { simulation, told: Told::default(), operations: 0 }
    }

    /// Its nodes as if all had joined and maintenance had converged.
    pub(crate) fn settled_network(&self) -> Network<'_> {
        let mut network = self.network();
        network.simulation.settle(&self.ring(), &mut network.told);
        network
    }

    /// The global view of its nodes.
    pub(crate) fn ring(&self) -> Ring {
        Chord::oracle(&self.config, &self.world)
    }
}

/// What nodes told about operations.
#[derive(Default)]
pub(crate) struct Told(BTreeMap<OpId, (NodeId, Event)>);

impl Observer<Chord> for Told {
    fn on_event(&mut self, node: NodeId, _: Time, event: Event) -> Option<Command> {
        match event {
            Event::Joined { op }
            | Event::Published { op }
            | Event::Found { op, .. }
            | Event::Fetched { op, .. }
            | Event::Left { op }
            | Event::Failed { op } => {
                self.0.insert(op, (node, event));
            }
            Event::Visited | Event::Dropped(_) => {}
        }
        None
    }
}

/// Nodes to give commands to, one after the other.
pub(crate) struct Network<'a> {
    pub(crate) simulation: Simulation<'a, Chord>,
    told: Told,
    operations: u32,
}

impl Network<'_> {
    /// The first nodes, which know of each other.
    pub(crate) fn found(&mut self, founders: u32) {
        for node in (0..founders).map(NodeId) {
            let found = Input::Command(Command::Found { founders });
            self.simulation.give(node, found, &mut self.told);
        }
    }

    /// Gives a node a command, and what it told about it within the time that lookups have.
    fn ask(&mut self, node: NodeId, command: impl FnOnce(OpId) -> Command) -> Option<Event> {
        let op = OpId(self.operations);
        self.operations += 1;
        self.simulation.give(node, Input::Command(command(op)), &mut self.told);
        let until = self.simulation.now() + PATIENCE;
        while !self.told.0.contains_key(&op) {
            self.simulation.next_time().filter(|&time| time <= until)?;
            self.simulation.step(&mut self.told);
        }
        self.told.0.get(&op).map(|(_, event)| *event)
    }

    pub(crate) fn join(&mut self, node: NodeId, rendezvous: NodeId) -> bool {
        let told = self.ask(node, |op| Command::Join { op, rendezvous });
        matches!(told, Some(Event::Joined { .. }))
    }

    pub(crate) fn publish(&mut self, node: NodeId, item: Item) -> bool {
        let told = self.ask(node, |op| Command::Publish { op, item });
        matches!(told, Some(Event::Published { .. }))
    }

    pub(crate) fn search(&mut self, node: NodeId, key: Key) -> Option<Answer> {
        match self.ask(node, |op| Command::Search { op, key })? {
            Event::Found { answer, .. } => Some(answer),
            _ => None,
        }
    }

    pub(crate) fn fetch(&mut self, node: NodeId, key: Key, holder: NodeId) -> Option<Blob> {
        match self.ask(node, |op| Command::Fetch { op, key, holder })? {
            Event::Fetched { blob, .. } => Some(blob),
            _ => None,
        }
    }

    /// The node says good-bye, and then is gone.
    pub(crate) fn leave(&mut self, node: NodeId) -> bool {
        let told = self.ask(node, |op| Command::Leave { op });
        self.simulation.kill(node);
        matches!(told, Some(Event::Left { .. }))
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        let until = self.simulation.now() + Duration::from_secs(seconds);
        while self.simulation.next_time().is_some_and(|time| time <= until) {
            self.simulation.step(&mut self.told);
        }
        self.simulation.advance_to(until);
    }

    /// Asserts that every live node has the links that the global view says it should have.
    pub(crate) fn assert_converged(&self, ring: &Ring) {
        let config = self.simulation.config();
        for (node, chord) in self.simulation.live() {
            let expected = ring.neighbors(node).expect("a ring determines its links");
            assert_eq!(chord.neighbors(config), expected, "{node}");
        }
    }
}
