//! Whole runs with real node processes: that they work, and that whatever is done to them, the run
//! ends, says what happened, and leaves no process.
//!
//! The node processes are this test program again: it is started with the name of the one test
//! that becomes a node where the controller's invitation is in the environment.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod carousel;
mod runs;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use carousel::Carousel;
use peerbench_measure::{Measurement, Progress, Silent};
use peerbench_scenario::{Due, Scenario, World};
use peerbench_testbed::{Error, Plan};
use runs::{Mischief, Outcome, alone, assert_no_process_is_left, children_of, plan, scenario};
use rustix::process::{Pid, Signal, kill_process};

const EIGHT: &str = "
nodes: 8
founders: 3
join: {over: 200ms}
warm_up: 700ms
network: {uniform_round_trip: 4ms}
workload: {items: 20, searches: 60, rate: 120/s, fetch: true, timeout: 700ms}
overlays: {carousel: {nodes: 8}}
";

/// Not a test of its own: the body of every node process of the others.
#[test]
fn node_process() {
    if std::env::var_os("PEERBENCH_CONTROL").is_some() {
        let _ = peerbench_testbed::node_main::<Carousel>();
    }
}

/// Not a test of its own: a controller that another test kills.
#[test]
fn controller_process() {
    if std::env::var_os("TEST_CONTROLLER").is_some() {
        let _ = run(&scenario(EIGHT, &["warm_up=60s"]), &Silent);
    }
}

fn run(scenario: &Scenario, progress: &dyn Progress) -> Result<Measurement, Error> {
    peerbench_testbed::run::<Carousel>(&plan(scenario), progress, &AtomicBool::new(false))
}

fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

fn kill(pid: i32) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

/// The ports that a process listens on.
fn ports_of(pid: i32) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|link| {
            Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let listening = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    listening
        .filter(|fields| fields.len() > 9 && fields[3] == "0A" && sockets.contains(fields[9]))
        .filter_map(|fields| u16::from_str_radix(fields[1].split(':').nth(1)?, 16).ok())
        .collect()
}

#[test]
fn eight_nodes_find_and_fetch_everything() {
    let _alone = alone();
    for changes in [&[][..], &["testbed.shaped=false"], &["testbed.nodes_per_process=3"]] {
        let measurement = run(&scenario(EIGHT, changes), &Silent).unwrap();
        let outcome = Outcome::of(&measurement);
        assert_eq!(measurement.searches(), 60, "{changes:?}");
        assert_eq!(outcome.value("lookup_correct_ratio"), 1.0, "{:?}", outcome.record.notes);
        assert_eq!(measurement.hops().max(), Some(7));
        assert!(measurement.latency_us().max() > Some(0));
        // A node that shares its process cannot be compared with one that does not.
        let is_shared = changes.contains(&"testbed.nodes_per_process=3");
        let controls = &outcome.record.controls;
        assert!(controls["node_memory"].value > 0.0);
        assert_eq!(controls.contains_key("node_memory_ratio"), !is_shared, "{changes:?}");
        assert_eq!(outcome.has_note("share processes"), is_shared);
        assert_no_process_is_left();
    }
}

#[test]
fn an_item_that_is_a_file_is_fetched_whole_and_verified() {
    let _alone = alone();
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..100_003_u32).map(|place| (place >> 3) as u8).collect();
    fs::write(file.path(), bytes).unwrap();
    let content = format!("workload.content={}", file.path().display());
    let measurement = run(&scenario(EIGHT, &[&content, "workload.items=1"]), &Silent).unwrap();
    let outcome = Outcome::of(&measurement);
    assert_eq!(outcome.value("fetch_ratio"), 1.0, "{:?}", outcome.record.notes);
    assert_eq!(outcome.value("fetch_corrupt_ratio"), 0.0);
    assert_no_process_is_left();
}

#[test]
fn the_scenario_s_faults_strike_and_are_nobody_s_failure() {
    let _alone = alone();
    for per_process in ["testbed.nodes_per_process=1", "testbed.nodes_per_process=4"] {
        for action in ["kill", "freeze", "leave"] {
            let fault = format!("faults=[{{at: 800ms, action: {action}, nodes: [5]}}]");
            let scenario = scenario(EIGHT, &[per_process, &fault]);
            let measurement = run(&scenario, &Silent).unwrap();
            let outcome = Outcome::of(&measurement);
            let searches = measurement.searches();
            assert!(searches < 60, "{action}, {per_process}: searches due at n5 are nobody's");
            assert!(
                outcome.value("lookup_failed_ratio") > 0.0,
                "who goes through n5 waits in vain"
            );
            assert_eq!(outcome.value("losses_processes"), 0.0, "{action}, {per_process}");
            assert_no_process_is_left();
        }
    }
}

