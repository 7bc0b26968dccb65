//! Networks to which commands are given one after the other: how overlays are tested by hand.
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use overlay_core::{
    Answer, Blob, Command, Event, Input, Item, Key, Message as _, NodeId, OpId, Oracle as _,
    Overlay, Time,
};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::{Document, Error, Scenario, World};

use crate::{Observer, Simulation, Wiring, run};

/// Longer than any operation takes, if it is answered at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a network is made from: a scenario, the overlay's part of it, and the world of one seed.
#[derive(Debug)]
pub struct Laboratory<O: Overlay> {
    /// The scenario.
    pub scenario: Scenario,
    /// The overlay's part of it.
    pub config: O::Config,
    /// What the seed makes of it.
    pub world: World,
    seed: u64,
}

impl<O: Overlay> Laboratory<O> {
    /// A laboratory from a few lines of YAML.
    ///
    /// # Errors
    /// What is wrong with the scenario or with the overlay's part of it.
    pub fn new(yaml: &str, seed: u64) -> Result<Self, Error> {
        let document = Document::parse("laboratory", yaml)?;
        let scenario = document.scenario()?;
        let config: O::Config = document.overlay_config(O::NAME)?;
        O::check(&config, scenario.nodes).map_err(|(field, message)| {
            document.complain(&format!("overlays.{}.{field}", O::NAME), message, "")
        })?;
        let world = World::new(&scenario, seed)?;
        Ok(Self { scenario, config, world, seed })
    }

    /// What comes of the scenario from start to end.
    ///
    /// # Errors
    /// If the world cannot be drawn any more.
    pub fn measure(&self) -> Result<Measurement, Error> {
        let (stop, seed) = (AtomicBool::new(false), self.seed);
        let simulated = run::<O>(&self.scenario, &self.config, seed, &Silent, &stop)?;
        Ok(simulated.measurement)
    }

    /// Its nodes, before anything has happened.
    #[must_use]
    pub fn network(&self) -> Network<'_, O> {
        let wiring = Wiring::of(&self.scenario);
        let simulation = Simulation::new(&self.world, &self.config, self.seed, wiring);
        Network { simulation, told: Told::default(), operations: 0 }
    }

    /// Its nodes as if all had joined and maintenance had converged.
    #[must_use]
    pub fn settled_network(&self) -> Network<'_, O> {
        let mut network = self.network();
        network.simulation.settle(&self.oracle(), &mut network.told);
        network
    }

    /// The global view of its nodes.
    #[must_use]
    pub fn oracle(&self) -> O::Oracle {
        O::oracle(&self.config, &self.world)
    }
}

/// Something that happened at a node.
#[derive(Debug)]
pub enum Happening<'a, O: Overlay> {
    /// It is about to get this.
    Input(&'a Input<O>),
    /// It told this.
    Event(Event),
}

/// Sees everything that happens, when and where.
pub type Listener<O> = Box<dyn FnMut(Time, NodeId, Happening<'_, O>)>;

/// What nodes told about operations.
pub struct Told<O: Overlay> {
    outcomes: BTreeMap<OpId, Event>,
    /// How often a node looked into what it knows for a search.
    pub visited: u64,
    /// How much was dropped.
    pub dropped: u64,
    /// Messages delivered, by [`overlay_core::Class`].
    pub delivered: [u64; 3],
    /// Who listens, if anybody does.
    pub listener: Option<Listener<O>>,
}

impl<O: Overlay> Default for Told<O> {
    fn default() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            visited: 0,
            dropped: 0,
            delivered: [0; 3],
            listener: None,
        }
    }
}

