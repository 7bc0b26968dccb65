//! What rows of the table of metrics share.
use super::source::Source;
use super::{Better, Group, Metric, Statistic};
use crate::nodes::RATE_SCALE;

pub(super) const ONE: &[Statistic] = &[Statistic::Value];
pub(super) const LATENCY: &[Statistic] = &[
    Statistic::Quantile(500),
    Statistic::Quantile(900),
    Statistic::Quantile(990),
    Statistic::Quantile(999),
];
/// The mean as well: a median does not tell a third of failures from none.
pub(super) const CHARGED: &[Statistic] = &[
    Statistic::Mean,
    Statistic::Quantile(500),
    Statistic::Quantile(900),
    Statistic::Quantile(990),
];
/// The last one counts: who waits for the slowest waits that long.
pub(super) const FETCH_TIME: &[Statistic] = &[
    Statistic::Quantile(500),
    Statistic::Quantile(900),
    Statistic::Quantile(990),
    Statistic::Quantile(999),
    Statistic::Max,
];
pub(super) const STRETCH: &[Statistic] =
    &[Statistic::Quantile(500), Statistic::Quantile(900), Statistic::Quantile(990)];
pub(super) const PATH: &[Statistic] = &[
    Statistic::Mean,
    Statistic::Quantile(10),
    Statistic::Quantile(500),
    Statistic::Quantile(990),
    Statistic::Max,
];
pub(super) const SPREAD: &[Statistic] =
    &[Statistic::Mean, Statistic::Quantile(500), Statistic::Quantile(990), Statistic::Max];
pub(super) const SHARE: &[Statistic] =
    &[Statistic::Mean, Statistic::Quantile(10), Statistic::Quantile(500), Statistic::Max];

/// What most rows share.
pub(super) const ROW: Metric = Metric {
    name: "",
    title: "",
    unit: "count",
    better: Better::Lower,
    group: Group::Outcome,
    statistics: ONE,
    machine: false,
    scale: 1,
    definition: "",
    source: |_| Source::Number(None),
};
pub(super) const OUTCOME: Metric = Metric { unit: "ratio", ..ROW };
pub(super) const BANDWIDTH: Metric =
    Metric { unit: "B/s", group: Group::Bandwidth, statistics: SPREAD, scale: RATE_SCALE, ..ROW };
pub(super) const STATE: Metric = Metric { group: Group::State, statistics: SPREAD, ..ROW };
pub(super) const FETCH: Metric = Metric { unit: "µs", group: Group::Fetch, ..ROW };
pub(super) const TAKEN: Metric = Metric { unit: "B", better: Better::Neither, ..FETCH };
pub(super) const LOSS: Metric = Metric { group: Group::Losses, ..ROW };
pub(super) const COST: Metric = Metric { group: Group::Cost, machine: true, ..ROW };
pub(super) const UPKEEP: Metric = Metric { unit: "ratio", group: Group::Upkeep, ..ROW };
pub(super) const RECOVERY: Metric = Metric { unit: "ratio", group: Group::Recovery, ..ROW };
