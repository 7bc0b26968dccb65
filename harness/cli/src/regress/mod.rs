//! `peerbench regress`: whether a change of the sources makes an overlay worse than another revision
//! of them. Both are built apart from the working tree, and both measure: in the simulator, exactly;
//! on request on the testbed, in turns.
mod build;
mod child;
mod repository;
mod rounds;
mod simulated;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peerbench_reports::gate::{Refusal, Regression, Side, judge};

use crate::arguments::Regress;
use crate::failure::{Failure, INTERRUPTED};
use crate::gate::code;
use crate::overlays::find;
use crate::show::{print, print_line, terminal, wants_table};
use build::Program;
use repository::{Repository, Revision};

/// Why a comparison of programs ends without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegressFailure {
    /// Git, which is asked for revisions and copies of them.
    #[error("`git {command}`: {said}")]
    Git {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
    /// A program that should be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder of the comparison's own.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A revision that does not build, or a program whose records mean something else: what it comes
    /// to, and why.
    #[error("{}", .0.reason)]
    Refused(Refusal),
    /// Somebody has pressed Ctrl-C.
    #[error("interrupted: nothing is judged")]
    Interrupted,
}

/// How long a program may take over what it is started for: a hundred times what it takes.
const RUN_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What every step needs to know.
struct Workshop<'a> {
    /// Where everything that is made here is kept.
    folder: PathBuf,
    arguments: &'a Regress,
    stop: &'a AtomicBool,
}

/// Two programs, ready to be measured.
struct Programs {
    base: Program,
    head: Program,
}

/// `peerbench regress`.
pub(crate) fn run(arguments: &Regress, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    for overlay in &arguments.overlays {
        find(overlay)?;
    }
    let repository = Repository::here()?;
    let base = repository.base(arguments.base.as_deref()).map_err(|error| {
        match arguments.base.as_deref().is_some_and(|it| find(it).is_ok()) {
            true => Failure::Usage(format!(
                "{error}. The base comes first: `peerbench regress HEAD~1 OVERLAY`"
            )),
            false => error.into(),
        }
    })?;
    let head = repository.head(arguments.head.as_deref())?;
    let workshop = Workshop { folder: repository.workshop(), arguments, stop };
    match compare(&repository, &workshop, base, head) {
        Ok(regression) => conclude(&regression, arguments),
        // Whatever ended with an error now has ended because of it.
        Err(_) if stop.load(Ordering::Relaxed) => {
            eprintln!("{}", RegressFailure::Interrupted);
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(other) => Err(other),
    }
}

/// Compares two revisions. That one of them does not build is an outcome, too.
fn compare(
    repository: &Repository,
    workshop: &Workshop<'_>,
    base: Revision,
    head: Revision,
) -> Result<Regression, Failure> {
    let mut regression = Regression {
        base: base.name.clone(),
        head: head.name.clone(),
        notes: Vec::new(),
        gate: None,
        tripwire: None,
        refusal: None,
    };
    if !workshop.arguments.always && repository.build_alike(&base, &head)? {
        return Ok(regression);
    }
    match measure(repository, workshop, base, head, &mut regression) {
        Err(Failure::Regress(RegressFailure::Refused(refusal))) => {
            regression.refusal = Some(refusal);
            Ok(regression)
        }
        Err(other) => Err(other),
        Ok(()) => Ok(regression),
    }
}

fn measure(
    repository: &Repository,
    workshop: &Workshop<'_>,
    base: Revision,
    head: Revision,
    into: &mut Regression,
) -> Result<(), Failure> {
    let programs = Programs {
        base: build::program("base", repository, base, workshop)?,
        head: build::program("head", repository, head, workshop)?,
    };
    let simulated = simulated::measure(&programs, workshop)?;
    let [base, head]: [Side; 2] = simulated.sides;
    into.gate = Some(judge(&base, &head));
    into.notes = simulated.notes;
    if workshop.arguments.testbed {
        into.tripwire = Some(rounds::measure(&programs, workshop)?);
    }
    Ok(())
}

fn conclude(regression: &Regression, arguments: &Regress) -> Result<ExitCode, Failure> {
    if wants_table(arguments.md.as_deref(), &regression.markdown())? {
        let (width, colour) = terminal();
        print(regression.terminal(width, colour));
    }
    match &arguments.json {
        Some(path) if path.as_os_str() == "-" => print_line(regression.json().trim_end()),
        Some(path) => std::fs::write(path, regression.json()).map_err(|source| Failure::File {
            what: "cannot write",
            path: path.display().to_string(),
            source,
        })?,
        None => {}
    }
    Ok(ExitCode::from(code(regression.verdict(), arguments.strict)))
}

#[cfg(test)]
mod tests;