impl<O: Overlay> Observer<O> for Told<O> {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Joined { op }
            | Event::Published { op }
            | Event::Found { op, .. }
            | Event::Fetched { op, .. }
            | Event::Left { op }
            | Event::Failed { op } => {
                self.outcomes.insert(op, event);
            }
            Event::Visited => self.visited += 1,
            Event::Dropped(_) => self.dropped += 1,
            Event::Piece { .. } | Event::Banned { .. } => {}
        }
        if let Some(listener) = &mut self.listener {
            listener(now, node, Happening::Event(event));
        }
        None
    }

    fn on_input(&mut self, node: NodeId, now: Time, input: &Input<O>) {
        if let Input::Message { message, .. } = input {
            self.delivered[message.class() as usize] += 1;
        }
        if let Some(listener) = &mut self.listener {
            listener(now, node, Happening::Input(input));
        }
    }
}

/// Nodes to give commands to, one after the other.
pub struct Network<'a, O: Overlay> {
    /// The nodes.
    pub simulation: Simulation<'a, O>,
    /// What they told.
    pub told: Told<O>,
    operations: u32,
}

impl<O: Overlay> Network<'_, O> {
    /// The first nodes, which know of each other.
    pub fn found(&mut self, founders: u32) {
        for node in (0..founders).map(NodeId) {
            let found = Input::Command(Command::Found { founders });
            self.simulation.give(node, found, &mut self.told);
        }
    }

    /// Gives a node a command; what it told about it, if it did within the time that lookups have.
    pub fn ask(&mut self, node: NodeId, command: impl FnOnce(OpId) -> Command) -> Option<Event> {
        let op = OpId(self.operations);
        self.operations += 1;
        self.simulation.give(node, Input::Command(command(op)), &mut self.told);
        let until = self.simulation.now() + PATIENCE;
        while !self.told.outcomes.contains_key(&op) {
            self.simulation.next_time().filter(|&time| time <= until)?;
            self.simulation.step(&mut self.told);
        }
        self.told.outcomes.get(&op).copied()
    }

    /// Whether a node joined.
    pub fn join(&mut self, node: NodeId, rendezvous: NodeId) -> bool {
        let told = self.ask(node, |op| Command::Join { op, rendezvous });
        matches!(told, Some(Event::Joined { .. }))
    }

    /// Whether a node published an item.
    pub fn publish(&mut self, node: NodeId, item: Item) -> bool {
        let told = self.ask(node, |op| Command::Publish { op, item });
        matches!(told, Some(Event::Published { .. }))
    }

    /// What a node found.
    pub fn search(&mut self, node: NodeId, key: Key) -> Option<Answer> {
        match self.ask(node, |op| Command::Search { op, key })? {
            Event::Found { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// What a node fetched.
    pub fn fetch(&mut self, node: NodeId, key: Key, holder: NodeId) -> Option<Blob> {
        match self.ask(node, |op| Command::Fetch { op, key, holder })? {
            Event::Fetched { blob, .. } => Some(blob),
            _ => None,
        }
    }

    /// A node says good-bye, and then is gone. Whether it said so.
    pub fn leave(&mut self, node: NodeId) -> bool {
        let told = self.ask(node, |op| Command::Leave { op });
        self.simulation.kill(node);
        matches!(told, Some(Event::Left { .. }))
    }

    /// Lets so many seconds pass.
    pub fn wait(&mut self, seconds: u64) {
        let until = self.simulation.now() + Duration::from_secs(seconds);
        while self.simulation.next_time().is_some_and(|time| time <= until) {
            self.simulation.step(&mut self.told);
        }
        self.simulation.advance_to(until);
    }

    /// Whom each live node is linked to.
    #[must_use]
    pub fn links(&self) -> BTreeMap<NodeId, Vec<NodeId>> {
        let config = self.simulation.config();
        self.simulation.live().map(|(id, node)| (id, node.neighbors(config))).collect()
    }

    /// The first live node that has not the neighbours that the global view says it should have.
    #[must_use]
    pub fn first_unconverged(&self, oracle: &O::Oracle) -> Option<NodeId> {
        let differs = |(node, links): &(NodeId, Vec<NodeId>)| {
            oracle.neighbors(*node).is_some_and(|right| right != *links)
        };
        self.links().into_iter().find(differs).map(|(node, _)| node)
    }
}
