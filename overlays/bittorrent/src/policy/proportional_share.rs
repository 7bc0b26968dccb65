//! Proportional share (Levin, LaCurts, Spring, Bhattacharjee 2008, "BitTorrent is an auction",
//! section 5): in every round the uplink is divided among peers in proportion to what they gave in
//! the round before, and a fifth of it is for finding others.
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;

use super::{Policy, Rank};

/// One part in so many is not for those who gave.
const EXPLORING: u64 = 5;

/// Who gave is unchoked, for its share; and some by chance.
pub(super) struct ProportionalShare;

impl Policy for ProportionalShare {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        Slots { regular: usize::MAX, optimistic: 1, least: config.slots() }
    }

    fn before_slots(&self, connections: &mut [Connection], is_round: bool, _: &mut Ctx<'_>) {
        if is_round {
            connections.iter_mut().for_each(Connection::begin_round);
        }
    }

    fn merit(&self, peer: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        Some(peer.share.gave.max(peer.given_in_round())).filter(|&bytes| bytes > 0)
    }

    fn after_slots(&self, connections: &mut [Connection], _: &mut Ctx<'_>) {
        let unchoked = || connections.iter().filter(|it| it.has_slot());
        let all: u64 = unchoked().map(|it| it.share.gave).sum();
        let others = unchoked().filter(|it| it.share.gave == 0).count() as u64;
        let exploring = (all / (EXPLORING - 1) / others.max(1)).max(1);
        for peer in connections.iter_mut().filter(|it| it.has_slot()) {
            let gave = peer.share.gave;
            peer.share.set(if gave > 0 { gave } else { exploring });
        }
    }

    fn rank(&self, peer: &Connection) -> Rank {
        peer.rank_by_share()
    }

    fn on_sent(&self, peer: &mut Connection, bytes: u32) {
        peer.use_share(bytes);
    }
}
