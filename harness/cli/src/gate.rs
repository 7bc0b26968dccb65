//! `peerbench gate`: whether a change has made an overlay worse. What is measured now, or a stored
//! run, is judged by what was accepted, or by another stored run.
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use peerbench_measure::{FolderError, RunFolder, Status};
use peerbench_reports::gate::{Baseline, Gate, Side, Verdict, judge};

use crate::arguments::{BASELINES, Gate as Arguments};
use crate::baseline::{Measured, measure};
use crate::bench::warn;
use crate::failure::{
    FAILED, Failure, INCONCLUSIVE, INTERRUPTED, NOT_COMPARABLE, NOTHING_MEASURED, REGRESSION,
};
use crate::overlays::find;
use crate::selection::open;
use crate::show::{print, terminal, wants_table};

/// `peerbench gate`.
pub(crate) fn run(arguments: &Arguments, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let scope = &arguments.scope;
    for overlay in &scope.overlays {
        find(overlay)?;
    }
    let mut base = side(&arguments.base, &arguments.reports)?;
    let (mut head, folder) = match &arguments.head {
        Some(_) if !scope.assignments.is_empty() => {
            let message = "a stored run is as it was measured: leave out `--set` or `--head`";
            return Err(Failure::Usage(message.to_owned()));
        }
        Some(run) => (Side::of_run(&open(run, &arguments.reports)?), None),
        None => {
            let Measured { folder, outcome } =
                measure(&scope.overlays, &scope.assignments, &arguments.reports, stop)?;
            if outcome == Status::Interrupted {
                eprintln!("interrupted: nothing is judged");
                return Ok(ExitCode::from(INTERRUPTED));
            }
            let mut head = Side::of_run(&folder);
            for assignment in &scope.assignments {
                head.name.push_str(&format!(", {assignment}"));
            }
            (head, Some(folder))
        }
    };
    if !scope.overlays.is_empty() {
        base.keep_overlays(&scope.overlays);
        head.keep_overlays(&scope.overlays);
    }
    let gate = judge(&base, &head);
    show(&gate, arguments, folder.as_ref())?;
    Ok(ExitCode::from(code(gate.verdict, arguments.strict)))
}

/// A stored run, by its folder or its name; or else a folder with baselines.
fn side(name: &str, runs: &Path) -> Result<Side, Failure> {
    match open(name, runs) {
        Ok(folder) => Ok(Side::of_run(&folder)),
        Err(error @ Failure::Folder(FolderError::NotARun(_))) => {
            if name != BASELINES && !Path::new(name).is_dir() {
                return Err(error);
            }
            baselines(Path::new(name)).map(|baselines| Side::of_baselines(name, &baselines))
        }
        Err(other) => Err(other),
    }
}

/// The baselines in a folder, at least one.
fn baselines(folder: &Path) -> Result<Vec<Baseline>, Failure> {
    let baselines = Baseline::read_all(folder)?;
    if baselines.is_empty() {
        return Err(Failure::NoBaselines(folder.display().to_string()));
    }
    Ok(baselines)
}

fn show(gate: &Gate, arguments: &Arguments, folder: Option<&RunFolder>) -> Result<(), Failure> {
    let markdown = gate.markdown();
    if wants_table(arguments.md.as_deref(), &markdown)? {
        let (width, colour) = terminal();
        print(gate.terminal(width, colour));
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, gate.json()).map_err(|source| Failure::File {
            what: "cannot write",
            path: path.display().to_string(),
            source,
        })?;
    }
    if let Some(folder) = folder {
        warn(folder.store_report("gate.md", &markdown));
        warn(folder.store_report("gate.json", &gate.json()));
        if let Some(path) = folder.path() {
            eprintln!("\nThe runs are stored in {}", path.display());
        }
    }
    Ok(())
}

pub(crate) fn code(verdict: Verdict, strict: bool) -> u8 {
    match verdict {
        Verdict::Inconclusive if strict => INCONCLUSIVE,
        Verdict::Identical
        | Verdict::Reshuffled
        | Verdict::Unchanged
        | Verdict::Shifted
        | Verdict::Better
        | Verdict::New
        | Verdict::Inconclusive => 0,
        Verdict::Failed => FAILED,
        Verdict::Missing | Verdict::Worse => REGRESSION,
        Verdict::Empty | Verdict::Invalid => NOTHING_MEASURED,
        Verdict::NoBaseline | Verdict::NotComparable => NOT_COMPARABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_exit_code() {
        for (verdict, expected) in [
            (Verdict::Identical, 0),
            (Verdict::Reshuffled, 0),
            (Verdict::Unchanged, 0),
            (Verdict::Shifted, 0),
            (Verdict::Better, 0),
            (Verdict::New, 0),
            (Verdict::Inconclusive, 0),
            (Verdict::Failed, 1),
            (Verdict::Worse, 3),
            (Verdict::Missing, 3),
            (Verdict::Empty, 4),
            (Verdict::Invalid, 4),
            (Verdict::NoBaseline, 5),
            (Verdict::NotComparable, 5),
        ] {
            assert_eq!(code(verdict, false), expected, "{verdict}");
        }
        assert_eq!(code(Verdict::Inconclusive, true), 6);
        assert_eq!(code(Verdict::Shifted, true), 0);
    }
}
