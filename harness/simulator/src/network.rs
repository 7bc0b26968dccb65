//! How long a message takes: it waits for the sender's uplink, travels half a round trip, and waits
//! for the receiver's downlink. The first one between two nodes that are not connected waits for
//! the handshake, too.
use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::NodeId;
use overlay_core::units::BitRate;
use peerbench_scenario::{Scenario, World};

/// How the network treats connections and dead nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiring {
    /// Round trips before the first message between two nodes can go; 0: there are no connections.
    pub handshake_round_trips: f64,
    /// How long after sending to a dead node its peer is lost; `None`: its host says so at once.
    pub dead_peer_timeout: Option<Duration>,
}

impl Wiring {
    /// As a scenario says.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            handshake_round_trips: scenario.handshake_round_trips(),
            dead_peer_timeout: scenario.network.dead_peer_timeout.map(Into::into),
        }
    }
}

/// Nanoseconds per byte in fixed point with 16 fractional bits; 0 is unlimited.
#[derive(Clone, Copy, Debug, Default)]
struct Pace(u64);

impl Pace {
    fn of(rate: BitRate) -> Self {
        Self(((8_000_000_000_u64) << 16).checked_div(rate.0).unwrap_or(0))
    }

    #[inline]
    const fn time_for(self, bytes: u32) -> u64 {
        (bytes as u64 * self.0) >> 16
    }
}

/// How fast every node's access link is. Links of the same rates are one class, so that the
/// classes of a million nodes fit into a cache.
#[derive(Debug)]
pub(crate) struct Access {
    classes: Vec<(Pace, Pace)>,
    class_of: Vec<u8>,
}

impl Access {
    pub(crate) fn of(world: &World) -> Self {
        let mut rates: Vec<(BitRate, BitRate)> = Vec::new();
        let class_of = (0..world.nodes()).map(NodeId).map(|node| {
            let rate = (world.uplink(node), world.downlink(node));
            let known = rates.iter().position(|&other| other == rate);
            let class = known.unwrap_or_else(|| {
                rates.push(rate);
                rates.len() - 1
            });
            u8::try_from(class).expect("a world has at most 256 classes of links")
        });
        let class_of = class_of.collect();
        let classes = rates.iter().map(|&(up, down)| (Pace::of(up), Pace::of(down))).collect();
        Self { classes, class_of }
    }

    /// How long bytes take on a node's idle uplink.
    #[inline]
    pub(crate) fn up_time(&self, node: NodeId, bytes: u32) -> u64 {
        self.classes[usize::from(self.class_of[node.index()])].0.time_for(bytes)
    }

    /// How long bytes take on a node's idle downlink.
    #[inline]
    pub(crate) fn down_time(&self, node: NodeId, bytes: u32) -> u64 {
        self.classes[usize::from(self.class_of[node.index()])].1.time_for(bytes)
    }
}

/// When one direction of a node's link will have nothing left to carry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Busy(u64);

impl Busy {
    /// Takes on what would take this long if it started at `from`; when it will be done.
    #[inline]
    pub(crate) fn carry(&mut self, from: u64, took: u64) -> u64 {
        if took > 0 {
            self.0 = self.0.max(from) + took;
            return self.0;
        }
        from
    }
}

/// Keeps what one node sends to another in order. Messages are on their way until their last bit
/// would come out of the receiver's downlink if that were idle, and it does so later for a long
/// message than for a short one; behind a long one from the same sender, a short one has to wait.
///
/// Small, because every message sent has to look at it: it knows the latest receiver, and
/// [`Crossings`] the others in the rare case that a message leaves before the time is over in which
/// it could overtake an earlier one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// What leaves the uplink from here on arrives behind all that was sent before.
    until: u64,
    /// The latest receiver, and when the latest message to it arrives.
    arrives: u64,
    to: NodeId,
    has_others: bool,
}

