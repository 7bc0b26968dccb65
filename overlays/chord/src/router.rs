//! The protocol: what a Chord node does with what arrives.
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::dht::{At, DhtCtx, DhtMessage, DhtTimer, Request, Routing, StorageConfig};
use overlay_core::{DropReason, Event, Key, NodeId, OpId, Setting, Time};
use smallvec::SmallVec;

use crate::bootstrap::{Joining, Known, patience};
use crate::pending::{Origin, Pending, PendingTable};
use crate::{
    Body, ChordConfig, ChordMessage, Claim, Distance, Member, Payload, Position, Ring, RingMember,
    invariant,
};

pub(crate) type Cx<'a> = DhtCtx<'a, Router>;
pub(crate) type Node<'s, 'c> = At<'s, 'c, Router>;

/// Rounds of stabilisation for which a node that has joined keeps the fast rhythm: joins come in
/// waves, and the fingers of those who came first change with those who come last.
const YOUNG_ROUNDS: u32 = 32;
/// A request that nobody answered is forgotten after this many timeouts.
const EXPIRY_TIMEOUTS: u32 = 20;
/// Encoded size of one link: a 160-bit identifier and a 32-bit address.
const LINK_BYTES: u64 = 24;

/// What a router asks to be reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Stabilise, refresh a finger, doubt who does not answer.
    Tick,
}

/// A Chord node's routing.
#[derive(Clone, Debug)]
pub struct Router {
    pub(crate) members: SmallVec<[RingMember; 1]>,
    pub(crate) pending: PendingTable,
    /// Peers that were asked whether they are there, and when.
    doubted: SmallVec<[(NodeId, Time); 1]>,
    pub(crate) joining: Option<Joining>,
    pub(crate) known: Known,
    /// When others were last looked for through those.
    pub(crate) looked_at: Time,
    /// The present interval of stabilisation, and whether links have changed within it.
    rhythm: Duration,
    /// Until when a node that has just joined expects others to join beside it.
    young_until: Time,
    pub(crate) is_unsettled: bool,
}

impl Router {
    /// This node's members of the ring; none before it has joined and after it has left.
    #[must_use]
    pub fn members(&self) -> &[RingMember] {
        &self.members
    }

    pub(crate) fn send(to: Member, body: Body, cx: &mut Cx<'_>) {
        let message = ChordMessage { to: to.index(cx.config), body };
        cx.send(to.node(cx.config), DhtMessage::Routing(message));
    }

    /// The member that this is for, if it is about to join and not linked to anybody yet. Who takes it for
    /// one of the ring knew it in a former life; it must not seem to be one now, or that peer would adopt
    /// its empty successor list and be lost with it. A ping is for the node, which may be in already with
    /// another one.
    fn outsider(&self, to: u16, body: &Body) -> Option<Member> {
        let is_outside = match body {
            Body::Ping => self.members.iter().all(RingMember::is_alone),
            _ => self.members.get(usize::from(to))?.is_alone(),
        };
        let is_one = self.joining.is_some() && is_outside && body.is_for_members();
        self.members.get(usize::from(to)).filter(|_| is_one).map(|member| member.me)
    }

    /// Asks for the next tick: soon if links have changed, otherwise after twice as long as last
    /// time; ±50 %, so that nodes do not stabilise in step.
    fn set_tick(&mut self, cx: &mut Cx<'_>) {
        let Some(slowest) = cx.config.stabilize_every else { return };
        let fastest = cx.config.settle_every.0.min(slowest.0);
        let changed = core::mem::take(&mut self.is_unsettled) || cx.now < self.young_until;
        self.rhythm = if changed { fastest } else { (self.rhythm * 2).min(slowest.0) };
        let after = cx.rng.around(self.rhythm, 0.5);
        cx.set_timer(after, DhtTimer::Routing(Timer::Tick));
    }

