//! The global view: who may rightly be named as a holder.
use alloc::vec;
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, Oracle};

/// Everybody who is there. In a swarm all who take part serve what they have, so any of them is a
/// right answer to a search; the tracker alone says who takes part, and is the one to say that
/// nobody does.
#[derive(Clone, Debug)]
pub struct View {
    is_alive: Vec<bool>,
}

impl View {
    /// So many nodes, all there.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        Self { is_alive: vec![true; nodes as usize] }
    }
}

impl Oracle for View {
    fn set_alive(&mut self, node: NodeId, alive: bool) {
        if let Some(known) = self.is_alive.get_mut(node.index()) {
            *known = alive;
        }
    }

    /// The tracker first, then everybody who may take part.
    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        let nodes = (0..).map(NodeId).zip(&self.is_alive);
        nodes.filter(|(_, alive)| **alive).map(|(node, _)| node).collect()
    }

    /// Connections are what chance made of them.
    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        None
    }
}
