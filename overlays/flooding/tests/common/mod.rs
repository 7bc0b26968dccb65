//! What the tests of flooding share: worlds from a few lines of YAML, and networks to which commands
//! are given one after the other.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use overlay_core::{
    Answer, Blob, Class, Command, Event, Input, Item, Key, Message as _, NodeId, OpId,
    Overlay as _, Time,
};
use overlay_flooding::{Flooding, FloodingConfig, FloodingMessage};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::{Document, Scenario, World};
use peerbench_simulator::{Observer, Simulation, Wiring};

/// Longer than any operation takes, if it is answered at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The crawl of August 2002, if it is there; says loudly if it is not.
pub(crate) fn gnutella08() -> Option<PathBuf> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/p2p-Gnutella08.txt");
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: there is no {}; see https://snap.stanford.edu/data/p2p-Gnutella08.html",
        path.display()
    );
    None
}

/// A scenario and flooding's part of it.
pub(crate) fn scenario(yaml: &str) -> (Scenario, FloodingConfig) {
    let document = Document::parse("test", yaml).expect("the test's YAML is well-formed");
    let scenario = document.scenario().expect("the test's scenario is sound");
    let config = document.overlay_config("flooding").expect("the test's configuration is sound");
    (scenario, config)
}

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    let (scenario, config) = scenario(yaml);
    let stop = AtomicBool::new(false);
    peerbench_simulator::run::<Flooding>(&scenario, &config, seed, &Silent, &stop)
        .expect("the world can be drawn")
        .measurement
}

/// What a network is made from.
pub(crate) struct Setting {
    pub(crate) scenario: Scenario,
    pub(crate) config: FloodingConfig,
    pub(crate) world: World,
    seed: u64,
}

impl Setting {
    pub(crate) fn new(yaml: &str, seed: u64) -> Self {
        let (scenario, config) = scenario(yaml);
        Flooding::check(&config, scenario.nodes).expect("the test's configuration makes sense");
        let world = World::new(&scenario, seed).expect("the world can be drawn");
        Self { scenario, config, world, seed }
    }

    /// Its nodes, before anything has happened.
    pub(crate) fn network(&self) -> Network<'_> {
        let wiring = Wiring::of(&self.scenario);
        let simulation = Simulation::new(&self.world, &self.config, self.seed, wiring);
        Network { simulation, told: Told::default(), operations: 0 }
    }

    /// Its nodes as if all had joined.
    pub(crate) fn settled_network(&self) -> Network<'_> {
        let mut network = self.network();
        let topology = Flooding::oracle(&self.config, &self.world);
        network.simulation.settle(&topology, &mut network.told);
        network
    }
}

/// What nodes told about operations, and what passed between them.
#[derive(Default)]
pub(crate) struct Told {
    answers: BTreeMap<OpId, Event>,
    /// Nodes that looked for a search.
    pub(crate) visited: u64,
    /// Messages dropped.
    pub(crate) dropped: u64,
    /// Queries delivered.
    pub(crate) queries: u64,
    /// Everything but maintenance, line by line, if it is to be written down.
    pub(crate) transcript: Option<String>,
    /// Maintenance, too.
    pub(crate) is_thorough: bool,
}

impl Observer<Flooding> for Told {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Joined { op }
            | Event::Published { op }
            | Event::Found { op, .. }
            | Event::Fetched { op, .. }
            | Event::Left { op }
            | Event::Failed { op } => {
                self.answers.insert(op, event);
            }
            Event::Visited => self.visited += 1,
            Event::Dropped(_) => self.dropped += 1,
        }
        if let Some(lines) = &mut self.transcript {
            writeln!(lines, "{now} {node} tells {event:?}").expect("a string takes everything");
        }
        None
    }

    fn on_input(&mut self, node: NodeId, now: Time, input: &Input<Flooding>) {
        let Input::Message { from, message } = input else { return };
        self.queries += u64::from(matches!(message, FloodingMessage::Query { .. }));
        if let Some(lines) = &mut self.transcript
            && (self.is_thorough || message.class() != Class::Maintenance)
        {
            writeln!(lines, "{now} {from} -> {node} {message:?}")
                .expect("a string takes everything");
        }
    }
}

/// Nodes to give commands to, one after the other.
pub(crate) struct Network<'a> {
    pub(crate) simulation: Simulation<'a, Flooding>,
    pub(crate) told: Told,
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

    /// Gives a node a command, and what it told about it.
    pub(crate) fn ask(
        &mut self,
        node: NodeId,
        command: impl FnOnce(OpId) -> Command,
    ) -> Option<Event> {
        let op = OpId(self.operations);
        self.operations += 1;
        self.simulation.give(node, Input::Command(command(op)), &mut self.told);
        let until = self.simulation.now() + PATIENCE;
        while !self.told.answers.contains_key(&op) {
            self.simulation.next_time().filter(|&time| time <= until)?;
            self.simulation.step(&mut self.told);
        }
        self.told.answers.get(&op).copied()
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

    /// Whom each live node is linked to.
    pub(crate) fn links(&self) -> BTreeMap<NodeId, Vec<NodeId>> {
        let config = self.simulation.config();
        self.simulation.live().map(|(id, node)| (id, node.neighbors(config))).collect()
    }

    /// Asserts that links are mutual and between live nodes, and everybody reaches everybody.
    pub(crate) fn assert_sound(&self) {
        let nodes: Vec<_> = self.simulation.live().collect();
        Flooding::check_network(self.simulation.config(), &nodes).expect("the bounds hold");
        let links = self.links();
        for (node, others) in &links {
            for other in others {
                let back = links.get(other).is_some_and(|back| back.contains(node));
                assert!(back, "{node} is linked to {other}, but not the other way round");
            }
        }
        let reached = component(&links, nodes[0].0);
        assert_eq!(reached.len(), nodes.len(), "everybody reaches everybody");
    }
}

/// Everybody whom a node reaches.
pub(crate) fn component(links: &BTreeMap<NodeId, Vec<NodeId>>, first: NodeId) -> BTreeSet<NodeId> {
    let mut reached = BTreeSet::from([first]);
    let mut border = vec![first];
    while let Some(node) = border.pop() {
        for &other in &links[&node] {
            if reached.insert(other) {
                border.push(other);
            }
        }
    }
    reached
}

/// The item of this name.
pub(crate) fn item(name: &str) -> Item {
    Item { key: Key::of(name.as_bytes()), blob: Blob::new(7, 100) }
}
