//! Runs of the program that other things happen to while they go on.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How often something outside is looked at until it is so.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

pub(crate) const SIXTEEN: &str = "
nodes: 16
join: {over: 100ms}
warm_up: 1500ms
network: {uniform_round_trip: 4ms}
workload: {items: 16, searches: 40, rate: 40/s, timeout: 1s}
";

/// A run of the program, begun.
pub(crate) struct Run {
    pub(crate) controller: Child,
    said: BufReader<ChildStderr>,
    pub(crate) folder: Rc<TempDir>,
    _alone: MutexGuard<'static, ()>,
}

/// A run of the program, ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) table: String,
    pub(crate) said: String,
    /// The records that it stored.
    pub(crate) records: Vec<Value>,
    /// The folder that it ran in.
    pub(crate) folder: Rc<TempDir>,
}

impl Run {
    /// Starts the program, on the testbed unless the arguments say otherwise. One run at a time,
    /// because they would disturb each other.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Rc::new(TempDir::new().unwrap());
        fs::write(folder.path().join("sixteen.yaml"), SIXTEEN).unwrap();
        let mut controller = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
            .args(["bench", "chord", "--scenario", "sixteen.yaml"])
            .args(arguments)
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(controller.stderr.take().unwrap());
        Self { controller, said, folder, _alone: alone }
    }

    /// Reads what it says until the searches begin.
    pub(crate) fn until_it_searches(&mut self) {
        let mut line = String::new();
        while !line.contains("searching") {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "it ended before its searches");
        }
    }

    /// Its node processes. The two of a control measurement are gone before the searches.
    pub(crate) fn nodes(&self) -> BTreeSet<i32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| field(*pid, "PPid:") == Some(self.controller.id().to_string())).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.controller.id() as i32, signal);
    }

    pub(crate) fn end(mut self) -> Ended {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        let mut table = String::new();
        self.controller.stdout.take().unwrap().read_to_string(&mut table).unwrap();
        let status = self.controller.wait().unwrap();
        let records = self.folder.path().join("reports/runs/latest/runs.jsonl");
        let records = fs::read_to_string(records).unwrap_or_default();
        let folder = Rc::clone(&self.folder);
        Ended {
            folder,
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
    pub(crate) fn value(&self, metric: &str) -> f64 {
        assert_eq!(self.records.len(), 1, "{}", self.said);
        let value = &self.records[0]["metrics"][metric]["value"];
        value.as_f64().unwrap_or_else(|| panic!("{metric} was not measured: {value}"))
    }
}

/// A field of what the system says about a process, if there is such a process.
pub(crate) fn field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// Whether a process runs; what has ended and waits for its parent to look does not.
pub(crate) fn is_alive(pid: i32) -> bool {
    field(pid, "State:").is_some_and(|state| state != "Z")
}

pub(crate) fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub(crate) fn assert_gone(nodes: &BTreeSet<i32>) {
    let left: Vec<_> = nodes.iter().filter(|pid| is_alive(**pid)).collect();
    assert!(left.is_empty(), "processes are left: {left:?}");
}
