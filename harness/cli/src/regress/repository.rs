//! The sources: which revisions are compared, and copies of them beside the working tree, which is
//! only ever read. What is not committed yet becomes a commit that no branch knows.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::RegressFailure;

/// What the base is if nobody names one: where the change left what others have.
const UPSTREAM: [&str; 2] = ["origin/main", "main"];

/// Files of which no program is made, by how their paths begin or end. All others count as sources.
const NO_SOURCES: [&str; 6] = [".md", ".gitignore", ".snap", ".github/", ".ci/", "LICENSE"];

/// Programs ask about the state of the sources while somebody works on them: they must not lock the
/// index for that.
pub(super) const NO_LOCKS: (&str, &str) = ("GIT_OPTIONAL_LOCKS", "0");

/// A repository that has a working tree.
pub(super) struct Repository {
    root: PathBuf,
}

/// A state of the sources.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    /// The full name of the commit.
    pub(super) commit: String,
    /// What a person calls it.
    pub(super) name: String,
}

/// A copy of a revision, which goes with this value.
pub(super) struct Copy<'a> {
    repository: &'a Repository,
    pub(super) path: PathBuf,
}

impl Repository {
    /// That of the current directory.
    pub(super) fn here() -> Result<Self, RegressFailure> {
        let root = git(Path::new("."), &["rev-parse", "--show-toplevel"], &[])?;
        Ok(Self { root: PathBuf::from(root) })
    }

    /// Where programs, copies and runs of comparisons are.
    pub(super) fn workshop(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        self.root.join(target.unwrap_or_else(|| "target".into())).join("regress")
    }

    /// The revision that is compared to: the one that is named, or else where the head has left the
    /// main branch, or else the commit before.
    pub(super) fn base(&self, named: Option<&str>) -> Result<Revision, RegressFailure> {
        if let Some(named) = named {
            return self.revision(named);
        }
        let head = self.git(&["rev-parse", "HEAD"])?;
        for upstream in UPSTREAM {
            if let Ok(base) = self.git(&["merge-base", "HEAD", upstream])
                && (base != head || self.has_changes()?)
            {
                return self.revision(&base);
            }
        }
        self.revision("HEAD~1")
    }

    /// The revision that is judged: the one that is named, or else the working tree as it is.
    pub(super) fn head(&self, named: Option<&str>) -> Result<Revision, RegressFailure> {
        match named {
            Some(named) => self.revision(named),
            None if self.has_changes()? => self.snapshot(),
            None => self.revision("HEAD"),
        }
    }

    /// Whether both are built from the same files, so that they are the same program.
    pub(super) fn build_alike(
        &self,
        base: &Revision,
        head: &Revision,
    ) -> Result<bool, RegressFailure> {
        let range = [&*base.commit, &*head.commit];
        let changed = self.git(&[&["diff", "--name-only", "--no-renames"][..], &range].concat())?;
        Ok(changed.lines().all(|path| !is_source(path)))
    }

    /// A copy of a revision in this folder, in place of whatever is there.
    pub(super) fn copy(
        &self,
        revision: &Revision,
        path: &Path,
    ) -> Result<Copy<'_>, RegressFailure> {
        let copy = Copy { repository: self, path: path.to_owned() };
        copy.remove();
        let path = path.to_string_lossy();
        self.git(&["worktree", "add", "--detach", "--force", &*path, &revision.commit])?;
        Ok(copy)
    }

    fn revision(&self, name: &str) -> Result<Revision, RegressFailure> {
        let commit = self.git(&[
            "rev-parse",
            "--verify",
            "--end-of-options",
            &format!("{name}^{{commit}}"),
        ])?;
        let title = self.git(&["log", "-1", "--format=%h %s", &commit])?;
        Ok(Revision { name: title, commit })
    }

    fn has_changes(&self) -> Result<bool, RegressFailure> {
        Ok(!self.git(&["status", "--porcelain"])?.is_empty())
    }

    /// The working tree as a commit, made with an index of its own. Equal trees on one commit are
    /// equal commits, so that what was built of them is found again.
    fn snapshot(&self) -> Result<Revision, RegressFailure> {
        let head = self.revision("HEAD")?;
        let folder = self.workshop();
        std::fs::create_dir_all(&folder)
            .map_err(|source| RegressFailure::File { path: folder.clone(), source })?;
        let index = folder.join(format!("index-{}", std::process::id()));
        let index_text = index.to_string_lossy().into_owned();
        let own = [("GIT_INDEX_FILE", &*index_text)];
        let tree = git(&self.root, &["read-tree", &head.commit], &own)
            .and_then(|_| git(&self.root, &["add", "--all"], &own))
            .and_then(|_| git(&self.root, &["write-tree"], &own));
        let _ = std::fs::remove_file(&index);
        let date = self.git(&["log", "-1", "--format=%cI", &head.commit])?;
        let identity = [
            ("GIT_AUTHOR_NAME", "peerbench"),
            ("GIT_AUTHOR_EMAIL", "peerbench"),
            ("GIT_AUTHOR_DATE", &*date),
            ("GIT_COMMITTER_NAME", "peerbench"),
            ("GIT_COMMITTER_EMAIL", "peerbench"),
            ("GIT_COMMITTER_DATE", &*date),
        ];
        let words = ["commit-tree", &*tree?, "-p", &*head.commit, "-m", "the working tree"];
        let commit = git(&self.root, &words, &identity)?;
        Ok(Revision { name: format!("the working tree on {}", head.name), commit })
    }

    fn git(&self, arguments: &[&str]) -> Result<String, RegressFailure> {
        git(&self.root, arguments, &[])
    }
}

impl Copy<'_> {
    fn remove(&self) {
        let path = self.path.to_string_lossy();
        // The first time there is nothing to remove; and what was killed may have left only a part.
        let _ = self.repository.git(&["worktree", "remove", "--force", "--force", &*path]);
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = self.repository.git(&["worktree", "prune"]);
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn is_source(path: &str) -> bool {
    let is_baseline = path.starts_with("reports/baselines/") && path.ends_with(".json");
    let is_other = |it: &&str| path.starts_with(*it) || path.ends_with(*it);
    !is_baseline && path != "justfile" && !NO_SOURCES.iter().any(is_other)
}

/// What git answers, without white space around it.
fn git(folder: &Path, arguments: &[&str], own: &[(&str, &str)]) -> Result<String, RegressFailure> {
    let command = || arguments.join(" ");
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .envs(own.iter().copied().chain([NO_LOCKS]))
        .stdin(Stdio::null())
        .output()
        .map_err(|source| RegressFailure::Start { program: "git".to_owned(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(RegressFailure::Git { command: command(), said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_no_sources_and_everything_else_is() {
        for path in ["README.md", "docs/a.md", ".github/workflows/ci.yml", "justfile", ".ci/run"] {
            assert!(!is_source(path), "{path}");
        }
        assert!(!is_source("reports/baselines/chord-steady.json"), "it is data");
        for path in ["Cargo.lock", "overlays/chord/src/lib.rs", "configs/default.yaml"] {
            assert!(is_source(path), "{path}");
        }
        assert!(is_source("reports/baselines/worlds/steady.yaml"), "it comes with the program");
    }
}
