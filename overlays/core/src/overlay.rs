//! The trait every overlay implements, and the one function through which a driver runs a node.
use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::units::BitRate;
use crate::{Blob, Conduct, Graph, Key, Message, NodeId, OpId, Random, Strategy, Time};

/// A peer-to-peer overlay as a state machine: one value per node, fed by [`step`].
///
/// Handlers get everything from their context and change nothing but the node and the effects they
/// ask for, so the same code runs under virtual time and on real sockets.
pub trait Overlay: Sized + Send + 'static {
    /// The name in scenarios, tables and on the command line.
    const NAME: &'static str;
    /// The ways to freeload that this overlay implements: with any other one, a node would be a
    /// contributor under another name.
    const STRATEGIES: &'static [Strategy] = Strategy::COMMON;
    /// The overlay's part of the scenario.
    type Config: Clone + Debug + Default + DeserializeOwned + JsonSchema + Send + Serialize + Sync;
    /// What nodes say to each other.
    type Message: Message;
    /// What a node asks to be reminded of. A timer is never cancelled: its handler checks whether
    /// it still matters.
    type Timer: Clone + Copy + Debug + Send;
    /// Who is right, by the view of somebody who sees the whole network.
    type Oracle: Oracle;

    /// Says what is wrong with a configuration that parsed, and at which field.
    ///
    /// # Errors
    /// The path of the field within the overlay's section, and what to do about it.
    fn check(
        config: &Self::Config,
        nodes: u32,
    ) -> Result<(), (&'static str, alloc::string::String)>;

    /// The length in bytes of the pieces that items are fetched in, the last one of an item being
    /// shorter. An item may then be larger than a message can carry. `None`: items are fetched whole.
    fn piece_length(config: &Self::Config) -> Option<u32> {
        let _ = config;
        None
    }

    /// A node before it has joined.
    fn new(cx: &mut Ctx<'_, Self>) -> Self;
    /// The workload wants something.
    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>);
    /// A peer said something.
    fn on_message(&mut self, from: NodeId, message: Self::Message, cx: &mut Ctx<'_, Self>);
    /// A timer that this node set is due.
    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Ctx<'_, Self>);
    /// A peer cannot be reached any more: its connection broke, or a message to it could not be
    /// delivered.
    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>);

    /// How much this node remembers.
    fn state(&self, config: &Self::Config) -> StateSize;
    /// The distinct other nodes this node links to, ascending; for checkers and pictures.
    fn neighbors(&self, config: &Self::Config) -> Vec<NodeId>;
    /// Whether this node has all bytes of the item with this key, as its own or for others; for
    /// checkers and pictures.
    fn holds(&self, key: &Key) -> bool;

    /// What this node is to the others, for reports by role.
    fn role(&self) -> Role {
        Role::Peer
    }

    /// The global view of a network in which all nodes are alive.
    fn oracle(config: &Self::Config, setting: &dyn Setting) -> Self::Oracle;
    /// Puts a new node into the state it would have after everybody joined and maintenance had
    /// converged: runs of many nodes start here. Sets the timers that joining would have set.
    fn settle(&mut self, oracle: &Self::Oracle, cx: &mut Ctx<'_, Self>);
    /// Checks what must hold over the whole network at every step; `nodes` are the live nodes,
    /// ascending.
    ///
    /// # Errors
    /// Which invariant is broken, and where.
    fn check_network(
        config: &Self::Config,
        nodes: &[(NodeId, &Self)],
    ) -> Result<(), alloc::string::String> {
        let _ = (config, nodes);
        Ok(())
    }

    /// Whether a failure has left these live nodes in a state from which on all that is still promised:
    /// who proves something assumes that failures do not go too far.
    fn is_promised(config: &Self::Config, nodes: &[(NodeId, &Self)]) -> bool {
        Self::check_network(config, nodes).is_ok()
    }
}

/// The global view: what somebody who sees the whole network says is right.
pub trait Oracle: Send {
    /// A node is gone, or back.
    fn set_alive(&mut self, node: NodeId, alive: bool);
    /// The nodes the overlay's structure makes responsible for a key, the first one first. Empty
    /// where the overlay assigns no responsibility.
    fn responsible(&self, key: &Key) -> Vec<NodeId>;
    /// The distinct other nodes that this node links to once maintenance has converged, ascending.
    /// `None` where the overlay does not determine them.
    fn neighbors(&self, node: NodeId) -> Option<Vec<NodeId>>;

    /// Where a node stands on the identifier circle, from 0 up to but not 1, clockwise; `None` where the
    /// overlay has no circle. For pictures.
    fn position(&self, node: NodeId) -> Option<f64> {
        let _ = node;
        None
    }

    /// Where a key stands on the same circle.
    fn key_position(&self, key: &Key) -> Option<f64> {
        let _ = key;
        None
    }
}

/// What is given from outside before anything starts, the same for every overlay.
pub trait Setting {
    /// How many nodes there are.
    fn nodes(&self) -> u32;
    /// The seed of the run.
    fn seed(&self) -> u64;
    /// What a node can send; a rate of 0 is unlimited.
    fn uplink(&self, node: NodeId) -> BitRate;
    /// Who knows whom, where the scenario says so. Overlays without a structure of their own link
    /// accordingly; others have no use for it.
    fn graph(&self) -> Option<&Graph>;
}

/// So many nodes, all alike, under seed 0 and with nothing else given.
#[derive(Clone, Copy, Debug)]
pub struct Alike(pub u32);

impl Setting for Alike {
    fn nodes(&self) -> u32 {
        self.0
    }

    fn seed(&self) -> u64 {
        0
    }

    fn uplink(&self, _: NodeId) -> BitRate {
        BitRate(0)
    }

    fn graph(&self) -> Option<&Graph> {
        None
    }
}

/// What a node is to the others.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Role {
    /// One like all others.
    #[default]
    Peer,
    /// Serves everybody.
    Server,
    /// Serves the leaves attached to it.
    SuperPeer,
    /// Is served by super-peers.
    Leaf,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Peer => "peer",
            Self::Server => "server",
            Self::SuperPeer => "super-peer",
            Self::Leaf => "leaf",
        })
    }
}

