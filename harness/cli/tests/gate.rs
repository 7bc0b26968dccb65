//! The gate as a person and CI meet it: baselines saved, shown and accepted, a change found, and
//! every obstacle with its exit code. One overlay, for each run of it is twenty-one runs in five
//! scenarios.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use insta::assert_snapshot;
use program::peerbench;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The exit code of a command, and what it prints.
fn told(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = peerbench(folder, arguments);
    let said = String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap() + &said)
}

/// What it prints to standard output, without the names of stored runs.
fn printed(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, .. } = peerbench(folder, arguments);
    let text = String::from_utf8(stdout).unwrap();
    let line = |line: &str| match line.strip_prefix("head  ") {
        Some(run) => format!("head  RUN{}\n", run.find(", ").map_or("", |at| &run[at..])),
        None => format!("{line}\n"),
    };
    (status.code().unwrap(), text.lines().map(line).collect())
}

/// Stores the latest run under another name, as this changes the lines of its records and what its
/// manifest says.
fn copied(
    folder: &Path,
    name: &str,
    records: impl FnOnce(Vec<Value>) -> Vec<Value>,
    manifest: impl FnOnce(&mut Value),
) {
    let runs = folder.join("reports/runs");
    let (from, to) = (runs.join("latest"), runs.join(name));
    fs::create_dir(&to).unwrap();
    let text = fs::read_to_string(from.join("runs.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines = records(lines).into_iter().map(|record| format!("{record}\n"));
    fs::write(to.join("runs.jsonl"), lines.collect::<String>()).unwrap();
    let mut circumstances: Value =
        serde_json::from_slice(&fs::read(from.join("manifest.json")).unwrap()).unwrap();
    manifest(&mut circumstances);
    fs::write(to.join("manifest.json"), circumstances.to_string()).unwrap();
}

fn is_swarm(record: &Value) -> bool {
    record["key"]["scenario"] == "swarm"
}

fn without(is_out: impl Fn(&Value) -> bool) -> impl FnOnce(Vec<Value>) -> Vec<Value> {
    move |records| records.into_iter().filter(|record| !is_out(record)).collect()
}

fn changed(change: impl Fn(&mut Value)) -> impl FnOnce(Vec<Value>) -> Vec<Value> {
    move |mut records| {
        records.iter_mut().for_each(change);
        records
    }
}

#[test]
fn what_there_is_to_gate() {
    let folder = TempDir::new().unwrap();
    let help = [
        &["gate", "--help"][..],
        &["regress", "--help"],
        &["export", "--help"],
        &["baseline", "--help"],
        &["baseline", "save", "--help"],
        &["baseline", "accept", "--help"],
        &["baseline", "show", "--help"],
        &["baseline", "diff", "--help"],
    ];
    assert_snapshot!(help.map(|arguments| told(folder.path(), arguments).1).join("\n"));
}

#[test]
fn mistakes() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let commands = [
        &["gate"][..],
        &["gate", "cord"],
        &["gate", "--base", "nowhere"],
        &["baseline", "show"],
        &["baseline", "diff"],
    ];
    let transcript = commands.map(|arguments| {
        let (code, text) = told(folder, arguments);
        format!("$ peerbench {}\n{text}exit code {code}\n", arguments.join(" "))
    });
    assert_snapshot!(transcript.join("\n"));
    assert!(!folder.join("reports").exists(), "nothing was measured");
}

/// A folder with the tracker's baselines and the run that they were saved from.
fn saved() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (code, text) = printed(folder.path(), &["baseline", "save", "tracker"]);
    assert_eq!(code, 0, "{text}");
    assert_snapshot!("saved", text);
    folder
}

/// What the gate says of a stored run: its exit code, and how that begins.
fn expect(folder: &Path, head: &str, code: i32, begins: &str) {
    let (found, text) = told(folder, &["gate", "--head", head]);
    assert_eq!(found, code, "{head}: {text}");
    assert!(text.starts_with(begins), "{head}: {text}");
}

/// Two percent more bytes, and so another trace.
fn more(records: Vec<Value>) -> Vec<Value> {
    let change = |it: &mut Value| {
        let bytes = &mut it["metrics"]["lookup_bytes"]["value"];
        *bytes = json!(bytes.as_f64().unwrap() * 1.02);
        it["trace_digest"] = json!("0");
    };
    changed(change)(records)
}

