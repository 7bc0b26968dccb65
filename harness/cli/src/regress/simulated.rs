//! The exact part: both programs run every overlay in the same worlds under the same seeds in the
//! simulator, on all cores, for it is pure.
//!
//! Both are given the texts of the scenarios that come with this program. So a field that one of them
//! does not know yet, and that no text names, makes no other world of it: there it has its default,
//! which is what the older program does. A scenario that the base cannot read is new.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use peerbench_measure::{FolderError, RunFolder};
use peerbench_reports::gate::{Refusal, Side, Verdict};

use super::build::{Program, create};
use super::{Programs, RUN_WITHIN, RegressFailure, Workshop, child};
use crate::baseline::{SEEDS, WORLDS};
use crate::failure::{Failure, USAGE};
use crate::parallel;
use crate::progress::Shown;

/// What both programs measured.
pub(super) struct Simulated {
    /// The base's and the head's.
    pub(super) sides: [Side; 2],
    /// What a reader of the verdict must know.
    pub(super) notes: Vec<String>,
}

/// One process of a program: one overlay in one world.
struct Job<'a> {
    program: &'a Program,
    overlay: String,
    world: &'static str,
    /// Under all seeds, or once more under the first, to see whether that gives the same run again.
    seeds: String,
    folder: PathBuf,
}

/// What came of a job.
enum Outcome {
    Measured {
        folder: Box<RunFolder>,
        is_whole: bool,
    },
    Failed,
    /// The program cannot read the scenario; why.
    Refused(String),
}

/// Measures everything with both programs.
///
/// # Errors
/// If a program cannot be started or writes other records, or somebody stopped it.
pub(super) fn measure(programs: &Programs, workshop: &Workshop<'_>) -> Result<Simulated, Failure> {
    let folder = workshop.folder.join(format!("simulated-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let jobs = jobs(programs, &folder, workshop)?;
    let outcomes = run(&jobs, workshop);
    let simulated = outcomes.and_then(|outcomes| sides(programs, &jobs, outcomes));
    let _ = std::fs::remove_dir_all(&folder);
    simulated.map_err(Into::into)
}

fn jobs<'a>(
    programs: &'a Programs,
    folder: &Path,
    workshop: &Workshop<'_>,
) -> Result<Vec<Job<'a>>, RegressFailure> {
    create(folder)?;
    for (world, text) in WORLDS {
        let path = scenario(folder, world);
        std::fs::write(&path, text).map_err(|source| RegressFailure::File { path, source })?;
    }
    let (first, last) = (SEEDS.start(), SEEDS.end());
    let mut jobs = Vec::new();
    for program in [&programs.base, &programs.head] {
        for overlay in overlays(program, folder, workshop)? {
            for (world, _) in WORLDS {
                for seeds in [format!("{first}..{last}"), first.to_string()] {
                    let name = format!("{}-{overlay}-{world}-{}", program.side, jobs.len());
                    let (overlay, folder) = (overlay.clone(), folder.join(name));
                    jobs.push(Job { program, overlay, world, seeds, folder });
                }
            }
        }
    }
    Ok(jobs)
}

fn scenario(folder: &Path, world: &str) -> PathBuf {
    folder.join(format!("{world}.yaml"))
}

/// The overlays that a program has, as far as they are meant.
pub(super) fn overlays(
    program: &Program,
    folder: &Path,
    workshop: &Workshop<'_>,
) -> Result<Vec<String>, RegressFailure> {
    let log = folder.join(format!("{}-overlays.txt", program.side));
    let _ = std::fs::remove_file(&log);
    let mut command = Command::new(&program.path);
    child::run(command.args(["list", "overlays"]), &log, RUN_WITHIN, workshop.stop)?;
    let text = std::fs::read_to_string(&log)
        .map_err(|source| RegressFailure::File { path: log.clone(), source })?;
    let meant = &workshop.arguments.overlays;
    let names = text.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    Ok(names.filter(|name| meant.is_empty() || meant.contains(name)).collect())
}

