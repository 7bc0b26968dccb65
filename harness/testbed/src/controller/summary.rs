//! From the processes' reports to the measurement: nodes in the order of their numbers, counters,
//! lateness, and what a reader of the figures must know.
use std::collections::BTreeMap;

use overlay_core::NodeId;
use peerbench_measure::{Counter, Histogram, Measurement, NodeSample};

use crate::control::{Counts, ProcessReport, Standing};

/// Beyond this lateness of deliveries at p99, in microseconds, the machine was too small for the
/// run: its latencies are not the network's.
const OVERLOADED_ABOVE: u64 = 3_000;

/// Adds the reports to the measurement, in the order in which their processes were started.
pub(super) fn add<'a>(
    reports: impl Iterator<Item = &'a ProcessReport>,
    measurement: &mut Measurement,
) {
    let mut samples: BTreeMap<NodeId, NodeSample> = BTreeMap::new();
    let mut counts = Counts::default();
    let mut lateness = Histogram::new();
    for report in reports {
        for sample in &report.nodes {
            let lives = samples.entry(sample.node);
            lives.and_modify(|earlier| *earlier = earlier.then(sample)).or_insert(*sample);
        }
        counts.add(&report.counts);
        measurement.visited(report.visited);
        measurement.sent(&report.sent);
        measurement.inventories(&report.inventories);
        for &(micros, times) in &report.lateness {
            for _ in 0..times {
                lateness.record(micros);
            }
        }
    }
    for sample in samples.values() {
        measurement.node(sample);
    }
    for (counter, count) in counters(&counts) {
        measurement.count(counter, count);
    }
    if counts.unreported > 0 {
        let lost = counts.unreported;
        measurement.note(format!("incomplete: {lost} events did not reach the controller"));
    }
    if let Some(late) = lateness.quantile(0.99).filter(|late| *late > OVERLOADED_ABOVE) {
        measurement.note(format!(
            "overloaded: 1 % of the messages were delivered more than {:.1} ms late; use fewer \
             nodes, a lower workload.rate, or a machine with less else to do",
            late as f64 / 1e3
        ));
    }
    measurement.lateness_of(&lateness);
}

/// What the processes of a run take, of those that said so at the end of the window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// Nodes of these processes.
    pub(super) nodes: u64,
    connections: u64,
    own_bytes: u64,
}

impl Usage {
    /// What these reports say.
    pub(super) fn of<'a>(reports: impl Iterator<Item = &'a ProcessReport>) -> Self {
        let mut usage = Self::default();
        for report in reports.filter(|report| report.own_bytes > 0) {
            usage.nodes += report.nodes.len() as u64;
            usage.connections += report.connections;
            usage.own_bytes += report.own_bytes;
        }
        usage
    }

    /// Connections of a node, on average.
    pub(super) fn connections_each(&self) -> u32 {
        u32::try_from(self.connections / self.nodes.max(1)).unwrap_or(u32::MAX)
    }

    /// Sets a node's memory, that which processes share with no other, beside that of a libp2p node
    /// without an overlay.
    pub(super) fn compare(&self, standing: &Standing, measurement: &mut Measurement) {
        let own = self.own_bytes as f64 / self.nodes.max(1) as f64;
        let bare = standing.own_bytes as f64;
        measurement.control("libp2p_node_processor", standing.processor as f64 / 1e6, "ms");
        measurement.control("libp2p_node_memory", bare / 1e6, "MB");
        measurement.control("node_memory", own / 1e6, "MB");
        if bare > 0.0 {
            measurement.control("node_memory_ratio", own / bare, "×");
        }
    }
}

fn counters(counts: &Counts) -> [(Counter, u64); 12] {
    let links = &counts.links;
    [
        (Counter::DroppedNonsense, counts.dropped_nonsense),
        (Counter::DroppedBound, counts.dropped_bound),
        (Counter::Corrupt, counts.corrupt),
        (Counter::PeersBanned, counts.peers_banned),
        (Counter::DroppedQueue, links.dropped),
        (Counter::MalformedFrames, counts.malformed + links.cut_short),
        (Counter::OversizedFrames, links.too_long),
        (Counter::Strangers, links.strangers + links.protocol),
        (Counter::DialFailures, links.dial_failures),
        (Counter::PeersLost, counts.peers_lost),
        (Counter::ProcessesLost, 0),
        (Counter::LateOperations, counts.late),
    ]
}
