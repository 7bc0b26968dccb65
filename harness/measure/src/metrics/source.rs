//! Where the figures of a metric come from.
use overlay_core::Class;

use crate::nodes::Nodes;
use crate::{Cost, Counter, Histogram, Measurement};

/// The figures of one metric in one measurement.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The only figure; `None` if it was not measured.
    Number(Option<f64>),
    /// A distribution, from which the statistics are taken.
    Distribution(&'a Histogram),
}

/// Not measured.
pub(super) const ABSENT: Source<'static> = Source::Number(None);

pub(super) fn measured(count: u64) -> Source<'static> {
    Source::Number(Some(count as f64))
}

pub(super) fn ratio(part: u64, whole: u64) -> Source<'static> {
    Source::Number((whole > 0).then(|| part as f64 / whole as f64))
}

pub(super) fn sent(nodes: &Nodes, class: Class) -> Source<'_> {
    Source::Distribution(&nodes.sent[class as usize])
}

pub(super) fn received(nodes: &Nodes, class: Class) -> Source<'_> {
    Source::Distribution(&nodes.received[class as usize])
}

pub(super) fn fetches(measurement: &Measurement) -> u64 {
    let fetches = &measurement.fetches;
    fetches.intact() + fetches.corrupt + fetches.failed
}

pub(super) fn penalty(measurement: &Measurement) -> Option<f64> {
    let freeloaders = measurement.fetches.freeloaders_us.quantile(0.5)?;
    let contributors = measurement.fetches.contributors_us.quantile(0.5)?;
    (contributors > 0).then(|| freeloaders as f64 / contributors as f64)
}

pub(super) fn counter(measurement: &Measurement, counter: Counter) -> Source<'static> {
    measurement.counters.get(&counter).map_or(ABSENT, |count| measured(*count))
}

pub(super) fn cost(
    measurement: &Measurement,
    read: impl FnOnce(&Cost) -> Option<f64>,
) -> Source<'static> {
    Source::Number(measurement.cost.as_ref().and_then(read))
}

pub(super) fn per_second(count: u64, cost: &Cost) -> Option<f64> {
    (!cost.wall.is_zero()).then(|| count as f64 / cost.wall.as_secs_f64())
}
