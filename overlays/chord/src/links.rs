//! What one ring member remembers of others: its successor list and its fingers.
use alloc::sync::Arc;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::{ChordConfig, Distance, Member, Position};

/// Another member, by its distance from the one that remembers it.
///
/// Only the distance's first 32 bits are kept: where they do not decide, the position is derived
/// once more, which happens about once in 10^8 comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    prefix: u32,
    pub(crate) member: Member,
}

impl Link {
    /// Whether the member is strictly nearer to `origin` than this distance.
    #[inline]
    fn is_before(self, limit: Distance, origin: Position, config: &ChordConfig) -> bool {
        match self.prefix.cmp(&limit.prefix()) {
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Greater => false,
            core::cmp::Ordering::Equal => self.is_before_by_all_bits(limit, origin, config),
        }
    }

    #[cold]
    fn is_before_by_all_bits(self, limit: Distance, at: Position, config: &ChordConfig) -> bool {
        distance(self.member, at, config) < limit
    }
}

fn distance(member: Member, origin: Position, config: &ChordConfig) -> Distance {
    Position::of_member(member, config).since(origin)
}

/// The next members on the ring, nearest first (SIGCOMM 2001, section 5.3).
#[derive(Clone, Debug, Default)]
pub(crate) struct Successors {
    /// To be sent without copying.
    shared: Arc<[Member]>,
    /// The first bits of their distances, as a [`Link`] has them: most questions are answered by these,
    /// which are near.
    prefixes: SmallVec<[u32; 8]>,
    /// Octave of the last one's distance: fingers up to here follow from the list.
    reach: u8,
}

impl Successors {
    pub(crate) fn head(&self) -> Option<Member> {
        self.shared.first().copied()
    }

    pub(crate) fn shared(&self) -> Arc<[Member]> {
        self.shared.clone()
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.shared
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    pub(crate) const fn reach(&self) -> u8 {
        self.reach
    }

    /// Takes over another member's extended successor list, whole: that member, then its list
    /// (Zave 2017, section 4.2), up to where it would come round to `me`. Whether anything changed.
    pub(crate) fn adopt(
        &mut self,
        (me, origin): (Member, Position),
        head: Member,
        list: &[Member],
        config: &ChordConfig,
    ) -> bool {
        let extended =
            || core::iter::once(head).chain(list.iter().copied()).take_while(|m| *m != me);
        let extended = || extended().take(config.successors.into());
        if extended().eq(self.shared.iter().copied()) {
            return false;
        }
        let mut last = Distance::ZERO;
        // A list that is not in order is not one: what follows the break is not believed.
        let ascending = extended().take_while(|&member| {
            let next = distance(member, origin, config);
            core::mem::replace(&mut last, next) < next
        });
        let members: Vec<Member> = ascending.collect();
        self.replace(&members, origin, config)
    }

    /// Forgets a node's members. Whether there were any.
    pub(crate) fn forget(
        &mut self,
        gone: impl Fn(Member) -> bool,
        origin: Position,
        config: &ChordConfig,
    ) -> bool {
        if !self.shared.iter().any(|&member| gone(member)) {
            return false;
        }
        let rest: Vec<Member> =
            self.shared.iter().copied().filter(|&member| !gone(member)).collect();
        self.replace(&rest, origin, config)
    }

    fn replace(&mut self, members: &[Member], origin: Position, config: &ChordConfig) -> bool {
        if *self.shared == *members {
            return false;
        }
        let prefix = |&member: &Member| distance(member, origin, config).prefix();
        self.prefixes = members.iter().map(prefix).collect();
        self.shared = members.into();
        self.reach = members
            .last()
            .and_then(|&last| distance(last, origin, config).octave(config.bits))
            .unwrap_or(0);
        true
    }

    /// How many are strictly nearer to `origin` than this distance.
    #[inline]
    fn count_before(&self, limit: Distance, origin: Position, config: &ChordConfig) -> usize {
        let prefix = limit.prefix();
        let first = self.prefixes.partition_point(|&other| other < prefix);
        match self.prefixes.get(first) {
            Some(&other) if other == prefix => {
                self.count_before_by_all_bits(first, limit, origin, config)
            }
            _ => first,
        }
    }

    #[cold]
    fn count_before_by_all_bits(
        &self,
        first: usize,
        limit: Distance,
        origin: Position,
        config: &ChordConfig,
    ) -> usize {
        let rest = self.shared.iter().skip(first);
        first + rest.take_while(|&&member| distance(member, origin, config) < limit).count()
    }

    /// Those nearer than a key at this distance, from the farthest to the nearest; and the key's
    /// successor with those after it, none if the list does not reach that far.
    #[inline]
    pub(crate) fn around(
        &self,
        key: Distance,
        origin: Position,
        config: &ChordConfig,
    ) -> (impl Iterator<Item = Member>, impl Iterator<Item = Member>) {
        // Where the list does not reach the key, all of it is before.
        let first = self.count_before(key, origin, config);
        let members = self.members();
        let before = (0..first).rev().map(|place| members[place]);
        (before, (first..self.prefixes.len()).map(|place| members[place]))
    }

    fn last_is_before(&self, link: Link, origin: Position, config: &ChordConfig) -> bool {
        self.prefixes.last().is_none_or(|&last| {
            last < link.prefix || (last == link.prefix && self.is_last_before(link, origin, config))
        })
    }

    #[cold]
    fn is_last_before(&self, link: Link, origin: Position, config: &ChordConfig) -> bool {
        self.shared.last().is_none_or(|&last| {
            distance(last, origin, config) < distance(link.member, origin, config)
        })
    }
}

/// The finger table beyond the successor list (SIGCOMM 2001, section 4.3).
///
/// Finger i is the first member at a distance of 2^i or more. Neighbouring entries of the paper's
/// table mostly name the same member, so only distinct members are kept, nearest first; there are
/// about log2 N of them, and entry i is the first at a distance of 2^i or more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingers {
    links: SmallVec<[Link; 20]>,
}

