//! Which queries have passed a node, and where each came from: what stops copies, and the way back
//! for hits.
//!
//! Every message of a flood looks here, and most are copies. So the four newest queries are in the
//! node itself, which is in the cache when a message is served: while no more are under way, a look
//! is no access to memory at all. Those before are in a flat table: buckets of four entries, each one
//! line of a processor's cache; a look is one access however many queries are under way. It starts
//! empty and doubles when a bucket is full of queries that may still be under way, so that it is as
//! large as the load asks for and no larger.
use alloc::boxed::Box;

use overlay_core::{NodeId, Time};

use crate::QueryId;

/// Entries in a bucket: as many as fit into 64 bytes.
const WIDTH: usize = 4;

/// What the arrival of a query means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// This node has not met the search before.
    First,
    /// It has, but in a smaller ring.
    Wider,
    /// It has, as it is.
    Copy,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: QueryId,
    from: NodeId,
    /// When it came, in seconds modulo 2^16.
    second: u16,
    round: u8,
}

impl Entry {
    /// A place nobody has taken: no peer has this number.
    const FREE: Self =
        Self { id: QueryId { origin: NOBODY, sequence: 0 }, from: NOBODY, second: 0, round: 0 };

    fn is(&self, id: QueryId) -> bool {
        self.id == id && self.from != NOBODY
    }
}

const NOBODY: NodeId = NodeId(u32::MAX);

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket([Entry; WIDTH]);

/// How long entries matter, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Seconds after which a search is over.
    pub(crate) seconds: u16,
    /// Most entries besides the newest four; with more queries under way the oldest are forgotten, whose copies may then
    /// be forwarded once more, as far as their TTL goes.
    pub(crate) entries: u32,
}

/// The queries that have passed a node lately.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    newest: [Entry; WIDTH],
    /// Which of them is replaced next.
    oldest: u8,
    /// A power of two of them, or none.
    buckets: Box<[Bucket]>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { newest: [Entry::FREE; WIDTH], oldest: 0, buckets: Box::default() }
    }
}

impl Seen {
    /// A query came from this peer now.
    #[inline]
    pub(crate) fn see(
        &mut self,
        id: QueryId,
        round: u8,
        from: NodeId,
        now: Time,
        bounds: impl Fn() -> Bounds,
    ) -> Sighting {
        if let Some(entry) = self.find(id) {
            if round <= entry.round {
                return Sighting::Copy;
            }
            (entry.round, entry.from) = (round, from);
            return Sighting::Wider;
        }
        let second = (now.as_nanos() / 1_000_000_000) as u16;
        let place = usize::from(self.oldest);
        self.oldest = (self.oldest + 1) % WIDTH as u8;
        let before = core::mem::replace(&mut self.newest[place], Entry { id, from, second, round });
        let bounds = bounds();
        if before.from != NOBODY && second.wrapping_sub(before.second) <= bounds.seconds {
            self.insert(before, second, bounds);
        }
        Sighting::First
    }

    /// Where a query came from.
    pub(crate) fn way_back(&mut self, id: QueryId) -> Option<NodeId> {
        self.find(id).map(|entry| entry.from)
    }

    #[inline]
    fn find(&mut self, id: QueryId) -> Option<&mut Entry> {
        if let Some(place) = self.newest.iter().position(|entry| entry.is(id)) {
            return Some(&mut self.newest[place]);
        }
        let bucket = self.bucket_of(id);
        let Bucket(entries) = self.buckets.get_mut(bucket)?;
        entries.iter_mut().find(|entry| entry.is(id))
    }

    /// By multiplication, whose upper bits depend on all of the number (Knuth, section 6.4).
    #[inline]
    fn bucket_of(&self, id: QueryId) -> usize {
        let number = u64::from(id.origin.0) << 32 | u64::from(id.sequence);
        let hash = (number ^ number >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    /// Puts an entry into the table.
    fn insert(&mut self, new: Entry, second: u16, bounds: Bounds) {
        loop {
            let bucket = self.bucket_of(new.id);
            let may_double = self.buckets.len() * 2 * WIDTH <= bounds.entries as usize;
            if let Some(Bucket(entries)) = self.buckets.get_mut(bucket) {
                let age = |entry: &Entry| match entry.from {
                    NOBODY => u32::MAX,
                    _ => u32::from(second.wrapping_sub(entry.second)),
                };
                let oldest = entries.iter_mut().max_by_key(|entry| age(entry));
                let oldest = oldest.expect("a bucket has four entries");
                if age(oldest) > u32::from(bounds.seconds) || !may_double {
                    *oldest = new;
                    return;
                }
            }
            self.double(second, bounds);
        }
    }

    /// Doubles the table and moves over what still matters.
    fn double(&mut self, second: u16, bounds: Bounds) {
        let width = (self.buckets.len() * 2).max(1);
        let free = alloc::vec![Bucket([Entry::FREE; WIDTH]); width].into_boxed_slice();
        let old = core::mem::replace(&mut self.buckets, free);
        for entry in old.iter().flat_map(|Bucket(entries)| entries) {
            if entry.from != NOBODY && second.wrapping_sub(entry.second) <= bounds.seconds {
                // Four entries that were in one bucket fit into the two that it became.
                let Bucket(entries) = &mut self.buckets[self.bucket_of(entry.id)];
                if let Some(free) = entries.iter_mut().find(|place| place.from == NOBODY) {
                    *free = *entry;
                }
            }
        }
    }

    /// How many entries there is room for besides the newest.
    pub(crate) fn room(&self) -> usize {
        self.buckets.len() * WIDTH
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn id(sequence: u32) -> QueryId {
        QueryId { origin: NodeId(sequence % 7), sequence }
    }

    fn bounds(entries: u32) -> impl Fn() -> Bounds {
        move || Bounds { seconds: 4, entries }
    }

    #[test]
    fn a_copy_is_one_unless_its_ring_is_wider() {
        let mut seen = Seen::default();
        let mut see = |round, from| seen.see(id(1), round, NodeId(from), Time::ZERO, bounds(4_096));
        assert_eq!(see(0, 10), Sighting::First);
        assert_eq!(see(0, 11), Sighting::Copy);
        assert_eq!(see(1, 12), Sighting::Wider);
        assert_eq!(see(1, 13), Sighting::Copy);
        assert_eq!(see(0, 14), Sighting::Copy);
        assert_eq!(seen.way_back(id(1)), Some(NodeId(12)));
        assert_eq!(seen.way_back(id(2)), None);
    }

    #[test]
    fn nothing_under_way_is_forgotten_below_the_bound() {
        let mut seen = Seen::default();
        for sequence in 0..500 {
            let from = NodeId(sequence);
            assert_eq!(
                seen.see(id(sequence), 0, from, Time::ZERO, bounds(65_536)),
                Sighting::First
            );
        }
        assert!((0..500).all(|it| seen.way_back(id(it)) == Some(NodeId(it))));
    }

    #[test]
    fn the_table_is_as_large_as_what_is_under_way_asks_for() {
        let mut seen = Seen::default();
        for sequence in 0..10_000 {
            // Ten a second, so that 50 matter at a time.
            let now = Time::ZERO + Duration::from_millis(100) * sequence;
            seen.see(id(sequence), 0, NodeId(1), now, bounds(4_096));
        }
        assert!(seen.room() <= 1_024, "{}", seen.room());

        let mut seen = Seen::default();
        for sequence in 0..10_000 {
            seen.see(id(sequence), 0, NodeId(1), Time::ZERO, bounds(64));
        }
        assert_eq!(seen.room(), 64, "a bound is one");
    }

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
