//! Requests on their way through a node: what it forwarded and has no answer to yet.
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, OpId, Time};

use crate::{Claim, Member, Payload};

/// A request on its way through this node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) key: Key,
    pub(crate) payload: Payload,
    pub(crate) origin: Origin,
    /// Which of this node's members forwarded it.
    pub(crate) member: u16,
    /// What the sender believed that member to be.
    pub(crate) claim: Claim,
    /// Whom it was forwarded to.
    pub(crate) next: Member,
    /// Iterative lookups: who named `next`; `None`: this node itself.
    pub(crate) via: Option<Member>,
    pub(crate) hops: u8,
    pub(crate) timeouts: u8,
    /// The last choice that was tried in vain, here or at `via`.
    pub(crate) dead: Option<Member>,
    pub(crate) since: Time,
}

impl Pending {
    /// A request that starts at, or has come to, one of this node's members.
    pub(crate) fn new(
        origin: Origin,
        member: u16,
        (key, payload): (Key, Payload),
        since: Time,
    ) -> Self {
        Self {
            key,
            payload,
            origin,
            member,
            claim: Claim::Closer,
            next: Member(u32::MAX),
            via: None,
            hops: 0,
            timeouts: 0,
            dead: None,
            since,
        }
    }
}

/// Where the answer to a request goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// To this node's storage.
    Operation(OpId),
    /// To the member of this node that looks for its successor, to join or to settle.
    Successor { member: u16 },
    /// To the member of this node that refreshes this finger.
    Finger { member: u16, octave: u8 },
    /// To the node that forwarded the request here, under its token.
    Peer(NodeId, u32),
}

/// Requests by token: a slot number and a generation, so that late answers find nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingTable {
    slots: Vec<(u16, Option<Pending>)>,
}

impl PendingTable {
    /// Remembers a request and gives its token; `None` if there are `bound` already.
    pub(crate) fn insert(&mut self, pending: Pending, bound: u16) -> Option<u32> {
        let free = self.slots.iter().position(|(_, slot)| slot.is_none());
        let index = free.unwrap_or(self.slots.len());
        if index >= usize::from(bound) {
            return None;
        }
        if index == self.slots.len() {
            // One by one: few are ever needed, and a million nodes have a table each.
            self.slots.reserve_exact(1);
            self.slots.push((0, None));
        }
        let (generation, slot) = &mut self.slots[index];
        *generation = generation.wrapping_add(1);
        *slot = Some(pending);
        Some(u32::from(*generation) << 16 | index as u32)
    }

    /// Takes a request out if it was forwarded to this node.
    pub(crate) fn take(
        &mut self,
        token: u32,
        forwarded_to: impl Fn(&Pending) -> bool,
    ) -> Option<Pending> {
        let (generation, slot) = self.slots.get_mut((token & 0xffff) as usize)?;
        let current = u32::from(*generation) == token >> 16;
        if current && slot.as_ref().is_some_and(forwarded_to) { slot.take() } else { None }
    }

    /// Takes out one request that fulfils this.
    pub(crate) fn take_any(&mut self, wanted: impl Fn(&Pending) -> bool) -> Option<Pending> {
        let mut slots = self.slots.iter_mut().map(|(_, slot)| slot);
        slots.find(|slot| slot.as_ref().is_some_and(&wanted))?.take()
    }

    /// Every request under way.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.slots.iter().filter_map(|(_, slot)| slot.as_ref())
    }
}
