//! Two samples of runs that have nothing in common but what was measured: Mann and Whitney 1947.

use super::ranks::{doubled_ranks, sums_of_some, two_sided};

/// The rank-sum test of two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannWhitney {
    /// Mann and Whitney's U of the first sample: in how many pairs of one value from each its
    /// value is the larger, ties counted half.
    pub statistic: f64,
    /// How likely a U at least as far out is where both samples have one distribution; two-sided.
    pub p: f64,
}

/// Whether one of two samples tends to be larger: the exact rank-sum test. Tied values share the
/// mean of their ranks, and the distribution is the exact one for these ranks. `None` if a sample
/// is empty or a value is not finite. The work grows with the fourth power of the number of values.
#[must_use]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<MannWhitney> {
    let all: Vec<f64> = first.iter().chain(second).copied().collect();
    if first.is_empty() || second.is_empty() || !all.iter().all(|value| value.is_finite()) {
        return None;
    }
    let ranks = doubled_ranks(&all);
    let sum: usize = ranks[..first.len()].iter().sum();
    let least = first.len() * (first.len() + 1);
    Some(MannWhitney {
        statistic: (sum - least) as f64 / 2.0,
        p: two_sided(&sums_of_some(&ranks, first.len()), sum),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Permeability of the human chorioamnion to water, at term and between 12 and 26 weeks:
    /// Hollander and Wolfe 1999, table 4.1. One-sided p is 0.127.
    #[test]
    fn hollander_and_wolfe_permeability() {
        let at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let before = [1.15, 0.88, 0.90, 0.74, 1.21];
        let test = mann_whitney(&at_term, &before).unwrap();
        assert_eq!(test.statistic, 35.0);
        assert!((test.p - 2.0 * 0.127_2).abs() < 1e-4, "{}", test.p);
    }

    /// Largest U that is significant at 0.05, two-sided: Mann and Whitney's statistic as tabled by
    /// Siegel 1956, table K.
    #[test]
    fn the_table_of_critical_values() {
        for (one, other, critical) in [
            (3, 5, 0),
            (4, 4, 0),
            (5, 5, 2),
            (6, 6, 5),
            (7, 7, 8),
            (8, 8, 13),
            (9, 9, 17),
            (10, 10, 23),
            (20, 20, 127),
        ] {
            let ranks: Vec<usize> = (1..=one + other).collect();
            let probabilities = sums_of_some(&ranks, one);
            let sum = one * (one + 1) / 2 + critical;
            assert!(two_sided(&probabilities, sum) <= 0.05, "{one} and {other}");
            assert!(two_sided(&probabilities, sum + 1) > 0.05, "{one} and {other}");
        }
    }

    /// Where others say 1: four against four, apart, is 2 of 70 ways to choose.
    #[test]
    fn samples_apart_are_as_unlikely_as_counting_says() {
        let test = mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]).unwrap();
        assert_eq!(test.statistic, 0.0);
        assert!((test.p - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0; 5], &[1.0; 5]).unwrap().p, 1.0);
    }

    fn coarse() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((0i32..6).prop_map(f64::from), 1..8)
    }

    proptest! {
        #[test]
        fn the_statistic_counts_pairs(one in coarse(), other in coarse()) {
            let wins = |a: &f64, b: &f64| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            let counted: f64 = one.iter().flat_map(|a| other.iter().map(move |b| wins(a, b))).sum();
            prop_assert_eq!(mann_whitney(&one, &other).unwrap().statistic, counted);
        }

        #[test]
        fn which_sample_is_first_does_not_matter(one in coarse(), other in coarse()) {
            let (a, b) = (mann_whitney(&one, &other).unwrap(), mann_whitney(&other, &one).unwrap());
            prop_assert!((a.p - b.p).abs() < 1e-12);
            prop_assert_eq!(a.statistic + b.statistic, (one.len() * other.len()) as f64);
        }
    }
}
