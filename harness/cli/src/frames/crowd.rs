//! The nodes of a small network in virtual time, which do what a scenario asks of them while frames
//! are thrown at them that nobody sent.
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{
    Effect, Input, Message as _, NodeId, Overlay, Purpose, Random, StateSize, Time, wire,
};
use peerbench_scenario::{Document, Scenario, Timetable, World};
use peerbench_testbed::node::{Identity, Machine};

use super::mutation::Corpus;
use super::{Epoch, MOST_STATE, Tally};
use crate::failure::Failure;

/// How long a message travels.
const ONE_WAY: Duration = Duration::from_millis(20);
/// Messages and timers that may wait; what comes then is dropped, so that a message which makes a node
/// send two does not fill the memory of this program.
const MOST_PENDING: usize = 20_000;
/// Most frames thrown between two of the network's own events.
const MOST_AT_ONCE: u64 = 16;
/// How many frames are thrown between two looks at what nodes remember.
const LOOK_EVERY: u64 = 4_096;

/// The nodes, and what is on its way to them.
struct Crowd<O: Overlay> {
    machines: Vec<Machine<O>>,
    pending: BTreeMap<(Time, u64), (NodeId, Input<O>)>,
    sequence: u64,
    timetable: Peekable<Timetable>,
    now: Time,
    corpus: Corpus,
    random: Random,
    effects: Vec<Effect<O>>,
    frame: Vec<u8>,
}

/// Throws an epoch's frames at an overlay.
pub(super) fn throw<O: Overlay>(scenario: &str, epoch: &Epoch<'_>) -> Result<Tally, Failure> {
    let mut random = Random::stream(epoch.seed, Purpose::Population, 0);
    let (document, scenario) = draw_scenario::<O>(scenario, epoch, &mut random)?;
    let config: O::Config = document.overlay_config(O::NAME)?;
    let world = World::new(&scenario, epoch.seed)?;
    let mut crowd = Crowd::<O>::new(&scenario, config, &world, epoch.seed, random);
    let mut tally = Tally::default();
    while tally.frames < epoch.frames {
        crowd.step();
        for _ in 0..crowd.random.below(MOST_AT_ONCE + 1) {
            crowd.throw(&mut tally);
            epoch.tell(tally.frames);
            if tally.frames.is_multiple_of(LOOK_EVERY) {
                crowd.look(&mut tally);
            }
        }
    }
    crowd.look(&mut tally);
    Ok(tally)
}

/// The overlay's scenario with few nodes and small items; in every other epoch a third of the nodes
/// freeloads in one of the ways that the overlay knows.
fn draw_scenario<O: Overlay>(
    name: &str,
    epoch: &Epoch<'_>,
    random: &mut Random,
) -> Result<(Document, Scenario), Failure> {
    let mut document = peerbench_scenario::builtin(name)?;
    document.set("nodes=12")?;
    if document.scenario()?.workload.downloads.is_some() {
        document.set("workload.item_size=256KiB")?;
        document.set("overlays.bittorrent.piece_length=64KiB")?;
        document.set("warm_up=1s")?;
    } else {
        document.set("workload.items=24")?;
        document.set("workload.searches=200")?;
        document.set("workload.fetch=true")?;
    }
    let strategies = O::STRATEGIES;
    if random.below(2) == 0 && !strategies.is_empty() {
        let strategy = strategies[random.below(strategies.len() as u64) as usize];
        document.set(&format!("freeloaders={{share: 0.3, strategy: {strategy}}}"))?;
    }
    for assignment in epoch.assignments {
        document.set(assignment)?;
    }
    let scenario = document.scenario()?;
    Ok((document, scenario))
}

