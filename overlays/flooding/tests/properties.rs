//! What must be true of every network, whatever its size and its seed.
mod common;

use common::{assert_sound, component, item, laboratory};
use overlay_core::{Class, Key, NodeId, Purpose, Random};
use proptest::prelude::*;

fn shape() -> impl Strategy<Value = (u32, u32, u8, u64)> {
    (2..=60_u32, 2..=4_u8, any::<u64>()).prop_flat_map(|(nodes, links, seed)| {
        (1..=nodes).prop_map(move |founders| (nodes, founders, links, seed))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2000, failure_persistence: None, ..Default::default() })]

    /// Everybody joins, in the end links are mutual and reach everybody, and everything that is
    /// held is found and fetched.
    #[test]
    fn joining_leads_to_a_connected_network((nodes, founders, links, seed) in shape()) {
        let most = 2 * links + 2;
        let setting = laboratory(&format!("
nodes: {nodes}
founders: {founders}
network: {{uniform_round_trip: 50ms, handshake_round_trips: 0.0}}
overlays:
  flooding: {{links: {links}, max_links: {most}, ttl: 60}}
"), seed);
        let mut network = setting.network();
        network.found(founders);
        let mut random = Random::stream(seed, Purpose::Churn, 0);
        for node in founders..nodes {
            let rendezvous = NodeId(random.below(u64::from(node)) as u32);
            prop_assert!(network.join(NodeId(node), rendezvous), "{node} joins through {rendezvous}");
        }
        network.wait(30);
        assert_sound(&network);
        for (node, others) in network.links() {
            let wanted = usize::from(links).min(nodes as usize - 1);
            prop_assert!(others.len() >= wanted, "{node} has {others:?}");
        }
        let holder = NodeId(random.below(nodes.into()) as u32);
        prop_assert!(network.publish(holder, item("apple")));
        for node in (0..nodes).map(NodeId) {
            let answer = network.search(node, item("apple").key);
            prop_assert_eq!(answer.and_then(|answer| answer.holder), Some(holder));
        }
        let fetched = network.fetch(NodeId(0), item("apple").key, holder);
        prop_assert_eq!(fetched, Some(item("apple").blob));
        prop_assert_eq!(network.told.dropped, 0);
    }

    /// (2E − N + 1)/N messages per node in the limit, exactly: over each link one query each way,
    /// but none back to where a node's first one came from.
    #[test]
    fn a_flood_costs_what_the_graph_says(
        nodes in 2..60_u32,
        edges in proptest::collection::vec((0..60_u32, 0..60_u32), 1..200),
        searcher in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let mut file = tempfile::NamedTempFile::new().expect("there is room for a file");
        for (from, to) in edges.iter().filter(|(from, to)| *from < nodes && *to < nodes) {
            use std::io::Write as _;
            writeln!(file, "{from}\t{to}").expect("there is room for a file");
        }
        use std::io::Write as _;
        writeln!(file, "0\t{}", nodes - 1).expect("there is room for a file");
        let yaml = format!("
network: {{graph: {}, handshake_round_trips: 0.0}}
overlays:
  flooding: {{ttl: 255, query_timeout: 1min}}
", file.path().display());
        let setting = laboratory(&yaml, seed);
        let mut network = setting.settled_network();
        let links = network.links();
        let searcher = NodeId(searcher.index(links.len()) as u32);
        network.search(searcher, Key::of(b"nothing"));
        network.wait(60);
        prop_assert_eq!(&network.links(), &links, "given links are neither lost nor added to");
        let reached = component(&links, searcher);
        let ends: usize = reached.iter().map(|node| links[node].len()).sum();
        let expected = if reached.len() == 1 { 0 } else { ends as u64 - reached.len() as u64 + 1 };
        prop_assert_eq!(network.told.delivered[Class::Lookup as usize], expected);
        prop_assert_eq!(network.told.visited, reached.len() as u64);
    }

    /// A network that starts settled is as one that was joined.
    #[test]
    fn grown_graphs_are_connected_and_within_bounds(
        nodes in 1..3_000_u32,
        links in 1..5_u8,
        super_peers in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let section = if super_peers { "{uplink: 10Mbit/s, max_leaves: 65535}" } else { "null" };
        let setting = laboratory(&format!("
nodes: {nodes}
start: converged
network:
  capacities: [{{share: 0.25, up: 20Mbit/s, down: 20Mbit/s}}, {{share: 0.75, up: 1Mbit/s, down: 20Mbit/s}}]
overlays:
  flooding: {{links: {links}, max_links: 8, super_peers: {section}}}
"), seed);
        assert_sound(&setting.settled_network());
    }
}
