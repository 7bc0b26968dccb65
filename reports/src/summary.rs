//! What a run's summary says, in words and figures but in no particular form.
use std::collections::{BTreeMap, BTreeSet};

use peerbench_measure::{
    Driver, FolderError, METRICS, Manifest, Metric, Reading, RunFolder, RunRecord, Statistic,
    Status,
};

use crate::endings::endings;
use crate::figures::{Figure, Figures};
use crate::layout::{Line, SECTIONS, Section, Show};
use crate::loads::loads;
use crate::numbers::{NOT_MEASURED, NOT_OFFERED, Scale, apart, count};

/// A run's summary.
#[derive(Clone, Debug)]
pub struct Summary {
    /// One table for each overlay, scenario and number of nodes; none if nothing was measured.
    pub tables: Vec<Table>,
    /// The circumstances of the run.
    pub manifest: Manifest,
}

/// What was measured of one overlay in one scenario, a column for each driver.
#[derive(Clone, Debug)]
pub struct Table {
    /// Overlay, scenario, nodes and seeds.
    pub title: String,
    /// The columns; a second one is compared to the first.
    pub drivers: Vec<Driver>,
    /// The rows.
    pub blocks: Vec<Block>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
}

/// The parts of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the overlay did for its users.
    Lookups,
    /// What that took from its nodes.
    Nodes,
    /// How the run went.
    Run,
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

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it shows.
    pub label: String,
    /// The metric behind it, for whoever wants to explain it.
    pub metric: Option<&'static str>,
    /// One figure for each driver.
    pub cells: Vec<String>,
    /// How far the second driver is from the first; empty if there is no second.
    pub apart: String,
}

/// Sums up a run from its folder, finished or not.
///
/// # Errors
/// If a file of histograms is missing or damaged.
pub fn summary(run: &RunFolder) -> Result<Summary, FolderError> {
    let mut worlds: BTreeMap<(&str, &str, u32), Vec<&RunRecord>> = BTreeMap::new();
    for record in run.records() {
        let key = &record.key;
        worlds.entry((&key.overlay, &key.scenario, key.n)).or_default().push(record);
    }
    let tables =
        worlds.into_values().map(|records| table(run, &records)).collect::<Result<_, _>>()?;
    Ok(Summary { tables, manifest: run.manifest().clone() })
}

