//! Publish, search and fetch on a ring whose nodes come and go.
mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::laboratory;
use overlay_chord::Chord;
use overlay_core::{Blob, Item, Key, NodeId, Oracle as _};
use peerbench_simulator::{Laboratory, Network};

const NODES: u32 = 24;
const ITEMS: u64 = 40;

fn setting(storage: &str) -> Laboratory<Chord> {
    laboratory(
        &format!(
            "nodes: {NODES}
network: {{uniform_round_trip: 50ms, handshake_round_trips: 0.0}}
overlays:
  chord: {{successors: 4, storage: {storage}}}
"
        ),
        1,
    )
}

fn item(number: u64) -> Item {
    let key = Key::of(&number.to_be_bytes());
    Item { key, blob: Blob::new(number, 1_000) }
}

fn items() -> impl Iterator<Item = Item> {
    (0..ITEMS).map(item)
}

/// Somebody publishes each item: of the nodes 0 to 3, who stay.
fn publish_all(network: &mut Network<'_, Chord>) {
    for (number, item) in (0..).zip(items()) {
        assert!(network.publish(NodeId(number % 4), item), "item {number}");
    }
    network.wait(1);
}

/// Every item is found and fetched from here, whole.
fn assert_all_there(network: &mut Network<'_, Chord>, from: NodeId) {
    for item in items() {
        let answer = network.search(from, item.key).expect("the search is answered");
        let holder = answer.holder.expect("the item is known");
        let blob = network.fetch(from, item.key, holder).expect("the holder has it");
        assert_eq!(blob, item.blob);
    }
}

#[test]
fn a_pointer_leads_to_the_publisher() {
    let setting = setting("{keep: pointer, replicas: 0}");
    let mut network = setting.settled_network();
    publish_all(&mut network);
    for (number, item) in (0..).zip(items()) {
        let answer = network.search(NodeId(20), item.key).expect("the search is answered");
        assert_eq!(answer.by, setting.oracle().responsible(&item.key)[0]);
        assert_eq!(answer.holder, Some(NodeId(number % 4)));
    }
    assert_all_there(&mut network, NodeId(9));
}

#[test]
fn a_value_is_with_the_responsible_node_whatever_becomes_of_the_publisher() {
    let setting = setting("{keep: value, replicas: 0}");
    let (mut network, ring) = (setting.settled_network(), setting.oracle());
    let owned_by_others = |item: &Item| ring.responsible(&item.key)[0].0 > 3;
    publish_all(&mut network);
    (0..4).for_each(|publisher| network.simulation.kill(NodeId(publisher)));
    network.wait(20);
    for item in items().filter(owned_by_others) {
        let answer = network.search(NodeId(9), item.key).expect("the search is answered");
        assert_eq!(answer.holder, Some(ring.responsible(&item.key)[0]));
        let blob = network.fetch(NodeId(9), item.key, answer.by).expect("the value is there");
        assert_eq!(blob, item.blob);
    }
}

#[test]
fn what_nobody_published_is_not_found_and_not_fetched() {
    let setting = setting("{}");
    let mut network = setting.settled_network();
    let key = item(ITEMS).key;
    let answer = network.search(NodeId(5), key).expect("the search is answered");
    assert_eq!((answer.holder, answer.by), (None, setting.oracle().responsible(&key)[0]));
    assert_eq!(network.fetch(NodeId(5), key, NodeId(6)), None);
}

/// With r copies, r nodes may die at once: the next in line has what the responsible node had.
#[test]
fn items_outlive_the_responsible_node_and_all_copies_but_one() {
    for keep in ["pointer", "value"] {
        let setting = setting(&format!("{{keep: {keep}, replicas: 3}}"));
        let mut network = setting.settled_network();
        publish_all(&mut network);
        let ring = setting.oracle();
        // Three neighbours on the ring that published nothing.
        let run = items().map(|item| ring.responsible(&item.key));
        let run = run.map(|nodes| nodes[..3].to_vec());
        let victims = run.into_iter().find(|nodes| nodes.iter().all(|node| node.0 > 3));
        for &victim in victims.as_ref().expect("24 nodes have such a run") {
            network.simulation.kill(victim);
        }
        network.wait(20);
        assert_all_there(&mut network, NodeId(1));
    }
}

/// As nodes join and die, copies follow; those that are one too many go.
#[test]
fn copies_are_where_they_belong_and_nowhere_else() {
    for keep in ["pointer", "value"] {
        let setting = setting(&format!("{{keep: {keep}, replicas: 2}}"));
        let mut network = setting.network();
        network.found(NODES / 2);
        network.wait(5);
        publish_all(&mut network);
        for node in (NODES / 2..NODES).map(NodeId) {
            assert!(network.join(node, NodeId(0)), "{node}");
        }
        let mut ring = setting.oracle();
        for victim in [5, 11, 17, 23].map(NodeId) {
            network.wait(20);
            network.simulation.kill(victim);
            ring.set_alive(victim, false);
        }
        network.wait(20);
        for item in items() {
            let keeps = |chord: &Chord| chord.storage().keys().any(|key| *key == item.key);
            let kept = network.simulation.live().filter(|(_, chord)| keeps(chord));
            let mut expected = ring.responsible(&item.key)[..3].to_vec();
            expected.sort_unstable();
            assert_eq!(kept.map(|(node, _)| node).collect::<Vec<_>>(), expected, "{keep}");
        }
    }
}

