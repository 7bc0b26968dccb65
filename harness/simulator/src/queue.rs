//! A calendar queue: events in the order of `(time, sequence)`.
//!
//! After Brown 1988 ("Calendar queues: a fast O(1) priority queue implementation for the simulation
//! event set problem"). Time is cut into buckets of half a millisecond. Those of the next quarter of
//! a second are near: an event is only appended to its bucket, and a bucket is put in order when its
//! turn comes. What is farther away waits in coarse buckets, one per quarter of a second. Emptied
//! buckets are used again, so that in the steady state nothing is allocated.
use std::collections::BTreeMap;

use overlay_core::NodeId;

use crate::memory::prefetch;

/// 2^19 ns, half a millisecond, per bucket: so few buckets that their ends stay in the cache and
/// their pages in the TLB, since every event goes to another one. To order some hundred entries in
/// the cache costs less than to miss it.
const BUCKET_BITS: u32 = 19;
/// 2^9 near buckets, 268 ms: most messages arrive within.
const NEAR_BITS: u32 = 9;
const NEAR: usize = 1 << NEAR_BITS;
/// Sequence numbers are compared by their last 44 bits: no bucket has events 10^13 apart.
const SEQUENCE_BITS: u32 = 64 - BUCKET_BITS - 1;
/// How many events ahead an event's memory is asked for: about as long as memory takes.
const AHEAD: usize = 16;

#[derive(Debug)]
struct Entry<T> {
    time: u64,
    sequence: u64,
    target: NodeId,
    /// Its default once it was taken out. An `Option` would be taken apart: tag and rest, copied at
    /// different alignments, make whoever reads them next wait for all stores before.
    item: T,
}

/// What an event is known by that was taken out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Popped {
    /// When it happens.
    pub(crate) time: u64,
    /// Its number among all events that were ever added.
    pub(crate) sequence: u64,
    /// The node it is for.
    pub(crate) target: NodeId,
}

/// The place of an entry in its bucket's order: its time within the bucket and its sequence in one
/// word, then where it is.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u64,
    index: u32,
    target: NodeId,
}

impl Place {
    #[inline]
    fn of<T>(entry: &Entry<T>, index: usize, bucket: u64) -> Self {
        let within = entry.time - (bucket << BUCKET_BITS);
        let key = within << SEQUENCE_BITS | entry.sequence & ((1 << SEQUENCE_BITS) - 1);
        Self { key, index: index as u32, target: entry.target }
    }
}

/// Events in the order of time, and of insertion where times are equal.
#[derive(Debug)]
pub struct Queue<T> {
    sequence: u64,
    length: usize,
    /// The bucket whose turn it is, by number since time 0.
    bucket: u64,
    /// What was added since for earlier buckets: looking for the next event may have gone far ahead
    /// of what comes from outside.
    early: BTreeMap<(u64, u64), (NodeId, T)>,
    /// Its entries, and what of them is still to come: last is next.
    current: Vec<Entry<T>>,
    order: Vec<Place>,
    near: Vec<Vec<Entry<T>>>,
    /// One bit per near bucket: whether it has entries.
    occupied: Vec<u64>,
    /// The turn of the near buckets that has begun last: number of bucket divided by `NEAR`.
    unfolded: u64,
    /// By turn.
    far: BTreeMap<u64, Vec<Entry<T>>>,
    /// Emptied near buckets, and emptied coarse ones: apart, because these are hundreds of times as
    /// large.
    spare: Vec<Vec<Entry<T>>>,
    spare_far: Vec<Vec<Entry<T>>>,
}

