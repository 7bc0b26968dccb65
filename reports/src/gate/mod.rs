//! Before against after: whether a change of the program has made an overlay worse, told by what the
//! simulator measured on both sides.
//!
//! The simulator is exact: equal traces are equal runs, and there is nothing else to say. Where traces
//! differ, runs of one seed still met the same world, so each judged figure is compared seed by seed:
//! by how much it has shifted (Hodges and Lehmann), how likely that is by chance (the exact
//! signed-rank test, corrected for all figures that are looked at), and whether that is more than is
//! tolerated. A case that is missing, failed or measured nothing is never skipped.
//!
//! The testbed is noisy, and is judged by another rule: both sides measured in turn, against a noise
//! floor. That is [`tripwire`]; here its runs are counted, and are not judged.

mod baseline;
mod json;
mod judge;
mod list;
mod markdown;
mod metrics;
mod regression;
mod rows;
mod side;
mod terminal;
pub mod tripwire;
mod words;

use std::fmt;

use peerbench_measure::{Better, Key};
use serde::Serialize;

use crate::comparison::Contrast;
use crate::numbers::count;

pub use baseline::{Baseline, BaselineError};
pub(crate) use json::Document;
pub use judge::judge;
pub use list::list;
pub use metrics::Tolerance;
pub use regression::{Refusal, Regression};
pub(crate) use rows::median;
pub use side::Side;

/// What a comparison comes to, from the best to the worst. Of a case it is the worst of its figures',
/// of everything the worst of its cases'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing differs.
    Identical,
    /// Runs differ, and no figure has shifted.
    Reshuffled,
    /// Figures are noise, and none has changed by as much as is looked for.
    Unchanged,
    /// A figure has shifted by no more than is tolerated.
    Shifted,
    /// A figure has shifted for the better by more than is tolerated.
    Better,
    /// The base is a run that has nothing to compare this to.
    New,
    /// Runs differ, and there are too few seeds to tell whether a figure has shifted.
    Inconclusive,
    /// Nobody has accepted a baseline for this.
    NoBaseline,
    /// The two sides are of different worlds, or of different seeds.
    NotComparable,
    /// The head does not have it.
    Missing,
    /// A figure has shifted for the worse by more than is tolerated.
    Worse,
    /// The head has measured nothing.
    Empty,
    /// A run has failed.
    Failed,
    /// The same seed gave different traces, so nothing that was measured can be trusted.
    Invalid,
}

/// A comparison of two sides, judged.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What a person calls the side that is compared to.
    pub base: String,
    /// What a person calls the side that is judged.
    pub head: String,
    /// The worst of all.
    pub verdict: Verdict,
    /// An overlay in a scenario each.
    pub cases: Vec<Case>,
    /// What a reader of the verdict must know.
    pub notes: Vec<String>,
    /// Whether the base is what somebody has accepted, and may accept again.
    is_baseline: bool,
}

/// Which case: an overlay in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CaseName {
    /// The overlay.
    pub overlay: String,
    /// The scenario.
    pub scenario: String,
    /// Number of nodes.
    pub nodes: u32,
}

/// One overlay in one scenario, under all seeds.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which.
    pub name: CaseName,
    /// The worst of its figures, or what keeps them from being compared.
    pub verdict: Verdict,
    /// Why they are not compared, or what is odd about it; may be empty.
    pub reason: String,
    /// How many seeds the larger side has.
    pub seeds: usize,
    /// Under how many of them both traces are equal.
    pub equal: usize,
    /// The figures, if they are compared.
    pub rows: Vec<Row>,
}

/// One figure on both sides.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name in records.
    pub figure: String,
    /// Its unit.
    pub unit: &'static str,
    /// Which direction is good.
    pub better: Better,
    /// How much is tolerated.
    pub tolerance: Tolerance,
    /// What it comes to.
    pub verdict: Verdict,
    /// The median over the base's runs that measured it.
    pub base: f64,
    /// The median over the head's runs that measured it.
    pub head: f64,
    /// By how much it has shifted, over pairs of runs.
    pub change: Contrast,
    /// Under how many seeds it differs.
    pub differing: usize,
    /// How likely such a difference is by chance, corrected for all figures that are looked at; 1
    /// where it differs under so few seeds that nothing could be told.
    pub p: f64,
}

impl Verdict {
    /// Whether the figures of the case have been compared.
    #[must_use]
    pub const fn is_compared(self) -> bool {
        matches!(
            self,
            Self::Identical
                | Self::Reshuffled
                | Self::Unchanged
                | Self::Shifted
                | Self::Better
                | Self::Inconclusive
                | Self::Worse
        )
    }

    /// Whether a person should look at it: something was told, or could not be.
    const fn is_told(self) -> bool {
        !matches!(self, Self::Identical | Self::Reshuffled | Self::Unchanged)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Identical => "identical",
            Self::Reshuffled => "reshuffled",
            Self::Unchanged => "unchanged",
            Self::Shifted => "shifted",
            Self::Better => "better",
            Self::New => "new",
            Self::Inconclusive => "inconclusive",
            Self::NoBaseline => "no baseline",
            Self::NotComparable => "not comparable",
            Self::Missing => "missing",
            Self::Worse => "worse",
            Self::Empty => "nothing measured",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
        })
    }
}

impl CaseName {
    fn of(key: &Key) -> Self {
        let Key { overlay, scenario, n, .. } = key;
        Self { overlay: overlay.clone(), scenario: scenario.clone(), nodes: *n }
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {} · {} nodes", self.overlay, self.scenario, count(self.nodes.into()))
    }
}

/// The names of the figures that are judged, exact or in rounds.
pub(crate) fn judged_figures() -> impl Iterator<Item = String> {
    let exact = metrics::gated().map(|figure| figure.name);
    exact.chain(tripwire::watched_figures())
}

/// Seeds as people write them: `seeds 1 to 4, 9`.
fn seeds_in_words(seeds: impl IntoIterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mut seeds: Vec<u64> = seeds.into_iter().collect();
    seeds.sort_unstable();
    seeds.dedup();
    for seed in &seeds {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *seed => *last = *seed,
            _ => ranges.push((*seed, *seed)),
        }
    }
    let range = |(first, last): &(u64, u64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    let ranges: Vec<String> = ranges.iter().map(range).collect();
    match seeds.len() {
        0 => "no seeds".to_owned(),
        1 => format!("seed {}", ranges[0]),
        _ => format!("seeds {}", ranges.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_where_they_can_be() {
        let words = |seeds: &[u64]| seeds_in_words(seeds.iter().copied());
        assert_eq!(words(&[]), "no seeds");
        assert_eq!(words(&[7]), "seed 7");
        assert_eq!(words(&[3, 1, 2, 9, 10, 2]), "seeds 1 to 3, 9, 10");
    }
}
