//! Revisions against each other as a person and CI meet it: in a repository whose program is this one
//! behind a few lines, so that it is built in a second and can be changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const CARGO: &str = r#"[package]
name = "peerbench"
version = "0.0.0"
edition = "2024"
"#;

/// A program that is this one, with arguments behind those of every measurement.
fn source(more: &[&str]) -> String {
    let program = assert_cmd::cargo::cargo_bin!("peerbench");
    format!(
        r#"use std::os::unix::process::CommandExt;
fn main() {{
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    let more: &[&str] = if given[0] == "bench" {{ &{more:?} }} else {{ &[] }};
    let error = std::process::Command::new({program:?}).args(given).args(more).exec();
    panic!("{{error}}");
}}
"#
    )
}

/// A repository with a program, in its first commit.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(TempDir::new().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch", "trunk"]);
        repository.write("Cargo.toml", CARGO);
        repository.write(".gitignore", "/target\n/Cargo.lock\n");
        repository.write("src/main.rs", &source(&[]));
        repository.commit("first");
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn regress(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"));
        command.arg("regress").args(arguments).current_dir(self.path());
        command.env_remove("CARGO_TARGET_DIR").env("LANG", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The exit code of a comparison, and what it prints. It leaves the repository as it was.
    fn compared(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let state =
            || [self.git(&["status", "--porcelain"]), self.git(&["log", "--all", "--oneline"])];
        let before = state();
        let Output { status, stdout, stderr } = self.regress(arguments).output().unwrap();
        assert_eq!(state(), before);
        self.has_no_copies();
        let said = String::from_utf8_lossy(&stderr);
        (status.code(), String::from_utf8(stdout).unwrap() + &said)
    }

    fn has_no_copies(&self) {
        let copies = self.git(&["worktree", "list", "--porcelain"]);
        assert_eq!(copies.matches("worktree ").count(), 1, "{copies}");
    }

    /// The programs that were built.
    fn programs(&self) -> usize {
        let folders = fs::read_dir(self.path().join("target/regress")).into_iter().flatten();
        folders.flatten().filter(|folder| folder.path().join("peerbench").is_file()).count()
    }
}

#[test]
fn a_change_of_documents_is_identical_and_builds_nothing() {
    let repository = Repository::new();
    repository.write("README.md", "Words.\n");
    repository.commit("document");
    let (code, text) = repository.compared(&["HEAD~1", "--testbed"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("identical: both are built from the same sources\n"), "{text}");
    // The base is the commit before if there is no main branch.
    assert_eq!(repository.compared(&[]).1, text);
    assert_eq!(repository.programs(), 0);
}

#[test]
fn changes_of_sources_are_measured_and_what_is_worse_is_named() {
    let repository = Repository::new();
    // In the working tree alone: nobody has committed it, or even added it.
    repository.write("src/main.rs", &(source(&[]) + "// A word more.\n"));
    repository.write("src/new.rs", "// Nothing.\n");
    let (code, text) = repository.compared(&["HEAD", "tracker"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("identical: 100/100 runs\nNothing to do.\n"), "{text}");
    assert!(text.contains("\nhead  the working tree on "), "{text}");
    assert_eq!(repository.programs(), 2);
    repository.write("src/main.rs", &source(&["--set", "overlays.tracker.keep_alive_every=2s"]));
    repository.commit("more often");
    let written = ["--md", "regress.md", "--json", "regress.json"];
    repository.write(".git/info/exclude", "regress.*\n");
    let (code, text) = repository.compared(&[&["HEAD~1", "tracker"][..], &written].concat());
    assert_eq!(code, Some(3), "{text}");
    assert!(text.starts_with("worse: tracker in "), "{text}");
    assert!(!text.contains("building the base"), "it was built before: {text}");
    let note = "! settings differ: overlays.tracker.keep_alive_every: 30s against 2s";
    assert!(text.contains(note), "{text}");
    assert!(text.contains("\nbandwidth_maintenance_sent_mean "), "{text}");
    let markdown = fs::read_to_string(repository.path().join("regress.md")).unwrap();
    assert!(markdown.starts_with("**worse**: tracker in "), "{markdown}");
    assert!(markdown.len() < 60_000);
    let json = fs::read(repository.path().join("regress.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["verdict"], &json["testbed"]), (&Value::from("worse"), &Value::Null));
    assert_eq!(json["simulator"]["cases"][0]["overlay"], "tracker");
}

#[test]
fn what_does_not_build_or_does_not_run_is_said() {
    let repository = Repository::new();
    repository.write("src/main.rs", "fn main() { nonsense }\n");
    repository.commit("broken");
    let (code, text) = repository.compared(&["HEAD~1", "tracker"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("failed: the head does not build ("), "{text}");
    assert!(text.contains("cannot find value `nonsense`"), "{text}");
    let (code, text) = repository.compared(&["HEAD", "tracker", "--head", "HEAD~1", "--md", "-"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.starts_with("**not comparable**: the base does not build ("), "{text}");

    repository.write("src/main.rs", &source(&["--set", "nodes=none"]));
    repository.commit("refuses every scenario");
    let (code, text) = repository.compared(&["HEAD~2", "tracker"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("failed: tracker in "), "{text}");

    let (code, text) = repository.compared(&["nowhere"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.starts_with("error: `git rev-parse"), "{text}");
    let (code, text) = repository.compared(&["tracker"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("The base comes first: `peerbench regress HEAD~1 OVERLAY`"), "{text}");
}

#[test]
fn a_stop_leaves_no_process_and_no_copy_of_the_sources() {
    let repository = Repository::new();
    let mark = repository.path().join("building");
    let sleep = format!(
        "fn main() {{ std::fs::write({mark:?}, std::process::id().to_string()).unwrap(); \
         std::thread::sleep(std::time::Duration::from_secs(600)); }}\n"
    );
    repository.write("build.rs", &sleep);
    repository.commit("takes long");
    let mut running = repository.regress(&["HEAD~1", "tracker", "--head", "HEAD"]).spawn().unwrap();
    let process = loop {
        // The file is there before its content is.
        match fs::read_to_string(&mark) {
            Ok(text) if !text.is_empty() => break text,
            _ => thread::sleep(Duration::from_millis(20)),
        }
    };
    let pid = Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130));
    let stat = format!("/proc/{process}/stat");
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        thread::sleep(Duration::from_millis(20));
    }
    repository.has_no_copies();
}
