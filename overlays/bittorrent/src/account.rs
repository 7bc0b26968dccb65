//! What a node remembers of another by its name in the swarm, over all their connections.
use alloc::collections::BTreeMap;

use overlay_core::{NodeId, Time};
use serde::{Deserialize, Serialize};

/// Most peers that are not connected any more of whom something is remembered.
const MOST_ACCOUNTS: usize = 4_096;

/// Most peers that are banned at once.
const MOST_BANNED: usize = 4_096;

/// What a peer calls itself: BEP 3's `peer_id`, which it says when it connects. Books and bans go by
/// it, as they do in the first client, and not by addresses, which many share and anybody can change:
/// so who comes back under another name is somebody new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerId(pub u32);

/// What two peers have done for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Bytes of blocks that it was sent.
    pub sent: u64,
    /// Bytes of blocks that came from it.
    pub received: u64,
    /// How often a seed gave it what nobody else had.
    pub chances: u32,
    /// How often others were seen to have such a gift from it.
    pub proofs: u32,
    /// How often a seed unchoked it only to see what becomes of it.
    pub trials: u32,
    /// When it last did.
    pub last_trial: Time,
}

/// Accounts of those who are not connected, and who is banned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    closed: BTreeMap<PeerId, Account>,
    banned: BTreeMap<PeerId, NodeId>,
}

impl Books {
    /// The account of a peer that connects.
    pub(crate) fn open(&mut self, peer: PeerId) -> Account {
        self.closed.remove(&peer).unwrap_or_default()
    }

    /// The peer is connected no more.
    pub(crate) fn close(&mut self, peer: PeerId, account: Account) {
        if account == Account::default() {
            return;
        }
        if self.closed.len() >= MOST_ACCOUNTS {
            // Names are random: it is anybody's.
            self.closed.pop_first();
        }
        self.closed.insert(peer, account);
    }

    /// Nothing more to do with this peer. Whether that is news.
    pub(crate) fn ban(&mut self, peer: PeerId, node: NodeId) -> bool {
        if self.banned.len() >= MOST_BANNED {
            self.banned.pop_first();
        }
        self.banned.insert(peer, node).is_none()
    }

    /// Whether a peer of this name is banned.
    pub(crate) fn is_banned(&self, peer: PeerId) -> bool {
        self.banned.contains_key(&peer)
    }

    /// Whether somebody banned was last met there: no reason to go there.
    pub(crate) fn is_shunned(&self, node: NodeId) -> bool {
        self.banned.values().any(|it| *it == node)
    }
}
