//! FairTorrent with a reserve, which is our own: by deficits, but not a byte for who has never given
//! anything while somebody who has is waiting.
//!
//! In FairTorrent everybody gets a first piece on credit from everybody, which with few pieces and many
//! peers is much. Here a peer is given its first piece, before all others, by whoever it asks, so
//! that it has something to give; then it must give. Who hides what it has gets a piece from
//! everybody, as with FairTorrent.
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;
use crate::metainfo::BLOCK;

use super::fair_torrent::place_by_deficit;
use super::{Policy, Rank};

/// What a peer that has nothing is given at most, in bytes: a quarter megabyte, Cohen's piece.
const FIRST_GIFT: u64 = 16 * BLOCK as u64;

/// Everybody is unchoked; who has given comes before who has not.
pub(super) struct ProvenFirst;

impl Policy for ProvenFirst {
    fn slots(&self, _: &BittorrentConfig) -> Slots {
        Slots { regular: usize::MAX, optimistic: 0, least: 0 }
    }

    fn merit(&self, _: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        Some(0)
    }

    fn rank(&self, peer: &Connection) -> Rank {
        let account = &peer.account;
        let is_new = peer.has.count() == 0 && account.sent < FIRST_GIFT;
        let class = match account.received {
            0 if is_new => 0,
            0 => 2,
            _ => 1,
        };
        Rank { class, place: place_by_deficit(peer) }
    }
}
