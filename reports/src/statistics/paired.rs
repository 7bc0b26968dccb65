//! Differences between runs that met the same world, one difference a pair: their centre, an
//! interval for it, and how likely it is by chance.
//!
//! Hodges and Lehmann 1963; Wilcoxon 1945; Hollander and Wolfe 1999, sections 3.1 to 3.3. All of
//! them assume that a difference would be distributed symmetrically around its centre, and nothing
//! else.

use super::ranks::{doubled_ranks, sums_of_any, two_sided};

/// Where a value lies, with what confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The confidence that was reached, in `0..1`: at least the one asked for, because few
    /// differences allow only a few levels.
    pub confidence: f64,
}

impl Interval {
    /// Whether this value lies in it, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The same interval on a scale that this ascending function leads to.
    #[must_use]
    pub fn map(self, ascending: impl Fn(f64) -> f64) -> Self {
        Self { low: ascending(self.low), high: ascending(self.high), ..self }
    }
}

/// Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// The sum of the ranks of the positive differences.
    pub statistic: f64,
    /// How many differences were ranked: those that are not zero.
    pub pairs: usize,
    /// How likely a sum at least as far out is where the differences are symmetric around zero;
    /// two-sided.
    pub p: f64,
}

/// The median of all means of two differences, each with itself included: their centre, which one
/// wild difference does not move far. `None` if there are none, or one is not finite.
#[must_use]
pub fn hodges_lehmann(differences: &[f64]) -> Option<f64> {
    let walsh = walsh_averages(differences)?;
    let middle = walsh.len() / 2;
    Some(match walsh.len() % 2 {
        1 => walsh[middle],
        _ => f64::midpoint(walsh[middle - 1], walsh[middle]),
    })
}

/// The interval between two ordered means of two differences in which their centre lies with at
/// least this confidence, whatever the distribution. `None` if there are too few differences for
/// it (below 6 for 0.95), or one is not finite.
#[must_use]
pub fn shift_interval(differences: &[f64], confidence: f64) -> Option<Interval> {
    let walsh = walsh_averages(differences)?;
    let ranks: Vec<usize> = (1..=differences.len()).collect();
    let probabilities = sums_of_any(&ranks);
    // The interval without its `outside` outermost means on either side fails as often as the
    // signed-rank statistic is at most `outside`, on either side.
    let mut failing = 0.0;
    let mut found = None;
    for outside in 0..walsh.len() / 2 {
        failing += 2.0 * probabilities[outside];
        if 1.0 - failing < confidence {
            break;
        }
        let (low, high) = (walsh[outside], walsh[walsh.len() - 1 - outside]);
        found = Some(Interval { low, high, confidence: 1.0 - failing });
    }
    found
}

/// Whether differences are centred on zero: the exact signed-rank test. Zeros are dropped, as
/// Wilcoxon did; tied sizes share the mean of their ranks, and the distribution is the exact one
/// for these ranks. `None` if one is not finite. The work grows with the third power of their
/// number.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    if !differences.iter().all(|difference| difference.is_finite()) {
        return None;
    }
    let ranked: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
    let sizes: Vec<f64> = ranked.iter().map(|it| it.abs()).collect();
    let ranks = doubled_ranks(&sizes);
    let positive = ranked.iter().zip(&ranks).filter(|(difference, _)| **difference > 0.0);
    let sum: usize = positive.map(|(_, rank)| rank).sum();
    Some(SignedRank {
        statistic: sum as f64 / 2.0,
        pairs: ranked.len(),
        p: two_sided(&sums_of_any(&ranks), sum),
    })
}

