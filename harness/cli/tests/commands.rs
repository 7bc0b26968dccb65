//! Every command as a person meets it: help, lists, mistakes, exit codes, and a small simulated run
//! from the command line to the report.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use insta::assert_snapshot;
use program::{folder_with, peerbench, records};
use serde_json::Value;
use tempfile::TempDir;

const SIXTEEN: &str = "
nodes: 16
join: {over: 200ms}
warm_up: 4s
network: {uniform_round_trip: 20ms}
workload: {items: 16, searches: 60, rate: 60/s}
";

/// What commands say anywhere, and their exit codes.
fn transcripts(commands: &[&[&str]]) -> String {
    program::transcripts(TempDir::new().unwrap().path(), commands)
}

/// Of a scenario file `mine.yaml` with this text, given to `config check`.
fn checked(text: &str) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine.yaml"), text).unwrap();
    program::transcript(folder.path(), &["config", "check", "--scenario", "mine.yaml"])
}

#[test]
fn help_of_everything() {
    assert_snapshot!(transcripts(&[
        &["--help"],
        &["bench", "--help"],
        &["report", "--help"],
        &["compare", "--help"],
        &["list", "--help"],
        &["explain", "--help"],
        &["papers", "--help"],
        &["config", "--help"],
        &["config", "check", "--help"],
        &["config", "show", "--help"],
        &["config", "schema", "--help"],
        &["completions", "--help"],
    ]));
}

#[test]
fn lists() {
    assert_snapshot!(transcripts(&[
        &["list", "overlays"],
        &["list", "scenarios"],
        &["list", "metrics"],
    ]));
}

#[test]
fn explanations() {
    assert_snapshot!(transcripts(&[
        &["explain", "lookup_latency_us_p99"],
        &["explain", "state_links"],
        &["explain", "lookup_hop"],
        &["explain", "beauty"],
    ]));
}

#[test]
fn a_scenario_is_checked_and_shown() {
    assert_snapshot!(transcripts(&[
        &["config", "check"],
        &["config", "check", "--scenario", "chord-load", "--nodes", "100"],
        &["config", "show", "--nodes", "32", "--seeds", "1..3,9", "--set", "warm_up=20s"],
    ]));
}

#[test]
fn what_is_shown_reads_back_the_same() {
    let folder = TempDir::new().unwrap();
    let show = |arguments: &[&str]| peerbench(folder.path(), arguments).stdout;
    let shown = show(&["config", "show"]);
    fs::write(folder.path().join("mine.yaml"), &shown).unwrap();
    assert_eq!(show(&["config", "show", "--scenario", "mine.yaml"]), shown);
}

#[test]
fn the_schema_is_json_and_knows_every_section() {
    let folder = TempDir::new().unwrap();
    let output = peerbench(folder.path(), &["config", "schema"]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["workload"].is_object());
    assert!(schema.to_string().contains("successors"), "the section of an overlay");
}

#[test]
fn completions_are_printed_for_every_shell() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = peerbench(folder.path(), &["completions", shell]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("peerbench") && script.contains("explain"), "{shell}");
    }
}

#[test]
fn mistakes_in_a_scenario_file() {
    assert_snapshot!(
        [
            "nodes: 16\nworklaod: {items: 4}\n",
            "nodes: 16\nworkload:\n  rate: 100\n",
            "nodes: 16\nwarm_up: 5 parsecs\n",
            "nodes: 8\nfreeloaders:\n  share: 1.5\n",
            "nodes: sixteen\n",
            "nodes: 16\nnodes: 17\n",
            "nodes: [16\n",
            "network:\n  matrix: missing.csv\n",
            "overlays:\n  cord: {}\n",
            "overlays:\n  chord:\n    successors: 0\n",
            "overlays:\n  chord: {sucessors: 4}\n",
        ]
        .map(checked)
        .concat()
    );
}

#[test]
fn a_matrix_that_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("matrix.txt"), "0 10\n10 fast\n").unwrap();
    let matrix = ["config", "check", "--set", "network.matrix=matrix.txt"];
    assert_snapshot!(program::transcript(folder.path(), &matrix));
}

#[test]
fn mistakes_on_the_command_line() {
    assert_snapshot!(transcripts(&[
        &[],
        &["bench"],
        &["bench", "cord"],
        &["bench", "chord", "chord"],
        &["bench", "chord", "--driver", "simulater"],
        &["bench", "chord", "--scenario", "defalt"],
        &["bench", "chord", "--scenario", "mine.yaml"],
        &["bench", "chord", "--set", "workload.rate"],
        &["bench", "chord", "--set", "workload.rat=3/s"],
        &["bench", "chord", "--set", "workload.rate=fast"],
        &["bench", "chord", "--seeds", "3..1"],
        &["bench", "chord", "--seeds", "one"],
        &["bench", "chord", "--nodes", "0"],
        &["bench", "chord", "--rounds", "0"],
        &["papers", "pastry"],
        &["report", "nowhere"],
        &["report"],
    ]));
}

