//! What the controller and its node processes say to each other, on a connection of its own: not a
//! byte of it is overlay traffic.
//!
//! ```text
//! process                         controller
//!    | Hello{token, process} --------> |
//!    | <------------------------ Setup |   which nodes to be, in which scenario
//!    | Listening ----------------->    |   one address per node
//!    | <------------------------ Table |   everybody's
//!    | Ready --------------------->    |
//!    | <--------------------------- Go |   when the run starts
//!    | Events, Neighbors, Checkpoint → |
//!    | <------------ Strike, Look, End |   a fault at one of several nodes; the end of the window
//!    | <------------------ Sleep, Wake |   a node that is frozen for a while
//!    | Finished ------------------>    |
//! ```
//! A process whose nodes come back goes through the same, up to a start that is over.
//!
//! A process that loses this connection exits at once.
mod channel;
mod report;

use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use overlay_core::{Event, NodeId, Time};
use peerbench_scenario::{Content, FaultAction, Transport};
use serde::{Deserialize, Serialize};

pub use channel::{Broken, MAX_HELLO, MAX_MESSAGE, encode, parse, read, write};
pub use report::{Counts, ProcessReport};

use crate::clock::Moment;

/// Name of the environment variable that holds the controller's address.
pub const ADDRESS_VARIABLE: &str = "PEERBENCH_CONTROL";
/// Name of the environment variable that holds the run's token, in hexadecimal digits.
pub const TOKEN_VARIABLE: &str = "PEERBENCH_TOKEN";
/// Name of the environment variable that holds the number of the process.
pub const PROCESS_VARIABLE: &str = "PEERBENCH_PROCESS";
/// Name of the environment variable that holds the controller's process id.
pub const PARENT_VARIABLE: &str = "PEERBENCH_PARENT";

/// The secret by which the controller knows its own processes.
pub type Token = [u8; 32];

/// From the controller to a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Be these nodes.
    Setup(Setup),
    /// Be the end of a control measurement that echoes.
    Echo,
    /// Be the end of a control measurement that asks: this many round trips with this address.
    Ask {
        /// Whom.
        address: Address,
        /// How often.
        times: u32,
    },
    /// Be a libp2p node that does nothing but stand.
    Stand {
        /// Whom to connect to; `None`: who comes.
        peer: Option<Address>,
        /// How many connections to have with it.
        connections: u32,
        /// What carries them.
        transport: Transport,
    },
    /// Where everybody listens; the n-th row is node n.
    Table(Vec<Address>),
    /// The run starts at this moment.
    Go(Moment),
    /// This happens to one of the process's nodes now.
    Strike(NodeId, FaultAction),
    /// One of the process's nodes does nothing from now on.
    Sleep(NodeId),
    /// It goes on.
    Wake(NodeId),
    /// What nodes remember now is what counts, rather than what they do when the window ends.
    Look,
    /// The window ends at this time.
    End(Time),
}

/// What a process is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The resolved scenario.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// The nodes of this process, ascending.
    pub nodes: Vec<NodeId>,
    /// Set if the scenario's one item is real bytes.
    pub real: Option<Arc<RealItem>>,
    /// Set if they have been there before, in a process that was killed.
    pub back: Option<Back>,
}

/// The item that is real bytes, as a `.torrent` file describes it (BEP 3), and where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealItem {
    /// The files.
    pub content: Arc<Content>,
    /// The length in bytes of every piece but the last one, which may be shorter.
    pub piece_length: u32,
    /// The SHA-1 of each piece.
    pub pieces: Vec<[u8; 20]>,
    /// The SHA-1 of each run of [`overlay_core::GRAIN`] bytes, the last one being shorter. They tell
    /// whose bytes were false when a piece came from several, as those of BitTorrent v2 can (BEP
    /// 52).
    pub grains: Vec<[u8; 20]>,
}

/// How nodes come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// What they were to do before this time is over.
    pub at: Time,
    /// Which of their lives begins; 0 is the first.
    pub life: u32,
    /// Where they listened, in the order of the nodes, and are to listen again: others know them
    /// by it.
    pub multiaddresses: Vec<String>,
}

/// Where a node listens, and its libp2p identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The multiaddress, as text.
    pub multiaddress: String,
    /// The peer id, as bytes.
    pub peer: Vec<u8>,
}

impl Address {
    /// The address of a node that listens here.
    #[must_use]
    pub fn new(peer: &PeerId, multiaddress: &Multiaddr) -> Self {
        Self { multiaddress: multiaddress.to_string(), peer: peer.to_bytes() }
    }

    /// The parts; `None` if they do not parse.
    #[must_use]
    pub fn parse(&self) -> Option<(PeerId, Multiaddr)> {
        Some((PeerId::from_bytes(&self.peer).ok()?, self.multiaddress.parse().ok()?))
    }
}

/// From a process to the controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Notice {
    /// The first word.
    Hello {
        /// Proof that the controller started this process.
        token: Token,
        /// The number the controller gave it.
        process: u32,
    },
    /// The nodes listen; in the order of [`Setup::nodes`].
    Listening(Vec<Address>),
    /// The table has arrived.
    Ready,
    /// Overlay events, in the order of each node's time.
    Events(Vec<Happening>),
    /// A node's neighbours have changed.
    Neighbors {
        /// The node.
        node: NodeId,
        /// When it was noticed.
        at: Time,
        /// The neighbours, ascending.
        neighbors: Vec<NodeId>,
    },
    /// What the window's figures would be if it ended now.
    Checkpoint(Box<ProcessReport>),
    /// What the window's figures are.
    Finished(Box<ProcessReport>),
    /// Median round trips of a control measurement.
    RoundTrips(RoundTrips),
    /// What a libp2p node that only stands takes of the machine.
    Standing(Standing),
    /// The process cannot go on, and why.
    Failed(String),
}

/// Median round trips of one plain libp2p stream, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RoundTrips {
    /// One after the other, without a pause.
    pub busy: u64,
    /// With a pause before each, after which both processes have to be woken: as it is for nodes
    /// that have little to do.
    pub paced: u64,
}

/// What a connected libp2p node takes of the machine while nothing is asked of it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Memory of its process that it shares with no other, in bytes.
    pub own_bytes: u64,
    /// Processor time in nanoseconds, from its start until it was connected.
    pub processor: u64,
}

/// An event of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// The node.
    pub node: NodeId,
    /// When.
    pub at: Time,
    /// What.
    pub event: Event,
}
