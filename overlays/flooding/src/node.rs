//! A node: what it does with commands, messages and timers.
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{
    Command, Ctx, DropReason, Event, Exchange, Item, Key, NodeId, OpId, Overlay, Role, Setting,
    StateSize,
};

use crate::links::Links;
use crate::query::{Hit, Walker};
use crate::search::Searches;
use crate::seen::Seen;
use crate::super_peer::LeafIndex;
use crate::{FloodingConfig, FloodingMessage, QueryId, Topology};

/// Most keys in one message: 20 kB.
const KEYS_IN_A_MESSAGE: usize = 1_024;

/// What a node asks to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum Timer {
    /// Upkeep of the links.
    Upkeep,
    /// A search of this node has waited for as long as it was to.
    Search {
        /// Which.
        sequence: u32,
    },
}

/// A Gnutella node.
#[derive(Clone, Debug)]
pub struct Flooding {
    pub(crate) links: Links,
    pub(crate) seen: Seen,
    pub(crate) exchange: Exchange,
    /// A super-peer's, once a leaf shares something.
    pub(crate) index: Option<Box<LeafIndex>>,
    pub(crate) searches: Searches,
    /// Whether the node is part of the overlay.
    is_in: bool,
    joining: Option<OpId>,
    /// Publications from before it was.
    early: Vec<OpId>,
}

impl Overlay for Flooding {
    const NAME: &'static str = "flooding";
    type Config = FloodingConfig;
    type Message = FloodingMessage;
    type Timer = Timer;
    type Oracle = Topology;

    fn check(config: &FloodingConfig, _: u32) -> Result<(), (&'static str, String)> {
        config.check()
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        let role = Topology::role_of(cx.me, cx.uplink, cx.config);
        Self {
            links: Links::new(role, cx.config),
            seen: Seen::default(),
            exchange: Exchange::default(),
            index: None,
            searches: Searches::since(cx.now),
            is_in: false,
            joining: None,
            early: Vec::new(),
        }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        match command {
            Command::Found { founders } => {
                self.is_in = true;
                self.links.found(founders, cx);
                self.plan_upkeep(cx);
            }
            Command::Join { op, rendezvous } => {
                self.joining = Some(op);
                self.links.join(rendezvous, cx);
                self.plan_upkeep(cx);
            }
            Command::Publish { op, item } => self.publish(op, item, cx),
            Command::Search { op, key } => self.search(op, key, cx),
            Command::Fetch { op, key, holder } => {
                self.exchange.fetch(op, key, holder, |_| None, cx);
            }
            Command::Leave { op } => {
                self.links.leave(cx);
                self.is_in = false;
                cx.emit(Event::Left { op });
            }
        }
    }

