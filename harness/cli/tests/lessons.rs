//! Lessons as a person meets them: the list, mistakes in a file, and a small one from the command
//! line to the stored runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use insta::assert_snapshot;
use program::{folder_with, peerbench, transcript};
use serde_json::Value;
use tempfile::TempDir;

/// Two overlays that need no knowledge of what each is to be told apart, in three small worlds.
const SMALL: &str = "
title: A small lesson
teaches: More nodes are farther apart.
look_for: The hops.
parts:
  - title: Hops in small rings
    scenario:
      start: converged
      seeds: [1, 2]
      warm_up: 2s
      network: {uniform_round_trip: 20ms}
      workload: {items: 16, searches: 60, rate: 60/s}
    vary: {field: nodes, values: [8, 16, 32]}
    columns:
      - {overlay: chord}
      - {label: iterative, overlay: chord, set: [overlays.chord.lookup=iterative], at_most: 16}
    show: [lookup_correct_ratio, lookup_hops_mean]
    growth: [state_links_mean]
    against: {column: chord, figures: [lookup_latency_us_p50]}
  - title: One is killed
    scenario:
      nodes: 16
      start: converged
      warm_up: 2s
      network: {uniform_round_trip: 20ms}
      workload: {items: 16, searches: 300, rate: 60/s}
      faults: [{at: 4s, nodes: [3]}]
    columns: [{overlay: chord}]
    timeline: true
    breakdown: role
";

#[test]
fn what_there_is_to_learn() {
    let folder = TempDir::new().unwrap();
    let commands: [&[&str]; 3] =
        [&["list", "lessons"], &["lesson", "--help"], &["lesson", "needles-and-hay"]];
    assert_snapshot!(commands.map(|command| transcript(folder.path(), command)).concat());
}

#[test]
fn mistakes_in_a_lesson_point_at_their_place() {
    let folder = TempDir::new().unwrap();
    let mistakes = [
        ("look_for: The hops.", "look: The hops."),
        ("warm_up: 2s", "warm_up: 2kB"),
        ("{overlay: chord}", "{overlay: cord}"),
        ("overlays.chord.lookup=iterative", "overlays.chord.lookup=creative"),
        ("lookup_hops_mean", "lookup_hops"),
        ("state_links_mean", "state_link_mean"),
        ("values: [8, 16, 32]", "values: [8, 16, many]"),
        ("values: [8, 16, 32]", "values: []"),
        ("column: chord", "column: cord"),
        ("{label: iterative, ", "{"),
        ("breakdown: role", "breakdown: roles"),
        ("nodes: [3]", "nodes: [16]"),
    ];
    let told = mistakes.map(|(right, wrong)| {
        let text = SMALL.replacen(right, wrong, 1);
        assert_ne!(text, SMALL, "{right}");
        fs::write(folder.path().join("mine.yaml"), text).unwrap();
        transcript(folder.path(), &["lesson", "mine.yaml"])
    });
    assert_snapshot!(told.concat());
}

#[test]
fn a_small_lesson_is_run_shown_and_stored() {
    let folder = folder_with("small.yaml", SMALL);
    let output = peerbench(folder.path(), &["lesson", "small.yaml", "--md", "small.md"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_snapshot!("small_lesson", String::from_utf8(output.stdout).unwrap());
    assert_snapshot!(
        "small_lesson_in_markdown",
        fs::read_to_string(folder.path().join("small.md")).unwrap()
    );
    let latest = folder.path().join("reports/runs/latest");
    let records = fs::read_to_string(latest.join("runs.jsonl")).unwrap();
    let mut keys: Vec<String> = records
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["status"], "ok");
            format!(
                "{} n={} seed={}",
                record["key"]["scenario"], record["key"]["n"], record["key"]["seed"]
            )
        })
        .collect();
    keys.sort_unstable();
    assert_snapshot!("keys_of_a_small_lesson", keys.join("\n"));
    assert!(latest.join("summary.md").is_file());
}

#[test]
fn the_command_line_changes_every_part_and_what_varies() {
    let folder = folder_with("small.yaml", SMALL);
    let arguments = [
        "lesson",
        "small.yaml",
        "--set",
        "nodes=12",
        "--seeds",
        "7",
        "--set",
        "workload.searches=30",
    ];
    let output = peerbench(folder.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records = fs::read_to_string(folder.path().join("reports/runs/latest/runs.jsonl")).unwrap();
    assert_eq!(records.lines().count(), 3, "two columns, and one of the second part");
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&record["key"]["n"], &record["key"]["seed"]), (&12.into(), &7.into()));
        assert_eq!(record["metrics"]["lookup_count"]["value"], 30.0);
    }
}

#[test]
fn an_interrupted_lesson_keeps_and_shows_what_was_finished() {
    let folder = folder_with("small.yaml", SMALL);
    let mut lesson = std::process::Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
        .args(["lesson", "small.yaml", "--seeds", "1..2000", "--set", "nodes=64"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let records = folder.path().join("reports/runs/latest/runs.jsonl");
    while fs::read_to_string(&records).map_or(0, |text| text.lines().count()) < 4 {
        assert!(lesson.try_wait().unwrap().is_none(), "it ends before it has run four worlds");
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = rustix::process::Pid::from_child(&lesson);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = lesson.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("lookup hops"), "{shown}");
    assert!(shown.contains("of 2000 runs were finished"), "{shown}");
}
