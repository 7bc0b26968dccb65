//! What it takes to stay whole while nodes come and go, and what is not.
use super::super::row::UPKEEP;
use super::super::source::{ABSENT, Source, ratio};
use super::super::{Better, Metric};

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
    Metric {
        name: "upkeep_invariant_held",
        title: "invariant held",
        better: Better::Higher,
        definition: "Share of looks at the whole network since the first node failed, a thousand and \
            one after each failure and each join, at which what the overlay rests on held: in \
            Chord, that every member has a live successor, and at least r + 1 members are skipped by \
            no list (Zave 2017; a ring of fewer members counts as one that has not begun). A failure may \
            break it, if it takes the last live entry of a list; broken otherwise, it is a defect that a \
            note tells. Not measured where nobody goes, on the \
            testbed, and beyond 1,024 nodes.",
        source: |m| m.upheld.map_or(ABSENT, |it| ratio(it.held, it.looks)),
        ..UPKEEP
    },
];
