//! Who resists freeloaders, for a terminal.
use super::curve::{draw, heights};
use super::{Freeloading, Resistance};
use crate::lesson::{grid, hanging};
use crate::terminal::{WIDEST, strong, warning};

impl Freeloading {
    /// Tables, curves and conclusions for a terminal of this many columns, at least 60 of which are
    /// used; `colour` only if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        if self.is_empty() {
            return "Nothing was measured.\n".to_owned();
        }
        let width = width.clamp(60, WIDEST);
        let mut text = strong(&self.title, colour) + "\n";
        let heights = heights(&self.overlays);
        for resistance in &self.overlays {
            text.push('\n');
            text.push_str(&show(resistance, heights, width, colour));
        }
        text.push('\n');
        for resistance in &self.overlays {
            text.push_str(&hanging("→ ", &resistance.conclusion, width));
        }
        for line in &self.reading {
            text.push_str(&hanging("* ", line, width));
        }
        for note in &self.notes {
            text.push_str(&warning(hanging("! ", note, width).trim_end(), colour));
            text.push('\n');
        }
        text
    }
}

fn show(resistance: &Resistance, heights: (f64, f64), width: usize, colour: bool) -> String {
    let mut text = strong(&resistance.overlay, colour) + "\n";
    let tables = resistance.tables.iter().map(|table| grid(table, width, colour));
    let tables: Vec<String> = tables.collect();
    for (place, table) in tables.iter().enumerate() {
        let is_last = place + 1 == tables.len();
        let lines = table.lines().count();
        // The line above the next table ends this one, too.
        let shown = table.lines().take(if is_last { lines } else { lines.saturating_sub(1) });
        shown.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    text.push_str(&draw(&resistance.points, heights, width));
    text
}
