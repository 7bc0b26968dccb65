//! Disks that take nothing, or nothing more: it is said, what was measured is not lost, and the exit
//! code tells.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod testbed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tempfile::TempDir;
use testbed::{Run, SIXTEEN};

/// A shell's words around the program, in a folder with a scenario.
fn simulate(folder: &TempDir, before: &str) -> Output {
    fs::write(folder.path().join("sixteen.yaml"), SIXTEEN).unwrap();
    Command::new("sh")
        .args(["-c", &format!("{before}; exec \"$0\" \"$@\"")])
        .arg(assert_cmd::cargo::cargo_bin!("peerbench"))
        .args(["bench", "chord", "--scenario", "sixteen.yaml", "--driver", "simulator"])
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn assert_refused(folder: &TempDir, run: &Output) {
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains("runs cannot be stored in reports/runs"), "{said}");
    assert!(said.contains("Nothing was measured"), "{said}");
    assert!(run.stdout.is_empty());
    let left = fs::read_dir(folder.path().join("reports/runs")).into_iter().flatten().count();
    assert_eq!(left, 0, "no folder of a run that never was");
}

#[test]
fn a_disk_without_room_is_found_before_anything_is_measured() {
    let folder = TempDir::new().unwrap();
    // A limit on the length of files fails as a full disk does, at one place of the code or another,
    // for whoever runs this.
    for blocks in [1, 64] {
        let run = simulate(&folder, &format!("ulimit -f {blocks}"));
        assert_refused(&folder, &run);
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_found_before_anything_is_measured() {
    if rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: to root every folder may be written, so nothing was tested");
        return;
    }
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("reports/runs");
    fs::create_dir_all(&runs).unwrap();
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o555)).unwrap();
    assert_refused(&folder, &simulate(&folder, "true"));
}

#[test]
fn a_disk_that_fills_up_costs_the_files_and_not_the_table() {
    let mut run = Run::start(&["--driver", "testbed"]);
    run.until_it_searches();
    let no_more = Rlimit { current: Some(0), maximum: getrlimit(Resource::Fsize).maximum };
    let pid = Pid::from_child(&run.controller);
    prlimit(Some(pid), Resource::Fsize, no_more).unwrap();
    let ended = run.end();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.table.contains("lookup outcome"), "{}", ended.table);
    assert!(ended.said.contains("what was measured is not stored"), "{}", ended.said);
    assert!(ended.records.is_empty());
}

#[test]
fn a_folder_that_goes_away_costs_nothing() {
    let mut run = Run::start(&["--driver", "testbed"]);
    run.until_it_searches();
    fs::remove_dir_all(run.folder.path().join("reports")).unwrap();
    let ended = run.end();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.table.contains("lookup outcome"), "{}", ended.table);
    assert!(ended.said.contains("What was measured is in"), "{}", ended.said);
    let rescued = ended.folder.path().join("peerbench-runs");
    let stored = fs::read_dir(&rescued).unwrap().flatten().find(|entry| entry.path().is_dir());
    let report = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
        .arg("report")
        .arg(stored.unwrap().path())
        .output()
        .unwrap();
    assert!(report.status.success(), "{report:?}");
    assert!(String::from_utf8_lossy(&report.stdout).contains("lookup outcome"));
}
