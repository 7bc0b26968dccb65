//! One overlay node as both drivers see it: fed through [`step`], effects out in order; and a log
//! of what it was fed, from which the same effects come again.
use std::sync::Arc;

use overlay_core::units::BitRate;
use overlay_core::{
    Conduct, Ctx, Effect, Input, Key, NodeId, Overlay, Random, Role, StateSize, Time, step,
};
use peerbench_measure::Inventories;

/// Who a node is: with its inputs, all that its effects depend on.
#[derive(Debug)]
pub struct Identity<O: Overlay> {
    /// The node.
    pub me: NodeId,
    /// The overlay's configuration, shared by the nodes of a process.
    pub config: Arc<O::Config>,
    /// How the node behaves.
    pub conduct: Conduct,
    /// What the node can send; a rate of 0 is unlimited.
    pub uplink: BitRate,
    /// The run's seed.
    pub seed: u64,
    /// How often the node has been there before.
    pub life: u32,
    /// When this life of it begins.
    pub since: Time,
}

/// One thing that a node was fed, and what came of it.
#[derive(Debug)]
pub struct Recorded<O: Overlay> {
    /// When.
    pub at: Time,
    /// What.
    pub input: Input<O>,
    /// The effects in the order asked, in words.
    pub effects: Vec<String>,
}

/// A node and its random stream.
#[derive(Debug)]
pub struct Machine<O: Overlay> {
    identity: Identity<O>,
    node: O,
    random: Random,
    effects: Vec<Effect<O>>,
    recording: Option<Vec<Recorded<O>>>,
}

impl<O: Overlay> Machine<O> {
    /// A node at the start of its life; settled where an oracle says into what. Its first effects
    /// wait to be taken.
    #[must_use]
    pub fn new(identity: Identity<O>, settled: Option<&O::Oracle>) -> Self {
        let mut random = Random::of_node(identity.seed, identity.me, identity.life);
        let mut effects = Vec::new();
        let mut cx = Ctx {
            me: identity.me,
            now: identity.since,
            config: &*identity.config,
            conduct: identity.conduct,
            uplink: identity.uplink,
            rng: &mut random,
            effects: &mut effects,
        };
        let mut node = O::new(&mut cx);
        if let Some(oracle) = settled {
            node.settle(oracle, &mut cx);
        }
        Self { identity, node, random, effects, recording: None }
    }

    /// Keeps a log of everything the node is fed from now on.
    pub fn record(&mut self) {
        self.recording.get_or_insert_default();
    }

    /// The log, if one is kept.
    #[must_use]
    pub fn recording(&self) -> Option<&[Recorded<O>]> {
        self.recording.as_deref()
    }

    /// Runs the node on one input. Its effects wait to be taken.
    pub fn feed(&mut self, now: Time, input: Input<O>) {
        let recorded = self.recording.is_some().then(|| copy(&input));
        let earlier = self.effects.len();
        let mut cx = Ctx {
            me: self.identity.me,
            now,
            config: &*self.identity.config,
            conduct: self.identity.conduct,
            uplink: self.identity.uplink,
            rng: &mut self.random,
            effects: &mut self.effects,
        };
        step(&mut self.node, input, &mut cx);
        if let (Some(recording), Some(input)) = (&mut self.recording, recorded) {
            let effects = self.effects[earlier..].iter().map(describe).collect();
            recording.push(Recorded { at: now, input, effects });
        }
    }

    /// A new node of the same identity that has been fed what another one recorded from its start,
    /// and has recorded it again.
    #[must_use]
    pub fn replay(
        identity: Identity<O>,
        settled: Option<&O::Oracle>,
        recording: &[Recorded<O>],
    ) -> Self {
        let mut machine = Self::new(identity, settled);
        machine.record();
        for Recorded { at, input, .. } in recording {
            machine.effects.clear();
            machine.feed(*at, copy(input));
        }
        machine
    }

    /// Exchanges the effects, in the order asked, for an empty buffer.
    pub fn take_effects(&mut self, into: &mut Vec<Effect<O>>) {
        debug_assert!(into.is_empty(), "effects that were taken earlier are applied by now");
        std::mem::swap(&mut self.effects, into);
    }

    /// The node's number.
    #[must_use]
    pub const fn me(&self) -> NodeId {
        self.identity.me
    }

    /// How the node behaves.
    #[must_use]
    pub const fn conduct(&self) -> Conduct {
        self.identity.conduct
    }

    /// What the node can send; a rate of 0 is unlimited.
    #[must_use]
    pub const fn uplink(&self) -> BitRate {
        self.identity.uplink
    }

    /// What the node is to the others.
    #[must_use]
    pub fn role(&self) -> Role {
        self.node.role()
    }

    /// How much the node remembers.
    #[must_use]
    pub fn state(&self) -> StateSize {
        self.node.state(&self.identity.config)
    }

    /// Writes down what the node remembers.
    pub fn take_inventory(
        &self,
        at: Time,
        keys: &[Key],
        is_there: impl Fn(NodeId) -> bool,
        inventories: &mut Inventories,
    ) {
        inventories.add(at, &self.node, &self.identity.config, keys, is_there);
    }

    /// Whom the node links to.
    #[must_use]
    pub fn neighbors(&self) -> Vec<NodeId> {
        self.node.neighbors(&self.identity.config)
    }
}

/// An input once more. (`Clone` could only be derived for overlays that are `Clone` themselves.)
fn copy<O: Overlay>(input: &Input<O>) -> Input<O> {
    match input {
        Input::Command(command) => Input::Command(*command),
        Input::Message { from, message } => {
            Input::Message { from: *from, message: message.clone() }
        }
        Input::Timer(timer) => Input::Timer(*timer),
        Input::PeerLost(peer) => Input::PeerLost(*peer),
    }
}

fn describe<O: Overlay>(effect: &Effect<O>) -> String {
    match effect {
        Effect::Send { to, message } => format!("send {to} {message:?}"),
        Effect::SetTimer { after, timer } => format!("timer {after:?} {timer:?}"),
        Effect::Emit(event) => format!("emit {event:?}"),
    }
}
