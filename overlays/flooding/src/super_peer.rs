//! What the leaves of a super-peer share.
use alloc::collections::BTreeMap;

use overlay_core::{Key, NodeId, Random};
use smallvec::SmallVec;

/// Which leaf shares the item with which key.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeafIndex {
    holders: BTreeMap<Key, SmallVec<[NodeId; 2]>>,
    /// How many keys each leaf has.
    keys: BTreeMap<NodeId, u16>,
}

impl LeafIndex {
    /// A leaf shares an item. False if it shares too many.
    pub(crate) fn add(&mut self, key: Key, leaf: NodeId, bound: u16) -> bool {
        let holders = self.holders.entry(key).or_default();
        if holders.contains(&leaf) {
            return true;
        }
        let keys = self.keys.entry(leaf).or_default();
        let is_within = *keys < bound;
        if is_within {
            *keys += 1;
            holders.push(leaf);
        } else if holders.is_empty() {
            self.holders.remove(&key);
        }
        is_within
    }

    /// A leaf is gone, and what it shared with it.
    pub(crate) fn remove(&mut self, leaf: NodeId) {
        if self.keys.remove(&leaf).is_some() {
            self.holders.retain(|_, holders| {
                holders.retain(|holder| *holder != leaf);
                !holders.is_empty()
            });
        }
    }

    /// A leaf that shares the item, if any does.
    pub(crate) fn holder_of(&self, key: &Key, random: &mut Random) -> Option<NodeId> {
        let holders = self.holders.get(key)?;
        holders.get(random.below(holders.len() as u64) as usize).copied()
    }

    /// Records, and the bytes they take when encoded: each key once, and four bytes a holder.
    pub(crate) fn size(&self) -> (u32, u64) {
        let records = self.keys.values().map(|&keys| u32::from(keys)).sum();
        (records, 20 * self.holders.len() as u64 + 4 * u64::from(records))
    }
}

#[cfg(test)]
mod tests {
    use overlay_core::Purpose;

    use super::*;

    #[test]
    fn a_leaf_takes_its_keys_with_it() {
        let mut random = Random::stream(1, Purpose::Node, 0);
        let [apple, pear, plum] = [b"apple".as_slice(), b"pear", b"plum"].map(Key::of);
        let mut index = LeafIndex::default();
        assert!(index.add(apple, NodeId(1), 2));
        assert!(index.add(apple, NodeId(1), 2), "once is enough");
        assert!(index.add(apple, NodeId(2), 2));
        assert!(index.add(pear, NodeId(1), 2));
        assert!(!index.add(plum, NodeId(1), 2), "two are the most");
        assert_eq!(index.size(), (3, 52));
        index.remove(NodeId(1));
        assert_eq!(index.holder_of(&apple, &mut random), Some(NodeId(2)));
        assert_eq!(index.holder_of(&pear, &mut random), None);
        assert_eq!(index.size(), (1, 24));
    }
}
