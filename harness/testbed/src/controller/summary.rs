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

/// Sets what a node takes beside what a libp2p node without an overlay takes: memory that processes
/// share with no other, of those that said so at the end of the window.
pub(super) fn compare<'a>(
    standing: Standing,
    reports: impl Iterator<Item = &'a (ProcessReport, bool)>,
    measurement: &mut Measurement,
) {
    measurement.control("libp2p_node_processor", standing.processor as f64 / 1e6, "ms");
    let (mut bytes, mut nodes) = (0, 0);
    for (report, _) in reports.filter(|(report, _)| report.own_bytes > 0) {
        bytes += report.own_bytes;
        nodes += report.nodes.len();
    }
    if nodes > 0 && standing.own_bytes > 0 {
        let (own, bare) = (bytes as f64 / nodes as f64, standing.own_bytes as f64);
        measurement.control("libp2p_node_memory", bare / 1e6, "MB");
        measurement.control("node_memory", own / 1e6, "MB");
        measurement.control("node_memory_ratio", own / bare, "×");
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
