//! A lesson in Markdown, for `summary.md` and for pasting.
use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Lesson, Part, Table};

impl Lesson {
    /// The lesson in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        for sentence in &self.introduction {
            text.push_str(&format!("{sentence}\n\n"));
        }
        for part in &self.parts {
            text.push_str(&show(part));
        }
        text
    }
}

fn show(part: &Part) -> String {
    let mut text = format!("## {}\n\n", part.title);
    for table in &part.tables {
        text.push_str(&format!("{}\n\n", grid(table)));
    }
    for conclusion in &part.conclusions {
        text.push_str(&format!("- {conclusion}\n"));
    }
    if !part.conclusions.is_empty() {
        text.push('\n');
    }
    for note in &part.notes {
        text.push_str(&format!("> **Note** {note}\n\n"));
    }
    text
}

/// Rows of a block begin with its title, so that each can be read alone.
pub(crate) fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    let is_titled = table.blocks.iter().any(|block| !block.title.is_empty());
    let title = |text: &str| is_titled.then(|| text.to_owned());
    grid.set_header(title("").into_iter().chain(table.header.iter().cloned()));
    for block in &table.blocks {
        for (place, row) in block.rows.iter().enumerate() {
            let first = match place {
                0 if is_titled => format!("**{}**", block.title),
                _ => String::new(),
            };
            let cells = title(&first).into_iter().chain(row.iter().cloned());
            grid.add_row(cells.map(|cell| cell.replace('|', "\\|")));
        }
    }
    grid
}
