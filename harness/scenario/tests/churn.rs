//! Nodes that come and go: in turn, as often as the law or the trace says, and nobody who is spared.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use overlay_core::{Command, NodeId, Time};
use peerbench_scenario::{Document, DueFault, FaultAction, World};

/// A world of 400 nodes for an hour, whose churn is described so.
fn world(churn: &str, seed: u64) -> World {
    let text = format!(
        "
nodes: 400
start: converged
warm_up: 60s
network: {{uniform_round_trip: 20ms}}
workload: {{items: 8, searches: 3600, rate: 1/s}}
churn: {{{churn}}}
"
    );
    let scenario = Document::parse("churn", text).unwrap().scenario().unwrap();
    World::new(&scenario, seed).unwrap()
}

fn by_node(world: &World) -> BTreeMap<NodeId, Vec<DueFault>> {
    let mut by_node: BTreeMap<NodeId, Vec<DueFault>> = BTreeMap::new();
    for fault in world.faults() {
        by_node.entry(fault.node).or_default().push(*fault);
    }
    by_node
}

#[test]
fn nodes_go_and_come_back_in_turn_until_the_end() {
    let churn = "share: 0.5, spared: [0, 7], sessions: {mean: 120s}, absences: {mean: 30s}";
    let world = world(churn, 1);
    assert!(world.faults().is_sorted_by_key(|fault| fault.at));
    assert!(world.returns().is_sorted());
    let by_node = by_node(&world);
    assert!((195..=199).contains(&by_node.len()), "{} of 398", by_node.len());
    assert!(!by_node.contains_key(&NodeId(0)) && !by_node.contains_key(&NodeId(7)));
    let (begin, end) = (Time::ZERO + Duration::from_secs(60), world.ends_at());
    for faults in by_node.values() {
        assert!(faults[0].at > begin && faults.iter().all(|fault| fault.at < end));
        for pair in faults.windows(2) {
            assert!(pair[0].back_at.is_some_and(|back| pair[0].at < back && back < pair[1].at));
        }
        assert!(faults.iter().all(|fault| fault.back_at.is_none_or(|back| back < end)));
    }
    let cycles = world.faults().len() as f64 / by_node.len() as f64;
    let expected = world.ends_at().since(begin).as_secs_f64() / 150.0;
    assert!((cycles / expected - 1.0).abs() < 0.05, "{cycles} times, not {expected}");
}

#[test]
fn whoever_is_back_joins_through_somebody_who_is_there() {
    let world = world("departure: leave, sessions: {mean: 100s}, absences: {mean: 100s}", 2);
    assert!(world.faults().iter().all(|fault| fault.action == FaultAction::Leave));
    let operations = world.operations().clone();
    assert_eq!((operations.leaves.len(), operations.rejoins.len()), (400, 400));
    let away = |node: NodeId, at: Time| {
        let faults = world.faults().iter().filter(|fault| fault.node == node);
        faults.into_iter().any(|it| it.at <= at && it.back_at.is_none_or(|back| back > at))
    };
    let mut through = BTreeSet::new();
    let mut joins = 0;
    for due in world.timetable() {
        if let Command::Join { rendezvous, .. } = due.command {
            assert!(rendezvous != due.node && !away(rendezvous, due.at), "{rendezvous} is away");
            through.insert(rendezvous);
            joins += 1;
        }
    }
    assert_eq!(joins, world.returns().len());
    assert!(through.len() > 390, "anybody may be asked: {}", through.len());
}

#[test]
fn who_slept_is_asked_nothing_and_who_lost_its_items_does_not_publish() {
    let churn = "sessions: {mean: 100s}, absences: {mean: 100s}";
    let asked = |with: &str| {
        let world = world(&format!("{churn}, {with}"), 2);
        let is_of_returned = |due: &peerbench_scenario::Due| due.at > world.faults()[0].at;
        let (mut joins, mut publications) = (0, 0);
        for due in world.timetable().filter(is_of_returned) {
            joins += usize::from(matches!(due.command, Command::Join { .. }));
            publications += usize::from(matches!(due.command, Command::Publish { .. }));
        }
        let wakes = world.returns().iter().filter(|back| back.wakes && back.life == 0).count();
        (joins, publications, wakes, world.returns().len())
    };
    let (joins, publications, wakes, returns) = asked("keeps_items: true");
    assert!(publications > 0 && (joins, wakes) == (returns, 0));
    let (joins, publications, wakes, returns) = asked("keeps_items: false");
    assert_eq!((joins, publications, wakes), (returns, 0, 0));
    let (joins, publications, wakes, returns) = asked("departure: freeze");
    assert_eq!((joins, publications, wakes), (0, 0, returns));
}

#[test]
fn inventories_are_taken_all_over_the_window_of_who_is_there() {
    let world = world("sessions: {mean: 100s}, absences: {mean: 100s}", 2);
    let plan = world.inventory_plan();
    assert_eq!((plan.times.len(), plan.keys.len()), (60, 8));
    let window = world.ends_at().since(world.searches_from());
    let mean = plan.times.iter().map(|at| at.since(world.searches_from())).sum::<Duration>() / 60;
    assert!(mean.abs_diff(window / 2) < Duration::from_micros(1), "{mean:?} of {window:?}");
    for time in plan.times {
        let absent = world.absent_at(time);
        for node in (0..400).map(NodeId) {
            let faults = world.faults().iter().filter(|fault| fault.node == node);
            let last = faults.take_while(|fault| fault.at <= time).last();
            let is_away = last.is_some_and(|fault| fault.back_at.is_none_or(|back| back > time));
            assert_eq!(absent.contains(&node), is_away, "{node} at {time}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_churn_and_a_fault_s_victims_are_left_alone() {
    let churn = "sessions: {law: weibull, mean: 90s}, absences: {law: pareto, mean: 60s, shape: 3}";
    assert_eq!(world(churn, 3).faults(), world(churn, 3).faults());
    assert_ne!(world(churn, 3).faults(), world(churn, 4).faults());
    let with_fault = world(&format!("{churn}}}\nfaults: [{{at: 100s, share: 0.25}}]\n#"), 3);
    let struck = Time::ZERO + Duration::from_secs(100);
    let dead: Vec<NodeId> = with_fault
        .faults()
        .iter()
        .filter(|fault| fault.at == struck && fault.back_at.is_none())
        .map(|fault| fault.node)
        .collect();
    assert_eq!(dead.len(), 100);
    let by_node = by_node(&with_fault);
    assert!(dead.iter().all(|node| by_node[node].len() == 1));
}

#[test]
fn real_sessions_are_lived_through_at_another_speed() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("sessions.avt");
    fs::write(&trace, "a 2 1000 7000 13000 90000\nb 1 7000 13000\n").unwrap();
    let world = world(&format!("trace: {}, trace_speed: 100", trace.display()), 1);
    let second = |of: u64| Time::ZERO + Duration::from_secs(60 + of);
    let mut lives: BTreeSet<Vec<(Time, Option<Time>)>> = BTreeSet::new();
    for faults in by_node(&world).into_values() {
        lives.insert(faults.into_iter().map(|fault| (fault.at, fault.back_at)).collect());
    }
    let a = vec![(second(60), Some(second(120))), (second(890), None)];
    let b = vec![(second(0), Some(second(60))), (second(120), None)];
    assert_eq!(lives, [a, b].into());
}
