//! Which live nodes have which pieces of an item, and how evenly pieces were spread over time.
use std::collections::BTreeSet;
use std::time::Duration;

use overlay_core::{Conduct, NodeId, Time};

use super::filling::Filling;
use crate::SwarmProgress;

/// The copies of an item's pieces. A piece told costs the same however many nodes and pieces there
/// are; a node that goes costs its pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Live nodes that published the item: they have all of it.
    publishers: BTreeSet<NodeId>,
    /// How many other live nodes have each piece.
    copies: Vec<u32>,
    /// How many pieces have so many of those copies.
    having: Vec<u32>,
    /// The least number of them that any piece has.
    least: usize,
    /// All of them.
    sum: u64,
    /// What each node has, a bit a piece; empty for nodes that have nothing.
    held: Vec<Vec<u64>>,
    course: Course,
    /// How downloaders get them, if somebody wants to see it.
    filling: Option<Filling>,
}

/// Evenness over time, in nanoseconds of perfect evenness.
#[derive(Debug, Default)]
struct Course {
    first: Option<Time>,
    /// When the latest piece was told, and what had been summed up by then.
    last: Time,
    until_last: f64,
    now: Time,
    until_now: f64,
}

impl Pieces {
    /// Nobody has any of so many pieces.
    pub(super) fn new(of: u32) -> Self {
        Self {
            publishers: BTreeSet::new(),
            copies: vec![0; of as usize],
            having: vec![of],
            least: 0,
            sum: 0,
            held: Vec::new(),
            course: Course::default(),
            filling: None,
        }
    }

    /// From this time on it is kept who has got what.
    pub(super) fn picture(&mut self, from: Time) {
        let count = self.count();
        self.filling.get_or_insert_with(|| Filling::new(count, from));
    }

    /// A node has begun to download the item.
    pub(super) fn begin(&mut self, node: NodeId, at: Time) {
        let has_some = self.held.get(node.index()).is_some_and(|held| !held.is_empty());
        if let Some(filling) = &mut self.filling
            && !has_some
            && !self.publishers.contains(&node)
        {
            filling.begin(node, at);
        }
    }

    /// How the item spread, as far as that was kept.
    pub(super) fn progress(&mut self, now: Time, conducts: &[Conduct]) -> Option<SwarmProgress> {
        self.filling.as_mut()?.progress(now, conducts)
    }

    /// How many pieces there are.
    pub(super) fn count(&self) -> u32 {
        self.copies.len() as u32
    }

    /// This node holds all pieces from now on.
    pub(super) fn publish(&mut self, node: NodeId, at: Time) {
        self.forget(node, at);
        self.publishers.insert(node);
    }

    /// A node has told of a piece that it has; pieces that do not exist, and what is told twice,
    /// are ignored.
    pub(super) fn add(&mut self, node: NodeId, piece: u32, at: Time) {
        if piece >= self.count() || self.publishers.contains(&node) || !self.mark(node, piece) {
            return;
        }
        self.pass_time(at);
        self.count_copy(piece);
        if let Some(filling) = &mut self.filling {
            filling.get(node, piece, at);
        }
        self.course.first.get_or_insert(at);
        (self.course.last, self.course.until_last) = (self.course.now, self.course.until_now);
    }

    /// A node has the whole item: whatever it has not told of is here, too.
    pub(super) fn complete(&mut self, node: NodeId, at: Time) {
        (0..self.count()).for_each(|piece| self.add(node, piece, at));
    }

    /// A node is gone, and its copies with it.
    pub(super) fn forget(&mut self, node: NodeId, at: Time) {
        self.pass_time(at);
        self.publishers.remove(&node);
        let Some(held) = self.held.get_mut(node.index()).map(std::mem::take) else { return };
        let count = self.count();
        // Who has everything has it wherever it goes.
        let mut filling = self.filling.as_mut().filter(|filling| !filling.is_complete(node));
        for piece in 0..count {
            if held.get(piece as usize / 64).is_some_and(|word| word >> (piece % 64) & 1 == 1) {
                let copies = &mut self.copies[piece as usize];
                self.having[*copies as usize] -= 1;
                *copies -= 1;
                self.having[*copies as usize] += 1;
                self.least = self.least.min(*copies as usize);
                self.sum -= 1;
                if let Some(filling) = &mut filling {
                    filling.lose(node, piece, at);
                }
            }
        }
    }

