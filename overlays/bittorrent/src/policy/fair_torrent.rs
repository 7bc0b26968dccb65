//! FairTorrent (Sherman, Nieh, Stein 2009, 2012): no choking and no rounds, but a deficit of every
//! peer, the bytes it was sent less the bytes that came from it. The next block goes to the peer
//! with the least deficit. Who never gives is behind everybody else as soon as it was given more than
//! they were ahead, and then gets what is left.
//!
//! Differs from the paper: whose turn it is may finish its piece, as far as it has asked for it. A
//! piece can be passed on only when it is whole.
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;

use super::{Policy, Rank};

/// Everybody is unchoked; the least deficit is first.
pub(super) struct FairTorrent;

impl Policy for FairTorrent {
    fn slots(&self, _: &BittorrentConfig) -> Slots {
        Slots { regular: usize::MAX, optimistic: 0, least: 0 }
    }

    fn merit(&self, _: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        Some(0)
    }

    fn rank(&self, peer: &Connection) -> Rank {
        Rank { class: 0, place: place_by_deficit(peer) }
    }
}

/// The deficit, above zero for as much as anybody can have sent.
pub(super) fn place_by_deficit(peer: &Connection) -> u64 {
    (1 << 62) + peer.account.sent - peer.account.received.min(1 << 61)
}
