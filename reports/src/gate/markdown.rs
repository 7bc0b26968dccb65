//! A judged comparison in Markdown, for a comment on a change: the verdict and what to do in the
//! first line, what changed open below it, everything else folded.
use std::fmt::Display;

use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Case, Gate, Row};

/// Comments hold some 65,000 bytes; this leaves room for what is written around it.
pub(super) const LONGEST: usize = 60_000;

/// What says that something was left out has room below the longest.
const ROOM: usize = 200;

impl Gate {
    /// The comparison in Markdown, below 60 kB: of more, whole cases are left out, what is folded
    /// first, and it says how many. Ends with a line feed.
    #[must_use]
    pub fn markdown(&self) -> String {
        let first = format!("**{}**: {}. {}\n\n", self.verdict, self.headline(), self.advice());
        let sides = format!("- base: {}\n- head: {}\n", self.base, self.head);
        let head = first + &sides;
        let room = LONGEST - head.len();
        head + &self.body(room)
    }

    /// All but the first line and the names of the sides, in no more bytes than this.
    pub(super) fn body(&self, longest: usize) -> String {
        let mut text = String::new();
        for note in &self.notes {
            text.push_str(&format!("- {note}\n"));
        }
        text.push('\n');
        let open: Vec<String> = self.cases.iter().filter_map(open).collect();
        let folded = [Some(self.all_cases())].into_iter().chain(self.cases.iter().map(folded));
        let folded: Vec<String> = folded.flatten().collect();
        let mut left_out = 0;
        for part in open.into_iter().chain(folded) {
            match text.len() + part.len() + ROOM <= longest {
                true => text.push_str(&part),
                false => left_out += 1,
            }
        }
        if left_out > 0 {
            text.push_str(&format!(
                "{left_out} more tables do not fit here; `--json` has all of them.\n"
            ));
        }
        text
    }

    fn all_cases(&self) -> String {
        let rows = self.cases.iter().map(|case| {
            let name = &case.name;
            let nodes = name.nodes.to_string();
            vec![
                name.overlay.clone(),
                name.scenario.clone(),
                nodes,
                case.runs(),
                case.verdict.to_string(),
            ]
        });
        let header = ["overlay", "scenario", "nodes", "identical runs", "verdict"];
        let title = format!("All {} cases", self.cases.len());
        details(&title, &table(&header, rows))
    }
}

/// What of a case a person should look at; nothing if that is nothing.
fn open(case: &Case) -> Option<String> {
    let told = case.told();
    if told.is_empty() && case.reason.is_empty() {
        return None;
    }
    let mut text = format!("### {}: {}\n\n", escaped(&case.name), case.verdict);
    if !case.reason.is_empty() {
        text.push_str(&format!("{}\n\n", escaped(&case.reason)));
    }
    if !told.is_empty() {
        text.push_str(&format!("{}\n\n", figures(&told)));
    }
    Some(text)
}

/// What differs in a case without having shifted.
fn folded(case: &Case) -> Option<String> {
    let rows = case.reshuffled();
    let title = format!("{}: figures that have not shifted ({})", case.name, rows.len());
    (!rows.is_empty()).then(|| details(&title, &figures(&rows)))
}

fn figures(rows: &[&Row]) -> String {
    let rows = rows.iter().map(|row| {
        let [base, head] = row.values();
        let figure = format!("`{}`", row.figure);
        vec![figure, base, head, row.change(), row.chance(), row.verdict.to_string()]
    });
    table(&["", "base", "head", "change", "p", "verdict"], rows)
}

pub(super) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    grid.set_header(header.iter().map(escaped));
    for row in rows {
        grid.add_row(row.into_iter().map(escaped));
    }
    grid.to_string()
}

pub(super) fn details(title: &str, content: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{content}\n\n</details>\n\n", escaped(title))
}

/// As text that nothing is made of. A lone tilde would begin to strike through what follows.
pub(super) fn escaped(text: impl Display) -> String {
    text.to_string().replace('|', "\\|").replace('~', "\\~").replace('<', "&lt;")
}
