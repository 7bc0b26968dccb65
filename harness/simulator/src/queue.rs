//! A calendar queue: events in the order of `(time, sequence)`.
//!
//! After Brown 1988 ("Calendar queues: a fast O(1) priority queue implementation for the simulation
//! event set problem"). Time is cut into buckets of half a millisecond. Those of the next quarter of
//! a second are near: an event is only appended to its bucket, and a bucket is put in order when its
//! turn comes. What is farther away waits in coarse buckets, one per quarter of a second.
//!
//! An entry is 16 bytes while it is near: what happens lies elsewhere ([`crate::agenda`]), so that
//! few lines of memory are touched to put events in order. Buckets are chains of small blocks out of
//! one arena, so that memory is taken for what waits, not for what each bucket held at its fullest.
use std::collections::BTreeMap;

use overlay_core::NodeId;

/// 2^19 ns, half a millisecond, per bucket: so few buckets that their ends stay in the cache, since
/// every event goes to another one. To order some hundred entries in the cache costs less than to
/// miss it.
const BUCKET_BITS: u32 = 19;
/// 2^9 near buckets, 268 ms: most messages arrive within.
const NEAR_BITS: u32 = 9;
const NEAR: usize = 1 << NEAR_BITS;
/// Sequence numbers are compared by their last 44 bits: no bucket has events 10^13 apart.
const SEQUENCE_BITS: u32 = 64 - BUCKET_BITS - 1;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;
/// Entries in a block: a few lines of memory.
const BLOCK: usize = 32;

/// What waits in a far bucket.
#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    time: u64,
    sequence: u64,
    target: NodeId,
    item: T,
}

/// What waits in a near bucket: its time within the bucket and its sequence in one word.
#[derive(Clone, Copy, Debug)]
struct Place<T> {
    key: u64,
    target: NodeId,
    item: T,
}

impl<T> Place<T> {
    #[inline]
    fn of(Entry { time, sequence, target, item }: Entry<T>) -> Self {
        let within = time & ((1 << BUCKET_BITS) - 1);
        Self { key: within << SEQUENCE_BITS | sequence & SEQUENCE_MASK, target, item }
    }
}

/// An event that was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Popped<T> {
    /// When it happens, in nanoseconds.
    pub time: u64,
    /// Its number among all events that were ever added.
    pub sequence: u64,
    /// The node it is for.
    pub target: NodeId,
    /// What was added.
    pub item: T,
}

/// Events in the order of time, and of insertion where times are equal. `T` says what happens: a small
/// value, such as a number by which it is found.
#[derive(Debug)]
pub struct Queue<T> {
    sequence: u64,
    length: usize,
    /// The bucket whose turn it is, by number since time 0.
    bucket: u64,
    /// What was added since for earlier buckets: looking for the next event may have gone far ahead
    /// of what comes from outside.
    early: BTreeMap<(u64, u64), (NodeId, T)>,
    /// What is still to come of the bucket whose turn it is: last is next.
    current: Vec<Place<T>>,
    near: Vec<Chain>,
    near_blocks: Blocks<Place<T>>,
    /// One bit per near bucket: whether it has entries.
    occupied: Vec<u64>,
    /// The turn of the near buckets that has begun last: number of bucket divided by `NEAR`.
    unfolded: u64,
    /// By turn.
    far: BTreeMap<u64, Chain>,
    far_blocks: Blocks<Entry<T>>,
}

impl<T: Copy> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy> Queue<T> {
    /// An empty queue at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sequence: 0,
            length: 0,
            bucket: 0,
            early: BTreeMap::new(),
            current: Vec::new(),
            near: vec![Chain::default(); NEAR],
            near_blocks: Blocks::new(),
            occupied: vec![0; NEAR / 64],
            unfolded: 0,
            far: BTreeMap::new(),
            far_blocks: Blocks::new(),
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

