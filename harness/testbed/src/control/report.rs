//! What a process reports of its nodes at the end of the window.
use peerbench_measure::{Inventories, NodeSample, Sent};
use serde::{Deserialize, Serialize};

use crate::link::LinkCounts;

/// The figures of one process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProcessReport {
    /// One per node, in the order of the set-up.
    pub nodes: Vec<NodeSample>,
    /// What was counted on all its nodes, since the start of the run.
    pub counts: Counts,
    /// How often nodes looked into what they know for a search, in the window.
    pub visited: u64,
    /// Peers that its nodes have connections to, each node's counted for itself.
    pub connections: u64,
    /// What its nodes sent in the window, over time and by kind.
    pub sent: Sent,
    /// What its nodes remembered at some times in the window.
    pub inventories: Inventories,
    /// How late shaped frames were delivered: microseconds and how often.
    pub lateness: Vec<(u64, u64)>,
    /// The process's share of the memory, pages it shares with others divided among them, in
    /// bytes.
    pub proportional_bytes: u64,
    /// Memory of the process that it shares with no other, in bytes.
    pub own_bytes: u64,
}

/// What a process counted since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// On the links.
    pub links: LinkCounts,
    /// Frames that are no message of the overlay.
    pub malformed: u64,
    /// Messages that made no sense to the overlay.
    pub dropped_nonsense: u64,
    /// Messages dropped because a bound of the overlay was reached.
    pub dropped_bound: u64,
    /// Pieces dropped because they were not what they should be.
    pub corrupt: u64,
    /// Times a node banned a peer that it found lying.
    pub peers_banned: u64,
    /// Operations that began later than they were due by more than the bound.
    pub late: u64,
    /// Times a node was told that a peer is lost.
    pub peers_lost: u64,
    /// Inputs fed to nodes.
    pub inputs: u64,
    /// Messages among them.
    pub delivered: u64,
    /// Events that did not fit the queue to the controller: results that are missing.
    pub unreported: u64,
}

impl Counts {
    /// Adds another node's or process's counts.
    pub fn add(&mut self, other: &Self) {
        self.links.add(&other.links);
        self.malformed += other.malformed;
        self.dropped_nonsense += other.dropped_nonsense;
        self.dropped_bound += other.dropped_bound;
        self.corrupt += other.corrupt;
        self.peers_banned += other.peers_banned;
        self.late += other.late;
        self.peers_lost += other.peers_lost;
        self.inputs += other.inputs;
        self.delivered += other.delivered;
        self.unreported += other.unreported;
    }
}
