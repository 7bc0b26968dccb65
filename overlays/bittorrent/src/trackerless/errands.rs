//! What a node wants from others for its own sake: of the table, and of who knows an item.
use alloc::collections::VecDeque;

use overlay_core::{Event, Key, NodeId, OpId};

/// The first operation that is a node's own: the last 65,536 numbers, which no workload reaches.
const FIRST_OWN: u32 = u32::MAX - 0xffff;

/// Most errands under way; the oldest is forgotten for one more.
const MOST_ERRANDS: usize = 1_024;

/// Most items that a node asks about at once; the oldest is given up for one more.
const MOST_INQUIRIES: usize = 256;

/// Most nodes that are asked about an item, each after the one before it was of no use.
const MOST_ATTEMPTS: u16 = 8;

/// What a node asks of the table for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To be known as one who takes part.
    BeKnown,
    /// Another peer to connect to.
    MeetPeer,
    /// Somebody who can tell what the item is.
    AskAbout,
}

/// An operation of the table that the node began itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    op: OpId,
    pub(super) key: Key,
    pub(super) wish: Wish,
}

/// The operations that a node began itself, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Errands {
    under_way: VecDeque<Errand>,
    /// How many were begun, modulo the numbers there are.
    begun: u16,
}

impl Errands {
    /// The operation of a new errand.
    pub(super) fn begin(&mut self, key: Key, wish: Wish) -> OpId {
        if self.under_way.len() >= MOST_ERRANDS {
            self.under_way.pop_front();
        }
        // The very last number is the storage's, for what nobody waits for.
        self.begun = (self.begun + 1) % u16::MAX;
        let op = OpId(FIRST_OWN + u32::from(self.begun));
        self.under_way.push_back(Errand { op, key, wish });
        op
    }

    /// The errand that has come to its end with this operation.
    pub(super) fn end(&mut self, op: OpId) -> Option<Errand> {
        let place = self.under_way.iter().position(|errand| errand.op == op)?;
        self.under_way.remove(place)
    }
}

/// The operation of which an event is the end, if a node began it itself.
pub(super) const fn own(event: &Event) -> Option<OpId> {
    match *event {
        Event::Found { op, .. } | Event::Published { op } | Event::Failed { op }
            if op.0 >= FIRST_OWN =>
        {
            Some(op)
        }
        _ => None,
    }
}

/// An item that a node wants to know about.
#[derive(Clone, Copy, Debug)]
struct Inquiry {
    key: Key,
    /// Who was asked last; `None`: somebody is looked for in the table.
    asked: Option<NodeId>,
    attempts: u16,
    /// The number of the last question.
    serial: u32,
}

/// The items that a node wants to know about, the oldest question first.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    under_way: VecDeque<Inquiry>,
    serial: u32,
}

impl Inquiries {
    /// Begins to ask about an item, unless that is under way. What has to be given up for it, if
    /// there is no room.
    pub(super) fn begin(&mut self, key: Key) -> (bool, Option<Key>) {
        if self.under_way.iter().any(|it| it.key == key) {
            return (false, None);
        }
        let is_full = self.under_way.len() >= MOST_INQUIRIES;
        let given_up = if is_full { self.under_way.pop_front() } else { None };
        self.under_way.push_back(Inquiry { key, asked: None, attempts: 0, serial: 0 });
        (true, given_up.map(|it| it.key))
    }

    /// A node is asked about an item: the number of the question. `None` if it must not be, because
    /// enough others were, or because nobody wants to know any more.
    pub(super) fn ask(&mut self, key: &Key, node: NodeId) -> Option<u32> {
        let inquiry = self.under_way.iter_mut().find(|it| it.key == *key)?;
        self.serial = self.serial.wrapping_add(1);
        inquiry.asked = Some(node);
        inquiry.serial = self.serial;
        Some(self.serial)
    }

    /// Whoever was asked is of no use. Whether somebody else may be asked.
    pub(super) fn next_attempt(&mut self, key: &Key) -> bool {
        let Some(inquiry) = self.under_way.iter_mut().find(|it| it.key == *key) else {
            return false;
        };
        inquiry.asked = None;
        inquiry.attempts += 1;
        inquiry.attempts < MOST_ATTEMPTS
    }

    /// Whether this is an item about which this node was asked last.
    pub(super) fn was_asked(&self, key: &Key, node: NodeId) -> bool {
        self.under_way.iter().any(|it| it.key == *key && it.asked == Some(node))
    }

    /// The item of a question that nobody has answered.
    pub(super) fn unanswered(&self, serial: u32) -> Option<Key> {
        let is_it = |it: &&Inquiry| it.serial == serial && it.asked.is_some();
        self.under_way.iter().find(is_it).map(|it| it.key)
    }

    /// An item about which this node was asked.
    pub(super) fn asked_of(&self, node: NodeId) -> Option<Key> {
        self.under_way.iter().find(|it| it.asked == Some(node)).map(|it| it.key)
    }

    /// Nobody wants to know about an item any more.
    pub(super) fn end(&mut self, key: &Key) {
        self.under_way.retain(|it| it.key != *key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    const KEY: Key = Key([7; 20]);

    #[test]
    fn errands_have_numbers_of_their_own_and_old_ones_are_forgotten() {
        let mut errands = Errands::default();
        let mut last = BTreeSet::new();
        for _ in 0..200_000 {
            let op = errands.begin(KEY, Wish::MeetPeer);
            assert!(op < OpId(u32::MAX) && own(&Event::Failed { op }) == Some(op));
            last.insert(op);
        }
        assert_eq!(last.len(), usize::from(u16::MAX));
        assert_eq!(errands.under_way.len(), MOST_ERRANDS);
        let op = errands.begin(KEY, Wish::BeKnown);
        assert_eq!(errands.end(op).map(|errand| errand.wish), Some(Wish::BeKnown));
        assert!(errands.end(op).is_none());
        assert_eq!(own(&Event::Failed { op: OpId(5) }), None);
    }

    #[test]
    fn an_inquiry_ends_with_an_answer_or_after_some_attempts() {
        let mut inquiries = Inquiries::default();
        assert_eq!(inquiries.begin(KEY), (true, None));
        assert_eq!(inquiries.begin(KEY), (false, None));
        let first = inquiries.ask(&KEY, NodeId(1)).expect("somebody wants to know");
        assert!(inquiries.was_asked(&KEY, NodeId(1)) && !inquiries.was_asked(&KEY, NodeId(2)));
        assert_eq!(inquiries.unanswered(first), Some(KEY));
        assert!(inquiries.next_attempt(&KEY));
        assert_eq!((inquiries.unanswered(first), inquiries.asked_of(NodeId(1))), (None, None));
        let second = inquiries.ask(&KEY, NodeId(2)).expect("somebody wants to know");
        assert_eq!((inquiries.unanswered(first), inquiries.unanswered(second)), (None, Some(KEY)));
        let more = (0..20).filter(|_| inquiries.next_attempt(&KEY)).count();
        assert_eq!(more + 2, usize::from(MOST_ATTEMPTS));
        inquiries.end(&KEY);
        assert_eq!(inquiries.ask(&KEY, NodeId(1)), None);
    }

    #[test]
    fn for_one_inquiry_too_many_the_oldest_is_given_up() {
        let mut inquiries = Inquiries::default();
        for number in 0..MOST_INQUIRIES as u64 {
            assert_eq!(inquiries.begin(Key::of(&number.to_be_bytes())), (true, None));
        }
        assert_eq!(inquiries.begin(KEY), (true, Some(Key::of(&0_u64.to_be_bytes()))));
    }
}