#[test]
fn every_obstacle_has_its_exit_code() {
    let folder = saved();
    let folder = folder.path();
    copied(folder, "lacking", without(is_swarm), |_| {});
    expect(folder, "lacking", 3, "missing: tracker in swarm;");
    copied(folder, "empty", |_| Vec::new(), |_| {});
    expect(folder, "empty", 4, "nothing measured: ");
    copied(folder, "crashed", without(is_swarm), |it| it["status"] = Value::Null);
    expect(folder, "crashed", 1, "failed: tracker in swarm;");
    copied(folder, "half", without(|it| it["key"]["seed"].as_u64() > Some(8)), |_| {});
    expect(folder, "half", 5, "not comparable: ");
    let other_trace = changed(|it| it["trace_digest"] = json!("0"));
    let twice = |records: Vec<Value>| [records.clone(), other_trace(records)].concat();
    copied(folder, "twice", twice, |_| {});
    expect(folder, "twice", 4, "invalid: ");
    copied(folder, "elsewhere", changed(|it| it["scenario_digest"] = json!("0")), |_| {});
    expect(folder, "elsewhere", 5, "not comparable: ");
    copied(folder, "foreign", |records| records, |it| it["schema"] = json!(0));
    expect(folder, "foreign", 5, "error: ");
    copied(folder, "more", more, |_| {});
    expect(folder, "more", 3, "worse: tracker in churn, failures, freeloaders, steady, swarm;");
    let few = |all: Vec<Value>| {
        all.into_iter().filter(|it| it["key"]["seed"].as_u64() <= Some(4)).collect::<Vec<_>>()
    };
    copied(folder, "few", few, |_| {});
    copied(folder, "few-more", |all| more(few(all)), |_| {});
    let few = ["gate", "--base", "few", "--head", "few-more"];
    let (code, text) = told(folder, &few);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("inconclusive: tracker in churn, failures,"), "{text}");
    assert_eq!(told(folder, &[&few[..], &["--strict"]].concat()).0, 6);
}

#[test]
fn what_was_saved_is_shown_and_an_intended_change_is_accepted() {
    let folder = saved();
    let folder = folder.path();
    let (_, again) = printed(folder, &["baseline", "save", "tracker"]);
    assert!(again.starts_with("everything has a baseline"), "{again}");
    let (code, shown) = printed(folder, &["baseline", "show"]);
    assert_eq!(code, 0);
    assert!(shown.contains("\nsteady · 64 nodes · medians of seeds 1 to 20\n"), "{shown}");

    let written = ["gate", "--head", "latest", "--md", "gate.md", "--json", "gate.json"];
    let (code, text) = told(folder, &written);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("identical: 100/100 runs\n"), "{text}");
    let markdown = fs::read_to_string(folder.join("gate.md")).unwrap();
    assert!(markdown.starts_with("**identical**: 100/100 runs."), "{markdown}");
    let json: Value = serde_json::from_slice(&fs::read(folder.join("gate.json")).unwrap()).unwrap();
    assert_eq!(json["verdict"], "identical");

    copied(folder, "more", more, |_| {});
    let (code, text) = printed(folder, &["baseline", "diff", "--from", "more"]);
    assert_eq!(code, 0);
    let accepted = printed(folder, &["baseline", "accept", "--from", "more"]).1;
    assert!(accepted.starts_with(&text), "{accepted}");
    assert!(accepted.contains("+2.0 % [+2.0, +2.0]   < 0.001   worse"), "{accepted}");
    assert!(accepted.contains("wrote reports/baselines/tracker-swarm.json\n"), "{accepted}");
    expect(folder, "more", 0, "identical: 100/100 runs\n");

    copied(folder, "lacking", without(is_swarm), |_| {});
    let removed = printed(folder, &["baseline", "accept", "--from", "lacking"]).1;
    assert!(removed.ends_with("removed reports/baselines/tracker-swarm.json\n"), "{removed}");
    copied(folder, "crashed", |records| records, |it| it["status"] = Value::Null);
    let (code, text) = told(folder, &["baseline", "accept", "--from", "crashed"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("which cannot be a baseline"), "{text}");
    fs::write(folder.join("reports/baselines/tracker-steady.json"), r#"{"schema": 0}"#).unwrap();
    expect(folder, "latest", 5, "error: reports/baselines/tracker-steady.json has schema 0");
}

#[test]
fn a_shorter_successor_list_is_found_and_named_with_its_size() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let saved = printed(folder, &["baseline", "save", "chord"]);
    assert_eq!(saved.0, 0, "{}", saved.1);
    let shorter = ["gate", "chord", "--set", "overlays.chord.successors=6"];
    let (code, text) = printed(folder, &shorter);
    assert_eq!(code, 3, "{text}");
    assert!(text.starts_with("worse: chord in "), "{text}");
    assert!(text.contains("\nhead  RUN, overlays.chord.successors=6\n"), "{text}");
    let steady = text.split("\nchord · steady").nth(1).unwrap();
    let row = |figure: &str| steady.lines().find(|line| line.starts_with(figure)).unwrap();
    assert!(row("state_links_mean").ends_with("better"), "{steady}");
    assert!(row("state_links_mean").contains(" −13.3 % "), "{steady}");
    assert!(row("lookup_hops_mean").ends_with("worse"), "{steady}");
    let (code, text) = printed(folder, &["gate", "chord", "--set", "nodes=40"]);
    assert_eq!(code, 5, "{text}");
}
