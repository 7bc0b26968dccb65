//! Weather: what the network and the machines do to messages and clocks for a while. For the simulator
//! alone; a testbed's weather is its machine's.
use std::time::Duration;

use overlay_core::units::Span;
use overlay_core::{NodeId, Purpose, Random, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Scenario;
use crate::world::{nearest_count, shuffle};
use crate::{Document, Error};

/// Streams of [`Purpose::Weather`]: one for each thing drawn, so that none disturbs another.
const SLOW: u64 = 0;
const CLOCKS: u64 = 1;
/// From this one on, one for each partition.
const PARTITIONS: u64 = 1 << 16;
/// From this one on, one for each sender's messages.
const MESSAGES: u64 = 1 << 32;
/// From this one on, one for each ordered pair of nodes.
const PAIRS: u64 = 1 << 63;

/// How much faster or slower than time a clock may run: beyond, it would be a stopped one.
const LARGEST_FACTOR: f64 = 10.0;

/// What the network and the machines do to messages and clocks for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// From when on, since the start of the run. Absent: the end of the warm-up.
    pub from: Option<Span>,
    /// Until when. Absent: the end of the run.
    pub until: Option<Span>,
    /// The share of messages that never arrive, 0 to 1. Nobody is told.
    pub lost: f64,
    /// The share of messages that arrive twice, the second time up to `delay` later.
    pub duplicated: f64,
    /// The share of messages in which some bits are flipped. What the receiver cannot decode then is
    /// dropped and counted as a malformed frame; what it can, it gets.
    pub corrupted: f64,
    /// The share of messages that are held up for up to `delay`, and with each all that the sender
    /// sends to the same receiver behind it.
    pub delayed: f64,
    /// The share of messages that are held up for up to `delay`, and overtaken by those behind.
    pub reordered: f64,
    /// The longest that a message is held up.
    pub delay: Span,
    /// The share of ordered pairs of nodes, 0 to 1, of which the first does not reach the second. It
    /// learns so as if the second were dead; the second is told nothing.
    pub one_way: f64,
    /// Nodes that are cut off together.
    pub partitions: Vec<Partition>,
    /// Nodes that do everything late.
    pub slow: Slow,
    /// Nodes whose clocks are wrong.
    pub drift: Drift,
    /// A time with more searches, of those that there are.
    pub overload: Option<Overload>,
}

/// Some nodes and all others do not reach each other for a time. Whoever sends into the cut loses the
/// peer, and the peer loses it, `network.dead_peer_timeout` later (2s if there is none), as when a
/// connection breaks off without a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Partition {
    /// When, since the start of the run.
    pub at: Span,
    /// For how long.
    pub lasts: Span,
    /// The share of nodes on the one side, 0 to 1.
    pub share: f64,
}

/// Nodes that do everything late.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slow {
    /// The share of nodes, 0 to 1.
    pub share: f64,
    /// How much later they handle every message and every timer.
    pub by: Span,
}

/// Nodes whose clocks are wrong, and with them their timers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Drift {
    /// The share of nodes, 0 to 1.
    pub share: f64,
    /// So many times as fast as time a clock runs, or as slow, either as likely: 1 to 10.
    pub factor: f64,
}

/// A time with more searches, of those that there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Overload {
    /// When, since the start of the run, but not before the end of the warm-up.
    pub at: Span,
    /// For how long.
    pub lasts: Span,
    /// So many times as often as `workload.rate` says: above 1.
    pub factor: f64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            from: None,
            until: None,
            lost: 0.0,
            duplicated: 0.0,
            corrupted: 0.0,
            delayed: 0.0,
            reordered: 0.0,
            delay: Span(Duration::from_millis(500)),
            one_way: 0.0,
            partitions: Vec::new(),
            slow: Slow::default(),
            drift: Drift::default(),
            overload: None,
        }
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self { at: Span(Duration::ZERO), lasts: Span(Duration::from_secs(5)), share: 0.5 }
    }
}

impl Default for Drift {
    fn default() -> Self {
        Self { share: 0.0, factor: 1.0 }
    }
}

impl Default for Overload {
    fn default() -> Self {
        Self { at: Span(Duration::ZERO), lasts: Span(Duration::from_secs(1)), factor: 10.0 }
    }
}

