//! A sweep as a person meets it: help, mistakes, a small grid from the command line to the picture, and
//! one that is stopped in the middle and gone on with.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use program::{folder_with, peerbench, records, transcript, transcripts};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const SMALL: &str = "
name: small
nodes: 16
start: converged
warm_up: 1s
network: {uniform_round_trip: 40ms}
workload: {items: 16, searches: 60, rate: 20/s, timeout: 1s}
";

#[test]
fn how_it_is_written() {
    let folder = folder_with("small.yaml", SMALL);
    assert_snapshot!(transcripts(folder.path(), &[&["sweep", "--help"]]));
}

#[test]
fn mistakes() {
    let folder = folder_with("small.yaml", SMALL);
    let small = ["sweep", "chord", "--scenario", "small.yaml"];
    let with = |more: &[&str]| transcript(folder.path(), &[&small[..], more].concat());
    assert_snapshot!(
        [
            with(&["--set", "overlays.chord.successors=4,many"]),
            with(&["--set", "overlays.chord.sucessors=4,8"]),
            with(&["--set", "overlays.flooding.degree=4,8"]),
            with(&["--set", "overlays.chord.successors=4,,8"]),
            with(&["--set", "overlays.chord.successors"]),
            with(&["--set", "nodes=8,16", "--nodes", "32"]),
            with(&["--set", "seeds=1,2"]),
            with(&["--set", "nodes=8,0"]),
            with(&["--y", "lookup_correct_ratio"]),
            with(&["--x", "bandwith_sent_mean"]),
            with(&["--correct-at-least", "most"]),
            with(&["--resume", "yesterday"]),
        ]
        .concat()
    );
}

#[test]
fn a_small_grid_is_run_shown_drawn_and_reported_again() {
    let folder = folder_with("small.yaml", SMALL);
    let arguments = [
        "sweep",
        "chord",
        "tracker",
        "--scenario",
        "small.yaml",
        "--set",
        "overlays.chord.successors=2, 8",
        "--set",
        "overlays.chord.stabilize_every=1s,1000ms,4s",
        "--set",
        "network.uniform_round_trip=40ms",
        "--nodes",
        "16,32",
        "--seeds",
        "1..2",
    ];
    let output = peerbench(folder.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!("small_grid", shown);
    // Both ways to write a second are one; what is Chord's does not concern the tracker.
    assert_eq!(records(folder.path()).len(), (2 * 2 + 1) * 2 * 2);
    let latest = folder.path().join("reports/runs/latest");
    let summary = fs::read_to_string(latest.join("summary.md")).unwrap();
    assert!(summary.contains("](sweep.svg)"), "{summary}");
    assert!(fs::read_to_string(latest.join("sweep.svg")).unwrap().contains("chord"));
    assert!(latest.join("report.html").is_file());
    let again = peerbench(folder.path(), &["report"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), shown);
}

/// A sweep of more runs than are finished before anybody can stop it.
const LONG: [&str; 8] = [
    "sweep",
    "chord",
    "--scenario",
    "small.yaml",
    "--set",
    "overlays.chord.successors=2,4,8",
    "--seeds",
    "1..60",
];

/// Starts it, lets it finish some runs, and stops it as Ctrl-C does.
fn interrupted(folder: &Path) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"));
    command.args(LONG).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let stored = folder.join("reports/runs/latest/runs.jsonl");
    while fs::read_to_string(&stored).map_or(0, |text| text.lines().count()) < 5 {
        thread::sleep(Duration::from_millis(2));
    }
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

/// The trace of every finished run, by its scenario and seed.
fn traces(records: &[Value]) -> BTreeMap<(String, u64), String> {
    let finished = records.iter().filter(|record| record["status"] == "ok");
    let trace = |record: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = &record["key"];
        ((text(&key["scenario"]), key["seed"].as_u64().unwrap()), text(&record["trace_digest"]))
    };
    finished.map(trace).collect()
}

#[test]
fn one_that_was_stopped_goes_on_and_runs_nothing_twice() {
    let folder = folder_with("small.yaml", SMALL);
    let stopped = interrupted(folder.path());
    let said = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("To go on: peerbench sweep chord"), "{said}");
    let before = records(folder.path());
    let finished = traces(&before);
    assert!((4..180).contains(&finished.len()), "{}", finished.len());
    let table = String::from_utf8(stopped.stdout).unwrap();
    let note = format!("{} of 180 runs were finished; the others are missing", finished.len());
    assert!(table.contains(&note), "{table}");

    let other = peerbench(folder.path(), &[&LONG[..6], &["--resume", "latest"]].concat());
    assert_eq!(other.status.code(), Some(2));
    let refusal = String::from_utf8(other.stderr).unwrap();
    assert!(refusal.contains("cannot be gone on with: the seeds are"), "{refusal}");

    // As the program said it.
    let command = said.lines().find_map(|line| line.strip_prefix("To go on: peerbench ")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    let rest = peerbench(folder.path(), &words);
    let said = String::from_utf8(rest.stderr).unwrap();
    assert_eq!(rest.status.code(), Some(0), "{said}");
    let there = format!("{} of 180 runs are there already", finished.len());
    assert!(said.contains(&there), "{said}");
    let after = records(folder.path());
    assert_eq!(after[..before.len()], before, "what was stored stays");
    assert_eq!(after.len(), before.len() + 180 - finished.len(), "nothing is run twice");
    let all = traces(&after);
    assert_eq!(all.len(), 180);

    let whole = folder_with("small.yaml", SMALL);
    assert!(peerbench(whole.path(), &LONG).status.success());
    assert_eq!(traces(&records(whole.path())), all);
}