impl<T: Default> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Default> Queue<T> {
    /// An empty queue at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sequence: 0,
            length: 0,
            bucket: 0,
            early: BTreeMap::new(),
            current: Vec::new(),
            order: Vec::new(),
            near: (0..NEAR).map(|_| Vec::new()).collect(),
            occupied: vec![0; NEAR / 64],
            unfolded: 0,
            far: BTreeMap::new(),
            spare: Vec::new(),
            spare_far: Vec::new(),
        }
    }

    /// How many events wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether no event waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds an event at a time in nanoseconds. One that would be before the last event taken comes
    /// next.
    #[inline]
    pub fn push(&mut self, time: u64, target: NodeId, item: T) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.length += 1;
        let bucket = time >> BUCKET_BITS;
        if bucket < self.bucket {
            self.early.insert((time, sequence), (target, item));
            return;
        }
        let entry = Entry { time, sequence, target, item };
        if bucket == self.bucket {
            self.push_current(entry);
        } else if bucket - self.bucket < NEAR as u64 {
            self.push_near(bucket, entry);
        } else {
            let spare = &mut self.spare_far;
            let coarse = self.far.entry(bucket >> NEAR_BITS);
            coarse.or_insert_with(|| spare.pop().unwrap_or_default()).push(entry);
        }
    }

    #[inline]
    fn push_near(&mut self, bucket: u64, entry: Entry<T>) {
        let index = bucket as usize % NEAR;
        let entries = &mut self.near[index];
        if entries.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            *entries = spare;
        }
        if entries.is_empty() {
            self.occupied[index / 64] |= 1 << (index % 64);
        }
        entries.push(entry);
    }

    /// Into the bucket whose turn it is: among what is still to come.
    fn push_current(&mut self, entry: Entry<T>) {
        let place = Place::of(&entry, self.current.len(), self.bucket);
        let position = self.order.partition_point(|other| other.key > place.key);
        self.order.insert(position, place);
        self.current.push(entry);
    }

    /// Takes out the next event, with its time and the node it is for.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, NodeId, T)> {
        let mut item = T::default();
        let Popped { time, target, .. } = self.pop_into(&mut item)?;
        Some((time, target, item))
    }

    /// Puts the next event in place of `item`, which has to be empty; what it is known by.
    /// In place, and by exchange, because that moves whole words: returned by value, an event is
    /// taken apart by what it may be, and copied from odd addresses (see [`Occurrence`]).
    ///
    /// [`Occurrence`]: crate::simulation::Occurrence
    #[inline]
    pub(crate) fn pop_into(&mut self, item: &mut T) -> Option<Popped> {
        if !self.early.is_empty() {
            self.admit_early();
        } else if self.order.is_empty() && !self.turn() {
            return None;
        }
        let place = self.order.pop()?;
        self.length -= 1;
        if let Some(ahead) = self.order.len().checked_sub(AHEAD) {
            prefetch(&self.current[self.order[ahead].index as usize]);
        }
        let entry = &mut self.current[place.index as usize];
        std::mem::swap(item, &mut entry.item);
        Some(Popped { time: entry.time, sequence: entry.sequence, target: entry.target })
    }

    /// Puts what is early before everything else.
    #[cold]
    fn admit_early(&mut self) {
        if let Some(((time, sequence), (target, item))) = self.early.pop_first() {
            let index = self.current.len() as u32;
            self.current.push(Entry { time, sequence, target, item });
            self.order.push(Place { key: 0, index, target });
        }
    }

    /// The node that an event some events ahead is for, if that is in the bucket whose turn it is:
    /// whose memory will be needed soon.
    #[inline]
    #[must_use]
    pub fn target_ahead(&self, events: usize) -> Option<NodeId> {
        let place = self.order.len().checked_sub(events)?;
        self.order.get(place).map(|place| place.target)
    }

    /// The number that the next event to be added will have: those that wait have smaller ones.
    pub(crate) const fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// The time of the next event.
    pub fn next_time(&mut self) -> Option<u64> {
        if let Some(((time, _), _)) = self.early.first_key_value() {
            return Some(*time);
        }
        if self.order.is_empty() && !self.turn() {
            return None;
        }
        self.order.last().map(|place| self.current[place.index as usize].time)
    }

    /// Goes on to the next bucket that has entries.
    fn turn(&mut self) -> bool {
        if self.length == 0 {
            return false;
        }
        self.current.clear();
        let mut from = self.bucket + 1;
        loop {
            let mut turn = from >> NEAR_BITS;
            if turn > self.unfolded {
                self.unfold(turn);
            }
            if let Some(bucket) = self.next_occupied(from) {
                self.bucket = bucket;
                return self.open();
            }
            turn += 1;
            if let (true, Some((&next, _))) = (self.near_is_empty(), self.far.first_key_value()) {
                turn = turn.max(next);
            }
            from = turn << NEAR_BITS;
        }
    }

    /// The first bucket from here to the end of its turn that has entries.
    fn next_occupied(&self, from: u64) -> Option<u64> {
        let mut index = from as usize % NEAR;
        while index < NEAR {
            let word = self.occupied[index / 64] >> (index % 64);
            if word != 0 {
                let found = index + word.trailing_zeros() as usize;
                return Some(from - from % NEAR as u64 + found as u64);
            }
            index = (index / 64 + 1) * 64;
        }
        None
    }

    /// Spreads the coarse bucket of a turn that begins over the near ones; what was near when it
    /// was added is there already.
    fn unfold(&mut self, turn: u64) {
        self.unfolded = turn;
        if let Some(mut entries) = self.far.remove(&turn) {
            for entry in entries.drain(..) {
                self.push_near(entry.time >> BUCKET_BITS, entry);
            }
            self.spare_far.push(entries);
        }
    }

    fn near_is_empty(&self) -> bool {
        self.occupied.iter().all(|&word| word == 0)
    }

    /// Puts the bucket whose turn it is in order.
    fn open(&mut self) -> bool {
        let index = self.bucket as usize % NEAR;
        self.occupied[index / 64] &= !(1 << (index % 64));
        let emptied = std::mem::replace(&mut self.current, std::mem::take(&mut self.near[index]));
        if emptied.capacity() > 0 {
            self.spare.push(emptied);
        }
        let (entries, bucket) = (self.current.iter().enumerate(), self.bucket);
        self.order.extend(entries.map(|(index, entry)| Place::of(entry, index, bucket)));
        self.order.sort_unstable_by_key(|place| std::cmp::Reverse(place.key));
        true
    }
}

