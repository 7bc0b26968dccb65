//! The rows of a comparison: the figures of a summary that say something about the overlay, one a
//! row, each against the reference's.
use peerbench_measure::{Group, METRICS, Metric, Reading, Statistic};

use super::columns::Column;
use super::contrast::contrast;
use super::{Block, Cell, Row};
use crate::figures::Figure;
use crate::layout::{Line, OF_THE_CORRECT, SECTIONS, Section, Show};
use crate::numbers::Scale;
use crate::summary::cell;

/// Shares of correct searches that are further apart than this are different: then latencies and
/// hops are not of the same searches.
const CORRECT_TOLERANCE: f64 = 0.001;

/// The metric of that share.
const CORRECT: &str = "lookup_correct_ratio";

/// What marks figures that are not of the same searches.
pub(super) const MARK: &str = "†";

/// One figure to be shown.
struct Shown {
    label: String,
    metric: &'static Metric,
    statistic: Statistic,
    show: Show,
}

/// All rows of a table, the first column being the reference.
pub(super) fn blocks(columns: &[Column<'_>]) -> Vec<Block> {
    SECTIONS.iter().filter_map(|section| block(section, columns)).collect()
}

/// The share of correct searches in these columns, where they differ: the reference's and the
/// other's.
pub(super) fn correct_apart(reference: &Column<'_>, other: &Column<'_>) -> Option<(f64, f64)> {
    let metric = METRICS.iter().find(|metric| metric.name == CORRECT)?;
    let share =
        |column: &Column<'_>| column.figures.figure(metric, Statistic::Value).reading.number();
    let shares = (share(reference)?, share(other)?);
    ((shares.0 - shares.1).abs() > CORRECT_TOLERANCE).then_some(shares)
}

fn block(section: &Section, columns: &[Column<'_>]) -> Option<Block> {
    let records = || columns.iter().flat_map(|column| column.figures.records().iter().copied());
    let lines = section.lines.iter().filter(|line| line.show.is_meant(records()));
    let shown: Vec<Shown> = lines.flat_map(|line| shown(line, section.hint)).collect();
    let figures = |shown: &Shown| -> Vec<Figure> {
        columns.iter().map(|column| column.figures.figure(shown.metric, shown.statistic)).collect()
    };
    let is_known = |shown: &&Shown| {
        let figures = figures(shown);
        let is_zero = |figure: &Figure| figure.reading == Reading::Measured(0.0);
        // Where the largest is nothing, the mean says so.
        let is_said = shown.statistic == Statistic::Max && figures.iter().all(is_zero);
        figures.iter().any(|figure| figure.reading != Reading::NotMeasured)
            && shown.show.is_shown(&figures)
            && !is_said
    };
    let mut rows: Vec<&Shown> = shown.iter().filter(is_known).collect();
    if rows.is_empty() && section.always {
        rows = shown.iter().collect();
    }
    let of_the_correct = section.hint == OF_THE_CORRECT;
    (!rows.is_empty()).then(|| Block {
        part: section.part,
        title: section.title.to_owned(),
        hint: if of_the_correct { section.hint.to_owned() } else { String::new() },
        rows: rows.iter().map(|shown| row(shown, columns, of_the_correct)).collect(),
    })
}

/// The figures of a line of a summary: a mean and a largest value are two.
fn shown(line: &Line, hint: &str) -> Vec<Shown> {
    let Some(metric) = METRICS.iter().find(|metric| metric.name == line.metric) else {
        return Vec::new();
    };
    let of = |label: String, statistic| Shown { label, metric, statistic, show: line.show };
    match line.show {
        // What the run cost the machine is the driver's doing, except for the nodes' own part.
        Show::Figure(_) if matches!(metric.group, Group::Cost | Group::Lateness) => Vec::new(),
        Show::Distribution => Vec::new(),
        Show::MeanAndMax => {
            let (mean, max) = hint.split_once(" · ").unwrap_or(("mean", "max"));
            vec![
                of(format!("{}, {mean}", line.label), Statistic::Mean),
                of(format!("{}, {max}", line.label), Statistic::Max),
            ]
        }
        Show::Figure(_) | Show::Milliseconds(_) | Show::IfWrong(_) | Show::IfAny => {
            vec![of(line.label.to_owned(), line.show.statistic())]
        }
    }
}

fn row(shown: &Shown, columns: &[Column<'_>], of_the_correct: bool) -> Row {
    let (reference, others) = columns.split_first().expect("a comparison has columns");
    let mut cells = vec![value(shown, reference)];
    cells.extend(others.iter().map(|column| {
        let name = shown.metric.name_of(shown.statistic);
        let unit = shown.metric.unit;
        let contrast = contrast(unit, &column.pairs(reference, &name));
        let (mut against, interval) =
            contrast.map_or_else(Default::default, |contrast| contrast.words(unit));
        if contrast.is_some() && of_the_correct && correct_apart(reference, column).is_some() {
            against.push_str(MARK);
        }
        Cell { contrast, against, interval, ..value(shown, column) }
    }));
    Row {
        label: shown.label.clone(),
        metric: shown.metric.name,
        figure: shown.metric.name_of(shown.statistic),
        unit: shown.metric.unit,
        cells,
    }
}

/// A cell with a figure and nothing beside it.
fn value(shown: &Shown, column: &Column<'_>) -> Cell {
    let found = column.figures.figure(shown.metric, shown.statistic);
    let scale = |number| match shown.show {
        Show::Milliseconds(_) | Show::IfWrong(_) => Scale::milliseconds(number),
        // Beside the × of a ratio, that of the unit would be read as one, too.
        _ if shown.metric.unit == "times" => Scale::plain(number),
        _ => Scale::of(shown.metric.unit, number),
    };
    Cell {
        number: found.reading.number(),
        value: cell(Figure { range: None, ..found }, scale),
        contrast: None,
        against: String::new(),
        interval: String::new(),
    }
}