    /// The first piece that no live node has, and how many such there are.
    pub(super) fn lost(&self) -> Option<(u32, u32)> {
        if !self.publishers.is_empty() || self.least > 0 {
            return None;
        }
        let first = self.copies.iter().position(|copies| *copies == 0)?;
        Some((first as u32, self.having[0]))
    }

    /// How even the copies were from the first piece told to the last: the time-weighted mean, and
    /// over which time; `None` if that took no time.
    pub(super) fn evenness_over_time(&self) -> Option<(f64, Duration)> {
        let over = self.course.last.since(self.course.first?);
        let mean = self.course.until_last / over.as_nanos() as f64;
        (!over.is_zero()).then_some((mean, over))
    }

    /// The least number of copies of any piece divided by the mean: 1 if all have the same, 0 while
    /// some piece is nowhere.
    fn evenness(&self) -> f64 {
        let of = self.copies.len() as u64;
        let publishers = self.publishers.len() as u64;
        let in_all = self.sum + publishers * of;
        match in_all {
            0 => 0.0,
            _ => ((self.least as u64 + publishers) * of) as f64 / in_all as f64,
        }
    }

    /// Notes that a node has a piece; false if that was known.
    fn mark(&mut self, node: NodeId, piece: u32) -> bool {
        if node.index() >= self.held.len() {
            self.held.resize_with(node.index() + 1, Vec::new);
        }
        let held = &mut self.held[node.index()];
        if held.is_empty() {
            held.resize(self.copies.len().div_ceil(64), 0);
        }
        let (word, bit) = (&mut held[piece as usize / 64], 1 << (piece % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn count_copy(&mut self, piece: u32) {
        let copies = &mut self.copies[piece as usize];
        self.having[*copies as usize] -= 1;
        *copies += 1;
        if *copies as usize >= self.having.len() {
            self.having.push(0);
        }
        self.having[*copies as usize] += 1;
        // One step is enough: the piece that was alone at the bottom is now one above it.
        if self.having[self.least] == 0 {
            self.least += 1;
        }
        self.sum += 1;
    }

    /// Counts the time since the copies last changed. News from several nodes may be a little out
    /// of order: what is told late counts from when it is told.
    fn pass_time(&mut self, at: Time) {
        if self.course.first.is_some() {
            let passed = at.since(self.course.now);
            self.course.until_now += self.evenness() * passed.as_nanos() as f64;
        }
        self.course.now = self.course.now.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Time {
        Time::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn pieces_are_even_when_all_have_as_many_copies() {
        let mut pieces = Pieces::new(2);
        pieces.publish(NodeId(0), at(0));
        assert_eq!(pieces.evenness(), 1.0);
        pieces.add(NodeId(1), 0, at(10));
        assert_eq!(pieces.evenness_over_time(), None, "no time has passed");
        // Two copies of piece 0 and one of piece 1: 1 / 1.5.
        assert_eq!(pieces.evenness(), 2.0 / 3.0);
        pieces.add(NodeId(1), 1, at(20));
        pieces.add(NodeId(1), 1, at(25));
        pieces.add(NodeId(1), 2, at(26));
        assert_eq!(pieces.evenness(), 1.0);
        pieces.forget(NodeId(0), at(30));
        let (mean, over) = pieces.evenness_over_time().unwrap();
        assert!((mean - 2.0 / 3.0).abs() < 1e-12, "{mean}");
        assert_eq!(over, Duration::from_secs(10), "until the last piece told");
        // Ten seconds at 2/3 and twenty at 1.
        pieces.add(NodeId(2), 1, at(40));
        let (mean, over) = pieces.evenness_over_time().unwrap();
        assert!((mean - 8.0 / 9.0).abs() < 1e-12, "{mean}");
        assert_eq!(over, Duration::from_secs(30));
    }

    #[test]
    fn what_left_with_its_only_holder_is_lost() {
        let mut pieces = Pieces::new(100);
        pieces.publish(NodeId(0), at(0));
        pieces.add(NodeId(1), 0, at(1));
        assert_eq!(pieces.lost(), None);
        pieces.forget(NodeId(0), at(2));
        assert_eq!(pieces.lost(), Some((1, 99)));
        assert_eq!(pieces.evenness(), 0.0);
        pieces.complete(NodeId(1), at(3));
        assert_eq!(pieces.lost(), None);
        pieces.forget(NodeId(1), at(4));
        assert_eq!(pieces.lost(), Some((0, 100)));
        assert_eq!(pieces.evenness(), 0.0, "nothing is anywhere");
    }

    #[test]
    fn an_item_without_pieces_is_never_lost() {
        let mut pieces = Pieces::new(0);
        pieces.add(NodeId(0), 0, at(0));
        pieces.publish(NodeId(0), at(0));
        pieces.forget(NodeId(0), at(1));
        assert_eq!((pieces.lost(), pieces.evenness_over_time()), (None, None));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Publish(u32),
        Add(u32, u32),
        Complete(u32),
        Forget(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => (0u32..6).prop_map(Step::Publish),
            20 => (0u32..6, 0u32..72).prop_map(|(node, piece)| Step::Add(node, piece)),
            1 => (0u32..6).prop_map(Step::Complete),
            2 => (0u32..6).prop_map(Step::Forget),
        ]
    }

    const OF: u32 = 70;

    /// The least number of copies divided by the mean, counted anew.
    fn brute_force(held: &[BTreeSet<u32>]) -> f64 {
        let copies = |piece| held.iter().filter(|its| its.contains(&piece)).count();
        let sum: usize = (0..OF).map(copies).sum();
        let least = (0..OF).map(copies).min().unwrap_or(0);
        if sum == 0 { 0.0 } else { (least * OF as usize) as f64 / sum as f64 }
    }

    proptest! {
        #[test]
        fn evenness_is_what_counting_anew_finds(
            steps in prop::collection::vec((step(), 0u64..3), 1..120)
        ) {
            let mut pieces = Pieces::new(OF);
            let mut held = vec![BTreeSet::new(); 6];
            let (mut now, mut first, mut sum, mut until_last, mut last) = (0, None, 0.0, 0.0, 0);
            for (step, passed) in steps {
                if first.is_some() {
                    sum += brute_force(&held) * passed as f64;
                }
                now += passed;
                match step {
                    Step::Publish(node) => {
                        pieces.publish(NodeId(node), at(now));
                        held[node as usize] = (0..OF).collect();
                    }
                    Step::Add(node, piece) => {
                        pieces.add(NodeId(node), piece, at(now));
                        if piece < OF && held[node as usize].insert(piece) {
                            first.get_or_insert(now);
                            (last, until_last) = (now, sum);
                        }
                    }
                    Step::Complete(node) => {
                        pieces.complete(NodeId(node), at(now));
                        if held[node as usize].len() < OF as usize {
                            held[node as usize] = (0..OF).collect();
                            first.get_or_insert(now);
                            (last, until_last) = (now, sum);
                        }
                    }
                    Step::Forget(node) => {
                        pieces.forget(NodeId(node), at(now));
                        held[node as usize].clear();
                    }
                }
                prop_assert!((pieces.evenness() - brute_force(&held)).abs() < 1e-12);
                let lost = (0..OF).filter(|piece| held.iter().all(|its| !its.contains(piece)));
                let lost: Vec<u32> = lost.collect();
                let expected = lost.first().map(|first| (*first, lost.len() as u32));
                prop_assert_eq!(pieces.lost(), expected);
            }
            let over = last - first.unwrap_or(last);
            match pieces.evenness_over_time() {
                None => prop_assert_eq!(over, 0),
                Some((mean, took)) => {
                    prop_assert_eq!(took, Duration::from_secs(over));
                    prop_assert!((mean - until_last / over as f64).abs() < 1e-9);
                    prop_assert!((0.0..=1.0 + 1e-12).contains(&mean));
                }
            }
        }
    }
}
