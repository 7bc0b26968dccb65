//! Peer exchange: connected peers tell each other whom else they are connected to (BEP 11).
//!
//! A peer hears of the others as soon as it is connected, or refused for lack of room; later, every
//! so often, what has changed. Whom a node hears of it connects to while it wants more peers.
//!
//! Differs from BEP 11: a first message may go out less than a minute before the next; it carries no
//! flags, as nobody encrypts and everybody can be reached.
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::{DropReason, Event, NodeId, Random, Time};

use crate::conduct::habits;
use crate::message::BittorrentMessage;
use crate::uploads::Outlet;

use super::Swarm;

/// Most peers that a message names as added, and most that it names as dropped (BEP 11).
pub const MOST_NAMED: usize = 50;

/// Most peers that are heard of between two rounds of exchange; what is more is not listened to. It
/// bounds how often strangers can be dialled because somebody named them, too.
const MOST_CONTACTS: usize = 200;

/// What one node's peers told of others, and what it told them.
#[derive(Clone, Debug)]
pub(super) struct PeerExchange {
    /// Who had been heard of as connected when everybody was last told, ascending.
    told: Vec<NodeId>,
    told_at: Time,
    /// Who was heard of since then; those before `next` were tried, and are not tried again.
    contacts: Vec<NodeId>,
    next: usize,
}

impl PeerExchange {
    pub(super) const fn new(now: Time) -> Self {
        Self { told: Vec::new(), told_at: now, contacts: Vec::new(), next: 0 }
    }

    fn hear(&mut self, added: &[NodeId], dropped: &[NodeId]) {
        for &peer in added {
            if self.contacts.len() < MOST_CONTACTS && !self.contacts.contains(&peer) {
                self.contacts.push(peer);
            }
        }
        let mut untried = self.contacts.split_off(self.next);
        untried.retain(|peer| !dropped.contains(peer));
        self.contacts.append(&mut untried);
    }

    /// What has changed since everybody was last told, if it is time to say so: who was added, and
    /// who was dropped. What does not fit is left for the next time.
    fn changes(
        &mut self,
        connected: &[NodeId],
        now: Time,
        every: Duration,
    ) -> (Vec<NodeId>, Vec<NodeId>) {
        if now.since(self.told_at) < every {
            return (Vec::new(), Vec::new());
        }
        self.told_at = now;
        self.contacts.drain(..self.next);
        self.next = 0;
        let dropped = difference(&self.told, connected);
        let added = difference(connected, &self.told);
        self.told.retain(|peer| dropped.binary_search(peer).is_err());
        self.told.extend(&added);
        self.told.sort_unstable();
        (added, dropped)
    }
}

impl Swarm {
    /// Tells a peer that has just been connected, or refused, of some others.
    pub(super) fn send_contacts(&self, to: NodeId, out: &mut Outlet<'_, '_>) {
        if self.pex.is_none() {
            return;
        }
        let others = self.peers().filter(|&peer| peer != to).collect();
        let added = sample(others, out.cx.rng);
        if !added.is_empty() {
            let dropped = Vec::new();
            out.send(to, BittorrentMessage::Pex { tag: self.tag, added, dropped });
        }
    }

