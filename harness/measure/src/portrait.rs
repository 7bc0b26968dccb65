//! The portrait of a small network: who links to whom, and what a few searches did message by
//! message. For pictures; no figure comes from it.
use overlay_core::Role;
use serde::{Deserialize, Serialize};

use crate::Key;

/// A quiet copy of the world at the moment at which its searches begin: what nodes remembered, and
/// searches asked one after the other with nothing else going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Portrait {
    /// Which run it is a copy of.
    pub key: Key,
    /// When it was taken, in microseconds of virtual time since the start of the run.
    pub at_us: u64,
    /// The live nodes, ascending.
    pub nodes: Vec<PortraitNode>,
    /// Who remembers whom: (a, b) where a remembers b. Ascending.
    pub links: Vec<(u32, u32)>,
    /// What was searched, in the order in which it was asked.
    pub searches: Vec<PortraitSearch>,
}

/// A node of a portrait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortraitNode {
    /// Its number.
    pub node: u32,
    /// Its place on the identifier circle, from 0 to 1, where the overlay has one.
    pub position: Option<f64>,
    /// What it is to the others.
    pub role: Role,
    /// How it behaves: `contributor`, or the name of how it freeloads.
    pub conduct: String,
}

/// One search, and everything that it caused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortraitSearch {
    /// Who asked.
    pub searcher: u32,
    /// The key's place on the identifier circle, from 0 to 1, where the overlay has one.
    pub key_position: Option<f64>,
    /// Who answered; `None`: nobody in time.
    pub answered_by: Option<u32>,
    /// Who holds the item, as the answer said.
    pub holder: Option<u32>,
    /// Forward messages on the path to who answered.
    pub hops: Option<u16>,
    /// From asking to the answer, in microseconds.
    pub latency_us: Option<u64>,
    /// Messages of class lookup that it caused, by the time at which they were sent.
    pub messages: Vec<PortraitMessage>,
    /// Whether there were more than [`Portrait::MOST_MESSAGES`].
    pub cut: bool,
}

/// A message of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortraitMessage {
    /// When it was sent, in microseconds since the search began.
    pub sent_us: u64,
    /// When it arrived, likewise.
    pub received_us: u64,
    /// Who sent it.
    pub from: u32,
    /// Who got it.
    pub to: u32,
    /// What it was, as the overlay names it.
    pub kind: String,
    /// Its payload.
    pub bytes: u32,
}

impl Portrait {
    /// Networks of more nodes are not portrayed: a picture of them shows nothing.
    pub const MOST_NODES: u32 = 256;
    /// Searches of a portrait.
    pub const SEARCHES: usize = 3;
    /// Messages kept of a search.
    pub const MOST_MESSAGES: usize = 4_096;
}
