//! The nodes, the queue and the network, stepped event by event.
use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::{
    Effect, Input, Message as _, NodeId, Overlay, Purpose, Random, Setting as _, Time, step, wire,
};
use peerbench_measure::{Course, ItemBytes, Sent, Traffic};
use peerbench_scenario::World;

use crate::TraceDigest;
use crate::agenda::{Agenda, Due};
use crate::memory::{prefer_large_pages, prefetch};
use crate::network::{Access, Connections, Crossings, Wiring};
use crate::observer::Observer;
use crate::slot::{Here, Life, RECEIVED, SENT, Slot};
use crate::weather::Weather;

/// What waits in the queue for a node. The tag is a whole word: with a byte, every move out of the
/// queue is a copy from odd addresses, which stalls until all stores before it are done, and that
/// costs as much as everything else together. For the same reason the message comes first: it is
/// copied with the whole and then alone, and both must cut it into the same words.
#[derive(Debug, Default)]
#[repr(u64)]
pub(crate) enum Occurrence<O: Overlay> {
    /// The connection to the receiver stands now: what waited for it takes its turn on the uplink.
    Departure { message: O::Message, to: NodeId, bytes: u32 },
    /// A message would come out of the receiver's downlink now, if the downlink were idle.
    Arrival { message: O::Message, from: NodeId, bytes: u32 },
    /// A message comes out of the receiver's downlink.
    Delivery { message: O::Message, from: NodeId, bytes: u32 },
    /// Anything else that is put into a node.
    Input(Input<O>),
    /// Nothing: what is left when an event was taken out.
    #[default]
    Void,
}

/// A network of nodes in virtual time.
pub struct Simulation<'a, O: Overlay> {
    config: &'a O::Config,
    world: &'a World,
    slots: Vec<Slot<O>>,
    /// Each node's traffic in bytes of items, which few messages carry; empty before the first one.
    items: Vec<ItemBytes>,
    access: Access,
    crossings: Crossings,
    agenda: Agenda<O>,
    connections: Connections,
    /// What waits for nodes that are frozen and will wake, in the order in which it came.
    asleep: BTreeMap<NodeId, Vec<Occurrence<O>>>,
    /// What all nodes sent since the traffic was counted anew.
    course: Course,
    alive: u32,
    dead_peer_timeout: Option<Duration>,
    weather: Option<Box<Weather<'a>>>,
    effects: Vec<Effect<O>>,
    now: Time,
    digest: TraceDigest,
    delivered: u64,
    inputs: u64,
    peers_lost: u64,
    /// Messages that found no room at frozen nodes.
    overflowed: u64,
}