#[cfg(test)]
mod tests {
    use overlay_core::{Purpose, Random};
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;

    /// The reference: a binary heap with the same order.
    #[derive(Default)]
    struct Heap(BinaryHeap<Reverse<(u64, u64)>>, u64);

    impl Heap {
        fn push(&mut self, time: u64) -> u64 {
            self.0.push(Reverse((time, self.1)));
            self.1 += 1;
            self.1 - 1
        }
    }

    #[test]
    fn it_orders_like_a_heap() {
        for seed in 0..40 {
            let mut random = Random::stream(seed, Purpose::Node, 0);
            let (mut queue, mut heap, mut now) = (Queue::new(), Heap::default(), 0);
            let span = 1 << (8 + random.below(30));
            for _ in 0..3_000 {
                for _ in 0..random.below(4) {
                    let after = if random.below(8) == 0 { 0 } else { random.below(span) };
                    let name = heap.push(now + after);
                    queue.push(now + after, NodeId(0), name);
                }
                for _ in 0..random.below(4) {
                    let expected = heap.0.pop().map(|Reverse(entry)| entry);
                    let popped = queue.pop().map(|(time, _, name)| (time, name));
                    assert_eq!(popped, expected, "seed {seed}");
                    now = popped.map_or(now, |(time, _)| time);
                }
                assert_eq!(queue.len(), heap.0.len());
            }
            while let Some(Reverse(expected)) = heap.0.pop() {
                assert_eq!(
                    queue.pop().map(|(time, _, name)| (time, name)),
                    Some(expected),
                    "seed {seed}"
                );
            }
            assert!(queue.pop().is_none());
        }
    }

    #[test]
    fn to_look_ahead_does_not_change_the_order() {
        for seed in 0..40 {
            let mut random = Random::stream(seed, Purpose::Node, 1);
            let (mut queue, mut heap, mut now) = (Queue::new(), Heap::default(), 0);
            let span = 1 << (8 + random.below(30));
            for _ in 0..3_000 {
                // From outside: between the last event and the next, which was looked at.
                let next = heap.0.peek().map(|Reverse((time, _))| *time);
                assert_eq!(queue.next_time(), next, "seed {seed}");
                now += random.below(next.map_or(span, |next| next - now) + 1);
                for _ in 0..random.below(4) {
                    let time = now + random.below(span);
                    queue.push(time, NodeId(0), heap.push(time));
                }
                let expected = heap.0.pop().map(|Reverse(entry)| entry);
                let popped = queue.pop().map(|(time, _, name)| (time, name));
                assert_eq!(popped, expected, "seed {seed}");
                now = popped.map_or(now, |(time, _)| time);
            }
        }
    }

    #[test]
    fn far_events_come_after_long_silence() {
        let mut queue = Queue::new();
        queue.push(u64::from(u32::MAX) * 1_000, NodeId(1), "far");
        queue.push(3, NodeId(2), "near");
        assert_eq!(queue.pop(), Some((3, NodeId(2), "near")));
        assert_eq!(queue.pop(), Some((u64::from(u32::MAX) * 1_000, NodeId(1), "far")));
        queue.push(0, NodeId(0), "late");
        assert_eq!(queue.next_time(), Some(0));
        assert!(queue.pop().is_some() && queue.is_empty());
    }
}
