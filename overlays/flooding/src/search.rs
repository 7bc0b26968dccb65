//! The searches that a node has under way, and in which rounds each goes out.
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::{Key, OpId, Time};

use crate::{FloodingConfig, SearchStyle};

/// A search that this node started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) op: OpId,
    pub(crate) key: Key,
    pub(crate) sequence: u32,
    /// The next round, from 0.
    round: u8,
    /// When it has failed.
    until: Time,
}

/// What a search does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Goes out so far, and then waits so long.
    Flood {
        /// Which ring it is, from 0.
        round: u8,
        ttl: u8,
        wait: Duration,
    },
    /// Sends its walkers out, and then waits so long.
    Walk { wait: Duration },
    /// Gives up.
    Fail,
}

impl Search {
    pub(crate) fn new(op: OpId, key: Key, sequence: u32, until: Time) -> Self {
        Self { op, key, sequence, round: 0, until }
    }

    /// The search begins, or has waited for as long as it was told to.
    pub(crate) fn next(&mut self, config: &FloodingConfig, now: Time) -> Step {
        let rest = self.until.since(now);
        if rest.is_zero() {
            return Step::Fail;
        }
        let round = self.round;
        self.round = self.round.saturating_add(1);
        match config.search {
            SearchStyle::RandomWalk => Step::Walk { wait: rest },
            SearchStyle::Flood => Step::Flood { round, ttl: config.ttl, wait: rest },
            SearchStyle::ExpandingRing => {
                let width = config.ring_step.saturating_mul(round);
                let ttl = config.ring_start.saturating_add(width).min(config.ttl);
                let is_last = ttl == config.ttl;
                let wait = config.ring_wait.0 * u32::from(ttl);
                Step::Flood { round, ttl, wait: if is_last { rest } else { wait.min(rest) } }
            }
        }
    }
}

/// The searches that a node has under way.
#[derive(Clone, Debug)]
pub(crate) struct Searches {
    open: Vec<Search>,
    /// The sequence of the next one.
    begun: u32,
}

impl Searches {
    /// None yet. A node that comes back counts from where it cannot have come to before, or others
    /// would take its first searches for copies: nobody begins more than one a millisecond.
    pub(crate) fn since(now: Time) -> Self {
        Self { open: Vec::new(), begun: (now.as_micros() / 1_000) as u32 }
    }

    /// The sequence of the search that begins next.
    pub(crate) const fn next_sequence(&self) -> u32 {
        self.begun
    }

    /// Keeps a search with the next sequence. False if there are too many.
    pub(crate) fn open(&mut self, search: Search, bound: u16) -> bool {
        let is_within = self.open.len() < usize::from(bound);
        if is_within {
            self.begun = self.begun.wrapping_add(1);
            self.open.push(search);
        }
        is_within
    }

    pub(crate) fn find(&mut self, sequence: u32) -> Option<&mut Search> {
        self.open.iter_mut().find(|search| search.sequence == sequence)
    }

    /// The search is over.
    pub(crate) fn close(&mut self, sequence: u32) -> Option<Search> {
        let place = self.open.iter().position(|search| search.sequence == sequence)?;
        Some(self.open.swap_remove(place))
    }

    /// Whether there has been such a search at all.
    pub(crate) const fn has_begun(&self, sequence: u32) -> bool {
        sequence < self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_grow_up_to_the_ttl() {
        let config = FloodingConfig {
            search: SearchStyle::ExpandingRing,
            ttl: 6,
            ..FloodingConfig::default()
        };
        let until = Time::ZERO + Duration::from_secs(3);
        let mut search = Search::new(OpId(0), Key::of(b"apple"), 0, until);
        let mut now = Time::ZERO;
        let mut rings = Vec::new();
        while let Step::Flood { round, ttl, wait } = search.next(&config, now) {
            rings.push((round, ttl, wait.as_millis()));
            now = now + wait;
        }
        assert_eq!(rings, [(0, 1, 150), (1, 3, 450), (2, 5, 750), (3, 6, 1_650)]);
    }
}
