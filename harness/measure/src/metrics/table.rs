//! The one table that says what is measured and what each number means.
//!
//! A definition changes only together with [`crate::SCHEMA`].
use overlay_core::Class;

use super::row::{
    BANDWIDTH, COST, FETCH, LATENCY, LOSS, OUTCOME, PATH, RECOVERY, ROW, STATE, STRETCH,
};
use super::source::{
    ABSENT, Source, cost, counter, fetches, gini, measured, penalty, per_second, ratio, received,
    sent,
};
use super::{Better, Group, Metric, Statistic};
use crate::Counter;
use crate::measurement::STRETCH_SCALE;
use crate::nodes::UTILISATION_SCALE;

/// Everything that is measured, in the order of reports.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "lookup_correct_ratio",
        title: "correct",
        better: Better::Higher,
        definition: "Share of the searches due in the window whose answer was right when it \
            arrived, by the view of somebody who sees the whole network: the holder it names is \
            alive and has published the item or is responsible for its key; for a key that nobody \
            published, the first responsible node says so.",
        source: |m| ratio(m.lookups.correct, m.searches()),
        ..OUTCOME
    },
    Metric {
        name: "lookup_incorrect_ratio",
        title: "incorrect",
        definition: "Share of the searches due in the window that got an answer, but a wrong one.",
        source: |m| ratio(m.lookups.incorrect, m.searches()),
        ..OUTCOME
    },
    Metric {
        name: "lookup_failed_ratio",
        title: "failed",
        definition: "Share of the searches due in the window that got no answer within the \
            workload's timeout.",
        source: |m| ratio(m.lookups.failed, m.searches()),
        ..OUTCOME
    },
    Metric {
        name: "lookup_count",
        title: "searches",
        unit: "count",
        better: Better::Neither,
        definition: "Searches that were due in the window, however they ended.",
        source: |m| measured(m.searches()),
        ..OUTCOME
    },
    Metric {
        name: "lookup_latency_us",
        title: "latency",
        unit: "µs",
        group: Group::Latency,
        statistics: LATENCY,
        definition: "From the moment a search was due to its completion at the searcher, over \
            correct lookups. Due, not begun: a node that is busy when a search is due makes it \
            slower. Lookups that were wrong or failed are not in it, so read it beside the share \
            of correct lookups. Quantiles are within 0.1 %; over several runs the histograms are \
            merged, never averaged. More than an hour counts as an hour.",
        source: |m| Source::Distribution(&m.lookups.latency_us),
        ..ROW
    },
    Metric {
        name: "lookup_stretch",
        title: "stretch",
        unit: "times",
        group: Group::Latency,
        statistics: STRETCH,
        scale: STRETCH_SCALE,
        definition: "Latency of a correct lookup divided by the direct round trip between the \
            searcher and the node that answered, as the network model has it. 1: nothing could \
            have been faster. Large where the answer was next door: two nodes of one city are 1 ms \
            apart, and a search for it may cross an ocean. Lookups that the searcher answered itself are left out; not measured \
            where the testbed does not shape the network.",
        source: |m| Source::Distribution(&m.lookups.stretch),
        ..ROW
    },
    Metric {
        name: "lookup_hops",
        title: "hops",
        group: Group::Path,
        statistics: PATH,
        definition: "Forward messages on the path from the searcher to the node that answered, \
            over correct lookups; 0 if the searcher answered itself. The Chord paper counts to \
            the key's predecessor, which is one less. How far the distributions of two drivers \
            are apart is half the sum of the differences between the shares of each number of \
            hops: 0 if they are the same, 1 if they have nothing in common.",
        source: |m| Source::Distribution(&m.lookups.hops),
        ..ROW
    },
    Metric {
        name: "lookup_messages",
        title: "messages",
        group: Group::Path,
        definition: "Messages of class lookup that all nodes sent in the window, replies and \
            duplicates included, divided by the searches due in the window.",
        source: |m| ratio(m.nodes.lookup_messages, m.searches()),
        ..ROW
    },
    Metric {
        name: "lookup_nodes_visited",
        title: "nodes visited",
        group: Group::Path,
        definition: "Nodes that looked into what they know for a search, each once a search, \
            divided by the searches due in the window (Lv et al. 2002). Not measured where no node \
            told of it.",
        source: |m| match m.lookups.visited {
            0 => ABSENT,
            visited => ratio(visited, m.searches()),
        },
        ..ROW
    },
    Metric {
        name: "lookup_bytes",
        title: "payload",
        unit: "B",
        group: Group::Path,
        definition: "Payload of the messages of class lookup that all nodes sent in the window, \
            encoded, without framing, encryption and what lies below; divided by the searches due \
            in the window.",
        source: |m| ratio(m.nodes.lookup_bytes, m.searches()),
        ..ROW
    },
    Metric {
        name: "lookup_timeouts",
        title: "timeouts",
        group: Group::Path,
        statistics: PATH,
        definition: "Nodes that were tried in vain on the way of a lookup, over the lookups that \
            were answered, rightly or wrongly.",
        source: |m| Source::Distribution(&m.lookups.timeouts),
        ..ROW
    },
    Metric {
        name: "state_links",
        title: "links",
        definition: "Distinct other nodes that a node remembers, at the end of the window.",
        source: |m| Source::Distribution(&m.nodes.links),
        ..STATE
    },
    Metric {
        name: "state_entries",
        title: "entries",
        better: Better::Neither,
        definition: "Index records that a node keeps for others, at the end of the window. How \
            many there are in all is the workload's doing; how evenly they lie is the overlay's.",
        source: |m| Source::Distribution(&m.nodes.entries),
        ..STATE
    },
    Metric {
        name: "state_bytes",
        title: "bytes",
        unit: "B",
        definition: "Links and index records of a node, encoded, at the end of the window.",
        source: |m| Source::Distribution(&m.nodes.state_bytes),
        ..STATE
    },
    Metric {
        name: "resident_bytes",
        title: "resident memory",
        unit: "B",
        statistics: &[Statistic::Mean, Statistic::Max],
        machine: true,
        definition: "A node's share of the resident memory of its process, code and libraries \
            included, at the end of the window.",
        source: |m| Source::Distribution(&m.nodes.resident_bytes),
        ..STATE
    },
    Metric {
        name: "bandwidth_maintenance_sent",
        title: "maintenance sent",
        definition: "Payload of class maintenance that a node sent in the window, per second that \
            it was alive in it: joins, stabilisation, replication, keep-alives.",
        source: |m| sent(&m.nodes, Class::Maintenance),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_maintenance_received",
        title: "maintenance received",
        definition: "Payload of class maintenance that a node received in the window, per second \
            that it was alive in it.",
        source: |m| received(&m.nodes, Class::Maintenance),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_lookup_sent",
        title: "lookup sent",
        definition: "Payload of class lookup that a node sent in the window, per second that it \
            was alive in it: searches and their answers.",
        source: |m| sent(&m.nodes, Class::Lookup),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_lookup_received",
        title: "lookup received",
        definition: "Payload of class lookup that a node received in the window, per second that \
            it was alive in it.",
        source: |m| received(&m.nodes, Class::Lookup),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_data_sent",
        title: "data sent",
        definition: "Payload of class data that a node sent in the window, per second that it was \
            alive in it: items, and their publication.",
        source: |m| sent(&m.nodes, Class::Data),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_data_received",
        title: "data received",
        definition: "Payload of class data that a node received in the window, per second that it \
            was alive in it.",
        source: |m| received(&m.nodes, Class::Data),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_sent",
        title: "payload sent",
        definition: "Payload of all classes that a node sent in the window, per second that it \
            was alive in it. The largest value is the busiest node's.",
        source: |m| Source::Distribution(&m.nodes.sent_in_all),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_received",
        title: "payload received",
        definition: "Payload of all classes that a node received in the window, per second that \
            it was alive in it.",
        source: |m| Source::Distribution(&m.nodes.received_in_all),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_wire_sent",
        title: "wire sent",
        definition: "Bytes that a node handed to its sockets in the window, per second that it \
            was alive in it: payload, framing, encryption, multiplexing and handshakes, without \
            the headers of TCP and IP.",
        source: |m| Source::Distribution(&m.nodes.wire_sent),
        ..BANDWIDTH
    },
    Metric {
        name: "bandwidth_wire_received",
        title: "wire received",
        definition: "Bytes that a node took from its sockets in the window, per second that it \
            was alive in it.",
        source: |m| Source::Distribution(&m.nodes.wire_received),
        ..BANDWIDTH
    },
    Metric {
        name: "uplink_utilisation",
        title: "uplink utilisation",
        unit: "ratio",
        better: Better::Neither,
        statistics: &[Statistic::Mean, Statistic::Quantile(990), Statistic::Max],
        scale: UTILISATION_SCALE,
        definition: "Payload that a node sent in the window, divided by what its uplink could \
            carry while it was alive in it; over the nodes whose uplink is limited. Payload on the \
            testbed, too: framing and encryption come on top. Above 1, the node was asked to send \
            more than it could, and the rest waits.",
        source: |m| Source::Distribution(&m.nodes.uplink_utilisation),
        ..BANDWIDTH
    },
    Metric {
        name: "fetch_ratio",
        title: "verified",
        unit: "ratio",
        better: Better::Higher,
        definition: "Share of the fetches in the window that got all bytes, and the right ones.",
        source: |m| ratio(m.fetches.intact(), fetches(m)),
        ..FETCH
    },
    Metric {
        name: "fetch_corrupt_ratio",
        title: "corrupt",
        unit: "ratio",
        definition: "Share of the fetches in the window that got bytes which were not the item's.",
        source: |m| ratio(m.fetches.corrupt, fetches(m)),
        ..FETCH
    },
    Metric {
        name: "fetch_time_contributors_us",
        title: "contributors",
        statistics: LATENCY,
        definition: "From the moment a fetch was due until all bytes were there and verified, over \
            the fetches of contributors.",
        source: |m| Source::Distribution(&m.fetches.contributors_us),
        ..FETCH
    },
    Metric {
        name: "fetch_time_freeloaders_us",
        title: "freeloaders",
        better: Better::Neither,
        statistics: LATENCY,
        definition: "From the moment a fetch was due until all bytes were there and verified, over \
            the fetches of freeloaders.",
        source: |m| Source::Distribution(&m.fetches.freeloaders_us),
        ..FETCH
    },
    Metric {
        name: "freeloader_penalty",
        title: "freeloader penalty",
        unit: "times",
        better: Better::Higher,
        definition: "Median fetch time of freeloaders divided by the median of contributors in \
            the same run. Above 1, freeloading does not pay.",
        source: |m| Source::Number(penalty(m)),
        ..FETCH
    },
    Metric {
        name: "free_ride",
        title: "free ride",
        unit: "B/B",
        definition: "Payload of class data that freeloaders received in the window for each byte \
            of it that they sent. Not measured where they sent none.",
        source: |m| ratio(m.nodes.freeloaders_took, m.nodes.freeloaders_gave),
        ..FETCH
    },
    Metric {
        name: "load_sent_gini",
        title: "bytes sent",
        unit: "Gini",
        group: Group::Fairness,
        definition: "Gini coefficient of the payload that each node sent in the window: 0 if all \
            sent the same, near 1 if one sent everything.",
        source: |m| Source::Number(gini(m.nodes.bytes_sent_each.clone())),
        ..ROW
    },
    Metric {
        name: "load_entries_gini",
        title: "entries kept",
        unit: "Gini",
        group: Group::Fairness,
        definition: "Gini coefficient of the index records that each node keeps for others at the \
            end of the window.",
        source: |m| {
            Source::Number(gini(m.nodes.entries_each.iter().copied().map(u64::from).collect()))
        },
        ..ROW
    },
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