/// Node 5 is away from 0.9 s to 1.5 s.
const BACK: [&str; 3] = [
    "workload.searches=240",
    "workload.timeout=300ms",
    "faults=[{at: 900ms, nodes: [5], back_after: 600ms}]",
];

/// What both drivers must find where a node comes back.
fn assert_is_back(scenario: &Scenario, measurement: &Measurement, driver: &str) {
    let world = World::new(scenario, 7).unwrap();
    let (fault, back) = (world.faults()[0], world.returns()[0]);
    let is_nobodys = |due: &Due| {
        let is_search = matches!(due.command, overlay_core::Command::Search { .. });
        is_search && due.node == fault.node && (fault.at..back.at).contains(&due.at)
    };
    let nobodys = world.timetable().filter(is_nobodys).count() as u64;
    let left_behind = (240 - nobodys) - measurement.searches();
    assert!(nobodys > 0 && left_behind < 4, "{driver}: {nobodys}, {left_behind}");
    let timeline = measurement.timeline().unwrap();
    assert!(timeline.failed[0] > 20, "{driver}: {timeline:?}");
    assert_eq!(timeline.failed[1], 0, "{driver}: the circle is closed again");
    // Of the keys that n5 owns, it has forgotten who published them.
    assert!(timeline.correct[1] > 80 && timeline.incorrect[1] > 0, "{driver}: {timeline:?}");
}

#[test]
fn a_node_that_was_killed_comes_back_as_a_new_process() {
    let _alone = alone();
    let scenario = scenario(EIGHT, &BACK);
    let measurement = run(&scenario, &Silent).unwrap();
    assert_is_back(&scenario, &measurement, "testbed");
    let outcome = Outcome::of(&measurement);
    assert!(!outcome.has_note("unasked") && !outcome.has_note("did not"));
    assert_eq!(outcome.value("losses_processes"), 0.0);
    assert_eq!(outcome.value("losses_strangers"), 0.0, "it is who it was, where it was");
    assert_eq!(outcome.value("cost_processes"), 9.0);
    assert_eq!(outcome.record.breakdown[0].nodes, 8, "two lives are one node's");
    assert_no_process_is_left();
}

#[test]
fn a_node_that_was_killed_comes_back_in_the_simulator() {
    let scenario = scenario(EIGHT, &BACK);
    let config = carousel::Config::default();
    let simulate = || {
        let stop = AtomicBool::new(false);
        let run = peerbench_simulator::run::<Carousel>(&scenario, &config, 7, &Silent, &stop);
        run.unwrap().measurement
    };
    let measurement = simulate();
    assert_is_back(&scenario, &measurement, "simulator");
    let outcome = Outcome::of(&measurement);
    assert_eq!(outcome.record.breakdown[0].nodes, 8);
    assert_eq!(outcome.record.trace_digest, Outcome::of(&simulate()).record.trace_digest);
}

/// Half of the nodes are away, for a fifth of a second each time, two or three times each.
const CHURN: [&str; 4] = [
    "workload.searches=480",
    "workload.timeout=300ms",
    "warm_up=700ms",
    "churn={share: 0.5, sessions: {mean: 500ms}, absences: {mean: 200ms}}",
];

/// What both drivers must find where nodes come and go.
fn assert_come_and_go(scenario: &Scenario, measurement: &Measurement, driver: &str) {
    let world = World::new(scenario, 7).unwrap();
    let mut back = world.returns().iter().map(|back| back.node).collect::<Vec<_>>();
    back.sort_unstable();
    assert!(!back.is_sorted_by(|one, next| one < next), "somebody comes back more than once");
    let timeline = measurement.timeline().unwrap();
    // A circle is broken wherever somebody is away, and closed again each time.
    assert!(timeline.correct.iter().all(|bin| *bin > 5), "{driver}: {timeline:?}");
    let outcome = Outcome::of(measurement);
    assert_eq!(
        outcome.record.breakdown[0].nodes, 8,
        "{driver}: all lives of a node are one node's"
    );
    assert!(!outcome.has_note("did not come back"), "{driver}: {:?}", outcome.record.notes);
}

