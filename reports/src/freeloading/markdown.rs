//! Who resists freeloaders, in Markdown, for `summary.md` and for pasting.
use super::{Freeloading, PICTURE};
use crate::lesson::markdown_grid;
use crate::markdown::circumstances;

impl Freeloading {
    /// Conclusions first, then the picture that [`Freeloading::picture`] draws, then the tables; the
    /// circumstances of the run folded.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        if self.is_empty() {
            text.push_str("Nothing was measured.\n\n");
            return text + &circumstances(&self.manifest);
        }
        for resistance in &self.overlays {
            text.push_str(&format!("- {}\n", resistance.conclusion));
        }
        text.push_str(&format!("\n![penalty and slowdown against the share]({PICTURE})\n\n"));
        for resistance in &self.overlays {
            text.push_str(&format!("### {}\n\n", resistance.overlay));
            for table in &resistance.tables {
                text.push_str(&format!("{}\n\n", markdown_grid(table)));
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
