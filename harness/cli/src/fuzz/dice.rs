//! Numbers of a world that is drawn by chance: each by its name from a stream of its own, so that a new
//! one leaves all others alone.
use std::ops::RangeInclusive;

use overlay_core::{Purpose, Random};

/// The numbers that one seed gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    seed: u64,
}

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    fn stream(self, name: &str) -> Random {
        // FNV-1a: names are few, and known here.
        let index = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random::stream(self.seed, Purpose::Worlds, index)
    }

    /// A whole number within the range.
    pub(super) fn within(self, name: &str, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.stream(name).below(range.end() - range.start() + 1)
    }

    /// Hundredths, from 1 to so many.
    pub(super) fn hundredths(self, name: &str, most: u64) -> f64 {
        self.within(name, 1..=most) as f64 / 100.0
    }

    /// Whether it is so this time, if it is in one of so many.
    pub(super) fn one_in(self, name: &str, worlds: u64) -> bool {
        self.stream(name).below(worlds) == 0
    }

    /// One of these.
    pub(super) fn one_of<T: Copy>(self, name: &str, choices: &[T]) -> Option<T> {
        choices.get(self.stream(name).below(choices.len() as u64) as usize).copied()
    }
}
