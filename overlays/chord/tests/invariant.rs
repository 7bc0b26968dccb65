//! What must hold at every step for Chord to be correct (Zave, IEEE TSE 2017): each member has a
//! live entry in its successor list, and at least r + 1 members are skipped by nobody's list.
//! Checked after every single event, while nodes join all at once, while some of them die, and while
//! they come and go; and what happens when more die at once than the lists allow for.
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::laboratory;
use overlay_chord::{Chord, ChordConfig};
use overlay_core::dht::Routing as _;
use overlay_core::{
    Alike, Command, Input, NodeId, OpId, Oracle as _, Overlay as _, Purpose, Random, Time,
};
use peerbench_simulator::{Laboratory, Simulation, Unobserved, Wiring};

type Network<'a> = Simulation<'a, Chord>;

const NODES: u32 = 32;
const SUCCESSORS: u32 = 3;
/// As few as the invariant allows.
const FOUNDERS: u32 = SUCCESSORS + 1;

/// Gives every founder its start; then every other node joins within one second.
fn join_all(network: &mut Network<'_>, seed: u64, mut after_each: impl FnMut(&mut Network<'_>)) {
    let mut random = Random::stream(seed, Purpose::Churn, 0);
    for node in (0..FOUNDERS).map(NodeId) {
        let found = Command::Found { founders: FOUNDERS };
        network.give(node, Input::Command(found), &mut Unobserved);
    }
    let mut joins: Vec<_> = (FOUNDERS..NODES)
        .map(|node| (Time::ZERO + random.duration_below(Duration::from_secs(1)), node))
        .collect();
    joins.sort_unstable();
    for (at, node) in joins {
        run_until(network, at, &mut after_each);
        network.advance_to(at);
        let rendezvous = NodeId(random.below(FOUNDERS.into()) as u32);
        let join = Command::Join { op: OpId(node), rendezvous };
        network.give(NodeId(node), Input::Command(join), &mut Unobserved);
        after_each(network);
    }
}

fn run_until(network: &mut Network<'_>, until: Time, mut after_each: impl FnMut(&mut Network<'_>)) {
    while network.next_time().is_some_and(|time| time <= until) {
        network.step(&mut Unobserved);
        after_each(network);
    }
}

fn check(network: &Network<'_>) -> Result<(), String> {
    let nodes: Vec<_> = network.live().collect();
    Chord::check_network(network.config(), &nodes)
}

fn assert_holds(network: &Network<'_>, seed: u64) {
    if let Err(broken) = check(network) {
        panic!("seed {seed}, {}: {broken}", network.now());
    }
}

/// Whether the network can do without this node, by Zave's assumption: nobody is left without a
/// live successor, nor the ring without enough members that nobody skips.
fn may_fail(network: &Network<'_>, victim: NodeId) -> bool {
    let survivors: Vec<_> = network.live().filter(|&(node, _)| node != victim).collect();
    survivors.len() as u32 > SUCCESSORS + 1
        && Chord::check_network(network.config(), &survivors).is_ok()
}

/// Whoever joins needs its rendezvous, so founders stay until everybody has joined.
fn is_needed(network: &Network<'_>, node: NodeId) -> bool {
    node.0 < FOUNDERS && network.live().any(|(_, chord)| !chord.routing().is_joined())
}

fn assert_converges(network: &mut Network<'_>, config: &ChordConfig, seed: u64) {
    let until = network.now() + Duration::from_secs(30);
    run_until(network, until, |network| assert_holds(network, seed));
    assert_eq!(strays(network, config), [], "seed {seed}");
}

/// Who is linked to others than the ring of those who live has for it.
fn strays(network: &Network<'_>, config: &ChordConfig) -> Vec<NodeId> {
    let mut ring = Chord::oracle(config, &Alike(NODES));
    let live: BTreeSet<NodeId> = network.live().map(|(node, _)| node).collect();
    for node in (0..NODES).map(NodeId) {
        ring.set_alive(node, live.contains(&node));
    }
    let is_stray = |(node, chord): &(NodeId, &Chord)| {
        ring.neighbors(*node).expect("a ring determines its links") != chord.neighbors(config)
    };
    network.live().filter(is_stray).map(|(node, _)| node).collect()
}

