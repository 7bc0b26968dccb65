//! Swarms without a tracker: they are as fast as with one, and nobody is the one whose death ends them.
mod gathering;

use std::collections::BTreeSet;
use std::time::Duration;

use gathering::{Gathering, Trackerless, seconds};
use overlay_bittorrent::Bittorrent;
use overlay_core::{Event, NodeId, Overlay};
use peerbench_scenario::Document;
use peerbench_simulator::Laboratory;

const SECTIONS: &str = "
overlays:
  bittorrent: {piece_length: 64KiB}
  bittorrent-dht: {swarm: {piece_length: 64KiB}}
";

fn yaml(nodes: u32) -> String {
    format!(
        "
nodes: {nodes}
network:
  uniform_round_trip: 20ms
  capacities:
    - {{nodes: [1], up: 2MB/s, down: 0bit/s}}
    - {{share: 1.0, up: 1MB/s, down: 0bit/s}}
{SECTIONS}"
    )
}

fn laboratory<O: Overlay>(nodes: u32) -> Laboratory<O> {
    Laboratory::new(&yaml(nodes), 1).expect("the scenario is sound")
}

/// How long 20 leechers take for 16 MiB, on average and at most, in seconds.
fn course<O: Overlay>() -> (f64, f64) {
    let laboratory = laboratory::<O>(22);
    let mut gathering = Gathering::new(&laboratory);
    gathering.publish(NodeId(1), 16 << 20);
    (2..22).for_each(|node| assert!(gathering.begin(NodeId(node))));
    gathering.run_until_done(20, seconds(120));
    let took: Vec<f64> = gathering.took().into_iter().map(|it| it.as_secs_f64()).collect();
    assert_eq!(took.len(), 20, "{}", O::NAME);
    (took.iter().sum::<f64>() / 20.0, took.into_iter().fold(0.0, f64::max))
}

#[test]
fn a_swarm_is_as_fast_without_a_tracker() {
    let ((mean, last), (with_tracker, last_with)) =
        (course::<Trackerless>(), course::<Bittorrent>());
    println!(
        "mean {mean:.2} s, last {last:.2} s; with a tracker {with_tracker:.2} s, {last_with:.2} s"
    );
    assert!((mean / with_tracker - 1.0).abs() < 0.05, "{mean} against {with_tracker}");
    assert!((last / last_with - 1.0).abs() < 0.05, "{last} against {last_with}");
}

/// How many of 6 latecomers find somebody after node 0 has died, and how many of all 12 leechers have
/// everything in the end.
fn without_node_0<O: Overlay>() -> (usize, usize) {
    let laboratory = laboratory::<O>(16);
    let mut gathering = Gathering::new(&laboratory);
    gathering.publish(NodeId(1), 16 << 20);
    (2..8).for_each(|node| assert!(gathering.begin(NodeId(node))));
    gathering.wait(seconds(5));
    assert_eq!(gathering.took().len(), 0, "node 0 dies in mid-swarm");
    gathering.kill(NodeId(0));
    gathering.wait(seconds(2));
    let found = (8..14).filter(|&node| gathering.begin(NodeId(node))).count();
    gathering.run_until_done(12, seconds(120));
    gathering.check();
    (found, gathering.took().len())
}

#[test]
fn nobody_new_finds_a_swarm_whose_tracker_is_dead_but_everybody_one_without_a_tracker() {
    assert_eq!(without_node_0::<Bittorrent>(), (0, 6));
    assert_eq!(without_node_0::<Trackerless>(), (6, 12));
}

/// Whoever is named as a holder may be dead, or never answer: somebody else says what the item is.
/// Node 0, which is the tracker where there is one, is a node like all others.
#[test]
fn who_is_asked_about_an_item_in_vain_is_passed_over() {
    let silent = NodeId(1_000);
    for dead in [NodeId(0), NodeId(1)] {
        let laboratory = laboratory::<Trackerless>(12);
        let mut gathering = Gathering::new(&laboratory);
        gathering.publish(dead, 1 << 20);
        assert!(gathering.begin(NodeId(2)));
        gathering.run_until_done(1, seconds(60));
        gathering.kill(dead);
        (3..7).for_each(|node| gathering.fetch_from(NodeId(node), dead));
        (7..12).for_each(|node| gathering.fetch_from(NodeId(node), silent));
        gathering.run_until_done(10, seconds(120));
        assert_eq!(gathering.took().len(), 10, "{dead} is dead");
        gathering.check();
    }
}

#[test]
fn a_fetch_of_what_nobody_has_fails() {
    let laboratory = laboratory::<Trackerless>(12);
    let mut gathering = Gathering::new(&laboratory);
    gathering.fetch_from(NodeId(3), NodeId(5));
    gathering.fetch_from(NodeId(4), NodeId(4));
    gathering.wait(seconds(1));
    assert_eq!(gathering.count(|event| matches!(event, Event::Failed { .. })), 2);
}