impl<'a, O: Overlay> Simulation<'a, O> {
    /// The nodes of a world, before anything has happened.
    pub fn new(
        world: &'a World,
        config: &'a O::Config,
        seed: u64,
        wiring: Wiring,
    ) -> Simulation<'a, O> {
        let mut effects = Vec::new();
        let mut slots = Vec::with_capacity(world.nodes() as usize);
        prefer_large_pages(slots.spare_capacity_mut());
        slots.extend((0..world.nodes()).map(NodeId).map(|me| {
            let mut random = Random::stream(seed, Purpose::Node, me.0.into());
            let here = Here { world, config, now: Time::ZERO, me };
            let node = O::new(&mut here.context(&mut random, &mut effects));
            Slot::new(node, random)
        }));
        debug_assert!(effects.is_empty(), "a node asks for nothing before it has joined");
        Self {
            config,
            world,
            slots,
            items: Vec::new(),
            access: Access::of(world),
            crossings: Crossings::new(),
            agenda: Agenda::new(),
            connections: Connections::new(world.nodes(), wiring.handshake_round_trips),
            asleep: BTreeMap::new(),
            course: Course::new(Time::ZERO, world.nodes()),
            alive: world.nodes(),
            dead_peer_timeout: wiring.dead_peer_timeout,
            weather: Weather::over(world, wiring.dead_peer_timeout),
            effects,
            now: Time::ZERO,
            digest: TraceDigest::default(),
            delivered: 0,
            inputs: 0,
            peers_lost: 0,
            overflowed: 0,
        }
    }

    /// Puts every node into the state that joining and maintenance would have led to.
    pub fn settle(&mut self, oracle: &O::Oracle, observer: &mut impl Observer<O>) {
        for me in (0..self.world.nodes()).map(NodeId) {
            let here = self.here(me);
            let slot = &mut self.slots[me.index()];
            let mut cx = here.context(&mut slot.random, &mut self.effects);
            slot.node.settle(oracle, &mut cx);
            if self.connections.are_modelled() {
                for peer in slot.node.neighbors(self.config) {
                    self.connections.open(me, peer);
                }
            }
            self.apply(me, observer);
        }
    }

    /// The time of the next event.
    pub fn next_time(&mut self) -> Option<Time> {
        self.agenda.next_time().map(Time::from_nanos)
    }

    /// Lets the next event happen. False if there is none.
    #[inline]
    pub fn step(&mut self, observer: &mut impl Observer<O>) -> bool {
        let mut occurrence = Occurrence::Void;
        let Some(due) = self.agenda.pop_into(&mut occurrence) else { return false };
        let Due { time, sequence, target: to } = due;
        self.now = self.now.max(Time::from_nanos(time));
        if let Some(soon) = self.agenda.target_ahead(PREFETCH_AHEAD) {
            prefetch(&self.slots[soon.index()]);
        }
        match occurrence {
            Occurrence::Departure { to: peer, bytes, message } => {
                if sequence >= self.slots[to.index()].born {
                    self.depart(to, peer, bytes, message);
                }
            }
            Occurrence::Arrival { from, bytes, message } => {
                let took = self.access.down_time(to, bytes);
                let begun = time.saturating_sub(took);
                let done = self.slots[to.index()].downlink.carry(begun, took);
                if took > 0 && done > time {
                    let delivery = Occurrence::Delivery { from, bytes, message };
                    self.agenda.push(done, to, delivery);
                } else {
                    self.deliver(to, from, bytes, message, observer);
                }
            }
            Occurrence::Delivery { from, bytes, message } => {
                self.deliver(to, from, bytes, message, observer);
            }
            Occurrence::Input(input) => {
                if sequence >= self.slots[to.index()].born {
                    self.give(to, input, observer);
                }
            }
            Occurrence::Void => {}
        }
        true
    }

    /// The connection stands, if the peer has not gone meanwhile; who is frozen sends when it wakes.
    fn depart(&mut self, from: NodeId, to: NodeId, bytes: u32, message: O::Message) {
        match self.slots[from.index()].life {
            Life::Up if self.connections.is_open(from, to) => {
                self.transmit(from, to, bytes, message);
            }
            Life::Frozen(_) => self.hold(from, Occurrence::Departure { message, to, bytes }),
            Life::Up | Life::Down(_) => {}
        }
    }

    #[inline]
    fn deliver(
        &mut self,
        to: NodeId,
        from: NodeId,
        bytes: u32,
        message: O::Message,
        observer: &mut impl Observer<O>,
    ) {
        let slot = &mut self.slots[to.index()];
        match slot.life {
            Life::Up => {
                slot.flows.count(RECEIVED, message.class(), bytes);
                if let Some(item) = message.blob() {
                    let length = item.length;
                    let from_publisher = self.world.is_publisher(from);
                    self.items_of(to).receive(length, from_publisher);
                }
                self.delivered += 1;
                self.trace(1, to, u64::from(from.0) << 32 | u64::from(bytes));
                self.run(to, Input::Message { from, message }, observer);
            }
            Life::Frozen(_) => self.hold(to, Occurrence::Delivery { message, from, bytes }),
            Life::Down(_) => self.refuse(to, from),
        }
    }

    fn items_of(&mut self, node: NodeId) -> &mut ItemBytes {
        if self.items.is_empty() {
            self.items.resize(self.slots.len(), ItemBytes::default());
        }
        &mut self.items[node.index()]
    }

    /// The receiver is gone: its host says so, or the sender notices after a timeout. Where
    /// connections are modelled, the sender has lost its own already.
    fn refuse(&mut self, to: NodeId, from: NodeId) {
        if self.connections.are_modelled() {
            return;
        }
        let one_way = self.world.one_way(to, from);
        let notice = match self.dead_peer_timeout {
            // The timeout runs since the message was sent, half a round trip ago.
            Some(timeout) => (timeout.as_nanos() as u64).saturating_sub(one_way),
            None => one_way,
        };
        self.lose(from, to, notice);
    }

    /// A node learns some time from now that a peer cannot be reached any more.
    fn lose(&mut self, node: NodeId, peer: NodeId, after: u64) {
        let due = self.now.as_nanos() + after;
        self.agenda.push(due, node, Occurrence::Input(Input::PeerLost(peer)));
    }

    /// Nobody is there to connect to: what waits for the connection is lost, and the dialer learns
    /// it once, a round trip later.
    fn dial_in_vain(&mut self, from: NodeId, to: NodeId, one_way: u64) {
        let takes = self.dead_peer_timeout.map_or(2 * one_way, |it| it.as_nanos() as u64);
        if self.connections.dial_in_vain(from, to, self.now.as_nanos(), takes) {
            self.lose(from, to, takes);
        }
    }

    /// Puts an input into a node, now.
    pub fn give(&mut self, to: NodeId, input: Input<O>, observer: &mut impl Observer<O>) {
        match self.slots[to.index()].life {
            Life::Up => {}
            Life::Frozen(_) => return self.hold(to, Occurrence::Input(input)),
            Life::Down(_) => return,
        }
        let kind = match &input {
            Input::Command(_) => 2,
            Input::Message { .. } => 1,
            Input::Timer(_) => 3,
            Input::PeerLost(_) => 4,
        };
        self.peers_lost += u64::from(kind == 4);
        self.trace(kind, to, 0);
        self.run(to, input, observer);
    }

    #[inline]
    fn trace(&mut self, kind: u64, node: NodeId, what: u64) {
        self.digest.add(self.now.as_nanos());
        self.digest.add(u64::from(node.0) << 8 | kind);
        self.digest.add(what);
    }

    #[inline]
    fn run(&mut self, me: NodeId, input: Input<O>, observer: &mut impl Observer<O>) {
        self.inputs += 1;
        observer.on_input(me, self.now, &input);
        let here = self.here(me);
        let slot = &mut self.slots[me.index()];
        let mut cx = here.context(&mut slot.random, &mut self.effects);
        step(&mut slot.node, input, &mut cx);
        self.apply(me, observer);
    }

    /// Applies what a node asked for, in the order asked.
    #[inline]
    fn apply(&mut self, me: NodeId, observer: &mut impl Observer<O>) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => self.send(me, to, message, observer),
                Effect::SetTimer { after, timer } => {
                    let due = match &self.weather {
                        None => self.now + after,
                        Some(weather) => weather.due(me, self.now, after),
                    };
                    self.agenda.push_timer(due.as_nanos(), me, timer);
                }
                Effect::Emit(event) => {
                    if let Some(command) = observer.on_event(me, self.now, event) {
                        let input = Input::Command(command);
                        let now = self.now.as_nanos();
                        self.agenda.push(now, me, Occurrence::Input(input));
                    }
                }
            }
        }
        self.effects = effects;
    }

    #[inline]
    fn send(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: O::Message,
        observer: &mut impl Observer<O>,
    ) {
        let now = self.now.as_nanos();
        if to.index() >= self.slots.len() {
            return; // A peer named somebody who does not exist.
        }
        if to == from {
            let input = Input::Message { from, message };
            return self.agenda.push(now, to, Occurrence::Input(input));
        }
        let bytes = wire::length(&message);
        observer.on_send(from, to, self.now, &message, bytes);
        self.course.send(self.now, &message, bytes);
        let slot = &mut self.slots[from.index()];
        slot.flows.count(SENT, message.class(), bytes);
        if let Some(item) = message.blob() {
            let length = item.length;
            self.items_of(from).send(length);
        }
        if self.connections.are_modelled() {
            let one_way = self.world.one_way(from, to);
            let is_down = matches!(self.slots[to.index()].life, Life::Down(_));
            if is_down && !self.connections.is_open(from, to) {
                return self.dial_in_vain(from, to, one_way);
            }
            if let Some(ready) = self.connections.ready(from, to, now, one_way) {
                let departure = Occurrence::Departure { to, bytes, message };
                return self.agenda.push(ready, from, departure);
            }
        }
        self.transmit(from, to, bytes, message);
    }

    /// A message waits for the sender's uplink and travels.
    #[inline]
    fn transmit(&mut self, from: NodeId, to: NodeId, bytes: u32, message: O::Message) {
        let took = self.access.up_time(from, bytes);
        let slot = &mut self.slots[from.index()];
        let sent = slot.uplink.carry(self.now.as_nanos(), took);
        let one_way = self.world.one_way(from, to);
        let took = self.access.down_time(to, bytes);
        let arrives = slot.order.arrival((from, to), sent, one_way, took, &mut self.crossings);
        if self.weather.is_some() {
            return self.send_through_weather((from, to), arrives, bytes, message);
        }
        let occurrence = Occurrence::Arrival { from, bytes, message };
        self.agenda.push(arrives, to, occurrence);
    }

    /// A message that would arrive then is in the weather's hands.
    #[cold]
    fn send_through_weather(
        &mut self,
        (from, to): (NodeId, NodeId),
        arrives: u64,
        bytes: u32,
        message: O::Message,
    ) {
        let Some(weather) = &mut self.weather else { return };
        let crossing = weather.cross(from, to, self.now, arrives, message);
        for (arrives, message) in crossing.copies.into_iter().flatten() {
            self.agenda.push(arrives, to, Occurrence::Arrival { from, bytes, message });
        }
        if let Some(broken) = crossing.broken {
            self.connections.close(from, to);
            self.lose(from, to, broken.after);
            if broken.for_both {
                self.lose(to, from, broken.after);
            }
        }
    }

    /// What a node takes for the time.
    #[inline]
    fn clock(&self, node: NodeId) -> Time {
        match &self.weather {
            None => self.now,
            Some(weather) => weather.forecast().clock(node, self.now),
        }
    }

    /// Stops a node: without notice, so that its peers find out by themselves.
    pub fn kill(&mut self, node: NodeId) {
        self.enter(node, Life::Down(self.now));
        for peer in self.connections.close_all(node) {
            let notice = match self.dead_peer_timeout {
                Some(timeout) => timeout.as_nanos() as u64,
                None => self.world.one_way(node, peer),
            };
            self.lose(peer, node, notice);
        }
    }

    /// Puts new nodes in the places of some that were killed, each in the life of this number: they
    /// remember nothing, and nothing of the former life comes to them but messages that are on their
    /// way. What else waits for them is known by its number, when its turn comes.
    pub fn revive(&mut self, nodes: &BTreeMap<NodeId, u32>, observer: &mut impl Observer<O>) {
        let born = self.agenda.next_sequence();
        for (&me, &life) in nodes {
            let here = self.here(me);
            let slot = &mut self.slots[me.index()];
            slot.random = Random::of_node(self.world.seed(), me, life);
            slot.node = O::new(&mut here.context(&mut slot.random, &mut self.effects));
            slot.begin_life(born);
            self.enter(me, Life::Up);
            self.crossings.remove(&me);
            self.trace(5, me, 0);
            self.apply(me, observer);
        }
    }

    /// Stops a node's process without ending it; one that will wake misses nothing but time.
    pub fn freeze(&mut self, node: NodeId, will_wake: bool) {
        self.enter(node, Life::Frozen(self.now));
        if will_wake {
            self.asleep.insert(node, Vec::new());
        }
    }

    /// Lets a frozen node go on: what came meanwhile is there, and its timers are overdue. What it had
    /// sent before goes first, so that nothing it sends now overtakes that.
    pub fn wake(&mut self, node: NodeId) {
        let Some(held) = self.asleep.remove(&node) else { return };
        self.enter(node, Life::Up);
        let now = self.now.as_nanos();
        let is_sent = |it: &Occurrence<O>| matches!(it, Occurrence::Departure { .. });
        let (sent, came): (Vec<_>, Vec<_>) = held.into_iter().partition(is_sent);
        for occurrence in sent.into_iter().chain(came) {
            self.agenda.push(now, node, occurrence);
        }
    }

    /// Keeps what comes to a frozen node, if it will wake: its timers, what it was sending, and as many
    /// messages as fit its sockets' buffers.
    fn hold(&mut self, node: NodeId, occurrence: Occurrence<O>) {
        let Some(held) = self.asleep.get_mut(&node) else { return };
        let is_message = matches!(occurrence, Occurrence::Delivery { .. });
        if !is_message || held.len() < MOST_HELD {
            held.push(occurrence);
        } else {
            self.overflowed += 1;
        }
    }

    #[inline]
    fn here(&self, me: NodeId) -> Here<'a, O> {
        Here { world: self.world, config: self.config, now: self.clock(me), me }
    }

    fn enter(&mut self, node: NodeId, life: Life) {
        let former = std::mem::replace(&mut self.slots[node.index()].life, life);
        self.alive -= u32::from(former == Life::Up);
        self.alive += u32::from(life == Life::Up);
        self.course.alive(self.now, self.alive);
    }

    /// Moves the clock on to a time at which something happens that is not in the queue.
    pub fn advance_to(&mut self, time: Time) {
        self.now = self.now.max(time);
    }

    /// The overlay's configuration.
    #[must_use]
    pub const fn config(&self) -> &'a O::Config {
        self.config
    }

    /// Now.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Every node with its state of life, ascending.
    pub(crate) fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &O, Life)> {
        let slots = self.slots.iter().enumerate();
        slots.map(|(id, slot)| (NodeId(id as u32), &slot.node, slot.life))
    }

    pub(crate) fn life(&self, node: NodeId) -> Life {
        self.slots[node.index()].life
    }

    /// The nodes that run, ascending.
    pub fn live(&self) -> impl Iterator<Item = (NodeId, &O)> {
        self.nodes().filter(|(.., life)| *life == Life::Up).map(|(id, node, _)| (id, node))
    }

    /// One node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &O {
        &self.slots[node.index()].node
    }

    /// Counts traffic from here on.
    pub(crate) fn reset_traffic(&mut self) {
        self.slots.iter_mut().for_each(Slot::reset_flows);
        self.items.clear();
        self.course = Course::new(self.now, self.alive);
    }

    /// What all nodes sent since then.
    pub(crate) fn sent(&self) -> Sent {
        self.course.so_far(self.now)
    }

    pub(crate) fn traffic(&self, node: NodeId) -> Traffic {
        let flows = &self.slots[node.index()].flows;
        let items = self.items.get(node.index()).copied().unwrap_or_default();
        Traffic { sent: flows.of(SENT), received: flows.of(RECEIVED), items }
    }

    /// The digest of everything that has happened.
    #[must_use]
    pub fn trace_digest(&self) -> u64 {
        self.digest.value()
    }

    /// Messages delivered.
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Inputs given to nodes.
    #[must_use]
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    /// Times a node was told that a peer cannot be reached any more.
    #[must_use]
    pub const fn peers_lost(&self) -> u64 {
        self.peers_lost
    }

    /// Messages that were dropped because too many waited for a frozen node already.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// What the weather did, if there is any.
    pub(crate) fn weather(&self) -> Option<&Weather<'a>> {
        self.weather.as_deref()
    }

    /// Events that wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.agenda.len()
    }
}

/// Most messages that wait for a frozen node: some 100 KiB of them, as in a socket's buffer.
const MOST_HELD: usize = 1_024;

/// How many events ahead a node is asked for: about as long as memory takes.
const PREFETCH_AHEAD: usize = 4;
