//! A grid of parameters in Markdown, for `summary.md` and for pasting.
use super::{PICTURE, Sweep};
use crate::lesson::markdown_grid;
use crate::markdown::circumstances;

impl Sweep {
    /// Conclusions first, then the picture that [`Sweep::picture`] draws, then the tables; the
    /// circumstances of the run folded.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        if self.is_empty() {
            text.push_str("Nothing was measured.\n\n");
            return text + &circumstances(&self.manifest);
        }
        for conclusion in self.conclusions() {
            text.push_str(&format!("- {conclusion}\n"));
        }
        text.push_str(&format!("\n![cost against performance]({PICTURE})\n\n"));
        for world in &self.worlds {
            for swept in &world.overlays {
                let title = match &*world.title {
                    "" => swept.overlay.clone(),
                    title => format!("{}, {title}", swept.overlay),
                };
                text.push_str(&format!("### {title}\n\n{}\n\n", markdown_grid(&swept.table)));
            }
        }
        for line in &self.reading {
            text.push_str(&format!("{line}\n\n"));
        }
        for note in &self.notes {
            text.push_str(&format!("> **Note** {note}\n\n"));
        }
        text + &circumstances(&self.manifest)
    }
}
