//! What nodes send in the window over time and by kind, for plots: counted for all of them together,
//! in bins that grow with the window.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::{Class, Message, Time};
use serde::{Deserialize, Serialize};

/// Bytes sent over time, by class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrafficTimeline {
    /// When the first bin begins, in seconds since the start of the run, rounded down.
    pub from_s: u64,
    /// How long a bin is, in seconds.
    pub width_s: u64,
    /// Payload of class maintenance that all nodes sent, in bytes, bin by bin. All lists are of one
    /// length.
    pub maintenance: Vec<u64>,
    /// The same of class lookup.
    pub lookup: Vec<u64>,
    /// The same of class data.
    pub data: Vec<u64>,
    /// What of the maintenance put copies where they belong ([`Message::is_repair`]). Empty in records
    /// of before it was counted.
    #[serde(default)]
    pub repair: Vec<u64>,
    /// How many nodes were alive, on average over the bin.
    pub alive: Vec<f64>,
}

impl TrafficTimeline {
    /// Most bins; longer windows have wider ones.
    pub const MOST_BINS: usize = 120;
}

/// Messages of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// The kind, as the overlay names it: `query`, `query hit`, `find successor`.
    pub kind: String,
    /// How many were sent in the window.
    pub messages: u64,
}

/// Counts what nodes send in the window, over time and by kind: all nodes of a driver, or of one of
/// its processes, together. A message costs a comparison and two additions, so that a driver can
/// count those of a million nodes.
#[derive(Clone, Debug)]
pub struct Course {
    sent: Bins,
    /// What was sent in the latest bin so far, and when that ends.
    latest: Bin,
    latest_ends: Time,
    /// How many nodes are alive, and up to when they have been counted.
    alive: u32,
    counted_to: Time,
    /// Messages of class lookup by kind: a handful of names, all of them in the program's text.
    kinds: Vec<(&'static str, u64)>,
}

/// What nodes sent in the window: a [`Course`] as a process reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    over_time: Bins,
    kinds: BTreeMap<String, u64>,
}

/// What was sent, bin by bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bins {
    from: Time,
    /// Seconds: 1, doubled whenever there would be more than [`TrafficTimeline::MOST_BINS`].
    width: u64,
    /// When the window ended, or how far it has been seen.
    until: Time,
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bin {
    /// Bytes, by class.
    bytes: [u64; 3],
    /// Those of repair among them.
    repair: u64,
    /// How long nodes were alive, all together, in nanoseconds.
    alive_ns: u64,
}

impl Course {
    /// The window begins, and so many nodes are alive.
    #[must_use]
    pub fn new(at: Time, alive: u32) -> Self {
        let sent = Bins { from: at, width: 1, until: at, bins: Vec::new() };
        Self {
            latest: Bin::default(),
            latest_ends: sent.end_of(0),
            sent,
            alive,
            counted_to: at,
            kinds: Vec::new(),
        }
    }

    /// A node sends a message. Times never go back.
    #[inline]
    pub fn send(&mut self, at: Time, message: &impl Message, bytes: u32) {
        if at >= self.latest_ends {
            self.pass(at);
        }
        let class = message.class();
        self.latest.bytes[class as usize] += u64::from(bytes);
        if message.is_repair() {
            self.latest.repair += u64::from(bytes);
        }
        if class == Class::Lookup {
            self.count(message.kind());
        }
    }

    /// From now on so many nodes are alive.
    pub fn alive(&mut self, at: Time, nodes: u32) {
        self.pass(at);
        self.alive = nodes;
    }

    /// What was sent up to now.
    #[must_use]
    pub fn so_far(&self, now: Time) -> Sent {
        let mut course = self.clone();
        course.pass(now);
        let mut over_time = course.sent;
        over_time.until = course.counted_to;
        let has_begun = over_time.until > over_time.start_of(over_time.bins.len());
        match over_time.bins.last_mut() {
            // What is sent at the very end belongs to the bin that ends there.
            Some(last) if !has_begun => last.add(&course.latest),
            _ if has_begun || course.latest != Bin::default() => over_time.bins.push(course.latest),
            _ => {}
        }
        let kinds = course.kinds.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect();
        Sent { over_time, kinds }
    }

