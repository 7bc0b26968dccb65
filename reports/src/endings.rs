//! How lookups ended over time, where nodes went: a row for each way to end, and in it a share for each
//! of a few spans.
use peerbench_measure::RunRecord;

use crate::course::{Count, Course, Span};
use crate::figures::Figures;
use crate::numbers::NOT_MEASURED;
use crate::{Block, Part, Row};

/// How many spans the window is divided into at most: what fits a cell beside another one.
const SPANS: usize = 5;

/// The ways in which a search can end.
const ENDINGS: [(&str, Count); 3] = [
    ("correct", |timeline| &timeline.correct),
    ("incorrect", |timeline| &timeline.incorrect),
    ("failed", |timeline| &timeline.failed),
];

/// The block, over all runs of each column; `None` where nobody went, because then time changes nothing.
pub(crate) fn endings(columns: &[Figures<'_>]) -> Option<Block> {
    let went = |record: &&&RunRecord| !record.faults.is_empty() || record.upkeep.is_some();
    let mut records = columns.iter().flat_map(|column| column.records());
    records.find(went)?;
    let courses: Vec<Course<'_>> = columns
        .iter()
        .map(|column| Course::of(column.records().iter().filter_map(|it| it.timeline.as_ref())))
        .collect();
    let longest = courses.iter().max_by_key(|course| course.bins())?;
    // One bin or none has no course.
    let together = (longest.bins() > 1).then(|| longest.bins().div_ceil(SPANS))?;
    let cells: Vec<Vec<String>> = courses.iter().map(|course| cells(course, together)).collect();
    let row = |(place, (label, _)): (usize, &(&str, Count))| Row {
        label: (*label).to_owned(),
        metric: None,
        cells: cells.iter().map(|of_column| of_column[place].clone()).collect(),
        apart: String::new(),
    };
    Some(Block {
        part: Part::Lookups,
        title: "over time".to_owned(),
        hint: format!("% in {} s each", together as u64 * longest.bin_s()),
        rows: ENDINGS.iter().enumerate().map(row).collect(),
    })
}

/// A cell for each way to end: a share for each span, and those of one span below each other.
fn cells(course: &Course<'_>, together: usize) -> Vec<String> {
    let rows = ENDINGS.map(|(_, count)| course.shares(count, together));
    let rows = rows.map(|spans| spans.into_iter().map(percents).collect::<Vec<String>>());
    let width = |span: usize| rows.iter().map(|row| row[span].chars().count()).max();
    let cell = |row: &Vec<String>| {
        let shares = row.iter().enumerate();
        let shares = shares.map(|(span, share)| format!("{share:>0$}", width(span).unwrap_or(0)));
        shares.collect::<Vec<String>>().join(" ")
    };
    match rows[0].is_empty() {
        true => vec![NOT_MEASURED.to_owned(); ENDINGS.len()],
        false => rows.iter().map(cell).collect(),
    }
}

/// A whole number of percents. What is not quite everything or nothing must not look like it.
fn percents(span: Span) -> String {
    match span.share.map(|share| (share, (share * 100.0).round())) {
        None => NOT_MEASURED.to_owned(),
        Some((share, 0.0)) if share > 0.0 => "<1".to_owned(),
        Some((share, 100.0)) if share < 1.0 => "99".to_owned(),
        Some((_, whole)) => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use peerbench_measure::Timeline;

    use super::*;

    #[test]
    fn shares_are_neither_everything_nor_nothing_by_rounding_and_stand_below_each_other() {
        let timeline = Timeline {
            from_s: 0,
            width_s: 1,
            correct: vec![999, 40, 0, 0],
            incorrect: vec![1, 0, 0, 3],
            failed: vec![0, 60, 0, 0],
        };
        let course = Course::of([&timeline].into_iter());
        assert_eq!(cells(&course, 1), ["99 40 –   0", "<1  0 – 100", " 0 60 –   0"]);
        assert_eq!(cells(&Course::of([].into_iter()), 1), ["–", "–", "–"]);
    }
}
