//! What happens to messages while there is weather: lost, doubled, damaged, held up, overtaken, or
//! sent to somebody who is cut off.
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use overlay_core::{Blob, Contents, Message, NoRoom, NodeId, Random, Time, wire};
use peerbench_scenario::{Forecast, World};

/// How long after sending into a cut a connection breaks off, if the scenario has no
/// `dead_peer_timeout`. A guess: the half minute that keep-alives are given, scaled to runs of half a
/// minute.
const CUT_IS_NOTICED_AFTER: Duration = Duration::from_secs(2);
/// Most bits that are flipped in a damaged message.
const MOST_FLIPPED: u64 = 4;
/// With how many pairs of nodes to look for messages held up that have arrived, at first; then with twice
/// as many as were left.
const FORGET_AT: usize = 64;

/// The weather of a run, and what it has done.
#[derive(Debug)]
pub(crate) struct Weather<'w> {
    forecast: &'w Forecast,
    notice: u64,
    /// Of each sender's messages.
    chances: Vec<Random>,
    held_up: HeldUp,
    /// Connections that are breaking off, for both ends or for the first alone, and when it will be
    /// noticed.
    breaking: BTreeMap<(NodeId, NodeId, bool), u64>,
    tally: Tally,
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) struct Crossing<M> {
    /// When it arrives, and what of it; at most twice.
    pub(crate) copies: [Option<(u64, M)>; 2],
    /// Whether the connection breaks because of it.
    pub(crate) broken: Option<Broken>,
}

/// A connection that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// In how many nanoseconds it is noticed.
    pub(crate) after: u64,
    /// Whether the receiver notices it, too.
    pub(crate) for_both: bool,
}

/// How many messages met with which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    cut_off: u64,
    lost: u64,
    duplicated: u64,
    delayed: u64,
    reordered: u64,
    corrupted: u64,
    /// Of the damaged ones, those that were no message any more.
    pub(crate) malformed: u64,
}

impl<'w> Weather<'w> {
    /// The weather over a world, if it has any.
    pub(crate) fn over(world: &'w World, dead_peer_timeout: Option<Duration>) -> Option<Box<Self>> {
        let forecast = world.weather()?;
        let notice = dead_peer_timeout.unwrap_or(CUT_IS_NOTICED_AFTER);
        Some(Box::new(Self {
            forecast,
            notice: u64::try_from(notice.as_nanos()).unwrap_or(u64::MAX),
            chances: (0..world.nodes()).map(|node| forecast.chances(NodeId(node))).collect(),
            held_up: HeldUp::default(),
            breaking: BTreeMap::new(),
            tally: Tally::default(),
        }))
    }

