//! What a lesson file holds: see `configs/lessons`.
use peerbench_measure::GroupedBy;
use serde::Deserialize;
use serde_yaml::Value;

/// One lesson.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sheet {
    /// What it is called.
    pub(crate) title: String,
    /// What it teaches, in a sentence.
    pub(crate) teaches: String,
    /// What to look for in its tables.
    pub(crate) look_for: String,
    /// Where the lesson is from.
    #[serde(default)]
    pub(crate) source: String,
    /// Its grids of runs, at least one.
    pub(crate) parts: Vec<Part>,
}

/// A grid of runs: what varies, down, against who is compared, across.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// What it is about.
    pub(crate) title: String,
    /// The world and the workload: the fields of a scenario file. Its seeds are run for every cell.
    #[serde(default, rename = "scenario")]
    pub(crate) _scenario: Value,
    /// Who is compared, at least one.
    pub(crate) columns: Vec<Column>,
    /// What varies: one field. Without it or `rows` there is one row.
    #[serde(default)]
    pub(crate) vary: Option<Vary>,
    /// What varies: whatever each row sets. Not together with `vary`.
    #[serde(default)]
    pub(crate) rows: Vec<Row>,
    /// Figures to show, by their names in records: a small table each.
    #[serde(default)]
    pub(crate) show: Vec<String>,
    /// Figures whose growth is fitted: `a + b·log2 N` and `a·N^k`, N being what varies.
    #[serde(default)]
    pub(crate) growth: Vec<String>,
    /// Figures whose change from the first row to the others is named.
    #[serde(default)]
    pub(crate) change: Vec<String>,
    /// Figures of which it is said from where on they are above those of one column.
    #[serde(default)]
    pub(crate) against: Option<Against>,
    /// Whether outcomes are shown over time, with faults and recovery.
    #[serde(default)]
    pub(crate) timeline: bool,
    /// Whether load is shown by `role` or by `uplink`.
    #[serde(default)]
    pub(crate) breakdown: Option<GroupedBy>,
    /// Whether the traffic of repair is held against Blake and Rodrigues' formula, and what nodes keep
    /// against what their uplinks carry. For overlays whose section has a `storage`.
    #[serde(default)]
    pub(crate) repair: bool,
}

/// An overlay, perhaps with settings of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    /// Its title; the overlay's name, unless given.
    #[serde(default)]
    pub(crate) label: Option<String>,
    /// The overlay's name.
    pub(crate) overlay: String,
    /// What is set for it, such as `overlays.chord.successors=4`.
    #[serde(default)]
    pub(crate) set: Vec<String>,
    /// The largest value of what varies with which it is run; others would take too long.
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
}

/// One field with several values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vary {
    /// The field, such as `workload.copies`.
    pub(crate) field: String,
    /// What it is called in tables; the field, unless given.
    #[serde(default)]
    pub(crate) label: Option<String>,
    /// Its values: a row each.
    pub(crate) values: Vec<Value>,
}

/// One row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Its title.
    pub(crate) label: String,
    /// What is set in it. A column's own settings come after it.
    #[serde(default)]
    pub(crate) set: Vec<String>,
}

/// What is held against whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Against {
    /// The label of the column that the others are held against.
    pub(crate) column: String,
    /// The figures, by their names in records.
    pub(crate) figures: Vec<String>,
}
