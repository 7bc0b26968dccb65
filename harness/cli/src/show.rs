//! What can be shown without measuring anything.
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write as _, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::METRICS;
use peerbench_scenario::{builtin, builtin_names};

use crate::arguments::Listed;
use crate::failure::{FAILED, Failure, INTERRUPTED};
use crate::lesson;
use crate::overlays::OVERLAYS;
use crate::papers;
use crate::progress::Shown;
use crate::strategies;

/// Width of the table where the terminal does not tell its own.
const WIDTH: usize = 100;

/// Prints to standard output. Who reads it may have seen enough and gone, as `head` does.
pub(crate) fn print(text: impl Display) {
    match write!(stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("warning: cannot write to standard output: {error}");
        }
        _ => {}
    }
}

/// The same, with the end of the line.
pub(crate) fn print_line(line: impl Display) {
    print(format_args!("{line}\n"));
}

/// The width of the terminal that standard output is, and whether it is one that shows colours.
pub(crate) fn terminal() -> (usize, bool) {
    (terminal_width().unwrap_or(WIDTH), stdout().is_terminal())
}

fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?.parse().ok()?;
    stdout().is_terminal().then_some(columns)
}

/// Writes Markdown where it was asked for. Whether the table is still to be printed, because
/// standard output was not what was asked for.
pub(crate) fn wants_table(md: Option<&Path>, markdown: &str) -> Result<bool, Failure> {
    match md {
        Some(path) if path == Path::new("-") => print_line(markdown),
        Some(path) => std::fs::write(path, markdown).map_err(|source| Failure::File {
            what: "cannot write",
            path: path.display().to_string(),
            source,
        })?,
        None => {}
    }
    Ok(md != Some(Path::new("-")))
}

/// `peerbench papers`: fails if a figure differs for no known reason.
pub(crate) fn papers(
    prefix: Option<&str>,
    data: &Path,
    stop: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let mut expectations = papers::expectations();
    let names: Vec<String> = expectations.iter().map(|wanted| wanted.scenario.clone()).collect();
    if let Some(prefix) = prefix {
        expectations.retain(|wanted| wanted.scenario.starts_with(prefix));
        if expectations.is_empty() {
            let names = names.iter().map(String::as_str);
            return Err(Failure::unknown("scenario", prefix, names));
        }
    }
    let progress = Shown::new();
    let rows = papers::run(expectations, data, &progress, stop)?;
    progress.done();
    print(papers::render(&rows, terminal_width().unwrap_or(WIDTH)));
    let failed = rows.iter().any(|row| {
        matches!(row.verdict(), papers::Verdict::Differs | papers::Verdict::NotMeasured)
    });
    Ok(match (stop.load(Ordering::Relaxed), failed) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::from(FAILED),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// `peerbench list WHAT`.
pub(crate) fn list(what: Listed) -> ExitCode {
    match what {
        Listed::Overlays => {
            for entry in OVERLAYS {
                print_line(format_args!("{:16} {}", entry.name, entry.about));
            }
        }
        Listed::Scenarios => {
            let papers = papers::SCENARIOS.iter().map(|(name, _)| (*name, papers::scenario(name)));
            let own = builtin_names().map(|name| (name, builtin(name).map_err(Failure::from)));
            for (name, document) in own.chain(papers) {
                let scenario = document.and_then(|document| Ok(document.scenario()?));
                let about = scenario.map(|scenario| scenario.description).unwrap_or_default();
                print_line(format_args!("{name:30} {about}"));
            }
        }
        Listed::Lessons => {
            for (name, teaches) in lesson::list() {
                print_line(format_args!("{name:26} {teaches}"));
            }
        }
        Listed::Metrics => print(peerbench_reports::list()),
        Listed::Strategies => print(strategies::list()),
    }
    ExitCode::SUCCESS
}

/// `peerbench explain METRIC`.
pub(crate) fn explain(metric: &str) -> Result<ExitCode, Failure> {
    let names = METRICS.iter().map(|metric| metric.name);
    let text = peerbench_reports::explain(metric)
        .ok_or_else(|| Failure::unknown("metric", metric, names))?;
    print_line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}
