//! A world that is drawn by chance, as the few numbers that it is made from: small enough to be made
//! smaller, one number after the other.
use overlay_core::Strategy;
use peerbench_scenario::FaultAction;

use super::dice::Dice;
use super::promise::{Promise, Section};

/// The most nodes of a world.
const MOST_NODES: u64 = 40;

/// When in a world faults strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onset {
    /// From the first moment: nodes join in it, and publish when it is over.
    First,
    /// When everything is published: what is known must outlast it.
    Later,
}

/// A world: times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sketch {
    pub(super) overlay: &'static str,
    pub(super) seed: u64,
    pub(super) nodes: u64,
    pub(super) onset: Onset,
    /// How long faults strike.
    pub(super) storm: u64,
    /// How long the overlay then has until it is judged.
    pub(super) settle: u64,
    /// Searches that are judged, on average.
    pub(super) judged: u64,
    /// Searches a second.
    pub(super) rate: u64,
    /// Until a search, and then a fetch, has failed.
    pub(super) timeout: u64,
    pub(super) items: u64,
    pub(super) item_bytes: u64,
    pub(super) copies: u64,
    pub(super) fetch: bool,
    /// Between any two nodes; 0: as between cities.
    pub(super) round_trip: u64,
    /// In kbit/s; 0: unlimited.
    pub(super) uplink: u64,
    pub(super) handshakes: bool,
    pub(super) freeloaders: Option<(f64, Strategy)>,
    pub(super) faults: Faults,
    /// Of the overlay's section: field and value.
    pub(super) section: Section,
}

/// The kinds of fault, each on or off.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Faults {
    /// Nodes that are killed at once, and come back.
    pub(super) crash: Option<Crash>,
    /// Nodes that come and go, or sleep.
    pub(super) churn: Option<Churn>,
    pub(super) partitions: Vec<Partition>,
    pub(super) one_way: f64,
    pub(super) lost: f64,
    pub(super) duplicated: f64,
    pub(super) corrupted: f64,
    pub(super) delayed: f64,
    pub(super) reordered: f64,
    pub(super) delay: u64,
    /// Share, and by how much.
    pub(super) slow: Option<(f64, u64)>,
    /// Share, and factor in tenths.
    pub(super) drift: Option<(f64, u64)>,
    /// Since the storm's begin, how long, how many times as many searches.
    pub(super) overload: Option<(u64, u64, u64)>,
}

/// Nodes that are killed at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crash {
    pub(super) after: u64,
    pub(super) share: f64,
    pub(super) away: u64,
}

/// Nodes that come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Churn {
    pub(super) share: f64,
    pub(super) departure: FaultAction,
    pub(super) sessions: u64,
    pub(super) absences: u64,
}

/// Nodes that are cut off together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Partition {
    pub(super) after: u64,
    pub(super) lasts: u64,
    pub(super) share: f64,
}

impl Sketch {
    /// The world of a seed for an overlay.
    pub(super) fn draw(promise: &Promise, overlay: &'static str, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let nodes = dice.within("nodes", promise.fewest_nodes..=MOST_NODES);
        let storm = 1_000 * dice.within("storm", 2..=20);
        let onset = if dice.one_in("onset", 3) { Onset::First } else { Onset::Later };
        let fetch = promise.fetches || dice.one_in("fetch", 3);
        let mut sketch = Self {
            overlay,
            seed,
            nodes,
            onset,
            storm,
            settle: promise.settle,
            judged: dice.within("judged", 5..=40),
            rate: dice.within("rate", 1..=10),
            timeout: promise.timeout,
            items: dice.within("items", 1..=30),
            item_bytes: dice.within("item_bytes", 1..=promise.largest_item),
            copies: dice.within("copies", 1..=3.min(nodes)),
            fetch,
            round_trip: if dice.one_in("cities", 2) {
                0
            } else {
                dice.within("round_trip", 1..=200)
            },
            uplink: if dice.one_in("limits", 3) {
                dice.within("uplink", 10..=100) * 1_000
            } else {
                0
            },
            handshakes: !dice.one_in("handshakes", 4),
            freeloaders: freeloaders(dice, promise, fetch),
            faults: Faults::draw(dice, promise, storm),
            section: (promise.section)(dice, nodes),
        };
        sketch.bound(promise);
        sketch
    }

    /// Makes it a world that is promised, whether it was drawn or made smaller: keeps what depends on
    /// other numbers within their bounds, and leaves out what the overlay need not stand.
    pub(super) fn bound(&mut self, promise: &Promise) {
        self.nodes = self.nodes.max(promise.fewest_nodes);
        self.copies = self.copies.min(self.nodes);
        self.fetch |= promise.fetches;
        self.freeloaders = self
            .freeloaders
            .filter(|(_, strategy)| harmless(promise, self.fetch).contains(strategy));
        self.faults.leave_out(promise, &self.section, self.onset);
        let Faults { crash, partitions, overload, .. } = &mut self.faults;
        if let Some(crash) = crash {
            crash.after = crash.after.min(self.storm / 2);
            crash.away = crash.away.min(self.storm - crash.after).max(1);
        }
        for partition in partitions {
            partition.after = partition.after.min(self.storm / 2);
            partition.lasts = partition.lasts.min(self.storm - partition.after).max(1);
        }
        if let Some((after, lasts, _)) = overload {
            *after = (*after).min(self.storm / 2);
            *lasts = (*lasts).min(self.storm - *after).max(1);
        }
    }

    /// When the storm begins, since the start of the run.
    pub(super) fn begins(&self) -> u64 {
        match self.onset {
            Onset::First => 0,
            Onset::Later => self.warm_up(),
        }
    }

