//! The record of one run, as `runs.jsonl` keeps it: one line each.
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fairness::lorenz;
use crate::{
    Better, FaultMark, GroupedBy, KindCount, METRICS, Measurement, Metric, NodeGroup,
    SwarmProgress, Timeline, TrafficTimeline, Upkeep,
};

/// Version of the record, of the folder around it, and of the metrics' definitions.
pub const SCHEMA: u32 = 4;

/// What was measured in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// Which run it was.
    pub key: Key,
    /// Digest of the resolved scenario, seeds apart.
    pub scenario_digest: String,
    /// Digest of the trace of events, in hexadecimal digits, where the driver is exact.
    pub trace_digest: Option<String>,
    /// How it ended.
    pub status: Status,
    /// The figures, by the names that [`METRICS`] gives.
    pub metrics: BTreeMap<String, Value>,
    /// What nodes carried, by role and by uplink.
    pub breakdown: Vec<NodeGroup>,
    /// How lookups ended over time; `None` if none has.
    pub timeline: Option<Timeline>,
    /// Bytes sent over time, by class; `None` if the driver did not look.
    pub traffic: Option<TrafficTimeline>,
    /// How much of what nodes remembered was good for nothing, over time; `None` where nobody goes.
    #[serde(default)]
    pub upkeep: Option<Upkeep>,
    /// The faults that struck in the window, by time.
    pub faults: Vec<FaultMark>,
    /// Messages of class lookup by kind, the most frequent first. They are what the metric
    /// `lookup_messages` counts.
    pub lookup_kinds: Vec<KindCount>,
    /// Bytes of items that contributors that publish nothing sent each, as a Lorenz curve: (share
    /// of nodes, share of bytes), ascending from (0, 0) to (1, 1), at most 101 points. Empty if
    /// they sent none.
    pub upload_lorenz: Vec<(f64, f64)>,
    /// The same of all bytes that all nodes sent.
    pub load_lorenz: Vec<(f64, f64)>,
    /// How a swarm filled: that of the first item that anybody began to fetch in pieces. `None` if
    /// nobody has, or if the run was stopped.
    pub swarm: Option<SwarmProgress>,
    /// Where the distributions behind the figures are.
    pub histograms: Vec<HistogramEntry>,
    /// What does not depend on the overlay, measured in the same run.
    pub controls: BTreeMap<String, Control>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
}

/// Which run a record is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The overlay.
    pub overlay: String,
    /// The scenario's name.
    pub scenario: String,
    /// The driver.
    pub driver: Driver,
    /// Number of nodes.
    pub n: u32,
    /// The seed.
    pub seed: u64,
    /// Which repetition of a noisy run; 0 is the first.
    pub round: u32,
}

/// What ran the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// Real processes.
    Testbed,
    /// Virtual time.
    Simulator,
}

impl Driver {
    /// The name in records, tables and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Testbed => "testbed",
            Self::Simulator => "simulator",
        }
    }

    /// Whether the same run gives the same figures again, to the bit.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Simulator)
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It was measured to its end.
    Ok,
    /// It could not be measured.
    Failed,
    /// It did not end in time.
    Timeout,
    /// Somebody stopped it; what was finished until then is kept.
    Interrupted,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
        })
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// What was found.
    pub value: Reading,
    /// Its unit.
    pub unit: String,
    /// Which direction is good.
    pub better: Better,
    /// What a difference between two of them means.
    pub assume: Assume,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// This number, which is finite.
    Measured(f64),
    /// Nothing, because nobody looked or there was nothing to see. `null` in JSON.
    NotMeasured,
    /// Nothing, because the overlay does not offer it. `"n/a"` in JSON.
    NotOffered,
}

impl Reading {
    /// The number, if there is one.
    #[must_use]
    pub const fn number(self) -> Option<f64> {
        match self {
            Self::Measured(value) => Some(value),
            Self::NotMeasured | Self::NotOffered => None,
        }
    }
}

impl From<Option<f64>> for Reading {
    /// What is not a finite number was not measured.
    fn from(value: Option<f64>) -> Self {
        value.filter(|value| value.is_finite()).map_or(Self::NotMeasured, Self::Measured)
    }
}

/// What a difference between two values of the same metric means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assume {
    /// A change of what was measured.
    Exact,
    /// Perhaps nothing.
    Noisy,
}

/// A figure that does not depend on the overlay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
}

/// Where a distribution is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramEntry {
    /// The file, from the run's folder.
    pub file: String,
    /// The tag of its line in the file: the metric's name.
    pub tag: String,
}

