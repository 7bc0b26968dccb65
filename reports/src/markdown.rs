//! A summary in Markdown, for `summary.md` and for pasting.
use std::fmt::Write as _;

use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;
use peerbench_measure::Manifest;

use crate::{Block, Summary, Table};

impl Summary {
    /// The summary in Markdown: the tables open, the circumstances of the run folded.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if self.is_empty() {
            text.push_str("Nothing was measured.\n\n");
        }
        for table in &self.tables {
            text.push_str(&show(table));
        }
        text.push_str(&circumstances(&self.manifest));
        text
    }
}

fn show(table: &Table) -> String {
    let mut text = format!("## {}\n\n{}\n\n", table.title, grid(table));
    for note in &table.notes {
        text.push_str(&format!("> **Note** {note}\n\n"));
    }
    text
}

fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    let mut header = vec![String::new(), String::new()];
    header.extend(table.drivers.iter().map(ToString::to_string));
    let compared = table.drivers.len() > 1;
    if compared {
        header.push("apart".to_owned());
    }
    grid.set_header(header);
    for block in &table.blocks {
        for (place, row) in block.rows.iter().enumerate() {
            let title = if place == 0 { title(block) } else { String::new() };
            let mut cells = vec![title, row.label.clone()];
            cells.extend(row.cells.iter().cloned());
            if compared {
                cells.push(row.apart.clone());
            }
            grid.add_row(cells.into_iter().map(|cell| cell.replace('|', "\\|")));
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

/// How a run was measured: what is known, each with its name.
pub(crate) fn facts(manifest: &Manifest) -> [(&'static str, String); 13] {
    let Manifest { machine, toolchain, .. } = manifest;
    let unknown = || "unknown".to_owned();
    let cores = machine.cores.map_or_else(unknown, |cores| cores.to_string());
    let memory = machine
        .memory_bytes
        .map_or_else(unknown, |bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
    let git = manifest.git.as_ref().map_or_else(unknown, |git| {
        format!("{}{}", git.commit, if git.dirty { ", changed since" } else { "" })
    });
    let load = manifest
        .load_at_start
        .map_or_else(unknown, |[one, five, fifteen]| format!("{one} {five} {fifteen}"));
    let status = manifest.status.map_or_else(|| "not finished".to_owned(), |s| s.to_string());
    [
        ("run", manifest.id.clone()),
        ("status", status),
        ("started", manifest.started.clone()),
        ("finished", manifest.finished.clone().unwrap_or_else(unknown)),
        ("processor", machine.cpu.clone().unwrap_or_else(unknown)),
        ("cores", cores),
        ("memory", memory),
        ("system", system(machine.kernel.as_deref(), &machine.system)),
        ("load before", load),
        ("peerbench", format!("{}, {} build", toolchain.peerbench, toolchain.profile)),
        ("compiler", format!("{}, {}", toolchain.rustc, toolchain.target)),
        ("sources", git),
        ("scenario digest", manifest.scenario_digest.clone()),
    ]
}

/// How a run was measured, folded.
pub(crate) fn circumstances(manifest: &Manifest) -> String {
    let mut text = String::from("<details><summary>How it was measured</summary>\n\n");
    for (name, fact) in facts(manifest) {
        let _ = writeln!(text, "- {name}: {fact}");
    }
    let _ = writeln!(
        text,
        "\nRun it again:\n\n```sh\n{}\n```\n\nThe scenario, resolved:\n\n```yaml\n{}\n```\n\n\
         </details>",
        manifest.run_again,
        manifest.scenario_yaml.trim_end(),
    );
    text
}

fn system(kernel: Option<&str>, system: &str) -> String {
    kernel.map_or_else(|| system.to_owned(), |kernel| format!("{system}, kernel {kernel}"))
}
