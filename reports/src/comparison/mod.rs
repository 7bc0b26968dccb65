//! Overlay against overlay, in the same world: one table a driver, a row a figure, a column an
//! overlay. Nobody wins: every figure stands beside the reference's, with what is known about the
//! difference.
//!
//! Runs of one seed met the same nodes, latencies, items, searches and failures, so differences
//! are taken seed by seed. [`compare`] makes a [`Comparison`] of one stored run of several
//! overlays, or of several stored runs of one world.

mod agreement;
mod columns;
mod contrast;
mod json;
mod markdown;
mod notes;
mod rows;
mod terminal;
pub(crate) mod world;

use std::collections::BTreeSet;

use peerbench_measure::{Driver, FolderError, RunFolder};

use crate::Part;
use crate::numbers::count;
use columns::{Column, sources};

pub use agreement::{Agreement, AgreementRow};
pub(crate) use contrast::contrast;
pub use contrast::{Contrast, ContrastScale};

/// What stands between two overlays.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// One table for each driver that ran.
    pub tables: Vec<Table>,
    /// How far the drivers are apart, overlay by overlay, where both ran.
    pub agreements: Vec<Agreement>,
    /// The runs that it is made of, where there are several.
    pub sources: Vec<String>,
}

/// What one driver found, a column for each overlay.
#[derive(Clone, Debug)]
pub struct Table {
    /// Driver, scenario, nodes and seeds.
    pub title: String,
    /// What ran the nodes.
    pub driver: Driver,
    /// The overlays. The others are compared to the first, the reference.
    pub columns: Vec<String>,
    /// The rows.
    pub blocks: Vec<Block>,
    /// How the table is to be read.
    pub reading: Vec<String>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
}

/// Rows that belong together.
#[derive(Clone, Debug)]
pub struct Block {
    /// The part of the table they are in.
    pub part: Part,
    /// What they are about.
    pub title: String,
    /// What is true of all of them; may be empty.
    pub hint: String,
    /// The rows, at least one.
    pub rows: Vec<Row>,
}

/// One figure of every overlay.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it shows.
    pub label: String,
    /// The metric behind it.
    pub metric: &'static str,
    /// The figure's name in records.
    pub figure: String,
    /// Its unit there.
    pub unit: &'static str,
    /// A cell for each overlay.
    pub cells: Vec<Cell>,
}

/// A figure of one overlay, and how far it is from the reference's.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The figure, in words.
    pub value: String,
    /// The figure as a number, in the row's unit; `None` where there is none.
    pub number: Option<f64>,
    /// How far it is from the reference's; `None` for the reference itself, and where one of them
    /// has no figure.
    pub contrast: Option<Contrast>,
    /// The estimate of that, in words: `×0.35`, `−2.00 pt`, `~` for none. A `†` at its end says
    /// that the overlays did not answer the same share of searches correctly. Empty without a
    /// contrast.
    pub against: String,
    /// Its interval, in words: `[0.33, 0.37]`; may be empty.
    pub interval: String,
}

impl Cell {
    /// The contrast in words, with its interval.
    fn against_with_interval(&self) -> String {
        format!("{} {}", self.against, self.interval).trim_end().to_owned()
    }
}

/// Why runs are not compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// A run cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The runs are of different worlds, so their seeds mean different things.
    #[error(
        "{first} and {second} are not of the same world, so their figures cannot be compared:\n  \
         {}\nMeasure both in one scenario",
        .differences.join("\n  ")
    )]
    Worlds {
        /// The first run.
        first: String,
        /// The one that is of another world.
        second: String,
        /// What differs, field by field.
        differences: Vec<String>,
    },
    /// What should be the reference was not measured.
    #[error("the reference `{reference}` is not among what was measured: {}", .columns.join(", "))]
    Reference {
        /// The reference that was asked for.
        reference: String,
        /// What there is.
        columns: Vec<String>,
    },
}

/// Compares what is in these runs: the overlays of one, or of several in the same world. An overlay
/// that is in several runs is as many columns, `NAME #1` for the first run's and so on. The
/// reference is the first of all unless another is named.
///
/// # Errors
/// If the runs are of different worlds, if there is no such reference, or if a file of histograms
/// is missing or damaged.
pub fn compare(runs: &[RunFolder], reference: Option<&str>) -> Result<Comparison, ComparisonError> {
    world::check(runs)?;
    let mut sources = sources(runs);
    if let Some(reference) = reference {
        let place = sources.iter().position(|source| source.label == reference);
        let place = place.ok_or_else(|| ComparisonError::Reference {
            reference: reference.to_owned(),
            columns: sources.iter().map(|source| source.label.clone()).collect(),
        })?;
        sources[..=place].rotate_right(1);
    }
    let keys = || runs.iter().flat_map(RunFolder::records).map(|record| &record.key);
    let worlds: BTreeSet<(&str, u32)> = keys().map(|key| (&*key.scenario, key.n)).collect();
    let drivers: BTreeSet<Driver> = keys().map(|key| key.driver).collect();
    let mut tables = Vec::new();
    let mut agreements = Vec::new();
    for world in worlds {
        let mut of_drivers = Vec::new();
        for &driver in &drivers {
            let columns = sources
                .iter()
                .map(|source| Column::new(source, world, driver))
                .collect::<Result<Vec<_>, _>>()?;
            tables.push(table(world, driver, &columns));
            of_drivers.push(columns);
        }
        if let [testbed, simulator] = &of_drivers[..] {
            agreements.extend(agreement::agreement(world, testbed, simulator));
        }
    }
    if sources.len() < 2 {
        tables.clear();
    }
    Ok(Comparison { tables, agreements, sources: world::sources(runs) })
}

impl Comparison {
    /// Whether there is nothing to compare: fewer than two overlays, or nothing measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Keeps what one driver found, and drops how far it is from the other.
    pub fn keep_driver(&mut self, driver: Driver) {
        self.tables.retain(|table| table.driver == driver);
        self.agreements.clear();
    }
}

fn table(world: (&str, u32), driver: Driver, columns: &[Column<'_>]) -> Table {
    Table {
        title: title(&driver.to_string(), world, columns),
        driver,
        columns: columns.iter().map(|column| column.label.clone()).collect(),
        blocks: rows::blocks(columns),
        reading: notes::reading(columns),
        notes: notes::notes(columns),
    }
}

/// What is shown, in which world, over which seeds.
fn title(what: &str, (scenario, nodes): (&str, u32), columns: &[Column<'_>]) -> String {
    let pairs = columns.iter().flat_map(|column| column.records.keys());
    let seeds: BTreeSet<u64> = pairs.clone().map(|(seed, _)| *seed).collect();
    let rounds: BTreeSet<u32> = pairs.map(|(_, round)| *round).collect();
    let seeds = match (seeds.first(), seeds.len()) {
        (Some(seed), 1) => format!(" · seed {seed}"),
        (_, many) => format!(" · {many} seeds"),
    };
    let rounds = match rounds.len() {
        0 | 1 => String::new(),
        many => format!(" · {many} rounds"),
    };
    format!("{what} · {scenario} · {} nodes{seeds}{rounds}", count(u64::from(nodes)))
}
