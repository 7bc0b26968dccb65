//! What follows from a part's figures, in sentences that are computed from them.
use std::cmp::Ordering;

use super::tables::words;
use super::{Measured, Shown, repair};
use crate::numbers::Scale;
use crate::statistics::{Fits, Growth, fit_growth};

/// Differences of Akaike's criterion below this tell nothing (Burnham and Anderson 2002).
const EVIDENCE: f64 = 2.0;

/// Of more rows than these that are steps of one number, only the first and the last are compared.
const MOST_CHANGES: usize = 3;

/// Figures of which the least is above this part of the largest hardly grow: a curve through them
/// would be one through noise.
const LEVEL: f64 = 0.9;

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
    conclusions.extend(outline.change.iter().flat_map(|shown| change(part, *shown)));
    if outline.repair {
        conclusions.extend(repair::conclusions(part));
    }
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
    let pairs: Vec<Pair> = (0..part.outline.rows.len()).filter_map(pair).collect();
    // What reads the same is the same: nobody could see which is above.
    let order = |(_, one, another): &Pair| match words(shown, *one) == words(shown, *another) {
        true => Ordering::Equal,
        false => one.total_cmp(another),
    };
    let last = order(pairs.last()?);
    // Where it changes sides for good, if it does so once.
    let switch = pairs.iter().position(|pair| order(pair) == last)?;
    let is_once = pairs[switch..].iter().all(|pair| order(pair) == last);
    let side = match last {
        Ordering::Less => "below",
        Ordering::Greater => "above",
        Ordering::Equal => "level with",
    };
    let [one, another] = [column, other].map(|column| &part.outline.columns[column]);
    let claim = match (switch, is_once) {
        (_, false) => format!("now above, now below {another}"),
        (0, true) => format!("{side} {another} throughout"),
        (switch, true) => format!("{side} {another} from {} on", place(part, pairs[switch].0)),
    };
    let mut at = match is_once {
        true => vec![0, switch, pairs.len() - 1],
        // The first of either side.
        false => [Ordering::Greater, Ordering::Less]
            .iter()
            .filter_map(|side| pairs.iter().position(|pair| order(pair) == *side))
            .collect(),
    };
    at.sort_unstable();
    at.dedup();
    let at: Vec<&Pair> = at.into_iter().map(|index| &pairs[index]).collect();
    Some(format!("{}: {one} is {claim}{}", shown.title(), values(part, shown, &at)))
}

/// A row, with the figure of a column and that of another.
type Pair = (usize, f64, f64);

/// Figures of two columns, where they differ and have not just been said.
fn values(part: &Measured<'_>, shown: Shown, pairs: &[&Pair]) -> String {
    let mut said = String::new();
    let mut values = Vec::new();
    for (row, one, another) in pairs {
        let [one, another] = [one, another].map(|figure| words(shown, *figure));
        let figures = format!("{one} against {another}");
        if one != another && figures != said {
            values.push(format!("{figures} at {}", place(part, *row)));
            said = figures;
        }
    }
    if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) }
}

/// A row, as a sentence names it: `nodes = 64`, or its label.
fn place(part: &Measured<'_>, row: usize) -> String {
    let (outline, vary) = (&part.outline.rows[row], &part.outline.vary);
    match outline.number {
        Some(_) => format!("{vary} = {}", outline.title()),
        None => outline.title(),
    }
}

/// By which factor each column's figure changes from the first row to each other one; of many rows
/// that are steps of one number, to the last. Many rows are a conclusion each, a few are one.
fn change(part: &Measured<'_>, shown: Shown) -> Vec<String> {
    let columns = &part.outline.columns;
    let factors = |row: usize| {
        let factor = |(column, label): (usize, &String)| {
            let (before, after) =
                (part.number(0, column, shown)?, part.number(row, column, shown)?);
            let factor = after / before;
            let written = Scale::ratio(factor).number(factor);
            (before > 0.0).then(|| format!("{label} ×{written}"))
        };
        let factors: Vec<String> = columns.iter().enumerate().filter_map(factor).collect();
        let (from, to) = (place(part, 0), place(part, row));
        (!factors.is_empty()).then(|| format!("from {from} to {to}: {}", factors.join(", ")))
    };
    let rows = part.outline.rows.len();
    let are_many = rows > MOST_CHANGES;
    let are_steps = part.outline.rows.iter().all(|row| row.number.is_some());
    let first = if are_steps && are_many { rows - 1 } else { 1 };
    let changes: Vec<String> = (first..rows).filter_map(factors).collect();
    let conclusions = match changes.is_empty() || are_many {
        true => changes,
        false => vec![changes.join("; ")],
    };
    conclusions.iter().map(|change| format!("{}, {change}", shown.title())).collect()
}

/// How a column's figure grows with what the rows vary.
fn growth(part: &Measured<'_>, shown: Shown, column: usize) -> Option<String> {
    let rows = part.outline.rows.iter().enumerate();
    let points: Vec<(f64, f64)> = rows
        .filter_map(|(row, outline)| Some((outline.number?, part.number(row, column, shown)?)))
        .collect();
    let subject = format!("{} of {}", shown.title(), part.outline.columns[column]);
    let least = points.iter().map(|(_, y)| *y).min_by(f64::total_cmp)?;
    let largest = points.iter().map(|(_, y)| *y).max_by(f64::total_cmp)?;
    if points.len() > 1 && least >= LEVEL * largest {
        let [least, largest] = [least, largest].map(|figure| words(shown, figure));
        return Some(match least == largest {
            true => format!("{subject}: {least} everywhere"),
            false => format!("{subject}: {least} to {largest}, so it hardly grows"),
        });
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
