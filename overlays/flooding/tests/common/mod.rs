//! What the tests of flooding share: worlds from a few lines of YAML, and what must hold in them.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use overlay_core::{Blob, Item, Key, NodeId, Overlay as _};
use overlay_flooding::Flooding;
use peerbench_measure::Measurement;
use peerbench_simulator::{Laboratory, Network};

/// The crawl of August 2002, if it is there; says loudly if it is not.
pub(crate) fn gnutella08() -> Option<PathBuf> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/p2p-Gnutella08.txt");
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: there is no {}; see https://snap.stanford.edu/data/p2p-Gnutella08.html",
        path.display()
    );
    None
}

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    laboratory(yaml, seed).measure().expect("the world can be drawn")
}

/// Nodes of flooding in a world from a few lines of YAML.
pub(crate) fn laboratory(yaml: &str, seed: u64) -> Laboratory<Flooding> {
    Laboratory::new(yaml, seed).expect("the test's scenario is sound")
}

/// Asserts that links are mutual and between live nodes, and everybody reaches everybody.
pub(crate) fn assert_sound(network: &Network<'_, Flooding>) {
    let nodes: Vec<_> = network.simulation.live().collect();
    Flooding::check_network(network.simulation.config(), &nodes).expect("the bounds hold");
    let links = network.links();
    for (node, others) in &links {
        for other in others {
            let back = links.get(other).is_some_and(|back| back.contains(node));
            assert!(back, "{node} is linked to {other}, but not the other way round");
        }
    }
    let reached = component(&links, nodes[0].0);
    assert_eq!(reached.len(), nodes.len(), "everybody reaches everybody");
}

/// Everybody whom a node reaches.
pub(crate) fn component(links: &BTreeMap<NodeId, Vec<NodeId>>, first: NodeId) -> BTreeSet<NodeId> {
    let mut reached = BTreeSet::from([first]);
    let mut border = vec![first];
    while let Some(node) = border.pop() {
        for &other in &links[&node] {
            if reached.insert(other) {
                border.push(other);
            }
        }
    }
    reached
}

/// The item of this name.
pub(crate) fn item(name: &str) -> Item {
    Item { key: Key::of(name.as_bytes()), blob: Blob::new(7, 100) }
}