/// Nobody holds an item whose publishers are all asleep, and nobody forgets one.
fn assert_lost_items(world: &World, outcome: &Outcome, tolerance: f64) {
    let plan = world.inventory_plan();
    let mut lost = 0;
    for &time in &plan.times {
        let absent = world.absent_at(time);
        let held: BTreeSet<_> = world
            .publishers()
            .filter(|(_, node)| !absent.contains(node))
            .map(|(item, _)| item.key)
            .collect();
        lost += plan.keys.iter().filter(|key| !held.contains(key)).count();
    }
    let expected = lost as f64 / (plan.times.len() * plan.keys.len()) as f64;
    let found = outcome.value("upkeep_lost_items");
    assert!(expected > 0.02, "{expected}");
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    let upkeep = outcome.record.upkeep.as_ref().unwrap();
    assert_eq!(upkeep.at_s.len(), plan.times.len());
}

#[test]
fn nodes_come_and_go_as_processes_do() {
    let _alone = alone();
    for departure in ["kill", "leave", "freeze"] {
        let assignment = format!("churn.departure={departure}");
        let scenario = scenario(EIGHT, &[&CHURN[..], &[&assignment]].concat());
        let measurement = run(&scenario, &Silent).unwrap();
        assert_come_and_go(&scenario, &measurement, departure);
        let outcome = Outcome::of(&measurement);
        assert_eq!(outcome.value("losses_processes"), 0.0, "nobody ended unasked");
        let world = World::new(&scenario, 7).unwrap();
        let returns = world.returns().len() as f64;
        let returns = if departure == "freeze" { 0.0 } else { returns };
        let new = outcome.value("cost_processes") - 8.0;
        assert!(
            new <= returns && new >= 0.8 * returns,
            "{new} of {returns}: the last are too late"
        );
        if departure == "freeze" {
            assert_lost_items(&world, &outcome, 0.05);
        }
        assert_no_process_is_left();
    }
}

#[test]
fn nodes_come_and_go_in_the_simulator() {
    for departure in ["kill", "leave", "freeze"] {
        let assignment = format!("churn.departure={departure}");
        let scenario = scenario(EIGHT, &[&CHURN[..], &[&assignment]].concat());
        let config = carousel::Config::default();
        let simulate = || {
            let stop = AtomicBool::new(false);
            let run = peerbench_simulator::run::<Carousel>(&scenario, &config, 7, &Silent, &stop);
            run.unwrap().measurement
        };
        let measurement = simulate();
        assert_come_and_go(&scenario, &measurement, departure);
        let outcome = Outcome::of(&measurement);
        if departure == "freeze" {
            assert_lost_items(&World::new(&scenario, 7).unwrap(), &outcome, 1e-9);
        }
        assert_eq!(outcome.record.trace_digest, Outcome::of(&simulate()).record.trace_digest);
    }
}

#[test]
fn a_node_that_shares_its_process_cannot_come_back() {
    let _alone = alone();
    let scenario = scenario(EIGHT, &[BACK[2], "testbed.nodes_per_process=2"]);
    let error = run(&scenario, &Silent).unwrap_err();
    assert!(matches!(error, Error::SharedProcess), "{error}");
}

#[test]
fn processes_that_are_killed_are_counted_and_the_run_goes_on() {
    let _alone = alone();
    for victims in [1, 4] {
        let mischief = Mischief::new(|| {
            children_of(std::process::id()).into_iter().take(victims).for_each(kill);
        });
        let measurement = run(&scenario(EIGHT, &[]), &mischief).unwrap();
        let outcome = Outcome::of(&measurement);
        assert_eq!(outcome.value("losses_processes"), victims as f64);
        assert!(outcome.has_note("ended unasked"), "{:?}", outcome.record.notes);
        assert_eq!(measurement.searches(), 60, "what the dead should have asked has failed");
        assert!(outcome.value("lookup_failed_ratio") > 0.0);
        assert_no_process_is_left();
    }
}

