//! What a node remembers, sends and receives.
use overlay_core::Class;

use super::super::row::{BANDWIDTH, STATE};
use super::super::source::{Source, received, sent};
use super::super::{Better, Metric, Statistic};
use crate::nodes::UTILISATION_SCALE;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "state_links",
        title: "links",
        definition: "Distinct other nodes that a node remembers, at the end of the window; in a run \
            of downloads when half of them had ended, as connections are given up afterwards. Of a \
            node that had gone before, when it went.",
        source: |m| Source::Distribution(&m.nodes.links),
        ..STATE
    },
    Metric {
        name: "state_entries",
        title: "entries",
        better: Better::Neither,
        definition: "Index records that a node keeps for others, when its links are counted. How \
            many there are in all is the workload's doing; how evenly they lie is the overlay's.",
        source: |m| Source::Distribution(&m.nodes.entries),
        ..STATE
    },
    Metric {
        name: "state_bytes",
        title: "bytes",
        unit: "B",
        definition: "Links and index records of a node, encoded, when its links are counted.",
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
];
