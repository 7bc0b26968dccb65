//! Programs of revisions: built in copies of the sources, which go again; the programs are kept, so
//! that a revision is built once.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use peerbench_reports::gate::{Refusal, Verdict};

use super::repository::{Repository, Revision};
use super::{RegressFailure, Workshop, child};
use crate::failure::Failure;

/// How many programs are kept, some 70 MB each.
const KEPT: usize = 8;

/// How long a build may take: on one slow core it takes a quarter of that.
const BUILD_WITHIN: Duration = Duration::from_secs(60 * 60);

const NAME: &str = "peerbench";

/// A program that can be measured.
pub(super) struct Program {
    /// Base or head.
    pub(super) side: &'static str,
    /// What a person calls its revision.
    pub(super) name: String,
    /// The file.
    pub(super) path: PathBuf,
}

/// The program of a revision, built now unless it was before.
///
/// # Errors
/// [`RegressFailure::Refused`] if it does not build.
pub(super) fn program(
    side: &'static str,
    repository: &Repository,
    revision: Revision,
    workshop: &Workshop<'_>,
) -> Result<Program, Failure> {
    let folder = workshop.folder.join(&revision.commit);
    let path = folder.join(NAME);
    if !path.is_file() {
        create(&folder)?;
        build(side, repository, &revision, &folder, workshop)?;
        forget(&workshop.folder, &folder);
    }
    Ok(Program { side, name: revision.name, path })
}

/// Makes a folder, and those around it.
pub(super) fn create(folder: &Path) -> Result<(), RegressFailure> {
    std::fs::create_dir_all(folder)
        .map_err(|source| RegressFailure::File { path: folder.to_owned(), source })
}

fn build(
    side: &'static str,
    repository: &Repository,
    revision: &Revision,
    folder: &Path,
    workshop: &Workshop<'_>,
) -> Result<(), Failure> {
    eprintln!("building the {side}: {}", revision.name);
    let log = folder.join("build.txt");
    let _ = std::fs::remove_file(&log);
    let copy = repository.copy(revision, &folder.join("source"))?;
    // One folder for all revisions, so that what they depend on is built once.
    let target = workshop.folder.join("build");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--package", NAME])
        .current_dir(&copy.path)
        .env("CARGO_TARGET_DIR", &target);
    let status = child::run(&mut command, &log, BUILD_WITHIN, workshop.stop)?;
    if !status.is_some_and(|status| status.success()) {
        let refusal = Refusal {
            // A change that does not build is at fault itself; a base is just no base.
            verdict: if side == "head" { Verdict::Failed } else { Verdict::NotComparable },
            reason: format!("the {side} does not build ({})", revision.name),
            said: child::last_words(&log),
        };
        return Err(RegressFailure::Refused(refusal).into());
    }
    let (built, path) = (target.join("release").join(NAME), folder.join(NAME));
    // Under another name first: a file of the right name is a whole program.
    let new = folder.join(format!("{NAME}.new"));
    std::fs::copy(&built, &new)
        .and_then(|_| std::fs::rename(&new, &path))
        .map_err(|source| RegressFailure::File { path, source })?;
    Ok(())
}

/// Removes the programs that were made longest ago, but not this one.
fn forget(workshop: &Path, but: &Path) {
    let made = |path: &Path| path.join(NAME).metadata().and_then(|it| it.modified()).ok();
    let entries = std::fs::read_dir(workshop).into_iter().flatten().flatten();
    let mut programs: Vec<(SystemTime, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|path| path != but)
        .filter_map(|path| Some((made(&path)?, path)))
        .collect();
    programs.sort();
    let many = programs.len().saturating_sub(KEPT - 1);
    for (_, path) in programs.into_iter().take(many) {
        let _ = std::fs::remove_dir_all(path);
    }
}
