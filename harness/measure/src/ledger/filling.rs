//! How a swarm filled: which downloader had how many pieces and which pieces were how common, over
//! time. For pictures, so in bounded detail: bins that grow with the download, a bounded number of
//! downloaders, groups of neighbouring pieces.
use std::collections::BTreeMap;

use overlay_core::{Conduct, NodeId, Time};

use crate::{SwarmNode, SwarmProgress};

/// The first bins are so long, in nanoseconds; doubled as often as it takes.
const SHORTEST_BIN: u64 = 1_000_000;
/// Downloaders are left out from this number on, every other one that there is.
const MOST_ROWS: usize = 2 * SwarmProgress::MOST_NODES;

/// Steps of a share from nothing to all.
const STEPS: f64 = 1e4;

/// The course of a swarm.
#[derive(Debug)]
pub(super) struct Filling {
    from: Time,
    /// In nanoseconds.
    width: u64,
    /// The number of the bin that is not over.
    bin: usize,
    pieces: u32,
    /// Copies that downloaders have got of the pieces of each group.
    groups: Vec<Level>,
    /// How many pieces downloaders have got, of those whose number is a multiple of `stride`.
    rows: BTreeMap<NodeId, Level>,
    stride: u32,
    /// How many pieces every downloader has got.
    got: BTreeMap<NodeId, u32>,
}

/// A number that changes with time.
#[derive(Clone, Debug, Default)]
struct Level {
    now: u64,
    /// What it was at the ends of the first bins; since then it has been what it is now.
    ends: Vec<u64>,
}

impl Filling {
    /// Nobody has begun.
    pub(super) fn new(pieces: u32, from: Time) -> Self {
        let groups = SwarmProgress::MOST_GROUPS.min(pieces as usize);
        Self {
            from,
            width: SHORTEST_BIN,
            bin: 0,
            pieces,
            groups: vec![Level::default(); groups],
            rows: BTreeMap::new(),
            stride: 1,
            got: BTreeMap::new(),
        }
    }

    /// A node begins to download, with nothing, whatever it had in an earlier life.
    pub(super) fn begin(&mut self, node: NodeId, at: Time) {
        self.reach(at);
        if self.got.insert(node, 0) == Some(self.pieces) {
            for group in 0..self.groups.len() {
                let its_size = self.size_of(group);
                self.groups[group].change(self.bin, |copies| copies - its_size);
            }
            self.show(node);
        }
        if node.0.is_multiple_of(self.stride) {
            self.rows.entry(node).or_default();
        }
        while self.rows.len() > MOST_ROWS {
            self.stride *= 2;
            let stride = self.stride;
            self.rows.retain(|node, _| node.0.is_multiple_of(stride));
        }
    }

    /// A downloader has got a piece.
    pub(super) fn get(&mut self, node: NodeId, piece: u32, at: Time) {
        self.change(node, piece, at, |count| count + 1);
    }

    /// A downloader has lost a piece, because it is gone. One that has all keeps them.
    pub(super) fn lose(&mut self, node: NodeId, piece: u32, at: Time) {
        self.change(node, piece, at, |count| count - 1);
    }

    /// Whether a node has all pieces.
    pub(super) fn is_complete(&self, node: NodeId) -> bool {
        self.got.get(&node) == Some(&self.pieces)
    }

    /// What came of it until now; `None` if nobody has begun, or there is nothing to get.
    pub(super) fn progress(&mut self, now: Time, conducts: &[Conduct]) -> Option<SwarmProgress> {
        if self.got.is_empty() || self.pieces == 0 {
            return None;
        }
        self.reach(now);
        let bins = self.bin + 1;
        let conduct = |node: NodeId| conducts.get(node.index()).copied().unwrap_or_default();
        let shown = self.rows.len().min(SwarmProgress::MOST_NODES);
        let rows: Vec<(&NodeId, &Level)> = self.rows.iter().collect();
        let nodes = (0..shown).map(|place| {
            let (node, level) = rows[place * rows.len() / shown];
            SwarmNode {
                node: node.0,
                conduct: conduct(*node).to_string(),
                share: level.shares(bins, u64::from(self.pieces)),
            }
        });
        let of = self.got.len() as u64;
        let held = (0..self.groups.len())
            .map(|group| self.groups[group].shares(bins, of * self.size_of(group)));
        Some(SwarmProgress {
            from_us: self.from.as_micros(),
            width_us: self.width / 1_000,
            pieces: self.pieces,
            nodes: nodes.collect(),
            of: of as u32,
            held: held.collect(),
        })
    }

    fn change(&mut self, node: NodeId, piece: u32, at: Time, by: impl Fn(u64) -> u64) {
        self.reach(at);
        let Some(got) = self.got.get_mut(&node) else { return };
        *got = by((*got).into()) as u32;
        let group = self.group_of(piece);
        self.groups[group].change(self.bin, by);
        self.show(node);
    }

    /// What a downloader has got is what its row says from now on.
    fn show(&mut self, node: NodeId) {
        if let (Some(row), Some(got)) = (self.rows.get_mut(&node), self.got.get(&node)) {
            row.change(self.bin, |_| u64::from(*got));
        }
    }

    fn group_of(&self, piece: u32) -> usize {
        (u64::from(piece) * self.groups.len() as u64 / u64::from(self.pieces)) as usize
    }

    /// How many pieces a group has.
    fn size_of(&self, group: usize) -> u64 {
        let first =
            |group: u64| (group * u64::from(self.pieces)).div_ceil(self.groups.len() as u64);
        first(group as u64 + 1) - first(group as u64)
    }

