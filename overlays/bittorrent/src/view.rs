//! The global view: who may rightly be named as a holder.
use alloc::vec;
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, Oracle};

use crate::TRACKER;

/// The tracker alone: it says who takes part in a swarm, and is the one to say that nobody does. Who
/// does take part is the harness's to know: whoever has published an item or begun to fetch it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    has_tracker: bool,
}

impl View {
    /// So many nodes, all there.
    #[must_use]
    pub fn new(nodes: u32) -> Self {
        Self { has_tracker: nodes > 0 }
    }
}

impl Oracle for View {
    fn set_alive(&mut self, node: NodeId, alive: bool) {
        if node == TRACKER {
            self.has_tracker = alive;
        }
    }

    /// The tracker, while it is there.
    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        if self.has_tracker { vec![TRACKER] } else { Vec::new() }
    }

    /// Connections are what chance made of them.
    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        None
    }
}
