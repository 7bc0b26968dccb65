//! `peerbench compare`: stored runs side by side, without measuring anything.
use std::path::Path;
use std::process::ExitCode;

use peerbench_measure::{Driver, FolderError, RunFolder};
use peerbench_reports::ComparisonError;

use crate::arguments::{Compare, DriverChoice};
use crate::failure::{Failure, NOTHING_MEASURED};
use crate::show;

pub(crate) fn run(compare: &Compare) -> Result<ExitCode, Failure> {
    let runs = compare
        .runs
        .iter()
        .map(|run| open(run, &compare.reports))
        .collect::<Result<Vec<_>, _>>()?;
    let mut comparison = peerbench_reports::compare(&runs, compare.reference.as_deref())?;
    if comparison.is_empty() && runs.iter().any(|run| !run.records().is_empty()) {
        let message = format!(
            "there is one overlay in {}, and nothing to compare it to: name another run as well",
            compare.runs.join(" and ")
        );
        return Err(Failure::Usage(message));
    }
    match compare.driver {
        DriverChoice::Both => {}
        DriverChoice::Testbed => comparison.keep_driver(Driver::Testbed),
        DriverChoice::Simulator => comparison.keep_driver(Driver::Simulator),
    }
    if comparison.is_empty() {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    if show::wants_table(compare.md.as_deref(), &comparison.markdown())? {
        let (width, colour) = show::terminal();
        show::print_line(comparison.terminal(width, colour));
    }
    Ok(ExitCode::SUCCESS)
}

/// The run in this folder; without one, that of this name among those stored.
pub(crate) fn open(run: &str, stored: &Path) -> Result<RunFolder, Failure> {
    let here = Path::new(run);
    let by_name = stored.join(run);
    let path = if !here.is_dir() && by_name.is_dir() { by_name.as_path() } else { here };
    RunFolder::open(path).map_err(|error| match error {
        // A run of another schema is sound, but not to be compared.
        FolderError::Schema { .. } => ComparisonError::Folder(error).into(),
        other => other.into(),
    })
}
