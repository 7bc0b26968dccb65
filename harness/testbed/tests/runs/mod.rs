//! What tests of whole runs share: scenarios, plans, mischief, and what a run came to.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::{Measurement, Progress, RunRecord};
use peerbench_scenario::{Document, Scenario};
use peerbench_testbed::Plan;

/// A scenario with some changes.
pub(crate) fn scenario(text: &str, changes: &[&str]) -> Scenario {
    let mut document = Document::parse("test", text).unwrap();
    for change in changes {
        document.set(change).unwrap();
    }
    document.scenario().unwrap()
}

/// The plan in which node processes are this test program, started with the name of the one test that
/// becomes a node where the controller's invitation is in the environment.
pub(crate) fn plan(scenario: &Scenario) -> Plan {
    Plan {
        scenario: scenario.clone(),
        seed: 7,
        executable: std::env::current_exe().unwrap(),
        arguments: ["node_process", "--exact", "--nocapture"].map(Into::into).to_vec(),
    }
}

/// Processes whose parent is this one, zombies included.
pub(crate) fn children_of(parent: u32) -> BTreeSet<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("PPid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Does something when the searches begin.
pub(crate) struct Mischief<F: Fn() + Sync> {
    act: F,
    searching: AtomicBool,
}

impl<F: Fn() + Sync> Mischief<F> {
    pub(crate) fn new(act: F) -> Self {
        Self { act, searching: AtomicBool::new(false) }
    }
}

impl<F: Fn() + Sync> Progress for Mischief<F> {
    fn phase(&self, what: &str) {
        if what == "searching" {
            self.searching.store(true, Ordering::Relaxed);
        }
    }

    fn advance(&self, done: u64, _: u64) {
        if done > 5 && self.searching.swap(false, Ordering::Relaxed) {
            (self.act)();
        }
    }
}

/// What a run came to, as its record has it.
pub(crate) struct Outcome {
    pub(crate) record: RunRecord,
}

impl Outcome {
    pub(crate) fn of(measurement: &Measurement) -> Self {
        let key = peerbench_measure::Key {
            overlay: "carousel".into(),
            scenario: "test".into(),
            driver: peerbench_measure::Driver::Testbed,
            n: 8,
            seed: 7,
            round: 0,
        };
        let status = peerbench_measure::Status::Ok;
        let record = RunRecord::new(key, String::new(), status, measurement);
        let outcome = Self { record };
        outcome.assert_its_sums_are_right(measurement);
        outcome
    }

    /// Whatever happened to processes: what is kept over time and by kind is what the figures count.
    fn assert_its_sums_are_right(&self, measurement: &Measurement) {
        let messages: u64 = self.record.lookup_kinds.iter().map(|kind| kind.messages).sum();
        let per_search = self.record.reading("lookup_messages").number().unwrap_or_default();
        let counted = per_search * measurement.searches() as f64;
        assert!((messages as f64 - counted).abs() < 1e-3, "{messages} are not {counted}");
        if let Some(traffic) = &self.record.traffic {
            assert!(traffic.alive.iter().all(|alive| *alive <= 8.0), "{:?}", traffic.alive);
        }
    }

    pub(crate) fn value(&self, name: &str) -> f64 {
        let value = self.record.metrics.get(name).and_then(|value| value.value.number());
        value.unwrap_or_else(|| panic!("{name} was not measured: {:?}", self.record.metrics.keys()))
    }

    pub(crate) fn has_note(&self, text: &str) -> bool {
        self.record.notes.iter().any(|note| note.contains(text))
    }
}

/// Tests that look at this program's children run one at a time.
pub(crate) fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub(crate) fn assert_no_process_is_left() {
    assert_eq!(children_of(std::process::id()), BTreeSet::new());
}