/// What goes into a node.
#[derive(Clone, Debug)]
pub enum Input<O: Overlay> {
    /// From the workload.
    Command(Command),
    /// From a peer.
    Message {
        /// The peer that sent it.
        from: NodeId,
        /// What it said.
        message: O::Message,
    },
    /// From the node itself, earlier.
    Timer(O::Timer),
    /// From the driver: this peer cannot be reached any more.
    PeerLost(NodeId),
}

/// What comes out of a node, to be applied in the order asked.
#[derive(Clone, Debug)]
pub enum Effect<O: Overlay> {
    /// Give this message to that peer.
    Send {
        /// The peer.
        to: NodeId,
        /// The message.
        message: O::Message,
    },
    /// Give this timer back after this long.
    SetTimer {
        /// How long.
        after: Duration,
        /// The timer.
        timer: O::Timer,
    },
    /// Tell the harness.
    Emit(Event),
}

/// An item: a key and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its key.
    pub key: Key,
    /// Its bytes.
    pub blob: Blob,
}

/// What the workload asks of a node: the four primitives, and the two ends of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be one of the nodes `0..founders` that the overlay starts from. They know of each other;
    /// everybody else joins through one of them.
    Found {
        /// How many they are, this node included.
        founders: u32,
    },
    /// Become part of the overlay through a known node.
    Join {
        /// The operation.
        op: OpId,
        /// The known node.
        rendezvous: NodeId,
    },
    /// Make it known that this node holds an item.
    Publish {
        /// The operation.
        op: OpId,
        /// The item.
        item: Item,
    },
    /// Find who holds the item with this key.
    Search {
        /// The operation.
        op: OpId,
        /// The item's key.
        key: Key,
    },
    /// Get the item's bytes from a holder.
    Fetch {
        /// The operation.
        op: OpId,
        /// The item's key.
        key: Key,
        /// Who holds it.
        holder: NodeId,
    },
    /// Depart with notice.
    Leave {
        /// The operation.
        op: OpId,
    },
}

