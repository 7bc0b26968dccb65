//! A request's way through a node: delivered here, forwarded, answered, or tried another way.
use overlay_core::dht::{DhtMessage, Path};
use overlay_core::{Class, DropReason, Event, Key, NodeId, Strategy};

use crate::member::Decision;
use crate::pending::{Origin, Pending};
use crate::router::{Cx, Node};
use crate::{Body, ChordMessage, Claim, LookupStyle, Member, Outcome, Payload, Position, Router};

/// Most forward messages a request may take: far beyond log2 of any network; a request that gets
/// there runs in circles.
const MAX_HOPS: u8 = 200;

impl Router {
    /// Starts a request of this node's own at the member nearest before the key.
    pub(crate) fn start(
        &mut self,
        origin: Origin,
        member: u16,
        (key, payload): (Key, Payload),
        node: Node<'_, '_>,
    ) {
        let mut pending = Pending::new(origin, member, (key, payload), node.cx.now);
        self.advance(&mut pending, node);
    }

    /// Takes a request one step further from this node: delivers it here, or forwards it.
    pub(crate) fn advance(&mut self, pending: &mut Pending, mut node: Node<'_, '_>) {
        let config = node.cx.config;
        let key = Position::of_key(&pending.key, config.bits);
        let at = (&mut pending.member, &mut pending.claim);
        match self.decide(key, at, pending.dead, node.cx) {
            Some(Decision::Deliver) => self.deliver(pending, node.reborrow()),
            Some(Decision::Forward(next, claim)) => self.forward(pending, next, claim, node),
            Some(Decision::Stuck) => Self::give_up(pending, node.cx),
            None => node.cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
    }

    /// What the member of this node that is nearest to a key would do with it: steps between members
    /// of one node cost no message, and each is nearer to the key. `None` if there is no such member.
    #[inline]
    fn decide(
        &self,
        key: Position,
        (member, claim): (&mut u16, &mut Claim),
        dead: Option<Member>,
        cx: &Cx<'_>,
    ) -> Option<Decision> {
        for _ in 0..=self.members.len() {
            let here = self.members.get(usize::from(*member))?;
            match here.decide(key, *claim, dead, cx.config) {
                Decision::Forward(next, as_what) if next.node(cx.config) == cx.me => {
                    (*member, *claim) = (next.index(cx.config), as_what);
                }
                decision => return Some(decision),
            }
        }
        Some(Decision::Stuck)
    }

    fn forward(&mut self, pending: &mut Pending, next: Member, claim: Claim, node: Node<'_, '_>) {
        let cx = node.cx;
        if matches!(pending.origin, Origin::Peer(..)) && cx.conduct.is(Strategy::NoForward) {
            return;
        }
        if pending.hops >= MAX_HOPS {
            return cx.emit(Event::Dropped(DropReason::Bound));
        }
        pending.next = next;
        pending.via = None;
        let (key, payload, timeouts) = (pending.key, pending.payload, pending.timeouts);
        let hops = pending.hops + 1;
        if let (Payload::Locate { .. }, Origin::Peer(_, token)) = (payload, pending.origin) {
            let body = Body::Route { token, key, payload, claim, hops, timeouts };
            return Self::send(next, body, cx);
        }
        let iterative = cx.config.lookup == LookupStyle::Iterative;
        let Some(token) = self.pending.insert(*pending, cx.config.max_pending) else {
            return cx.emit(Event::Dropped(DropReason::Bound));
        };
        let body = if iterative && claim == Claim::Closer {
            Body::FindNext { token, key, dead: None, class: payload.class() }
        } else {
            Body::Route { token, key, payload, claim, hops, timeouts }
        };
        Self::send(next, body, cx);
    }

    fn deliver(&mut self, pending: &Pending, node: Node<'_, '_>) {
        let outcome = match pending.payload {
            Payload::Request(request) => {
                Outcome::Response(node.storage.deliver(pending.key, request, self, node.cx))
            }
            Payload::Locate { .. } => {
                Outcome::Located(Member::of(node.cx.me, pending.member, node.cx.config))
            }
        };
        let path =
            Path { by: node.cx.me, hops: pending.hops.into(), timeouts: pending.timeouts.into() };
        self.finish(pending, outcome, path, node);
    }

    /// Gives an outcome to whoever waits for it.
    fn finish(&mut self, pending: &Pending, outcome: Outcome, path: Path, node: Node<'_, '_>) {
        let config = node.cx.config;
        match (pending.origin, outcome) {
            (Origin::Peer(peer, token), outcome) => {
                let to = match pending.payload {
                    Payload::Locate { asker } => asker,
                    Payload::Request(_) => peer,
                };
                let body = Body::Answer { token, outcome, path };
                node.cx.send(to, DhtMessage::Routing(ChordMessage { to: 0, body }));
            }
            (Origin::Operation(op), Outcome::Response(response)) => {
                node.storage.on_response(op, response, path, node.cx);
            }
            (Origin::Successor { member }, Outcome::Located(successor)) => {
                self.on_successor_located(member, successor, node.cx);
            }
            (Origin::Finger { member, octave }, Outcome::Located(found)) => {
                if let Some(member) = self.members.get_mut(usize::from(member)) {
                    self.is_unsettled |= member.set_finger(octave, found, config);
                }
            }
            _ => node.cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
    }

    pub(crate) fn give_up(pending: &Pending, cx: &mut Cx<'_>) {
        if let Origin::Operation(op) = pending.origin {
            cx.emit(Event::Failed { op });
        }
    }

    /// Tries another way after the next hop of a request was found dead.
    pub(crate) fn retry(&mut self, mut pending: Pending, mut node: Node<'_, '_>) {
        pending.timeouts = pending.timeouts.saturating_add(1);
        pending.dead = Some(pending.next);
        pending.since = node.cx.now;
        if matches!(pending.origin, Origin::Successor { .. }) {
            return; // Asked again at one of the next ticks.
        }
        let Some(via) = pending.via.take() else {
            if !matches!(pending.origin, Origin::Peer(..)) {
                pending.hops = 0; // Iterative: it may have been far; once more from here.
            }
            return self.advance(&mut pending, node.reborrow());
        };
        // Iterative: whoever named the dead node names the next best.
        pending.next = via;
        pending.hops = pending.hops.saturating_sub(1);
        let (key, dead, class) = (pending.key, pending.dead, pending.payload.class());
        if let Some(token) = self.pending.insert(pending, node.cx.config.max_pending) {
            Self::send(via, Body::FindNext { token, key, dead, class }, node.cx);
        }
    }

    pub(crate) fn on_answer(
        &mut self,
        from: NodeId,
        (token, outcome, path): (u32, Outcome, Path),
        node: Node<'_, '_>,
    ) {
        let config = node.cx.config;
        let is_expected = |pending: &Pending| match pending.payload {
            Payload::Locate { .. } => path.by == from,
            Payload::Request(_) => pending.next.node(config) == from,
        };
        match self.pending.take(token, is_expected) {
            Some(pending) => self.finish(&pending, outcome, path, node),
            None => node.cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
    }

    pub(crate) fn on_find_next(
        &self,
        from: NodeId,
        to: u16,
        body: (u32, Key, Option<Member>, Class),
        cx: &mut Cx<'_>,
    ) {
        let (token, key, dead, class) = body;
        if cx.conduct.is(Strategy::NoForward) {
            return;
        }
        let place = Position::of_key(&key, cx.config.bits);
        let (mut member, mut claim) = (to, Claim::Closer);
        let next = match self.decide(place, (&mut member, &mut claim), dead, cx) {
            Some(Decision::Forward(next, claim)) => (next, claim),
            // Responsible, or the best that is left.
            Some(Decision::Deliver | Decision::Stuck) => {
                (Member::of(cx.me, member, cx.config), Claim::Survivor)
            }
            None => return cx.emit(Event::Dropped(DropReason::Nonsense)),
        };
        let body = Body::Next { token, next, class };
        cx.send(from, DhtMessage::Routing(ChordMessage { to: 0, body }));
    }

    pub(crate) fn on_next(
        &mut self,
        from: NodeId,
        token: u32,
        (mut next, mut claim): (Member, Claim),
        node: Node<'_, '_>,
    ) {
        let config = node.cx.config;
        let Some(mut pending) = self.pending.take(token, |p| p.next.node(config) == from) else {
            return node.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        pending.since = node.cx.now;
        pending.dead = None;
        if next.node(config) == from {
            claim = Claim::Survivor; // Itself, or another member of the same node: no step further.
        } else if pending.hops < MAX_HOPS {
            pending.hops += 1;
            pending.via = Some(pending.next);
        } else {
            (next, claim) = (pending.next, Claim::Survivor);
        }
        if next.node(config) == node.cx.me {
            (pending.member, pending.claim) = (next.index(config), claim);
            return self.advance(&mut pending, node);
        }
        pending.next = next;
        let (key, payload, timeouts) = (pending.key, pending.payload, pending.timeouts);
        let hops = pending.hops + 1;
        let Some(token) = self.pending.insert(pending, config.max_pending) else {
            return node.cx.emit(Event::Dropped(DropReason::Bound));
        };
        let body = match claim {
            Claim::Closer => Body::FindNext { token, key, dead: None, class: payload.class() },
            Claim::Successor | Claim::Survivor => {
                Body::Route { token, key, payload, claim, hops, timeouts }
            }
        };
        Self::send(next, body, node.cx);
    }
}
