//! What the tests of the tracker share: a handful of nodes with 50 ms between any two, that can be
//! killed, frozen and started anew by hand; and worlds from a few lines of YAML in the simulator.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use overlay_core::units::{BitRate, Span};
use overlay_core::{
    Alike, Answer, Blob, Command, Conduct, Ctx, Effect, Event, Input, Item, Key, NodeId, OpId,
    Overlay as _, Purpose, Random, Time, step,
};
use overlay_tracker::{Tracker, TrackerConfig};
use peerbench_measure::{self as measure, Driver, Measurement, RunRecord, Silent, Status};
use peerbench_scenario::{Document, Scenario};

/// From one node to another.
const ONE_WAY: Duration = Duration::from_millis(50);

/// A scenario and the tracker's part of it.
pub(crate) fn scenario(yaml: &str) -> (Scenario, TrackerConfig) {
    let document = Document::parse("test", yaml).expect("the test's YAML is well-formed");
    let scenario = document.scenario().expect("the test's scenario is sound");
    let config = document.overlay_config("tracker").expect("the test's configuration is sound");
    Tracker::check(&config, scenario.nodes).expect("the test's configuration makes sense");
    (scenario, config)
}

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    let (scenario, config) = scenario(yaml);
    let stop = AtomicBool::new(false);
    peerbench_simulator::run::<Tracker>(&scenario, &config, seed, &Silent, &stop)
        .expect("the world can be drawn")
        .measurement
}

/// The same, as it is stored.
pub(crate) fn record(yaml: &str, seed: u64) -> RunRecord {
    let key = measure::Key {
        overlay: "tracker".to_owned(),
        scenario: "test".to_owned(),
        driver: Driver::Simulator,
        n: scenario(yaml).0.nodes,
        seed,
        round: 0,
    };
    RunRecord::new(key, String::new(), Status::Ok, &simulate(yaml, seed))
}

/// The item with this number.
pub(crate) fn item(number: u64) -> Item {
    Item { key: Key::of(&number.to_be_bytes()), blob: Blob::new(number, 1_000) }
}

pub(crate) fn span(seconds: u64) -> Span {
    Span(Duration::from_secs(seconds))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Up,
    Frozen,
    Down,
}

struct Slot {
    node: Tracker,
    random: Random,
    life: Life,
    /// How often it was started; what its former lives waited for does not reach it.
    lives: u32,
}

/// Nodes to do things to.
pub(crate) struct Laboratory {
    pub(crate) config: TrackerConfig,
    pub(crate) conducts: BTreeMap<NodeId, Conduct>,
    /// What was said and told so far, a line each.
    pub(crate) transcript: String,
    pub(crate) now: Time,
    slots: Vec<Slot>,
    waiting: BTreeMap<(Time, u64), (NodeId, u32, Input<Tracker>)>,
    put: u64,
    operations: u32,
    told: BTreeMap<OpId, Event>,
}

impl Laboratory {
    /// So many nodes, before anything has happened.
    pub(crate) fn new(nodes: u32, config: TrackerConfig) -> Self {
        Tracker::check(&config, nodes).expect("the test's configuration makes sense");
        let mut laboratory = Self {
            config,
            conducts: BTreeMap::new(),
            transcript: String::new(),
            now: Time::ZERO,
            slots: Vec::new(),
            waiting: BTreeMap::new(),
            put: 0,
            operations: 0,
            told: BTreeMap::new(),
        };
        for me in (0..nodes).map(NodeId) {
            let mut random = Random::stream(1, Purpose::Node, me.0.into());
            let node = Tracker::new(&mut laboratory.context(me, &mut random, &mut Vec::new()));
            laboratory.slots.push(Slot { node, random, life: Life::Up, lives: 1 });
        }
        laboratory
    }

    /// All nodes have joined.
    pub(crate) fn joined(nodes: u32, config: TrackerConfig) -> Self {
        let mut laboratory = Self::new(nodes, config);
        (0..nodes).for_each(|node| laboratory.found(NodeId(node)));
        laboratory.wait(1.0);
        laboratory
    }

    /// All nodes are as if they had joined long ago.
    pub(crate) fn settled(nodes: u32, config: TrackerConfig) -> Self {
        let mut laboratory = Self::new(nodes, config);
        let view = Tracker::oracle(&laboratory.config, &Alike(nodes));
        for me in (0..nodes).map(NodeId) {
            laboratory.with(me, |node, cx| node.settle(&view, cx));
        }
        laboratory
    }

