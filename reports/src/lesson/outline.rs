//! What a lesson compares and what it shows of it, before anything is measured.
use std::time::Duration;

use peerbench_measure::{GroupedBy, METRICS, Metric, Statistic};

use crate::numbers::count;

/// A lesson: what it teaches, and the grids of runs that show it.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// What it is called.
    pub title: String,
    /// What it teaches, in a sentence.
    pub teaches: String,
    /// What to look for in its tables.
    pub look_for: String,
    /// Where the lesson is from; may be empty.
    pub source: String,
    /// Its grids.
    pub parts: Vec<PartOutline>,
}

/// A grid of runs: what varies against who is compared.
#[derive(Clone, Debug, Default)]
pub struct PartOutline {
    /// What it is about.
    pub title: String,
    /// What the rows differ in, such as `nodes`.
    pub vary: String,
    /// The rows.
    pub rows: Vec<RowOutline>,
    /// Who is compared.
    pub columns: Vec<String>,
    /// What is run, row by row, for each column; `None` where nothing is.
    pub runs: Vec<Vec<Option<RunOutline>>>,
    /// Figures to show.
    pub show: Vec<Shown>,
    /// Figures whose growth over the rows is named.
    pub growth: Vec<Shown>,
    /// Figures whose change from the first row to the others is named.
    pub change: Vec<Shown>,
    /// Figures of the columns held against those of one of them.
    pub against: Option<Against>,
    /// Whether outcomes are shown over time.
    pub timeline: bool,
    /// Groups of nodes whose load is shown.
    pub breakdown: Option<GroupedBy>,
    /// Whether repair is held against a formula, and against what uplinks carry.
    pub repair: bool,
}

/// A row of a grid.
#[derive(Clone, Debug)]
pub struct RowOutline {
    /// What is so in it.
    pub label: String,
    /// The number that the label is, if it is one.
    pub number: Option<f64>,
}

impl RowOutline {
    /// What is so in it; the thousands of a whole number apart.
    pub(crate) fn title(&self) -> String {
        self.label.parse().map_or_else(|_| self.label.clone(), count)
    }
}

/// The runs of one cell of a grid, one for each seed.
#[derive(Clone, Debug)]
pub struct RunOutline {
    /// The overlay in the keys of their records.
    pub overlay: String,
    /// The scenario in the keys of their records, which no other cell has.
    pub scenario: String,
    /// How many they are.
    pub seeds: usize,
    /// When something goes wrong or right again, since the start of the run.
    pub faults: Vec<Duration>,
    /// What is to be kept whole while nodes come and go; `None` where nothing is, or nobody goes.
    pub upkeep: Option<Upkeep>,
}

/// Copies of items on nodes that come and go, as the scenario has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upkeep {
    /// Copies of each item.
    pub copies: f64,
    /// How many items there are.
    pub items: f64,
    /// The bytes of each.
    pub item_bytes: f64,
    /// Nodes that are there, on average.
    pub nodes: f64,
    /// How long one stays, in seconds on average: nodes by departures a second.
    pub stay: f64,
    /// What the slowest uplink carries, in bytes a second; `None` if none is limited.
    pub uplink: Option<f64>,
}

impl Upkeep {
    /// What a node sends for repair, in bytes a second: 2·k·S/(N·T), because who goes takes k·S/N along,
    /// which others copy anew, and who comes is given as much (Blake and Rodrigues 2003, section 2).
    #[must_use]
    pub fn formula(&self) -> f64 {
        2.0 * self.copies * self.items * self.item_bytes / (self.nodes * self.stay)
    }
}

/// Figures of all columns held against those of one.
#[derive(Clone, Debug)]
pub struct Against {
    /// Which column.
    pub column: usize,
    /// The figures.
    pub figures: Vec<Shown>,
}

/// One figure of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The metric.
    pub metric: &'static Metric,
    /// Which of its figures.
    pub statistic: Statistic,
}

impl Shown {
    /// The figure of this name in records; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        METRICS.iter().find_map(|metric| {
            let statistic = metric.statistics.iter().find(|it| metric.name_of(**it) == name)?;
            Some(Self { metric, statistic: *statistic })
        })
    }

    /// The names of all figures in records.
    pub fn names() -> impl Iterator<Item = String> {
        METRICS.iter().flat_map(Metric::names)
    }

    /// What it is called in tables.
    pub(crate) fn title(self) -> String {
        let Self { metric, statistic } = self;
        let group = metric.group.title();
        let subject = match group.split_once(' ') {
            // A latency of what, a path of what: the title alone does not say.
            Some(("lookup", _)) if !metric.title.starts_with("lookup") => {
                format!("lookup {}", metric.title)
            }
            _ => metric.title.to_owned(),
        };
        match statistic {
            Statistic::Value => subject,
            other => format!("{subject}, {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set-up of `configs/papers/replicated-storage.yaml`.
    #[test]
    fn repair_by_the_formula() {
        let upkeep = Upkeep {
            copies: 5.0,
            items: 1_000.0,
            item_bytes: 1e4,
            nodes: 200.0,
            stay: 1_000.0,
            uplink: None,
        };
        assert!((upkeep.formula() - 500.0).abs() < 1e-9);
    }

    #[test]
    fn every_figure_is_found_by_its_name_and_says_what_it_is_of() {
        for name in Shown::names() {
            let Shown { metric, statistic } = Shown::named(&name).expect("it is named");
            assert_eq!(metric.name_of(statistic), name);
        }
        assert!(Shown::named("lookup_hops").is_none(), "there are several");
        let title = |name| Shown::named(name).map(Shown::title).unwrap_or_default();
        assert_eq!(title("lookup_latency_us_p99"), "lookup latency, p99");
        assert_eq!(title("lookup_correct_ratio"), "lookup correct");
        assert_eq!(title("lookup_messages"), "lookup messages");
        assert_eq!(title("state_links_mean"), "links, mean");
    }
}