    #[inline]
    fn count(&mut self, kind: &'static str) {
        // The same text has the same address, unless it was compiled twice.
        let mut known = self.kinds.iter_mut();
        match known.find(|(other, _)| std::ptr::eq(*other, kind)) {
            Some((_, n)) => *n += 1,
            None => self.count_elsewhere(kind),
        }
    }

    #[cold]
    fn count_elsewhere(&mut self, kind: &'static str) {
        match self.kinds.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, n)) => *n += 1,
            None => self.kinds.push((kind, 1)),
        }
    }

    /// Counts who was alive until now, and closes the bins that are over.
    #[cold]
    fn pass(&mut self, now: Time) {
        while now >= self.latest_ends {
            self.live_until(self.latest_ends);
            self.sent.bins.push(std::mem::take(&mut self.latest));
            if self.sent.bins.len() == TrafficTimeline::MOST_BINS {
                self.sent.widen(2 * self.sent.width);
            }
            self.latest_ends = self.sent.end_of(self.sent.bins.len());
        }
        self.live_until(now);
    }

    fn live_until(&mut self, time: Time) {
        let passed = time.since(self.counted_to).as_nanos() as u64;
        let alive = passed.saturating_mul(u64::from(self.alive));
        self.latest.alive_ns = self.latest.alive_ns.saturating_add(alive);
        self.counted_to = self.counted_to.max(time);
    }
}

impl Sent {
    /// Adds what other nodes sent in the same window.
    pub fn merge(&mut self, other: &Self) {
        self.over_time.merge(&other.over_time);
        for (kind, n) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += n;
        }
    }

    /// What a record keeps; `None` if the window has no length.
    pub(crate) fn timeline(&self) -> Option<TrafficTimeline> {
        let Bins { from, width, bins, .. } = &self.over_time;
        let class = |class: Class| bins.iter().map(|bin| bin.bytes[class as usize]).collect();
        (!bins.is_empty()).then(|| TrafficTimeline {
            from_s: from.as_nanos() / NANOS_PER_SECOND,
            width_s: *width,
            maintenance: class(Class::Maintenance),
            lookup: class(Class::Lookup),
            data: class(Class::Data),
            repair: bins.iter().map(|bin| bin.repair).collect(),
            alive: self.over_time.alive(),
        })
    }

    /// Bytes of repair per second and live node; `None` if nobody was alive.
    pub(crate) fn repair_rate(&self) -> Option<f64> {
        let sum = |of: fn(&Bin) -> u64| self.over_time.bins.iter().map(of).sum::<u64>() as f64;
        let alive = sum(|bin| bin.alive_ns) / NANOS_PER_SECOND as f64;
        (alive > 0.0).then(|| sum(|bin| bin.repair) / alive)
    }

    /// The most frequent kind first.
    pub(crate) fn kinds(&self) -> Vec<KindCount> {
        let kind = |(kind, n): (&String, &u64)| KindCount { kind: kind.clone(), messages: *n };
        let mut kinds: Vec<KindCount> = self.kinds.iter().map(kind).collect();
        kinds.sort_by_key(|kind| Reverse(kind.messages));
        kinds
    }
}

impl Bins {
    fn start_of(&self, bin: usize) -> Time {
        self.from + Duration::from_secs(self.width * bin as u64)
    }

    fn end_of(&self, bin: usize) -> Time {
        self.start_of(bin + 1)
    }

