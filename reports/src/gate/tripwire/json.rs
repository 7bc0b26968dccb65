//! The tripwire as JSON: everything, with numbers as they are.
use peerbench_measure::Better;
use serde::Serialize;

use super::{Tripwire, TripwireCase, TripwireRow};
use crate::comparison::ContrastScale;
use crate::gate::{CaseName, Verdict};

#[derive(Serialize)]
pub(in crate::gate) struct Document<'a> {
    verdict: Verdict,
    headline: String,
    advice: &'a str,
    cases: Vec<CaseDocument<'a>>,
}

#[derive(Serialize)]
struct CaseDocument<'a> {
    #[serde(flatten)]
    name: &'a CaseName,
    verdict: Verdict,
    reason: &'a str,
    rounds: usize,
    repeated: bool,
    figures: Vec<FigureDocument<'a>>,
}

#[derive(Serialize)]
struct FigureDocument<'a> {
    figure: &'a str,
    unit: &'a str,
    better: Better,
    verdict: Verdict,
    reason: &'a str,
    base: f64,
    head: f64,
    /// `ratio`: the change is how many times the base's figure it is; `difference`: less it.
    scale: &'a str,
    change: f64,
    /// Where the change lies, with a confidence of at least 0.95; `null` for fewer than 6 rounds.
    interval: Option<[f64; 2]>,
    threshold: f64,
    noise_floor: f64,
    bar: f64,
    p: f64,
    rounds: usize,
}

impl Tripwire {
    pub(in crate::gate) fn document(&self) -> Document<'_> {
        Document {
            verdict: self.verdict,
            headline: self.headline(),
            advice: self.advice(),
            cases: self.cases.iter().map(case).collect(),
        }
    }
}

fn case(case: &TripwireCase) -> CaseDocument<'_> {
    CaseDocument {
        name: &case.name,
        verdict: case.verdict,
        reason: &case.reason,
        rounds: case.rounds,
        repeated: case.is_repeated,
        figures: case.rows.iter().map(figure).collect(),
    }
}

fn figure(row: &TripwireRow) -> FigureDocument<'_> {
    FigureDocument {
        figure: &row.figure,
        unit: row.unit,
        better: row.better,
        verdict: row.verdict,
        reason: row.reason,
        base: row.base,
        head: row.head,
        scale: match row.change.scale {
            ContrastScale::Ratio => "ratio",
            ContrastScale::Difference => "difference",
        },
        change: row.change.estimate,
        interval: row.change.interval.map(|interval| [interval.low, interval.high]),
        threshold: row.threshold,
        noise_floor: row.floor,
        bar: row.bar,
        p: row.p,
        rounds: row.change.pairs,
    }
}
