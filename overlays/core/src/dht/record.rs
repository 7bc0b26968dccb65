//! What storages keep about an item, and what they say to each other about it.
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{Blob, Class, Key, NodeId};

/// Most holders remembered for one item: enough to choose from. The first one stays, because who
/// made an item known has all of it; of the others the one that was heard of longest ago makes room.
pub const MAX_HOLDERS: usize = 16;

/// Most items in one offer: 10 kB of keys.
pub const MAX_OFFERED: usize = 512;

/// What is known about one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// Who holds it, in the order of publishing; at most [`MAX_HOLDERS`].
    Pointer(SmallVec<[NodeId; 2]>),
    /// Its bytes.
    Value(Blob),
}

/// Between storages, node to node.
///
/// ```text
/// responsible ── Store ──▶ replica             a pointer; or either to a new responsible node
///             ── Remove ──▶ replica
///             ── Release ──▶ who was a replica; or who passed the only copy on
///
/// who has it  ── Offer ──▶ who may lack it ── Want ──▶ who has it ── Store ──▶ who lacked it   a value
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageMessage {
    /// Keep this record. From the responsible node to its replicas, and to whoever becomes
    /// responsible in its place.
    Store {
        /// The item's key.
        key: Key,
        /// What is known about it.
        record: Record,
        /// Whether the receiver is asked to be the responsible node rather than a replica.
        responsible: bool,
    },
    /// Forget this holder. From the responsible node to its replicas.
    Remove {
        /// The item's key.
        key: Key,
        /// The node that holds it no more.
        holder: NodeId,
    },
    /// You are to keep these items. From the responsible node to its replicas, and from a replica to a
    /// node nearer to being responsible; both may have them already, and bytes are not sent in vain.
    Offer {
        /// The items' keys; at most [`MAX_OFFERED`].
        keys: Vec<Key>,
    },
    /// To `Offer`: these I have not.
    Want {
        /// The items' keys; at most [`MAX_OFFERED`].
        keys: Vec<Key>,
    },
    /// Others are nearer now: keep your copy no longer. Also from a new responsible node to who passed
    /// the only copy of a value on to it, which stays there until then.
    Release {
        /// The item's key.
        key: Key,
    },
}

impl StorageMessage {
    pub(super) const fn class(&self) -> Class {
        Class::Maintenance
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Store { .. } => "store",
            Self::Remove { .. } => "remove",
            Self::Offer { .. } => "offer",
            Self::Want { .. } => "want",
            Self::Release { .. } => "release",
        }
    }

    pub(super) const fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Store { record: Record::Value(blob), .. } => Some(blob),
            _ => None,
        }
    }

    pub(super) const fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Store { record: Record::Value(blob), .. } => Some(blob),
            _ => None,
        }
    }
}

/// Remembers one more holder, if need be in the place of another one.
pub(super) fn remember(known: &mut SmallVec<[NodeId; 2]>, holder: NodeId) {
    if known.len() < MAX_HOLDERS {
        if !known.contains(&holder) {
            known.push(holder);
        }
    } else if known[0] != holder {
        let place = known.iter().position(|it| *it == holder).unwrap_or(1);
        known.remove(place);
        known.push(holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remember_all(known: &mut SmallVec<[NodeId; 2]>, numbers: impl Iterator<Item = u32>) {
        numbers.for_each(|number| remember(known, NodeId(number)));
    }

    #[test]
    fn the_first_holder_and_the_latest_are_remembered() {
        let mut known = SmallVec::new();
        remember_all(&mut known, (0..16).chain(0..16));
        assert!(known.iter().copied().eq((0..16).map(NodeId)), "{known:?}");
        remember_all(&mut known, [20, 2, 0, 3].into_iter());
        let expected = [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 2, 3].map(NodeId);
        assert_eq!(known[..], expected);
        remember_all(&mut known, 100..1_000);
        assert!(known.iter().copied().eq([0].into_iter().chain(985..1_000).map(NodeId)));
    }

    #[test]
    fn a_copy_has_the_holders_in_the_same_order() {
        let (mut known, mut copy) = (SmallVec::new(), SmallVec::new());
        for number in 0..100 {
            remember(&mut known, NodeId(number));
            known.iter().for_each(|&holder| remember(&mut copy, holder));
            assert_eq!(known, copy);
        }
    }
}
