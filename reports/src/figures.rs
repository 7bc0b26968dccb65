//! The figures of one driver in one table: one run's, or those of several seeds or rounds together.
use std::collections::BTreeMap;

use peerbench_measure::{
    FolderError, Group, Histogram, METRICS, Metric, Reading, RunFolder, RunRecord, Statistic,
};

/// A figure over one or several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    /// The run's reading. Of several: the figure of the merged histograms where there are some, the
    /// largest where it is a largest value, and the median otherwise.
    pub(crate) reading: Reading,
    /// The least and the largest of several runs.
    pub(crate) range: Option<(f64, f64)>,
}

/// The runs of one driver that one column of a table shows.
pub(crate) struct Figures<'a> {
    records: Vec<&'a RunRecord>,
    merged: BTreeMap<&'static str, Histogram>,
}

impl<'a> Figures<'a> {
    /// The figures of these records, with their histograms from the run's folder.
    pub(crate) fn new(run: &RunFolder, records: Vec<&'a RunRecord>) -> Result<Self, FolderError> {
        let mut merged = BTreeMap::new();
        for metric in METRICS.iter().filter(|metric| is_merged(metric)) {
            let mut all = Histogram::new();
            for record in &records {
                if let Some(histogram) = run.histogram(record, metric.name)? {
                    all.merge(&histogram);
                }
            }
            if !all.is_empty() {
                merged.insert(metric.name, all);
            }
        }
        Ok(Self { records, merged })
    }

    pub(crate) fn records(&self) -> &[&'a RunRecord] {
        &self.records
    }

    /// What was counted of a metric once for each operation, over all runs; `None` where nothing was.
    pub(crate) fn histogram(&self, metric: &str) -> Option<&Histogram> {
        self.merged.get(metric)
    }

    /// What was found for a figure of a metric.
    pub(crate) fn figure(&self, metric: &Metric, statistic: Statistic) -> Figure {
        let name = metric.name_of(statistic);
        let readings: Vec<Reading> =
            self.records.iter().map(|record| record.reading(&name)).collect();
        if readings.contains(&Reading::NotOffered) {
            return Figure { reading: Reading::NotOffered, range: None };
        }
        let mut numbers: Vec<f64> = readings.into_iter().filter_map(Reading::number).collect();
        let mut figure = over_runs(&mut numbers);
        if statistic == Statistic::Max {
            figure.reading = numbers.last().copied().into();
        } else if numbers.len() > 1
            && let Some(all) = self.merged.get(metric.name)
        {
            figure.reading = statistic.of(all, metric.scale).into();
        }
        figure
    }

    /// What was found for a control, with its unit; `None` if no run measured it.
    pub(crate) fn control(&self, name: &str) -> Option<(Figure, &'a str)> {
        let controls = || self.records.iter().filter_map(|record| record.controls.get(name));
        let mut numbers: Vec<f64> = controls().map(|control| control.value).collect();
        controls().next().map(|control| (over_runs(&mut numbers), control.unit.as_str()))
    }

    /// Half the sum of the differences between the shares of each value in two histograms: 0 if
    /// they are distributed alike, 1 if they have no value in common. `None` if either is missing.
    pub(crate) fn distance(&self, other: &Self, metric: &str) -> Option<f64> {
        let (one, another) = (self.merged.get(metric)?, other.merged.get(metric)?);
        let mut difference: BTreeMap<u64, f64> = BTreeMap::new();
        for (histogram, sign) in [(one, 1.0), (another, -1.0)] {
            for (value, count) in histogram.iter() {
                let share = count as f64 / histogram.count() as f64;
                *difference.entry(value).or_default() += sign * share;
            }
        }
        Some(difference.into_values().map(f64::abs).sum::<f64>() / 2.0)
    }
}

/// What is counted once for each operation is of all runs together, because percentiles cannot be
/// averaged; what is counted once for each node is of a run.
fn is_merged(metric: &Metric) -> bool {
    let operations = [Group::Latency, Group::Path, Group::Fetch, Group::Lateness];
    operations.contains(&metric.group) && metric.statistics != [Statistic::Value]
}

/// The median, least and largest of what several runs found. Sorts the numbers.
pub(crate) fn over_runs(numbers: &mut [f64]) -> Figure {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let median = match numbers {
        [] => None,
        _ if numbers.len() % 2 == 1 => Some(numbers[middle]),
        _ => Some(f64::midpoint(numbers[middle - 1], numbers[middle])),
    };
    let range = match numbers {
        [least, .., largest] => Some((*least, *largest)),
        _ => None,
    };
    Figure { reading: median.into(), range }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_of_known_numbers() {
        let median = |mut numbers: Vec<f64>| over_runs(&mut numbers).reading;
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Reading::Measured(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Reading::Measured(2.5));
        assert_eq!(median(Vec::new()), Reading::NotMeasured);
        assert_eq!(over_runs(&mut [7.0]).range, None);
    }

    proptest! {
        #[test]
        fn the_median_lies_between_least_and_largest(
            mut numbers in prop::collection::vec(-1e9f64..1e9, 2..30)
        ) {
            let figure = over_runs(&mut numbers);
            let (least, largest) = figure.range.expect("there are several");
            let median = figure.reading.number().expect("there are several");
            prop_assert!(least <= median && median <= largest);
            prop_assert!(numbers.iter().all(|number| (least..=largest).contains(number)));
        }
    }
}
