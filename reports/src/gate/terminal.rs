//! A judged comparison for a terminal: the verdict first, then the cases, then the figures that a
//! person should look at.
use comfy_table::{Attribute, Cell as Field, CellAlignment, Color, Table as Grid};

use super::{Case, Gate, Row, Verdict};
use crate::explain::wrap;
use crate::terminal::{WIDEST, empty, strong, warning};

impl Gate {
    /// The comparison for a terminal of this many columns, at least 60 of which are used; `colour`
    /// only if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        let width = width.clamp(60, WIDEST);
        let mut text =
            strong(&wrap(&format!("{}: {}", self.verdict, self.headline()), width), colour);
        text.push_str(&format!("\n{}\n\n", wrap(self.advice(), width)));
        text.push_str(&format!("base  {}\nhead  {}\n", self.base, self.head));
        for note in &self.notes {
            text.push_str(&warning(&wrap(&format!("! {note}"), width), colour));
            text.push('\n');
        }
        if !self.cases.is_empty() {
            text.push('\n');
        }
        text + &self.cases_for_terminal(width, colour)
    }

    /// The table of all cases, and a table of each in which something differs.
    pub(super) fn cases_for_terminal(&self, width: usize, colour: bool) -> String {
        if self.cases.is_empty() {
            return String::new();
        }
        let mut text = lines(&self.overview(width, colour));
        for case in self.cases.iter().filter(|case| case.verdict != Verdict::Identical) {
            text.push_str(&show(case, width, colour));
        }
        text
    }

    fn overview(&self, width: usize, colour: bool) -> Grid {
        let mut grid = empty(Some(width), colour);
        let header = ["overlay", "scenario", "nodes", "identical runs", "verdict"];
        grid.set_header(header.map(|title| Field::new(title).add_attribute(Attribute::Bold)));
        for case in &self.cases {
            let name = &case.name;
            let nodes = name.nodes.to_string();
            let plain = [name.overlay.clone(), name.scenario.clone(), nodes, case.runs()];
            let fields = plain.into_iter().map(Field::new);
            grid.add_row(fields.chain([verdict(case.verdict)]));
        }
        align(&mut grid, 2..4);
        grid
    }
}

/// What there is to say about a case beside its verdict; may be nothing.
fn show(case: &Case, width: usize, colour: bool) -> String {
    let told = case.told();
    if told.is_empty() && case.reason.is_empty() {
        return String::new();
    }
    let title = format!("{} · {}", case.name, case.verdict);
    let mut text = format!("\n{}\n", strong(&title, colour));
    if !case.reason.is_empty() {
        text.push_str(&wrap(&case.reason, width));
        text.push('\n');
    }
    if !told.is_empty() {
        text.push_str(&lines(&figures(&told, width, colour)));
    }
    let rest = case.rest();
    if !rest.is_empty() {
        text.push_str(&format!("{rest}\n"));
    }
    text
}

fn figures(rows: &[&Row], width: usize, colour: bool) -> Grid {
    let mut grid = empty(Some(width), colour);
    let header = ["", "base", "head", "change", "p", "verdict"];
    grid.set_header(header.map(|title| Field::new(title).add_attribute(Attribute::Bold)));
    for row in rows {
        let [base, head] = row.values();
        let plain = [row.figure.clone(), base, head, row.change(), row.chance()];
        grid.add_row(plain.into_iter().map(Field::new).chain([verdict(row.verdict)]));
    }
    align(&mut grid, 1..5);
    for (place, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((u16::from(place > 0), 1));
    }
    grid
}

pub(super) fn align(grid: &mut Grid, right: std::ops::Range<usize>) {
    for (place, column) in grid.column_iter_mut().enumerate() {
        if right.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

pub(super) fn verdict(verdict: Verdict) -> Field {
    let field = Field::new(verdict);
    match verdict {
        Verdict::Identical
        | Verdict::Reshuffled
        | Verdict::Unchanged
        | Verdict::Shifted
        | Verdict::New => field,
        Verdict::Better => field.fg(Color::Green),
        Verdict::Inconclusive | Verdict::NoBaseline | Verdict::NotComparable => {
            field.fg(Color::Yellow)
        }
        Verdict::Missing | Verdict::Worse | Verdict::Empty | Verdict::Failed | Verdict::Invalid => {
            field.fg(Color::Red)
        }
    }
}

pub(super) fn lines(grid: &Grid) -> String {
    grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
