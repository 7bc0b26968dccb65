//! A figure on both sides: paired by seed, measured by how much it shifted, and judged once it is
//! known how many figures are looked at.
use peerbench_measure::{Better, Reading};

use super::metrics::{Figure, TENTH_OF_A_POINT, gated};
use super::side::Measured;
use super::{Row, Tolerance, Verdict};
use crate::comparison::{Contrast, ContrastScale, contrast};
use crate::statistics::{holm, signed_rank};

/// The most often that figures of which none has shifted are all the same told to have, in one
/// comparison with everything in it: once in a hundred.
pub(super) const LEVEL: f64 = 0.01;

/// A row before it is judged.
pub(super) struct Draft {
    row: Row,
    /// How likely such a difference is by chance, with no other figure looked at.
    p: f64,
}

/// The bar that chance must not reach, for all figures of a comparison together.
///
/// A figure that differs under k seeds reaches no smaller p than 2^(1−k), whatever its values. The
/// figures that cannot be told from chance anyhow are left out, and are not corrected for (Tarone
/// 1990): which they are depends on the sizes of differences alone, not on their signs, on which the
/// test is conditioned.
pub(super) struct Bar {
    /// How many figures the correction is for.
    looked_at: usize,
}

/// The figures of a case that both sides know, as drafts, over the base's seeds.
pub(super) fn drafts(base: &Measured, head: &Measured) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for figure in gated() {
        let pairs = pairs(&figure.name, base, head);
        let both = pairs.iter().filter_map(|(one, other)| Some((one.number()?, other.number()?)));
        drafts.extend(draft(&figure, both.collect()));
        drafts.extend(presence(&figure, &pairs));
    }
    drafts
}

/// Judges the drafts of all cases, each case with the number of its seeds, together.
pub(super) fn judged(cases: Vec<(usize, Vec<Draft>)>) -> Vec<Vec<Row>> {
    let drafts = || cases.iter().flat_map(|(_, drafts)| drafts);
    let bar = Bar::over(drafts().map(|draft| draft.row.differing));
    let can_be_told = |draft: &Draft| bar.is_reached_by(draft.row.differing);
    let told: Vec<f64> = drafts().filter(|it| can_be_told(it)).map(|it| it.p).collect();
    let mut corrected = holm(&told).into_iter();
    let mut of_cases = Vec::new();
    for (seeds, drafts) in cases {
        let few = !bar.is_reached_by(seeds);
        let row = |draft: Draft| {
            let can_be_told = bar.is_reached_by(draft.row.differing);
            let p = if can_be_told { corrected.next().unwrap_or(1.0) } else { 1.0 };
            let row = Row { p, ..draft.row };
            Row { verdict: verdict(&row, few), ..row }
        };
        of_cases.push(drafts.into_iter().map(row).collect());
    }
    of_cases
}

impl Bar {
    /// Over the numbers of seeds under which each figure differs.
    pub(super) fn over(differing: impl Iterator<Item = usize>) -> Self {
        let differing: Vec<usize> = differing.filter(|seeds| *seeds > 0).collect();
        let mut bar = Self { looked_at: 1 };
        while differing.iter().filter(|seeds| bar.is_reached_by(**seeds)).count() > bar.looked_at {
            bar.looked_at += 1;
        }
        bar
    }

    /// Whether a figure that differs under so many seeds, always in one direction, is told.
    pub(super) fn is_reached_by(&self, seeds: usize) -> bool {
        let least = 2f64.powi(1 - i32::try_from(seeds).unwrap_or(i32::MAX));
        seeds > 0 && least <= LEVEL / self.looked_at as f64
    }
}

/// What both sides read under each seed of the base, as far as both know the figure.
fn pairs(name: &str, base: &Measured, head: &Measured) -> Vec<(Reading, Reading)> {
    let reading = |side: &Measured, seed| side.run(seed)?.figures.get(name).copied();
    let pair = |seed: u64| Some((reading(base, seed)?, reading(head, seed)?));
    base.seeds().into_iter().filter_map(pair).collect()
}