/// Who leaves the swarm when it is done is named to nobody any more; the seed is found as before.
#[test]
fn who_leaves_a_swarm_withdraws() {
    let leave = yaml(40).replace("-dht: {swarm: {", "-dht: {swarm: {when_done: leave, ");
    let laboratory = Laboratory::<Trackerless>::new(&leave, 1).expect("the scenario is sound");
    let mut gathering = Gathering::new(&laboratory);
    gathering.publish(NodeId(1), 1 << 20);
    (2..30).for_each(|node| assert!(gathering.begin(NodeId(node))));
    gathering.run_until_done(28, seconds(60));
    assert_eq!(gathering.took().len(), 28);
    gathering.wait(seconds(5));
    let named = |gathering: &mut Gathering<'_, Trackerless>, node| {
        let answer = gathering.network.search(NodeId(node), gathering.key);
        answer.and_then(|answer| answer.holder)
    };
    let holders: BTreeSet<_> = (2..40).map(|node| named(&mut gathering, node)).collect();
    assert_eq!(holders, BTreeSet::from([Some(NodeId(1))]));
    assert!(gathering.network.leave(NodeId(1)));
    gathering.wait(seconds(5));
    assert_eq!(named(&mut gathering, 5), None, "nobody holds it");
}

/// Of many who take part, a search names one that does, and not always one of the first.
#[test]
fn a_popular_item_has_recent_holders_and_its_publisher() {
    let laboratory = laboratory::<Trackerless>(80);
    let mut gathering = Gathering::new(&laboratory);
    gathering.publish(NodeId(1), 1 << 20);
    (2..80).for_each(|node| assert!(gathering.begin(NodeId(node))));
    gathering.run_until_done(78, seconds(120));
    let mut named = BTreeSet::new();
    for node in (2..80).chain(2..80) {
        let key = gathering.key;
        named.extend(gathering.network.search(NodeId(node), key).and_then(|it| it.holder));
    }
    assert!(named.len() <= overlay_core::dht::MAX_HOLDERS && named.len() > 8, "{named:?}");
    assert!(named.contains(&NodeId(1)), "{named:?}");
    assert!(named.iter().skip(1).all(|node| node.0 > 60), "{named:?}");
}

/// What is published before the node has joined is published when it has.
#[test]
fn a_swarm_forms_while_the_ring_does() {
    let laboratory = laboratory::<Trackerless>(16);
    let mut gathering = Gathering::before_joining(&laboratory);
    gathering.network.found(4);
    for node in 4..16 {
        assert!(gathering.network.join(NodeId(node), NodeId(0)), "{node}");
    }
    gathering.wait(seconds(10));
    gathering.publish(NodeId(1), 4 << 20);
    (2..16).for_each(|node| assert!(gathering.begin(NodeId(node)), "{node}"));
    gathering.run_until_done(14, seconds(60));
    assert_eq!(gathering.took().len(), 14);
    gathering.check();
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let digest = || {
        let laboratory = laboratory::<Trackerless>(22);
        let mut gathering = Gathering::new(&laboratory);
        gathering.publish(NodeId(1), 4 << 20);
        (2..22).for_each(|node| assert!(gathering.begin(NodeId(node))));
        gathering.run_until_done(20, seconds(60));
        gathering.network.simulation.trace_digest()
    };
    assert_eq!(digest(), digest());
}

#[test]
fn what_is_wrong_in_the_configuration_is_said_with_its_path() {
    for (section, path) in [
        ("swarm: {piece_length: 1kB}", "swarm.piece_length"),
        ("swarm: {pex_every: 0s}", "swarm.pex_every"),
        ("dht: {successors: 0}", "dht.successors"),
        ("dht: {storage: {republish_every: 0s}}", "dht.storage.republish_every"),
        ("dht: {storage: {keep: value}}", "dht.storage.keep"),
        ("searches: 0", "searches"),
        ("metainfo_timeout: 0s", "metainfo_timeout"),
    ] {
        let yaml = format!("nodes: 8\noverlays: {{bittorrent-dht: {{{section}}}}}");
        let document = Document::parse("test", &yaml).expect("the test's YAML is well-formed");
        let config = document.overlay_config(Trackerless::NAME).expect("it can be read");
        let problem = Trackerless::check(&config, 8).expect_err("it makes no sense");
        assert_eq!(problem.0, path);
    }
    assert!(Laboratory::<Trackerless>::new("nodes: 8", 1).is_ok());
    let unknown = "nodes: 8\noverlays: {bittorrent-dht: {piece_length: 16KiB}}";
    assert!(Laboratory::<Trackerless>::new(unknown, 1).is_err());
}

/// The first one who takes part, and the first two who come to it, word for word; but for what keeps
/// the ring in shape.
#[test]
fn an_item_is_announced_found_and_fetched() {
    let far = "100ms, handshake_round_trips: 0.0";
    let small = yaml(4).replace("20ms", far).replace(", handshake", "\n  handshake");
    let laboratory = Laboratory::<Trackerless>::new(&small, 1).expect("the scenario is sound");
    let mut gathering = Gathering::new(&laboratory);
    gathering.transcribe();
    gathering.publish(NodeId(1), 16_384);
    for node in [3, 0] {
        assert!(gathering.begin(NodeId(node)));
        gathering.wait(Duration::from_millis(500));
    }
    gathering.run_until_done(2, seconds(10));
    insta::assert_snapshot!(gathering.transcript());
}
