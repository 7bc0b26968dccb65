//! How fast bytes come or go: a rate over the last 20 seconds, and how many requests that is worth.
use core::time::Duration;

use overlay_core::Time;

/// Parts of the window.
const PARTS: usize = 5;
/// The length of a part: the window is 20 s, as in the first client (Cohen's `max_rate_period`).
const PART: Duration = Duration::from_secs(4);

/// Bytes a second over the last 16 to 20 seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// Bytes in each part of the window, at the part's number modulo [`PARTS`].
    bytes: [u32; PARTS],
    /// The number of the newest part since the run began.
    newest: u64,
}

impl Rate {
    /// So many bytes came or went now.
    #[inline]
    pub fn add(&mut self, now: Time, bytes: u32) {
        self.advance(now);
        let part = &mut self.bytes[(self.newest % PARTS as u64) as usize];
        *part = part.saturating_add(bytes);
    }

    /// Bytes in the window that ends now: to compare peers by, as the window is the same for all.
    pub fn bytes(&mut self, now: Time) -> u64 {
        self.advance(now);
        self.bytes.iter().map(|&bytes| u64::from(bytes)).sum()
    }

    fn advance(&mut self, now: Time) {
        let part = now.as_nanos() / PART.as_nanos() as u64;
        let passed = part.saturating_sub(self.newest).min(PARTS as u64);
        for old in 1..=passed {
            self.bytes[((self.newest + old) % PARTS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(part);
        if passed == PARTS as u64 {
            self.bytes = [0; PARTS];
        }
    }
}

/// How many requests to have under way at a peer: as many blocks as came from it within a time that
/// is longer than an answer takes, and a few more. So the pipeline doubles as long as that makes it
/// faster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pipeline {
    since: Time,
    arrived: u16,
    arrived_before: u16,
}

impl Pipeline {
    /// A block came now.
    #[inline]
    pub fn add(&mut self, now: Time, ahead: Duration) {
        self.advance(now, ahead);
        self.arrived = self.arrived.saturating_add(1);
    }

    /// How many requests to have under way: `least`, and what came within `ahead`; at most `most`.
    pub fn depth(&mut self, now: Time, ahead: Duration, least: u16, most: u16) -> usize {
        self.advance(now, ahead);
        let recent = self.arrived.max(self.arrived_before);
        usize::from(recent.saturating_add(least).min(most))
    }

    fn advance(&mut self, now: Time, ahead: Duration) {
        let passed = now.since(self.since);
        if passed < ahead {
            return;
        }
        self.arrived_before = if passed < 2 * ahead { self.arrived } else { 0 };
        self.arrived = 0;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn bytes_are_forgotten_after_twenty_seconds() {
        let mut rate = Rate::default();
        rate.add(at(0), 100);
        rate.add(at(10), 10);
        assert_eq!(rate.bytes(at(19)), 110);
        assert_eq!(rate.bytes(at(20)), 10);
        assert_eq!(rate.bytes(at(30)), 0);
        rate.add(at(1_000), 7);
        assert_eq!(rate.bytes(at(1_001)), 7);
        assert_eq!(rate.bytes(at(5_000)), 0);
    }

    #[test]
    fn a_pipeline_grows_with_what_arrives_and_shrinks_without() {
        let mut pipeline = Pipeline::default();
        let ahead = Duration::from_secs(2);
        assert_eq!(pipeline.depth(at(1), ahead, 5, 100), 5);
        (0..20).for_each(|_| pipeline.add(at(1), ahead));
        assert_eq!(pipeline.depth(at(1), ahead, 5, 100), 25);
        assert_eq!(pipeline.depth(at(1), ahead, 5, 10), 10);
        assert_eq!(pipeline.depth(at(3), ahead, 5, 100), 25);
        assert_eq!(pipeline.depth(at(9), ahead, 5, 100), 5);
    }
}
