//! What happens to searches at a node: its own, and those that pass.
use overlay_core::{Answer, Ctx, DropReason, Event, Key, NodeId, OpId, Role, Strategy};

use crate::node::{Flooding, Timer};
use crate::search::{Search, Step};
use crate::seen::Sighting;
use crate::{FloodingMessage, QueryId, Spread};

/// How far a walker has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walker {
    pub(crate) id: QueryId,
    pub(crate) key: Key,
    pub(crate) previous: NodeId,
    pub(crate) hops: u16,
}

/// A hit on its way to the searcher.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) id: QueryId,
    pub(crate) by: NodeId,
    pub(crate) holder: NodeId,
    pub(crate) hops: u16,
    pub(crate) ttl: u8,
}

impl Hit {
    fn to_message(self) -> FloodingMessage {
        let Self { id, by, holder, hops, ttl } = self;
        FloodingMessage::QueryHit { id, by, holder, hops, ttl }
    }
}

impl Flooding {
    /// This node searches.
    pub(crate) fn search(&mut self, op: OpId, key: Key, cx: &mut Ctx<'_, Self>) {
        cx.emit(Event::Visited);
        if let Some(holder) = self.holder_of(&key, cx) {
            let answer = Answer { by: cx.me, holder: Some(holder), hops: 0, timeouts: 0 };
            return cx.emit(Event::Found { op, answer });
        }
        if self.links.peers().is_empty() {
            return cx.emit(Event::Failed { op });
        }
        let sequence = self.searches.next_sequence();
        let until = cx.now + cx.config.query_timeout.into();
        if self.searches.open(Search::new(op, key, sequence, until), cx.config.max_searches) {
            self.go_on(sequence, cx);
        } else {
            cx.emit(Event::Dropped(DropReason::Bound));
            cx.emit(Event::Failed { op });
        }
    }

    /// A search of this node begins, or has waited for as long as it was to.
    pub(crate) fn go_on(&mut self, sequence: u32, cx: &mut Ctx<'_, Self>) {
        let Some(search) = self.searches.find(sequence) else { return };
        let (op, key) = (search.op, search.key);
        let id = QueryId { origin: cx.me, sequence };
        let wait = match search.next(cx.config, cx.now) {
            Step::Fail => {
                self.searches.close(sequence);
                return cx.emit(Event::Failed { op });
            }
            Step::Flood { round, ttl, wait } => {
                let spread = Spread { ttl, hops: 1, round };
                for &peer in self.links.peers() {
                    cx.send(peer, FloodingMessage::Query { id, key, spread });
                }
                wait
            }
            Step::Walk { wait } => {
                self.send_walkers(id, key, cx);
                wait
            }
        };
        cx.set_timer(wait, Timer::Search { sequence });
    }

    /// As many walkers over each link as over any other, but for one; from a random link on.
    fn send_walkers(&self, id: QueryId, key: Key, cx: &mut Ctx<'_, Self>) {
        let peers = self.links.peers();
        let first = cx.rng.below(peers.len() as u64) as usize;
        let chosen = peers.iter().cycle().skip(first);
        for &peer in chosen.take(cx.config.walkers.into()) {
            cx.send(peer, FloodingMessage::Walk { id, key, hops: 1 });
        }
    }

