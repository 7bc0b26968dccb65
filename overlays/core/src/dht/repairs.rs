//! Copies of items on their way to where they belong: offered, asked for, and sent at half the pace of
//! the uplink.
//!
//! A node that goes makes its neighbours send everything it kept. If they did so at once, their pings
//! and answers would wait behind it, others would take them for dead and begin repairs of their own,
//! which delay more pings: the collapse by positive feedback that Rhea et al. 2004 saw ("Handling churn
//! in a DHT", section 4.1).
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::record::MAX_OFFERED;
use super::{DhtCtx, DhtMessage, DhtTimer, Record, Routing, StorageMessage};
use crate::{DropReason, Event, Key, NodeId, Time, wire};

/// Most copies that wait; what comes then is not sent. It is offered, or passed on, again.
const MOST_WAITING: usize = 65_536;

/// How long a copy that was asked for may take before another node is asked for it: by then it was lost
/// on the way, or waits behind 7 MB at half of 1 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(120);

/// Most copies that this node waits for. What others offer is their word alone, so it must not take all
/// memory. Beyond, it is forgotten who was asked first: those copies may come twice, and nobody is kept
/// out.
const MOST_ASKED: usize = 4_096;

/// Most of them from one peer, so that it takes several to make this node forget what it has asked of
/// others. More are asked for when they are offered again.
const MOST_ASKED_OF_ONE: usize = MOST_ASKED / 4;

/// Items to be offered, by the node that may lack them.
#[derive(Debug, Default)]
pub(super) struct Offers(BTreeMap<NodeId, Vec<Key>>);

impl Offers {
    pub(super) fn add(&mut self, to: NodeId, key: Key) {
        self.0.entry(to).or_default().push(key);
    }

    pub(super) fn send<R: Routing>(self, cx: &mut DhtCtx<'_, R>) {
        for (to, keys) in self.0 {
            for keys in keys.chunks(MAX_OFFERED) {
                let offer = StorageMessage::Offer { keys: keys.into() };
                cx.send(to, DhtMessage::Storage(offer));
            }
        }
    }
}

/// What a node has to send to repair, the oldest first; and what it has asked for itself.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    waiting: VecDeque<(NodeId, StorageMessage)>,
    /// To whom which items wait: they are asked for more than once.
    promised: BTreeSet<(NodeId, Key)>,
    /// Whether a timer says when the uplink is free for the next one.
    is_timed: bool,
    /// Whom this node has asked for an item, and when: several have it, and offer it.
    asked: BTreeMap<Key, (NodeId, Time)>,
    /// To whom the only copy of an item is on its way, and since when. It stays here until that node
    /// says that it has it.
    passing: BTreeMap<Key, (NodeId, Time)>,
}

impl Repairs {
    /// Which of the items that a node offers it is to be asked for; they are taken to be asked for now.
    /// Looks through all that was asked for once, however many are offered.
    pub(super) fn ask(
        &mut self,
        whom: NodeId,
        offered: impl Iterator<Item = Key>,
        now: Time,
    ) -> Vec<Key> {
        self.asked.retain(|_, (_, since)| now.since(*since) < PATIENCE);
        let of_whom = self.asked.values().filter(|(asked, _)| *asked == whom).count();
        let new: BTreeSet<Key> = offered
            .filter(|key| !self.asked.contains_key(key))
            .take(MOST_ASKED_OF_ONE.saturating_sub(of_whom))
            .collect();
        self.forget_first_asked((self.asked.len() + new.len()).saturating_sub(MOST_ASKED));
        self.asked.extend(new.iter().map(|&key| (key, (whom, now))));
        new.into_iter().collect()
    }

    /// Makes room for as many others.
    fn forget_first_asked(&mut self, count: usize) {
        if count > 0 {
            let mut by_age: Vec<(Time, Key)> =
                self.asked.iter().map(|(key, (_, since))| (*since, *key)).collect();
            by_age.sort_unstable();
            for (_, key) in by_age.iter().take(count) {
                self.asked.remove(key);
            }
        }
    }

    /// An item is here, whoever sent it.
    pub(super) fn arrived(&mut self, key: &Key) {
        self.asked.remove(key);
    }

    /// Sends a copy, when it is its turn. What carries no bytes of an item does not wait. False if too
    /// many wait already.
    pub(super) fn send<R: Routing>(
        &mut self,
        to: NodeId,
        message: StorageMessage,
        cx: &mut DhtCtx<'_, R>,
    ) -> bool {
        let paced = match message {
            StorageMessage::Store { key, record: Record::Value(_), .. } if cx.uplink.0 > 0 => key,
            _ => {
                cx.send(to, DhtMessage::Storage(message));
                return true;
            }
        };
        if self.waiting.len() >= MOST_WAITING {
            cx.emit(Event::Dropped(DropReason::Bound));
            return false;
        }
        if self.promised.insert((to, paced)) {
            self.waiting.push_back((to, message));
            if !self.is_timed {
                self.send_next(cx);
            }
        }
        true
    }

