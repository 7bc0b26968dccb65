//! Who knows whom: an undirected graph over the nodes of a run.
use alloc::vec::Vec;

use crate::NodeId;

/// An undirected graph over nodes `0..nodes`, without loops or double edges: compressed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Where each node's neighbours begin, and at last where they end.
    starts: Vec<u32>,
    neighbors: Vec<NodeId>,
}

impl Graph {
    /// The graph with these edges. Direction does not matter; loops, repeated edges and edges of
    /// nodes that do not exist are left out.
    #[must_use]
    pub fn of(nodes: u32, edges: &[(NodeId, NodeId)]) -> Self {
        let mut pairs: Vec<(NodeId, NodeId)> = edges
            .iter()
            .filter(|(a, b)| a != b && a.0 < nodes && b.0 < nodes)
            .flat_map(|&(a, b)| [(a, b), (b, a)])
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = alloc::vec![0; nodes as usize + 1];
        for (from, _) in &pairs {
            starts[from.index() + 1] += 1;
        }
        for row in 1..starts.len() {
            starts[row] += starts[row - 1];
        }
        Self { starts, neighbors: pairs.into_iter().map(|(_, to)| to).collect() }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// How many edges there are.
    #[must_use]
    pub const fn edges(&self) -> usize {
        self.neighbors.len() / 2
    }

    /// Whom a node knows, ascending; nobody if there is no such node.
    #[must_use]
    pub fn neighbors(&self, node: NodeId) -> &[NodeId] {
        match self.starts.get(node.index()..=node.index() + 1) {
            Some(&[start, end]) => &self.neighbors[start as usize..end as usize],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_go_both_ways_once_and_never_to_oneself() {
        let edges = [(0, 2), (2, 0), (1, 1), (0, 1), (0, 9)].map(|(a, b)| (NodeId(a), NodeId(b)));
        let graph = Graph::of(4, &edges);
        assert_eq!((graph.nodes(), graph.edges()), (4, 2));
        assert_eq!(graph.neighbors(NodeId(0)), [NodeId(1), NodeId(2)]);
        assert_eq!(graph.neighbors(NodeId(2)), [NodeId(0)]);
        assert_eq!(graph.neighbors(NodeId(3)), []);
        assert_eq!(graph.neighbors(NodeId(4)), []);
    }
}
