//! What must be true of every ring, whatever its size, its identifiers and its seed.
mod common;

use std::collections::BTreeSet;

use common::laboratory;
use overlay_chord::{Chord, Distance, Position};
use overlay_core::{Key, NodeId, Oracle as _, Purpose, Random};
use peerbench_simulator::Laboratory;
use proptest::prelude::*;

/// A ring to be built.
#[derive(Clone, Debug)]
struct Shape {
    nodes: u32,
    founders: u32,
    successors: u8,
    bits: u8,
    virtual_nodes: u16,
    lookup: &'static str,
    seed: u64,
}

impl Shape {
    fn any() -> impl Strategy<Value = Self> {
        let style = prop_oneof![Just("recursive"), Just("iterative")];
        (2..=40_u32, 1..=8_u8, 3..=160_u8, 1..=4_u16, style, any::<u64>()).prop_flat_map(
            |(nodes, successors, bits, virtual_nodes, lookup, seed)| {
                // At most half of a small ring is taken.
                let room = 1_u32.checked_shl(u32::from(bits) - 1).unwrap_or(u32::MAX);
                let virtual_nodes = if bits < 8 { 1 } else { virtual_nodes };
                let nodes = nodes.min(room);
                (1..=nodes).prop_map(move |founders| Self {
                    nodes,
                    founders,
                    successors,
                    bits,
                    virtual_nodes,
                    lookup,
                    seed,
                })
            },
        )
    }

    fn setting(&self) -> Laboratory<Chord> {
        let Self { nodes, founders, successors, bits, virtual_nodes, lookup, seed } = self;
        laboratory(
            &format!(
                "nodes: {nodes}
founders: {founders}
network: {{uniform_round_trip: 50ms, handshake_round_trips: 0.0}}
overlays:
  chord:
    bits: {bits}
    successors: {successors}
    virtual_nodes: {virtual_nodes}
    lookup: {lookup}
    positions: {:?}
",
                self.positions()
            ),
            *seed,
        )
    }

    /// On rings where two members would be likely to meet, distinct places are drawn.
    fn positions(&self) -> Vec<u64> {
        if self.bits > 40 {
            return Vec::new();
        }
        let mut random = Random::stream(self.seed, Purpose::Workload, 9);
        let members = self.nodes as usize * usize::from(self.virtual_nodes);
        let mut drawn = BTreeSet::new();
        std::iter::repeat_with(|| random.below(1 << self.bits))
            .filter(|&position| drawn.insert(position))
            .take(members)
            .collect()
    }

    /// A few random keys.
    fn keys(&self) -> Vec<Key> {
        let mut random = Random::stream(self.seed, Purpose::Workload, 0);
        (0..8).map(|_| Key::of(&random.next_u64().to_be_bytes())).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 4000, failure_persistence: None, ..Default::default() })]

    /// Everybody joins, one after the other; in the end all links are those of the global view, and
    /// every search ends at the responsible node.
    #[test]
    fn joining_leads_to_the_global_view(shape in Shape::any()) {
        let setting = shape.setting();
        let (ring, mut network) = (setting.oracle(), setting.network());
        network.found(shape.founders);
        let mut random = Random::stream(shape.seed, Purpose::Churn, 0);
        for node in shape.founders..shape.nodes {
            let rendezvous = NodeId(random.below(u64::from(node)) as u32);
            prop_assert!(network.join(NodeId(node), rendezvous), "{node} joins through {rendezvous}");
        }
        network.wait(60);
        assert_eq!(network.first_unconverged(&ring), None);
        for key in shape.keys() {
            let owner = ring.responsible(&key)[0];
            for node in (0..shape.nodes).map(NodeId) {
                let answer = network.search(node, key).expect("nobody is dead");
                prop_assert_eq!(answer.by, owner);
                prop_assert_eq!((answer.holder, answer.timeouts), (None, 0));
            }
        }
    }

    /// Every link of every member against the definitions: finger i is the successor of the place
    /// 2^i further on, and the list is what comes next on the ring.
    #[test]
    fn links_are_what_the_paper_defines(shape in Shape::any()) {
        let setting = shape.setting();
        let (ring, config) = (setting.oracle(), &setting.config);
        let network = setting.settled_network();
        for (node, chord) in network.simulation.live() {
            for (index, member) in (0..).zip(chord.routing().members()) {
                let me = overlay_chord::Member::of(node, index, config);
                let place = Position::of_member(me, config);
                for octave in 0..shape.bits {
                    let start = place.plus(Distance::power(octave, shape.bits));
                    prop_assert_eq!(Some(member.finger(octave, config)), ring.successor(start));
                }
                let just_after = |member| {
                    let place = Position::of_member(member, config);
                    ring.successor(place.plus(Distance::power(0, shape.bits)))
                };
                let next = std::iter::successors(just_after(me), |&member| just_after(member));
                let expected: Vec<_> =
                    next.take_while(|&next| next != me).take(shape.successors.into()).collect();
                prop_assert_eq!(member.successors(), expected);
                let before = member.predecessor().map(just_after);
                let others = u32::from(shape.virtual_nodes) * shape.nodes > 1;
                prop_assert_eq!(before, others.then_some(Some(me)));
            }
        }
    }

    /// Recursive and iterative lookups take the same path.
    #[test]
    fn both_styles_of_lookup_give_the_same_answer(shape in Shape::any()) {
        let answers = ["recursive", "iterative"].map(|lookup| {
            let setting = Shape { lookup, ..shape.clone() }.setting();
            let mut network = setting.settled_network();
            let searcher = NodeId(shape.nodes / 2);
            shape.keys().into_iter().map(|key| network.search(searcher, key)).collect::<Vec<_>>()
        });
        prop_assert!(answers[0].iter().all(Option::is_some));
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}
