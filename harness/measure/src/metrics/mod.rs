//! What a metric is. The lists and explanations on the command line, the values of a record, its
//! histograms and the rows of reports all come from the one table of them, [`METRICS`].
mod row;
mod source;
mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Histogram, Measurement};
use source::Source;
pub use table::METRICS;

/// What is measured, once per thing: its statistics are the metrics of a record.
#[derive(Clone, Copy)]
pub struct Metric {
    /// The name in records; a statistic's name follows behind `_`.
    pub name: &'static str,
    /// The name in reports.
    pub title: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Which direction is good.
    pub better: Better,
    /// What it belongs to.
    pub group: Group,
    /// Which figures are recorded.
    pub statistics: &'static [Statistic],
    /// Depends on the machine even where the driver is exact.
    pub machine: bool,
    /// How many of the histogram's steps make one unit.
    pub scale: u64,
    /// What the number means, in plain words.
    pub definition: &'static str,
    source: fn(&Measurement) -> Source<'_>,
}

/// Which direction of a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// It describes, and does not rate.
    Neither,
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        })
    }
}

/// What metrics belong together. An overlay offers a group or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// How lookups ended.
    Outcome,
    /// How long correct lookups took.
    Latency,
    /// How far lookups went, and at what cost.
    Path,
    /// How much a node remembers.
    State,
    /// How much a node sends and receives.
    Bandwidth,
    /// How fetches ended, and how long they took.
    Fetch,
    /// Who carries the load.
    Fairness,
    /// What faults do to lookups, and for how long.
    Recovery,
    /// What it takes to stay whole while nodes come and go.
    Upkeep,
    /// How soon neighbours are what they should be.
    Convergence,
    /// How late the driver was.
    Lateness,
    /// What went wrong or was refused.
    Losses,
    /// What the run cost the machine.
    Cost,
}

impl Group {
    /// The name in reports.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Outcome => "lookup outcome",
            Self::Latency => "lookup latency",
            Self::Path => "lookup path",
            Self::State => "state of a node",
            Self::Bandwidth => "bandwidth of a node",
            Self::Fetch => "fetch",
            Self::Fairness => "load fairness",
            Self::Recovery => "recovery from faults",
            Self::Upkeep => "upkeep",
            Self::Convergence => "convergence",
            Self::Lateness => "lateness",
            Self::Losses => "losses",
            Self::Cost => "cost of the run",
        }
    }
}

/// A figure of a distribution, or the only one there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statistic {
    /// The only figure there is.
    Value,
    /// The mean.
    Mean,
    /// This many thousandths of the values are not larger.
    Quantile(u16),
    /// The largest value.
    Max,
}

impl fmt::Display for Statistic {
    /// The name in records and reports: `mean`, `p50`, `p999`, `max`; empty for the only figure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => Ok(()),
            Self::Mean => f.write_str("mean"),
            Self::Quantile(thousandths) if thousandths % 10 == 0 => {
                write!(f, "p{}", thousandths / 10)
            }
            Self::Quantile(thousandths) => write!(f, "p{thousandths}"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl Statistic {
    /// This figure of a distribution whose values are counted in `1 / scale` of a unit.
    #[must_use]
    pub fn of(self, histogram: &Histogram, scale: u64) -> Option<f64> {
        let steps = match self {
            Self::Value => None,
            Self::Mean => histogram.mean(),
            Self::Quantile(thousandths) => {
                histogram.quantile(f64::from(thousandths) / 1e3).map(|value| value as f64)
            }
            Self::Max => histogram.max().map(|value| value as f64),
        };
        steps.map(|steps| steps / scale as f64)
    }
}

impl Metric {
    /// The name in records of one of the metric's figures.
    #[must_use]
    pub fn name_of(&self, statistic: Statistic) -> String {
        match statistic {
            Statistic::Value => self.name.to_owned(),
            other => format!("{}_{other}", self.name),
        }
    }

    /// The names in records of all of the metric's figures.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.statistics.iter().map(|statistic| self.name_of(*statistic))
    }

    /// One of the metric's figures; `None` if it was not measured.
    #[must_use]
    pub fn figure(&self, statistic: Statistic, measurement: &Measurement) -> Option<f64> {
        match (self.source)(measurement) {
            Source::Number(value) => value,
            Source::Distribution(histogram) => statistic.of(histogram, self.scale),
        }
    }

    /// The distribution behind the metric's figures, unless nothing was counted.
    #[must_use]
    pub fn histogram<'a>(&self, measurement: &'a Measurement) -> Option<&'a Histogram> {
        match (self.source)(measurement) {
            Source::Distribution(histogram) if !histogram.is_empty() => Some(histogram),
            _ => None,
        }
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metric").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The metric of this name, with or without a statistic behind it.
#[must_use]
pub fn find_metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name || metric.names().any(|known| known == name))
}
