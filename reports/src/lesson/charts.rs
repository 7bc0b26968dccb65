//! The figures of a part as charts: against what varies where that is a number, and over time.
use peerbench_measure::Timeline;

use super::{Measured, Shown};
use crate::page::chart::{Axis, Chart, Mark, Place, Point, Series, Shape};
use crate::page::course;

/// From this ratio of the largest number of the rows to the least, they lie on a logarithmic axis.
const WIDE: f64 = 20.0;

/// From this ratio of the largest figure to the least on, so do figures.
const WIDE_FIGURES: f64 = 100.0;

/// All charts of a part, the `number`th of its lesson, on which columns look as `who` says.
pub(super) fn charts(
    part: &Measured<'_>,
    number: usize,
    who: impl Fn(&str) -> usize,
) -> Vec<Chart> {
    let shown = part.outline.show.iter();
    let mut charts: Vec<Chart> =
        shown.filter_map(|shown| against_rows(part, number, *shown, &who)).collect();
    if part.outline.timeline {
        charts.extend((0..part.cells.len()).map(|row| over_time(part, number, row, &who)));
    }
    charts.retain(|chart| !chart.is_empty());
    charts
}

/// A figure against what the rows vary: a line for each column if that is a number, otherwise a row
/// of marks for each label.
fn against_rows(
    part: &Measured<'_>,
    number: usize,
    shown: Shown,
    who: impl Fn(&str) -> usize,
) -> Option<Chart> {
    let outline = part.outline;
    let numbers: Option<Vec<f64>> = outline.rows.iter().map(|row| row.number).collect();
    if outline.rows.len() < 2 {
        return None;
    }
    let mut series = Vec::new();
    for (column, label) in outline.columns.iter().enumerate() {
        let point = |row: usize| {
            let found = part.number(row, column, shown)?;
            Some(match &numbers {
                Some(numbers) => Point::new(numbers[row], found),
                None => Point::new(found, row as f64),
            })
        };
        let points: Vec<Point> = (0..outline.rows.len()).filter_map(point).collect();
        let shape = if numbers.is_some() { Shape::Marked } else { Shape::Marks };
        series.push(Series::new(who(label), label, shape, points));
    }
    let unit = shown.metric.unit;
    let figure = |point: &Point| if numbers.is_some() { point.y } else { point.x };
    let figures = series.iter().flat_map(|series| &series.points).map(figure);
    let (least, most) =
        figures.fold((f64::MAX, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));
    let axis = match unit {
        "ratio" => Axis::linear(shown.title(), unit).between(0.0, 1.0),
        _ if least > 0.0 && most / least > WIDE_FIGURES => Axis::logarithmic(shown.title(), unit),
        _ => Axis::linear(shown.title(), unit),
    };
    let titles = || outline.rows.iter().map(super::RowOutline::title).collect();
    let (x, y) = match &numbers {
        Some(numbers) => (varied(&outline.vary, numbers), axis),
        None => (axis, Axis::names(titles())),
    };
    Some(Chart {
        id: format!("part-{number}-{}", shown.metric.name_of(shown.statistic)),
        title: shown.title(),
        caption: outline.title.clone(),
        metrics: vec![shown.metric.name],
        x,
        y,
        series,
        marks: Vec::new(),
    })
}

/// The axis of what the rows vary.
fn varied(label: &str, numbers: &[f64]) -> Axis {
    let least = numbers.iter().copied().fold(f64::MAX, f64::min);
    let most = numbers.iter().copied().fold(0.0, f64::max);
    match least > 0.0 && most / least >= WIDE {
        true => Axis::logarithmic(label, "count"),
        false => Axis::linear(label, "count").anywhere(),
    }
}

/// The share of right answers over time in one row, with its faults.
fn over_time(part: &Measured<'_>, number: usize, row: usize, who: impl Fn(&str) -> usize) -> Chart {
    let outline = part.outline;
    let mut marks: Vec<Mark> = Vec::new();
    let mut series = Vec::new();
    for (column, label) in outline.columns.iter().enumerate() {
        let Some(cell) = &part.cells[row][column] else { continue };
        let timelines = cell.records().iter().filter_map(|record| record.timeline.as_ref());
        let timelines: Vec<&Timeline> = timelines.collect();
        let points = course(timelines.into_iter());
        if points.len() > 1 {
            series.push(Series::new(who(label), label, Shape::Line, points));
        }
        for fault in outline.runs[row][column].iter().flat_map(|run| &run.faults) {
            let mark =
                Mark { at: Place::X(fault.as_secs_f64()), label: "fault or return".to_owned() };
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }
    let title = match outline.rows.len() {
        1 => "Right answers over time".to_owned(),
        _ => format!("Right answers over time: {}", outline.rows[row].title()),
    };
    Chart {
        id: format!("part-{number}-time-{row}"),
        title,
        caption: format!(
            "{}. The share of the searches due at this time that were answered rightly. Dotted \
             lines: a fault, or a return.",
            outline.title
        ),
        metrics: vec!["lookup_correct_ratio"],
        x: Axis::linear("time since the start of the run", "s").anywhere(),
        y: Axis::linear("searches answered rightly", "ratio").between(0.0, 1.0),
        series,
        marks,
    }
}
