//! Finding the ring: how a node joins, and how it finds back when it has lost everybody.
use overlay_core::{NodeId, OpId, Time};

use crate::pending::{Origin, Pending};
use crate::router::Cx;
use crate::{Body, Claim, Member, Payload, Router};

/// Whom a node knows that is on no list of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known {
    Nobody,
    /// Through whom it joined.
    Rendezvous(NodeId),
    /// So many founders, of which it is one.
    Founders(u32),
}

/// A join under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joining {
    pub(crate) op: OpId,
    pub(crate) rendezvous: NodeId,
    /// When the rendezvous is asked again.
    pub(crate) again_at: Time,
}

impl Known {
    /// One of them, if there is another node among them.
    fn draw(self, cx: &mut Cx<'_>) -> Option<NodeId> {
        let known = match self {
            Self::Nobody => None,
            Self::Rendezvous(rendezvous) => Some(rendezvous),
            Self::Founders(number) => Some(NodeId(cx.rng.below(number.into()) as u32)),
        };
        known.filter(|known| *known != cx.me)
    }
}

impl Router {
    pub(crate) fn join_again(&mut self, cx: &mut Cx<'_>) {
        if let Some(joining) = self.joining.filter(|joining| cx.now > joining.again_at) {
            self.ask_rendezvous(joining, cx);
        }
    }

    /// Has members that have lost everybody find their successors again; and all of them once in a
    /// while, if they are to find those whom they cannot know. It takes wrong suspicions on both sides
    /// to come apart: then nobody else can bring them together.
    pub(crate) fn find_back(&mut self, cx: &mut Cx<'_>) {
        if self.joining.is_some() {
            return;
        }
        let every = cx.config.reunite_every;
        let is_due = every.is_some_and(|every| cx.now.since(self.looked_at) >= every.into());
        if is_due {
            self.looked_at = cx.now;
        }
        for index in 0..self.members.len() as u16 {
            let successors = self.members[usize::from(index)].successors();
            let is_lost = successors.iter().all(|successor| successor.node(cx.config) == cx.me);
            if (is_lost || is_due)
                && let Some(known) = self.known.draw(cx)
            {
                self.locate_from(index, Member::of(known, 0, cx.config), Claim::Closer, cx);
            }
        }
    }

    pub(crate) fn ask_rendezvous(&mut self, joining: Joining, cx: &mut Cx<'_>) {
        self.joining = Some(Joining { again_at: patience(cx), ..joining });
        for index in 0..self.members.len() as u16 {
            let rendezvous = Member::of(joining.rendezvous, 0, cx.config);
            self.locate_from(index, rendezvous, Claim::Closer, cx);
        }
    }

    /// Has another member find this one's successor.
    pub(crate) fn locate_from(&mut self, index: u16, next: Member, claim: Claim, cx: &mut Cx<'_>) {
        let key = self.members[usize::from(index)].position.to_key();
        let payload = Payload::Locate { asker: cx.me };
        let origin = Origin::Successor { member: index };
        let pending = Pending::new(origin, index, (key, payload), cx.now);
        let pending = Pending { next, ..pending };
        if let Some(token) = self.pending.insert(pending, cx.config.max_pending) {
            let body = Body::Route { token, key, payload, claim, hops: 1, timeouts: 0 };
            Self::send(next, body, cx);
        }
    }
}

/// When a joining node that hears nothing asks again.
pub(crate) fn patience(cx: &Cx<'_>) -> Time {
    cx.now + cx.config.timeout.0 * 4
}
