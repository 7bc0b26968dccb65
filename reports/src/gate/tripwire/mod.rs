//! Before against after on a noisy machine: both programs measured in turn, in rounds, and a third
//! arm that is the base again, so that the noise of the same machine in the same minutes is known.
//!
//! It is a tripwire for large changes; small ones are the simulator's job. A figure is *worse* only
//! where four things say so: the exact signed-rank test over rounds, corrected for all figures that
//! are looked at (p ≤ 0.01); the interval of the change, all of it beyond the bar; a bar of at least
//! three noise floors; and a second series of rounds that comes to the same. Where a change cannot
//! be told from noise, that is said (*inconclusive*) and is not called well.

mod figures;
mod json;
mod judge;
mod markdown;
mod terminal;
mod words;

use std::collections::BTreeMap;

use peerbench_measure::{Better, Reading, RunRecord, Status};
use serde::Serialize;

use super::{CaseName, Verdict};
use crate::comparison::Contrast;

pub(super) use json::Document;
pub use judge::{suspects, trip};

/// The fewest rounds that are judged.
pub const FEWEST_ROUNDS: u32 = 12;

/// How many rounds are measured unless more are needed: with twelve, one or two that something else
/// on the machine has spoilt hide a change of a quarter; with sixteen they do not.
const USUAL_ROUNDS: u32 = 16;

/// Which program a run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// The base.
    Base,
    /// The head.
    Head,
    /// The base once more, to see how far two runs of one program are apart.
    Again,
}

/// One run of one arm.
#[derive(Clone, Debug)]
pub struct Trial {
    /// In which round; an arm has one run a round.
    pub round: u32,
    /// Of which program.
    pub arm: Arm,
    /// How it ended.
    pub status: Status,
    /// The figures that are judged, by their names in records.
    pub figures: BTreeMap<String, Reading>,
}

/// Rounds of one overlay in one scenario, measured without a pause in between.
#[derive(Clone, Debug)]
pub struct Series {
    /// Which overlay in which scenario.
    pub case: CaseName,
    /// The runs, in any order.
    pub trials: Vec<Trial>,
}

/// What the rounds come to.
#[derive(Clone, Debug)]
pub struct Tripwire {
    /// The worst of all.
    pub verdict: Verdict,
    /// An overlay in a scenario each, by name.
    pub cases: Vec<TripwireCase>,
}

/// One overlay in one scenario.
#[derive(Clone, Debug)]
pub struct TripwireCase {
    /// Which.
    pub name: CaseName,
    /// The worst of its figures, or what keeps them from being judged.
    pub verdict: Verdict,
    /// Why they are not judged; may be empty.
    pub reason: String,
    /// How many rounds there are.
    pub rounds: usize,
    /// Whether there was a second series, because the first had something that is worse.
    pub is_repeated: bool,
    /// The figures.
    pub rows: Vec<TripwireRow>,
}

/// One figure on both sides.
#[derive(Clone, Debug)]
pub struct TripwireRow {
    /// Its name in records.
    pub figure: String,
    /// Its unit.
    pub unit: &'static str,
    /// Which direction is good.
    pub better: Better,
    /// How large a change is looked for: a part of the base's figure, or a difference of shares.
    pub threshold: f64,
    /// How large a change must be here: the threshold, or three noise floors where these are more.
    pub bar: f64,
    /// How far the base seems to have changed against itself: by the estimate, or by its standard
    /// error where that is more. As the bar is.
    pub floor: f64,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why it is not told; may be empty.
    pub reason: &'static str,
    /// The median over the base's runs, those of both its arms.
    pub base: f64,
    /// The median over the head's runs.
    pub head: f64,
    /// By how much it has changed, over rounds.
    pub change: Contrast,
    /// In how many rounds it differs.
    pub differing: usize,
    /// How likely such a change is by chance, corrected for all figures that are looked at.
    pub p: f64,
}

impl Trial {
    /// A run of an arm; without a record it has failed.
    #[must_use]
    pub fn new(round: u32, arm: Arm, record: Option<&RunRecord>) -> Self {
        let reading = |record: &RunRecord, name: String| {
            let reading = record.reading(&name);
            (name, reading)
        };
        let figures = record.map_or_else(BTreeMap::new, |record| {
            figures::watched().map(|it| reading(record, it.name)).collect()
        });
        Self { round, arm, status: record.map_or(Status::Failed, |it| it.status), figures }
    }
}

impl Arm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Base, Self::Head, Self::Again];

    /// The order of the arms in a round: over two rounds each order and its mirror image, so that a
    /// machine that slowly becomes slower is as slow for all arms; over six rounds all orders.
    #[must_use]
    pub const fn order(round: u32) -> [Self; 3] {
        let (base, head, again) = (Self::Base, Self::Head, Self::Again);
        match round % 6 {
            0 => [base, head, again],
            1 => [again, head, base],
            2 => [head, again, base],
            3 => [base, again, head],
            4 => [again, base, head],
            _ => [head, base, again],
        }
    }
}

/// How many rounds it takes to tell a change in so many overlays: so many that a figure that one
/// round contradicts slightly can still be told.
#[must_use]
pub fn rounds(cases: usize) -> u32 {
    let figures = cases.max(1) * figures::MOST_THAT_DIFFER;
    judge::rounds_for(figures).max(USUAL_ROUNDS)
}

/// The names of the figures that are watched.
pub(super) fn watched_figures() -> impl Iterator<Item = String> {
    figures::watched().map(|figure| figure.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arm_is_once_in_a_round_and_as_often_at_each_place() {
        for place in 0..3 {
            for arm in Arm::ALL {
                let there = (0..6).filter(|round| Arm::order(*round)[place] == arm).count();
                assert_eq!(there, 2, "{arm:?} at {place}");
            }
        }
        for round in (0..6).step_by(2) {
            let mut mirrored = Arm::order(round + 1);
            mirrored.reverse();
            assert_eq!(Arm::order(round), mirrored);
        }
    }

    #[test]
    fn more_overlays_take_more_rounds() {
        assert_eq!(rounds(1), 16);
        assert_eq!(rounds(5), 16);
        assert_eq!(rounds(40), 17);
    }
}
