//! The strategic client (Piatek, Isdal, Anderson, Krishnamurthy, Venkataramani 2007, "Do incentives
//! build robustness in BitTorrent?", section 4.1 and figure 5: BitTyrant). Of each peer it estimates
//! what it gives, d, and what it must be given for that, u; it serves in the order of d/u until its
//! uplink is used up. What is left over after five slots' worth goes to further peers rather than to
//! the same ones, so the same bytes buy more.
//!
//! Differs from the paper: peers are sent bytes in proportion to u, and not held to it, so that the
//! uplink is never idle; as the sum of all u is the uplink's rate, that is the same unless few peers
//! want something. So this is the client that keeps nothing back, not the selfish one of section 5.3.
use crate::Ctx;
use crate::choker::Slots;
use crate::config::BittorrentConfig;
use crate::connection::Connection;
use crate::policy::{Policy, Rank};

use super::Habits;

/// By which part u grows when it did not buy anything: the paper's delta.
const GROWTH: f64 = 0.2;
/// By which part u shrinks when it has bought for long: the paper's gamma.
const SHRINKAGE: f64 = 0.1;
/// For how many rounds that must have been: the paper's r.
const ROUNDS: u8 = 3;

/// What peers are thought to give at first, and to want: what one of the first client's slots is
/// worth on an uplink like one's own. In bytes a second, where the uplink is unlimited.
const GUESS: f64 = 100_000.0;

/// What a strategic client knows about a peer, in bytes a second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bargain {
    /// What it gives when it serves: d.
    gives: f64,
    /// What it must be given for that: u. 0: nothing is known yet.
    wants: f64,
    /// For how many rounds it has served us.
    rounds: u8,
    /// Whether it is among those who are worth it.
    is_worth_it: bool,
}

/// Gives as little as it takes, to those who give most for it.
pub(super) struct Strategic;

impl Habits for Strategic {
    /// As a seed it has nothing to gain, and does as the scenario says.
    fn policy(&self, is_seed: bool) -> Option<&'static dyn Policy> {
        (!is_seed).then_some(&BitTyrant)
    }
}

struct BitTyrant;

impl Policy for BitTyrant {
    fn slots(&self, _: &BittorrentConfig) -> Slots {
        Slots { regular: usize::MAX, optimistic: 0, least: 0 }
    }

    fn before_slots(&self, connections: &mut [Connection], is_round: bool, cx: &mut Ctx<'_>) {
        for peer in connections.iter_mut() {
            if is_round {
                peer.begin_round();
            }
            learn(peer, is_round, cx);
        }
        let worth = |peer: &Connection| peer.bargain.gives / peer.bargain.wants;
        let mut wanting: alloc::vec::Vec<&mut Connection> =
            connections.iter_mut().filter(|it| it.is_interested).collect();
        wanting.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.peer.cmp(&b.peer)));
        let uplink = if cx.uplink.0 > 0 { cx.uplink.0 as f64 / 8.0 } else { f64::INFINITY };
        let mut given = 0.0;
        for peer in wanting {
            peer.bargain.is_worth_it = given < uplink;
            given += peer.bargain.wants;
        }
    }

    fn merit(&self, peer: &mut Connection, _: &mut Ctx<'_>) -> Option<u64> {
        peer.bargain.is_worth_it.then_some(0)
    }

    fn after_slots(&self, connections: &mut [Connection], _: &mut Ctx<'_>) {
        for peer in connections {
            peer.share.set(peer.bargain.wants as u64);
        }
    }

    fn rank(&self, peer: &Connection) -> Rank {
        peer.rank_by_share()
    }

    fn on_sent(&self, peer: &mut Connection, bytes: u32) {
        peer.use_share(bytes);
    }
}

/// What the last round says about d and u.
fn learn(peer: &mut Connection, is_round: bool, cx: &Ctx<'_>) {
    let bargain = &mut peer.bargain;
    if bargain.wants == 0.0 {
        let slots = cx.config.slots() as f64;
        let slot = if cx.uplink.0 > 0 { cx.uplink.0 as f64 / 8.0 / slots } else { GUESS };
        *bargain = Bargain { gives: slot, wants: slot, ..Bargain::default() };
    }
    if !is_round {
        return;
    }
    if peer.is_choking {
        bargain.rounds = 0;
        if !peer.am_choking && peer.is_interested {
            bargain.wants *= 1.0 + GROWTH;
        }
        // What it gets itself, as it tells by its pieces, is what it can give.
        let age = cx.now.since(peer.since).as_secs_f64();
        let pieces = f64::from(peer.has.count());
        if pieces > 0.0 && age > 0.0 {
            let rate = pieces * cx.config.piece_length.0 as f64 / age;
            bargain.gives = rate / cx.config.slots() as f64;
        }
    } else {
        bargain.rounds = bargain.rounds.saturating_add(1);
        bargain.gives = peer.share.gave as f64 / cx.config.rechoke_every.0.as_secs_f64();
        if bargain.rounds >= ROUNDS {
            bargain.wants *= 1.0 - SHRINKAGE;
        }
    }
}
