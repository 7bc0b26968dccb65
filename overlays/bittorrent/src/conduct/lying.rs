//! Lying: claims to have what it has not, to be asked for it, and sends anything when it is asked, to
//! be paid for it. All it claims but one piece: seeds hang up on who has all.
//!
//! What honest nodes do about it is in `suspicion.rs`.
use crate::Ctx;
use crate::bitfield::Bitfield;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;
use crate::policy::Policy;

use super::Habits;

/// Unchokes everybody, and sends bytes that are not the content's.
pub(super) struct Lying;

impl Habits for Lying {
    fn policy(&self, _: bool) -> Option<&'static dyn Policy> {
        Some(&Anybody)
    }

    fn claim(&self, pieces: u32, cx: &mut Ctx<'_>) -> Option<Bitfield> {
        let missing = cx.rng.below(pieces.into()) as u32;
        let mut field = Bitfield::empty(pieces);
        (0..pieces).filter(|&piece| piece != missing).for_each(|piece| {
            field.set(piece);
        });
        Some(field)
    }

    fn forges(&self) -> bool {
        true
    }
}

/// The policy of who serves everybody.
struct Anybody;

impl Policy for Anybody {
    fn slots(&self, _: &BittorrentConfig) -> Slots {
        Slots { regular: usize::MAX, optimistic: 0, least: 0 }
    }

    fn merit(&self, _: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        Some(0)
    }
}