    pub(crate) const fn forecast(&self) -> &'w Forecast {
        self.forecast
    }

    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// When a node gets a timer that it sets now.
    pub(crate) fn due(&self, node: NodeId, now: Time, after: Duration) -> Time {
        self.forecast.due(node, now, after) + self.forecast.lateness(node, now)
    }

    /// What becomes of a message that leaves now and would arrive then.
    pub(crate) fn cross<M: Message>(
        &mut self,
        from: NodeId,
        to: NodeId,
        now: Time,
        arrives: u64,
        message: M,
    ) -> Crossing<M> {
        let is_cut = self.forecast.is_cut(from, to, now);
        if is_cut || self.forecast.is_deaf(from, to, now) {
            self.tally.cut_off += 1;
            let broken = self.break_off(from, to, now, is_cut);
            return Crossing { copies: [None, None], broken };
        }
        self.held_up.forget_by(now.as_nanos());
        let late = self.forecast.lateness(to, now).as_nanos() as u64;
        let copies = match self.forecast.is_on(now) {
            true => self.fates((from, to), arrives, late, message),
            false => [Some((self.held_up.behind((from, to), arrives, late), message)), None],
        };
        Crossing { copies, broken: None }
    }

    /// The connection breaks off, unless it is doing so already for as many of its ends.
    fn break_off(&mut self, from: NodeId, to: NodeId, now: Time, for_both: bool) -> Option<Broken> {
        let (one, other) = if for_both { (from.min(to), from.max(to)) } else { (from, to) };
        let until = self.breaking.entry((one, other, for_both)).or_default();
        if *until > now.as_nanos() {
            return None;
        }
        *until = now.as_nanos() + self.notice;
        Some(Broken { after: self.notice, for_both })
    }

    /// What becomes of a message that would arrive then, at a receiver that is so much too late.
    fn fates<M: Message>(
        &mut self,
        (from, to): (NodeId, NodeId),
        arrives: u64,
        slowness: u64,
        message: M,
    ) -> [Option<(u64, M)>; 2] {
        let weather = self.forecast.weather();
        let delay = weather.delay.0;
        let chances = &mut self.chances[from.index()];
        // Each is drawn in any case, so that one kind of weather leaves the others' draws alone.
        let [is_lost, is_double, is_damaged, is_delayed, is_overtaken] = [
            weather.lost,
            weather.duplicated,
            weather.corrupted,
            weather.delayed,
            weather.reordered,
        ]
        .map(|share| chances.unit() < share);
        let [late, again] = [(); 2].map(|()| chances.duration_below(delay).as_nanos() as u64);
        let damage = chances.next_u64();
        if is_lost {
            self.tally.lost += 1;
            return [None, None];
        }
        let first = if is_overtaken {
            self.tally.reordered += 1;
            arrives + slowness + late
        } else {
            self.tally.delayed += u64::from(is_delayed);
            let late = if is_delayed { late } else { 0 };
            self.held_up.behind((from, to), arrives, slowness + late)
        };
        self.tally.duplicated += u64::from(is_double);
        let second = is_double.then(|| (first + again, message.clone()));
        let message = if is_damaged { self.damage(&message, damage) } else { Some(message) };
        [message.map(|message| (first, message)), second]
    }

    /// Flips some bits. `None` if that leaves no message.
    fn damage<M: Message>(&mut self, message: &M, seed: u64) -> Option<M> {
        self.tally.corrupted += 1;
        let mut chance = Random::stream(seed, overlay_core::Purpose::Weather, 0);
        let mut bytes = Vec::new();
        let mut zeros = Zeros(message.blob().copied());
        wire::encode_with(message, &mut zeros, &mut bytes);
        for _ in 0..=chance.below(MOST_FLIPPED) {
            let bit = chance.below(8 * bytes.len() as u64);
            if let Some(byte) = bytes.get_mut(bit as usize / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        let decoded = wire::decode_with(&bytes, &mut zeros).ok();
        self.tally.malformed += u64::from(decoded.is_none());
        decoded
    }
}

/// Messages that arrive later than the network alone would have them, which keeps what is sent from the
/// same sender to the same receiver in order: what is behind them does not overtake them.
#[derive(Debug, Default)]
struct HeldUp {
    /// When the latest of them arrives, by sender and receiver; nothing that the network has caught up
    /// with, as it keeps the order by itself.
    until: BTreeMap<(NodeId, NodeId), u64>,
    /// When the latest of all does.
    all_until: u64,
    /// With how many pairs to look for those that have arrived.
    forget_at: usize,
}

impl HeldUp {
    /// When a message arrives that the network would have arrive then and that is held up for so long,
    /// without overtaking those before it.
    fn behind(&mut self, pair: (NodeId, NodeId), arrives: u64, late: u64) -> u64 {
        if late == 0 && self.until.is_empty() {
            return arrives;
        }
        let known = self.until.get(&pair).copied();
        let due = known.map_or(arrives + late, |until| until.max(arrives + late));
        if due > arrives {
            self.until.insert(pair, due);
            self.all_until = self.all_until.max(due);
        } else if known.is_some() {
            self.until.remove(&pair);
        }
        due
    }

    /// Forgets those that have arrived by now: at once when all have, and else when there are many, so
    /// that who sends nothing more does not stay for ever.
    fn forget_by(&mut self, now: u64) {
        let is_due = self.all_until <= now || self.until.len() >= self.forget_at;
        if is_due && !self.until.is_empty() {
            self.until.retain(|_, until| *until > now);
            self.forget_at = FORGET_AT.max(2 * self.until.len());
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut_off, lost, duplicated, delayed, reordered, corrupted, malformed } = self;
        write!(
            f,
            "weather: {cut_off} messages cut off, {lost} lost, {duplicated} duplicated, {delayed} \
             delayed, {reordered} overtaken, {corrupted} damaged, {malformed} of them beyond reading"
        )
    }
}

/// Stands for the bytes of the blob that a message had before it was damaged: zeros, so that what is
/// flipped in them shows.
struct Zeros(Option<Blob>);

impl Contents for Zeros {
    fn append(&mut self, blob: &Blob, to: &mut Vec<u8>) {
        to.resize(to.len() + blob.length as usize, 0);
    }

    fn verify(&mut self, blob: &Blob, bytes: &[u8]) -> Result<bool, NoRoom> {
        let is_same = self
            .0
            .is_some_and(|it| it.intact && it.content == blob.content && it.length == blob.length);
        Ok(is_same && bytes.iter().all(|byte| *byte == 0))
    }
}

#[cfg(test)]
mod tests {
    use peerbench_scenario::Document;

    use super::*;

    #[test]
    fn a_cut_is_noticed_at_both_ends_though_one_is_about_to_notice_something() {
        let text = "nodes: 4\nstart: converged\nnetwork: {weather: {one_way: 0.5}}\n";
        let scenario = Document::parse("world", text).expect("it is YAML").scenario();
        let world = World::new(&scenario.expect("it is sound"), 1).expect("it can be drawn");
        let mut weather = Weather::over(&world, None).expect("there is some");
        let mut breaks = |from, to, for_both| {
            let broken = weather.break_off(NodeId(from), NodeId(to), Time::ZERO, for_both);
            broken.map(|it| it.for_both)
        };
        for (from, to) in [(1, 2), (2, 1)] {
            assert_eq!(breaks(from, to, false), Some(false));
            assert_eq!(breaks(from, to, false), None, "it does so already");
        }
        assert_eq!(breaks(1, 2, true), Some(true));
        assert_eq!(breaks(2, 1, true), None, "it does so already");
    }

    #[test]
    fn what_is_behind_a_message_held_up_waits_and_what_has_arrived_is_forgotten() {
        let (mut held, a, b) = (HeldUp::default(), (NodeId(0), NodeId(1)), (NodeId(1), NodeId(0)));
        assert_eq!(held.behind(a, 10, 0), 10);
        assert!(held.until.is_empty(), "nothing was held up");
        assert_eq!(held.behind(a, 20, 100), 120);
        assert_eq!(held.behind(a, 30, 0), 120);
        assert_eq!(held.behind(a, 40, 50), 120);
        assert_eq!(held.behind(b, 40, 0), 40, "the other direction is another one");
        assert_eq!(held.behind(a, 130, 0), 130);
        assert!(held.until.is_empty(), "the network has caught up");
        held.behind(a, 200, 10);
        held.forget_by(209);
        assert_eq!(held.until.len(), 1);
        held.forget_by(210);
        assert!(held.until.is_empty());
    }

    #[test]
    fn who_sends_nothing_more_is_forgotten_while_others_go_on() {
        let mut held = HeldUp::default();
        for sender in 0..10_000 {
            let now = 1_000 * u64::from(sender);
            held.forget_by(now);
            held.behind((NodeId(sender), NodeId(0)), now, 5_500);
            assert!(held.until.len() <= FORGET_AT, "{}", held.until.len());
        }
    }
}