fn draft(figure: &Figure, pairs: Vec<(f64, f64)>) -> Option<Draft> {
    let unit = figure.metric.unit;
    let change = contrast(unit, &pairs)?;
    let shifts: Vec<f64> = pairs
        .iter()
        .map(|(base, head)| match change.scale {
            ContrastScale::Ratio => (head / base).ln(),
            ContrastScale::Difference => head - base,
        })
        .collect();
    let test = signed_rank(&shifts)?;
    let row = Row {
        figure: figure.name.clone(),
        unit,
        better: figure.metric.better,
        tolerance: figure.tolerance,
        verdict: Verdict::Identical,
        base: median(pairs.iter().map(|(base, _)| *base))?,
        head: median(pairs.iter().map(|(_, head)| *head))?,
        change,
        differing: test.pairs,
        p: 1.0,
    };
    Some(Draft { row, p: test.p })
}

/// In how many runs the figure was measured at all, where that differs: a network that no longer
/// settles has no convergence time, and must not be judged by the runs in which it still does.
fn presence(figure: &Figure, pairs: &[(Reading, Reading)]) -> Option<Draft> {
    let is_there = |reading: Reading| f64::from(u8::from(reading.number().is_some()));
    let shares: Vec<(f64, f64)> =
        pairs.iter().map(|(base, head)| (is_there(*base), is_there(*head))).collect();
    if shares.iter().all(|(base, head)| base == head) {
        return None;
    }
    let mean = |sum: f64| sum / shares.len() as f64;
    let (base, head) = (shares.iter().map(|it| it.0).sum(), shares.iter().map(|it| it.1).sum());
    let Draft { row, p } = draft(figure, shares.clone())?;
    // Shares of runs are of two values, whose difference is the shift; between the two the median
    // of means of pairs would make halves of it.
    let change = Contrast {
        scale: ContrastScale::Difference,
        estimate: mean(head) - mean(base),
        interval: None,
        ..row.change
    };
    let row = Row {
        figure: format!("{} measured", row.figure),
        unit: "ratio",
        better: Better::Higher,
        tolerance: TENTH_OF_A_POINT,
        base: mean(base),
        head: mean(head),
        change,
        ..row
    };
    Some(Draft { row, p })
}

fn verdict(row: &Row, few_seeds: bool) -> Verdict {
    match row.differing {
        0 => Verdict::Identical,
        _ if row.p > LEVEL && few_seeds => Verdict::Inconclusive,
        _ if row.p > LEVEL => Verdict::Reshuffled,
        _ if !row.is_beyond_tolerance() => Verdict::Shifted,
        _ => match (row.better, row.direction() > 0.0) {
            (Better::Neither, _) => Verdict::Shifted,
            (Better::Higher, true) | (Better::Lower, false) => Verdict::Better,
            (Better::Higher, false) | (Better::Lower, true) => Verdict::Worse,
        },
    }
}

impl Row {
    /// Above 0 where the figure has become larger.
    fn direction(&self) -> f64 {
        match self.change.scale {
            ContrastScale::Ratio => self.change.estimate - 1.0,
            ContrastScale::Difference => self.change.estimate,
        }
    }

    fn is_beyond_tolerance(&self) -> bool {
        let size = self.direction().abs();
        match (self.tolerance, self.change.scale) {
            (Tolerance::Absolute(most), _) | (Tolerance::Relative(most), ContrastScale::Ratio) => {
                size > most
            }
            (Tolerance::Relative(most), ContrastScale::Difference) => size > most * self.base.abs(),
        }
    }
}

/// The value in the middle, or between the two in the middle; `None` if there are none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_could_do_anyhow_is_not_corrected_for() {
        let bar = |differing: &[usize]| Bar::over(differing.iter().copied()).looked_at;
        // 2^-15 for each of 200 is 0.0061 in all; those that differ under few seeds do not count.
        assert_eq!(bar(&[[16].repeat(200), [3].repeat(500), [0].repeat(900)].concat()), 200);
        assert_eq!(bar(&[]), 1);
        assert_eq!(bar(&[8, 8]), 2, "2^-7 for one is below the level, for each of two it is not");
        assert!(!Bar::over([8, 8].into_iter()).is_reached_by(8));
        // 328 figures under sixteen seeds are too many for any of them to be told.
        assert!(Bar::over([16].repeat(327).into_iter()).is_reached_by(16));
        assert!(!Bar::over([16].repeat(328).into_iter()).is_reached_by(16));
        assert!(Bar::over([17].repeat(328).into_iter()).is_reached_by(17));
    }

    #[test]
    fn medians_lie_in_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(of(&[]), None);
    }
}