/// What a node tells the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The node is part of the overlay.
    Joined {
        /// The operation.
        op: OpId,
    },
    /// The item is known.
    Published {
        /// The operation.
        op: OpId,
    },
    /// The search has an answer.
    Found {
        /// The operation.
        op: OpId,
        /// The answer.
        answer: Answer,
    },
    /// This node looked into what it knows for a search, its own or somebody's: Lv et al.'s "nodes
    /// visited". Once per search and node.
    Visited,
    /// The fetch has its bytes.
    Fetched {
        /// The operation.
        op: OpId,
        /// What arrived; its `intact` says whether it was verified.
        blob: Blob,
    },
    /// A piece of what a fetch is for is here and verified; told by overlays that fetch in pieces
    /// ([`Overlay::piece_length`]), once a piece, before `Fetched`.
    Piece {
        /// The fetch.
        op: OpId,
        /// Which piece, from 0.
        piece: u32,
        /// How many there are.
        of: u32,
    },
    /// This node will have nothing to do with a peer any more, because it found it lying.
    Banned {
        /// The peer.
        peer: NodeId,
    },
    /// The node has said its good-byes and may stop.
    Left {
        /// The operation.
        op: OpId,
    },
    /// The overlay knows that the operation will not succeed.
    Failed {
        /// The operation.
        op: OpId,
    },
    /// Something was dropped rather than served.
    Dropped(DropReason),
}

/// Why a node dropped something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropReason {
    /// A message that makes no sense where it arrived.
    Nonsense,
    /// A bound of the configuration was reached.
    Bound,
    /// A piece that was not what it should be, after all of it had come.
    Corrupt,
}

/// The answer to a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The node that answered.
    pub by: NodeId,
    /// Who holds the item; `None`: nobody, as far as `by` knows.
    pub holder: Option<NodeId>,
    /// Forward messages on the path from the searcher to `by`; 0: answered locally.
    pub hops: u16,
    /// Nodes on the way that were tried in vain.
    pub timeouts: u16,
}

/// How much a node remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSize {
    /// Distinct other nodes it remembers.
    pub links: u32,
    /// Index records it keeps for others.
    pub entries: u32,
    /// Both, encoded, in bytes.
    pub bytes: u64,
}

/// What a handler may know and do.
pub struct Ctx<'a, O: Overlay> {
    /// This node.
    pub me: NodeId,
    /// Now.
    pub now: Time,
    /// The overlay's configuration, one for all nodes.
    pub config: &'a O::Config,
    /// How this node behaves towards others.
    pub conduct: Conduct,
    /// What this node can send, as its owner would tell it; a rate of 0 is unlimited.
    pub uplink: BitRate,
    /// This node's own random stream.
    pub rng: &'a mut Random,
    /// What the handler asked for so far, in order.
    pub effects: &'a mut Vec<Effect<O>>,
}

impl<O: Overlay> Ctx<'_, O> {
    /// Gives a message to a peer.
    #[inline]
    pub fn send(&mut self, to: NodeId, message: O::Message) {
        self.effects.push(Effect::Send { to, message });
    }

    /// Asks for a timer back.
    #[inline]
    pub fn set_timer(&mut self, after: Duration, timer: O::Timer) {
        self.effects.push(Effect::SetTimer { after, timer });
    }

    /// Tells the harness.
    #[inline]
    pub fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Emit(event));
    }
}

/// Runs a node on one input. Both drivers feed a node through this function and no other way, and
/// apply the effects it left in the context in the order asked.
#[inline]
pub fn step<O: Overlay>(node: &mut O, input: Input<O>, cx: &mut Ctx<'_, O>) {
    match input {
        Input::Command(command) => node.on_command(command, cx),
        Input::Message { from, message } => node.on_message(from, message, cx),
        Input::Timer(timer) => node.on_timer(timer, cx),
        Input::PeerLost(peer) => node.on_peer_lost(peer, cx),
    }
}
