//! What the emulated network does to one node's traffic: latency to every peer, and the two
//! capacities of its own link, shared by all its connections.
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use overlay_core::NodeId;
use overlay_core::units::BitRate;

use crate::clock::Moment;

/// How long a byte travels from one node to another.
pub type OneWay = dyn Fn(NodeId, NodeId) -> Duration + Send + Sync;

/// The emulated network as one node meets it, and what went through it.
pub struct Conditions {
    me: NodeId,
    one_way: Option<Box<OneWay>>,
    uplink: Mutex<Link>,
    downlink: Mutex<Link>,
    sent: AtomicU64,
    received: AtomicU64,
    lateness: Mutex<Histogram<u32>>,
}

impl Conditions {
    /// The machine's own network: nothing is delayed, bytes are counted.
    #[must_use]
    pub fn unshaped(me: NodeId) -> Self {
        Self::new(me, None, BitRate(0), BitRate(0))
    }

    /// A network in which a byte travels for `one_way` from node to node, and this node sends and
    /// receives no faster than its two rates ([`BitRate`] 0: unlimited).
    #[must_use]
    pub fn shaped(me: NodeId, one_way: Box<OneWay>, up: BitRate, down: BitRate) -> Self {
        Self::new(me, Some(one_way), up, down)
    }

    fn new(me: NodeId, one_way: Option<Box<OneWay>>, up: BitRate, down: BitRate) -> Self {
        let lateness = Histogram::new_with_bounds(1, LONGEST_LATENESS_MICROS, LATENESS_DIGITS)
            .expect("the bounds are constants that a histogram accepts");
        Self {
            me,
            one_way,
            uplink: Mutex::new(Link::new(up)),
            downlink: Mutex::new(Link::new(down)),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            lateness: Mutex::new(lateness),
        }
    }

    /// The node whose traffic this is about.
    #[must_use]
    pub const fn me(&self) -> NodeId {
        self.me
    }

    /// Whether anything is delayed at all.
    #[must_use]
    pub const fn is_shaped(&self) -> bool {
        self.one_way.is_some()
    }

    /// How long a byte travels between this node and that peer; zero where nothing is shaped.
    #[must_use]
    pub fn one_way(&self, peer: NodeId) -> Duration {
        self.one_way.as_ref().map_or(Duration::ZERO, |one_way| one_way(self.me, peer))
    }

    /// Bytes sent and received so far on all of the node's connections.
    #[must_use]
    pub fn wire_bytes(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }

    /// How late frames were delivered so far, in microseconds after the moment asked for.
    #[must_use]
    pub fn lateness(&self) -> Histogram<u32> {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets how late frames were so far.
    pub fn clear_lateness(&self) {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }

    /// When a frame that is handed over now has left the node.
    pub(crate) fn depart(&self, now: Moment, bytes: usize) -> Moment {
        self.uplink.lock().unwrap_or_else(PoisonError::into_inner).pass(now, bytes)
    }

    /// When a frame whose last byte arrives at `arrival` has come through the node's downlink.
    pub(crate) fn arrive(&self, arrival: Moment, bytes: usize) -> Moment {
        self.downlink.lock().unwrap_or_else(PoisonError::into_inner).pass(arrival, bytes)
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn record_lateness(&self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conditions")
            .field("me", &self.me)
            .field("shaped", &self.is_shaped())
            .finish()
    }
}

const LONGEST_LATENESS_MICROS: u64 = 60_000_000;
/// Digits of a lateness that are kept: a third would cost every node 60 KB.
const LATENESS_DIGITS: u8 = 2;

/// One direction of a node's attachment: first come, first served.
#[derive(Debug)]
struct Link {
    rate: BitRate,
    free_at: Moment,
}

impl Link {
    fn new(rate: BitRate) -> Self {
        Self { rate, free_at: Moment::default() }
    }

    /// When these bytes, ready at `from`, are through.
    fn pass(&mut self, from: Moment, bytes: usize) -> Moment {
        if self.rate.0 == 0 {
            return from;
        }
        self.free_at = self.free_at.max(from) + self.rate.time_for(bytes as u64);
        self.free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_serves_one_frame_after_the_other() {
        let mut link = Link::new(BitRate(8_000));
        let start = Moment::from_nanos(1_000);
        let second = Duration::from_secs(1);
        assert_eq!(link.pass(start, 1_000), start + second);
        assert_eq!(link.pass(start, 1_000), start + second + second);
        let later = start + Duration::from_secs(10);
        assert_eq!(link.pass(later, 500), later + second / 2);
    }

    #[test]
    fn an_unlimited_link_takes_no_time() {
        let mut link = Link::new(BitRate(0));
        let start = Moment::from_nanos(5);
        assert_eq!(link.pass(start, usize::MAX), start);
    }
}
