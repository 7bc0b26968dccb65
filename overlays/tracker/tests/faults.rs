//! Servers and peers that die, freeze, come back, or do not do their part; and runs that can be
//! repeated to the bit.
mod common;

use std::time::Duration;

use common::{Laboratory, item, record, simulate, span};
use overlay_core::{Conduct, Event, Input, NodeId, Oracle as _, Overlay as _, Strategy};
use overlay_tracker::{Layout, Tracker, TrackerConfig, TrackerMessage};
use peerbench_measure::Measurement;

const NODES: u32 = 24;
const ITEMS: u64 = 60;
const SERVER: NodeId = NodeId(0);

fn servers(servers: u16, layout: Layout) -> TrackerConfig {
    TrackerConfig { servers, layout, ..TrackerConfig::default() }
}

/// Everybody has joined, and nodes 8 to 11, who are no servers, have published everything.
fn laboratory(config: TrackerConfig) -> Laboratory {
    let mut lab = Laboratory::joined(NODES, config);
    for number in 0..ITEMS {
        lab.publish(publisher(number), item(number));
    }
    lab.wait(1.0);
    lab
}

fn publisher(number: u64) -> NodeId {
    NodeId(8 + number as u32 % 4)
}

/// How many items somebody finds, with their publishers.
fn found(lab: &mut Laboratory, searcher: NodeId) -> usize {
    let ops: Vec<_> = (0..ITEMS).map(|it| (it, lab.begin_search(searcher, item(it).key))).collect();
    lab.wait(4.0);
    let is_right = |&(number, op): &(u64, _)| match lab.told(op) {
        Some(Event::Found { answer, .. }) => answer.holder == Some(publisher(number)),
        _ => false,
    };
    ops.iter().filter(|it| is_right(it)).count()
}

#[test]
fn without_its_only_server_nobody_finds_anything() {
    let mut lab = laboratory(TrackerConfig::default());
    assert_eq!(found(&mut lab, NodeId(20)), 60);
    lab.kill(SERVER);
    lab.wait(1.0);
    assert_eq!(found(&mut lab, NodeId(20)), 0);
    assert!(lab.search(NodeId(20), item(0).key).is_none());
}

#[test]
fn a_lost_server_of_several_takes_its_share_of_the_keys_with_it() {
    let mut lab = laboratory(servers(4, Layout::Partitioned));
    let lost = (0..ITEMS).filter(|&it| lab.config.server_of(&item(it).key) == SERVER).count();
    assert!((5..=25).contains(&lost), "{lost} of 60 keys are its");
    lab.kill(SERVER);
    lab.wait(1.0);
    assert_eq!(found(&mut lab, NodeId(20)), 60 - lost);
}

#[test]
fn lost_replicas_take_nothing_with_them() {
    let mut lab = laboratory(servers(4, Layout::Replicated));
    for server in 0..3 {
        lab.kill(NodeId(server));
        assert_eq!(found(&mut lab, NodeId(20 + server)), 60, "n{server} was killed just now");
    }
    lab.wait(300.0);
    assert_eq!(found(&mut lab, NodeId(20)), 60, "what was copied was told anew");
    lab.kill(NodeId(3));
    lab.wait(1.0);
    assert_eq!(found(&mut lab, NodeId(20)), 0);
}

/// A search that meets a silent replica goes to the next one after a timeout, and so does the node.
#[test]
fn a_frozen_replica_costs_a_timeout() {
    let mut lab = laboratory(servers(2, Layout::Replicated));
    lab.freeze(SERVER);
    let answer = lab.search(NodeId(20), item(0).key).expect("the other server answers");
    assert_eq!((answer.by, answer.timeouts), (NodeId(1), 1));
    let answer = lab.search(NodeId(20), item(0).key).expect("the other server answers");
    assert_eq!((answer.by, answer.timeouts), (NodeId(1), 0));
    lab.wait(300.0);
    assert_eq!(found(&mut lab, NodeId(22)), 60, "who did not search has found out by keep-alives");
}

/// A frozen only server does not answer; once its peers have noticed, searches fail at once.
#[test]
fn a_frozen_only_server_is_found_out_by_keep_alives() {
    let mut lab = laboratory(TrackerConfig::default());
    lab.freeze(SERVER);
    let first = lab.begin_search(NodeId(20), item(0).key);
    lab.wait(4.0);
    assert_eq!(lab.told(first), None, "nothing is known");
    lab.wait(70.0);
    assert_eq!(lab.told(first), Some(Event::Failed { op: first }));
    assert!((0..NODES).all(|node| lab.node(NodeId(node)).registered_with().next().is_none()));
}