    /// Sends the only copy of an item to the node that is responsible for it now, unless it is on its
    /// way there. What does not come there in time is sent again.
    pub(super) fn pass<R: Routing>(
        &mut self,
        heir: NodeId,
        (key, store): (Key, StorageMessage),
        cx: &mut DhtCtx<'_, R>,
    ) {
        let is_on_its_way = self
            .passing
            .get(&key)
            .is_some_and(|&(to, since)| to == heir && cx.now.since(since) < PATIENCE);
        if !is_on_its_way && self.send(heir, store, cx) {
            self.passing.insert(key, (heir, cx.now));
        }
    }

    /// Whether the only copy of an item is on its way to somebody.
    pub(super) fn is_passing(&self, key: &Key) -> bool {
        self.passing.contains_key(key)
    }

    /// A node says that it has an item. Whether it is the one that the only copy was sent to.
    pub(super) fn has_come(&mut self, to: NodeId, key: &Key) -> bool {
        let is_there = self.passing.get(key).is_some_and(|(heir, _)| *heir == to);
        if is_there {
            self.passing.remove(key);
        }
        is_there
    }

    /// An item is to stay here after all.
    pub(super) fn stays(&mut self, key: &Key) {
        self.passing.remove(key);
    }

    /// It is the next one's turn. The uplink is left to others for as long as it takes.
    pub(super) fn send_next<R: Routing>(&mut self, cx: &mut DhtCtx<'_, R>) {
        let next = self.waiting.pop_front();
        self.is_timed = next.is_some();
        if let Some((to, message)) = next {
            if let StorageMessage::Store { key, .. } = &message {
                self.promised.remove(&(to, *key));
            }
            let message = DhtMessage::Storage(message);
            let takes = cx.uplink.time_for(wire::length(&message).into());
            cx.send(to, message);
            cx.set_timer(2 * takes, DhtTimer::Repair);
        }
    }

    /// Nobody is there any more to send them to, or to get them from.
    pub(super) fn forget(&mut self, peer: NodeId) {
        self.waiting.retain(|(to, _)| *to != peer);
        self.promised.retain(|(to, _)| *to != peer);
        self.asked.retain(|_, (whom, _)| *whom != peer);
        self.passing.retain(|_, (heir, _)| *heir != peer);
    }

    /// What was not sent so far: this node is leaving.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (NodeId, StorageMessage)> {
        self.promised.clear();
        self.passing.clear();
        self.waiting.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::of(&number.to_be_bytes())
    }

    fn is_asked(repairs: &mut Repairs, whom: u32, item: u64, now: Time) -> bool {
        !repairs.ask(NodeId(whom), core::iter::once(key(item)), now).is_empty()
    }

    #[test]
    fn one_is_asked_for_an_item_until_it_is_here_or_lost_or_late() {
        let (mut repairs, now) = (Repairs::default(), Time::ZERO);
        assert!(is_asked(&mut repairs, 1, 1, now));
        assert!(!is_asked(&mut repairs, 2, 1, now));
        repairs.arrived(&key(1));
        assert!(is_asked(&mut repairs, 2, 1, now));
        repairs.forget(NodeId(2));
        assert!(is_asked(&mut repairs, 3, 1, now));
        assert!(is_asked(&mut repairs, 4, 1, now + PATIENCE));
    }

    #[test]
    fn an_item_that_is_offered_twice_at_once_is_asked_for_once() {
        let asked = Repairs::default().ask(NodeId(1), [key(1), key(1)].into_iter(), Time::ZERO);
        assert_eq!(asked, [key(1)]);
    }

    /// Each offers as many items as fit into an offer, none of which exists, every second.
    fn offer_without_end(liars: core::ops::Range<u32>) {
        let (mut repairs, mut next) = (Repairs::default(), 0);
        let mut offer = |repairs: &mut Repairs, whom, items: u64, now| {
            let keys = (next..next + items).map(key);
            next += items;
            repairs.ask(NodeId(whom), keys, now).len() as u64
        };
        for second in 0..600 {
            let now = Time::ZERO + Duration::from_secs(second);
            for liar in liars.clone() {
                offer(&mut repairs, liar, MAX_OFFERED as u64, now);
            }
            assert_eq!(offer(&mut repairs, 1, 5, now), 5, "second {second}");
            assert!(repairs.asked.len() <= MOST_ASKED);
            let of_first = repairs.asked.values().filter(|(whom, _)| *whom == NodeId(2));
            assert!(of_first.count() <= MOST_ASKED_OF_ONE);
        }
    }

    #[test]
    fn who_offers_without_end_keeps_nobody_out() {
        offer_without_end(2..3);
        offer_without_end(2..12);
    }

    /// A peer alone does not even make this node forget what it has asked of others.
    #[test]
    fn who_offers_without_end_does_not_have_items_asked_for_twice() {
        let (mut repairs, now) = (Repairs::default(), Time::ZERO);
        assert!(is_asked(&mut repairs, 1, 0, now));
        for offer in 0..100 {
            let keys = (1 + offer * 512..1 + (offer + 1) * 512).map(key);
            repairs.ask(NodeId(2), keys, now);
        }
        assert!(!is_asked(&mut repairs, 3, 0, now));
    }
}
