//! A lesson for a terminal.
use comfy_table::{Attribute, Cell, CellAlignment, Color};

use super::{Lesson, Part, Table};
use crate::explain::wrap;
use crate::terminal::{WIDEST, empty, strong, warning};

impl Lesson {
    /// The lesson for a terminal of this many columns, at least 60 of which are used; `colour` only
    /// if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        let width = width.clamp(60, WIDEST);
        let mut text = strong(&self.title, colour) + "\n";
        for sentence in &self.introduction {
            text.push_str(&wrap(sentence, width));
            text.push('\n');
        }
        for part in &self.parts {
            text.push('\n');
            text.push_str(&show(part, width, colour));
        }
        text
    }
}

fn show(part: &Part, width: usize, colour: bool) -> String {
    let mut text = strong(&part.title, colour) + "\n";
    for table in &part.tables {
        text.push_str(&grid(table, width, colour));
    }
    for conclusion in &part.conclusions {
        text.push_str(&hanging("→ ", conclusion, width));
    }
    for note in &part.notes {
        text.push_str(&warning(&hanging("! ", note, width), colour));
    }
    text
}

/// A sentence behind a mark, its further lines below its first.
pub(crate) fn hanging(mark: &str, sentence: &str, width: usize) -> String {
    let indent = mark.chars().count();
    let lines = wrap(sentence, width - indent);
    let mut text = String::new();
    for (place, line) in lines.lines().enumerate() {
        let before = if place == 0 { mark.to_owned() } else { " ".repeat(indent) };
        text.push_str(&format!("{before}{line}\n"));
    }
    text
}

/// A table for a terminal of this many columns.
pub(crate) fn grid(table: &Table, width: usize, colour: bool) -> String {
    let mut grid = empty(Some(width), colour);
    grid.set_header(table.header.iter().map(|it| Cell::new(it).add_attribute(Attribute::Bold)));
    for block in &table.blocks {
        let is_titled = !block.title.is_empty();
        if is_titled {
            grid.add_row([Cell::new(&block.title).fg(Color::Cyan)]);
        }
        for row in &block.rows {
            let indent = if is_titled { "  " } else { "" };
            let (label, cells) =
                row.split_first().map_or(("", row.as_slice()), |(it, rest)| (it, rest));
            let label = Cell::new(format!("{indent}{label}"));
            grid.add_row(std::iter::once(label).chain(cells.iter().map(Cell::new)));
        }
    }
    for (place, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((u16::from(place > 0), 0));
        if place >= table.words {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