fn with_network(seed: u64, test: impl FnOnce(&mut Network<'_>, &ChordConfig)) {
    with_network_of(&format!("{{successors: {SUCCESSORS}}}"), seed, test);
}

fn with_network_of(chord: &str, seed: u64, test: impl FnOnce(&mut Network<'_>, &ChordConfig)) {
    let yaml = format!(
        "nodes: {NODES}
founders: {FOUNDERS}
network: {{handshake_round_trips: 0.0}}
overlays:
  chord: {chord}
"
    );
    let Laboratory { scenario, config, world, .. } = laboratory(&yaml, seed);
    let mut network = Simulation::new(&world, &config, seed, Wiring::of(&scenario));
    test(&mut network, &config);
}

#[test]
fn holds_after_every_event_while_28_nodes_join_within_a_second() {
    for seed in 1..=8 {
        with_network(seed, |network, config| {
            join_all(network, seed, |network| assert_holds(network, seed));
            assert_converges(network, config, seed);
            assert_eq!(network.live().count(), NODES as usize);
        });
    }
}

#[test]
fn holds_after_every_event_while_nodes_die_that_the_ring_can_do_without() {
    for seed in 1..=8 {
        with_network(seed, |network, config| {
            join_all(network, seed, |network| assert_holds(network, seed));
            let mut random = Random::stream(seed, Purpose::Churn, 1);
            let mut dead = 0;
            while dead < NODES / 2 {
                let pause = random.duration_below(Duration::from_secs(1));
                let until = network.now() + pause;
                run_until(network, until, |network| assert_holds(network, seed));
                network.advance_to(until);
                let victim = NodeId(random.below(NODES.into()) as u32);
                let is_live = network.live().any(|(node, _)| node == victim);
                if is_live && !is_needed(network, victim) && may_fail(network, victim) {
                    network.kill(victim);
                    assert_holds(network, seed);
                    dead += 1;
                }
            }
            assert_converges(network, config, seed);
        });
    }
}

/// One that is away comes back; one that is there goes, with a word or without, if the ring can do
/// without it.
fn come_or_go(network: &mut Network<'_>, node: NodeId, life: u32, random: &mut Random) {
    if !network.live().any(|(live, _)| live == node) {
        network.revive(&BTreeMap::from([(node, life)]), &mut Unobserved);
        let rendezvous = NodeId(random.below(FOUNDERS.into()) as u32);
        let join = Command::Join { op: OpId(NODES * life + node.0), rendezvous };
        network.give(node, Input::Command(join), &mut Unobserved);
    } else if may_fail(network, node) {
        if random.below(2) == 0 {
            let leave = Command::Leave { op: OpId(NODES * life + node.0) };
            network.give(node, Input::Command(leave), &mut Unobserved);
        }
        network.kill(node);
    }
}

#[test]
fn holds_after_every_event_while_nodes_join_leave_and_die() {
    for seed in 1..=8 {
        with_network(seed, |network, config| {
            join_all(network, seed, |network| assert_holds(network, seed));
            let mut random = Random::stream(seed, Purpose::Churn, 2);
            for life in 1..=200 {
                let until = network.now() + random.duration_below(Duration::from_millis(500));
                run_until(network, until, |network| assert_holds(network, seed));
                network.advance_to(until);
                // Founders stay: who joins needs one of them.
                let others = u64::from(NODES - FOUNDERS);
                let node = NodeId(FOUNDERS + random.below(others) as u32);
                come_or_go(network, node, life, &mut random);
                assert_holds(network, seed);
            }
            assert_converges(network, config, seed);
        });
    }
}

/// Whether, with lists of two, the ring of the survivors is whole again a minute after half of all nodes
/// have died at once. That the invariant is broken is reported at once.
fn heals(seed: u64) -> bool {
    let mut heals = false;
    with_network_of("{successors: 2}", seed, |network, config| {
        join_all(network, seed, |_| ());
        run_until(network, Time::from_nanos(30_000_000_000), |_| ());
        assert_holds(network, seed);
        let mut random = Random::stream(seed, Purpose::Churn, 3);
        let mut ranked: Vec<_> = (0..NODES).map(|node| (random.next_u64(), node)).collect();
        ranked.sort_unstable();
        for &(_, node) in &ranked[..NODES as usize / 2] {
            network.kill(NodeId(node));
        }
        let broken = check(network).expect_err("half of the nodes are too many");
        assert!(broken.ends_with("has no live successor"), "seed {seed}: {broken}");
        let until = network.now() + Duration::from_secs(60);
        run_until(network, until, |_| ());
        heals = check(network).is_ok() && strays(network, config).is_empty();
    });
    heals
}

#[test]
fn killing_half_of_the_nodes_at_once_breaks_it_and_most_rings_heal() {
    let healed = (1..=8).filter(|&seed| heals(seed)).count();
    // No promise: in one of them a member has lost everybody, and through whom it joined is dead, too.
    assert_eq!(healed, 7);
}

#[test]
fn a_member_whose_whole_list_died_is_found() {
    with_network(1, |network, _| {
        join_all(network, 1, |_| ());
        run_until(network, Time::from_nanos(30_000_000_000), |_| ());
        assert_holds(network, 1);
        let member = &network.node(NodeId(0)).routing().members()[0];
        let all: Vec<_> = member.successors().to_vec();
        for (killed, successor) in all.iter().enumerate() {
            assert_eq!(check(network), Ok(()), "after {killed} of {SUCCESSORS}");
            network.kill(NodeId(successor.0));
        }
        let broken = check(network).expect_err("all successors of node 0 are dead");
        assert_eq!(broken, "member 0 has no live successor");
    });
}

#[test]
fn a_ring_that_does_not_know_all_of_its_members_is_found() {
    with_network(1, |network, _| {
        // Half of them know of half of the ring only, so their lists skip the others.
        for (node, founders) in [(0, 3), (1, 3), (2, 3), (3, 6), (4, 6), (5, 6)] {
            let found = Command::Found { founders };
            network.give(NodeId(node), Input::Command(found), &mut Unobserved);
        }
        let broken = check(network).expect_err("only three members are skipped by nobody");
        assert_eq!(broken, "3 principal members are fewer than r + 1 = 4");
    });
}
