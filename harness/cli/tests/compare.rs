//! Overlays side by side as a person meets them: stored runs compared, several overlays in one run,
//! and what cannot be compared. The runs are simulated, small, and of one overlay; where it takes
//! two, one is the other under another name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use program::{peerbench, printed};
use serde_json::{Value, json};
use tempfile::TempDir;

const SIXTEEN: &str = "
nodes: 16
join: {over: 200ms}
warm_up: 4s
network: {uniform_round_trip: 20ms}
workload: {items: 16, searches: 60, rate: 60/s}
";

/// The exit code of a command, and what it prints.
fn judged(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = peerbench(folder, arguments);
    (status.code(), String::from_utf8(stdout).unwrap())
}

/// What a command that must fail says, and its exit code.
fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = peerbench(folder, arguments);
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Simulates sixteen nodes, with these arguments on top, and stores the run in this folder of its
/// own.
fn simulate(folder: &Path, stored: &str, more: &[&str]) {
    fs::write(folder.join("sixteen.yaml"), SIXTEEN).unwrap();
    let bench = ["bench", "chord", "--driver", "simulator", "--scenario", "sixteen.yaml"];
    printed(folder, &[&bench[..], &["--reports", "made"], more].concat());
    let made = folder.join("made");
    let id = fs::read_link(made.join("latest")).unwrap();
    let stored = folder.join(stored);
    fs::create_dir_all(stored.parent().unwrap()).unwrap();
    fs::rename(made.join(id), stored).unwrap();
}

/// Changes what a stored run's manifest says.
fn change(run: &Path, change: impl FnOnce(&mut Value)) {
    let path = run.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

/// Adds every record of a run once more, as if another overlay had behaved exactly alike.
fn double(run: &Path) {
    let path = run.join("runs.jsonl");
    let records = fs::read_to_string(&path).unwrap();
    let ring = records.replace(r#""overlay":"chord""#, r#""overlay":"ring""#);
    fs::write(path, records + &ring).unwrap();
    change(run, |manifest| manifest["overlays"] = json!(["chord", "ring"]));
}

#[test]
fn versions_of_an_overlay_are_compared_seed_by_seed() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "one", &["--seeds", "1..6"]);
    simulate(folder, "two", &["--seeds", "1..7", "--set", "overlays.chord.successors=4"]);
    let (code, table) = judged(folder, &["compare", "one", "two"]);
    assert_eq!(code, Some(5), "{table}");
    assert!(table.starts_with("not comparable: chord in sixteen; 0 of 7 runs"), "{table}");
    assert!(table.contains("\nseeds 1 to 6 against seeds 1 to 7\n"), "{table}");
    assert!(table.contains("\nsimulator · sixteen · 16 nodes · 7 seeds\n"), "{table}");
    assert!(table.contains("chord #2 vs chord #1"), "{table}");
    let reading = "vs chord #1: ratio (×) or difference over 6 paired seeds [96.9 % interval]";
    assert!(table.contains(reading), "{table}");
    assert!(table.contains("\n! not paired, only for chord #2: seed 7\n"), "{table}");
    assert!(table.contains("\n#1 ") && table.contains("\n#2 "), "{table}");
    let turned = ["compare", "one", "two", "--reference", "chord #2"];
    let (_, turned) = judged(folder, &turned);
    assert!(turned.contains("chord #1 vs chord #2"), "{turned}");
}

#[test]
fn the_second_of_two_runs_is_judged_by_the_first() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "one", &["--seeds", "1..16"]);
    simulate(folder, "other", &["--seeds", "1..16", "--set", "overlays.chord.successors=3"]);
    let (code, text) = judged(folder, &["compare", "one", "one"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("identical: 16/16 runs\nNothing to do.\n"), "{text}");
    let more = ["--md", "compared.md", "--json", "compared.json"];
    let (code, text) = judged(folder, &[&["compare", "one", "other"][..], &more].concat());
    assert_eq!(code, Some(3), "{text}");
    assert!(text.starts_with("worse: chord in sixteen;"), "{text}");
    assert!(text.contains("! settings differ: overlays.chord.successors: 8 against 3\n"), "{text}");
    let markdown = fs::read_to_string(folder.join("compared.md")).unwrap();
    assert!(markdown.starts_with("**worse**: chord in sixteen;"), "{markdown}");
    assert!(markdown.contains("\n## simulator · sixteen · 16 nodes · 16 seeds\n"), "{markdown}");
    let json: Value =
        serde_json::from_slice(&fs::read(folder.join("compared.json")).unwrap()).unwrap();
    assert_eq!(json["verdict"]["verdict"], "worse");
    assert_eq!(json["tables"][0]["columns"], json!(["chord #1", "chord #2"]));
    let links = json["tables"][0]["figures"].as_array().unwrap();
    let links = links.iter().find(|it| it["figure"] == "state_links_mean").unwrap();
    assert!(links["contrasts"][1]["estimate"].as_f64().unwrap() < 0.9, "{links}");
    let (_, printed) = judged(folder, &["compare", "one", "other", "--json", "-"]);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), json);
}