    /// The number that the next event to be added will have: those that wait have smaller ones.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Adds an event at a time in nanoseconds. One that would be before the last event taken comes
    /// next.
    #[inline]
    pub fn push(&mut self, time: u64, target: NodeId, item: T) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.length += 1;
        let bucket = time >> BUCKET_BITS;
        let entry = Entry { time, sequence, target, item };
        if bucket < self.bucket {
            self.early.insert((time, sequence), (target, item));
        } else if bucket == self.bucket {
            self.push_current(Place::of(entry));
        } else if bucket - self.bucket < NEAR as u64 {
            self.push_near(entry);
        } else {
            let chain = self.far.entry(bucket >> NEAR_BITS).or_default();
            self.far_blocks.push(chain, entry);
        }
    }

    #[inline]
    fn push_near(&mut self, entry: Entry<T>) {
        let index = (entry.time >> BUCKET_BITS) as usize % NEAR;
        self.occupied[index / 64] |= 1 << (index % 64);
        self.near_blocks.push(&mut self.near[index], Place::of(entry));
    }

    /// Into the bucket whose turn it is: among what is still to come.
    fn push_current(&mut self, place: Place<T>) {
        let position = self.current.partition_point(|other| other.key > place.key);
        self.current.insert(position, place);
    }

    /// Takes out the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Popped<T>> {
        if !self.early.is_empty() {
            return self.pop_early();
        }
        if self.current.is_empty() && !self.turn() {
            return None;
        }
        let Place { key, target, item } = self.current.pop()?;
        self.length -= 1;
        let time = self.time_of(key);
        // All but the last bits are those of the present.
        let sequence = self.sequence - (self.sequence.wrapping_sub(key) & SEQUENCE_MASK);
        Some(Popped { time, sequence, target, item })
    }

    /// What is early is before everything else.
    #[cold]
    fn pop_early(&mut self) -> Option<Popped<T>> {
        let ((time, sequence), (target, item)) = self.early.pop_first()?;
        self.length -= 1;
        Some(Popped { time, sequence, target, item })
    }

    /// The event some events ahead, if that is in the bucket whose turn it is: the node it is for, and
    /// what was added. Their memory will be needed soon.
    #[inline]
    #[must_use]
    pub fn ahead(&self, events: usize) -> Option<(NodeId, T)> {
        let place = self.current.len().checked_sub(events)?;
        self.current.get(place).map(|place| (place.target, place.item))
    }

    /// The time of the next event.
    #[inline]
    pub fn next_time(&mut self) -> Option<u64> {
        if let Some(((time, _), _)) = self.early.first_key_value() {
            return Some(*time);
        }
        if self.current.is_empty() && !self.turn() {
            return None;
        }
        self.current.last().map(|place| self.time_of(place.key))
    }

    /// The time of an event of the bucket whose turn it is.
    #[inline]
    const fn time_of(&self, key: u64) -> u64 {
        (self.bucket << BUCKET_BITS) + (key >> SEQUENCE_BITS)
    }

    /// Goes on to the next bucket that has entries.
    fn turn(&mut self) -> bool {
        if self.length == 0 {
            return false;
        }
        let mut from = self.bucket + 1;
        loop {
            let mut turn = from >> NEAR_BITS;
            if turn > self.unfolded {
                self.unfold(turn);
            }
            if let Some(bucket) = self.next_occupied(from) {
                self.bucket = bucket;
                self.open();
                return true;
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
        let mut chain = self.far.remove(&turn).unwrap_or_default();
        while let Some((block, length)) = self.far_blocks.detach(&mut chain) {
            for place in 0..length {
                self.push_near(self.far_blocks.block(block)[place]);
            }
            self.far_blocks.release(block);
        }
    }

    fn near_is_empty(&self) -> bool {
        self.occupied.iter().all(|&word| word == 0)
    }

    /// Puts the bucket whose turn it is in order.
    fn open(&mut self) {
        let index = self.bucket as usize % NEAR;
        self.occupied[index / 64] &= !(1 << (index % 64));
        let mut chain = std::mem::take(&mut self.near[index]);
        while let Some((block, length)) = self.near_blocks.detach(&mut chain) {
            self.current.extend_from_slice(&self.near_blocks.block(block)[..length]);
            self.near_blocks.release(block);
        }
        self.current.sort_unstable_by_key(|place| std::cmp::Reverse(place.key));
    }
}

/// Blocks of entries, taken and given back.
#[derive(Debug)]
struct Blocks<E> {
    entries: Vec<E>,
    /// What follows each block in its chain; meaningless behind the last.
    next: Vec<u32>,
    free: Vec<u32>,
}

/// A list of entries in the order in which they were added: blocks that are full but for the last.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    first: u32,
    last: u32,
    length: u32,
}

impl<E: Copy> Blocks<E> {
    const fn new() -> Self {
        Self { entries: Vec::new(), next: Vec::new(), free: Vec::new() }
    }

    #[inline]
    fn push(&mut self, chain: &mut Chain, entry: E) {
        let within = chain.length as usize % BLOCK;
        if within == 0 {
            let block = self.take(entry);
            if chain.length == 0 {
                chain.first = block;
            } else {
                self.next[chain.last as usize] = block;
            }
            chain.last = block;
        }
        self.entries[chain.last as usize * BLOCK + within] = entry;
        chain.length += 1;
    }

    /// Takes the first block off a chain; its number, and how many entries it has.
    fn detach(&mut self, chain: &mut Chain) -> Option<(u32, usize)> {
        if chain.length == 0 {
            return None;
        }
        let length = (chain.length as usize).min(BLOCK);
        let block = chain.first;
        chain.first = self.next[block as usize];
        chain.length -= length as u32;
        Some((block, length))
    }

    fn block(&self, block: u32) -> &[E] {
        &self.entries[block as usize * BLOCK..][..BLOCK]
    }

    /// A block that is free; if it is a new one, this entry fills it.
    fn take(&mut self, filling: E) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.entries.resize(self.entries.len() + BLOCK, filling);
            self.next.push(0);
            (self.next.len() - 1) as u32
        })
    }

    fn release(&mut self, block: u32) {
        self.free.push(block);
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
                    let popped = queue.pop().map(|it| (it.time, it.item));
                    assert_eq!(popped, expected, "seed {seed}");
                    now = popped.map_or(now, |(time, _)| time);
                }
                assert_eq!(queue.len(), heap.0.len());
            }
            while let Some(Reverse(expected)) = heap.0.pop() {
                let popped = queue.pop().map(|it| (it.time, it.item));
                assert_eq!(popped, Some(expected), "seed {seed}");
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
                let popped = queue.pop().map(|it| (it.time, it.item));
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
        let mut pop = || queue.pop().map(|it| (it.time, it.sequence, it.target, it.item));
        assert_eq!(pop(), Some((3, 1, NodeId(2), "near")));
        assert_eq!(pop(), Some((u64::from(u32::MAX) * 1_000, 0, NodeId(1), "far")));
        queue.push(0, NodeId(0), "late");
        assert_eq!(queue.next_time(), Some(0));
        assert!(queue.pop().is_some() && queue.is_empty());
    }
}
