//! Choke policies: whom a node unchokes, and whose turn it is on its uplink. All of them are here,
//! each in a file; the rest of the node knows only the questions that [`Policy`] asks.
//!
//! | leechers (`choking`) | whom | whose turn |
//! |---|---|---|
//! | `tit-for-tat` | the best givers, and one by chance | each for a piece |
//! | `random` | any | each for a piece |
//! | `proportional-share` | all who gave, and one by chance | in proportion to what they gave |
//! | `fair-torrent` | everybody | who was given least for what it gave |
//! | `proven-first` | everybody | the same, of those who gave anything |
//!
//! | seeds (`seed_policy`) | whom | whose turn |
//! |---|---|---|
//! | `fastest` | who takes most, and one by chance | each for a piece |
//! | `round-robin` | who has waited longest | each for a piece |
//! | `proven-contributors` | of those who pass on what they get, who has waited longest | the same |
mod fair_torrent;
mod proportional_share;
mod proven_contributors;
mod proven_first;
mod round_robin;
mod share;
mod simple;

use crate::Ctx;
use crate::choker::Slots;
use crate::config::{BittorrentConfig, Choking, SeedPolicy};
use crate::connection::Connection;

pub(crate) use proven_contributors::Evidence;
pub(crate) use share::Share;

/// When it is a peer's turn: the lowest is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Nobody is sent a block while somebody of a lower class waits.
    pub(crate) class: u8,
    /// Who is to begin a piece within a class; who has begun one may finish it.
    pub(crate) place: u64,
}

impl Rank {
    /// Nobody comes before this one.
    pub(crate) const FIRST: Self = Self { class: 0, place: 0 };
}

/// Whom to unchoke, and whose turn it is on the uplink.
///
/// What a policy knows about a peer is in its [`Connection`]: rates, the account of what was given
/// and taken, and what was seen of it.
pub(crate) trait Policy: Sync {
    /// The slots there are.
    fn slots(&self, config: &BittorrentConfig) -> Slots;

    /// Slots are about to be given: in a round, or some between rounds.
    fn before_slots(&self, _: &mut [Connection], _is_round: bool, _: &mut Ctx<'_>) {}

    /// What a peer deserves a slot for, the largest first, chance deciding among equals; `None`:
    /// only chance can give it one.
    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64>;

    /// Slots have been given.
    fn after_slots(&self, _: &mut [Connection], _: &mut Ctx<'_>) {}

    /// Whether somebody else is to have the slot of a peer that is unchoked: asked whenever it was
    /// sent what it wanted of a piece.
    fn is_turn_over(&self, _: &Connection, _: &Ctx<'_>) -> bool {
        false
    }

    /// When it is this peer's turn, if it waits for blocks; among equals who has waited longest is
    /// first. Where everybody is [`Rank::FIRST`], peers take turns, a piece each.
    fn rank(&self, _: &Connection) -> Rank {
        Rank::FIRST
    }

    /// A block of so many bytes was sent to this peer.
    fn on_sent(&self, _: &mut Connection, _bytes: u32) {}
}

/// The policy that a scenario wants.
pub(crate) fn of(config: &BittorrentConfig, is_seed: bool) -> &'static dyn Policy {
    match (is_seed, config.choking, config.seed_policy) {
        (false, Choking::TitForTat, _) => &simple::TitForTat,
        (false, Choking::Random, _) => &simple::Chance,
        (false, Choking::ProportionalShare, _) => &proportional_share::ProportionalShare,
        (false, Choking::FairTorrent, _) => &fair_torrent::FairTorrent,
        (false, Choking::ProvenFirst, _) => &proven_first::ProvenFirst,
        (true, _, SeedPolicy::Fastest) => &simple::Fastest,
        (true, _, SeedPolicy::RoundRobin) => &round_robin::RoundRobin,
        (true, _, SeedPolicy::ProvenContributors) => &proven_contributors::ProvenContributors,
    }
}

/// Some regular slots, and one by chance if the scenario wants it so; what merit leaves of the regular
/// ones is given by chance, too.
fn slots_and_one_by_chance(config: &BittorrentConfig) -> Slots {
    let optimistic = usize::from(config.optimistic_unchoke);
    Slots { regular: config.regular_slots.into(), optimistic, least: config.slots() }
}
