//! Who gave and who took: bytes of items, by conduct and by where they came from.
use overlay_core::{Class, Conduct};

use crate::{Histogram, ItemBytes, NodeSample};

/// Shares are counted in thousandths.
pub(crate) const SHARE_SCALE: u64 = 1_000;

/// What nodes gave and took in the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Giving {
    /// What freeloaders took of items, publishers among them included.
    pub(crate) freeloaders: ItemBytes,
    /// Their class data, requests included: what they gave for it.
    pub(crate) freeloaders_sent: u64,
    freeloading_takers: Takers,
    contributing_takers: Takers,
    /// Bytes of items sent for each received, over contributors that publish nothing.
    pub(crate) share: Histogram,
    /// Bytes of items that each of them sent.
    pub(crate) sent_each: Vec<u64>,
}

/// Nodes that publish nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Takers {
    nodes: u64,
    items: ItemBytes,
}

impl Giving {
    pub(crate) fn add(&mut self, sample: &NodeSample, is_publisher: bool) {
        let items = &sample.traffic.items;
        let is_contributor = sample.conduct == Conduct::Contributor;
        if !is_contributor {
            self.freeloaders = self.freeloaders.and(items);
            self.freeloaders_sent += sample.traffic.sent[Class::Data as usize].bytes;
        }
        if is_publisher {
            return;
        }
        match is_contributor {
            true => self.contributing_takers.add(items),
            false => return self.freeloading_takers.add(items),
        }
        self.sent_each.push(items.sent);
        let scaled = items.sent.saturating_mul(SHARE_SCALE).saturating_add(items.received() / 2);
        if let Some(share) = scaled.checked_div(items.received()) {
            self.share.record(share);
        }
    }

    /// So many of an item's bytes that contributors, or freeloaders, received each on average; `None`
    /// if there are none, or nobody received any.
    pub(crate) fn taken(
        &self,
        by_contributors: bool,
        bytes: impl FnOnce(&ItemBytes) -> u64,
    ) -> Option<f64> {
        let takers = [&self.freeloading_takers, &self.contributing_takers];
        let has_moved = takers.iter().any(|takers| takers.items.received() > 0);
        let takers = takers[usize::from(by_contributors)];
        (has_moved && takers.nodes > 0).then(|| bytes(&takers.items) as f64 / takers.nodes as f64)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.freeloaders = self.freeloaders.and(&other.freeloaders);
        self.freeloaders_sent += other.freeloaders_sent;
        self.freeloading_takers.merge(&other.freeloading_takers);
        self.contributing_takers.merge(&other.contributing_takers);
        self.share.merge(&other.share);
        self.sent_each.extend_from_slice(&other.sent_each);
    }
}

impl Takers {
    fn add(&mut self, items: &ItemBytes) {
        self.nodes += 1;
        self.items = self.items.and(items);
    }

    fn merge(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.items = self.items.and(&other.items);
    }
}