    fn context<'a>(
        &'a self,
        me: NodeId,
        rng: &'a mut Random,
        effects: &'a mut Vec<Effect<Tracker>>,
    ) -> Ctx<'a, Tracker> {
        let conduct = self.conducts.get(&me).copied().unwrap_or_default();
        let (now, config, uplink) = (self.now, &self.config, BitRate(0));
        Ctx { me, now, config, conduct, uplink, rng, effects }
    }

    fn with(&mut self, me: NodeId, act: impl FnOnce(&mut Tracker, &mut Ctx<'_, Tracker>)) {
        let config = self.config.clone();
        let conduct = self.conducts.get(&me).copied().unwrap_or_default();
        let mut effects = Vec::new();
        let Slot { node, random, .. } = &mut self.slots[me.index()];
        let (now, uplink) = (self.now, BitRate(0));
        let mut cx =
            Ctx { me, now, config: &config, conduct, uplink, rng: random, effects: &mut effects };
        act(node, &mut cx);
        effects.into_iter().for_each(|effect| self.apply(me, effect));
    }

    fn apply(&mut self, me: NodeId, effect: Effect<Tracker>) {
        match effect {
            Effect::Send { to, message } => {
                let input = Input::Message { from: me, message };
                self.put(self.now + ONE_WAY, to, input);
            }
            Effect::SetTimer { after, timer } => {
                self.put(self.now + after, me, Input::Timer(timer));
            }
            Effect::Emit(event) => {
                self.write(&format!("{me} tells {event:?}"));
                let (Event::Joined { op }
                | Event::Published { op }
                | Event::Found { op, .. }
                | Event::Fetched { op, .. }
                | Event::Left { op }
                | Event::Failed { op }) = event
                else {
                    return;
                };
                assert!(self.told.insert(op, event).is_none(), "{op:?} ends once: {event:?}");
            }
        }
    }

    fn put(&mut self, at: Time, to: NodeId, input: Input<Tracker>) {
        let Some(slot) = self.slots.get(to.index()) else { return };
        self.put += 1;
        self.waiting.insert((at, self.put), (to, slot.lives, input));
    }

    fn write(&mut self, line: &str) {
        let now = self.now.as_secs_f64();
        writeln!(self.transcript, "{now:7.3}s {line}").expect("a string takes everything");
    }

    /// Lets this happen to a node, now.
    pub(crate) fn give(&mut self, to: NodeId, input: Input<Tracker>) {
        match (self.slots[to.index()].life, &input) {
            (Life::Up, _) => self.with(to, |node, cx| step(node, input, cx)),
            (Life::Down, &Input::Message { from, .. }) => {
                self.put(self.now + ONE_WAY, from, Input::PeerLost(to));
            }
            _ => {}
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some(next) = self.waiting.first_entry().filter(|next| next.key().0 <= until) {
            let ((at, _), (to, life, input)) = next.remove_entry();
            self.now = at;
            let slot = &self.slots[to.index()];
            // A message reaches whoever is there now; a timer, who has set it.
            if life != slot.lives && !matches!(input, Input::Message { .. }) {
                continue;
            }
            if slot.life == Life::Up {
                match &input {
                    Input::Message { from, message } => {
                        self.write(&format!("{from} -> {to} {message:?}"));
                    }
                    Input::PeerLost(peer) => self.write(&format!("{to} has lost {peer}")),
                    Input::Command(_) | Input::Timer(_) => {}
                }
            }
            self.give(to, input);
        }
        self.now = until;
    }

    fn command(&mut self, node: NodeId, command: impl FnOnce(OpId) -> Command) -> OpId {
        let op = OpId(self.operations);
        self.operations += 1;
        self.give(node, Input::Command(command(op)));
        op
    }

    pub(crate) fn found(&mut self, node: NodeId) {
        let founders = self.slots.len() as u32;
        self.give(node, Input::Command(Command::Found { founders }));
    }

    pub(crate) fn join(&mut self, node: NodeId) -> OpId {
        self.command(node, |op| Command::Join { op, rendezvous: NodeId(0) })
    }

    pub(crate) fn publish(&mut self, node: NodeId, item: Item) -> OpId {
        self.command(node, |op| Command::Publish { op, item })
    }

    pub(crate) fn begin_search(&mut self, node: NodeId, key: Key) -> OpId {
        self.command(node, |op| Command::Search { op, key })
    }

    pub(crate) fn begin_fetch(&mut self, node: NodeId, key: Key, holder: NodeId) -> OpId {
        self.command(node, |op| Command::Fetch { op, key, holder })
    }

    pub(crate) fn leave(&mut self, node: NodeId) -> OpId {
        self.command(node, |op| Command::Leave { op })
    }

    /// What became of an operation, as far as its node has told.
    pub(crate) fn told(&self, op: OpId) -> Option<Event> {
        self.told.get(&op).copied()
    }

    /// The answer to a search, if there is one within 4 s.
    pub(crate) fn search(&mut self, node: NodeId, key: Key) -> Option<Answer> {
        let op = self.begin_search(node, key);
        self.wait(4.0);
        match self.told(op)? {
            Event::Found { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whoever is linked to it notices at once; the others, when they send something.
    pub(crate) fn kill(&mut self, node: NodeId) {
        self.slots[node.index()].life = Life::Down;
        let is_linked = |other: &NodeId| {
            *other != node && self.node(*other).neighbors(&self.config).contains(&node)
        };
        let all = (0..self.slots.len() as u32).map(NodeId);
        let mut linked: BTreeSet<NodeId> = all.filter(is_linked).collect();
        linked.extend(self.node(node).neighbors(&self.config));
        for peer in linked {
            self.put(self.now + ONE_WAY, peer, Input::PeerLost(node));
        }
    }

    pub(crate) fn freeze(&mut self, node: NodeId) {
        self.slots[node.index()].life = Life::Frozen;
    }

    /// A node that was killed runs again, and remembers nothing.
    pub(crate) fn restart(&mut self, node: NodeId) {
        let mut random = self.slots[node.index()].random.clone();
        let new = Tracker::new(&mut self.context(node, &mut random, &mut Vec::new()));
        let slot = &mut self.slots[node.index()];
        *slot = Slot { node: new, random, life: Life::Up, lives: slot.lives + 1 };
    }

    pub(crate) fn node(&self, node: NodeId) -> &Tracker {
        &self.slots[node.index()].node
    }

    /// The nodes that run, ascending.
    pub(crate) fn live(&self) -> Vec<(NodeId, &Tracker)> {
        let nodes = (0..).map(NodeId).zip(&self.slots);
        nodes.filter(|(_, slot)| slot.life == Life::Up).map(|(id, slot)| (id, &slot.node)).collect()
    }

    pub(crate) fn records(&self, server: NodeId) -> u32 {
        self.node(server).server().expect("it is a server").index().records()
    }
}
