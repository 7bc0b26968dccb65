//! Policies that are one sentence each: slots by one number, equal turns on the uplink.
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;

use super::{Policy, slots_and_one_by_chance};

/// Tit-for-tat (Cohen 2003, section 4): slots are for those from whom most comes.
pub(super) struct TitForTat;

impl Policy for TitForTat {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        slots_and_one_by_chance(config)
    }

    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64> {
        (!peer.is_snubbing).then(|| peer.download.bytes(cx.now))
    }
}

/// Slots are for anybody: what tit-for-tat is measured against.
pub(super) struct Chance;

impl Policy for Chance {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        slots_and_one_by_chance(config)
    }

    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64> {
        (!peer.is_snubbing).then(|| cx.rng.next_u64())
    }
}

/// A seed's slots are for those who take most (Cohen 2003, section 4.4).
pub(super) struct Fastest;

impl Policy for Fastest {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        slots_and_one_by_chance(config)
    }

    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64> {
        Some(peer.upload.bytes(cx.now))
    }
}
