//! A judged comparison as JSON, for other programs: everything, with numbers as they are.
use peerbench_measure::{Better, SCHEMA};
use serde::Serialize;

use super::{Case, CaseName, Gate, Row, Tolerance, Verdict};
use crate::comparison::ContrastScale;

/// Version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    version: u32,
    /// That of records, whose metrics' definitions apply.
    schema: u32,
    verdict: Verdict,
    headline: String,
    advice: &'a str,
    base: &'a str,
    head: &'a str,
    notes: &'a [String],
    cases: Vec<CaseDocument<'a>>,
}

#[derive(Serialize)]
struct CaseDocument<'a> {
    #[serde(flatten)]
    name: &'a CaseName,
    verdict: Verdict,
    reason: &'a str,
    seeds: usize,
    identical_runs: usize,
    figures: Vec<FigureDocument<'a>>,
}

#[derive(Serialize)]
struct FigureDocument<'a> {
    figure: &'a str,
    unit: &'a str,
    better: Better,
    verdict: Verdict,
    base: f64,
    head: f64,
    /// `ratio`: the change is how many times the base's figure it is; `difference`: less it.
    scale: &'a str,
    change: f64,
    /// Where the change lies, with a confidence of at least 0.95; `null` for fewer than 6 pairs.
    interval: Option<[f64; 2]>,
    /// Part of the base's figure, or difference of shares.
    tolerance: f64,
    p: f64,
    pairs: usize,
    differing: usize,
}

impl Gate {
    /// The comparison as JSON, on several lines. Ends with a line feed.
    #[must_use]
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(&self.document());
        text.expect("numbers, texts and lists of them encode") + "\n"
    }

    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            version: VERSION,
            schema: SCHEMA,
            verdict: self.verdict,
            headline: self.headline(),
            advice: self.advice(),
            base: &self.base,
            head: &self.head,
            notes: &self.notes,
            cases: self.cases.iter().map(case).collect(),
        }
    }
}

fn case(case: &Case) -> CaseDocument<'_> {
    CaseDocument {
        name: &case.name,
        verdict: case.verdict,
        reason: &case.reason,
        seeds: case.seeds,
        identical_runs: case.equal,
        figures: case.rows.iter().map(figure).collect(),
    }
}

fn figure(row: &Row) -> FigureDocument<'_> {
    let (Tolerance::Relative(tolerance) | Tolerance::Absolute(tolerance)) = row.tolerance;
    FigureDocument {
        figure: &row.figure,
        unit: row.unit,
        better: row.better,
        verdict: row.verdict,
        base: row.base,
        head: row.head,
        scale: match row.change.scale {
            ContrastScale::Ratio => "ratio",
            ContrastScale::Difference => "difference",
        },
        change: row.change.estimate,
        interval: row.change.interval.map(|interval| [interval.low, interval.high]),
        tolerance,
        p: row.p,
        pairs: row.change.pairs,
        differing: row.differing,
    }
}
