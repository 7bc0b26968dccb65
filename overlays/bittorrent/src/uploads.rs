//! What goes out, at the pace of the uplink: peers take turns, a piece each, in the order that the
//! policy says.
//!
//! A driver sends what it is given in the order given. So a node that answered every request at
//! once would have megabytes queued in its uplink: a choke would come too late to have an effect,
//! and small messages would wait behind blocks. Here at most `upload_ahead` of the uplink is given
//! away; the rest waits at the peers' connections until a timer says that there is room again.
use alloc::collections::VecDeque;
use core::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Ctx, NodeId, Time};

use crate::connection::Connection;
use crate::message::{BittorrentMessage, Tag};
use crate::policy::Rank;
use crate::{Bittorrent, Timer};

/// What a message without a block counts on the uplink, in bytes: more than any has that is sent
/// often.
const SMALL: u32 = 16;

/// The peers that wait for blocks, and what the uplink still has to send.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploads {
    /// Who has waited longest is in front, or who has a turn.
    row: VecDeque<(Tag, NodeId)>,
    /// Whether the one in front is in the middle of a piece.
    has_turn: bool,
    /// When the uplink will have sent all it was given, by its owner's reckoning.
    free_at: Time,
    is_timer_set: bool,
}

/// The way out of a node.
pub(crate) struct Outlet<'a, 'c> {
    pub(crate) uploads: &'a mut Uploads,
    pub(crate) cx: &'a mut Ctx<'c, Bittorrent>,
}

impl Outlet<'_, '_> {
    /// Sends a message that carries no block.
    pub(crate) fn send(&mut self, to: NodeId, message: BittorrentMessage) {
        self.uploads.charge(SMALL, self.cx.now, self.cx.uplink);
        self.cx.send(to, message);
    }
}

impl Uploads {
    /// A peer waits for blocks.
    pub(crate) fn enter(&mut self, tag: Tag, connection: &mut Connection) {
        if !connection.is_in_row {
            connection.is_in_row = true;
            self.row.push_back((tag, connection.peer));
        }
    }

    /// A peer waits for more blocks, after its turn; or its turn is not over.
    pub(crate) fn enter_again(&mut self, tag: Tag, peer: NodeId, has_turn: bool) {
        match has_turn {
            true => {
                self.row.push_front((tag, peer));
                self.has_turn = true;
            }
            false => self.row.push_back((tag, peer)),
        }
    }

    /// Whose turn it is by these ranks, if the uplink has room. If it has not, a timer is set for
    /// when it will.
    pub(crate) fn next(
        &mut self,
        cx: &mut Ctx<'_, Bittorrent>,
        rank: impl Fn(Tag, NodeId) -> Rank,
    ) -> Option<(Tag, NodeId)> {
        let ahead = cx.config.upload_ahead.0;
        let given = self.free_at.since(cx.now);
        if given < ahead {
            return self.take(rank);
        }
        if !self.row.is_empty() && !self.is_timer_set {
            self.is_timer_set = true;
            // Half of it at once: fewer timers, and the uplink is never idle.
            let after = (given - ahead / 2).max(Duration::from_micros(1));
            cx.set_timer(after, Timer::Upload);
        }
        None
    }

    /// The timer is due.
    pub(crate) fn on_timer(&mut self) {
        self.is_timer_set = false;
    }

    /// The uplink is given so many bytes more.
    pub(crate) fn charge(&mut self, bytes: u32, now: Time, uplink: BitRate) {
        self.free_at = self.free_at.max(now) + uplink.time_for(bytes.into());
    }

    fn take(&mut self, rank: impl Fn(Tag, NodeId) -> Rank) -> Option<(Tag, NodeId)> {
        let &(tag, peer) = self.row.front()?;
        let mut first = (0, rank(tag, peer));
        if core::mem::take(&mut self.has_turn) {
            first.1.place = Rank::FIRST.place;
        }
        for (index, &(tag, peer)) in self.row.iter().enumerate().skip(1) {
            if first.1 == Rank::FIRST {
                break;
            }
            let rank = rank(tag, peer);
            if rank < first.1 {
                first = (index, rank);
            }
        }
        self.row.remove(first.0)
    }
}
