//! What a person reads of worlds: how many there were, which have failed, and how to run those again.
use std::fs;
use std::path::Path;
use std::time::Duration;

use comfy_table::Table;

use super::sketch::Sketch;
use super::trial::{Defeat, Tried};
use super::{Count, Failed, Outcome, render};
use crate::failure::Failure;
use crate::overlays::Entry;
use crate::show::{print, print_line};

/// Prints how many worlds of each overlay there were.
pub(super) fn counts(outcome: &Outcome, took: Duration) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["overlay", "worlds", "failed", "answers judged", "inputs"]);
    let mut worlds = 0;
    for (name, count) in &outcome.counts {
        let Count { worlds: its, judged, inputs, failed } = count;
        worlds += its;
        table.add_row([
            (*name).to_owned(),
            its.to_string(),
            failed.to_string(),
            judged.to_string(),
            inputs.to_string(),
        ]);
    }
    print_line(table);
    let seconds = took.as_secs_f64();
    print_line(format_args!(
        "{worlds} worlds in {seconds:.1}s, {:.0} a second",
        worlds as f64 / seconds.max(1e-3)
    ));
}

/// Prints which world has failed, how, and the command that runs it again.
pub(super) fn failed(failed: &Failed) {
    let Failed { entry, seed, defeat } = failed;
    print_line(format_args!("\n{}, seed {seed}: {}", entry.name, defeat.kind));
    tell(defeat);
    print_line(format_args!("  again: {}", again(entry, *seed)));
}

/// The command that runs a world again.
pub(super) fn again(entry: &Entry, seed: u64) -> String {
    format!("peerbench fuzz-world --world {}:{seed}", entry.name)
}

/// Stores and prints the smallest world that fails like this one.
pub(super) fn smallest(
    failed: &Failed,
    smallest: &Sketch,
    defeat: &Defeat,
    trials: u32,
    folder: &Path,
) -> Result<(), Failure> {
    let Failed { entry, seed, .. } = failed;
    let yaml = render::yaml(smallest);
    let kind: String =
        defeat.kind.chars().map(|it| if it.is_alphanumeric() { it } else { '-' }).collect();
    let path = folder.join(format!("{}-{seed}-{kind}.yaml", entry.name));
    let text =
        format!("# {}: {}\n# From seed {seed}.\n{yaml}", entry.name, defeat.told.join("\n# "));
    let shown = path.display().to_string();
    let failure = |source| Failure::File { what: "cannot write", path: shown.clone(), source };
    fs::create_dir_all(folder).map_err(failure)?;
    fs::write(&path, text).map_err(failure)?;
    print_line(format_args!("  the smallest of {trials} worlds tried that fails alike:"));
    tell(defeat);
    print(indented(&yaml));
    print_line(format_args!(
        "  again: peerbench fuzz-world --scenario {shown}\n     or: peerbench bench {} --driver \
         simulator --scenario {shown}",
        entry.name
    ));
    Ok(())
}

/// Prints what came of the world of a file. Whether all holds.
pub(super) fn of_file(entry: &Entry, tried: &Tried) -> bool {
    if let Some(examined) = &tried.examined {
        print_line(format_args!(
            "{}: {} answers judged, {} inputs, digest {:016x}",
            entry.name, examined.judged, examined.inputs, examined.trace_digest
        ));
    }
    match &tried.defeat {
        Some(defeat) => {
            print_line(format_args!("failed: {}", defeat.kind));
            tell(defeat);
            false
        }
        None => {
            print_line("everything holds");
            true
        }
    }
}

fn tell(defeat: &Defeat) {
    for line in &defeat.told {
        print_line(format_args!("  {line}"));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
