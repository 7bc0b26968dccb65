//! Whitewashing (Feldman, Lai, Stoica, Chuang 2004, "Free-riding and whitewashing in peer-to-peer
//! systems"): serves no data, and when a peer has refused to serve for long, connects to it anew
//! under another name. There it is new, so three times as likely to be unchoked by chance, and no
//! book tells what it owes. A new name costs nothing but a handshake, which is what makes it pay.
use crate::Ctx;
use crate::connection::Connection;
use crate::policy::Policy;

use super::{Habits, Nobody};

/// Never unchokes anybody, and does not stay who it is.
pub(super) struct Whitewashing;

impl Habits for Whitewashing {
    fn policy(&self, _: bool) -> Option<&'static dyn Policy> {
        Some(&Nobody)
    }

    /// As soon as it counts as new no more.
    fn comes_back(&self, peer: &Connection, cx: &Ctx<'_>) -> bool {
        let refused_since = match (peer.is_choking, peer.asked.is_empty()) {
            (true, _) => peer.choked_since,
            (false, false) => peer.last_block,
            (false, true) => return false,
        };
        let patience = cx.config.optimistic_every.0;
        peer.is_open && peer.am_interested && cx.now.since(refused_since) >= patience
    }
}