    /// Moves on to the bin of this time. What is told late counts from when it is told.
    fn reach(&mut self, at: Time) {
        let passed = at.since(self.from).as_nanos() as u64;
        while passed / self.width >= SwarmProgress::MOST_BINS as u64 {
            let levels = self.groups.iter_mut().chain(self.rows.values_mut());
            levels.for_each(|level| level.widen(self.bin));
            self.width *= 2;
            self.bin /= 2;
        }
        self.bin = self.bin.max((passed / self.width) as usize);
    }
}

impl Level {
    fn change(&mut self, bin: usize, to: impl FnOnce(u64) -> u64) {
        self.ends.resize(bin, self.now);
        self.now = to(self.now);
    }

    /// Two bins become one; so many are over.
    fn widen(&mut self, over: usize) {
        self.ends.resize(over, self.now);
        self.ends = self.ends.iter().skip(1).step_by(2).copied().collect();
    }

    /// To the nearest step, because a record has thousands of them.
    fn shares(&self, bins: usize, of: u64) -> Vec<f64> {
        let at_end = |bin: usize| self.ends.get(bin).copied().unwrap_or(self.now);
        let share = |bin| (at_end(bin) as f64 / of as f64 * STEPS).round() / STEPS;
        (0..bins).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Strategy;
    use proptest::prelude::*;

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn what_nodes_have_rises_and_what_they_lose_falls() {
        let mut filling = Filling::new(2, at(1_000));
        (1..=2).for_each(|node| filling.begin(NodeId(node), at(1_000)));
        filling.get(NodeId(1), 0, at(1_001));
        filling.get(NodeId(2), 0, at(1_002));
        filling.get(NodeId(1), 1, at(1_002));
        filling.lose(NodeId(2), 0, at(1_003));
        filling.get(NodeId(9), 1, at(1_003));
        let freeloader = Conduct::Freeloader(Strategy::NoUpload);
        let conducts = [Conduct::Contributor, Conduct::Contributor, freeloader];
        let progress = filling.progress(at(1_003), &conducts).unwrap();
        assert_eq!((progress.from_us, progress.width_us), (1_000_000, 1_000));
        assert_eq!((progress.pieces, progress.of), (2, 2));
        assert_eq!(progress.held, [vec![0.0, 0.5, 1.0, 0.5], vec![0.0, 0.0, 0.5, 0.5]]);
        let row = |node, conduct: &str, share: [f64; 4]| SwarmNode {
            node,
            conduct: conduct.into(),
            share: share.to_vec(),
        };
        let rows = [
            row(1, "contributor", [0.0, 0.5, 1.0, 1.0]),
            row(2, "no-upload", [0.0, 0.0, 0.5, 0.0]),
        ];
        assert_eq!(progress.nodes, rows);
    }

    #[test]
    fn who_comes_back_begins_anew() {
        let mut filling = Filling::new(2, at(0));
        filling.begin(NodeId(1), at(0));
        (0..2).for_each(|piece| filling.get(NodeId(1), piece, at(0)));
        assert!(filling.is_complete(NodeId(1)));
        filling.begin(NodeId(1), at(1));
        filling.get(NodeId(1), 1, at(2));
        let progress = filling.progress(at(2), &[]).unwrap();
        assert_eq!(progress.nodes[0].share, [1.0, 0.0, 0.5]);
        assert_eq!(progress.held, [vec![1.0, 0.0, 0.0], vec![1.0, 0.0, 1.0]]);
    }

    #[test]
    fn a_swarm_of_nobody_is_no_picture() {
        assert_eq!(Filling::new(5, at(0)).progress(at(9), &[]), None);
    }

    proptest! {
        /// However many there are of anything, the picture is bounded, and ends with what is so.
        #[test]
        fn a_picture_is_bounded_and_ends_as_it_is(
            pieces in 1u32..300,
            nodes in 1u32..400,
            step in 1u64..200_000,
        ) {
            let mut filling = Filling::new(pieces, at(0));
            (0..nodes).for_each(|node| filling.begin(NodeId(node), at(0)));
            let mut now = 0;
            for piece in 0..pieces / 2 {
                now += step;
                (0..nodes).for_each(|node| filling.get(NodeId(node), piece, at(now)));
            }
            let progress = filling.progress(at(now), &[]).unwrap();
            let share = f64::from(pieces / 2) / f64::from(pieces);
            prop_assert_eq!(progress.of, nodes);
            prop_assert_eq!(progress.nodes.len() as u32, nodes.min(64));
            prop_assert_eq!(progress.held.len() as u32, pieces.min(64));
            for row in &progress.nodes {
                prop_assert!(row.share.len() <= SwarmProgress::MOST_BINS);
                prop_assert!(row.share.is_sorted(), "{:?}", row.share);
                prop_assert!((row.share.last().unwrap() - share).abs() < 1.0 / STEPS);
            }
            for held in &progress.held {
                prop_assert_eq!(held.len(), progress.nodes[0].share.len());
                prop_assert!(held.iter().all(|share| (0.0..=1.0).contains(share)));
            }
            let sizes: u64 = (0..filling.groups.len()).map(|group| filling.size_of(group)).sum();
            prop_assert_eq!(sizes, u64::from(pieces));
            for piece in 0..pieces {
                prop_assert!(filling.group_of(piece) < filling.groups.len());
            }
        }
    }
}