    #[inline]
    fn on_message(&mut self, from: NodeId, message: FloodingMessage, cx: &mut Ctx<'_, Self>) {
        match message {
            FloodingMessage::Query { id, key, spread } => self.on_query(from, id, key, spread, cx),
            FloodingMessage::QueryHit { id, by, holder, hops, ttl } => {
                self.on_hit(Hit { id, by, holder, hops, ttl }, cx);
            }
            FloodingMessage::Walk { id, key, hops } => {
                self.on_walker(Walker { id, key, previous: from, hops }, cx);
            }
            FloodingMessage::CheckBack { sequence, previous, hops } => {
                self.on_check_back(from, sequence, (previous, hops), cx);
            }
            FloodingMessage::Continue { sequence, key, previous, hops } => {
                let id = QueryId { origin: from, sequence };
                self.on_continue(Walker { id, key, previous, hops }, cx);
            }
            FloodingMessage::Share { keys } => self.on_share(from, &keys, cx),
            FloodingMessage::Exchange(message) => {
                self.exchange.on_message(from, *message, |_| None, cx);
            }
            FloodingMessage::Bye => self.on_unlinked(from, cx),
            message => self.on_link_message(from, message, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Ctx<'_, Self>) {
        match timer {
            Timer::Search { sequence } => self.go_on(sequence, cx),
            Timer::Upkeep => {
                for peer in self.links.keep_up(cx) {
                    cx.send(peer, FloodingMessage::Bye);
                    self.on_unlinked(peer, cx);
                }
                self.links.fill(cx);
                self.plan_upkeep(cx);
            }
        }
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.exchange.on_peer_lost(peer, cx);
        self.on_unlinked(peer, cx);
    }

    fn state(&self, _: &FloodingConfig) -> StateSize {
        let links = self.links.remembered() as u32;
        let (entries, bytes) = self.index.as_ref().map_or((0, 0), |index| index.size());
        StateSize { links, entries, bytes: 4 * u64::from(links) + bytes }
    }

    fn neighbors(&self, _: &FloodingConfig) -> Vec<NodeId> {
        self.links.all()
    }

    fn holds(&self, key: &Key) -> bool {
        self.exchange.holds(key)
    }

    fn role(&self) -> Role {
        self.links.role()
    }

    fn oracle(config: &FloodingConfig, setting: &dyn Setting) -> Topology {
        Topology::of(config, setting)
    }

    fn settle(&mut self, topology: &Topology, cx: &mut Ctx<'_, Self>) {
        self.is_in = true;
        self.links.settle(topology, cx);
        if let Some(every) = cx.config.ping_every {
            let after = cx.rng.duration_below(every.into());
            cx.set_timer(after, Timer::Upkeep);
        }
    }

    /// Nobody has more links than it may have, twice the same, or one to itself, and nothing that
    /// is remembered exceeds its bound.
    fn check_network(config: &FloodingConfig, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        nodes.iter().try_for_each(|&(me, node)| node.check_bounds(me, config))
    }
}

impl Flooding {
    fn check_bounds(&self, me: NodeId, config: &FloodingConfig) -> Result<(), String> {
        let links = &self.links;
        let most_leaves = config.super_peers.as_ref().map_or(0, |own| own.max_leaves);
        let bounds = [
            ("links", links.peers().len(), links.bound(config)),
            ("leaves", links.leaves().len(), most_leaves.into()),
            ("hosts", links.cached(), config.host_cache.into()),
            ("older queries", self.seen.room(), config.max_seen as usize),
        ];
        if let Some((what, number, bound)) = bounds.iter().find(|(_, it, bound)| it > bound) {
            return Err(format!("{me} has {number} {what}, more than {bound}"));
        }
        let all = links.all();
        if all.contains(&me) || all.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(format!("{me} is linked to itself or twice to another: {all:?}"));
        }
        Ok(())
    }

    /// Looks after the links again later; sooner while some are being made.
    fn plan_upkeep(&self, cx: &mut Ctx<'_, Self>) {
        let Some(every) = cx.config.ping_every else { return };
        let soon = cx.config.timeout.min(every);
        let mean = if self.links.are_being_made() { soon } else { every };
        let after = cx.rng.around(mean.into(), 0.5);
        cx.set_timer(after, Timer::Upkeep);
    }

    fn on_link_message(&mut self, from: NodeId, message: FloodingMessage, cx: &mut Ctx<'_, Self>) {
        if from == cx.me {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        let is_linked = match message {
            // Others may have heard of a node before it is asked to join: it was here once.
            FloodingMessage::Connect { .. } if !self.is_in && self.joining.is_none() => {
                return cx.send(from, FloodingMessage::Refuse { hosts: Box::default() });
            }
            FloodingMessage::Connect { leaf } => {
                let is_linked = self.links.on_connect(from, leaf, cx);
                if !self.links.leaves().is_empty() {
                    self.take_part(cx);
                }
                is_linked
            }
            FloodingMessage::Accept { hosts } => self.links.on_accept(from, &hosts, cx),
            FloodingMessage::Refuse { hosts } => return self.links.on_refuse(from, &hosts, cx),
            FloodingMessage::Ping { wants_hosts } => {
                return self.links.on_ping(from, wants_hosts, cx);
            }
            FloodingMessage::Pong { hosts } => return self.links.on_pong(from, &hosts, cx),
            _ => return,
        };
        if is_linked {
            self.on_linked(from, cx);
        }
    }

    /// There is a new link that queries go over.
    fn on_linked(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.take_part(cx);
        if self.links.role() == Role::Leaf {
            let keys: Vec<Key> = self.exchange.items().map(|item| item.key).collect();
            for keys in keys.chunks(KEYS_IN_A_MESSAGE) {
                cx.send(peer, FloodingMessage::Share { keys: keys.into() });
            }
        }
    }

    /// With its first link, be it a leaf's, the node is part of the overlay.
    fn take_part(&mut self, cx: &mut Ctx<'_, Self>) {
        self.is_in = true;
        if let Some(op) = self.joining.take() {
            cx.emit(Event::Joined { op });
        }
        for op in core::mem::take(&mut self.early) {
            cx.emit(Event::Published { op });
        }
    }

    /// A peer is gone, or a link given up: replaces it.
    fn on_unlinked(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        if self.links.forget(peer)
            && let Some(index) = &mut self.index
        {
            index.remove(peer);
        }
        if cx.config.ping_every.is_some() {
            self.links.fill(cx);
        }
    }

    /// What a peer holds is found where it is; what a leaf holds is found at its super-peers.
    fn publish(&mut self, op: OpId, item: Item, cx: &mut Ctx<'_, Self>) {
        if !self.exchange.share(op, item, cx) {
            return;
        }
        if !self.is_in {
            return self.early.push(op);
        }
        if self.links.role() == Role::Leaf {
            for &super_peer in self.links.peers() {
                cx.send(super_peer, FloodingMessage::Share { keys: [item.key].into() });
            }
        }
        cx.emit(Event::Published { op });
    }

    fn on_share(&mut self, from: NodeId, keys: &[Key], cx: &mut Ctx<'_, Self>) {
        let is_leaf = self.links.leaves().binary_search(&from).is_ok();
        let Some(own) = cx.config.super_peers.as_ref().filter(|_| is_leaf) else {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        let index = self.index.get_or_insert_default();
        for key in keys {
            if !index.add(*key, from, own.max_leaf_keys) {
                cx.emit(Event::Dropped(DropReason::Bound));
            }
        }
    }
}
