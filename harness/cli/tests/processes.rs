//! Runs of the program on the testbed: whatever is done to its processes, it ends, says what
//! happened, keeps what was measured, and leaves no process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How often something outside is looked at until it is so.
const LOOK: Duration = Duration::from_millis(10);

const SIXTEEN: &str = "
nodes: 16
join: {over: 100ms}
warm_up: 1500ms
network: {uniform_round_trip: 4ms}
workload: {items: 16, searches: 40, rate: 40/s, timeout: 1s}
";

/// A run of the program, begun.
struct Run {
    controller: Child,
    said: BufReader<ChildStderr>,
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A run of the program, ended.
struct Ended {
    code: Option<i32>,
    table: String,
    said: String,
    /// The records that it stored.
    records: Vec<Value>,
}

impl Run {
    /// Starts the program, on the testbed unless the arguments say otherwise. One run at a time,
    /// because they would disturb each other.
    fn start(arguments: &[&str]) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("sixteen.yaml"), SIXTEEN).unwrap();
        let mut controller = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
            .args(["bench", "chord", "--scenario", "sixteen.yaml"])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(controller.stderr.take().unwrap());
        Self { controller, said, folder, _alone: alone }
    }

    /// Reads what it says until the searches begin.
    fn until_it_searches(&mut self) {
        let mut line = String::new();
        while !line.contains("searching") {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "it ended before its searches");
        }
    }

    /// Its node processes. The two of a control measurement are gone before the searches.
    fn nodes(&self) -> BTreeSet<i32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| field(*pid, "PPid:") == Some(self.controller.id().to_string())).collect()
    }

    fn signal(&self, signal: Signal) {
        send(self.controller.id() as i32, signal);
    }

    fn end(mut self) -> Ended {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        let mut table = String::new();
        self.controller.stdout.take().unwrap().read_to_string(&mut table).unwrap();
        let status = self.controller.wait().unwrap();
        let records = self.folder.path().join("reports/runs/latest/runs.jsonl");
        let records = fs::read_to_string(records).unwrap_or_default();
        Ended {
            code: status.code(),
            table,
            said,
            records: records.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }
}

impl Drop for Run {
    /// A test that fails leaves nothing behind either.
    fn drop(&mut self) {
        let _ = self.controller.kill();
        let _ = self.controller.wait();
    }
}

impl Ended {
    /// A figure of the only record.
    fn value(&self, metric: &str) -> f64 {
        assert_eq!(self.records.len(), 1, "{}", self.said);
        let value = &self.records[0]["metrics"][metric]["value"];
        value.as_f64().unwrap_or_else(|| panic!("{metric} was not measured: {value}"))
    }
}

/// A field of what the system says about a process, if there is such a process.
fn field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// Whether a process runs; what has ended and waits for its parent to look does not.
fn is_alive(pid: i32) -> bool {
    field(pid, "State:").is_some_and(|state| state != "Z")
}

fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn assert_gone(nodes: &BTreeSet<i32>) {
    let left: Vec<_> = nodes.iter().filter(|pid| is_alive(**pid)).collect();
    assert!(left.is_empty(), "processes are left: {left:?}");
}

#[test]
fn a_run_of_sixteen_processes_is_measured_and_stored() {
    let mut run = Run::start(&["--driver", "testbed"]);
    run.until_it_searches();
    let nodes = run.nodes();
    assert_eq!(nodes.len(), 16);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert_gone(&nodes);
    assert_eq!(ended.value("lookup_count"), 40.0);
    assert_eq!(ended.value("cost_processes"), 16.0);
    assert_eq!(ended.value("losses_processes"), 0.0);
    assert!(ended.value("lookup_correct_ratio") > 0.5);
    assert!(ended.value("bandwidth_wire_sent_mean") > ended.value("bandwidth_sent_mean"));
    assert!(ended.value("resident_bytes_mean") > 1e6, "a process needs more than a megabyte");
    let record = &ended.records[0];
    assert_eq!((&record["key"]["driver"], &record["status"]), (&"testbed".into(), &"ok".into()));
    assert!(record["trace_digest"].is_null(), "what is noisy has no trace to compare");
    assert!(record["controls"]["libp2p_round_trip"]["value"].as_f64().unwrap() > 0.0);
    assert!(ended.table.contains("libp2p round"), "{}", ended.table);
}

#[test]
fn ctrl_c_keeps_what_was_measured_and_leaves_no_process() {
    let mut run = Run::start(&["--set", "workload.searches=100000"]);
    run.until_it_searches();
    let nodes = run.nodes();
    assert_eq!(nodes.len(), 16);
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.said);
    assert_gone(&nodes);
    assert!(ended.table.contains("lookup outcome"), "{}", ended.table);
    assert!(ended.table.contains("partial"), "{}", ended.table);
    assert_eq!(ended.records.len(), 1, "the simulator's turn never came");
    assert_eq!(ended.records[0]["status"], "interrupted");
}

#[test]
fn a_run_that_is_ended_while_it_starts_leaves_no_process() {
    let run = Run::start(&["--driver", "testbed"]);
    let nodes = loop {
        let nodes = run.nodes();
        if nodes.len() > 2 {
            break nodes;
        }
        thread::sleep(LOOK);
    };
    run.signal(Signal::TERM);
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.said);
    assert_gone(&nodes);
}

#[test]
fn a_killed_controller_leaves_no_process() {
    let mut run = Run::start(&["--driver", "testbed", "--set", "workload.searches=100000"]);
    run.until_it_searches();
    let nodes = run.nodes();
    assert_eq!(nodes.len(), 16);
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None);
    while nodes.iter().any(|pid| is_alive(*pid)) {
        thread::sleep(LOOK);
    }
}

#[test]
fn half_of_the_nodes_killed_by_the_scenario_are_nobody_s_failure() {
    let fault = "faults=[{at: 2s, action: kill, share: 0.5}]";
    let mut run = Run::start(&["--driver", "testbed", "--set", fault]);
    run.until_it_searches();
    let nodes = run.nodes();
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert_gone(&nodes);
    let searches = ended.value("lookup_count");
    assert!((10.0..40.0).contains(&searches), "{searches}: the dead ask nothing, the others do");
    assert_eq!(ended.value("losses_processes"), 0.0, "nobody died unasked");
}

#[test]
fn half_of_the_processes_killed_from_outside_are_counted() {
    let mut run = Run::start(&["--driver", "testbed"]);
    run.until_it_searches();
    let nodes = run.nodes();
    nodes.iter().take(8).for_each(|pid| send(*pid, Signal::KILL));
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert_gone(&nodes);
    assert_eq!(ended.value("losses_processes"), 8.0);
    assert_eq!(ended.value("lookup_count"), 40.0, "what the dead should have asked has failed");
    assert!(ended.value("lookup_failed_ratio") > 0.0);
    assert!(ended.table.contains("ended unasked"), "{}", ended.table);
}

#[test]
fn frozen_processes_hold_up_nobody() {
    let mut run = Run::start(&["--driver", "testbed"]);
    run.until_it_searches();
    let nodes = run.nodes();
    nodes.iter().take(4).for_each(|pid| send(*pid, Signal::STOP));
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert_gone(&nodes);
    assert_eq!(ended.value("lookup_count"), 40.0);
    assert!(ended.value("lookup_failed_ratio") > 0.0, "what the frozen should have asked");
}
