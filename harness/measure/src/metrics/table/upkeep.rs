//! What it takes to stay whole while nodes come and go, and what is not.
use super::super::Metric;
use super::super::row::UPKEEP;
use super::super::source::Source;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "upkeep_stale_links",
        title: "stale links",
        definition: "Share of the live nodes' links that led to nodes that were not there, over 60 \
            looks in the window. Not measured where nobody goes.",
        source: |m| Source::Number(m.inventories.stale_links()),
        ..UPKEEP
    },
    Metric {
        name: "upkeep_repair_sent",
        title: "repair sent",
        unit: "B/s",
        definition: "Payload by which nodes put copies of what they keep for others where they \
            belong, and took them away, per second and live node; part of maintenance. Whoever \
            publishes again repairs as well; that is data.",
        source: |m| Source::Number(m.sent.repair_rate()),
        ..UPKEEP
    },
    Metric {
        name: "upkeep_lost_items",
        title: "lost items",
        definition: "Share of the published items of which no live node held the bytes, as their \
            publisher or for others, over 60 looks in the window. Not measured where nobody goes, \
            and beyond 65,536 nodes.",
        source: |m| Source::Number(m.inventories.lost_items()),
        ..UPKEEP
    },
    Metric {
        name: "upkeep_lost_items_at_end",
        title: "lost items at the end",
        definition: "The same at the last look alone.",
        source: |m| Source::Number(m.inventories.lost_items_at_end()),
        ..UPKEEP
    },
];
