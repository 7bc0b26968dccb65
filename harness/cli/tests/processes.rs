//! Runs of the program on the testbed: whatever is done to its processes, it ends, says what
//! happened, keeps what was measured, and leaves no process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod testbed;

use std::thread;

use rustix::process::Signal;
use testbed::{LOOK, Run, assert_gone, is_alive, send};

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
    assert!(ended.table.contains("4 of 16 processes did not report"), "{}", ended.table);
}
