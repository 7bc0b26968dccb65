//! How a swarm filled over time, for pictures.
use serde::{Deserialize, Serialize};

/// How a swarm filled: who had how much, and which pieces were where, over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwarmProgress {
    /// When the first bin begins, in microseconds since the start of the run.
    pub from_us: u64,
    /// How long a bin is, in microseconds.
    pub width_us: u64,
    /// Pieces of the item.
    pub pieces: u32,
    /// The downloaders, ascending: all of them, or [`Self::MOST_NODES`] evenly chosen by number.
    pub nodes: Vec<SwarmNode>,
    /// All downloaders that there were.
    pub of: u32,
    /// For groups of neighbouring pieces, at most [`Self::MOST_GROUPS`]: the share of all
    /// downloaders that had them at the end of each bin, on average over the group.
    pub held: Vec<Vec<f64>>,
}

impl SwarmProgress {
    /// Most bins; longer downloads have wider ones.
    pub const MOST_BINS: usize = 120;
    /// Most downloaders that are shown one by one.
    pub const MOST_NODES: usize = 64;
    /// Most groups of pieces.
    pub const MOST_GROUPS: usize = 64;
}

/// One downloader of a swarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwarmNode {
    /// Its number.
    pub node: u32,
    /// How it behaves: `contributor`, or the name of how it freeloads.
    pub conduct: String,
    /// The share of the pieces that it had at the end of each bin, from 0 to 1. Who has all of them
    /// has them even if it leaves.
    pub share: Vec<f64>,
}