/// A node that is back with nothing before its neighbours saw it go has the place of one that keeps
/// copies. They offer them to it, as owners and as those next in line.
#[test]
fn who_comes_back_with_nothing_is_given_what_belongs_to_it() {
    let all_there_after_returns = |storage| {
        let setting = setting(storage);
        let mut network = setting.settled_network();
        publish_all(&mut network);
        for node in (4..NODES).map(NodeId) {
            network.simulation.kill(node);
            network.simulation.revive(&BTreeMap::from([(node, 1)]), &mut network.told);
            // It is told so late: for some seconds the others take it for its own successor.
            network.join(node, NodeId(0));
            network.wait(30);
        }
        assert_eq!(network.first_unconverged(&setting.oracle()), None);
        let kept = network.simulation.live().map(|(_, chord)| chord.storage().keys().count());
        kept.sum::<usize>() == 3 * ITEMS as usize
    };
    assert!(all_there_after_returns("{keep: value, replicas: 2, offer_every: 10s}"));
    assert!(!all_there_after_returns("{keep: value, replicas: 2, offer_every: null}"));
}

#[test]
fn keys_are_handed_over_to_a_node_that_joins() {
    for keep in ["pointer", "value"] {
        let setting = setting(&format!("{{keep: {keep}, replicas: 0}}"));
        let mut network = setting.network();
        network.found(NODES / 2);
        network.wait(5);
        publish_all(&mut network);
        for node in (NODES / 2..NODES).map(NodeId) {
            assert!(network.join(node, NodeId(0)), "{node}");
        }
        network.wait(20);
        assert_eq!(network.first_unconverged(&setting.oracle()), None);
        for (node, chord) in network.simulation.live() {
            let kept: Vec<Key> = chord.storage().keys().copied().collect();
            let is_its = |key: &Key| setting.oracle().responsible(key)[0] == node;
            let mut expected: Vec<Key> = items().map(|item| item.key).filter(is_its).collect();
            expected.sort_unstable();
            assert_eq!(kept, expected, "{keep}: {node}");
        }
        assert_all_there(&mut network, NodeId(NODES - 1));
    }
}

/// An item of which there is one copy waits for the uplink on its way to a new node. If that dies
/// meanwhile, only what it had already is gone with it.
#[test]
fn the_only_copy_is_kept_until_the_new_node_has_it() {
    let setting = laboratory(
        &format!(
            "nodes: {NODES}
network:
  uniform_round_trip: 50ms
  handshake_round_trips: 0.0
  capacities: [{{share: 1.0, up: 100kbit/s, down: 1Mbit/s}}]
overlays:
  chord: {{successors: 4, storage: {{keep: value, replicas: 0}}}}
"
        ),
        1,
    );
    let heir = NodeId(NODES - 1);
    let is_its = |item: &Item| setting.oracle().responsible(&item.key)[0] == heir;
    let due: Vec<Item> = (0..10_000).map(item).filter(is_its).take(60).collect();
    let mut network = setting.network();
    network.found(NODES - 1);
    network.wait(5);
    for &item in &due {
        assert!(network.publish(NodeId(0), item));
    }
    assert!(network.join(heir, NodeId(0)));
    network.wait(3);
    let kept_by = |network: &Network<'_, Chord>, keeps: &dyn Fn(NodeId) -> bool| {
        let live = network.simulation.live().filter(|(node, _)| keeps(*node));
        live.flat_map(|(_, chord)| chord.storage().keys().copied()).collect::<BTreeSet<Key>>()
    };
    let gone = kept_by(&network, &|node| node == heir);
    assert!((5..50).contains(&gone.len()), "{} of {} have come", gone.len(), due.len());
    network.simulation.kill(heir);
    network.wait(20);
    let left = kept_by(&network, &|_| true);
    assert!(due.iter().all(|item| gone.contains(&item.key) || left.contains(&item.key)));
    // It comes back, and is given what is left.
    network.simulation.revive(&BTreeMap::from([(heir, 1)]), &mut network.told);
    assert!(network.join(heir, NodeId(0)));
    network.wait(20);
    assert_eq!(kept_by(&network, &|node| node == heir), left);
    assert_eq!(kept_by(&network, &|node| node != heir), BTreeSet::new());
}

#[test]
fn keys_are_handed_over_by_a_node_that_leaves() {
    for keep in ["pointer", "value"] {
        let setting = setting(&format!("{{keep: {keep}, replicas: 0}}"));
        let (mut network, mut ring) = (setting.settled_network(), setting.oracle());
        publish_all(&mut network);
        for node in (NODES / 2..NODES).map(NodeId) {
            assert!(network.leave(node), "{node}");
            ring.set_alive(node, false);
            network.wait(2);
        }
        network.wait(20);
        assert_eq!(network.first_unconverged(&ring), None);
        assert_all_there(&mut network, NodeId(1));
    }
}

/// Who has died without a word is named until what it published expires; who still publishes, always.
#[test]
fn who_does_not_publish_again_is_not_named_for_ever() {
    let setting = setting("{replicas: 2, republish_every: 5s, expire_after: 12s}");
    let mut network = setting.settled_network();
    for item in items() {
        assert!(network.publish(NodeId(0), item) && network.publish(NodeId(1), item));
    }
    network.simulation.kill(NodeId(1));
    network.wait(40);
    for item in items() {
        let answer = network.search(NodeId(9), item.key).expect("the search is answered");
        assert_eq!(answer.holder, Some(NodeId(0)));
    }
}