    fn on_get_successors(&self, to: u16, asker: Member, cx: &mut Cx<'_>) {
        let Some(member) = self.members.get(usize::from(to)) else {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        let body = Body::Successors {
            of: member.me,
            predecessor: member.predecessor(),
            list: member.shared_successors(),
        };
        Self::send(asker, body, cx);
    }

    /// Zave's stabilizeFromSuccessor and stabilizeFromPredecessor, one step each time a list comes,
    /// whether it was asked for or the successor has news.
    fn on_successors(
        &mut self,
        (from, to): (NodeId, u16),
        (of, predecessor, list): (Member, Option<Member>, &[Member]),
        mut node: Node<'_, '_>,
    ) {
        let config = node.cx.config;
        let Some(member) = self.members.get_mut(usize::from(to)) else {
            return node.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        if of.node(config) != from {
            return node.cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        member.asked = member.asked.filter(|&(asked, _)| asked != of);
        if !member.is_nearer_successor(of, config) {
            return;
        }
        let changed = member.adopt(of, list, config);
        let nearer = predecessor.filter(|&p| p != of && member.is_nearer_successor(p, config));
        let is_unknown = member.predecessor().is_none();
        if let (Some(_), Some(joining), true) = (nearer, self.joining, is_unknown) {
            // Members that joined at the same time may stand between by the dozen. They are linked
            // to each other, so the way past them is shorter through them than from here; unless they
            // know this member already, to which it leads then.
            self.joining = Some(Joining { again_at: patience(node.cx), ..joining });
            self.locate_from(to, of, Claim::Successor, node.cx);
        } else if let Some(nearer) = nearer {
            self.ask(to, nearer, node.cx);
        } else if predecessor != Some(member.me) {
            // Differs from the paper: a successor that knows this member already is not notified.
            Self::send(of, Body::Notify { candidate: member.me }, node.cx);
        }
        if nearer.is_none() {
            self.complete_join(to, node.reborrow());
        }
        if changed {
            self.is_unsettled = true;
            self.tell_predecessor(to, node.cx);
            node.storage.on_neighborhood_change(self, node.cx);
        }
    }

    /// Differs from the paper: a member whose successors have changed tells its predecessor, so that
    /// news goes round the ring in latencies rather than in periods of stabilisation. What is told
    /// is what the predecessor would have got by asking.
    fn tell_predecessor(&self, index: u16, cx: &mut Cx<'_>) {
        if let Some(predecessor) = self.members[usize::from(index)].predecessor() {
            self.on_get_successors(index, predecessor, cx);
        }
    }

    /// Completes a join: the first list is there, so the fingers can be looked up.
    fn complete_join(&mut self, index: u16, mut node: Node<'_, '_>) {
        let Some(joining) = self.joining else { return };
        let member = &self.members[usize::from(index)];
        for (octave, place) in member.far_fingers(node.cx.config) {
            let target = (place.to_key(), Payload::Locate { asker: node.cx.me });
            let origin = Origin::Finger { member: index, octave };
            self.start(origin, index, target, node.reborrow());
        }
        if self.members.iter().all(|member| !member.is_alone()) {
            self.joining = None;
            node.cx.emit(Event::Joined { op: joining.op });
        }
    }

    fn on_notify(&mut self, to: u16, candidate: Member, mut node: Node<'_, '_>) {
        let config = node.cx.config;
        let Some(member) = self.members.get_mut(usize::from(to)) else {
            return node.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        let present = member.predecessor();
        if member.rectify(candidate, config) {
            if let Some(before) = present {
                // It has a nearer successor now.
                self.on_get_successors(to, before, node.cx);
            }
            node.storage.on_neighborhood_change(self, node.cx);
        } else if let Some(present) = present.filter(|&present| present != candidate) {
            // The candidate is farther away; it is right only if the present one is dead.
            self.doubt(present.node(config), node.reborrow().cx);
        }
    }

    fn on_leaving(
        &mut self,
        from: NodeId,
        (leaver, before): (Member, Option<Member>),
        node: Node<'_, '_>,
    ) {
        let config = node.cx.config;
        if leaver.node(config) != from {
            return node.cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        for member in &mut self.members {
            if let (Some(before), true) = (before, member.predecessor() == Some(leaver)) {
                member.set_predecessor(before, config);
            }
        }
        // Others of that node may be in the ring.
        self.lose(from, |member| member == leaver, node);
    }

    /// Asks a peer whether it is there.
    fn doubt(&mut self, peer: NodeId, cx: &mut Cx<'_>) {
        if peer != cx.me && !self.doubted.iter().any(|&(doubted, _)| doubted == peer) {
            self.doubted.push((peer, cx.now));
            let message = ChordMessage { to: 0, body: Body::Ping };
            cx.send(peer, DhtMessage::Routing(message));
        }
    }

    fn on_tick(&mut self, mut node: Node<'_, '_>) {
        let config = node.cx.config;
        if self.members.is_empty() {
            return;
        }
        self.lose_the_silent(node.reborrow());
        self.doubt_the_slow(node.cx);
        self.join_again(node.cx);
        self.find_back(node.cx);
        for index in 0..self.members.len() as u16 {
            self.stabilize(index, node.cx);
            if self.is_unsettled && self.joining.is_none() {
                self.locate_successor(index, node.reborrow());
            }
            let finger = self.members[usize::from(index)].next_finger(config);
            if let (Some((octave, place)), true) = (finger, self.joining.is_none()) {
                let target = (place.to_key(), Payload::Locate { asker: node.cx.me });
                let origin = Origin::Finger { member: index, octave };
                self.start(origin, index, target, node.reborrow());
            }
        }
        self.set_tick(node.cx);
    }

    /// Asks the first successor, unless an answer is still on its way.
    fn stabilize(&mut self, index: u16, cx: &mut Cx<'_>) {
        let timeout = cx.config.timeout.0;
        let member = &self.members[usize::from(index)];
        match (member.asked, member.successors().first().copied()) {
            (Some((_, since)), _) if cx.now.since(since) < timeout => {}
            (silent, head) => {
                if let Some((silent, _)) = silent {
                    self.doubt(silent.node(cx.config), cx);
                }
                if let Some(head) = head {
                    self.ask(index, head, cx);
                }
            }
        }
    }

    /// Asks another member for its successor list.
    fn ask(&mut self, index: u16, other: Member, cx: &mut Cx<'_>) {
        let member = &mut self.members[usize::from(index)];
        member.asked = Some((other, cx.now));
        Self::send(other, Body::GetSuccessors { asker: member.me }, cx);
    }

    /// Looks for the nearest successor through the ring: where many have joined at once, they know
    /// of each other before this member has asked its way from one to the next.
    fn locate_successor(&mut self, index: u16, node: Node<'_, '_>) {
        let next = Distance::power(0, node.cx.config.bits);
        let place = self.members[usize::from(index)].position.plus(next);
        let target = (place.to_key(), Payload::Locate { asker: node.cx.me });
        self.start(Origin::Successor { member: index }, index, target, node);
    }

    /// The successor was found: asks it, if it is news.
    pub(crate) fn on_successor_located(&mut self, index: u16, found: Member, cx: &mut Cx<'_>) {
        let config = cx.config;
        let Some(member) = self.members.get(usize::from(index)) else { return };
        let is_news = member.successors().first() != Some(&found) || self.joining.is_some();
        if is_news && member.is_nearer_successor(found, config) {
            self.ask(index, found, cx);
        }
    }

    /// Gives up peers that were doubted and did not answer in time.
    fn lose_the_silent(&mut self, mut node: Node<'_, '_>) {
        let (now, timeout) = (node.cx.now, node.cx.config.timeout.0);
        let is_silent = |&(_, since): &(NodeId, Time)| now.since(since) >= timeout;
        let silent: SmallVec<[_; 2]> = self.doubted.iter().copied().filter(is_silent).collect();
        for (peer, _) in silent {
            self.on_peer_lost(peer, node.reborrow());
        }
    }

    /// Doubts the next hop of requests that wait for long, and forgets those that wait for ever.
    fn doubt_the_slow(&mut self, cx: &mut Cx<'_>) {
        let (now, timeout) = (cx.now, cx.config.timeout.0);
        let slow = self.pending.iter().filter(|pending| now.since(pending.since) > timeout);
        let slow: SmallVec<[NodeId; 2]> =
            slow.map(|pending| pending.next.node(cx.config)).collect();
        for peer in slow {
            self.doubt(peer, cx);
        }
        // Who wants to locate asks again anyway.
        let patience = |pending: &Pending| match pending.payload {
            Payload::Locate { .. } => timeout * 4,
            Payload::Request(_) => timeout * EXPIRY_TIMEOUTS,
        };
        while let Some(expired) = self.pending.take_any(|p| now.since(p.since) > patience(p)) {
            Self::give_up(&expired, cx);
        }
    }

    /// These members of a peer are gone: forgets them, and sends elsewhere what waited for them.
    fn lose(&mut self, peer: NodeId, gone: impl Fn(Member) -> bool, mut node: Node<'_, '_>) {
        let config = node.cx.config;
        self.doubted.retain(|&mut (doubted, _)| doubted != peer);
        if let Some(joining) = self.joining.as_mut().filter(|it| it.rendezvous == peer) {
            // It may itself be about to join, so it is asked again at the next tick.
            joining.again_at = node.cx.now;
        }
        let mut changed = false;
        if !config.is_frozen() {
            for index in 0..self.members.len() {
                changed |= self.forget(index as u16, &gone, node.cx);
            }
        }
        let mut orphaned: SmallVec<[Pending; 2]> = SmallVec::new();
        while let Some(pending) = self.pending.take_any(|pending| gone(pending.next)) {
            orphaned.push(pending);
        }
        for pending in orphaned {
            self.retry(pending, node.reborrow());
        }
        if changed {
            node.storage.on_neighborhood_change(self, node.cx);
        }
    }

    /// One member forgets others that are gone. Whether its predecessor or successors have changed.
    fn forget(&mut self, index: u16, gone: impl Fn(Member) -> bool, cx: &mut Cx<'_>) -> bool {
        let config = cx.config;
        let member = &mut self.members[usize::from(index)];
        let head = member.successors().first().copied();
        let asked = member.asked.filter(|&(asked, _)| gone(asked));
        let changed = member.forget(gone, config);
        if asked.is_some() {
            member.asked = None;
            if asked.map(|(asked, _)| asked) == head {
                self.stabilize(index, cx);
            } else if let Some(head) = head {
                // Zave: a dead predecessor of the successor is passed over. The successor will see.
                Self::send(head, Body::Notify { candidate: member.me }, cx);
            }
        }
        if changed {
            self.is_unsettled = true;
            self.tell_predecessor(index, cx);
        }
        changed
    }
}

impl Routing for Router {
    const NAME: &'static str = "chord";
    type Config = ChordConfig;
    type Message = ChordMessage;
    type Timer = Timer;
    type Oracle = Ring;

    fn storage(config: &ChordConfig) -> &StorageConfig {
        &config.storage
    }

    fn check(config: &ChordConfig, nodes: u32) -> Result<(), (&'static str, String)> {
        config.check(nodes)
    }

    fn new(_: &mut Cx<'_>) -> Self {
        Self {
            members: SmallVec::new(),
            pending: PendingTable::default(),
            doubted: SmallVec::new(),
            joining: None,
            known: Known::Nobody,
            looked_at: Time::ZERO,
            rhythm: Duration::ZERO,
            young_until: Time::ZERO,
            is_unsettled: true,
        }
    }

    fn found(&mut self, founders: u32, cx: &mut Cx<'_>) {
        self.known = Known::Founders(founders);
        let ring = Ring::of(cx.config, founders);
        self.young_until = cx.now + cx.config.settle_every.0 * YOUNG_ROUNDS;
        self.settle(&ring, cx);
    }

    fn join(&mut self, op: OpId, rendezvous: NodeId, cx: &mut Cx<'_>) {
        let place = |index| RingMember::new(Member::of(cx.me, index, cx.config), cx.config);
        self.members = (0..cx.config.virtual_nodes).map(place).collect();
        self.young_until = cx.now + cx.config.settle_every.0 * YOUNG_ROUNDS;
        self.known = Known::Rendezvous(rendezvous);
        self.ask_rendezvous(Joining { op, rendezvous, again_at: cx.now }, cx);
        self.set_tick(cx);
    }

    fn is_joined(&self) -> bool {
        !self.members.is_empty() && self.joining.is_none()
    }

    fn leave(&mut self, cx: &mut Cx<'_>) {
        for member in core::mem::take(&mut self.members) {
            let (leaver, predecessor) = (member.me, member.predecessor());
            let mut links = member.links();
            links.sort_unstable();
            links.dedup();
            links.retain(|link| link.node(cx.config) != cx.me);
            for link in links {
                Self::send(link, Body::Leaving { member: leaver, predecessor }, cx);
            }
        }
    }

    fn route(&mut self, op: OpId, key: Key, request: Request, node: Node<'_, '_>) {
        if !self.is_joined() {
            return node.cx.emit(Event::Failed { op });
        }
        let config = node.cx.config;
        let place = Position::of_key(&key, config.bits);
        let nearest = (0u16..).zip(&self.members).min_by_key(|(_, member)| {
            (!member.is_responsible(place, config), place.since(member.position))
        });
        let member = nearest.map_or(0, |(index, _)| index);
        self.start(Origin::Operation(op), member, (key, Payload::Request(request)), node);
    }

    #[inline]
    fn on_message(&mut self, from: NodeId, message: ChordMessage, node: Node<'_, '_>) {
        let ChordMessage { to, body } = message;
        if let Some(member) = self.outsider(to, &body) {
            let body = Body::Leaving { member, predecessor: None };
            return node.cx.send(from, DhtMessage::Routing(ChordMessage { to: 0, body }));
        }
        match body {
            Body::Route { token, key, payload, claim, hops, timeouts } => {
                let origin = Origin::Peer(from, token);
                let mut pending = Pending::new(origin, to, (key, payload), node.cx.now);
                (pending.claim, pending.hops, pending.timeouts) = (claim, hops, timeouts);
                self.advance(&mut pending, node);
            }
            Body::Answer { token, outcome, path } => {
                self.on_answer(from, (token, outcome, path), node);
            }
            Body::FindNext { token, key, dead, class } => {
                self.on_find_next(from, to, (token, key, dead, class), node.cx);
            }
            Body::Next { token, next, .. } => self.on_next(from, token, next, node),
            Body::GetSuccessors { asker } => self.on_get_successors(to, asker, node.cx),
            Body::Successors { of, predecessor, list } => {
                self.on_successors((from, to), (of, predecessor, &list), node);
            }
            Body::Notify { candidate } => self.on_notify(to, candidate, node),
            Body::Ping => {
                let pong = ChordMessage { to: 0, body: Body::Pong };
                node.cx.send(from, DhtMessage::Routing(pong));
            }
            Body::Pong => self.doubted.retain(|&mut (peer, _)| peer != from),
            Body::Leaving { member, predecessor } => {
                self.on_leaving(from, (member, predecessor), node);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, node: Node<'_, '_>) {
        match timer {
            Timer::Tick => self.on_tick(node),
        }
    }

    fn on_peer_lost(&mut self, peer: NodeId, node: Node<'_, '_>) {
        let config = node.cx.config;
        self.lose(peer, |member| member.node(config) == peer, node);
    }

    fn is_responsible(&self, key: &Key, config: &ChordConfig) -> bool {
        let place = Position::of_key(key, config.bits);
        self.members.iter().any(|member| member.is_responsible(place, config))
    }

    fn heir(&self, key: &Key, config: &ChordConfig) -> Option<NodeId> {
        let heir = self.member_after(key, config)?.predecessor()?.node(config);
        Some(heir)
    }

    fn next_in_line(&self, key: &Key, most: u8, config: &ChordConfig) -> SmallVec<[NodeId; 4]> {
        let mut nodes = SmallVec::new();
        let Some(member) = self.member_after(key, config) else { return nodes };
        for node in member.successors().iter().map(|successor| successor.node(config)) {
            if nodes.len() == usize::from(most) {
                break;
            }
            if node != member.me.node(config) && !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }

    fn state_bytes(&self, config: &ChordConfig) -> u64 {
        self.neighbors(config).len() as u64 * LINK_BYTES
    }

    fn neighbors(&self, config: &ChordConfig) -> Vec<NodeId> {
        let links = self.members.iter().flat_map(RingMember::links);
        let mut nodes: Vec<_> = links.map(|link| link.node(config)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|&node| self.members.iter().all(|member| member.me.node(config) != node));
        nodes
    }

    fn oracle(config: &ChordConfig, setting: &dyn Setting) -> Ring {
        Ring::of(config, setting.nodes())
    }

    fn settle(&mut self, ring: &Ring, cx: &mut Cx<'_>) {
        let place =
            |index| RingMember::settled(Member::of(cx.me, index, cx.config), ring, cx.config);
        self.members = (0..cx.config.virtual_nodes).map(place).collect();
        if let Some(every) = cx.config.stabilize_every {
            self.rhythm = every.0;
            self.is_unsettled = false;
            let after = cx.rng.duration_below(every.0);
            cx.set_timer(after, DhtTimer::Routing(Timer::Tick));
        }
    }

    fn check_network(config: &ChordConfig, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        invariant::check(config, nodes)
    }

    fn is_promised(config: &ChordConfig, nodes: &[(NodeId, &Self)]) -> bool {
        invariant::is_promised(config, nodes)
    }
}

impl Router {
    /// This node's member that is the first at or after the key.
    fn member_after(&self, key: &Key, config: &ChordConfig) -> Option<&RingMember> {
        let place = Position::of_key(key, config.bits);
        self.members.iter().min_by_key(|member| member.position.since(place))
    }
}
