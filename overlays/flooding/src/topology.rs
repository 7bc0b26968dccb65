//! The global view: who is linked to whom, given as an edge list or grown as joining would.
use alloc::vec::Vec;

use overlay_core::units::BitRate;
use overlay_core::{Graph, Key, NodeId, Oracle, Purpose, Random, Role, Setting};

use crate::FloodingConfig;

/// The stream of [`Purpose::Network`] from which graphs grow; the world's are those from 0 on.
const GROWTH: u64 = 1 << 32;
/// Draws for a node with room before one is looked for in order.
const DRAWS: u32 = 16;

/// All links, as somebody sees them who knows every node.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Between equals: peers, or super-peers.
    links: Graph,
    /// Between leaves and super-peers.
    attachments: Graph,
    /// Each node's role; empty if all are peers.
    roles: Vec<Role>,
    /// Super-peers, or everybody.
    equals: Vec<NodeId>,
    /// Whether the scenario says who is linked to whom.
    is_given: bool,
    /// Whether nobody has died, so that links are still as given.
    is_whole: bool,
}

impl Topology {
    /// The given graph, or one that grows node by node within the bounds of the configuration.
    pub(crate) fn of(config: &FloodingConfig, setting: &dyn Setting) -> Self {
        let nodes = setting.nodes();
        if let Some(graph) = setting.graph() {
            let (attachments, equals) = (Graph::of(0, &[]), (0..nodes).map(NodeId).collect());
            let links = graph.clone();
            let (roles, is_given, is_whole) = (Vec::new(), true, true);
            return Self { links, attachments, roles, equals, is_given, is_whole };
        }
        let roles: Vec<Role> = match &config.super_peers {
            Some(_) => {
                let role = |node| Self::role_of(node, setting.uplink(node), config);
                (0..nodes).map(NodeId).map(role).collect()
            }
            None => Vec::new(),
        };
        let is_leaf = |node: &NodeId| roles.get(node.index()) == Some(&Role::Leaf);
        let (leaves, equals): (Vec<_>, Vec<_>) = (0..nodes).map(NodeId).partition(is_leaf);
        let mut random = Random::stream(setting.seed(), Purpose::Network, GROWTH);
        let links = grow(nodes, &equals, config, &mut random);
        let attachments = attach(nodes, &leaves, &equals, config, &mut random);
        Self { links, attachments, roles, equals, is_given: false, is_whole: true }
    }

    /// What a node that can send so much is to the others, unless a graph is given: super-peers are
    /// those with a strong uplink, and node 0.
    pub(crate) fn role_of(node: NodeId, uplink: BitRate, config: &FloodingConfig) -> Role {
        match &config.super_peers {
            None => Role::Peer,
            Some(own) if node == NodeId(0) || own.are_like(uplink) => Role::SuperPeer,
            Some(_) => Role::Leaf,
        }
    }

    /// What a node is to the others.
    pub(crate) fn role(&self, node: NodeId) -> Role {
        self.roles.get(node.index()).copied().unwrap_or_default()
    }

    /// A node's links to equals; a leaf's to its super-peers.
    pub(crate) fn peers(&self, node: NodeId) -> &[NodeId] {
        match self.role(node) {
            Role::Leaf => self.attachments.neighbors(node),
            _ => self.links.neighbors(node),
        }
    }

    /// A super-peer's leaves.
    pub(crate) fn leaves(&self, node: NodeId) -> &[NodeId] {
        match self.role(node) {
            Role::SuperPeer => self.attachments.neighbors(node),
            _ => &[],
        }
    }

    /// Those that nodes link to: super-peers, or everybody.
    pub(crate) fn equals(&self) -> &[NodeId] {
        &self.equals
    }

    /// Whether the scenario says who is linked to whom.
    pub(crate) const fn is_given(&self) -> bool {
        self.is_given
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> u32 {
        self.links.nodes()
    }
}

impl Oracle for Topology {
    fn set_alive(&mut self, _: NodeId, alive: bool) {
        self.is_whole &= alive;
    }

    /// Nobody is: who holds an item, holds it.
    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        Vec::new()
    }

    fn neighbors(&self, node: NodeId) -> Option<Vec<NodeId>> {
        (self.is_given && self.is_whole).then(|| self.links.neighbors(node).to_vec())
    }
}

/// Each node in turn links to a few random ones before it that have room. One always has, because
/// a node may have twice as many links as it looks for; so the graph is connected.
fn grow(nodes: u32, equals: &[NodeId], config: &FloodingConfig, random: &mut Random) -> Graph {
    let mut edges = Vec::with_capacity(equals.len() * usize::from(config.links));
    let mut degrees = alloc::vec![0_u32; equals.len()];
    for newcomer in 1..equals.len() {
        let first = edges.len();
        for _ in 0..config.links {
            let has_room = |other: usize| {
                let edge = (equals[newcomer], equals[other]);
                degrees[other] < u32::from(config.max_links) && !edges[first..].contains(&edge)
            };
            let Some(other) = draw(newcomer, has_room, random) else { break };
            edges.push((equals[newcomer], equals[other]));
            degrees[newcomer] += 1;
            degrees[other] += 1;
        }
    }
    Graph::of(nodes, &edges)
}

/// Each leaf is linked to a few random super-peers that have room.
fn attach(
    nodes: u32,
    leaves: &[NodeId],
    super_peers: &[NodeId],
    config: &FloodingConfig,
    random: &mut Random,
) -> Graph {
    let Some(own) = &config.super_peers else { return Graph::of(0, &[]) };
    let mut edges = Vec::with_capacity(leaves.len() * usize::from(own.leaf_links));
    let mut attached = alloc::vec![0_u32; super_peers.len()];
    for &leaf in leaves {
        let first = edges.len();
        for _ in 0..own.leaf_links {
            let has_room = |other: usize| {
                attached[other] < u32::from(own.max_leaves)
                    && !edges[first..].contains(&(leaf, super_peers[other]))
            };
            let Some(other) = draw(super_peers.len(), has_room, random) else { break };
            edges.push((leaf, super_peers[other]));
            attached[other] += 1;
        }
    }
    Graph::of(nodes, &edges)
}

/// A random number below `bound` that fits: drawn, or the next one after the last draw.
fn draw(bound: usize, fits: impl Fn(usize) -> bool, random: &mut Random) -> Option<usize> {
    let mut drawn = 0;
    for _ in 0..DRAWS {
        drawn = random.below(bound as u64) as usize;
        if fits(drawn) {
            return Some(drawn);
        }
    }
    (drawn..bound).chain(0..drawn).find(|&number| fits(number))
}
