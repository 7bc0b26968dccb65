//! A seed prefers peers that pass on what it gives them.
//!
//! Nobody gives a seed anything, so tit-for-tat has nothing to go by there. But as in super-seeding
//! (BEP 16) a seed sees what becomes of its gifts: a piece that nobody had and that it gave to one
//! peer only must have come from that peer if others have it, too. When [`WITNESSES`] others say so
//! (their `Have`s, which are sent to seeds that judge by them), the peer has proved that it uploads;
//! it counts as proven while it does so with at least half of such gifts. Who was a leecher before
//! also counts everybody as proven who gave it anything.
//!
//! Unproven peers get a piece each as a trial, the next one ever later, and else what the proven ones
//! leave: not a byte while one of those waits.
//!
//! The seed takes nobody's word about itself, and a single liar's about another for nothing. What
//! colluders can do: as many as witnesses are asked for can vouch for one more that gives nothing,
//! by claiming pieces that they do not have; honest peers would ask them for these and find out. A
//! late comer cannot prove itself once all pieces are out, and depends on trials and on others.
use alloc::collections::BTreeMap;
use core::time::Duration;

use overlay_core::NodeId;
use smallvec::SmallVec;

use crate::Ctx;
use crate::bitfield::Bitfield;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;

use super::round_robin::{IN_TURN, is_turn_over, merit_by_turns};
use super::{Policy, Rank};

/// How many others must say that they have a piece before it counts as passed on.
const WITNESSES: usize = 2;

/// So many gifts may be on their way to others without being held against a peer.
const UNDER_WAY: u32 = 4;

/// The second trial comes so long after the first, each further one after twice the time before it:
/// at first as often as the optimistic unchoke of leechers comes to somebody else.
const BETWEEN_TRIALS: Duration = Duration::from_secs(30);

/// Slots as with turns, the proven first.
pub(super) struct ProvenContributors;

impl Policy for ProvenContributors {
    fn slots(&self, config: &BittorrentConfig) -> Slots {
        Slots { regular: config.slots(), optimistic: 0, least: 0 }
    }

    fn before_slots(&self, connections: &mut [Connection], _: bool, cx: &mut Ctx<'_>) {
        for peer in connections.iter_mut().filter(|it| it.is_on_trial) {
            peer.is_on_trial =
                !peer.am_choking && !peer.is_proven() && !self.is_turn_over(peer, cx);
        }
    }

    fn merit(&self, peer: &mut Connection, cx: &mut Ctx<'_>) -> Option<u64> {
        let merit = merit_by_turns(peer, self.is_turn_over(peer, cx), cx);
        let is_preferred = peer.is_proven() || peer.is_on_trial || is_trial_due(peer, cx);
        Some(if is_preferred { merit + 2 * IN_TURN } else { merit })
    }

    fn after_slots(&self, connections: &mut [Connection], cx: &mut Ctx<'_>) {
        for peer in connections.iter_mut().filter(|it| it.has_slot()) {
            if !peer.is_proven() && !peer.is_on_trial && is_trial_due(peer, cx) {
                peer.is_on_trial = true;
                peer.account.trials += 1;
                peer.account.last_trial = cx.now;
            }
        }
    }

    fn is_turn_over(&self, peer: &Connection, cx: &Ctx<'_>) -> bool {
        let pieces = if peer.is_proven() { cx.config.seed_turn } else { 1 };
        is_turn_over(peer, pieces, cx)
    }

    fn rank(&self, peer: &Connection) -> Rank {
        let is_preferred = peer.is_proven() || peer.is_on_trial;
        Rank { class: u8::from(!is_preferred), place: 0 }
    }
}

/// Whether an unproven peer is to have another chance.
fn is_trial_due(peer: &Connection, cx: &Ctx<'_>) -> bool {
    let account = &peer.account;
    let pause = match account.trials {
        0 => return true,
        trials => BETWEEN_TRIALS * (1 << (trials - 1).min(16)),
    };
    cx.now.since(account.last_trial) >= pause
}

impl Connection {
    /// Whether the peer gave something, or was seen to pass on what it got.
    pub(crate) fn is_proven(&self) -> bool {
        let account = &self.account;
        account.received > 0
            || account.proofs > 0 && 2 * account.proofs + UNDER_WAY >= account.chances
    }
}

/// What a seed knows of its gifts.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// Pieces that were given away.
    given: Bitfield,
    /// Pieces that one peer has, as far as known, and has from this seed; and who else has them now.
    sole: BTreeMap<u32, Gift>,
}

#[derive(Clone, Debug)]
struct Gift {
    to: NodeId,
    witnesses: SmallVec<[NodeId; WITNESSES]>,
}

impl Evidence {
    /// Nothing was given yet.
    pub(crate) fn new(pieces: u32) -> Self {
        Self { given: Bitfield::empty(pieces), sole: BTreeMap::new() }
    }

    /// A block of this piece is given to a peer. Whether that gives it a chance to prove itself:
    /// nobody else was given the piece, and nobody else has it.
    pub(crate) fn give(&mut self, piece: u32, to: NodeId, connections: &[Connection]) -> bool {
        if self.given.set(piece) {
            let is_sole = connections.iter().all(|it| !it.has.has(piece));
            if is_sole {
                self.sole.insert(piece, Gift { to, witnesses: SmallVec::new() });
            }
            return is_sole;
        }
        if self.sole.get(&piece).is_some_and(|gift| gift.to != to) {
            self.sole.remove(&piece);
        }
        false
    }

    /// A peer says that it has a piece. Who has proved by it that it passes on what it gets, if
    /// anybody has.
    pub(crate) fn hear(&mut self, piece: u32, from: NodeId) -> Option<NodeId> {
        let gift = self.sole.get_mut(&piece)?;
        if from != gift.to && !gift.witnesses.contains(&from) {
            gift.witnesses.push(from);
        }
        let is_proved = gift.witnesses.len() >= WITNESSES;
        is_proved.then(|| self.sole.remove(&piece).map(|gift| gift.to)).flatten()
    }
}