#[test]
fn parts_of_runs_are_compared() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "reports/runs/run", &["--seeds", "1..6"]);
    double(&folder.join("reports/runs/run"));
    // Overlays are different things: neither is judged by the other.
    let (code, text) = judged(folder, &["compare", "run:chord", "run:ring"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("simulator · sixteen · 16 nodes · 6 seeds\n"), "{text}");
    assert!(text.contains("ring vs chord"), "{text}");
    let (code, text) =
        judged(folder, &["compare", "run:chord,seed=1..4", "run:chord,seed=1,2,3,4"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("identical: 4/4 runs\n"), "{text}");
    for (wrong, said) in [
        ("run:pastry", "error: run has nothing of `pastry`"),
        ("run:colour=red", "error: there is no part of a key `colour`; there are: overlay,"),
        ("run:seed=x", "error: `x` is not a seed"),
        ("@0000", "error: no run of commit `0000` is stored in reports/runs"),
    ] {
        let (code, found) = refused(folder, &["compare", wrong, "run"]);
        assert_eq!(code, Some(2), "{found}");
        assert!(found.starts_with(said), "{found}");
    }
    let run = folder.join("reports/runs/run");
    change(&run, |it| it["git"] = json!({"commit": "00001234", "dirty": false}));
    let (code, text) = judged(folder, &["compare", "@0000:chord", "@00001234:chord"]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_run_of_several_overlays_is_reported_side_by_side() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "run", &["--seeds", "1,2"]);
    double(&folder.join("run"));

    let table = printed(folder, &["report", "run"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "simulator · sixteen · 16 nodes · 2 seeds");
    assert!(lines[2].ends_with("ring vs chord"), "{table}");
    assert!(table.contains("over 2 paired seeds; 6 or more give an interval"), "{table}");
    assert!(!table.contains("trace hash"), "{table}");
    assert_eq!(printed(folder, &["compare", "run"]), table);

    let turned = printed(folder, &["report", "run", "--reference", "ring"]);
    assert!(turned.lines().nth(2).unwrap().ends_with("chord vs ring"), "{turned}");
    let details = printed(folder, &["report", "run", "--details"]);
    assert!(details.starts_with(table.trim_end()), "{details}");
    assert!(details.contains("\nring · sixteen · 16 nodes · seeds 1, 2\n"), "{details}");

    let markdown = printed(folder, &["report", "run", "--md", "-"]);
    assert!(markdown.starts_with("## simulator · sixteen · 16 nodes · 2 seeds\n"), "{markdown}");
    assert!(
        markdown.contains("\n## chord · sixteen ·") && markdown.contains("\n## ring · sixteen")
    );
    let also = printed(folder, &["compare", "run", "--md", "comparison.md"]);
    assert_eq!(also, table);
    let written = fs::read_to_string(folder.join("comparison.md")).unwrap();
    assert!(markdown.starts_with(&written), "{written}");
}

#[test]
fn stored_runs_have_names() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "reports/runs/latest", &[]);
    let table = printed(folder, &["compare", "latest", "reports/runs/latest"]);
    assert!(table.contains("chord #2 vs chord #1"), "{table}");
    let other = printed(folder, &["compare", "--reports", "reports/runs", "latest", "latest"]);
    assert_eq!(other, table);
    assert!(table.starts_with("identical: 1/1 runs\n"), "{table}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "one", &[]);
    simulate(folder, "other", &["--set", "workload.rate=50/s", "--nodes", "12"]);

    let (code, said) = refused(folder, &["compare", "one", "other"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("are not of the same world"), "{said}");
    assert!(said.contains("\n  nodes: 16 against 12\n"), "{said}");
    assert!(said.contains("\n  workload.rate: 60/s against 50/s\n"), "{said}");

    let (code, said) = refused(folder, &["compare", "one", "one", "--reference", "pastry"]);
    let reason = "the reference `pastry` is not among what was measured: chord #1, chord #2";
    assert_eq!((code, said.trim_end()), (Some(2), &*format!("error: {reason}")));

    let (code, said) = refused(folder, &["compare", "one"]);
    let reason =
        "there is one overlay in one, and nothing to compare it to: name another run as well";
    assert_eq!((code, said.trim_end()), (Some(2), &*format!("error: {reason}")));

    let (code, said) = refused(folder, &["compare", "one", "one", "--driver", "testbed"]);
    assert_eq!((code, said.trim_end()), (Some(4), "nothing was measured"));

    let (code, said) = refused(folder, &["compare", "one", "nowhere"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nowhere is not the folder of a run"), "{said}");

    change(&folder.join("other"), |manifest| manifest["schema"] = json!(0));
    let (code, said) = refused(folder, &["compare", "one", "other"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("has schema 0"), "{said}");
}

#[test]
fn overlays_that_are_measured_together_are_shown_together() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("sixteen.yaml"), SIXTEEN).unwrap();
    let bench = ["bench", "tracker", "chord", "--reference", "chord", "--seeds", "1,2"];
    let more = ["--driver", "simulator", "--scenario", "sixteen.yaml"];
    let Output { status, stdout, stderr } = peerbench(folder, &[&bench[..], &more].concat());
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{said}");
    let table = String::from_utf8(stdout).unwrap();
    assert!(table.starts_with("simulator · sixteen · 16 nodes · 2 seeds\n"), "{table}");
    assert!(table.lines().nth(2).unwrap().contains("tracker vs chord"), "{table}");
    assert!(said.contains("4 runs in the simulator"), "{said}");
    assert_eq!(printed(folder, &["report"]), table, "the reference is stored as the first");
    let summary = fs::read_to_string(folder.join("reports/runs/latest/summary.md")).unwrap();
    let headings: Vec<&str> = summary.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        headings,
        [
            "## simulator · sixteen · 16 nodes · 2 seeds",
            "## chord · sixteen · 16 nodes · seeds 1, 2",
            "## tracker · sixteen · 16 nodes · seeds 1, 2",
        ]
    );
}

#[test]
fn the_reference_of_a_measurement_is_one_of_its_overlays() {
    let folder = TempDir::new().unwrap();
    let (code, said) = refused(folder.path(), &["bench", "chord", "--reference", "ring"]);
    let reason = "the reference `ring` is not measured: name it among the overlays";
    assert_eq!((code, said.trim_end()), (Some(2), &*format!("error: {reason}")));
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn a_run_is_exported_for_other_programs() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    simulate(folder, "run", &["--seeds", "1,2"]);
    let text = printed(folder, &["export", "run:seed=2", "--format", "benchstat"]);
    assert!(text.starts_with("Unit lookup_correct_ratio assume=exact better=higher\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("Benchmark")).count(), 1, "{text}");
    let judged = printed(folder, &["export", "run", "--format", "csv"]);
    let all = printed(folder, &["export", "run", "--format", "csv", "--all"]);
    assert!(all.lines().count() > 2 * judged.lines().count(), "{judged}");
    let text = printed(folder, &["export", "run", "--format", "bencher", "--output", "-"]);
    let metrics: Value = serde_json::from_str(&text).unwrap();
    assert!(metrics["chord/sixteen/simulator/16 nodes"]["lookup-hops-mean"]["value"].is_number());
    let github = ["export", "run", "--format", "github-action-benchmark"];
    let (code, said) = refused(folder, &github);
    assert_eq!(code, Some(2), "{said}");
    printed(folder, &[&github[..], &["--output", "benchmark.json"]].concat());
    for (file, figure) in [
        ("benchmark-smaller.json", "lookup_latency_us_p50"),
        ("benchmark-bigger.json", "lookup_correct_ratio"),
    ] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains(&format!("· {figure}\"")), "{file}: {text}");
    }
}
