//! What can be shown without measuring anything.
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerbench_measure::{METRICS, RunFolder};
use peerbench_reports::Summary;
use peerbench_scenario::{builtin, builtin_names};

use crate::arguments::{Listed, Report};
use crate::failure::{Failure, NOTHING_MEASURED};
use crate::overlays::OVERLAYS;

/// Width of the table where the terminal does not tell its own.
const WIDTH: usize = 100;

/// Prints a run's table to standard output.
pub(crate) fn table(summary: &Summary) {
    let width = terminal_width().unwrap_or(WIDTH);
    println!("{}", summary.terminal(width, stdout().is_terminal()));
}

fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?.parse().ok()?;
    stdout().is_terminal().then_some(columns)
}

/// `peerbench report RUN`.
pub(crate) fn report(report: &Report) -> Result<ExitCode, Failure> {
    let folder = RunFolder::open(&report.run)?;
    let summary = peerbench_reports::summary(&folder)?;
    match &report.md {
        Some(path) if path == Path::new("-") => println!("{}", summary.markdown()),
        Some(path) => {
            std::fs::write(path, summary.markdown()).map_err(|source| Failure::File {
                what: "cannot write",
                path: path.display().to_string(),
                source,
            })?;
            table(&summary);
        }
        None => table(&summary),
    }
    Ok(if summary.is_empty() { ExitCode::from(NOTHING_MEASURED) } else { ExitCode::SUCCESS })
}

/// `peerbench list WHAT`.
pub(crate) fn list(what: Listed) -> ExitCode {
    match what {
        Listed::Overlays => {
            for entry in OVERLAYS {
                println!("{:12} {}", entry.name, entry.about);
            }
        }
        Listed::Scenarios => {
            for name in builtin_names() {
                let about = builtin(name).and_then(|document| document.scenario());
                println!(
                    "{name:28} {}",
                    about.map(|scenario| scenario.description).unwrap_or_default()
                );
            }
        }
        Listed::Metrics => print!("{}", peerbench_reports::list()),
    }
    ExitCode::SUCCESS
}

/// `peerbench explain METRIC`.
pub(crate) fn explain(metric: &str) -> Result<ExitCode, Failure> {
    let names = METRICS.iter().map(|metric| metric.name);
    let text = peerbench_reports::explain(metric)
        .ok_or_else(|| Failure::unknown("metric", metric, names))?;
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}
