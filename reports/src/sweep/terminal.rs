//! A grid of parameters, for a terminal.
use super::scatter::draw;
use super::{Outline, Sweep};
use crate::lesson::{grid, hanging};
use crate::terminal::{WIDEST, strong, warning};

impl Sweep {
    /// Pictures, tables and conclusions for a terminal of this many columns, at least 60 of which are
    /// used; `colour` only if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, outline: &Outline, width: usize, colour: bool) -> String {
        if self.is_empty() {
            return "Nothing was measured.\n".to_owned();
        }
        let width = width.clamp(60, WIDEST);
        let mut text = strong(&self.title, colour) + "\n";
        for world in &self.worlds {
            text.push('\n');
            if !world.title.is_empty() {
                text.push_str(&(strong(&world.title, colour) + "\n"));
            }
            text.push_str(&draw(outline, world, width));
            for swept in &world.overlays {
                text.push('\n');
                text.push_str(&(strong(&swept.overlay, colour) + "\n"));
                text.push_str(&grid(&swept.table, width, colour));
            }
        }
        text.push('\n');
        for conclusion in self.conclusions() {
            text.push_str(&hanging("→ ", conclusion, width));
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
