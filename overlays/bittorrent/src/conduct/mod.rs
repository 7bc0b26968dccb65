//! How to cheat: what freeloaders do otherwise than honest nodes, a file each. The rest of the node
//! asks [`Habits`] at a few places and does not know who answers.
mod large_view;
mod lying;
mod strategic;
mod whitewashing;

use overlay_core::{Conduct, Strategy};

use crate::Ctx;
use crate::bitfield::Bitfield;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;
use crate::policy::Policy;

pub(crate) use strategic::Bargain;

/// The ways to cheat that are here. `no-upload` (Adar and Huberman 2000) never unchokes anybody;
/// `no-share` publishes nothing, and a tracker that does `no-forward` does not answer.
pub(crate) const STRATEGIES: &[Strategy] = &[
    Strategy::NoUpload,
    Strategy::NoShare,
    Strategy::NoForward,
    Strategy::LargeView,
    Strategy::Strategic,
    Strategy::Lying,
    Strategy::Whitewashing,
];

/// What a node does that depends on its conduct; the defaults are an honest node's.
pub(crate) trait Habits: Sync {
    /// Its choke policy, where it is not the scenario's.
    fn policy(&self, _is_seed: bool) -> Option<&'static dyn Policy> {
        None
    }

    /// Most connections it has of its own accord, where the scenario says so many.
    fn most_connections(&self, configured: u16) -> usize {
        configured.into()
    }

    /// Whether it asks the tracker for more peers whenever it may.
    fn always_lacks_peers(&self) -> bool {
        false
    }

    /// What it says it has, if that is not what it has.
    fn claim(&self, _pieces: u32, _: &mut Ctx<'_>) -> Option<Bitfield> {
        None
    }

    /// Whether it makes up blocks.
    fn forges(&self) -> bool {
        false
    }

    /// Whether it comes back to a peer as somebody else.
    fn comes_back(&self, _: &Connection, _: &Ctx<'_>) -> bool {
        false
    }
}

/// The habits of a node of this conduct.
pub(crate) fn habits(conduct: Conduct) -> &'static dyn Habits {
    match conduct {
        Conduct::Contributor | Conduct::Freeloader(Strategy::NoShare | Strategy::NoForward) => {
            &Honest
        }
        Conduct::Freeloader(Strategy::NoUpload) => &NoUpload,
        Conduct::Freeloader(Strategy::LargeView) => &large_view::LargeView,
        Conduct::Freeloader(Strategy::Strategic) => &strategic::Strategic,
        Conduct::Freeloader(Strategy::Lying) => &lying::Lying,
        Conduct::Freeloader(Strategy::Whitewashing) => &whitewashing::Whitewashing,
    }
}

/// Does as the protocol says.
struct Honest;

impl Habits for Honest {}

/// Never unchokes anybody.
struct NoUpload;

impl Habits for NoUpload {
    fn policy(&self, _: bool) -> Option<&'static dyn Policy> {
        Some(&Nobody)
    }
}

/// The policy of those who serve nobody.
struct Nobody;

impl Policy for Nobody {
    fn slots(&self, _: &BittorrentConfig) -> Slots {
        Slots { regular: 0, optimistic: 0, least: 0 }
    }

    fn merit(&self, _: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        None
    }
}