impl Weather {
    /// Finds what cannot be meant in the weather of a run that ends about then.
    pub(crate) fn check(
        &self,
        end: Duration,
        scenario: &Scenario,
        document: &Document,
    ) -> Result<(), Error> {
        let fail = |field: &str, message: String, help: &str| {
            Err(document.complain(&format!("network.weather.{field}"), message, help))
        };
        for (field, share) in self.shares() {
            if !(0.0..=1.0).contains(&share) {
                let message = format!("{share} is not a share");
                return fail(&field, message, "a share is 0 to 1: 0.25 is every fourth");
            }
        }
        let (from, until) = (self.begins(scenario), self.until.map_or(end, Into::into));
        if from >= until {
            let message = format!("it is over at {} before it begins", Span(until));
            return fail(
                if self.until.is_some() { "until" } else { "from" },
                message,
                "swap them?",
            );
        }
        if !(1.0..=LARGEST_FACTOR).contains(&self.drift.factor) {
            let message = format!("a clock does not run {} times as fast", self.drift.factor);
            return fail("drift.factor", message, "1 to 10");
        }
        match &self.overload {
            Some(Overload { factor, .. }) if !(*factor > 1.0 && factor.is_finite()) => {
                let message = format!("{factor} times as many searches are not more");
                fail("overload.factor", message, "write a number above 1, such as 10")
            }
            Some(Overload { at, .. }) if at.0 < scenario.warm_up.0 => {
                let message = format!("at {at} there are no searches yet");
                fail("overload.at", message, "begin at the end of the `warm_up` or later")
            }
            _ => Ok(()),
        }
    }

    /// When it begins.
    #[must_use]
    pub fn begins(&self, scenario: &Scenario) -> Duration {
        self.from.unwrap_or(scenario.warm_up).0
    }

    /// When it is over, the partitions and the overload included; `Duration::MAX` if that is the end of
    /// the run.
    #[must_use]
    pub fn ends(&self, scenario: &Scenario) -> Duration {
        let until = self.until.map_or(Duration::MAX, Into::into).max(self.begins(scenario));
        let cuts = self.partitions.iter().map(|it| it.at.0.saturating_add(it.lasts.0));
        let load = self.overload.iter().map(|it| it.at.0.saturating_add(it.lasts.0));
        cuts.chain(load).fold(until, Duration::max)
    }

    /// Every share, with the field that has it.
    fn shares(&self) -> Vec<(String, f64)> {
        let mut shares: Vec<(String, f64)> = [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("corrupted", self.corrupted),
            ("delayed", self.delayed),
            ("reordered", self.reordered),
            ("one_way", self.one_way),
            ("slow.share", self.slow.share),
            ("drift.share", self.drift.share),
        ]
        .map(|(field, share)| (field.to_owned(), share))
        .into();
        let partitions = (0..).zip(&self.partitions);
        shares.extend(
            partitions.map(|(i, it): (u32, _)| (format!("partitions[{i}].share"), it.share)),
        );
        shares
    }
}

impl Overload {
    /// A scenario's, if it has one.
    pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
        scenario.network.weather.as_ref()?.overload.clone()
    }

    /// What is left of the gap before the next search, in nanoseconds, if the one before was then.
    pub(crate) fn shortened(&self, now: Time, gap_ns: f64) -> f64 {
        let at = Time::ZERO + self.at.0;
        let is_on = (at..at + self.lasts.0).contains(&now);
        if is_on { gap_ns / self.factor } else { gap_ns }
    }

    /// How many seconds so many searches take that are due so often a second, from the end of the warm-up.
    pub(crate) fn time_for(&self, searches: f64, rate: f64, warm_up: Duration) -> f64 {
        let before = self.at.0.saturating_sub(warm_up).as_secs_f64();
        let left = searches - before * rate;
        if left <= 0.0 {
            return searches / rate;
        }
        let lasts = self.lasts.0.as_secs_f64();
        let during = lasts * rate * self.factor;
        if left <= during {
            return before + left / (rate * self.factor);
        }
        before + lasts + (left - during) / rate
    }
}

/// The weather that a seed makes of a scenario's.
#[derive(Debug)]
pub struct Forecast {
    weather: Weather,
    seed: u64,
    from: Time,
    until: Time,
    partitions: Vec<Cut>,
    /// Whether each node is slow; empty if none is.
    slow: Vec<bool>,
    /// How fast each node's clock runs; empty if all are right.
    speeds: Vec<f64>,
}

