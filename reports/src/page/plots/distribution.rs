//! Points of a distribution: as many as can be told apart, and each of them a true one.
use peerbench_measure::Histogram;

use crate::page::chart::{MOST_POINTS, Point};

/// How large a share of `all` is not above each value, which is in `1 / scale` of a unit: the curve
/// ends at the share that was counted. Of many values, those at equal steps of the share are kept,
/// and the last.
pub(super) fn cumulative(histogram: &Histogram, scale: u64, all: f64) -> Vec<Point> {
    let step = histogram.count() as f64 / MOST_POINTS as f64;
    let mut points = Vec::new();
    let (mut seen, mut next) = (0, 0.0);
    let mut last = None;
    for (value, count) in histogram.iter() {
        let x = largest(histogram, value) / scale as f64;
        if points.is_empty() {
            points.push(Point::new(x, 0.0));
        }
        seen += count;
        let point = Point::new(x, seen as f64 / all);
        last = Some(point);
        if seen as f64 >= next {
            points.push(point);
            last = None;
            next = seen as f64 + step;
        }
    }
    points.extend(last);
    points
}

/// The value at each quantile, towards the largest ones in finer and finer steps: as far as there
/// is at least one value above.
pub(super) fn quantiles(histogram: &Histogram, scale: u64) -> Vec<Point> {
    /// Points for each further nine.
    const EACH: i32 = 24;
    let finest = (histogram.count() as f64).log10();
    let places = (0..).map(|place| f64::from(place) / f64::from(EACH));
    let shares = places.take_while(|nines| *nines <= finest).map(|nines| 1.0 - 10_f64.powf(-nines));
    let point = |share: f64| {
        histogram.quantile(share).map(|value| Point::new(share, value as f64 / scale as f64))
    };
    shares.take(MOST_POINTS).filter_map(point).collect()
}

/// The bucket of the largest value reaches above it.
fn largest(histogram: &Histogram, value: u64) -> f64 {
    histogram.max().map_or(value, |most| value.min(most)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    #[test]
    fn a_distribution_ends_at_the_share_that_was_counted() {
        let points = cumulative(&of(&[10, 20, 20, 40]), 10, 5.0);
        let pairs: Vec<(f64, f64)> = points.iter().map(|it| (it.x, it.y)).collect();
        assert_eq!(pairs, [(1.0, 0.0), (1.0, 0.2), (2.0, 0.6), (4.0, 0.8)]);
        assert_eq!(quantiles(&of(&[7]), 1), [Point::new(0.0, 7.0)]);
    }

    proptest! {
        #[test]
        fn every_point_is_a_true_one(values in prop::collection::vec(1u64..2_000, 1..3_000)) {
            let points = cumulative(&of(&values), 1, values.len() as f64);
            prop_assert!(points.len() <= MOST_POINTS + 2);
            for point in &points[1..] {
                let below = values.iter().filter(|value| **value as f64 <= point.x).count();
                prop_assert!((below as f64 / values.len() as f64 - point.y).abs() < 1e-9);
            }
            prop_assert_eq!(points.last().map(|it| it.y), Some(1.0));
            prop_assert!(points.windows(2).all(|two| two[0].x <= two[1].x && two[0].y <= two[1].y));
        }
    }
}