#[test]
fn what_no_machine_could_start_is_refused_before_anything_starts() {
    let folder = TempDir::new().unwrap();
    let million = ["bench", "chord", "--nodes", "1000000"];
    let testbed = ["bench", "chord", "--driver", "testbed", "--scenario", "huge.yaml"];
    fs::write(folder.path().join("huge.yaml"), "seeds: [1]\nnodes: 4097\n").unwrap();
    assert_snapshot!(
        [&million[..], &testbed].map(|it| program::transcript(folder.path(), it)).concat()
    );
    assert!(!folder.path().join("reports").exists());
}

/// Simulates the sixteen nodes, with these arguments on top.
fn simulate(folder: &Path, more: &[&str]) -> Output {
    let arguments = ["bench", "chord", "--driver", "simulator", "--scenario", "sixteen.yaml"];
    peerbench(folder, &[&arguments, more].concat())
}

/// The rows of a table by their labels, and every other line whole: figures are for other tests.
fn labels(table: &str) -> String {
    let row = |line: &str| match line.strip_prefix(' ') {
        Some(row) => {
            let cells: Vec<_> =
                row.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
            format!(" {}\n", cells[..cells.len().saturating_sub(1)].join(" | "))
        }
        None => format!("{line}\n"),
    };
    table.lines().filter(|line| !line.starts_with('─')).map(row).collect()
}

#[test]
fn a_simulated_run_is_shown_stored_and_reported() {
    let folder = folder_with("sixteen.yaml", SIXTEEN);
    let run = simulate(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let table = String::from_utf8(run.stdout).unwrap();
    assert_snapshot!("table_of_a_simulated_run", labels(&table));

    let id = fs::read_link(folder.path().join("reports/runs/latest")).unwrap();
    let said = String::from_utf8(run.stderr).unwrap().replace(id.to_str().unwrap(), "[RUN]");
    let (_, ending) = said.split_once("\n\n").unwrap();
    assert_snapshot!(ending, @"
    The run is stored in reports/runs/[RUN]
    The page: reports/runs/[RUN]/report.html
    Next: peerbench report reports/runs/[RUN] --open
          peerbench explain lookup_latency_us_p50
    ");

    let [record] = &records(folder.path())[..] else { panic!("one run, one record") };
    assert_eq!(record["metrics"]["lookup_count"]["value"], 60.0);
    assert_eq!(record["metrics"]["lookup_correct_ratio"]["value"], 1.0);
    assert_eq!(record["status"], "ok");
    assert!(table.contains(record["trace_digest"].as_str().unwrap()), "{table}");

    let again = peerbench(folder.path(), &["report"]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(String::from_utf8(again.stdout).unwrap(), table, "the stored run is the whole run");
    let markdown = peerbench(folder.path(), &["report", "--md", "-"]).stdout;
    let stored = fs::read(folder.path().join("reports/runs/latest/summary.md")).unwrap();
    assert_eq!(markdown.trim_ascii_end(), stored.trim_ascii_end());
}

#[test]
fn a_seed_determines_the_trace_in_any_process() {
    let digests = |seeds| {
        let folder = folder_with("sixteen.yaml", SIXTEEN);
        let run = simulate(folder.path(), &["--seeds", seeds]);
        assert!(run.status.success(), "{run:?}");
        let records = records(folder.path());
        records.iter().map(|record| record["trace_digest"].to_string()).collect::<Vec<_>>()
    };
    let three = digests("1..3");
    assert_eq!(digests("1..3"), three);
    assert_eq!(digests("2"), three[1..2], "whatever ran before in the process");
    assert_ne!(three[0], three[1]);
    assert_ne!(three[1], three[2]);
}

#[test]
fn a_folder_that_takes_no_run_is_found_before_anything_is_measured() {
    let folder = folder_with("sixteen.yaml", SIXTEEN);
    // Below a file there is no folder, whoever asks.
    let run = simulate(folder.path(), &["--reports", "sixteen.yaml/runs"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stdout.is_empty(), "nothing was measured");
    assert_snapshot!(String::from_utf8(run.stderr).unwrap().trim_end(), @"error: runs cannot be stored in sixteen.yaml/runs: Not a directory (os error 20). Nothing was measured: free the disk, or choose another folder for runs");
}

#[test]
fn a_run_in_which_nothing_was_measured_is_exit_code_4() {
    let folder = folder_with("sixteen.yaml", SIXTEEN);
    assert!(simulate(folder.path(), &[]).status.success());
    fs::remove_file(folder.path().join("reports/runs/latest/runs.jsonl")).unwrap();
    let report = peerbench(folder.path(), &["report"]);
    assert_eq!(report.status.code(), Some(4));
    assert_snapshot!(String::from_utf8(report.stderr).unwrap(), @"nothing was measured");
}

#[test]
fn a_build_without_quic_says_so_before_anything_starts() {
    if cfg!(feature = "quic") {
        return;
    }
    let folder = folder_with("sixteen.yaml", SIXTEEN);
    let quic = ["bench", "chord", "--scenario", "sixteen.yaml", "--set", "testbed.transport=quic"];
    let run = peerbench(folder.path(), &quic);
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("this build has no QUIC") && said.contains("--features quic"), "{said}");
    assert!(!folder.path().join("reports").exists());
}
