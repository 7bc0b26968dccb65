//! From the processes' reports to the measurement: nodes in the order of their numbers, counters,
//! lateness, and what a reader of the figures must know.
use std::collections::BTreeMap;

use overlay_core::NodeId;
use peerbench_measure::{Counter, Histogram, Measurement, NodeSample};

use super::controls::MOST_CONNECTIONS;
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

    /// Adds `node_memory`: a node's part of what its process shares with no other.
    pub(super) fn add(&self, measurement: &mut Measurement) {
        measurement.control("node_memory", self.own_bytes_each() / 1e6, "MB");
    }

    /// How many connections a libp2p node has to have to be compared with these: a node's, on average.
    ///
    /// # Errors
    /// Why there is none that could be compared.
    pub(super) fn comparable(&self, nodes_per_process: usize) -> Result<u32, String> {
        let why = if nodes_per_process > 1 {
            "nodes share processes".to_owned()
        } else {
            let nodes = self.nodes.max(1);
            match u32::try_from((self.connections + nodes / 2) / nodes) {
                Ok(connections) if connections <= MOST_CONNECTIONS => return Ok(connections),
                _ => format!("nodes have more than {MOST_CONNECTIONS} connections on average"),
            }
        };
        Err(format!("node_memory_ratio is not measured: {why}"))
    }

    /// Adds the same of a libp2p node without an overlay, a process of its own with as many
    /// connections over the same transport; `node_memory_ratio`, how many times that a node takes;
    /// and the processor time that such a node took until it was connected.
    pub(super) fn compare(&self, standing: &Standing, measurement: &mut Measurement) {
        let bare = standing.own_bytes as f64;
        measurement.control("libp2p_node_processor", standing.processor as f64 / 1e6, "ms");
        measurement.control("libp2p_node_memory", bare / 1e6, "MB");
        if bare > 0.0 {
            measurement.control("node_memory_ratio", self.own_bytes_each() / bare, "×");
        }
    }

    fn own_bytes_each(&self) -> f64 {
        self.own_bytes as f64 / self.nodes.max(1) as f64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_compared_with_one_that_has_as_many_connections_or_with_none() {
        let usage = |connections| Usage { nodes: 4, connections, own_bytes: 8_000_000 };
        assert_eq!(usage(0).comparable(1), Ok(0));
        assert_eq!(usage(15).comparable(1), Ok(4), "3.75");
        assert_eq!(usage(4 * 128).comparable(1), Ok(128));
        assert!(usage(4 * 129).comparable(1).is_err_and(|why| why.contains("128 connections")));
        assert!(usage(15).comparable(2).is_err_and(|why| why.contains("share")));
    }
}