/// Peers try again at most one and a half times `retry_at_most` later, however long it took.
#[test]
fn a_restarted_server_soon_knows_everything_again() {
    let config = TrackerConfig { retry_at_most: span(8), ..TrackerConfig::default() };
    for layout in [Layout::Partitioned, Layout::Replicated] {
        for (servers, outage) in [(1, 0.3), (1, 100.0), (3, 0.3), (3, 100.0)] {
            let mut lab = laboratory(TrackerConfig { servers, layout, ..config.clone() });
            let records = lab.records(SERVER);
            lab.kill(SERVER);
            lab.wait(outage);
            lab.restart(SERVER);
            assert_eq!(lab.records(SERVER), 0);
            lab.join(SERVER);
            lab.wait(12.0 + 0.5);
            assert_eq!(lab.records(SERVER), records, "{layout:?}: {servers}, {outage}");
            assert_eq!(found(&mut lab, NodeId(20)), 60, "{layout:?}: {servers}, {outage}");
            let mut view = Tracker::oracle(&lab.config, &overlay_core::Alike(NODES));
            view.set_alive(SERVER, false);
            view.set_alive(SERVER, true);
            for (id, node) in lab.live() {
                let expected = view.neighbors(id).expect("it is determined");
                assert_eq!(node.neighbors(&lab.config), expected, "{layout:?}: {servers}: {id}");
            }
            Tracker::check_network(&lab.config, &lab.live()).expect("it is sound");
        }
    }
}

/// Peers whose connection nobody has cut learn from the answer to a keep-alive that they are unknown.
#[test]
fn a_server_that_restarts_unnoticed_tells_its_peers_that_it_does_not_know_them() {
    let mut lab = laboratory(TrackerConfig::default());
    lab.restart(SERVER);
    lab.join(SERVER);
    assert_eq!(found(&mut lab, NodeId(20)), 0);
    lab.wait(31.0);
    assert_eq!(found(&mut lab, NodeId(20)), 60);
}

#[test]
fn a_dead_peer_is_forgotten_at_once_and_a_frozen_one_when_it_expires() {
    for layout in [Layout::Partitioned, Layout::Replicated] {
        let mut lab = laboratory(servers(2, layout));
        let of_each = ITEMS as usize / 4;
        lab.kill(NodeId(8));
        lab.wait(0.5);
        assert_eq!(found(&mut lab, NodeId(20)), 60 - of_each, "{layout:?}");
        lab.leave(NodeId(9));
        lab.wait(0.5);
        assert_eq!(found(&mut lab, NodeId(20)), 60 - 2 * of_each, "{layout:?}");
        lab.freeze(NodeId(10));
        assert_eq!(found(&mut lab, NodeId(20)), 60 - 2 * of_each, "{layout:?}: nobody knows yet");
        lab.wait(121.0);
        assert_eq!(found(&mut lab, NodeId(20)), 60 - 3 * of_each, "{layout:?}");
        let server = lab.node(NodeId(1)).server().expect("it is a server");
        assert!(server.index().others().all(|it| ![8, 9, 10].map(NodeId).contains(&it)));
    }
}

/// What the harness does after a restart: everything that a node holds is published once more.
#[test]
fn publishing_twice_is_publishing_once() {
    let mut lab = laboratory(TrackerConfig::default());
    for number in 0..ITEMS {
        let op = lab.publish(publisher(number), item(number));
        lab.wait(0.1);
        assert_eq!(lab.told(op), Some(Event::Published { op }));
    }
    assert_eq!(lab.records(SERVER), ITEMS as u32);
    lab.kill(NodeId(8));
    lab.restart(NodeId(8));
    let op = lab.publish(NodeId(8), item(0));
    lab.join(NodeId(8));
    lab.wait(1.0);
    assert_eq!(lab.told(op), Some(Event::Published { op }));
    assert_eq!(lab.records(SERVER), ITEMS as u32 - 15 + 1);
}

/// A peer that starts anew holds nothing, wherever it was registered in its former life.
#[test]
fn a_restarted_peer_s_former_records_are_void() {
    let mut lab = laboratory(servers(2, Layout::Replicated));
    assert_eq!(lab.config.home_of(NodeId(8)), SERVER);
    lab.kill(SERVER);
    lab.kill(NodeId(8));
    lab.wait(0.5);
    assert!(lab.search(NodeId(21), item(0).key).is_some_and(|it| it.holder.is_some()));
    lab.restart(NodeId(8));
    lab.join(NodeId(8));
    lab.wait(1.0);
    assert_eq!(lab.search(NodeId(21), item(0).key).map(|it| it.holder), Some(None));
}

