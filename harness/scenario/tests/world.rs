//! What a seed makes of a scenario: the same on every machine, and distributed as the scenario says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::time::Duration;

use overlay_core::units::{BitRate, Frequency, Span};
use overlay_core::{Command, Conduct, NodeId, Setting as _, Strategy, Time};
use peerbench_scenario::{
    Capacity, Document, Due, DueFault, Fault, FaultAction, Keys, Replication, Scenario, Start,
    World, builtin,
};
use proptest::prelude::*;
use sha1::{Digest as _, Sha1};

fn world(scenario: &Scenario, seed: u64) -> World {
    World::new(scenario, seed).unwrap()
}

fn default() -> Scenario {
    builtin("default").unwrap().scenario().unwrap()
}

fn nodes(world: &World) -> impl Iterator<Item = NodeId> + use<> {
    (0..world.nodes()).map(NodeId)
}

/// Everything about a world that a run can depend on.
fn digest(world: &World) -> String {
    let mut hash = Sha1::new();
    for node in nodes(world) {
        let line = format!(
            "{} {:?} {} {} {}\n",
            world.place_name(node),
            world.conduct(node),
            world.uplink(node),
            world.downlink(node),
            world.one_way(node, NodeId(0)),
        );
        hash.update(line);
    }
    for due in world.timetable() {
        hash.update(format!("{due:?}\n"));
    }
    hash.update(format!("{:?}", world.faults()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_seed_gives_the_same_world_on_every_machine() {
    let mut scenario = default();
    scenario.workload.popularity_exponent = 0.8;
    scenario.freeloaders.share = 0.25;
    let half = Fault { at: Span(Duration::from_secs(20)), share: 0.5, ..Fault::default() };
    scenario.faults = vec![half];
    assert_eq!(digest(&world(&scenario, 1)), "957e712778f14a3c2598aa41ea64f02d10955fb0");
    assert_ne!(digest(&world(&scenario, 2)), digest(&world(&scenario, 1)));
}

#[test]
fn popular_items_have_more_publishers_if_the_scenario_says_so() {
    let mut scenario = default();
    scenario.workload.copies = 4;
    scenario.workload.popularity_exponent = 1.0;
    let mut publishers = |replication| {
        scenario.workload.replication = replication;
        let mut of_item = vec![0_u32; scenario.workload.items as usize];
        for (item, _) in world(&scenario, 1).publishers() {
            of_item[item.blob.content as usize] += 1;
        }
        assert_eq!(of_item.iter().sum::<u32>(), 4 * scenario.workload.items);
        assert!(of_item.is_sorted_by(|a, b| a >= b) && of_item[255] >= 1, "{of_item:?}");
        (of_item[0], of_item[63])
    };
    assert_eq!(publishers(Replication::Uniform), (4, 4));
    assert_eq!(publishers(Replication::Proportional), (64, 3), "everybody has the first item");
    let (first, later) = publishers(Replication::SquareRoot);
    assert!(
        (7.0..9.0).contains(&(f64::from(first) / f64::from(later))),
        "{first} for {later}: 1 / sqrt(1/64), to whole copies"
    );
}

#[test]
fn a_given_graph_sets_the_number_of_nodes_and_starts_converged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edges.txt");
    std::fs::write(&path, "# three in a row\n0 5\n5 9\n").unwrap();
    let mut document =
        Document::parse("test", format!("network: {{graph: {}}}", path.display())).unwrap();
    let scenario = document.scenario().unwrap();
    assert_eq!((scenario.nodes, scenario.forms_by_joining()), (3, false));
    let world = world(&scenario, 1);
    assert_eq!(world.graph().unwrap().neighbors(NodeId(1)), [NodeId(0), NodeId(2)]);
    document.set("nodes=4").unwrap();
    let error = document.scenario().unwrap_err().to_string();
    assert!(error.contains("the graph has 3 nodes, the scenario 4"), "{error}");
}

#[test]
fn a_change_of_one_thing_leaves_the_others_as_they_were() {
    let before = default();
    let mut after = before.clone();
    after.freeloaders.share = 0.5;
    after.workload.popularity_exponent = 1.0;
    after.network.capacities.clear();
    let (before, after) = (world(&before, 7), world(&after, 7));
    assert!(nodes(&before).all(|node| before.place(node) == after.place(node)));
    assert!(before.publishers().eq(after.publishers()));
    let who_and_when = |due: Due| (due.at, due.node);
    assert!(before.timetable().map(who_and_when).eq(after.timetable().map(who_and_when)));
}

#[test]
fn a_default_run_goes_through_its_phases() {
    let scenario = default();
    let world = world(&scenario, 1);
    let dues: Vec<Due> = world.timetable().collect();
    assert_eq!(dues.len(), 32 + 32 + 256 + 300);
    let seconds = |due: &Due| due.at.as_secs_f64();
    assert!(dues[..32].iter().all(|due| due.command == Command::Found { founders: 32 }));
    assert!(dues[..32].iter().all(|due| due.at == Time::ZERO));
    for (due, index) in dues[32..64].iter().zip(0..) {
        assert_eq!(due.node, NodeId(32 + index));
        assert!(seconds(due) < 1.0);
        let Command::Join { op, rendezvous } = due.command else { panic!("{due:?}") };
        assert_eq!(op.0, index);
        assert!(rendezvous.0 < 32);
    }
    // Between 40 % and 80 % of the 11 s that the warm-up leaves after the joins.
    for due in &dues[64..320] {
        assert!(matches!(due.command, Command::Publish { .. }));
        assert!((5.4..9.8).contains(&seconds(due)), "{due:?}");
    }
    assert!(dues[320..].iter().all(|due| matches!(due.command, Command::Search { .. })));
    assert!(dues[320].at >= world.searches_from());
    assert_eq!(dues[619].at, world.last_search());
    assert_eq!(world.ends_at(), world.last_search() + Duration::from_secs(4));
}

#[test]
fn published_items_are_the_publishers_and_are_what_is_searched() {
    let mut scenario = default();
    scenario.workload.copies = 3;
    let world = world(&scenario, 5);
    let publications: Vec<_> = world.publishers().collect();
    let published: Vec<_> = world
        .timetable()
        .filter_map(|due| match due.command {
            Command::Publish { item, .. } => Some((item, due.node)),
            _ => None,
        })
        .collect();
    assert_eq!(publications, published);
    assert_eq!(publications.len(), 3 * 256);
    for copies in publications.chunks(3) {
        assert!(copies.iter().all(|(item, _)| *item == copies[0].0));
        assert_eq!(copies.iter().map(|(_, node)| node).collect::<BTreeSet<_>>().len(), 3);
    }
    let keys: BTreeSet<_> = publications.iter().map(|(item, _)| item.key).collect();
    let searched = world.timetable().filter_map(|due| match due.command {
        Command::Search { key, .. } => Some(key),
        _ => None,
    });
    assert!(searched.into_iter().all(|key| keys.contains(&key)));
}

#[test]
fn random_keys_were_published_by_nobody() {
    let mut scenario = default();
    scenario.workload.keys = Keys::Random;
    let world = world(&scenario, 1);
    let keys: BTreeSet<_> = world.publishers().map(|(item, _)| item.key).collect();
    let searched: BTreeSet<_> = world
        .timetable()
        .filter_map(|due| match due.command {
            Command::Search { key, .. } => Some(key),
            _ => None,
        })
        .collect();
    assert_eq!(searched.len(), 300);
    assert!(keys.is_disjoint(&searched));
}

#[test]
fn a_converged_start_has_nobody_join() {
    let mut scenario = default();
    scenario.start = Start::Converged;
    let world = world(&scenario, 1);
    let first = world.timetable().next().unwrap();
    assert!(matches!(first.command, Command::Publish { .. }));
    assert!(world.operations().joins.is_empty());
    assert_eq!(world.operations().publishes, 0..256);
}

#[test]
fn searches_are_a_poisson_process_of_the_rate() {
    let mut scenario = default();
    scenario.workload.searches = 100_000;
    scenario.workload.rate = Frequency(500_000_000);
    let world = world(&scenario, 11);
    let times: Vec<f64> = world
        .timetable()
        .filter(|due| matches!(due.command, Command::Search { .. }))
        .map(|due| due.at.as_secs_f64())
        .collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // Six standard errors of each; an exponential's standard deviation is its mean.
    assert!((mean * 500.0 - 1.0).abs() < 0.02, "{mean}");
    assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "{variance}");
}

#[test]
fn popularity_follows_zipf() {
    let mut scenario = default();
    scenario.workload.searches = 100_000;
    scenario.workload.popularity_exponent = 1.0;
    let world = world(&scenario, 3);
    let items: Vec<_> = world.publishers().map(|(item, _)| item.key).collect();
    let mut counts = vec![0_u32; items.len()];
    for due in world.timetable() {
        if let Command::Search { key, .. } = due.command {
            counts[items.iter().position(|item| *item == key).unwrap()] += 1;
        }
    }
    let sum: f64 = (1..=256).map(|rank| 1.0 / f64::from(rank)).sum();
    for rank in [1_usize, 2, 10] {
        let expected = 100_000.0 / rank as f64 / sum;
        let error = (f64::from(counts[rank - 1]) - expected).abs() / expected.sqrt();
        assert!(error < 6.0, "rank {rank}: {} against {expected}", counts[rank - 1]);
    }
}

#[test]
fn links_are_given_out_in_their_shares() {
    let world = world(&default(), 9);
    let with = |up| nodes(&world).filter(|&node| world.uplink(node) == BitRate(up)).count();
    // 0.3, 0.5 and 0.2 of 64 are 19.2, 32 and 12.8.
    assert_eq!([with(100_000_000), with(20_000_000), with(5_000_000)], [19, 32, 13]);
    let slow = nodes(&world).find(|&node| world.uplink(node) == BitRate(5_000_000)).unwrap();
    assert_eq!(world.downlink(slow), BitRate(25_000_000));
    let unlimited = World::new(&Scenario::default(), 9).unwrap();
    assert!(nodes(&unlimited).all(|node| unlimited.uplink(node) == BitRate(0)));
}

#[test]
fn freeloaders_are_as_many_as_asked_for() {
    let mut scenario = default();
    scenario.freeloaders.share = 0.25;
    scenario.freeloaders.strategy = Strategy::NoUpload;
    let world = world(&scenario, 1);
    let freeloads = |node| world.conduct(node) == Conduct::Freeloader(Strategy::NoUpload);
    assert_eq!(nodes(&world).filter(|&node| freeloads(node)).count(), 16);
}

fn freeloaders(scenario: &Scenario, seed: u64) -> BTreeSet<u32> {
    let world = world(scenario, seed);
    let freeloads = |node: &NodeId| world.conduct(*node) != Conduct::Contributor;
    nodes(&world).filter(freeloads).map(|node| node.0).collect()
}

#[test]
fn certain_nodes_freeload_whatever_the_share_and_the_seed() {
    let mut scenario = default();
    scenario.freeloaders.nodes = vec![7, 63, 0];
    scenario.freeloaders.share = 0.5;
    for seed in 1..4 {
        assert_eq!(freeloaders(&scenario, seed), BTreeSet::from([0, 7, 63]));
    }
}

#[test]
fn who_is_listed_as_a_publisher_is_not_drawn_and_the_share_is_of_the_others() {
    let mut scenario = default();
    scenario.nodes = 21;
    scenario.workload.publishers = vec![0];
    scenario.workload.copies = 1;
    let mut before = BTreeSet::new();
    for (share, count) in [(0.0, 0), (0.1, 2), (0.25, 5), (0.5, 10), (1.0, 20)] {
        scenario.freeloaders.share = share;
        let drawn = freeloaders(&scenario, 9);
        assert!(drawn.len() == count && !drawn.contains(&0), "{share}: {drawn:?}");
        assert!(before.is_subset(&drawn), "with more freeloaders, those of before are among them");
        before = drawn;
    }
    scenario.workload.publishers = (0..21).collect();
    assert!(freeloaders(&scenario, 9).is_empty());
}

#[test]
fn faults_strike_in_time_and_nobody_twice() {
    let mut scenario = default();
    let fault = |at, nodes: &[u32], share, action| Fault {
        at: Span(Duration::from_secs(at)),
        action,
        nodes: nodes.to_vec(),
        share,
        back_after: None,
    };
    scenario.faults = vec![
        fault(30, &[5, 6], 1.0, FaultAction::Leave),
        fault(20, &[5, 5], 0.5, FaultAction::Kill),
    ];
    let world = world(&scenario, 2);
    let faults = world.faults();
    // Node 5 and half of the other 63 at 20 s, the 31 that are left at 30 s.
    let at = |seconds| faults.iter().filter(move |due| due.at.as_secs_f64() == seconds).count();
    assert_eq!([at(20.0), at(30.0)], [33, 31]);
    assert!(faults.is_sorted());
    assert!(faults.contains(&DueFault {
        at: Time::ZERO + Duration::from_secs(20),
        node: NodeId(5),
        action: FaultAction::Kill,
        back_at: None,
    }));
    assert_eq!(faults.iter().map(|due| due.node).collect::<BTreeSet<_>>().len(), 64);
    let operations = world.operations();
    assert_eq!(operations.leaves.len(), 64);
    assert_eq!(operations.leave_of(NodeId(3)).0, operations.leaves.start + 3);
}

#[test]
fn who_comes_back_joins_through_somebody_present_and_publishes_what_it_holds() {
    let mut scenario = default();
    let kill = |nodes: &[u32], back_after| Fault {
        at: Span(Duration::from_secs(20)),
        nodes: nodes.to_vec(),
        back_after,
        ..Fault::default()
    };
    let after = Some(Span(Duration::from_secs(5)));
    scenario.faults = vec![kill(&(0..30).collect::<Vec<_>>(), None), kill(&[40, 50, 60], after)];
    let without_return = {
        let mut scenario = scenario.clone();
        scenario.faults[1].back_after = None;
        world(&scenario, 3).timetable().collect::<Vec<Due>>()
    };
    let world = world(&scenario, 3);
    let back_at = Time::ZERO + Duration::from_secs(25);
    let backs: Vec<_> = world.returns().iter().map(|back| (back.at, back.node.0)).collect();
    assert_eq!(backs, [(back_at, 40), (back_at, 50), (back_at, 60)]);

    let dues: Vec<Due> = world.timetable().collect();
    assert!(dues.is_sorted_by_key(|due| due.at));
    let operations = world.operations();
    assert_eq!((operations.rejoins.len(), operations.republishes.len()), (64, 256));
    let (again, usual): (Vec<&Due>, Vec<&Due>) = dues.iter().partition(|due| match due.command {
        Command::Join { op, .. } => operations.rejoins.contains(&op.0),
        Command::Publish { op, .. } => operations.republishes.contains(&op.0),
        _ => false,
    });
    assert!(usual.into_iter().eq(&without_return), "the others notice nothing");
    for node in [40, 50, 60].map(NodeId) {
        let its: Vec<&Due> = again.iter().copied().filter(|due| due.node == node).collect();
        let held = world.publishers().filter(|(_, publisher)| *publisher == node).count();
        assert_eq!(its.len(), 1 + held);
        assert!(its.iter().all(|due| due.at >= back_at));
        assert!(its.iter().all(|due| due.at < back_at + Duration::from_secs(1)));
        match its[0].command {
            Command::Join { rendezvous, .. } => {
                assert!(rendezvous.0 >= 30 && rendezvous != node, "{rendezvous} is away");
            }
            other => panic!("{other:?} before the join"),
        }
    }
}

#[test]
fn what_a_node_could_not_publish_before_it_went_it_publishes_when_it_is_back() {
    let mut scenario = default();
    let early = Fault {
        at: Span(Duration::from_secs(1)),
        nodes: vec![7],
        back_after: Some(Span(Duration::from_secs(1))),
        ..Fault::default()
    };
    scenario.faults = vec![early];
    let world = world(&scenario, 3);
    let published = |due: &Due| matches!(due.command, Command::Publish { .. });
    let its = world.timetable().filter(|due| due.node == NodeId(7) && published(due)).count();
    assert_eq!(its, world.publishers().filter(|(_, node)| *node == NodeId(7)).count());
}

#[test]
fn fetches_are_numbered_after_searches() {
    let mut scenario = default();
    scenario.workload.fetch = true;
    let operations = world(&scenario, 1).operations().clone();
    assert_eq!(operations.searches, 288..588);
    assert_eq!(operations.fetches, 588..888);
    assert_eq!(operations.fetch_offset(), Some(300));
}

#[test]
fn one_round_trip_for_all_replaces_the_matrix() {
    let document =
        Document::parse("uniform", "network: {uniform_round_trip: 100ms, matrix: nowhere}")
            .unwrap();
    let world = world(&document.scenario().unwrap(), 1);
    assert!(nodes(&world).all(|node| world.one_way(NodeId(0), node) == 50_000_000));
    assert_eq!(world.place_name(NodeId(3)), "anywhere");
}

proptest! {
    #[test]
    fn distances_are_mutual_and_never_nothing(seed: u64, a in 0_u32..64, b in 0_u32..64) {
        let world = world(&Scenario::default(), seed);
        let (a, b) = (NodeId(a), NodeId(b));
        prop_assert_eq!(world.one_way(a, b), world.one_way(b, a));
        prop_assert!(world.one_way(a, b) > 0);
    }

    #[test]
    fn a_timetable_is_in_order_and_its_numbers_are_dense(
        seed: u64,
        nodes in 1_u32..200,
        founders in 1_u32..20,
        items in 1_u32..50,
        copies in 1_u32..5,
        searches in 0_u64..300,
        exponent in 0.0_f64..2.0,
        over in 0_u64..10_000,
        converged: bool,
    ) {
        let mut scenario = Scenario { nodes, founders: Some(founders.min(nodes)), ..Scenario::default() };
        scenario.start = if converged { Start::Converged } else { Start::Joined };
        scenario.join.over = Span(Duration::from_micros(over));
        scenario.workload.items = items;
        scenario.workload.copies = copies.min(nodes);
        scenario.workload.searches = searches;
        scenario.workload.popularity_exponent = exponent;
        let world = world(&scenario, seed);
        let dues: Vec<Due> = world.timetable().collect();
        prop_assert!(dues.is_sorted_by_key(|due| due.at));
        prop_assert!(dues.iter().all(|due| due.node.0 < nodes));
        prop_assert!(dues.last().is_none_or(|due| due.at <= world.last_search()));
        let numbers: Vec<u32> = dues
            .iter()
            .filter_map(|due| match due.command {
                Command::Join { op, .. }
                | Command::Publish { op, .. }
                | Command::Search { op, .. } => Some(op.0),
                _ => None,
            })
            .collect();
        prop_assert_eq!(&numbers, &(0..numbers.len() as u32).collect::<Vec<_>>());
        prop_assert_eq!(world.operations().searches.end as usize, numbers.len());
    }

    #[test]
    fn links_are_given_out_in_any_shares(seed: u64, weights in prop::collection::vec(1_u32..100, 1..6)) {
        let total: u32 = weights.iter().sum();
        let mut scenario = Scenario { nodes: 1_000, ..Scenario::default() };
        scenario.network.capacities = (1..)
            .zip(&weights)
            .map(|(up, &weight)| Capacity {
                nodes: Vec::new(),
                share: f64::from(weight) / f64::from(total),
                up: BitRate(up),
                down: BitRate(0),
            })
            .collect();
        let world = world(&scenario, seed);
        for (up, weight) in (1..).zip(weights) {
            let count = nodes(&world).filter(|&node| world.uplink(node) == BitRate(up)).count();
            let exact = 1_000.0 * f64::from(weight) / f64::from(total);
            prop_assert!((count as f64 - exact).abs() < 1.0, "{} against {}", count, exact);
        }
    }
}
