//! What follows from a part's figures, in sentences that are computed from them.
use std::cmp::Ordering;

use super::tables::words;
use super::{Measured, Shown};
use crate::numbers::Scale;
use crate::statistics::{Fits, Growth, fit_growth};

/// Differences of Akaike's criterion below this tell nothing (Burnham and Anderson 2002).
const EVIDENCE: f64 = 2.0;

/// Figures that vary by less than this part of themselves do not grow.
const CONSTANT: f64 = 1e-9;

/// All conclusions of a part.
pub(super) fn conclusions(part: &Measured<'_>) -> Vec<String> {
    let outline = part.outline;
    let columns = 0..outline.columns.len();
    let mut conclusions = Vec::new();
    if let Some(against) = &outline.against {
        for shown in &against.figures {
            let others = columns.clone().filter(|column| *column != against.column);
            conclusions.extend(others.filter_map(|it| contrast(part, *shown, it, against.column)));
        }
    }
    conclusions.extend(outline.change.iter().filter_map(|shown| change(part, *shown)));
    for shown in &outline.growth {
        conclusions.extend(columns.clone().filter_map(|column| growth(part, *shown, column)));
    }
    conclusions
}

/// From where on a column's figure is above that of another.
fn contrast(part: &Measured<'_>, shown: Shown, column: usize, other: usize) -> Option<String> {
    let pair = |row| {
        let figures = (part.number(row, column, shown)?, part.number(row, other, shown)?);
        Some((row, figures.0, figures.1))
    };
    let pairs: Vec<(usize, f64, f64)> = (0..part.outline.rows.len()).filter_map(pair).collect();
    let order = |(_, one, another): &(usize, f64, f64)| one.total_cmp(another);
    let values = |(row, one, another): &(usize, f64, f64)| {
        format!(
            "{} against {} at {}",
            words(shown, *one),
            words(shown, *another),
            place(part, *row)
        )
    };
    let (first, last) = (pairs.first()?, pairs.last()?);
    let (one, another) = (&part.outline.columns[column], &part.outline.columns[other]);
    let subject = format!("{}: {one}", shown.title());
    // Where it changes sides for good, if it does so once.
    let switch = pairs.iter().position(|pair| order(pair) == order(last)).unwrap_or_default();
    let is_once = pairs[switch..].iter().all(|pair| order(pair) == order(last));
    let side = match order(last) {
        Ordering::Less => "below",
        Ordering::Greater => "above",
        Ordering::Equal => "level with",
    };
    let claim = match (switch, is_once) {
        (_, false) => format!("{subject} is now above, now below {another}"),
        (0, true) => format!("{subject} is {side} {another} throughout"),
        (switch, true) => {
            let from = place(part, pairs[switch].0);
            format!("{subject} is {side} {another} from {from} on")
        }
    };
    let mut shown_at = vec![values(first)];
    if switch > 0 && is_once && pairs[switch].0 != last.0 {
        shown_at.push(values(&pairs[switch]));
    }
    if last.0 != first.0 {
        shown_at.push(values(last));
    }
    Some(format!("{claim}: {}", shown_at.join(", ")))
}

/// A row, as a sentence names it: `nodes = 64`, or its label.
fn place(part: &Measured<'_>, row: usize) -> String {
    let (outline, vary) = (&part.outline.rows[row], &part.outline.vary);
    match outline.number {
        Some(_) => format!("{vary} = {}", outline.label),
        None => outline.label.clone(),
    }
}

/// By which factor each column's figure changes from the first row to each other one.
fn change(part: &Measured<'_>, shown: Shown) -> Option<String> {
    let (rows, columns) = (&part.outline.rows, &part.outline.columns);
    let factors = |row: usize| {
        let factor = |(column, label): (usize, &String)| {
            let (before, after) =
                (part.number(0, column, shown)?, part.number(row, column, shown)?);
            let factor = after / before;
            let written = Scale::ratio(factor).number(factor);
            (before > 0.0).then(|| format!("{label} ×{written}"))
        };
        let factors: Vec<String> = columns.iter().enumerate().filter_map(factor).collect();
        let label = &rows[row].label;
        (!factors.is_empty()).then(|| format!("with {label}, {}", factors.join(", ")))
    };
    let changes: Vec<String> = (1..rows.len()).filter_map(factors).collect();
    let first = rows.first().map(|row| &row.label)?;
    (!changes.is_empty())
        .then(|| format!("{} as a multiple of {first}: {}", shown.title(), changes.join("; ")))
}

/// How a column's figure grows with what the rows vary.
fn growth(part: &Measured<'_>, shown: Shown, column: usize) -> Option<String> {
    let rows = part.outline.rows.iter().enumerate();
    let points: Vec<(f64, f64)> = rows
        .filter_map(|(row, outline)| Some((outline.number?, part.number(row, column, shown)?)))
        .collect();
    let subject = format!("{} of {}", shown.title(), part.outline.columns[column]);
    let (_, first) = *points.first()?;
    if points.len() > 1 && points.iter().all(|(_, y)| (y - first).abs() <= CONSTANT * first.abs()) {
        return Some(format!("{subject}: {} everywhere", words(shown, first)));
    }
    Some(format!("{subject}: {}", named(&fit_growth(&points)?)))
}

/// Which curve is nearer, with both.
fn named(fits: &Fits) -> String {
    let Fits { logarithmic, power, better } = fits;
    let Some(power) = power else { return logarithmic.to_string() };
    let doubt = match fits.evidence() {
        Some(evidence) if evidence < EVIDENCE => ", by too little to be sure",
        _ => "",
    };
    match better {
        Some(Growth::Logarithmic) => {
            format!("{logarithmic} is nearer than {power}{doubt}")
        }
        Some(Growth::Power) => format!("{power} is nearer than {logarithmic}{doubt}"),
        None => format!("{logarithmic} and {power} are as near"),
    }
}