/// Runs all jobs, as many at once as there are cores; in their order, what came of each.
fn run(jobs: &[Job<'_>], workshop: &Workshop<'_>) -> Result<Vec<Outcome>, RegressFailure> {
    let progress = Shown::new();
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let is_failing = AtomicBool::new(false);
    let outcomes: Mutex<Vec<(usize, Result<Outcome, RegressFailure>)>> = Mutex::new(Vec::new());
    let threads = parallel::cores();
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                while !is_failing.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(place) else { return };
                    let outcome = job.run(workshop);
                    is_failing.fetch_or(outcome.is_err(), Ordering::Relaxed);
                    let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
                    let what = format!("simulator: {done} of {} runs of programs", jobs.len());
                    progress.tell(&what, done as u64, jobs.len() as u64);
                    // Nobody panics while holding it.
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((place, outcome));
                }
            });
        }
    });
    progress.done();
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

impl Job<'_> {
    fn run(&self, workshop: &Workshop<'_>) -> Result<Outcome, RegressFailure> {
        create(&self.folder)?;
        let log = self.folder.join("log.txt");
        let worlds = self.folder.parent().unwrap_or(&self.folder);
        let mut command = Command::new(&self.program.path);
        command
            .args(["bench", &self.overlay, "--driver", "simulator", "--scenario"])
            .arg(scenario(worlds, self.world))
            .args(["--seeds", &self.seeds, "--reports"])
            .arg(&self.folder);
        let status = child::run(&mut command, &log, RUN_WITHIN, workshop.stop)?;
        if status.and_then(|status| status.code()) == Some(USAGE.into()) {
            return Ok(Outcome::Refused(complaint(&child::last_words(&log))));
        }
        match stored(self.program, &self.folder)? {
            Some(folder) => {
                let is_whole = status.is_some_and(|status| status.success());
                Ok(Outcome::Measured { folder: Box::new(folder), is_whole })
            }
            None => Ok(Outcome::Failed),
        }
    }
}

/// The run that a program has stored in a folder for it alone; `None` if it has come to nothing.
pub(super) fn stored(
    program: &Program,
    folder: &Path,
) -> Result<Option<RunFolder>, RegressFailure> {
    match RunFolder::open(&folder.join("latest")) {
        Ok(folder) => Ok(Some(folder)),
        Err(error @ FolderError::Schema { .. }) => {
            let Program { side, name, .. } = program;
            Err(RegressFailure::Refused(Refusal {
                verdict: Verdict::NotComparable,
                reason: format!("the {side} ({name}) measures by another version of records"),
                said: error.to_string(),
            }))
        }
        Err(_) => Ok(None),
    }
}

/// The line of a program's last words that says what is wrong.
fn complaint(words: &str) -> String {
    let plain = |line: &&str| line.chars().any(char::is_alphabetic);
    words.lines().find(plain).unwrap_or(words).trim_matches(['×', ' ']).to_owned()
}

fn sides(
    programs: &Programs,
    jobs: &[Job<'_>],
    outcomes: Vec<Outcome>,
) -> Result<Simulated, RegressFailure> {
    let [mut base, mut head] =
        [&programs.base, &programs.head].map(|program| Side::of_nothing(&program.name));
    let mut notes = Vec::new();
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let is_base = std::ptr::eq(job.program, &programs.base);
        let side = if is_base { &mut base } else { &mut head };
        match outcome {
            Outcome::Measured { folder, is_whole } => {
                side.add_run(&folder, job.world);
                if !is_whole {
                    side.note_failure();
                }
            }
            Outcome::Refused(why) if is_base => {
                let note = format!("the base cannot run {} in {}: {why}", job.overlay, job.world);
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            Outcome::Refused(_) | Outcome::Failed => side.note_failure(),
        }
    }
    Ok(Simulated { sides: [base, head], notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_the_first_line_with_words() {
        assert_eq!(complaint("  × unknown field `x`\n   ╭─[a]"), "unknown field `x`");
        assert_eq!(complaint(""), "");
    }
}