/// Other receivers of messages that could be overtaken, by sender, and when the latest of them arrive.
pub(crate) type Crossings = BTreeMap<NodeId, Vec<(NodeId, u64)>>;

impl Order {
    /// Nothing is on its way.
    pub(crate) const IDLE: Self = Self { until: 0, arrives: 0, to: NodeId(0), has_others: false };

    /// When a message of `from` arrives that leaves the uplink at `sent`, not before what it sent
    /// earlier, and then travels and takes its time on an idle downlink.
    #[inline]
    pub(crate) fn arrival(
        &mut self,
        (from, to): (NodeId, NodeId),
        sent: u64,
        one_way: u64,
        took: u64,
        crossings: &mut Crossings,
    ) -> u64 {
        let arrives = sent + one_way + took;
        if took == 0 {
            return arrives;
        }
        let is_clear = sent >= self.until;
        self.until = self.until.max(sent + took);
        if is_clear {
            if std::mem::take(&mut self.has_others) {
                crossings.remove(&from);
            }
            (self.to, self.arrives) = (to, arrives);
        } else if to == self.to {
            self.arrives = self.arrives.max(arrives);
        } else {
            self.cross((from, to), arrives, crossings);
        }
        self.arrives
    }

    /// The receiver is not the latest one, and the time is not over.
    fn cross(&mut self, (from, to): (NodeId, NodeId), arrives: u64, crossings: &mut Crossings) {
        let others = crossings.entry(from).or_default();
        self.has_others = true;
        let former = (self.to, self.arrives);
        self.arrives = match others.iter().position(|(receiver, _)| *receiver == to) {
            Some(place) => std::mem::replace(&mut others[place], former).1.max(arrives),
            None => {
                others.push(former);
                arrives
            }
        };
        self.to = to;
    }
}

/// Who is connected to whom: one bit a pair, for networks small enough.
#[derive(Debug)]
pub(crate) struct Connections {
    nodes: usize,
    round_trips: f64,
    connected: Vec<u64>,
    /// Handshakes under way, and when they will be done.
    opening: BTreeMap<(NodeId, NodeId), u64>,
    /// Dials of the dead under way, and when the dialer will learn.
    vain: BTreeMap<(NodeId, NodeId), u64>,
}

impl Connections {
    /// Nobody is connected, and connecting takes this many round trips.
    pub(crate) fn new(nodes: u32, round_trips: f64) -> Self {
        let nodes = nodes as usize;
        let bits = if round_trips > 0.0 { nodes * nodes } else { 0 };
        let connected = vec![0; bits.div_ceil(64)];
        Self { nodes, round_trips, connected, opening: BTreeMap::new(), vain: BTreeMap::new() }
    }

    /// Whether connections are modelled at all.
    #[inline]
    pub(crate) const fn are_modelled(&self) -> bool {
        !self.connected.is_empty()
    }

    fn bit(&self, from: NodeId, to: NodeId) -> (usize, u64) {
        let pair = from.min(to).index() * self.nodes + from.max(to).index();
        (pair / 64, 1 << (pair % 64))
    }

    /// Whether there is a connection, or one is being made.
    pub(crate) fn is_open(&self, a: NodeId, b: NodeId) -> bool {
        let (word, bit) = self.bit(a, b);
        self.connected[word] & bit != 0
    }

    /// When a message that is to be sent now can go, behind all that waits for the same handshake;
    /// `None` if it need not wait. Opens the connection if there is none.
    pub(crate) fn ready(
        &mut self,
        from: NodeId,
        to: NodeId,
        now: u64,
        one_way: u64,
    ) -> Option<u64> {
        let pair = (from.min(to), from.max(to));
        if !self.is_open(from, to) {
            let (word, bit) = self.bit(from, to);
            self.connected[word] |= bit;
            let done = now + (2.0 * self.round_trips * one_way as f64) as u64;
            self.opening.insert(pair, done);
            return Some(done);
        }
        if self.opening.is_empty() {
            return None;
        }
        match self.opening.get(&pair) {
            Some(&done) if done >= now => Some(done),
            Some(_) => {
                self.opening.remove(&pair);
                None
            }
            None => None,
        }
    }

