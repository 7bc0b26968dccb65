//! What nodes showed in the window: into histograms and sums at once. Only the two load figures
//! keep one number a node, because a Gini coefficient needs them all.
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Class, Conduct, NodeId, Role, StateSize};
use serde::{Deserialize, Serialize};

use crate::breakdown::Breakdown;
use crate::giving::Giving;
use crate::{Histogram, Traffic};

/// Rates are counted in thousandths, so that a few bytes per second keep three digits.
pub(crate) const RATE_SCALE: u64 = 1_000;
/// Shares of an uplink are counted in millionths: most nodes use little of theirs.
pub(crate) const UTILISATION_SCALE: u64 = 1_000_000;

/// What one node showed in the measured window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSample {
    /// The node.
    pub node: NodeId,
    /// How it behaved.
    pub conduct: Conduct,
    /// What it was to the others at the end of the window, or when it went.
    pub role: Role,
    /// What it can send; a rate of 0 is unlimited.
    pub uplink: BitRate,
    /// How long it was alive within the window.
    pub alive: Duration,
    /// Its traffic within the window.
    pub traffic: Traffic,
    /// Bytes sent and received at the socket within the window, where there is one.
    pub wire: Option<(u64, u64)>,
    /// What it remembered at the end of the window, or when it went.
    pub state: StateSize,
    /// Its share of the memory of its process at the end of the window, where it has one.
    pub resident_bytes: Option<u64>,
    /// Processor time it used within the window, where that is its own.
    pub cpu: Option<Duration>,
}

/// A node's figures per second that it was alive, in whole steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// In thousandths of a byte.
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    /// In thousandths, both directions together.
    pub(crate) messages: u64,
    /// In millionths of what the uplink can carry, where that is limited.
    pub(crate) uplink: Option<u64>,
    /// In microseconds per second.
    pub(crate) cpu: Option<u64>,
}

impl NodeSample {
    /// This node's life together with a later one of the same node, which went on after a break.
    #[must_use]
    pub fn then(self, later: &Self) -> Self {
        let sum =
            |one: Option<Duration>, another| one.zip(another).map(|(a, b): (_, Duration)| a + b);
        Self {
            alive: self.alive + later.alive,
            traffic: self.traffic.and(&later.traffic),
            wire: self.wire.zip(later.wire).map(|(one, two)| (one.0 + two.0, one.1 + two.1)),
            cpu: sum(self.cpu, later.cpu),
            ..*later
        }
    }

    /// `None` if it was not alive in the window.
    pub(crate) fn rates(&self) -> Option<Rates> {
        let Self { traffic, alive, .. } = self;
        let sent = traffic.bytes_sent();
        (!alive.is_zero()).then(|| Rates {
            bytes_sent: rate(sent, *alive),
            bytes_received: rate(traffic.bytes_received(), *alive),
            messages: rate(traffic.messages(), *alive),
            uplink: utilisation(sent, self.uplink, *alive),
            cpu: self.cpu.map(|cpu| (cpu.as_secs_f64() / alive.as_secs_f64() * 1e6).round() as u64),
        })
    }
}

/// What all nodes showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) links: Histogram,
    pub(crate) entries: Histogram,
    pub(crate) state_bytes: Histogram,
    pub(crate) resident_bytes: Histogram,
    /// Microseconds per second, which are thousandths of the milliseconds reported.
    pub(crate) cpu: Histogram,
    pub(crate) sent: [Histogram; 3],
    pub(crate) received: [Histogram; 3],
    pub(crate) sent_in_all: Histogram,
    pub(crate) received_in_all: Histogram,
    pub(crate) wire_sent: Histogram,
    pub(crate) wire_received: Histogram,
    pub(crate) uplink_utilisation: Histogram,
    pub(crate) lookup_messages: u64,
    pub(crate) lookup_bytes: u64,
    pub(crate) giving: Giving,
    pub(crate) bytes_sent_each: Vec<u64>,
    pub(crate) entries_each: Vec<u32>,
    pub(crate) breakdown: Breakdown,
}

impl Nodes {
    pub(crate) fn add(&mut self, sample: &NodeSample, is_publisher: bool) {
        let NodeSample { traffic, state, .. } = sample;
        self.links.record(u64::from(state.links));
        self.entries.record(u64::from(state.entries));
        self.state_bytes.record(state.bytes);
        self.bytes_sent_each.push(traffic.bytes_sent());
        self.entries_each.push(state.entries);
        let lookup = traffic.sent[Class::Lookup as usize];
        self.lookup_messages += u64::from(lookup.messages);
        self.lookup_bytes += lookup.bytes;
        self.giving.add(sample, is_publisher);
        if let Some(bytes) = sample.resident_bytes {
            self.resident_bytes.record(bytes);
        }
        self.breakdown.add(sample);
        if let Some(rates) = sample.rates() {
            self.add_rates(sample, &rates);
        }
    }

    fn add_rates(&mut self, sample: &NodeSample, rates: &Rates) {
        let NodeSample { traffic, alive, .. } = sample;
        for class in 0..Class::ALL.len() {
            self.sent[class].record(rate(traffic.sent[class].bytes, *alive));
            self.received[class].record(rate(traffic.received[class].bytes, *alive));
        }
        self.sent_in_all.record(rates.bytes_sent);
        self.received_in_all.record(rates.bytes_received);
        if let Some((sent, received)) = sample.wire {
            self.wire_sent.record(rate(sent, *alive));
            self.wire_received.record(rate(received, *alive));
        }
        rates.uplink.into_iter().for_each(|share| self.uplink_utilisation.record(share));
        rates.cpu.into_iter().for_each(|micros| self.cpu.record(micros));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for class in 0..Class::ALL.len() {
            self.sent[class].merge(&other.sent[class]);
            self.received[class].merge(&other.received[class]);
        }
        for (mine, others) in [
            (&mut self.links, &other.links),
            (&mut self.entries, &other.entries),
            (&mut self.state_bytes, &other.state_bytes),
            (&mut self.resident_bytes, &other.resident_bytes),
            (&mut self.cpu, &other.cpu),
            (&mut self.sent_in_all, &other.sent_in_all),
            (&mut self.received_in_all, &other.received_in_all),
            (&mut self.wire_sent, &other.wire_sent),
            (&mut self.wire_received, &other.wire_received),
            (&mut self.uplink_utilisation, &other.uplink_utilisation),
        ] {
            mine.merge(others);
        }
        self.lookup_messages += other.lookup_messages;
        self.lookup_bytes += other.lookup_bytes;
        self.giving.merge(&other.giving);
        self.bytes_sent_each.extend_from_slice(&other.bytes_sent_each);
        self.entries_each.extend_from_slice(&other.entries_each);
        self.breakdown.merge(&other.breakdown);
    }
}

/// Thousandths per second, rounded to the nearest.
fn rate(count: u64, alive: Duration) -> u64 {
    let nanos = alive.as_nanos();
    let scaled = u128::from(count) * u128::from(RATE_SCALE) * 1_000_000_000 + nanos / 2;
    u64::try_from(scaled / nanos).unwrap_or(u64::MAX)
}

/// Millionths of what an uplink can carry; `None` if it is unlimited.
fn utilisation(bytes: u64, uplink: BitRate, alive: Duration) -> Option<u64> {
    let bits = u128::from(bytes) * 8 * u128::from(UTILISATION_SCALE) * 1_000_000_000;
    let carried = u128::from(uplink.0) * alive.as_nanos();
    let share = (bits + carried / 2).checked_div(carried)?;
    Some(u64::try_from(share).unwrap_or(u64::MAX))
}