    /// A peer told of others.
    pub(super) fn on_pex(
        &mut self,
        added: &[NodeId],
        dropped: &[NodeId],
        out: &mut Outlet<'_, '_>,
    ) {
        let is_short = added.len() <= MOST_NAMED && dropped.len() <= MOST_NAMED;
        let Some(pex) = self.pex.as_mut().filter(|_| is_short) else {
            return out.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        pex.hear(added, dropped);
        self.connect_contacts(out);
    }

    /// Every round: tells everybody what has changed, if it is time to; and tries more of those
    /// who were heard of.
    pub(super) fn exchange_peers(&mut self, out: &mut Outlet<'_, '_>) {
        if self.pex.is_none() {
            return;
        }
        let connected: Vec<NodeId> = self.peers().collect();
        let (now, every, tag) = (out.cx.now, out.cx.config.pex_every.0, self.tag);
        let Some(pex) = &mut self.pex else { return };
        let (added, dropped) = pex.changes(&connected, now, every);
        for to in connected {
            let added: Vec<NodeId> = added.iter().copied().filter(|&peer| peer != to).collect();
            if !added.is_empty() || !dropped.is_empty() {
                let dropped = dropped.clone();
                out.send(to, BittorrentMessage::Pex { tag, added, dropped });
            }
        }
        self.connect_contacts(out);
    }

    /// Connects to those who were heard of, as long as more peers are wanted.
    fn connect_contacts(&mut self, out: &mut Outlet<'_, '_>) {
        let most = habits(out.cx.conduct).most_connections(out.cx.config.max_initiate);
        while !self.is_complete()
            && self.connections.len() < most
            && let Some(pex) = &mut self.pex
            && let Some(&contact) = pex.contacts.get(pex.next)
        {
            pex.next += 1;
            self.connect(&[contact], out);
        }
    }
}

/// Those of some that are not among others, at most [`MOST_NAMED`]; all ascending.
fn difference(some: &[NodeId], others: &[NodeId]) -> Vec<NodeId> {
    let is_missing = |peer: &NodeId| others.binary_search(peer).is_err();
    some.iter().copied().filter(is_missing).take(MOST_NAMED).collect()
}

/// As many as a message names, drawn at random.
fn sample(mut peers: Vec<NodeId>, random: &mut Random) -> Vec<NodeId> {
    for place in 0..peers.len().min(MOST_NAMED) {
        let rest = (peers.len() - place) as u64;
        peers.swap(place, place + random.below(rest) as usize);
    }
    peers.truncate(MOST_NAMED);
    peers
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Purpose;

    const EVERY: Duration = Duration::from_secs(60);

    fn nodes(numbers: core::ops::Range<u32>) -> Vec<NodeId> {
        numbers.map(NodeId).collect()
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn what_has_changed_is_told_once_and_what_is_too_much_the_next_time() {
        let mut pex = PeerExchange::new(at(0));
        assert_eq!(pex.changes(&nodes(0..9), at(59), EVERY), (nodes(0..0), nodes(0..0)));
        assert_eq!(pex.changes(&nodes(0..80), at(60), EVERY), (nodes(0..50), nodes(0..0)));
        assert_eq!(pex.changes(&nodes(0..80), at(120), EVERY), (nodes(50..80), nodes(0..0)));
        assert_eq!(pex.changes(&nodes(70..81), at(180), EVERY), (nodes(80..81), nodes(0..50)));
        assert_eq!(pex.changes(&nodes(70..81), at(240), EVERY), (nodes(0..0), nodes(50..70)));
        assert_eq!(pex.told, nodes(70..81));
    }

    #[test]
    fn who_was_tried_is_not_tried_again_before_the_next_round() {
        let mut pex = PeerExchange::new(at(0));
        pex.hear(&nodes(0..3), &[]);
        pex.next = 2;
        pex.hear(&nodes(0..5), &nodes(1..4));
        assert_eq!(pex.contacts, [0, 1, 4].map(NodeId));
        pex.changes(&[], at(60), EVERY);
        assert_eq!((pex.contacts.as_slice(), pex.next), (&[NodeId(4)][..], 0));
        for more in 0..10 {
            pex.hear(&nodes(more * 50..more * 50 + 50), &[]);
        }
        assert_eq!(pex.contacts.len(), MOST_CONTACTS);
    }

    #[test]
    fn a_sample_is_a_random_choice() {
        let mut random = Random::stream(1, Purpose::Node, 0);
        assert_eq!(sample(nodes(0..3), &mut random).len(), 3);
        let mut drawn = sample(nodes(0..80), &mut random);
        assert_ne!(drawn, nodes(0..50));
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), MOST_NAMED);
        assert!(sample(Vec::new(), &mut random).is_empty());
    }
}