/// The means of all pairs of differences, each with itself included, ascending; `None` if there
/// are none, or one is not finite.
fn walsh_averages(differences: &[f64]) -> Option<Vec<f64>> {
    if differences.is_empty() || !differences.iter().all(|it| it.is_finite()) {
        return None;
    }
    let mut means = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
    for (index, one) in differences.iter().enumerate() {
        means.extend(differences[index..].iter().map(|another| f64::midpoint(*one, *another)));
    }
    means.sort_unstable_by(f64::total_cmp);
    Some(means)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hamilton depression scale factor IV of nine patients before and after a tranquilliser:
    /// Hollander and Wolfe 1999, table 3.1, second visit less first.
    const DEPRESSION: [f64; 9] =
        [-0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010];

    /// Heights of cross-fertilised less self-fertilised maize, in eighths of an inch: Darwin 1876,
    /// as in Fisher 1935, The Design of Experiments, section 17.
    const MAIZE: [f64; 15] =
        [49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0];

    fn close(found: f64, published: f64, tolerance: f64) {
        assert!((found - published).abs() <= tolerance, "{found}, not {published}");
    }

    #[test]
    fn hollander_and_wolfe_depression() {
        let test = signed_rank(&DEPRESSION).unwrap();
        assert_eq!((test.statistic, test.pairs), (5.0, 9));
        close(test.p, 0.039_062_5, 1e-12);
        close(hodges_lehmann(&DEPRESSION).unwrap(), -0.46, 1e-9);
        let interval = shift_interval(&DEPRESSION, 0.95).unwrap();
        close(interval.low, -0.786, 1e-9);
        close(interval.high, -0.010, 1e-9);
        close(interval.confidence, 1.0 - 0.039_062_5, 1e-3);
    }

    #[test]
    fn darwin_s_maize() {
        let test = signed_rank(&MAIZE).unwrap();
        assert_eq!(test.statistic, 96.0);
        // 676 of the 2^15 assignments of signs have a sum of 24 or less.
        close(test.p, 0.041_26, 5e-6);
    }

    /// Largest sums that are significant at 0.05, two-sided: Wilcoxon and Wilcox 1964, table 2.
    #[test]
    fn wilcoxon_s_table_of_critical_values() {
        for (pairs, critical) in [
            (6, 0),
            (7, 2),
            (8, 3),
            (9, 5),
            (10, 8),
            (11, 10),
            (12, 13),
            (13, 17),
            (14, 21),
            (15, 25),
            (16, 29),
            (20, 52),
            (25, 89),
        ] {
            let ranks: Vec<usize> = (1..=pairs).collect();
            let probabilities = sums_of_any(&ranks);
            assert!(two_sided(&probabilities, critical) <= 0.05, "{pairs} pairs");
            assert!(two_sided(&probabilities, critical + 1) > 0.05, "{pairs} pairs");
        }
    }

    #[test]
    fn six_pairs_are_the_fewest_that_give_an_interval() {
        let differences = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(shift_interval(&differences[..5], 0.95), None);
        let interval = shift_interval(&differences, 0.95).unwrap();
        assert_eq!(interval, Interval { low: 1.0, high: 6.0, confidence: 0.968_75 });
        assert_eq!(shift_interval(&[], 0.95), None);
    }

    #[test]
    fn zeros_are_dropped_and_no_difference_is_no_evidence() {
        let test = signed_rank(&[0.0, 1.0, -2.0, 0.0, 3.0]).unwrap();
        assert_eq!((test.statistic, test.pairs, test.p), (4.0, 3, 0.75));
        let nothing = signed_rank(&[0.0; 8]).unwrap();
        assert_eq!((nothing.pairs, nothing.p), (0, 1.0));
        assert_eq!(signed_rank(&[f64::NAN]), None);
        assert_eq!(hodges_lehmann(&[1.0, f64::INFINITY]), None);
    }

    /// By trying every assignment of signs.
    fn counted(differences: &[f64]) -> f64 {
        let nonzero: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
        let sizes: Vec<f64> = nonzero.iter().map(|it| it.abs()).collect();
        let ranks = doubled_ranks(&sizes);
        let seen: usize =
            nonzero.iter().zip(&ranks).filter(|(it, _)| **it > 0.0).map(|(_, rank)| rank).sum();
        let sums: Vec<usize> = (0..1u32 << ranks.len())
            .map(|signs| {
                (0..ranks.len()).filter(|index| signs >> index & 1 == 1).map(|it| ranks[it]).sum()
            })
            .collect();
        let share = |far: &dyn Fn(usize) -> bool| {
            sums.iter().filter(|sum| far(**sum)).count() as f64 / sums.len() as f64
        };
        (2.0 * share(&|sum| sum <= seen).min(share(&|sum| sum >= seen))).min(1.0)
    }

    /// Differences with many ties.
    fn coarse() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((-6i32..7).prop_map(f64::from), 1..11)
    }

    proptest! {
        #[test]
        fn ties_are_exact(differences in coarse()) {
            let p = signed_rank(&differences).unwrap().p;
            prop_assert!((p - counted(&differences)).abs() < 1e-12);
        }

        #[test]
        fn turned_round_everything_turns_round(differences in coarse()) {
            let turned: Vec<f64> = differences.iter().map(|it| -it).collect();
            let (one, other) = (signed_rank(&differences).unwrap(), signed_rank(&turned).unwrap());
            prop_assert!((one.p - other.p).abs() < 1e-12);
            prop_assert_eq!(hodges_lehmann(&differences), hodges_lehmann(&turned).map(|it| 0.0 - it));
            let (one, other) = (shift_interval(&differences, 0.95), shift_interval(&turned, 0.95));
            prop_assert_eq!(one.map(|it| (it.low, it.high)), other.map(|it| (-it.high, -it.low)));
        }

        #[test]
        fn the_estimate_lies_in_the_interval_and_that_among_the_differences(
            differences in prop::collection::vec(-1e6f64..1e6, 6..20)
        ) {
            let least = differences.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = differences.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let median = hodges_lehmann(&differences).unwrap();
            let interval = shift_interval(&differences, 0.95).unwrap();
            prop_assert!(least <= interval.low && interval.low <= median);
            prop_assert!(median <= interval.high && interval.high <= largest);
            prop_assert!(interval.confidence >= 0.95 && interval.confidence < 1.0);
        }

        #[test]
        fn all_moved_by_as_much_the_estimate_moves_by_it(differences in coarse(), shift in -50i32..50) {
            let shift = f64::from(shift);
            let moved: Vec<f64> = differences.iter().map(|it| it + shift).collect();
            let expected = hodges_lehmann(&differences).map(|it| it + shift);
            prop_assert_eq!(hodges_lehmann(&moved), expected);
            let expected = shift_interval(&differences, 0.95).map(|it| it.map(|end| end + shift));
            prop_assert_eq!(shift_interval(&moved, 0.95), expected);
        }

        /// The interval holds exactly the shifts that the test does not reject.
        #[test]
        fn interval_and_test_agree(
            differences in prop::collection::vec(-1e3f64..1e3, 6..14), shift in -1e3f64..1e3
        ) {
            let interval = shift_interval(&differences, 0.95).unwrap();
            let moved: Vec<f64> = differences.iter().map(|it| it - shift).collect();
            let p = signed_rank(&moved).unwrap().p;
            prop_assert_eq!(interval.contains(shift), p > 1.0 - interval.confidence + 1e-9);
        }
    }
}
