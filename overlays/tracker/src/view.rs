//! The global view: who is linked to whom once everybody is registered, and what must hold over the
//! whole network.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, Oracle};

use crate::{Tracker, TrackerConfig};

/// Who is linked to whom, by the view of somebody who sees the whole network.
#[derive(Clone, Debug)]
pub struct View {
    config: TrackerConfig,
    alive: Vec<bool>,
    /// The server each node is registered with, if servers are replicas. It changes only when that
    /// server is gone, so it depends on what happened.
    homes: Vec<NodeId>,
}

impl View {
    pub(crate) fn new(config: &TrackerConfig, nodes: u32) -> Self {
        let homes = (0..nodes).map(|node| config.home_of(NodeId(node))).collect();
        Self { config: config.clone(), alive: alloc::vec![true; nodes as usize], homes }
    }

    /// The server this node is registered with, if servers are replicas and it is none of them.
    #[must_use]
    pub fn home(&self, node: NodeId) -> NodeId {
        self.homes[node.index()]
    }

    fn is_alive(&self, node: NodeId) -> bool {
        self.alive.get(node.index()).copied().unwrap_or(false)
    }

    /// The live nodes that are registered with a server, ascending.
    pub(crate) fn registered_with(&self, server: NodeId) -> impl Iterator<Item = NodeId> {
        let nodes = (0..self.alive.len() as u32).map(NodeId);
        nodes.filter(move |&node| {
            node != server
                && self.is_alive(node)
                && (!self.config.is_replicated()
                    || !self.config.is_server(node) && self.home(node) == server)
        })
    }

    /// The other live servers, ascending.
    pub(crate) fn other_servers(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.config.servers().filter(move |&server| server != node && self.is_alive(server))
    }

    /// The server itself, or the next one that is alive; itself if none is.
    fn alive_from(&self, server: NodeId) -> NodeId {
        let next = |&it: &NodeId| Some(self.config.server_after(it));
        let mut round = core::iter::successors(Some(server), next);
        let mut round = round.by_ref().take(usize::from(self.config.servers));
        round.find(|&it| self.is_alive(it)).unwrap_or(server)
    }
}

impl Oracle for View {
    fn set_alive(&mut self, node: NodeId, alive: bool) {
        let Some(known) = self.alive.get_mut(node.index()) else { return };
        *known = alive;
        if self.config.is_server(node) {
            self.homes = self.homes.iter().map(|&home| self.alive_from(home)).collect();
        } else if alive {
            self.homes[node.index()] = self.alive_from(self.config.home_of(node));
        }
    }

    /// Nobody: a server knows who holds an item, but never holds it because of its key. Who
    /// published it is right; and that nobody did is right whichever server says so.
    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        Vec::new()
    }

    fn neighbors(&self, node: NodeId) -> Option<Vec<NodeId>> {
        let is_server = self.config.is_server(node);
        let mut neighbors: Vec<NodeId> = match self.config.is_replicated() && !is_server {
            true => Some(self.home(node)).filter(|&home| self.is_alive(home)).into_iter().collect(),
            false => self.other_servers(node).collect(),
        };
        if is_server {
            neighbors.extend(self.registered_with(node));
            neighbors.sort_unstable();
            neighbors.dedup();
        }
        Some(neighbors)
    }
}

/// Checks that servers, and servers alone, are asked; that each server knows whom it has registered;
/// and that every index is sound.
///
/// # Errors
/// What does not hold, and where.
pub(crate) fn check_network(
    config: &TrackerConfig,
    nodes: &[(NodeId, &Tracker)],
) -> Result<(), String> {
    let find = |id: NodeId| {
        let place = nodes.binary_search_by_key(&id, |(node, _)| *node).ok()?;
        Some(nodes[place].1)
    };
    for (id, node) in nodes {
        for server in node.registered_with() {
            if !config.is_server(server) {
                return Err(format!("{id} is registered with {server}, which is no server"));
            }
            let known = find(server).map(|server| server.knows(*id));
            if known == Some(false) {
                return Err(format!("{id} is registered with {server}, which does not know it"));
            }
        }
        let Some(server) = node.server() else { continue };
        let index = server.index();
        if !config.is_server(*id) {
            return Err(format!("{id} is no server and has an index"));
        }
        if index.records() > config.max_records {
            return Err(format!("{id} has {} records", index.records()));
        }
        if let Some(key) = index.keys().find(|key| !config.is_asked_for(*id, key)) {
            return Err(format!("{id} has a record of {key}, which belongs to another server"));
        }
    }
    Ok(())
}