#[test]
fn a_killed_controller_takes_its_processes_along() {
    let _alone = alone();
    let mut controller = Command::new(std::env::current_exe().unwrap())
        .args(["controller_process", "--exact"])
        .env("TEST_CONTROLLER", "1")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The two processes of the control measurement come and go before the eight.
    let nodes = loop {
        let nodes = children_of(controller.id());
        if nodes.len() == 8 && nodes.iter().all(|pid| !ports_of(*pid).is_empty()) {
            break nodes;
        }
        thread::sleep(Duration::from_millis(20));
    };
    controller.kill().unwrap();
    controller.wait().unwrap();
    while nodes.iter().any(|pid| is_alive(*pid)) {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn garbage_on_every_port_disturbs_nobody() {
    let _alone = alone();
    let thrown = AtomicU32::new(0);
    let mischief = Mischief::new(|| {
        let own = children_of(std::process::id()).into_iter().flat_map(ports_of);
        let ports: BTreeSet<u16> = own.chain(ports_of(std::process::id() as i32)).collect();
        for port in ports {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let _ = stream.write_all(&[0xa5; 2048]);
            thrown.fetch_add(1, Ordering::Relaxed);
        }
    });
    let measurement = run(&scenario(EIGHT, &[]), &mischief).unwrap();
    let outcome = Outcome::of(&measurement);
    assert_eq!(thrown.into_inner(), 9, "eight nodes and the controller");
    assert_eq!(outcome.value("losses_strangers"), 9.0);
    assert_eq!(outcome.value("lookup_correct_ratio"), 1.0);
    assert_no_process_is_left();
}

#[test]
fn a_run_that_is_stopped_keeps_what_was_measured() {
    let _alone = alone();
    let stop = AtomicBool::new(false);
    let mischief = Mischief::new(|| stop.store(true, Ordering::Relaxed));
    let plan = plan(&scenario(EIGHT, &["workload.rate=20/s"]));
    let measurement = peerbench_testbed::run::<Carousel>(&plan, &mischief, &stop).unwrap();
    let outcome = Outcome::of(&measurement);
    assert!(outcome.has_note("partial"));
    assert!((5..60).contains(&measurement.searches()));
    assert!(outcome.value("state_links_max") > 0.0, "nodes have reported all the same");
    assert_no_process_is_left();
}

#[test]
fn processes_that_do_not_come_up_are_an_error_that_names_them() {
    let _alone = alone();
    let scenario = scenario(EIGHT, &[]);
    let missing = Plan { executable: "/nonexistent/peerbench".into(), ..plan(&scenario) };
    let stop = AtomicBool::new(false);
    let error = peerbench_testbed::run::<Carousel>(&missing, &Silent, &stop).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/peerbench"), "{error}");
    assert_no_process_is_left();
}

#[test]
fn a_node_started_by_hand_says_so() {
    let _alone = alone();
    for name in ["PEERBENCH_CONTROL", "PEERBENCH_TOKEN", "PEERBENCH_PROCESS", "PEERBENCH_PARENT"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["node_process", "--exact", "--nocapture"])
            .env("PEERBENCH_CONTROL", if name == "PEERBENCH_CONTROL" { "x" } else { "127.0.0.1:1" })
            .env("PEERBENCH_TOKEN", if name == "PEERBENCH_TOKEN" { "x" } else { &TOKEN })
            .env("PEERBENCH_PROCESS", if name == "PEERBENCH_PROCESS" { "x" } else { "0" })
            .env("PEERBENCH_PARENT", if name == "PEERBENCH_PARENT" { "x" } else { "1" })
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(name), "{words}");
    }
}

/// 64 digits.
static TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "0f".repeat(32));

#[test]
fn quic_works_where_it_is_built_in_and_says_so_where_it_is_not() {
    let _alone = alone();
    let outcome = run(&scenario(EIGHT, &["testbed.transport=quic"]), &Silent);
    if cfg!(feature = "quic") {
        let measurement = outcome.unwrap();
        let outcome = Outcome::of(&measurement);
        assert_eq!(outcome.value("lookup_correct_ratio"), 1.0);
        assert!(measurement.latency_us().max() >= Some(4_000), "two hops of 2 ms at least");
        assert!(outcome.record.controls["node_memory_ratio"].value > 0.0, "beside QUIC as well");
    } else {
        assert!(outcome.unwrap_err().to_string().contains("--features quic"));
    }
    assert_no_process_is_left();
}