impl Summary {
    /// Whether there is nothing to show, because nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

fn table(run: &RunFolder, records: &[&RunRecord]) -> Result<Table, FolderError> {
    let (records, left_out) = in_one_world(records);
    let records = &records;
    let drivers: BTreeSet<Driver> = records.iter().map(|record| record.key.driver).collect();
    let columns = drivers
        .iter()
        .map(|driver| {
            let of_driver = |record: &&RunRecord| record.key.driver == *driver;
            Figures::new(run, records.iter().copied().filter(of_driver).collect())
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut blocks: Vec<Block> =
        SECTIONS.iter().filter_map(|section| block(section, &columns)).collect();
    let outcome = blocks.len().min(1);
    blocks.splice(outcome..outcome, endings(&columns));
    let run = blocks.iter().position(|block| block.part == Part::Run).unwrap_or(blocks.len());
    blocks.splice(run..run, loads(&columns));
    blocks.extend(controls(&columns));
    blocks.extend(traces(&columns));
    let mut notes = notes(records);
    if left_out > 0 {
        notes.push(format!(
            "{left_out} runs under seeds that only one driver ran are left out here: drivers are \
             held against each other in the same worlds"
        ));
    }
    Ok(Table { title: title(records), notes, drivers: drivers.into_iter().collect(), blocks })
}

/// Where several drivers ran, the records under seeds that all of them ran, if there are any; and
/// how many others there are.
fn in_one_world<'r>(records: &[&'r RunRecord]) -> (Vec<&'r RunRecord>, usize) {
    let mut seeds: BTreeMap<Driver, BTreeSet<u64>> = BTreeMap::new();
    for record in records {
        seeds.entry(record.key.driver).or_default().insert(record.key.seed);
    }
    let is_shared = |seed: &u64| seeds.values().all(|of_driver| of_driver.contains(seed));
    let shared: Vec<&RunRecord> =
        records.iter().copied().filter(|record| is_shared(&record.key.seed)).collect();
    match shared.len() {
        0 => (records.to_vec(), 0),
        some => (shared, records.len() - some),
    }
}

fn title(records: &[&RunRecord]) -> String {
    let seeds: BTreeSet<u64> = records.iter().map(|record| record.key.seed).collect();
    let rounds: BTreeSet<u32> = records.iter().map(|record| record.key.round).collect();
    let key = &records[0].key;
    let seeds = match seeds.len() {
        1 => format!("seed {}", key.seed),
        2..=6 => {
            let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
            format!("seeds {}", list.join(", "))
        }
        many => format!("{many} seeds"),
    };
    let rounds = match rounds.len() {
        1 => String::new(),
        many => format!(" · {many} rounds"),
    };
    let nodes = count(u64::from(key.n));
    format!("{} · {} · {nodes} nodes · {seeds}{rounds}", key.overlay, key.scenario)
}

fn block(section: &Section, columns: &[Figures<'_>]) -> Option<Block> {
    let mut found = false;
    let mut rows = Vec::new();
    for line in section.lines {
        let metric = METRICS.iter().find(|metric| metric.name == line.metric)?;
        if !line.show.is_meant(columns.iter().flat_map(|column| column.records().iter().copied())) {
            continue;
        }
        let figures: Vec<Figure> =
            columns.iter().map(|column| column.figure(metric, line.show.statistic())).collect();
        found |= figures.iter().any(|figure| figure.reading != Reading::NotMeasured);
        if line.show.is_shown(&figures) {
            rows.push(row(line, metric, columns, &figures));
        }
    }
    if rows.is_empty() && found {
        rows.push(nothing_lost(section, columns));
    }
    (section.always || found).then(|| Block {
        part: section.part,
        title: section.title.to_owned(),
        hint: section.hint.to_owned(),
        rows,
    })
}

fn row(line: &Line, metric: &'static Metric, columns: &[Figures<'_>], found: &[Figure]) -> Row {
    let scale = |number| Scale::of(metric.unit, number);
    let cells = columns.iter().zip(found).map(|(column, figure)| match line.show {
        Show::MeanAndMax => pair(metric.unit, *figure, column.figure(metric, Statistic::Max)),
        Show::Distribution => extent(column, metric),
        Show::Milliseconds(_) | Show::IfWrong(_) => cell(*figure, Scale::milliseconds),
        Show::Figure(_) | Show::IfAny => cell(*figure, scale),
    });
    let apart = match (line.show, columns) {
        (Show::Distribution, [one, another]) => distance(one, another, metric),
        // What the machine does is not the overlay's to agree on.
        _ if metric.machine => String::new(),
        _ => apart_cell(metric.unit, found),
    };
    Row { label: line.label.to_owned(), metric: Some(metric.name), cells: cells.collect(), apart }
}

/// The row of a section whose every figure is zero.
fn nothing_lost(section: &Section, columns: &[Figures<'_>]) -> Row {
    let looked = |column: &Figures<'_>| {
        section.lines.iter().any(|line| {
            column.records().iter().any(|record| record.reading(line.metric).number().is_some())
        })
    };
    let cell = |column| if looked(column) { "0" } else { NOT_MEASURED };
    Row {
        label: "any".to_owned(),
        metric: None,
        cells: columns.iter().map(|column| cell(column).to_owned()).collect(),
        apart: String::new(),
    }
}

/// A figure in words, with its range if it has one.
pub(crate) fn cell(figure: Figure, scale: impl FnOnce(f64) -> Scale) -> String {
    let number = match figure.reading {
        Reading::Measured(number) => number,
        Reading::NotMeasured => return NOT_MEASURED.to_owned(),
        Reading::NotOffered => return NOT_OFFERED.to_owned(),
    };
    let scale = scale(number);
    format!("{}{}", spread(&scale, number, figure.range), scale.suffix())
}

/// Mean and largest in one cell, in one unit.
pub(crate) fn pair(unit: &str, mean: Figure, max: Figure) -> String {
    let (Some(number), Some(largest)) = (mean.reading.number(), max.reading.number()) else {
        return cell(mean, |number| Scale::of(unit, number));
    };
    let scale = Scale::of(unit, number);
    // The largest count is a whole number, and should look like one.
    let largest = match unit {
        "count" => Scale::of(unit, largest).number(largest),
        _ => scale.number(largest),
    };
    format!("{} · {largest}{}", spread(&scale, number, mean.range), scale.suffix())
}

/// The number, and the range around it if it can be told from the number.
fn spread(scale: &Scale, number: f64, range: Option<(f64, f64)>) -> String {
    let shown = scale.number(number);
    let range = range.map(|(least, largest)| (scale.number(least), scale.number(largest)));
    match range {
        Some((least, largest)) if least != largest => format!("{shown} ({least}–{largest})"),
        _ => shown,
    }
}

/// Where nearly all values lie.
fn extent(column: &Figures<'_>, metric: &Metric) -> String {
    let low = column.figure(metric, Statistic::Quantile(10)).reading;
    let high = column.figure(metric, Statistic::Quantile(990)).reading;
    match (low.number(), high.number()) {
        (Some(low), Some(high)) => format!("{low} … {high}"),
        _ => cell(Figure { reading: low, range: None }, |number| Scale::of(metric.unit, number)),
    }
}

fn distance(one: &Figures<'_>, another: &Figures<'_>, metric: &Metric) -> String {
    one.distance(another, metric.name)
        .map_or_else(|| NOT_MEASURED.to_owned(), |distance| format!("{distance:.3}"))
}

/// How far the second of two figures is from the first; empty unless there are two.
pub(crate) fn apart_cell(unit: &str, figures: &[Figure]) -> String {
    let [reference, other] = figures else { return String::new() };
    let numbers = reference.reading.number().zip(other.reading.number());
    numbers
        .and_then(|(reference, other)| apart(unit, reference, other))
        .unwrap_or_else(|| NOT_MEASURED.to_owned())
}

fn controls(columns: &[Figures<'_>]) -> Option<Block> {
    let names: BTreeSet<&String> = columns
        .iter()
        .flat_map(|column| column.records().iter().flat_map(|record| record.controls.keys()))
        .collect();
    let row = |name: &String| Row {
        label: name.replace('_', " "),
        metric: None,
        cells: columns
            .iter()
            .map(|column| match column.control(name) {
                Some((figure, unit)) => cell(figure, |number| Scale::of(unit, number)),
                None => NOT_MEASURED.to_owned(),
            })
            .collect(),
        apart: String::new(),
    };
    let rows: Vec<Row> = names.into_iter().map(row).collect();
    (!rows.is_empty()).then(|| Block {
        part: Part::Run,
        title: "controls".to_owned(),
        hint: String::new(),
        rows,
    })
}

/// The hash of every run's trace, a row for each seed.
fn traces(columns: &[Figures<'_>]) -> Option<Block> {
    let records = || columns.iter().flat_map(|column| column.records());
    if records().all(|record| record.trace_digest.is_none()) {
        return None;
    }
    let seeds: BTreeSet<u64> = records().map(|record| record.key.seed).collect();
    let row = |seed: u64| Row {
        label: format!("seed {seed}"),
        metric: None,
        cells: columns.iter().map(|column| trace(digests(column.records(), seed))).collect(),
        apart: String::new(),
    };
    Some(Block {
        part: Part::Run,
        title: "trace hash".to_owned(),
        hint: String::new(),
        rows: seeds.into_iter().map(row).collect(),
    })
}

fn trace(digests: BTreeSet<&str>) -> String {
    match digests.len() {
        0 => NOT_MEASURED.to_owned(),
        1 => digests.into_iter().collect(),
        _ => "they differ".to_owned(),
    }
}

/// The digests of the traces of a seed's runs: one, unless something is wrong.
pub(crate) fn digests<'a>(records: &[&'a RunRecord], seed: u64) -> BTreeSet<&'a str> {
    let of_seed = records.iter().filter(|record| record.key.seed == seed);
    of_seed.filter_map(|record| record.trace_digest.as_deref()).collect()
}

fn notes(records: &[&RunRecord]) -> Vec<String> {
    let several = records.iter().any(|record| record.key.seed != records[0].key.seed);
    let mut notes = Vec::new();
    for record in records {
        let who = match several {
            true => format!("{}, seed {}", record.key.driver, record.key.seed),
            false => record.key.driver.to_string(),
        };
        match record.status {
            Status::Ok => {}
            Status::Interrupted => {
                notes.push(format!("{who}: interrupted; the figures are of what was finished"));
            }
            status => notes.push(format!("{who}: {status}; the figures are not of a whole run")),
        }
        notes.extend(record.notes.iter().map(|note| format!("{who}: {note}")));
        if digests(&same_driver(records, record), record.key.seed).len() > 1 {
            notes.push(format!(
                "{}: invalid: seed {} gave different traces",
                record.key.driver, record.key.seed
            ));
        }
    }
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    notes
}

fn same_driver<'a>(records: &[&'a RunRecord], like: &RunRecord) -> Vec<&'a RunRecord> {
    records.iter().copied().filter(|record| record.key.driver == like.key.driver).collect()
}
