//! A seed gives each peer some pieces in turn, as libtorrent's `round_robin` does; the spirit of the
//! first client's later versions (Legout et al. 2006, section IV-B.3).
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;

use super::Policy;

/// The merit of who has had its turn.
const TURN_OVER: u64 = 0;
/// The longest time that somebody waits, in milliseconds: a year.
const LONGEST_WAIT: u64 = 1 << 35;
/// The merit of who is in its turn: no other is larger.
pub(super) const IN_TURN: u64 = 1 << 40;

/// Slots are for those who have waited longest, until their turn is over.
pub(super) struct RoundRobin;

impl Policy for RoundRobin {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        Slots { regular: config.slots(), optimistic: 0, least: 0 }
    }

    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64> {
        Some(merit_by_turns(peer, self.is_turn_over(peer, cx), cx))
    }

    fn is_turn_over(&self, peer: &Connection, cx: &Ctx<'_>) -> bool {
        is_turn_over(peer, cx.config.seed_turn, cx)
    }
}

/// Whether a peer has had its turn: so many pieces, or its time.
pub(super) fn is_turn_over(peer: &Connection, pieces: u16, cx: &Ctx<'_>) -> bool {
    let turn = u64::from(pieces) * cx.config.piece_length.0;
    let since = peer.slot_changed.map(|changed| cx.now.since(changed));
    let is_late = since.is_some_and(|since| since >= cx.config.optimistic_every.0);
    !peer.am_choking && (peer.turn_bytes >= turn || is_late)
}

/// Who is in its turn is first, then who has waited longest, and last whose turn is over.
pub(super) fn merit_by_turns(peer: &Connection, is_over: bool, cx: &Ctx<'_>) -> u64 {
    match (peer.am_choking, peer.slot_changed) {
        (true, Some(since)) => 1 + (cx.now.since(since).as_millis() as u64).min(LONGEST_WAIT),
        (true, None) => LONGEST_WAIT + 2,
        (false, _) if is_over => TURN_OVER,
        (false, _) => IN_TURN,
    }
}
