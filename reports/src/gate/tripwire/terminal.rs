//! The tripwire for a terminal: a table a case, the bar beside the value.
use comfy_table::{Attribute, Cell as Field, ColumnConstraint};

use super::words::HEADER;
use super::{Tripwire, TripwireCase};
use crate::explain::wrap;
use crate::gate::terminal::{align, lines, verdict};
use crate::terminal::{WIDEST, empty, strong};

impl Tripwire {
    /// The cases for a terminal of this many columns, at least 60 of which are used; `colour` only if
    /// it is one. Ends with a line feed unless there are none.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        let width = width.clamp(60, WIDEST);
        self.cases.iter().map(|case| show(case, width, colour)).collect()
    }
}

fn show(case: &TripwireCase, width: usize, colour: bool) -> String {
    let mut text = format!("\n{}\n", strong(&case.title(), colour));
    if !case.reason.is_empty() {
        text.push_str(&wrap(&case.reason, width));
        text.push('\n');
    }
    if case.rows.is_empty() {
        return text;
    }
    let mut grid = empty(Some(width), colour);
    // The noise floor is in Markdown and JSON; here is no room for it.
    let [figure, base, head, change, _, bar, p, told] = HEADER;
    let header = [figure, base, head, change, bar, p, told];
    grid.set_header(header.map(|title| Field::new(title).add_attribute(Attribute::Bold)));
    for row in &case.rows {
        let [figure, base, head, change, _, bar, p] = row.fields();
        let fields = [figure, base, head, change, bar, p].into_iter().map(Field::new);
        grid.add_row(fields.chain([verdict(row.verdict)]));
    }
    align(&mut grid, 1..6);
    for (place, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((u16::from(place > 0), 0));
        if place == 0 {
            // Rather an interval is broken than a name.
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    text.push_str(&lines(&grid));
    for row in case.rows.iter().filter(|row| !row.reason.is_empty()) {
        text.push_str(&wrap(&format!("{}: {}", row.figure, row.reason), width));
        text.push('\n');
    }
    text
}
