//! A comparison in Markdown, for `summary.md` and for pasting.
use std::fmt::Display;

use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Agreement, Block, Comparison, Table};

impl Comparison {
    /// The comparison in Markdown. Ends with an empty line.
    #[must_use]
    pub fn markdown(&self) -> String {
        if self.is_empty() {
            return "There is nothing to compare.\n\n".to_owned();
        }
        let mut text: String = self.tables.iter().map(show).collect();
        text.extend(self.agreements.iter().map(show_agreement));
        text.extend(self.sources.iter().map(|source| format!("- {source}\n")));
        if !self.sources.is_empty() {
            text.push('\n');
        }
        text
    }
}

fn show(table: &Table) -> String {
    let mut text = format!("## {}\n\n{}\n\n", table.title, grid(table));
    for line in &table.reading {
        text.push_str(&format!("{line}\n\n"));
    }
    for note in &table.notes {
        text.push_str(&format!("> **Note** {note}\n\n"));
    }
    text
}

fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    let (reference, others) = table.columns.split_first().expect("a comparison has columns");
    let mut header = vec![String::new(), String::new(), reference.clone()];
    for other in others {
        header.extend([other.clone(), format!("vs {reference}")]);
    }
    grid.set_header(header.into_iter().map(escaped));
    for block in &table.blocks {
        for (place, row) in block.rows.iter().enumerate() {
            let title = if place == 0 { title(block) } else { String::new() };
            let mut fields = vec![title, row.label.clone(), row.cells[0].value.clone()];
            for cell in &row.cells[1..] {
                fields.extend([cell.value.clone(), cell.against_with_interval()]);
            }
            grid.add_row(fields.into_iter().map(escaped));
        }
    }
    grid
}

fn title(block: &Block) -> String {
    match block.hint.as_str() {
        "" => format!("**{}**", block.title),
        hint => format!("**{}**, {hint}", block.title),
    }
}

fn show_agreement(agreement: &Agreement) -> String {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    grid.set_header([""].into_iter().chain(agreement.figures.iter().copied()).map(escaped));
    for row in &agreement.rows {
        grid.add_row([&row.overlay].into_iter().chain(&row.cells).map(escaped));
    }
    format!("## {}\n\n{grid}\n\n", agreement.title)
}

/// As the content of one cell. A lone tilde would begin to strike through what follows.
fn escaped(text: impl Display) -> String {
    text.to_string().replace('|', "\\|").replace('~', "\\~")
}
