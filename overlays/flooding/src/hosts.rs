//! Whom a node has heard of: the host cache, from which lost links are replaced.
use alloc::vec::Vec;

use overlay_core::{NodeId, Random};

/// Other nodes, without order, as many as the configuration allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<NodeId>);

impl Hosts {
    /// Remembers a node; if the cache is full, in place of another.
    pub(crate) fn add(&mut self, host: NodeId, bound: u16, random: &mut Random) {
        if self.0.contains(&host) {
            return;
        }
        if self.0.len() < usize::from(bound) {
            self.0.push(host);
        } else {
            let replaced = random.below(u64::from(bound)) as usize;
            self.0[replaced] = host;
        }
    }

    pub(crate) fn remove(&mut self, host: NodeId) {
        if let Some(place) = self.0.iter().position(|&known| known == host) {
            self.0.swap_remove(place);
        }
    }

    /// A random one of those that fulfil this.
    pub(crate) fn any(&self, fits: impl Fn(NodeId) -> bool, random: &mut Random) -> Option<NodeId> {
        let (before, after) = self.0.split_at(random.below(self.0.len() as u64) as usize);
        after.iter().chain(before).copied().find(|&host| fits(host))
    }

    /// So many different ones, at random and in random order, or all there are.
    pub(crate) fn sample(
        of: &[NodeId],
        most: usize,
        but: impl Fn(NodeId) -> bool,
        random: &mut Random,
        to: &mut Vec<NodeId>,
    ) {
        let first = to.len();
        to.extend(of.iter().copied().filter(|&host| !but(host)));
        let found = to.len() - first;
        let most = most.min(found);
        for place in 0..most {
            let drawn = place + random.below((found - place) as u64) as usize;
            to.swap(first + place, first + drawn);
        }
        to.truncate(first + most);
    }

    pub(crate) fn as_slice(&self) -> &[NodeId] {
        &self.0
    }
}