/// Replicas whose connection broke tell each other everything anew; what was forgotten meanwhile
/// does not stay.
#[test]
fn replicas_agree_again_after_their_connection_broke() {
    let mut lab = laboratory(servers(2, Layout::Replicated));
    let (one, other) = (SERVER, NodeId(1));
    lab.give(one, Input::PeerLost(other));
    lab.give(other, Input::PeerLost(one));
    lab.leave(NodeId(8));
    lab.wait(0.2);
    let holder = |lab: &mut Laboratory, key| lab.search(NodeId(21), key).map(|it| it.holder);
    assert_eq!(holder(&mut lab, item(0).key), Some(Some(NodeId(8))), "it left at the other server");
    lab.wait(5.0);
    assert_eq!(holder(&mut lab, item(0).key), Some(None));
    assert_eq!(found(&mut lab, NodeId(21)), 45);

    // One of them alone has noticed: a keep-alive of the other tells it.
    lab.publish(one, item(ITEMS));
    lab.wait(0.2);
    assert_eq!(holder(&mut lab, item(ITEMS).key), Some(Some(one)));
    lab.give(other, Input::PeerLost(one));
    assert_eq!(holder(&mut lab, item(ITEMS).key), Some(None));
    lab.wait(31.0);
    assert_eq!(holder(&mut lab, item(ITEMS).key), Some(Some(one)));
}

/// A server was late, so a peer of its has moved to the other one; only then does the server get what
/// the peer had asked, and wait for it in vain. It is told what it forgets.
#[test]
fn a_replica_knows_whoever_moved_on_while_it_was_late() {
    let mut lab = laboratory(servers(2, Layout::Replicated));
    let (peer, late) = (NodeId(9), SERVER);
    assert_ne!(lab.config.home_of(peer), late);
    let message = TrackerMessage::Register { token: 0, is_fresh: false };
    lab.give(late, Input::Message { from: peer, message });
    lab.wait(150.0);
    let holder = lab.search(late, item(1).key).map(|it| it.holder);
    assert_eq!(holder, Some(Some(peer)));
    lab.leave(peer);
    lab.wait(0.2);
    assert_eq!(lab.search(late, item(1).key).map(|it| it.holder), Some(None));
}

/// What was published while the server was away is known when it is back, and only then.
#[test]
fn publications_wait_for_the_server() {
    let mut lab = laboratory(TrackerConfig::default());
    lab.kill(SERVER);
    lab.wait(1.0);
    let op = lab.publish(NodeId(20), item(ITEMS));
    lab.wait(20.0);
    assert_eq!(lab.told(op), None);
    lab.restart(SERVER);
    lab.join(SERVER);
    lab.wait(46.0);
    assert_eq!(lab.told(op), Some(Event::Published { op }));
    assert_eq!(lab.records(SERVER), ITEMS as u32 + 1);
}

#[test]
fn a_full_index_refuses_and_says_so() {
    let config = TrackerConfig { max_records: 50, max_batch: 7, ..TrackerConfig::default() };
    let mut lab = Laboratory::new(NODES, config);
    let ops: Vec<_> = (0..ITEMS).map(|it| lab.publish(NodeId(8), item(it))).collect();
    (0..NODES).for_each(|node| lab.found(NodeId(node)));
    lab.wait(1.0);
    let published = ops.iter().filter(|&&op| lab.told(op) == Some(Event::Published { op }));
    assert_eq!(published.count(), 50);
    let failed = ops.iter().filter(|&&op| lab.told(op) == Some(Event::Failed { op }));
    assert_eq!(failed.count(), 10);
    assert_eq!(lab.transcript.matches("Dropped(Bound)").count(), 10);
    assert_eq!(lab.transcript.matches("Publish {").count(), 9, "in batches of 7");
}

#[test]
fn freeloaders_share_nothing_upload_nothing_or_answer_nothing() {
    let mut lab = Laboratory::new(NODES, TrackerConfig::default());
    let conducts = [
        (NodeId(8), Strategy::NoShare),
        (NodeId(9), Strategy::NoUpload),
        (NodeId(10), Strategy::NoForward),
    ];
    lab.conducts.extend(conducts.map(|(node, it)| (node, Conduct::Freeloader(it))));
    (0..NODES).for_each(|node| lab.found(NodeId(node)));
    lab.wait(1.0);
    let ops = [8, 9, 10].map(|node| lab.publish(NodeId(node), item(node.into())));
    lab.wait(0.5);
    assert_eq!(lab.told(ops[0]), Some(Event::Failed { op: ops[0] }));
    assert_eq!(lab.search(NodeId(20), item(8).key).and_then(|it| it.holder), None);
    for node in [9, 10].map(NodeId) {
        let holder = lab.search(NodeId(20), item(node.0.into()).key).and_then(|it| it.holder);
        assert_eq!(holder, Some(node));
        let op = lab.begin_fetch(NodeId(20), item(node.0.into()).key, node);
        lab.wait(1.0);
        assert_eq!(lab.told(op).is_some(), node == NodeId(10));
    }
    lab.conducts.insert(SERVER, Conduct::Freeloader(Strategy::NoForward));
    assert!(lab.search(NodeId(20), item(9).key).is_none(), "the server is silent");
    assert!(lab.search(SERVER, item(9).key).is_some(), "but to itself");
}

