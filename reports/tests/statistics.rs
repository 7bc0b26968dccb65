//! What must be true of any sample: of its order, and of samples put together.
use peerbench_measure::Histogram;
use peerbench_reports::statistics::{hodges_lehmann, shift_interval};
use proptest::prelude::*;

fn histogram(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    values.iter().for_each(|value| histogram.record(*value));
    histogram
}

fn values() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0u64..100_000_000, 1..200)
}

proptest! {
    #[test]
    fn quantiles_lie_in_order_between_the_least_and_the_largest(values in values()) {
        let histogram = histogram(&values);
        let (least, largest) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        let shares = [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0];
        let quantiles: Vec<u64> =
            shares.iter().map(|share| histogram.quantile(*share).unwrap()).collect();
        prop_assert!(quantiles.is_sorted(), "{quantiles:?}");
        prop_assert_eq!(histogram.max(), Some(*largest));
        prop_assert!(quantiles.iter().all(|quantile| quantile <= largest));
        // A histogram keeps three digits.
        prop_assert!(quantiles[0] as f64 >= *least as f64 * 0.999);
        let mean = histogram.mean().unwrap();
        prop_assert!(*least as f64 <= mean && mean <= *largest as f64);
    }

    #[test]
    fn merged_histograms_are_the_histogram_of_all_values(one in values(), other in values()) {
        let mut merged = histogram(&one);
        merged.merge(&histogram(&other));
        let all = histogram(&[one, other].concat());
        prop_assert!(merged.iter().eq(all.iter()));
        prop_assert_eq!((merged.count(), merged.max()), (all.count(), all.max()));
        prop_assert_eq!(merged.mean(), all.mean());
        for share in [0.0, 0.5, 0.99, 1.0] {
            prop_assert_eq!(merged.quantile(share), all.quantile(share));
        }
    }

    #[test]
    fn an_estimate_lies_between_the_least_and_the_largest(
        differences in prop::collection::vec(-1e9f64..1e9, 1..40)
    ) {
        let least = differences.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = differences.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let estimate = hodges_lehmann(&differences).unwrap();
        prop_assert!((least..=largest).contains(&estimate));
        for confidence in [0.5, 0.9, 0.95] {
            if let Some(interval) = shift_interval(&differences, confidence) {
                prop_assert!(least <= interval.low && interval.low <= estimate);
                prop_assert!(estimate <= interval.high && interval.high <= largest);
            }
        }
    }
}