impl Fingers {
    /// Sets finger `octave`; `None` if it is the member itself, that is, if nobody is that far.
    /// Whether anything changed.
    pub(crate) fn set(
        &mut self,
        octave: u8,
        finger: Option<Member>,
        origin: Position,
        config: &ChordConfig,
    ) -> bool {
        let start = Distance::power(octave, config.bits);
        let next_start =
            (octave + 1 < config.bits).then(|| Distance::power(octave + 1, config.bits));
        let place = self.links.partition_point(|link| link.is_before(start, origin, config));
        let is_stale = |link: &Link| match next_start {
            Some(next) => link.is_before(next, origin, config),
            None => true,
        };
        if self.links.get(place).map(|link| link.member) == finger
            && !self.links.get(place + 1).is_some_and(is_stale)
        {
            return false; // As nearly always: without deriving a position.
        }
        let end = finger.map(|member| distance(member, origin, config));
        if end.is_some_and(|end| end < start) {
            return false;
        }
        // Nobody is between the start and the finger, and entries after the finger but before the
        // next start are nobody's finger any more.
        let stale_until = match (end, next_start) {
            (Some(end), Some(next)) => Some(end.max(next)),
            (Some(_), None) | (None, _) => None,
        };
        let before = self.links.len();
        self.links.retain(|link| {
            link.is_before(start, origin, config)
                || stale_until.is_some_and(|until| !link.is_before(until, origin, config))
                || Some(link.member) == finger
        });
        let mut changed = self.links.len() != before;
        if let (Some(member), Some(end)) = (finger, end) {
            let place = self.links.partition_point(|link| link.is_before(end, origin, config));
            if self.links.get(place).is_none_or(|link| link.member != member) {
                self.links.insert(place, Link { prefix: end.prefix(), member });
                changed = true;
            }
        }
        changed
    }

    /// Finger `octave`, if anybody is that far.
    pub(crate) fn at(
        &self,
        start: Distance,
        origin: Position,
        config: &ChordConfig,
    ) -> Option<Member> {
        let place = self.links.partition_point(|link| link.is_before(start, origin, config));
        self.links.get(place).map(|link| link.member)
    }

    /// Those nearer than the key and beyond the successor list, from the farthest to the nearest.
    #[inline]
    pub(crate) fn preceding<'a>(
        &'a self,
        key: Distance,
        successors: &'a Successors,
        origin: Position,
        config: &'a ChordConfig,
    ) -> impl Iterator<Item = Member> + 'a {
        let nearer =
            self.links.iter().rev().filter(move |link| link.is_before(key, origin, config));
        nearer
            .take_while(move |link| successors.last_is_before(**link, origin, config))
            .map(|link| link.member)
    }

    pub(crate) fn forget(&mut self, gone: impl Fn(Member) -> bool) {
        self.links.retain(|link| !gone(link.member));
    }

    /// Forgets those that the successor list reaches, and those behind it that are before the start of
    /// the first finger beyond: they were fingers when the list was shorter, and nobody would look
    /// after them any more.
    pub(crate) fn prune(&mut self, successors: &Successors, at: Position, config: &ChordConfig) {
        let is_reached = |link: &Link| !successors.last_is_before(*link, at, config);
        let next = successors.reach() + 1;
        let start = (next < config.bits).then(|| Distance::power(next, config.bits));
        let is_behind = |link: &Link| match start {
            Some(start) => link.is_before(start, at, config),
            None => true,
        };
        let is_known = successors.head().is_some();
        self.links.retain(|link| !(is_reached(link) || is_known && is_behind(link)));
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = Member> {
        self.links.iter().map(|link| link.member)
    }
}
