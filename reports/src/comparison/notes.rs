//! What is said below a comparison: how to read it, and what a reader of its figures must know.
use std::collections::BTreeSet;

use peerbench_measure::Status;

use super::columns::{Column, Pair};
use super::rows::{MARK, correct_apart};
use crate::numbers::Scale;
use crate::statistics::shift_interval;
use crate::summary::digests;

/// The most notes of one kind that are told of one column; there may be one for each seed.
const MOST_OF_A_KIND: usize = 2;

/// The most seeds that a note lists one by one.
const MOST_LISTED: usize = 6;

/// How the contrasts of a table are to be read.
pub(super) fn reading(columns: &[Column<'_>]) -> Vec<String> {
    let (reference, others) = columns.split_first().expect("a comparison has columns");
    let counts: BTreeSet<usize> =
        others.iter().map(|column| column.paired(reference).len()).collect();
    let (least, most) = (counts.first().copied(), counts.last().copied());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let mut lines = Vec::new();
    if most == 0 {
        lines.push(format!("nothing was run to its end both for {} and another", reference.label));
    } else {
        let pairs = if least == most { most.to_string() } else { format!("{least} to {most}") };
        let what = runs(columns, most);
        let confidence = confidence(if least > 0 { least } else { most });
        let intervals = match confidence {
            None => "; 6 or more give an interval".to_owned(),
            Some(confidence) => format!(" [{:.1} % interval]", confidence * 100.0),
        };
        lines.push(format!(
            "vs {}: ratio (×) or difference over {pairs} paired {what}{intervals}; ~ none told",
            reference.label
        ));
    }
    for column in others {
        if let Some((one, other)) = correct_apart(reference, column) {
            let share = |ratio| {
                let scale = Scale::of("ratio", ratio);
                scale.number(ratio) + scale.suffix()
            };
            lines.push(format!(
                "{MARK} of different searches: {} answered {} correctly, {} {}",
                column.label,
                share(other),
                reference.label,
                share(one),
            ));
        }
    }
    lines
}

/// What is true of some columns and not of others.
pub(super) fn notes(columns: &[Column<'_>]) -> Vec<String> {
    let (reference, others) = columns.split_first().expect("a comparison has columns");
    let mut notes = Vec::new();
    for column in columns {
        if column.stored.is_empty() {
            notes.push(format!("{}: nothing was measured", column.label));
        }
    }
    for column in others {
        for (one, other) in [(reference, column), (column, reference)] {
            let alone = one.without(other);
            if !alone.is_empty() && !other.stored.is_empty() {
                notes.push(format!("not paired, only for {}: {}", one.label, listed(&alone)));
            }
        }
    }
    for column in columns {
        notes.extend(of_runs(column));
    }
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    notes
}

/// The confidence of an interval over this many pairs; `None` if they give none.
fn confidence(pairs: usize) -> Option<f64> {
    let differences: Vec<f64> = (0..pairs).map(|difference| difference as f64).collect();
    shift_interval(&differences, 0.95).map(|interval| interval.confidence)
}

/// Seeds, unless some were run more than once.
fn runs(columns: &[Column<'_>], number: usize) -> &'static str {
    let rounds = columns.iter().flat_map(|column| column.records.keys()).any(|(_, it)| *it > 0);
    match (rounds, number) {
        (true, 1) => "run",
        (true, _) => "runs",
        (false, 1) => "seed",
        (false, _) => "seeds",
    }
}

fn listed(pairs: &[Pair]) -> String {
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    match pairs {
        many if many.len() > MOST_LISTED => format!("{} runs", many.len()),
        [one] => name(*one),
        several if several.iter().all(|(_, round)| *round == 0) => {
            format!("seeds {}", list(&mut several.iter().map(|(seed, _)| seed.to_string())))
        }
        several => list(&mut several.iter().map(|pair| name(*pair))),
    }
}

fn name((seed, round): Pair) -> String {
    match round {
        0 => format!("seed {seed}"),
        _ => format!("seed {seed}, round {round}"),
    }
}

/// What the runs of a column say about themselves.
fn of_runs(column: &Column<'_>) -> Vec<String> {
    let mut unfinished = Vec::new();
    let mut own = Vec::new();
    let mut invalid = Vec::new();
    for record in &column.stored {
        let run = name((record.key.seed, record.key.round));
        if record.status != Status::Ok {
            let what = if column.is_whole { "not in the table" } else { "not compared" };
            unfinished.push(format!("{}, {run}: {}, {what}", column.label, record.status));
        }
        own.extend(record.notes.iter().map(|note| format!("{}, {run}: {note}", column.label)));
        if digests(&column.stored, record.key.seed).len() > 1 {
            invalid.push(format!("{}, {run}: invalid, it gave different traces", column.label));
        }
    }
    [unfinished, own, invalid].into_iter().flat_map(shortened).collect()
}

fn shortened(mut notes: Vec<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(MOST_OF_A_KIND);
    notes.truncate(MOST_OF_A_KIND);
    if let (Some(last), true) = (notes.last_mut(), more > 0) {
        last.push_str(&format!(" (and {more} more like it)"));
    }
    notes
}