impl RunRecord {
    /// The record of a run, with every metric of the table.
    #[must_use]
    pub fn new(
        key: Key,
        scenario_digest: String,
        status: Status,
        measurement: &Measurement,
    ) -> Self {
        let file = key.histogram_file();
        Self {
            schema: SCHEMA,
            metrics: metrics(key.driver, measurement),
            breakdown: measurement.breakdown(),
            timeline: measurement.timeline(),
            traffic: measurement.sent.timeline(),
            upkeep: measurement.inventories.upkeep(),
            faults: measurement.faults.marks().to_vec(),
            lookup_kinds: measurement.sent.kinds(),
            upload_lorenz: lorenz(measurement.nodes.giving.sent_each.clone()),
            load_lorenz: lorenz(measurement.nodes.bytes_sent_each.clone()),
            swarm: measurement.swarm.clone(),
            histograms: METRICS
                .iter()
                .filter(|metric| metric.histogram(measurement).is_some())
                .map(|metric| HistogramEntry { file: file.clone(), tag: metric.name.to_owned() })
                .collect(),
            key,
            scenario_digest,
            trace_digest: measurement.trace_digest.map(|digest| format!("{digest:016x}")),
            status,
            controls: measurement.controls.clone(),
            notes: measurement.notes.clone(),
        }
    }

    /// The groups of nodes that have this in common, in the order of roles or of uplinks.
    pub fn groups(&self, by: GroupedBy) -> impl Iterator<Item = &NodeGroup> {
        self.breakdown.iter().filter(move |group| group.by == by)
    }

    /// What was found under this name; not measured if the record does not have it.
    #[must_use]
    pub fn reading(&self, name: &str) -> Reading {
        self.metrics.get(name).map_or(Reading::NotMeasured, |value| value.value)
    }
}

impl Key {
    /// The run's file of histograms, from the run's folder.
    #[must_use]
    pub fn histogram_file(&self) -> String {
        format!("hist/{}.hlog", self.file_name())
    }

    /// The run's portrait, from the run's folder.
    #[must_use]
    pub fn portrait_file(&self) -> String {
        format!("portraits/{}.json", self.file_name())
    }

    fn file_name(&self) -> String {
        let Self { overlay, scenario, driver, n, seed, round } = self;
        let name = format!("{overlay}-{scenario}-{driver}-n{n}-seed{seed}-round{round}");
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        name.chars().map(plain).collect()
    }
}

fn metrics(driver: Driver, measurement: &Measurement) -> BTreeMap<String, Value> {
    let figures = METRICS
        .iter()
        .flat_map(|metric| metric.statistics.iter().map(move |statistic| (metric, *statistic)));
    figures
        .map(|(metric, statistic)| {
            let value = if measurement.not_offered.contains(&metric.group) {
                Reading::NotOffered
            } else {
                metric.figure(statistic, measurement).into()
            };
            let Metric { unit, better, .. } = *metric;
            let assume =
                if driver.is_exact() && !metric.machine { Assume::Exact } else { Assume::Noisy };
            (metric.name_of(statistic), Value { value, unit: unit.to_owned(), better, assume })
        })
        .collect()
}

const NOT_OFFERED: &str = "n/a";

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Measured(value) => to.serialize_f64(*value),
            Self::NotMeasured => to.serialize_none(),
            Self::NotOffered => to.serialize_str(NOT_OFFERED),
        }
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Found;
        impl Visitor<'_> for Found {
            type Value = Reading;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number, null or \"{NOT_OFFERED}\"")
            }
            fn visit_unit<E>(self) -> Result<Reading, E> {
                Ok(Reading::NotMeasured)
            }
            fn visit_f64<E>(self, value: f64) -> Result<Reading, E> {
                Ok(Some(value).into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Reading, E> {
                Ok(Reading::Measured(value as f64))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Reading, E> {
                Ok(Reading::Measured(value as f64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Reading, E> {
                match text {
                    NOT_OFFERED => Ok(Reading::NotOffered),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
        }
        from.deserialize_any(Found).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_neither_zero_nor_absent() {
        for (reading, text) in [
            (Reading::Measured(0.5), "0.5"),
            (Reading::from(Some(f64::NAN)), "null"),
            (Reading::NotOffered, r#""n/a""#),
        ] {
            assert_eq!(serde_json::to_string(&reading).unwrap(), text);
            assert_eq!(serde_json::from_str::<Reading>(text).unwrap(), reading);
        }
        assert_eq!(serde_json::from_str::<Reading>("7").unwrap(), Reading::Measured(7.0));
        assert!(serde_json::from_str::<Reading>(r#""none""#).is_err());
    }

    #[test]
    fn the_file_of_histograms_has_a_plain_name() {
        let key = Key {
            overlay: "chord".into(),
            scenario: "../my scenario".into(),
            driver: Driver::Simulator,
            n: 64,
            seed: 1,
            round: 0,
        };
        assert_eq!(
            key.histogram_file(),
            "hist/chord----my-scenario-simulator-n64-seed1-round0.hlog"
        );
    }
}
