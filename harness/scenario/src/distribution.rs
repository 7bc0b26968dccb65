//! The least time in which everybody could have everything: the cuts of Kumar and Ross (2006, "Peer-
//! assisted file distribution: the minimum distribution time"), for several items.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Conduct, NodeId, Strategy};

use crate::World;

impl World {
    /// The least time in which all contributors could have what they download, counted from
    /// [`World::searches_from`]: no arrangement of who sends what to whom takes less, if items lie
    /// with their publishers alone at first. `None` for workloads other than downloads, and where
    /// unlimited rates leave no limit.
    ///
    /// The largest of: what publishers must send at least once, over their uplinks, for each item and
    /// for all together; what a node downloads, over its downlink; all that is to be delivered to
    /// contributors, over the uplinks of all who give.
    #[must_use]
    pub fn distribution_bound(&self) -> Option<Duration> {
        let mut of_node: BTreeMap<NodeId, u128> = BTreeMap::new();
        let mut items: BTreeSet<u32> = BTreeSet::new();
        let wanted =
            self.downloads().filter(|(_, node)| self.conduct(*node) == Conduct::Contributor);
        for (item, node) in wanted {
            *of_node.entry(node).or_default() += self.item_bytes();
            items.insert(item);
        }
        let mut publishers: BTreeMap<u32, BTreeSet<NodeId>> = BTreeMap::new();
        for (item, node) in self.publications().filter(|(item, _)| items.contains(item)) {
            publishers.entry(item).or_default().insert(node);
        }

        let uplinks = |nodes: &BTreeSet<NodeId>| self.rates(nodes, Self::uplink);
        let one_item = publishers.values().map(|nodes| time(self.item_bytes(), uplinks(nodes)));
        let all_publishers = publishers.values().flatten().copied().collect();
        let of_items = items.len() as u128 * self.item_bytes();
        let downlinks =
            of_node.iter().map(|(node, bytes)| time(*bytes, limited(self.downlink(*node))));
        let giving = (0..self.nodes()).map(NodeId).filter(|node| self.gives(*node)).collect();
        let delivered = time(of_node.values().sum(), uplinks(&giving));
        one_item
            .chain(downlinks)
            .chain([time(of_items, uplinks(&all_publishers)), delivered])
            .flatten()
            .max()
            .filter(|bound| !bound.is_zero())
    }

    /// Whether others may have an item's bytes from this node.
    fn gives(&self, node: NodeId) -> bool {
        use Strategy::{LargeView, NoUpload, Whitewashing};
        let gives_none = [NoUpload, LargeView, Whitewashing];
        self.is_publisher(node) || !gives_none.into_iter().any(|it| self.conduct(node).is(it))
    }

    /// What these nodes' links carry together, in bits per second; `None` if that is unlimited.
    fn rates(&self, nodes: &BTreeSet<NodeId>, link: fn(&Self, NodeId) -> BitRate) -> Option<u128> {
        nodes.iter().map(|node| limited(link(self, *node))).sum()
    }
}

/// A rate in bits per second; `None` if it is unlimited.
fn limited(rate: BitRate) -> Option<u128> {
    (rate.0 > 0).then_some(u128::from(rate.0))
}

/// How long so many bytes take at this rate in bits per second, rounded down.
fn time(bytes: u128, rate: Option<u128>) -> Option<Duration> {
    let nanos = (bytes * 8_000_000_000).checked_div(rate?)?;
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}
