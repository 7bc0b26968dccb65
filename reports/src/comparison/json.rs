//! A comparison as JSON, for other programs: everything, with numbers as they are.
use peerbench_measure::{Driver, SCHEMA};
use serde::Serialize;

use super::{Cell, Comparison, Contrast, ContrastScale, Row, Table};
use crate::gate::{self, Gate};

/// Version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    /// That of records, whose metrics' definitions apply.
    schema: u32,
    /// What the exact runs of both come to, where they are of the same overlays in the same scenarios.
    verdict: Option<gate::Document<'a>>,
    runs: &'a [String],
    tables: Vec<TableDocument<'a>>,
}

#[derive(Serialize)]
struct TableDocument<'a> {
    title: &'a str,
    driver: Driver,
    /// The others are compared to the first.
    columns: &'a [String],
    figures: Vec<FigureDocument<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct FigureDocument<'a> {
    figure: &'a str,
    unit: &'a str,
    /// A value for each column; `null` where there is none.
    values: Vec<Option<f64>>,
    /// For each column how far it is from the first, of which there is none.
    contrasts: Vec<Option<ContrastDocument>>,
}

#[derive(Serialize)]
struct ContrastDocument {
    /// `ratio`: how many times the first's; `difference`: less the first's.
    scale: &'static str,
    estimate: f64,
    /// With a confidence of at least 0.95; `null` for fewer than 6 pairs.
    interval: Option<[f64; 2]>,
    pairs: usize,
    /// Whether no difference was told.
    tie: bool,
}

impl Comparison {
    /// The comparison as JSON on several lines, with the verdict if there is one. Ends with a line
    /// feed.
    #[must_use]
    pub fn json(&self, verdict: Option<&Gate>) -> String {
        let document = Document {
            version: VERSION,
            schema: SCHEMA,
            verdict: verdict.map(Gate::document),
            runs: &self.sources,
            tables: self.tables.iter().map(table).collect(),
        };
        let text = serde_json::to_string_pretty(&document);
        text.expect("numbers, texts and lists of them encode") + "\n"
    }
}

fn table(table: &Table) -> TableDocument<'_> {
    TableDocument {
        title: &table.title,
        driver: table.driver,
        columns: &table.columns,
        figures: table.blocks.iter().flat_map(|block| &block.rows).map(figure).collect(),
        notes: &table.notes,
    }
}

fn figure(row: &Row) -> FigureDocument<'_> {
    FigureDocument {
        figure: &row.figure,
        unit: row.unit,
        values: row.cells.iter().map(|cell| cell.number).collect(),
        contrasts: row.cells.iter().map(contrast).collect(),
    }
}

fn contrast(cell: &Cell) -> Option<ContrastDocument> {
    let Contrast { scale, estimate, interval, pairs, tie } = cell.contrast?;
    let scale = match scale {
        ContrastScale::Ratio => "ratio",
        ContrastScale::Difference => "difference",
    };
    let interval = interval.map(|interval| [interval.low, interval.high]);
    Some(ContrastDocument { scale, estimate, interval, pairs, tie })
}
