//! Runs whose processes are killed at random, the controller's too: none is left, none hangs, and no
//! measurement that was finished is lost.
//!
//! A few runs in every test; `PEERBENCH_KILLS=100` makes a hundred, and `PEERBENCH_KILLS_FROM=17`
//! begins with the one that failed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use overlay_core::{Purpose, Random};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const SMALL: &str = "
join: {over: 100ms}
warm_up: 500ms
network: {uniform_round_trip: 4ms}
workload: {items: 16, searches: 30, rate: 60/s, timeout: 500ms}
";
/// Runs that one command makes, one after the other, and stores one by one.
const ROUNDS: usize = 3;
/// About as long as they take.
const LENGTH_MILLIS: u64 = 9_000;
/// What has not ended by then never will. Nothing takes so long on a machine that is not dead.
const NEVER: Duration = Duration::from_secs(120);
/// How often something outside is looked at until it is so.
const LOOK: Duration = Duration::from_millis(5);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    Nodes,
    Controller,
    Both,
}

/// A command under way.
struct Run {
    controller: Child,
    said: thread::JoinHandle<Vec<String>>,
    folder: TempDir,
    number: u64,
}

impl Run {
    fn start(number: u64, random: &mut Random) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("small.yaml"), SMALL).unwrap();
        let nodes = 8 + random.below(9);
        let mut controller = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
            .args(["bench", "chord", "--driver", "testbed", "--scenario", "small.yaml"])
            .args(["--rounds", &ROUNDS.to_string(), "--nodes", &nodes.to_string()])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(controller.stderr.take().unwrap());
        // Node processes hold this pipe, too: it ends with the last of them.
        let said = thread::spawn(move || stderr.lines().map_while(Result::ok).collect());
        Self { controller, said, folder, number }
    }

    fn pid(&self) -> i32 {
        self.controller.id() as i32
    }

    /// The node processes that this controller has started, whoever their parent is now.
    fn nodes(&self) -> Vec<i32> {
        let mark = format!("PEERBENCH_PARENT={}", self.pid());
        let is_its = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(is_its).collect()
    }

    /// Kills some of the node processes that there are now.
    fn kill_nodes(&self, random: &mut Random) {
        let mut nodes = self.nodes();
        for _ in 0..random.below(4) + 1 {
            if !nodes.is_empty() {
                kill(nodes.swap_remove(random.below(nodes.len() as u64) as usize));
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        self.controller.try_wait().unwrap().is_some()
    }

    /// Does it all, from now to when nothing is left.
    fn disturb(&mut self, victims: Victims, random: &mut Random) {
        let started = Instant::now();
        let mut moments: Vec<u64> = (0..3).map(|_| random.below(LENGTH_MILLIS)).collect();
        moments.sort_unstable();
        for (place, moment) in moments.iter().enumerate() {
            while started.elapsed() < Duration::from_millis(*moment) && !self.has_ended() {
                thread::sleep(LOOK);
            }
            match (victims, place) {
                (Victims::Nodes, _) | (Victims::Both, 0) => self.kill_nodes(random),
                (Victims::Controller | Victims::Both, 1) if !self.has_ended() => kill(self.pid()),
                _ => {}
            }
        }
        self.wait_for("its end", Self::has_ended);
        self.wait_for("the end of its processes", |run| run.nodes().is_empty());
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        let deadline = Instant::now() + NEVER;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "run {}: waited for {what} in vain", self.number);
            thread::sleep(LOOK);
        }
    }

    /// How many measurements are stored, each of them readable.
    fn stored(&self) -> usize {
        let path = self.folder.path().join("reports/runs/latest/runs.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let records: Vec<Value> = whole.map(|line| serde_json::from_str(line).unwrap()).collect();
        records.len()
    }
}

impl Drop for Run {
    /// A test that fails leaves nothing behind either.
    fn drop(&mut self) {
        let _ = self.controller.kill();
        let _ = self.controller.wait();
    }
}

fn kill(pid: i32) {
    // It may have ended by itself.
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What is left of a run is looked at: measurements that it began another one after are there, and
/// one that was killed says so.
fn assert_nothing_is_lost(mut run: Run) -> (bool, usize) {
    let status = run.controller.wait().unwrap();
    let was_killed = status.code().is_none();
    let said = std::mem::replace(&mut run.said, thread::spawn(Vec::new)).join().unwrap();
    let count = |what: &str| said.iter().filter(|line| line.contains(what)).count();
    let (begun, failed) = (count("measuring the machine"), count("error"));
    let stored = run.stored();
    let finished = if was_killed { begun.saturating_sub(1) } else { ROUNDS };
    assert!(stored + failed >= finished, "run {}: {stored} of {finished}: {said:?}", run.number);
    assert!(failed == 0 || !status.success(), "run {}: a failure is told", run.number);
    let runs = run.folder.path().join("reports/runs/latest");
    if runs.exists() {
        let report = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
            .arg("report")
            .arg(&runs)
            .output()
            .unwrap();
        let code = if stored > 0 { 0 } else { 4 };
        assert_eq!(report.status.code(), Some(code), "run {}: {report:?}", run.number);
        let says_so = String::from_utf8_lossy(&report.stderr).contains("was killed");
        let manifest = fs::read_to_string(runs.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let has_ended = !manifest["status"].is_null();
        assert!(has_ended || was_killed, "run {}: {manifest}", run.number);
        assert_eq!(says_so, !has_ended, "run {}: {report:?}", run.number);
    }
    (was_killed, stored)
}

#[test]
fn nothing_is_left_and_nothing_is_lost_whoever_is_killed() {
    let (from, runs) = (number("PEERBENCH_KILLS_FROM", 0), number("PEERBENCH_KILLS", 3));
    let (mut killed, mut measurements) = (0, 0);
    for number in from..from + runs {
        let mut random = Random::stream(number, Purpose::Churn, 0);
        let victims = [Victims::Nodes, Victims::Controller, Victims::Both][number as usize % 3];
        let mut run = Run::start(number, &mut random);
        run.disturb(victims, &mut random);
        let (was_killed, stored) = assert_nothing_is_lost(run);
        killed += u32::from(was_killed);
        measurements += stored;
    }
    eprintln!("{runs} runs, {killed} controllers killed, {measurements} measurements kept");
}