impl<O: Overlay> Crowd<O> {
    fn new(
        scenario: &Scenario,
        config: O::Config,
        world: &World,
        seed: u64,
        mut random: Random,
    ) -> Self {
        let config = Arc::new(config);
        let is_settled = !scenario.forms_by_joining() || random.below(2) == 0;
        let oracle = is_settled.then(|| O::oracle(&config, world));
        let identity = |node| Identity {
            me: node,
            config: Arc::clone(&config),
            conduct: world.conduct(node),
            uplink: world.uplink(node),
            seed,
            life: 0,
            since: Time::ZERO,
        };
        let nodes = (0..world.nodes()).map(NodeId);
        let machines = nodes.map(|node| Machine::new(identity(node), oracle.as_ref())).collect();
        let mut crowd = Self {
            machines,
            pending: BTreeMap::new(),
            sequence: 0,
            timetable: world.timetable().peekable(),
            now: Time::ZERO,
            corpus: Corpus::default(),
            random,
            effects: Vec::new(),
            frame: Vec::new(),
        };
        for node in (0..world.nodes()).map(NodeId) {
            crowd.apply(node, true);
        }
        crowd
    }

    /// Does what is due next.
    fn step(&mut self) {
        let next = self.pending.first_key_value().map(|((at, _), _)| *at);
        let due = self.timetable.next_if(|due| next.is_none_or(|next| due.at <= next));
        if let Some(due) = due {
            self.now = self.now.max(due.at);
            self.feed(due.node, Input::Command(due.command), true);
        } else if let Some(((at, _), (node, input))) = self.pending.pop_first() {
            self.now = at;
            self.feed(node, input, true);
        } else {
            self.now = self.now + ONE_WAY;
        }
    }

    /// Throws one frame at one node; now and then, a peer is lost instead.
    fn throw(&mut self, tally: &mut Tally) {
        let nodes = self.machines.len() as u64;
        let to = NodeId(self.random.below(nodes) as u32);
        let from = NodeId(self.random.below(nodes) as u32);
        tally.frames += 1;
        self.corpus.make(&mut self.random, &mut self.frame);
        if let Ok(message) = wire::decode::<O::Message>(&self.frame) {
            tally.decoded += 1;
            self.feed(to, Input::Message { from, message }, false);
        } else if self.random.below(4_096) == 0 {
            self.feed(to, Input::PeerLost(from), false);
        }
    }

    fn feed(&mut self, node: NodeId, input: Input<O>, is_own: bool) {
        self.machines[node.index()].feed(self.now, input);
        self.apply(node, is_own);
    }

    /// Has the node's effects happen. What it says in answer to what nobody sent arrives one time in
    /// four: the network is to live on.
    fn apply(&mut self, node: NodeId, is_own: bool) {
        let mut effects = std::mem::take(&mut self.effects);
        self.machines[node.index()].take_effects(&mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => {
                    self.listen(&message, is_own);
                    let arrives = is_own || self.random.below(4) == 0;
                    if arrives && to.index() < self.machines.len() {
                        self.enter(ONE_WAY, to, Input::Message { from: node, message });
                    }
                }
                Effect::SetTimer { after, timer } => self.enter(after, node, Input::Timer(timer)),
                Effect::Emit(_) => {}
            }
        }
        self.effects = effects;
    }

    fn enter(&mut self, after: Duration, node: NodeId, input: Input<O>) {
        if self.pending.len() < MOST_PENDING {
            self.pending.insert((self.now + after, self.sequence), (node, input));
            self.sequence += 1;
        }
    }

    /// Takes some of what is said for frames to come.
    fn listen(&mut self, message: &O::Message, is_own: bool) {
        let rarely = if is_own { 8 } else { 64 };
        if self.corpus.lacks(message.kind()) || self.random.below(rarely) == 0 {
            let mut frame = Vec::new();
            wire::encode(message, &mut frame);
            self.corpus.keep(message.kind(), frame, &mut self.random);
        }
    }

    /// Looks at what the nodes remember.
    ///
    /// # Panics
    /// If one remembers more than it may.
    fn look(&self, tally: &mut Tally) {
        for machine in &self.machines {
            let StateSize { bytes, links, entries } = machine.state();
            assert!(
                bytes <= MOST_STATE,
                "{} remembers {bytes} bytes: {links} links, {entries} entries",
                machine.me()
            );
            tally.largest_state = tally.largest_state.max(bytes);
        }
    }
}
