//! The table of an overlay, a row for each share of freeloaders, and what is to be known of its runs.
use super::{Measured, Outline, Point};
use crate::comparison::Contrast;
use crate::figures::{Figure, Figures};
use crate::lesson::{Block, Shown, Table};
use crate::notes::folded;
use crate::numbers::{NOT_MEASURED, Scale};
use crate::summary::cell;

/// The figures that curves and conclusions are made of, by their names in records.
pub(super) const CONTRIBUTORS: &str = "fetch_time_contributors_us_p50";
pub(super) const PENALTY: &str = "freeloader_penalty";
pub(super) const VERIFIED: &str = "fetch_ratio";

/// What stands in a column.
enum Column {
    /// A figure by its name in records.
    Figure(&'static str),
    /// How many times as long as contributors freeloaders wait.
    Penalty,
    /// How many times as long as without freeloaders contributors wait.
    Slowdown,
}

/// How long everybody waits, and what everybody gets: the columns behind that of shares, headings
/// and what stands in them. One in which nothing was measured is left out.
const TABLES: [&[(&str, Column)]; 2] = [
    &[
        ("contributors p50", Column::Figure(CONTRIBUTORS)),
        ("last", Column::Figure("fetch_time_contributors_us_max")),
        ("freeloaders p50", Column::Figure("fetch_time_freeloaders_us_p50")),
        ("penalty", Column::Penalty),
        ("slowdown", Column::Slowdown),
    ],
    &[
        ("found", Column::Figure("lookup_correct_ratio")),
        ("fetched", Column::Figure(VERIFIED)),
        ("free ride", Column::Figure("free_ride")),
        ("on publishers", Column::Figure("free_ride_from_publishers")),
        ("on others", Column::Figure("free_ride_from_others")),
    ],
];

/// The tables of an overlay, whose points are these.
pub(super) fn tables(measured: &Measured<'_>, points: &[Point]) -> Vec<Table> {
    let tables = TABLES.iter().map(|columns| table(columns, measured, points));
    tables.filter(|table| table.header.len() > 1).collect()
}

fn table(columns: &[(&str, Column)], measured: &Measured<'_>, points: &[Point]) -> Table {
    let steps = || measured.steps.iter().zip(points);
    let mut header = vec!["share".to_owned()];
    let mut rows: Vec<Vec<String>> = points.iter().map(|it| vec![percent(it.share)]).collect();
    for (heading, column) in columns {
        let cells: Vec<String> =
            steps().map(|((_, figures), point)| column.cell(figures, point)).collect();
        if cells.iter().all(|cell| cell == NOT_MEASURED) {
            continue;
        }
        header.push((*heading).to_owned());
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    Table { header, words: 0, blocks: vec![Block { title: String::new(), rows }] }
}

/// What was left out, what is missing, and what the runs say about themselves.
pub(super) fn notes(outline: &Outline, measured: &[Measured<'_>]) -> Vec<String> {
    let mut notes: Vec<String> =
        outline.left_out.iter().map(|reason| format!("left out: {reason}")).collect();
    let wanted = outline.overlays.len() * outline.steps.len() * outline.seeds;
    let done: usize = measured.iter().map(Measured::runs).sum();
    if done < wanted {
        notes.push(format!("{done} of {wanted} runs were finished; the others are missing"));
    }
    for of in measured {
        let records = of.steps.iter().flat_map(|(_, figures)| figures.records().iter().copied());
        notes.extend(folded(records).iter().map(|note| format!("{}, {note}", of.overlay)));
    }
    notes
}

/// A figure over the runs of one share, by its name in records; `None` where it was not measured.
pub(super) fn number(figures: &Figures<'_>, name: &str) -> Option<f64> {
    let Shown { metric, statistic } = Shown::named(name)?;
    figures.figure(metric, statistic).reading.number()
}

/// A share in percent, without needless digits.
pub(super) fn percent(share: f64) -> String {
    let percent = (share * 1e4).round() / 1e2;
    format!("{percent} %")
}

/// How many times as much: `×1.21 [1.18, 1.25]`, the interval only where there is one and it has a
/// width.
pub(super) fn times(contrast: Option<Contrast>) -> String {
    let Some(Contrast { estimate, interval, .. }) = contrast else {
        return NOT_MEASURED.to_owned();
    };
    let scale = Scale::ratio(estimate);
    let estimate = format!("×{}", scale.number(estimate));
    match interval.filter(|interval| interval.low < interval.high) {
        Some(it) => format!("{estimate} [{}, {}]", scale.number(it.low), scale.number(it.high)),
        None => estimate,
    }
}

impl Column {
    fn cell(&self, figures: &Figures<'_>, point: &Point) -> String {
        match self {
            Self::Figure(name) => figure(figures, name),
            Self::Penalty => unbroken(times(point.penalty)),
            // Without freeloaders it is 1 by definition.
            Self::Slowdown if point.share == 0.0 => NOT_MEASURED.to_owned(),
            Self::Slowdown => unbroken(times(point.slowdown)),
        }
    }
}

/// So that a narrow column is broken before an interval and not within it.
fn unbroken(text: String) -> String {
    text.replace(", ", ",\u{a0}")
}

/// Ranges over seeds are left out: what matters of them is in the intervals of the ratios.
fn figure(figures: &Figures<'_>, name: &str) -> String {
    let Some(Shown { metric, statistic }) = Shown::named(name) else {
        return NOT_MEASURED.to_owned();
    };
    let found = Figure { range: None, ..figures.figure(metric, statistic) };
    cell(found, |number| Scale::of(metric.unit, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_shows_a_figure_that_is_recorded() {
        for (heading, column) in TABLES.iter().copied().flatten() {
            let name = match column {
                Column::Figure(name) => *name,
                Column::Penalty => PENALTY,
                Column::Slowdown => CONTRIBUTORS,
            };
            assert!(Shown::named(name).is_some(), "{heading}: no figure {name}");
        }
    }

    #[test]
    fn a_share_has_no_needless_digits() {
        assert_eq!([0.0, 0.1, 0.125, 1.0 / 3.0].map(percent), ["0 %", "10 %", "12.5 %", "33.33 %"]);
    }
}
