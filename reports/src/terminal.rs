//! A summary for a terminal, and what every table on a terminal looks like.
use comfy_table::presets::UTF8_FULL;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, ContentLineStyle,
    LineStyle, Table as Grid, TableStyle, Width,
};

use crate::{Block, Row, Summary, Table};

/// The widest that a table gets.
pub(crate) const WIDEST: usize = 100;

/// Columns of a label, padding included: rather a label is broken than a figure.
const LABEL: u16 = 18;

/// Lines around the table; columns and parts are told apart by space.
const STYLE: TableStyle = UTF8_FULL
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none())
    .row_separator(LineStyle::none())
    .bottom_border(LineStyle::none().fill('─').junction('─'));

impl Summary {
    /// The summary for a terminal of this many columns, at least 60 of which are used; `colour`
    /// only if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        if self.is_empty() {
            return "Nothing was measured.\n".to_owned();
        }
        let width = width.clamp(60, WIDEST);
        let tables: Vec<String> =
            self.tables.iter().map(|table| show(table, width, colour)).collect();
        tables.join("\n")
    }
}

fn show(table: &Table, width: usize, colour: bool) -> String {
    let mut text = format!("{}\n{}\n", strong(&table.title, colour), grid(table, width, colour));
    for note in &table.notes {
        text.push_str(&warning(&format!("! {note}"), colour));
        text.push('\n');
    }
    text
}

/// A table without rows, as wide as it needs to be or no wider than this.
pub(crate) fn empty(width: Option<usize>, colour: bool) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(STYLE).force_no_tty();
    if let Some(width) = width {
        grid.set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    if colour {
        grid.enforce_styling();
    }
    grid
}

fn grid(table: &Table, width: usize, colour: bool) -> String {
    let mut grid = empty(Some(width), colour);
    let drivers = table.drivers.iter().map(|driver| driver.name());
    let mut header: Vec<&str> = ["", ""].into_iter().chain(drivers).collect();
    let compared = table.drivers.len() > 1;
    if compared {
        header.push("apart");
    }
    grid.set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    let mut part = None;
    for block in &table.blocks {
        if part.replace(block.part).is_some_and(|before| before != block.part) {
            grid.add_row([" "]);
        }
        for (place, row) in block.rows.iter().enumerate() {
            grid.add_row(cells(block, place, row, compared));
        }
    }
    if let Some(labels) = grid.column_mut(1) {
        labels.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(LABEL)));
    }
    for column in grid.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = grid.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn cells(block: &Block, place: usize, row: &Row, compared: bool) -> Vec<Cell> {
    let title = match place {
        0 => Cell::new(&block.title).fg(Color::Cyan),
        1 => Cell::new(&block.hint).add_attribute(Attribute::Dim),
        _ => Cell::new(""),
    };
    let mut cells = vec![title, Cell::new(&row.label)];
    cells.extend(row.cells.iter().map(Cell::new));
    if compared {
        cells.push(Cell::new(&row.apart).add_attribute(Attribute::Dim));
    }
    cells
}

pub(crate) fn strong(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

pub(crate) fn warning(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[33m{text}\u{1b}[0m") } else { text.to_owned() }
}