/// Nobody waits for more than so many answers.
#[test]
fn searches_at_a_silent_server_are_bounded() {
    let mut lab = laboratory(TrackerConfig::default());
    lab.freeze(SERVER);
    let ops: Vec<_> = (0..2_000).map(|_| lab.begin_search(NodeId(20), item(0).key)).collect();
    let failed = ops.iter().filter(|&&op| lab.told(op).is_some()).count();
    assert_eq!(failed, 2_000 - overlay_tracker::MOST_REQUESTS);
}

#[test]
fn a_wrong_configuration_is_named() {
    let default = TrackerConfig::default;
    let wrong = [
        TrackerConfig { servers: 0, ..default() },
        TrackerConfig { servers: 25, ..default() },
        TrackerConfig { expire_after: span(31), ..default() },
        TrackerConfig { max_batch: 0, ..default() },
        TrackerConfig { max_records: 0, ..default() },
        TrackerConfig { retry_at_most: span(0), ..default() },
        TrackerConfig { keep_alive_every: span(0), ..default() },
    ];
    let complaints: Vec<String> = wrong
        .iter()
        .map(|config| {
            let (field, message) = Tracker::check(config, NODES).expect_err("it is wrong");
            format!("{field}: {message}")
        })
        .collect();
    insta::assert_snapshot!(complaints.join("\n"), @"
    servers: 0 is not from 1 to 256
    servers: 25 are more than the 24 nodes
    expire_after: a node whose keep-alive is on its way would be forgotten: use more than 31500ms
    max_batch: 0 is not from 1 to 65536
    max_records: 0 would refuse every item: use 1 or more
    retry_at_most: it is less than `retry`, 1s
    keep_alive_every: 0s would keep a node busy: use more
    ");
    assert_eq!(default().keep_alive_every.0, Duration::from_secs(30));
    Tracker::check(&default(), 1).expect("the defaults make sense");
}

fn world(rest: &str, tracker: &str) -> Measurement {
    let yaml = format!(
        "nodes: 32
founders: 9
workload: {{items: 50, searches: 500, rate: 100/s, fetch: true}}
{rest}
overlays:
  tracker: {tracker}
"
    );
    simulate(&yaml, 1)
}

/// In the simulator: when the server is killed in the middle, what is searched later fails.
#[test]
fn the_simulator_s_server_is_killed() {
    let kill = "faults: [{at: 14500ms, action: kill, nodes: [0]}]";
    let ratio = |tracker| {
        let measurement = world(kill, tracker);
        measurement.hops().count() as f64 / measurement.searches() as f64
    };
    let one = ratio("{}");
    assert!((0.4..0.6).contains(&one), "{one}");
    let partitioned = ratio("{servers: 4}");
    assert!((0.7..0.95).contains(&partitioned), "{partitioned}");
    let replicated = ratio("{servers: 4, layout: replicated}");
    assert!(replicated > 0.95, "{replicated}");
}

/// In the simulator: when it comes back, empty, its peers tell it everything, and searches succeed.
#[test]
fn the_simulator_s_server_comes_back() {
    let ratio = |back: &str| {
        let kill = format!("faults: [{{at: 13s, action: kill, nodes: [0]{back}}}]");
        let measurement = world(&kill, "{retry: 500ms, retry_at_most: 500ms}");
        measurement.hops().count() as f64 / measurement.searches() as f64
    };
    let (gone, back) = (ratio(""), ratio(", back_after: 500ms"));
    assert!(gone < 0.3, "{gone}");
    // Of 5 s, half a one and the wait for the next attempt are lost.
    assert!((0.65..0.9).contains(&back), "{back}");
}

fn digest(seed: u64) -> String {
    let yaml = "nodes: 32
founders: 9
workload: {items: 50, searches: 500, rate: 100/s, fetch: true}
faults: [{at: 13s, action: kill, nodes: [1]}, {at: 14s, action: freeze, share: 0.1},
         {at: 15s, action: leave, share: 0.1}]
overlays:
  tracker: {servers: 3, layout: replicated}
";
    record(yaml, seed).trace_digest.expect("the simulator is exact")
}

/// A changed digest is a changed behaviour: mean it, and pin the new one.
#[test]
fn a_run_is_the_same_every_time_and_on_every_machine() {
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    insta::assert_snapshot!(digest(1), @"5f05b55ce094bdae");
}
