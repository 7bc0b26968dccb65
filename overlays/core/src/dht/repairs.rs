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

/// Most copies that wait; what comes then is not sent. It is offered again.
const MOST_WAITING: usize = 65_536;

/// How long a copy that was asked for may take before another node is asked for it: by then it was lost
/// on the way, or waits behind 7 MB at half of 1 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(120);

/// Most copies that this node waits for. What others offer is their word alone, so it must not take the
/// memory that is asked for here; more are asked for when they are offered again.
const MOST_ASKED: usize = 4_096;

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
}

impl Repairs {
    /// Whether to ask this node for an item that it offers; if so, it is taken to be asked now.
    pub(super) fn ask(&mut self, whom: NodeId, key: Key, now: Time) -> bool {
        let is_waited_for = |(_, since): &(NodeId, Time)| now.since(*since) < PATIENCE;
        if self.asked.len() >= MOST_ASKED {
            self.asked.retain(|_, asked| is_waited_for(asked));
        }
        let is_asked = self.asked.get(&key).is_some_and(is_waited_for);
        if is_asked || self.asked.len() >= MOST_ASKED {
            return false;
        }
        self.asked.insert(key, (whom, now));
        true
    }

    /// An item is here, whoever sent it.
    pub(super) fn arrived(&mut self, key: &Key) {
        self.asked.remove(key);
    }

    /// Sends a copy, when it is its turn. What carries no bytes of an item does not wait.
    pub(super) fn send<R: Routing>(
        &mut self,
        to: NodeId,
        message: StorageMessage,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let StorageMessage::Store { key, record: Record::Value(_), .. } = message else {
            return cx.send(to, DhtMessage::Storage(message));
        };
        if cx.uplink.0 == 0 {
            cx.send(to, DhtMessage::Storage(message));
        } else if self.waiting.len() >= MOST_WAITING {
            cx.emit(Event::Dropped(DropReason::Bound));
        } else if self.promised.insert((to, key)) {
            self.waiting.push_back((to, message));
            if !self.is_timed {
                self.send_next(cx);
            }
        }
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
    }

    /// What was not sent so far: this node is leaving.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (NodeId, StorageMessage)> {
        self.promised.clear();
        self.waiting.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::of(&number.to_be_bytes())
    }

    #[test]
    fn one_is_asked_for_an_item_until_it_is_here_or_lost_or_late() {
        let (mut repairs, now) = (Repairs::default(), Time::ZERO);
        assert!(repairs.ask(NodeId(1), key(1), now));
        assert!(!repairs.ask(NodeId(2), key(1), now));
        repairs.arrived(&key(1));
        assert!(repairs.ask(NodeId(2), key(1), now));
        repairs.forget(NodeId(2));
        assert!(repairs.ask(NodeId(3), key(1), now));
        assert!(repairs.ask(NodeId(4), key(1), now + PATIENCE));
    }

    #[test]
    fn who_offers_without_end_keeps_others_out_for_a_while_only() {
        let (mut repairs, now) = (Repairs::default(), Time::ZERO);
        let asked = (0..10_000).filter(|&number| repairs.ask(NodeId(1), key(number), now));
        assert_eq!(asked.count(), MOST_ASKED);
        assert!(!repairs.ask(NodeId(2), key(10_000), now));
        assert!(repairs.ask(NodeId(2), key(10_000), now + PATIENCE));
    }
}
