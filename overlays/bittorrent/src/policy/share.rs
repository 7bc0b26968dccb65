//! Unequal turns: peers are sent bytes in proportion to their shares, by stride scheduling (Waldspurger
//! 1995). Who was sent more in this round stands further behind, and the less so the larger its share.
use crate::connection::Connection;

use super::Rank;

/// What a byte costs a peer whose share is 1, in the unit of places.
const STRIDE: u64 = 1 << 24;

/// A peer's share of this round's uplink.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    /// Its size, in relation to those of others.
    size: u64,
    /// How far behind the peer stands.
    place: u64,
    /// Bytes that had come from it before this round.
    received_before: u64,
    /// Bytes that came from it in the last round.
    pub(crate) gave: u64,
}

impl Share {
    /// Of a peer that has just connected, and from which so many bytes had come before.
    pub(crate) fn new(received_before: u64) -> Self {
        Self { received_before, ..Self::default() }
    }

    /// Its size from now on.
    pub(crate) fn set(&mut self, size: u64) {
        self.size = size;
    }
}

impl Connection {
    /// A round begins: what was sent and got in the last one is history.
    pub(crate) fn begin_round(&mut self) {
        self.share.gave = self.given_in_round();
        self.share.received_before = self.account.received;
        self.share.place = 0;
    }

    /// Bytes that came from the peer in this round.
    pub(crate) fn given_in_round(&self) -> u64 {
        self.account.received - self.share.received_before
    }

    /// When it is the peer's turn, by its share.
    pub(crate) fn rank_by_share(&self) -> Rank {
        Rank { class: 0, place: self.share.place.saturating_add(1) }
    }

    /// The peer was sent so many bytes of its share.
    pub(crate) fn use_share(&mut self, bytes: u32) {
        let strides = u64::from(bytes) * STRIDE / self.share.size.max(1);
        self.share.place = self.share.place.saturating_add(strides);
    }
}