    /// A query came by. Whatever its sender is to this node: a link that is just being given up or
    /// made may bring one, and refusing it would cost as much as serving it.
    #[inline]
    pub(crate) fn on_query(
        &mut self,
        from: NodeId,
        id: QueryId,
        key: Key,
        spread: Spread,
        cx: &mut Ctx<'_, Self>,
    ) {
        if id.origin == cx.me {
            return; // Its own, which has come round.
        }
        let config = cx.config;
        match self.seen.see(id, spread.round, from, cx.now, || config.seen_bounds()) {
            Sighting::Copy => return,
            Sighting::First => cx.emit(Event::Visited),
            Sighting::Wider => {}
        }
        if spread.ttl == 0 || spread.ttl > config.ttl {
            cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        if let Some(holder) = self.holder_of(&key, cx) {
            let (hops, ttl) = (spread.hops.into(), config.ttl);
            cx.send(from, Hit { id, by: cx.me, holder, hops, ttl }.to_message());
        }
        let ttl = spread.ttl.min(config.ttl);
        if ttl > 1 && self.forwards(cx) {
            let hops = spread.hops.saturating_add(1);
            let spread = Spread { ttl: ttl - 1, hops, ..spread };
            for &peer in self.links.peers() {
                if peer != from {
                    cx.send(peer, FloodingMessage::Query { id, key, spread });
                }
            }
        }
    }

    /// Leaves are searched for by their super-peers, and freeloaders may serve nobody.
    fn forwards(&self, cx: &Ctx<'_, Self>) -> bool {
        self.links.role() != Role::Leaf && !cx.conduct.is(Strategy::NoForward)
    }

    /// Who holds the item, as far as this node knows: itself, or one of its leaves.
    #[inline]
    fn holder_of(&self, key: &Key, cx: &mut Ctx<'_, Self>) -> Option<NodeId> {
        if self.exchange.holds(key) {
            return Some(cx.me);
        }
        self.index.as_ref().and_then(|index| index.holder_of(key, cx.rng))
    }

    /// A hit came by: this node's, or to be passed on the way its query came.
    pub(crate) fn on_hit(&mut self, hit: Hit, cx: &mut Ctx<'_, Self>) {
        let sequence = hit.id.sequence;
        if hit.id.origin == cx.me {
            match self.searches.close(sequence) {
                Some(Search { op, .. }) => {
                    let Hit { by, holder, hops, .. } = hit;
                    let answer = Answer { by, holder: Some(holder), hops, timeouts: 0 };
                    cx.emit(Event::Found { op, answer });
                }
                // One hit was enough, or it came too late.
                None if self.searches.has_begun(sequence) => {}
                None => cx.emit(Event::Dropped(DropReason::Nonsense)),
            }
        } else if self.forwards(cx) {
            match self.seen.way_back(hit.id).filter(|_| hit.ttl > 1) {
                Some(peer) => {
                    let ttl = hit.ttl.min(cx.config.ttl) - 1;
                    cx.send(peer, Hit { ttl, ..hit }.to_message());
                }
                None => cx.emit(Event::Dropped(DropReason::Nonsense)),
            }
        }
    }

    /// A walker came by.
    pub(crate) fn on_walker(&mut self, walker: Walker, cx: &mut Ctx<'_, Self>) {
        let Walker { id, key, previous, hops } = walker;
        if id.origin == cx.me {
            if self.searches.find(id.sequence).is_some() {
                self.pass_on(walker, cx);
            }
            return;
        }
        let config = cx.config;
        let sighting = self.seen.see(id, 0, previous, cx.now, || config.seen_bounds());
        if sighting == Sighting::First {
            cx.emit(Event::Visited);
        }
        if let Some(holder) = self.holder_of(&key, cx) {
            // Straight: the way back of a walker may be as long as it is crooked.
            let hit = Hit { id, by: cx.me, holder, hops, ttl: 1 };
            cx.send(id.origin, hit.to_message());
        } else if !self.forwards(cx) || hops >= config.walk_steps {
            // Here it ends.
        } else if hops.is_multiple_of(config.check_every.into()) {
            let sequence = id.sequence;
            cx.send(id.origin, FloodingMessage::CheckBack { sequence, previous, hops });
        } else {
            self.pass_on(walker, cx);
        }
    }

    /// Sends a walker to a random link, but back only if there is no other.
    fn pass_on(&self, walker: Walker, cx: &mut Ctx<'_, Self>) {
        let Walker { id, key, previous, hops } = walker;
        let peers = self.links.peers();
        let back = peers.iter().position(|&peer| peer == previous).filter(|_| peers.len() > 1);
        let choices = peers.len() - usize::from(back.is_some());
        let drawn = cx.rng.below(choices as u64) as usize;
        let chosen = if back.is_some_and(|back| drawn >= back) { drawn + 1 } else { drawn };
        if let Some(&next) = peers.get(chosen) {
            cx.send(next, FloodingMessage::Walk { id, key, hops: hops.saturating_add(1) });
        }
    }

    /// A walker asks whether to go on: it shall while nothing is found.
    pub(crate) fn on_check_back(
        &mut self,
        from: NodeId,
        sequence: u32,
        (previous, hops): (NodeId, u16),
        cx: &mut Ctx<'_, Self>,
    ) {
        if let Some(&mut Search { key, .. }) = self.searches.find(sequence) {
            cx.send(from, FloodingMessage::Continue { sequence, key, previous, hops });
        } else if !self.searches.has_begun(sequence) {
            cx.emit(Event::Dropped(DropReason::Nonsense));
        }
    }

    /// A walker that asked shall go on.
    pub(crate) fn on_continue(&mut self, walker: Walker, cx: &mut Ctx<'_, Self>) {
        if walker.hops >= cx.config.walk_steps {
            cx.emit(Event::Dropped(DropReason::Nonsense));
        } else if self.forwards(cx) {
            self.pass_on(walker, cx);
        }
    }
}