#[derive(Debug)]
struct Cut {
    from: Time,
    until: Time,
    /// Whether each node is on the one side.
    apart: Vec<bool>,
}

impl Forecast {
    pub(crate) fn draw(scenario: &Scenario, seed: u64, end: Time) -> Option<Self> {
        let weather = scenario.network.weather.clone()?;
        let nodes = scenario.nodes as usize;
        let share_of = |share: f64, stream: u64| {
            let mut drawn = vec![false; nodes];
            drawn[..nearest_count(share, nodes)].fill(true);
            shuffle(&mut drawn, &mut Random::stream(seed, Purpose::Weather, stream));
            drawn
        };
        let cut = |(stream, it): (u64, &Partition)| Cut {
            from: Time::ZERO + it.at.0,
            until: Time::ZERO + it.at.0.saturating_add(it.lasts.0),
            apart: share_of(it.share, stream),
        };
        let mut chance = Random::stream(seed, Purpose::Weather, CLOCKS + 1);
        let speed = |is_wrong: bool| {
            let factor = if is_wrong { weather.drift.factor } else { 1.0 };
            if chance.below(2) == 0 { factor } else { 1.0 / factor }
        };
        let has_slow = weather.slow.share > 0.0 && !weather.slow.by.0.is_zero();
        let has_drift = weather.drift.share > 0.0 && weather.drift.factor > 1.0;
        let speeds = if has_drift { share_of(weather.drift.share, CLOCKS) } else { Vec::new() };
        Some(Self {
            seed,
            from: Time::ZERO + weather.begins(scenario),
            until: weather.until.map_or(end, |until| Time::ZERO + until.0),
            partitions: (PARTITIONS..).zip(&weather.partitions).map(cut).collect(),
            slow: if has_slow { share_of(weather.slow.share, SLOW) } else { Vec::new() },
            speeds: speeds.into_iter().map(speed).collect(),
            weather,
        })
    }

    /// What the scenario says.
    #[must_use]
    pub const fn weather(&self) -> &Weather {
        &self.weather
    }

    /// Whether there is weather at this time.
    #[must_use]
    pub fn is_on(&self, now: Time) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// The chances of the messages of one sender.
    #[must_use]
    pub fn chances(&self, sender: NodeId) -> Random {
        Random::stream(self.seed, Purpose::Weather, MESSAGES + u64::from(sender.0))
    }

    /// Whether two nodes are on different sides of a partition.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId, now: Time) -> bool {
        self.partitions.iter().any(|cut| {
            (cut.from..cut.until).contains(&now) && cut.apart[from.index()] != cut.apart[to.index()]
        })
    }

    /// Whether the first does not reach the second, for as long as there is weather.
    #[must_use]
    pub fn is_deaf(&self, from: NodeId, to: NodeId, now: Time) -> bool {
        if self.weather.one_way <= 0.0 || !self.is_on(now) {
            return false;
        }
        let pair = PAIRS | u64::from(from.0) << 31 | u64::from(to.0);
        Random::stream(self.seed, Purpose::Weather, pair).unit() < self.weather.one_way
    }

    /// How much later than others a node handles what comes now.
    #[must_use]
    pub fn lateness(&self, node: NodeId, now: Time) -> Duration {
        match self.slow.get(node.index()) {
            Some(true) if self.is_on(now) => self.weather.slow.by.0,
            _ => Duration::ZERO,
        }
    }

    /// What a node's clock shows at this time.
    #[must_use]
    pub fn clock(&self, node: NodeId, now: Time) -> Time {
        let Some(speed) = self.speeds.get(node.index()).filter(|_| now > self.from) else {
            return now;
        };
        let wrong = now.min(self.until).since(self.from).mul_f64(*speed);
        self.from + wrong + now.since(self.until)
    }

    /// When a node's clock will show so much more than it does now.
    #[must_use]
    pub fn due(&self, node: NodeId, now: Time, after: Duration) -> Time {
        let Some(speed) = self.speeds.get(node.index()) else { return now + after };
        let shown = self.clock(node, now) + after;
        let (begin, end) = (self.from, self.clock(node, self.until));
        let wrong = shown.min(end).since(begin).div_f64(*speed);
        let due = if shown <= begin { shown } else { begin + wrong + shown.since(end) };
        // Rounding must not let a timer be early by the clock that it was set by.
        let early = shown.since(self.clock(node, due));
        (due + early.mul_f64(1.0 / speed.min(1.0))).max(now)
    }
}
