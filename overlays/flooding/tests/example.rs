//! Transcripts: small networks, message by message.
mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{assert_sound, item, laboratory};
use overlay_core::{Class, Input, Key, Message as _, NodeId};
use overlay_flooding::Flooding;
use peerbench_simulator::{Happening, Laboratory, Network};

/// Nodes on a given graph, 100 ms round trip from each to each.
fn on_graph(edges: &[(u32, u32)], flooding: &str) -> Laboratory<Flooding> {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().expect("there is room for a file");
    for (from, to) in edges {
        writeln!(file, "{from}\t{to}").expect("there is room for a file");
    }
    let yaml = format!(
        "
network: {{graph: {}, uniform_round_trip: 100ms, handshake_round_trips: 0.0}}
overlays:
  flooding: {{{flooding}}}
",
        file.path().display()
    );
    laboratory(&yaml, 1)
}

/// What is transcribed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Everything,
    /// Without maintenance.
    Searches,
}

/// What happens from here on.
fn transcribe<'a>(
    mut network: Network<'a, Flooding>,
    of: Of,
    run: impl FnOnce(&mut Network<'a, Flooding>),
) -> String {
    let lines = Rc::new(RefCell::new(String::new()));
    let written = Rc::clone(&lines);
    network.told.listener = Some(Box::new(move |now, node, happening| {
        let line = match happening {
            Happening::Event(event) => format!("{now} {node} tells {event:?}\n"),
            Happening::Input(Input::Message { from, message })
                if of == Of::Everything || message.class() != Class::Maintenance =>
            {
                format!("{now} {from} -> {node} {message:?}\n")
            }
            Happening::Input(_) => return,
        };
        written.borrow_mut().push_str(&line);
    }));
    run(&mut network);
    network.told.listener = None;
    lines.take()
}

/// A square with a tail: 0 – 1 – 3 – 4 and 0 – 2 – 3; node 4 has the item. Node 3 gets the query
/// twice and forwards it once; the hit goes back the way the first copy came.
#[test]
fn a_flood_with_a_duplicate_and_a_hit_on_the_way_back() {
    let setting = on_graph(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], "ping_every: null");
    let mut network = setting.settled_network();
    assert!(network.publish(NodeId(4), item("apple")));
    let transcript = transcribe(network, Of::Searches, |network| {
        let answer = network.search(NodeId(0), item("apple").key).expect("it is found");
        assert_eq!((answer.by, answer.holder, answer.hops), (NodeId(4), Some(NodeId(4)), 3));
        assert_eq!(
            network.fetch(NodeId(0), item("apple").key, NodeId(4)),
            Some(item("apple").blob)
        );
    });
    insta::assert_snapshot!(transcript);
}

/// On the same graph, with a TTL of 2 node 4 is out of reach.
#[test]
fn a_flood_ends_with_its_ttl() {
    let setting = on_graph(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], "ping_every: null, ttl: 2");
    let mut network = setting.settled_network();
    assert!(network.publish(NodeId(4), item("apple")));
    let transcript = transcribe(network, Of::Searches, |network| {
        assert_eq!(network.search(NodeId(0), item("apple").key), None);
    });
    insta::assert_snapshot!(transcript);
}

/// A chain: the first ring reaches node 1, the second node 3.
#[test]
fn a_ring_that_expands() {
    let flooding = "ping_every: null, search: expanding-ring";
    let setting = on_graph(&[(0, 1), (1, 2), (2, 3)], flooding);
    let mut network = setting.settled_network();
    assert!(network.publish(NodeId(3), item("apple")));
    let transcript = transcribe(network, Of::Searches, |network| {
        assert!(network.search(NodeId(0), item("apple").key).is_some());
    });
    insta::assert_snapshot!(transcript);
}

/// A chain: a walker cannot but go to its end, and asks every second step whether to go on.
#[test]
fn a_walk_that_checks_back() {
    let flooding = "ping_every: null, search: random-walk, walkers: 1, check_every: 2";
    let setting = on_graph(&[(0, 1), (1, 2), (2, 3), (3, 4)], flooding);
    let mut network = setting.settled_network();
    assert!(network.publish(NodeId(4), item("apple")));
    let transcript = transcribe(network, Of::Searches, |network| {
        assert!(network.search(NodeId(0), item("apple").key).is_some());
        network.wait(1);
    });
    insta::assert_snapshot!(transcript);
}

/// Three founders, and one that joins: Connect, Accept, and the hosts that it tries next.
#[test]
fn links_are_made() {
    let yaml = "
nodes: 4
founders: 3
network: {uniform_round_trip: 100ms, handshake_round_trips: 0.0}
overlays:
  flooding: {links: 2, max_links: 4, ping_every: 10s}
";
    let setting = laboratory(yaml, 1);
    let network = setting.network();
    let transcript = transcribe(network, Of::Everything, |network| {
        network.found(3);
        network.wait(1);
        assert!(network.join(NodeId(3), NodeId(0)));
        network.wait(1);
        assert!(network.leave(NodeId(3)));
        network.wait(1);
        assert_sound(network);
    });
    insta::assert_snapshot!(transcript);
}

/// Node 0 is a super-peer, the others are too weak: one leaf shares, the other searches.
#[test]
fn leaves_share_with_their_super_peer() {
    let yaml = "
nodes: 3
founders: 3
network:
  uniform_round_trip: 100ms
  handshake_round_trips: 0.0
  capacities: [{share: 1.0, up: 1Mbit/s, down: 1Gbit/s}]
overlays:
  flooding: {ping_every: 10s, super_peers: {}}
";
    let setting = laboratory(yaml, 1);
    let network = setting.network();
    let transcript = transcribe(network, Of::Everything, |network| {
        network.found(3);
        network.wait(2);
        assert!(network.publish(NodeId(1), item("apple")));
        network.wait(1);
        let answer = network.search(NodeId(2), item("apple").key).expect("it is found");
        assert_eq!((answer.by, answer.holder, answer.hops), (NodeId(0), Some(NodeId(1)), 1));
        assert_eq!(network.search(NodeId(2), Key::of(b"nothing")), None);
    });
    insta::assert_snapshot!(transcript);
}
