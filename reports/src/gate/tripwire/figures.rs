//! Which figures the tripwire watches, and how large a change it looks for: one literal table. Few and
//! robust, for each figure that is looked at makes it harder to be sure of any.
use peerbench_measure::Statistic::{self, Mean, Quantile, Value};
use peerbench_measure::{METRICS, Metric};

use crate::gate::Tolerance;

/// A figure that is watched.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Its name in records.
    pub(super) name: String,
    pub(super) metric: &'static Metric,
    pub(super) threshold: Tolerance,
}

/// How many of a case's figures differ from run to run where nothing is wrong: latency, processor
/// time and bytes, which are what the correction is for.
pub(super) const MOST_THAT_DIFFER: usize = 3;

/// Did it work, how long did it take, what did it cost. Latency is moved by whatever else the machine
/// does; processor time and bytes much less, so a smaller change is told in them.
const WATCHED: &[(&str, Statistic, Tolerance)] = &[
    ("lookup_correct_ratio", Value, Tolerance::Absolute(0.02)),
    ("lookup_latency_us", Quantile(500), Tolerance::Relative(0.2)),
    ("cost_cpu_ms_per_second", Mean, Tolerance::Relative(0.1)),
    ("bandwidth_wire_sent", Mean, Tolerance::Relative(0.1)),
];

/// The figures that are watched, in the order of reports.
pub(super) fn watched() -> impl Iterator<Item = Figure> {
    WATCHED.iter().filter_map(|(name, statistic, threshold)| {
        let metric = METRICS.iter().find(|metric| metric.name == *name)?;
        Some(Figure { name: metric.name_of(*statistic), metric, threshold: *threshold })
    })
}

#[cfg(test)]
mod tests {
    use peerbench_measure::Better;

    use super::*;

    #[test]
    fn every_figure_exists_and_has_a_direction() {
        assert_eq!(watched().count(), WATCHED.len());
        for (Figure { name, metric, .. }, (_, statistic, _)) in watched().zip(WATCHED) {
            assert!(metric.statistics.contains(statistic), "{name}");
            assert_ne!(metric.better, Better::Neither, "{name}");
        }
    }
}
