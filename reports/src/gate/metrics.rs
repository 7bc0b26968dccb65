//! Which figures the gate judges, and how much of a change it tolerates: one literal table.
//!
//! Few, on purpose: each figure that is looked at makes it harder to be sure of any of them. So a
//! thing that is measured in several ways is here once, by the statistic that chance moves least;
//! beside the median and the mean only what users wait for (p99) and the busiest node.
use peerbench_measure::Statistic::{self, Max, Mean, Quantile, Value};
use peerbench_measure::{METRICS, Metric};

/// How much of a change is tolerated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// This part of the base's figure.
    Relative(f64),
    /// This difference, of shares.
    Absolute(f64),
}

/// A figure that is judged.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Its name in records.
    pub(super) name: String,
    pub(super) metric: &'static Metric,
    pub(super) tolerance: Tolerance,
}

/// Of most figures.
const ONE_PERCENT: Tolerance = Tolerance::Relative(0.01);

/// Of the shares that say how operations ended: one in a thousand.
pub(super) const TENTH_OF_A_POINT: Tolerance = Tolerance::Absolute(0.001);

const GATED: &[(&str, Statistic, Tolerance)] = &[
    ("lookup_correct_ratio", Value, TENTH_OF_A_POINT),
    ("lookup_incorrect_ratio", Value, TENTH_OF_A_POINT),
    ("lookup_latency_us", Quantile(500), ONE_PERCENT),
    ("lookup_latency_us", Quantile(990), ONE_PERCENT),
    ("lookup_hops", Mean, ONE_PERCENT),
    ("lookup_messages", Value, ONE_PERCENT),
    ("lookup_bytes", Value, ONE_PERCENT),
    ("lookup_timeouts", Mean, ONE_PERCENT),
    ("state_links", Mean, ONE_PERCENT),
    ("state_bytes", Mean, ONE_PERCENT),
    ("bandwidth_maintenance_sent", Mean, ONE_PERCENT),
    ("bandwidth_sent", Mean, ONE_PERCENT),
    ("bandwidth_sent", Max, ONE_PERCENT),
    ("fetch_ratio", Value, TENTH_OF_A_POINT),
    ("fetch_corrupt_ratio", Value, TENTH_OF_A_POINT),
    ("fetch_time_contributors_us", Quantile(500), ONE_PERCENT),
    ("fetch_time_contributors_us", Quantile(990), ONE_PERCENT),
    ("freeloader_penalty", Value, ONE_PERCENT),
    ("distribution_efficiency", Value, ONE_PERCENT),
    ("load_sent_gini", Value, ONE_PERCENT),
    ("recovery_time_us", Value, ONE_PERCENT),
    ("correct_after_fault", Value, TENTH_OF_A_POINT),
    ("convergence_time_us", Value, ONE_PERCENT),
    ("losses_dropped_nonsense", Value, ONE_PERCENT),
    ("losses_dropped_bound", Value, ONE_PERCENT),
];

/// The figures that are judged, in the order of reports.
pub(super) fn gated() -> impl Iterator<Item = Figure> {
    GATED.iter().filter_map(|(name, statistic, tolerance)| {
        let metric = METRICS.iter().find(|metric| metric.name == *name)?;
        Some(Figure { name: metric.name_of(*statistic), metric, tolerance: *tolerance })
    })
}

#[cfg(test)]
mod tests {
    use peerbench_measure::Better;

    use super::*;

    #[test]
    fn every_figure_exists_is_exact_and_has_a_direction() {
        assert_eq!(gated().count(), GATED.len());
        for (Figure { name, metric, .. }, (_, statistic, _)) in gated().zip(GATED) {
            assert!(metric.statistics.contains(statistic), "{name}");
            assert!(!metric.machine, "{name}");
            assert_ne!(metric.better, Better::Neither, "{name}");
        }
    }

    #[test]
    fn only_shares_of_operations_are_counted_in_points() {
        for Figure { name, metric, tolerance } in gated() {
            if let Tolerance::Absolute(_) = tolerance {
                assert_eq!(metric.unit, "ratio", "{name}");
            }
        }
    }
}
