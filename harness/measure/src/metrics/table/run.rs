//! What faults did, how late the driver was, what went wrong, and what the run cost.
use super::super::row::{COST, LATENCY, LOSS, RECOVERY, ROW};
use super::super::source::{ABSENT, Source, cost, counter, per_second, ratio};
use super::super::{Better, Group, Metric, Statistic};
use crate::Counter;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "recovery_time_us",
        title: "recovery time",
        unit: "µs",
        definition: "From the first fault in the window until the beginning of the second from \
            which on the share of correct lookups, by when they were due, stays at 95 % or more of \
            what it was before that fault. Seconds are looked at together where fewer than 20 \
            searches fall into one on average, and left out with fewer than 5. 0: it never fell. \
            Not measured without a fault in the window, and where lookups did not recover: read it \
            beside the share that was correct after the fault.",
        source: |m| {
            Source::Number(m.lookups.outcomes.recovery().map(|time| time.as_micros() as f64))
        },
        ..RECOVERY
    },
    Metric {
        name: "correct_before_fault",
        title: "correct before the fault",
        better: Better::Higher,
        definition: "Share of correct lookups among the searches due in the window before the \
            first fault in it.",
        source: |m| Source::Number(m.lookups.outcomes.correct_before_fault()),
        ..RECOVERY
    },
    Metric {
        name: "correct_after_fault",
        title: "correct after the fault",
        better: Better::Higher,
        definition: "Share of correct lookups among the searches due in the window from the first \
            fault in it on.",
        source: |m| Source::Number(m.lookups.outcomes.correct_after_fault()),
        ..RECOVERY
    },
    Metric {
        name: "correct_lowest_after_fault",
        title: "lowest correct after the fault",
        better: Better::Higher,
        definition: "Lowest share of correct lookups in any second from the one with the first \
            fault on, by when they were due; seconds are looked at as for the recovery time.",
        source: |m| Source::Number(m.lookups.outcomes.correct_lowest_after_fault()),
        ..RECOVERY
    },
    Metric {
        name: "convergence_time_us",
        title: "all neighbours right after",
        unit: "µs",
        group: Group::Convergence,
        definition: "From the start of the run until every node had exactly the neighbours that \
            somebody who sees the whole network would give it. Not measured where that was not \
            seen.",
        source: |m| {
            Source::Number(m.convergence.and_then(|c| c.time).map(|t| t.as_micros() as f64))
        },
        ..ROW
    },
    Metric {
        name: "converged_ratio",
        title: "nodes right at the window's start",
        unit: "ratio",
        better: Better::Higher,
        group: Group::Convergence,
        definition: "Share of the live nodes that had exactly the neighbours that somebody who \
            sees the whole network would give them when the window began.",
        source: |m| m.convergence.map_or(ABSENT, |c| ratio(c.nodes.into(), c.of.into())),
        ..ROW
    },
    Metric {
        name: "lateness_us",
        title: "deliveries",
        unit: "µs",
        group: Group::Lateness,
        statistics: LATENCY,
        machine: true,
        definition: "How much later the testbed delivered bytes than the network model asked for. \
            It bounds what the testbed's latencies can be trusted for.",
        source: |m| Source::Distribution(&m.lateness_us),
        ..ROW
    },
    Metric {
        name: "losses_dropped_nonsense",
        title: "nonsense dropped",
        definition: "Messages that nodes dropped because they made no sense where they arrived.",
        source: |m| counter(m, Counter::DroppedNonsense),
        ..LOSS
    },
    Metric {
        name: "losses_dropped_bound",
        title: "dropped at a bound",
        definition: "Messages that nodes dropped because a bound of the overlay's configuration \
            was reached.",
        source: |m| counter(m, Counter::DroppedBound),
        ..LOSS
    },
    Metric {
        name: "losses_corrupt",
        title: "corrupt pieces",
        definition: "Pieces that nodes dropped after all of them had come, because they were not \
            what they should be.",
        source: |m| counter(m, Counter::Corrupt),
        ..LOSS
    },
    Metric {
        name: "losses_peers_banned",
        title: "peers banned",
        better: Better::Neither,
        definition: "Times a node decided to have nothing to do with a peer any more, because it \
            found it lying.",
        source: |m| counter(m, Counter::PeersBanned),
        ..LOSS
    },
    Metric {
        name: "losses_dropped_queue",
        title: "dropped unsent",
        definition: "Messages that the driver dropped because a queue of its own was full, or \
            because the peer they waited for cannot be reached.",
        source: |m| counter(m, Counter::DroppedQueue),
        ..LOSS
    },
    Metric {
        name: "losses_malformed_frames",
        title: "malformed frames",
        definition: "Frames from peers that were no message of the overlay, or were cut short.",
        source: |m| counter(m, Counter::MalformedFrames),
        ..LOSS
    },
    Metric {
        name: "losses_oversized_frames",
        title: "oversized frames",
        definition: "Frames from peers that were larger than the maximum.",
        source: |m| counter(m, Counter::OversizedFrames),
        ..LOSS
    },
    Metric {
        name: "losses_strangers",
        title: "strangers turned away",
        definition: "Connections from somebody who was not part of the run.",
        source: |m| counter(m, Counter::Strangers),
        ..LOSS
    },
    Metric {
        name: "losses_dial_failures",
        title: "dials failed",
        definition: "Connections to peers that could not be made.",
        source: |m| counter(m, Counter::DialFailures),
        ..LOSS
    },
    Metric {
        name: "losses_peers",
        title: "peers lost",
        better: Better::Neither,
        definition: "Times that a node was told that a peer cannot be reached any more.",
        source: |m| counter(m, Counter::PeersLost),
        ..LOSS
    },
    Metric {
        name: "losses_processes",
        title: "processes lost",
        definition: "Node processes that ended without being asked to.",
        source: |m| counter(m, Counter::ProcessesLost),
        ..LOSS
    },
    Metric {
        name: "losses_late_operations",
        title: "operations begun late",
        definition: "Operations of the workload that a node began later than they were due by more \
            than the driver's bound. Their latency counts from when they were due all the same.",
        source: |m| counter(m, Counter::LateOperations),
        ..LOSS
    },
    Metric {
        name: "cost_processes",
        title: "processes",
        better: Better::Neither,
        definition: "Processes that the nodes of the run ran in.",
        source: |m| cost(m, |cost| Some(f64::from(cost.processes))),
        ..COST
    },
    Metric {
        name: "cost_events",
        title: "events",
        machine: false,
        definition: "Inputs fed to nodes over the whole run: messages, timers, commands, losses.",
        source: |m| cost(m, |cost| Some(cost.events as f64)),
        ..COST
    },
    Metric {
        name: "cost_ns_per_event",
        title: "processor time per event",
        unit: "ns",
        definition: "Processor time from the first input to a node to the end of the run, divided by \
            the inputs. In the simulator, where a run is one thread; others that wait for the same \
            processor do not count. Not measured on the testbed, whose nodes have one each.",
        source: |m| {
            cost(m, |cost| {
                let nanos = cost.processor?.as_nanos() as f64;
                (cost.events > 0).then(|| nanos / cost.events as f64)
            })
        },
        ..COST
    },
    Metric {
        name: "cost_events_per_second",
        title: "events per second",
        unit: "1/s",
        better: Better::Higher,
        definition: "Inputs fed to nodes per second of real time, building not counted.",
        source: |m| cost(m, |cost| per_second(cost.events, cost)),
        ..COST
    },
    Metric {
        name: "cost_messages_per_second",
        title: "delivered messages per second",
        unit: "1/s",
        better: Better::Higher,
        definition: "Messages delivered to nodes per second of real time, building not counted.",
        source: |m| cost(m, |cost| per_second(cost.delivered_messages, cost)),
        ..COST
    },
    Metric {
        name: "cost_cpu_ms_per_second",
        title: "processor time of a node",
        unit: "ms/s",
        statistics: &[Statistic::Mean, Statistic::Max],
        scale: 1_000,
        definition: "Processor time that a node used in the window, per second that it was alive \
            in it.",
        source: |m| Source::Distribution(&m.nodes.cpu),
        ..COST
    },
    Metric {
        name: "cost_peak_memory_bytes",
        title: "peak memory",
        unit: "B",
        definition: "Largest resident memory of all processes of the run together.",
        source: |m| cost(m, |cost| cost.peak_memory_bytes.map(|bytes| bytes as f64)),
        ..COST
    },
    Metric {
        name: "cost_bytes_per_node",
        title: "memory per node",
        unit: "B",
        definition: "Peak memory divided by the nodes of the run, everything told: state, queues, \
            the world, the measurement itself.",
        source: |m| {
            cost(m, |cost| {
                let bytes = cost.peak_memory_bytes? as f64;
                (cost.nodes > 0).then(|| bytes / f64::from(cost.nodes))
            })
        },
        ..COST
    },
    Metric {
        name: "cost_build_us",
        title: "build",
        unit: "µs",
        definition: "Real time until the first input to a node: drawing the world, building nodes, \
            starting processes.",
        source: |m| cost(m, |cost| Some(cost.build.as_micros() as f64)),
        ..COST
    },
    Metric {
        name: "cost_wall_us",
        title: "run",
        unit: "µs",
        definition: "Real time from the first input to a node to the end of the run.",
        source: |m| cost(m, |cost| Some(cost.wall.as_micros() as f64)),
        ..COST
    },
];