    /// Joins neighbouring bins until they are so wide, which is a power of two times their width.
    fn widen(&mut self, width: u64) {
        while self.width < width {
            self.width *= 2;
            let joined = self.bins.chunks(2).map(|pair| {
                let mut joined = pair[0];
                pair[1..].iter().for_each(|bin| joined.add(bin));
                joined
            });
            self.bins = joined.collect();
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.bins.is_empty() {
            self.clone_from(other);
            return;
        }
        let mut other = other.clone();
        let width = self.width.max(other.width);
        self.widen(width);
        other.widen(width);
        self.until = self.until.max(other.until);
        let length = self.bins.len().max(other.bins.len());
        self.bins.resize(length, Bin::default());
        for (mine, others) in self.bins.iter_mut().zip(&other.bins) {
            mine.add(others);
        }
    }

    /// How many nodes were alive on average; the last bin may be shorter than the others.
    fn alive(&self) -> Vec<f64> {
        let mean = |(place, bin): (usize, &Bin)| {
            let length = self.end_of(place).min(self.until).since(self.start_of(place));
            match length.as_nanos() {
                0 => 0.0,
                nanos => bin.alive_ns as f64 / nanos as f64,
            }
        };
        self.bins.iter().enumerate().map(mean).collect()
    }
}

impl Bin {
    fn add(&mut self, other: &Self) {
        self.alive_ns = self.alive_ns.saturating_add(other.alive_ns);
        self.repair += other.repair;
        for (mine, others) in self.bytes.iter_mut().zip(&other.bytes) {
            *mine += others;
        }
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Said(u8);

    impl Message for Said {
        fn class(&self) -> Class {
            Class::ALL[usize::from(self.0 % 3)]
        }

        fn kind(&self) -> &'static str {
            ["stabilise", "query", "data", "notify", "query hit", "piece"][usize::from(self.0 % 6)]
        }
    }

    const QUERY: Said = Said(1);
    const QUERY_HIT: Said = Said(4);

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn bytes_are_in_the_bin_of_their_time_and_kinds_are_of_lookups() {
        let mut course = Course::new(at(10_500), 4);
        course.send(at(10_500), &QUERY, 10);
        course.send(at(11_499), &Said(0), 7);
        course.alive(at(12_000), 2);
        course.send(at(12_000), &QUERY, 5);
        course.send(at(13_000), &QUERY_HIT, 3);
        let sent = course.so_far(at(13_000));
        let timeline = sent.timeline().unwrap();
        assert_eq!((timeline.from_s, timeline.width_s), (10, 1));
        assert_eq!(timeline.lookup, [10, 5, 3]);
        assert_eq!(timeline.maintenance, [7, 0, 0]);
        assert_eq!(timeline.alive, [4.0, 3.0, 2.0], "half a second is a bin as well");
        let kind = |kind: &str, messages| KindCount { kind: kind.into(), messages };
        assert_eq!(sent.kinds(), [kind("query", 2), kind("query hit", 1)]);
    }

    #[test]
    fn an_empty_window_has_no_timeline() {
        assert_eq!(Course::new(at(5), 9).so_far(at(5)).timeline(), None);
        assert_eq!(Sent::default().timeline(), None);
        assert_eq!(Course::new(at(0), 1).so_far(at(1_000)).timeline().unwrap().alive, [1.0]);
    }

    proptest! {
        /// However long the window is: nothing is lost, nothing is without bounds, and parts of a
        /// run add up to the whole.
        #[test]
        fn parts_add_up_to_the_whole(
            said in prop::collection::vec((0u64..40_000, 0u8..6, 0u32..1_000, 0usize..3), 0..200),
            rest in 0u64..400_000,
        ) {
            let mut whole = Course::new(at(300), 3);
            let mut parts = vec![Course::new(at(300), 1); 3];
            let (mut now, mut bytes, mut lookups) = (300, 0, 0);
            for (passed, kind, length, who) in said {
                now += passed;
                let message = Said(kind);
                whole.send(at(now), &message, length);
                parts[who].send(at(now), &message, length);
                bytes += u64::from(length);
                lookups += u64::from(message.class() == Class::Lookup);
            }
            now += rest;
            let whole = whole.so_far(at(now));
            let mut sum = Sent::default();
            parts.iter().for_each(|part| sum.merge(&part.so_far(at(now))));
            prop_assert_eq!(&sum, &whole);
            prop_assert_eq!(whole.kinds().iter().map(|kind| kind.messages).sum::<u64>(), lookups);
            let Some(timeline) = whole.timeline() else { return Ok(()) };
            let classes = [&timeline.maintenance, &timeline.lookup, &timeline.data];
            prop_assert_eq!(classes.iter().flat_map(|class| class.iter()).sum::<u64>(), bytes);
            prop_assert!(timeline.alive.len() <= TrafficTimeline::MOST_BINS);
            prop_assert!(classes.iter().all(|class| class.len() == timeline.alive.len()));
            prop_assert!(timeline.alive.iter().all(|alive| (alive - 3.0).abs() < 1e-9));
        }
    }
}
