//! The tables of a part: a figure over rows and columns, outcomes over time, load by group.
use std::collections::BTreeSet;

use peerbench_measure::{GroupedBy, Load, NodeGroup, Reading, Timeline};

use super::timeline::{Course, FAULT};
use super::{Block, Measured, Shown, Table, repair};
use crate::figures::Figure;
use crate::numbers::{NOT_MEASURED, Scale, count};
use crate::summary::cell;

/// Blocks of a timeline.
const MOST_BLOCKS: usize = 40;

/// Figures beside a timeline.
const RECOVERY: [(&str, &str); 3] = [
    ("before", "correct_before_fault"),
    ("lowest", "correct_lowest_after_fault"),
    ("recovered after", "recovery_time_us"),
];

/// What groups of nodes show: a title, the unit, and where it is.
type GroupFigure = (&'static str, &'static str, fn(&NodeGroup) -> Option<Load>);
const LOADS: [GroupFigure; 5] = [
    ("sent", "B/s", |group| group.bytes_sent),
    ("messages", "1/s", |group| group.messages),
    ("of its uplink", "ratio", |group| group.uplink_utilisation),
    ("entries", "count", |group| group.entries),
    ("links", "count", |group| group.links),
];

/// All tables of a part.
pub(super) fn tables(part: &Measured<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    if !part.outline.show.is_empty() {
        tables.push(figures(part));
    }
    if part.outline.repair {
        tables.push(repair::table(part));
    }
    if part.outline.timeline {
        tables.extend(timelines(part));
    }
    if let Some(by) = part.outline.breakdown {
        tables.push(breakdown(part, by));
    }
    tables
}

/// A figure in words.
pub(super) fn words(shown: Shown, number: f64) -> String {
    cell(Figure { reading: Reading::Measured(number), range: None }, |number| scale(shown, number))
}

fn scale(shown: Shown, number: f64) -> Scale {
    Scale::of(shown.metric.unit, number)
}

/// One block a figure, a row each, a column for everybody compared.
fn figures(part: &Measured<'_>) -> Table {
    let outline = part.outline;
    let row = |row: usize, shown: Shown| {
        let cells = (0..outline.columns.len()).map(|column| {
            let figure = part.figure(row, column, shown);
            figure.map_or_else(String::new, |figure| cell(figure, |it| scale(shown, it)))
        });
        std::iter::once(outline.rows[row].title()).chain(cells).collect()
    };
    let block = |shown: &Shown| Block {
        title: shown.title(),
        rows: (0..outline.rows.len()).map(|number| row(number, *shown)).collect(),
    };
    let header = std::iter::once(&outline.vary).chain(&outline.columns);
    Table {
        header: header.cloned().collect(),
        words: 1,
        blocks: outline.show.iter().map(block).collect(),
    }
}

/// One block a row of the part, a row for everybody compared.
fn timelines(part: &Measured<'_>) -> Option<Table> {
    let outline = part.outline;
    let mut lengths = BTreeSet::new();
    let mut row = |row: usize, column: usize| {
        let cell = part.cells[row][column].as_ref()?;
        let run = outline.runs[row][column].as_ref()?;
        let timelines: Vec<&Timeline> =
            cell.records().iter().filter_map(|record| record.timeline.as_ref()).collect();
        let (blocks, seconds) = Course::of(timelines)?.blocks(&run.faults, MOST_BLOCKS);
        lengths.insert(seconds);
        let mut cells = vec![outline.columns[column].clone(), blocks];
        cells.extend(RECOVERY.iter().map(|(_, name)| recovery(part, row, column, name)));
        Some(cells)
    };
    let mut blocks = Vec::new();
    for (place, label) in outline.rows.iter().enumerate() {
        let rows: Vec<_> =
            (0..outline.columns.len()).filter_map(|column| row(place, column)).collect();
        if !rows.is_empty() {
            blocks.push(Block { title: label.title(), rows });
        }
    }
    let lengths: Vec<String> = lengths.iter().map(|seconds| format!("{seconds} s")).collect();
    let course = format!("correct, {} a block; {FAULT} fault, return", lengths.join(" or "));
    let header = ["", &course].into_iter().chain(RECOVERY.iter().map(|(title, _)| *title));
    let header = header.map(str::to_owned).collect();
    (!blocks.is_empty()).then_some(Table { header, words: 2, blocks })
}

/// A figure of recovery. Who fell and did not rise again has no recovery time, and who did not fall
/// has none to speak of.
fn recovery(part: &Measured<'_>, row: usize, column: usize, name: &str) -> String {
    let number = |name| part.number(row, column, Shown::named(name)?);
    match (number(name), number("correct_before_fault")) {
        (None, Some(_)) if name == "recovery_time_us" => "never".to_owned(),
        (Some(0.0), _) if name == "recovery_time_us" => "unharmed".to_owned(),
        (None, _) => NOT_MEASURED.to_owned(),
        (Some(found), _) => Shown::named(name).map_or_else(String::new, |it| words(it, found)),
    }
}

/// One block for each row and column of the part, a row for each group of nodes.
fn breakdown(part: &Measured<'_>, by: GroupedBy) -> Table {
    let outline = part.outline;
    let mut blocks = Vec::new();
    for (place, row) in part.cells.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let label = match outline.rows.len() {
                1 => outline.columns[column].clone(),
                _ => format!("{} · {}", outline.columns[column], outline.rows[place].title()),
            };
            let mut groups: Vec<(&str, Vec<&NodeGroup>)> = Vec::new();
            for group in cell.records().iter().flat_map(|record| record.groups(by)) {
                match groups.iter_mut().find(|(name, _)| *name == group.name) {
                    Some((_, others)) => others.push(group),
                    None => groups.push((&group.name, vec![group])),
                }
            }
            let runs = cell.records().len();
            let rows = groups.iter().map(|(name, groups)| group_row(name, groups, runs));
            blocks.push(Block { title: label, rows: rows.collect() });
        }
    }
    let header = ["mean · max", "nodes"].into_iter().chain(LOADS.iter().map(|(title, ..)| *title));
    Table { header: header.map(str::to_owned).collect(), words: 1, blocks }
}

/// What a group of nodes carried, over all runs that have one.
fn group_row(name: &str, groups: &[&NodeGroup], runs: usize) -> Vec<String> {
    let nodes: u64 = groups.iter().map(|group| group.nodes).sum();
    let loads = LOADS.iter().map(|(_, unit, load)| {
        let loads = || groups.iter().filter_map(|group| Some((group.nodes, load(group)?)));
        let weight: u64 = loads().map(|(nodes, _)| nodes).sum();
        let max = loads().map(|(_, load)| load.max).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = loads().map(|(nodes, load)| nodes as f64 * load.mean).sum();
        match weight {
            0 => NOT_MEASURED.to_owned(),
            weight => mean_and_max(unit, sum / weight as f64, max),
        }
    });
    let nodes = count(nodes.checked_div(runs as u64).unwrap_or_default());
    [name.to_owned(), nodes].into_iter().chain(loads).collect()
}

/// Both in one unit, each with its own digits.
fn mean_and_max(unit: &str, mean: f64, max: f64) -> String {
    let scale = Scale::of(unit, mean);
    let largest = match unit {
        "count" => Scale::of(unit, max).number(max),
        _ => scale.with_digits_for(max).number(max),
    };
    format!("{} · {largest}{}", scale.number(mean), scale.suffix())
}
