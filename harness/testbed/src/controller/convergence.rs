//! When and how far the nodes' neighbours became what the overlay's global view says.
use overlay_core::{NodeId, Oracle, Time};

/// Compares nodes with the oracle as they report.
#[derive(Debug)]
pub(super) struct Convergence {
    expected: Vec<Vec<NodeId>>,
    reported: Vec<Vec<NodeId>>,
    absent: Vec<bool>,
    /// Since when all have been right without a break.
    since: Option<Time>,
    at_window: Option<(u32, u32)>,
}

impl Convergence {
    /// Nobody has neighbours yet. `None` where the overlay does not determine them.
    pub(super) fn new(oracle: &impl Oracle, nodes: u32) -> Option<Self> {
        let expected = expected(oracle, nodes as usize)?;
        let none = vec![Vec::new(); expected.len()];
        let absent = vec![false; expected.len()];
        Some(Self { expected, reported: none, absent, since: None, at_window: None })
    }

    /// A node's neighbours have changed.
    pub(super) fn report(&mut self, node: NodeId, at: Time, neighbors: Vec<NodeId>) {
        if let Some(reported) = self.reported.get_mut(node.index()) {
            *reported = neighbors;
            self.review(at);
        }
    }

    /// A node is gone, as the oracle knows already.
    pub(super) fn remove(&mut self, node: NodeId, at: Time, oracle: &impl Oracle) {
        if let Some(absent) = self.absent.get_mut(node.index()) {
            *absent = true;
        }
        if let Some(expected) = expected(oracle, self.expected.len()) {
            self.expected = expected;
        }
        self.review(at);
    }

    /// A node is back, as the oracle knows already, and has no neighbours yet.
    pub(super) fn restore(&mut self, node: NodeId, at: Time, oracle: &impl Oracle) {
        if let Some(absent) = self.absent.get_mut(node.index()) {
            *absent = false;
            self.reported[node.index()].clear();
        }
        if let Some(expected) = expected(oracle, self.expected.len()) {
            self.expected = expected;
        }
        self.review(at);
    }

    /// The window begins: what is so now is what counts, and nodes report no more.
    pub(super) fn begin_window(&mut self) {
        self.at_window = self.at_window.or_else(|| Some(self.right()));
    }

    /// Since when all nodes have been right, and how many of how many were when the window began.
    #[must_use]
    pub(super) fn result(&self) -> (Option<Time>, u32, u32) {
        let (right, of) = self.at_window.unwrap_or_else(|| self.right());
        (self.since, right, of)
    }

    fn review(&mut self, at: Time) {
        if self.at_window.is_some() {
            return;
        }
        let (right, of) = self.right();
        self.since = if right == of { self.since.or(Some(at)) } else { None };
    }

    fn right(&self) -> (u32, u32) {
        let present = (0..self.expected.len()).filter(|&node| !self.absent[node]);
        let (mut right, mut of) = (0, 0);
        for node in present {
            of += 1;
            right += u32::from(self.reported[node] == self.expected[node]);
        }
        (right, of)
    }
}

fn expected(oracle: &impl Oracle, nodes: usize) -> Option<Vec<Vec<NodeId>>> {
    (0..nodes as u32).map(|node| oracle.neighbors(NodeId(node))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Key;

    /// Everybody links to everybody alive.
    struct Mesh(Vec<bool>);

    impl Oracle for Mesh {
        fn set_alive(&mut self, node: NodeId, alive: bool) {
            self.0[node.index()] = alive;
        }

        fn responsible(&self, _: &Key) -> Vec<NodeId> {
            Vec::new()
        }

        fn neighbors(&self, node: NodeId) -> Option<Vec<NodeId>> {
            let others = (0..self.0.len() as u32).map(NodeId).filter(|other| *other != node);
            Some(others.filter(|other| self.0[other.index()]).collect())
        }
    }

    fn ids(nodes: &[u32]) -> Vec<NodeId> {
        nodes.iter().copied().map(NodeId).collect()
    }

    #[test]
    fn the_time_is_that_from_which_on_all_were_right() {
        let mut mesh = Mesh(vec![true; 3]);
        let mut convergence = Convergence::new(&mesh, 3).unwrap();
        let at = Time::from_nanos;
        convergence.report(NodeId(0), at(1), ids(&[1, 2]));
        convergence.report(NodeId(1), at(2), ids(&[0, 2]));
        assert_eq!(convergence.result(), (None, 2, 3));
        convergence.report(NodeId(2), at(3), ids(&[0, 1]));
        assert_eq!(convergence.result(), (Some(at(3)), 3, 3));
        convergence.report(NodeId(2), at(4), ids(&[0]));
        assert_eq!(convergence.result(), (None, 2, 3));

        mesh.set_alive(NodeId(2), false);
        convergence.remove(NodeId(2), at(5), &mesh);
        assert_eq!(convergence.result(), (None, 0, 2));
        convergence.report(NodeId(0), at(6), ids(&[1]));
        convergence.report(NodeId(1), at(7), ids(&[0]));
        assert_eq!(convergence.result(), (Some(at(7)), 2, 2));

        mesh.set_alive(NodeId(2), true);
        convergence.restore(NodeId(2), at(8), &mesh);
        assert_eq!(convergence.result(), (None, 0, 3));
        for (node, others) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
            convergence.report(NodeId(node), at(9), ids(&others));
        }
        convergence.begin_window();
        mesh.set_alive(NodeId(1), false);
        convergence.remove(NodeId(1), at(10), &mesh);
        assert_eq!(convergence.result(), (Some(at(9)), 3, 3));
    }
}