    /// How long nodes join.
    pub(super) fn joins(&self) -> u64 {
        match self.onset {
            Onset::First => self.storm / 3,
            Onset::Later => 1_000,
        }
    }

    /// The warm-up. Publications begin when 40 % of what follows the joins are over
    /// (`harness/scenario`), and by then a first storm must have passed and the overlay settled.
    pub(super) fn warm_up(&self) -> u64 {
        match self.onset {
            Onset::First => {
                let until = self.storm + self.settle;
                self.joins() + (until - self.joins()) * 5 / 2
            }
            Onset::Later => self.joins() + 10_000,
        }
    }

    /// From when on searches are judged.
    pub(super) fn judged_from(&self) -> u64 {
        match self.onset {
            Onset::First => self.warm_up(),
            Onset::Later => self.begins() + self.storm + self.settle,
        }
    }

    /// How many searches there are, so that the judged ones are among them.
    pub(super) fn searches(&self) -> u64 {
        let more = self.faults.overload.map_or(0, |(_, lasts, factor)| lasts * (factor - 1));
        let before = self.judged_from() - self.warm_up() + more;
        self.judged + before * self.rate / 1_000
    }
}

fn freeloaders(dice: Dice, promise: &Promise, fetch: bool) -> Option<(f64, Strategy)> {
    let is_on = dice.one_in("freeloaders", 4);
    let strategy = dice.one_of("strategy", harmless(promise, fetch)).filter(|_| is_on)?;
    Some((dice.hundredths("freeloading", 50), strategy))
}

/// Who forwards nothing, serves nothing or lies keeps others from what they look for: that is no defect,
/// so a world has only freeloaders whom nobody depends on.
fn harmless(promise: &Promise, fetch: bool) -> &[Strategy] {
    if fetch { &[Strategy::NoShare] } else { promise.freeloading }
}

impl Faults {
    fn draw(dice: Dice, promise: &Promise, storm: u64) -> Self {
        let is_on = |kind| dice.one_in(kind, 4);
        let share = |kind, most| if is_on(kind) { dice.hundredths(kind, most) } else { 0.0 };
        let partitions = if is_on("partitions") { dice.within("cuts", 1..=3) } else { 0 };
        let partition = |number: u64| Partition {
            after: dice.within(&format!("cut {number} after"), 0..=storm / 2),
            lasts: dice.within(&format!("cut {number} lasts"), 500..=storm),
            share: dice.hundredths(&format!("cut {number} share"), 50),
        };
        Self {
            crash: is_on("crash").then(|| Crash {
                after: dice.within("crash after", 0..=storm / 2),
                share: dice.hundredths("crash share", promise.most_away),
                away: dice.within("crash away", 100..=storm),
            }),
            churn: is_on("churn").then(|| Churn {
                share: dice.hundredths("churn share", promise.most_away),
                departure: match (dice.one_in("freeze", 3), dice.one_in("leave", 2)) {
                    (true, _) => FaultAction::Freeze,
                    (false, true) => FaultAction::Leave,
                    (false, false) => FaultAction::Kill,
                },
                sessions: dice.within("sessions", 1_000..=30_000),
                absences: dice.within("absences", 500..=10_000),
            }),
            partitions: (0..partitions).map(partition).collect(),
            one_way: share("one way", promise.most_lost),
            lost: share("lost", promise.most_lost),
            duplicated: share("duplicated", 50),
            corrupted: match is_on("corrupted") {
                true => dice.within("damaged", 1..=promise.most_damaged) as f64 / 1_000.0,
                false => 0.0,
            },
            delayed: share("delayed", 50),
            reordered: share("reordered", 50),
            delay: dice.within("delay", 10..=2_000),
            slow: is_on("slow")
                .then(|| (dice.hundredths("slow share", 50), dice.within("slow by", 10..=2_000))),
            drift: is_on("drift")
                .then(|| (dice.hundredths("drift share", 100), dice.within("drift by", 11..=30))),
            overload: is_on("overload").then(|| {
                let after = dice.within("overload after", 0..=storm / 2);
                (after, dice.within("overload lasts", 100..=2_000), dice.within("overload", 5..=50))
            }),
        }
    }

    /// Leaves out what the overlay need not stand, with this section and then.
    fn leave_out(&mut self, promise: &Promise, section: &Section, onset: Onset) {
        match onset {
            // Nodes go and search when all have joined.
            Onset::First => (self.churn, self.overload) = (None, None),
            // What is published, stored or searched for while messages are damaged may be taken for
            // something else, and nobody can tell that from the truth.
            Onset::Later => self.corrupted = 0.0,
        }
        if !promise.heals_partitions {
            self.partitions.clear();
        }
        if let (Some(crash), Some(churn)) = (self.crash, &mut self.churn) {
            // Who comes and goes is drawn from those who do not crash: together they are so many.
            let crashed = (100.0 * crash.share).round() as u64;
            let left = promise.most_away.saturating_sub(crashed) as f64 / 100.0;
            churn.share = churn.share.min(left);
        }
        self.churn = self.churn.filter(|churn| churn.share > 0.0);
        if !(promise.stands_loss)(section, onset) {
            (self.lost, self.corrupted) = (0.0, 0.0);
        }
        if !(promise.stands_disorder)(section, onset) {
            (self.duplicated, self.reordered, self.one_way) = (0.0, 0.0, 0.0);
        }
    }

    /// Whether any of it is weather.
    pub(super) fn are_weather(&self) -> bool {
        let calm =
            Self { crash: self.crash, churn: self.churn, delay: self.delay, ..Self::default() };
        *self != calm
    }
}