    /// A node dials one that is gone. False if it does so already.
    pub(crate) fn dial_in_vain(&mut self, from: NodeId, to: NodeId, now: u64, takes: u64) -> bool {
        let until = self.vain.entry((from, to)).or_default();
        let is_new = *until <= now;
        if is_new {
            *until = now + takes;
        }
        is_new
    }

    /// Opens a connection without delay: the run starts after everybody has found its neighbours.
    pub(crate) fn open(&mut self, a: NodeId, b: NodeId) {
        if self.are_modelled() {
            let (word, bit) = self.bit(a, b);
            self.connected[word] |= bit;
        }
    }

    /// Closes everything a node had open; who was at the other end.
    pub(crate) fn close_all(&mut self, node: NodeId) -> Vec<NodeId> {
        if !self.are_modelled() {
            return Vec::new();
        }
        let others = (0..self.nodes as u32).map(NodeId).filter(|&other| other != node);
        let peers: Vec<NodeId> = others.filter(|&other| self.is_open(node, other)).collect();
        for &peer in &peers {
            self.close(node, peer);
        }
        peers
    }

    /// Closes the connection between two nodes, if there is one.
    pub(crate) fn close(&mut self, a: NodeId, b: NodeId) {
        if self.are_modelled() {
            let (word, bit) = self.bit(a, b);
            self.connected[word] &= !bit;
            self.opening.remove(&(a.min(b), a.max(b)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_link_makes_messages_wait() {
        let pace = Pace::of(BitRate(8_000_000)); // 1 µs a byte
        assert_eq!(pace.time_for(100), 100_000);
        assert_eq!(Pace::of(BitRate(0)).time_for(100), 0);
        let mut link = Busy::default();
        assert_eq!(link.carry(0, 100_000), 100_000);
        assert_eq!(link.carry(50_000, 100_000), 200_000);
        assert_eq!(link.carry(900_000, 100_000), 1_000_000);
        assert_eq!(link.carry(900_000, 0), 900_000);
    }

    #[test]
    fn a_short_message_does_not_overtake_a_long_one_of_the_same_sender() {
        let (mut order, mut crossings) = (Order::IDLE, Crossings::new());
        let (me, a, b) = (NodeId(0), NodeId(1), NodeId(2));
        let mut arrival = |to, sent, took| order.arrival((me, to), sent, 50, took, &mut crossings);
        assert_eq!(arrival(a, 100, 1_000), 1_150);
        assert_eq!(arrival(b, 110, 10), 170, "another receiver");
        assert_eq!(arrival(a, 110, 10), 1_150, "in the queue behind it");
        assert_eq!(arrival(b, 110, 5), 170);
        assert_eq!(arrival(a, 1_099, 10), 1_159);
        assert_eq!(arrival(a, 1_099, 0), 1_149, "an unlimited downlink has no queue");
        assert_eq!(arrival(a, 1_109, 10), 1_169);
        assert!(crossings.is_empty(), "what has arrived is forgotten");
    }

    #[test]
    fn the_first_message_waits_for_the_handshake_and_so_do_those_behind_it() {
        let mut connections = Connections::new(3, 1.0);
        let (a, b) = (NodeId(0), NodeId(2));
        assert_eq!(connections.ready(a, b, 10, 100), Some(210));
        assert_eq!(connections.ready(b, a, 20, 100), Some(210));
        assert_eq!(connections.ready(b, a, 210, 100), Some(210), "others may be about to go");
        assert_eq!(connections.ready(a, b, 300, 100), None);
        assert_eq!(connections.close_all(b), [a]);
        assert_eq!(connections.ready(a, b, 400, 100), Some(600));
    }
}
