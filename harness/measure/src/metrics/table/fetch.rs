//! How fetches ended, who gave and who took, and who carries the load.
use super::super::row::{FETCH, FETCH_TIME, ROW, SHARE, TAKEN};
use super::super::source::{Source, fetches, penalty, ratio};
use super::super::{Better, Group, Metric};
use crate::fairness::gini;
use crate::giving::SHARE_SCALE;
use crate::measurement::Distribution;

pub(super) const METRICS: &[Metric] = &[
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
        statistics: FETCH_TIME,
        definition: "From the moment a fetch was due until all bytes were there and verified, over \
            the fetches of contributors.",
        source: |m| Source::Distribution(&m.fetches.contributors_us),
        ..FETCH
    },
    Metric {
        name: "fetch_time_freeloaders_us",
        title: "freeloaders",
        better: Better::Neither,
        statistics: FETCH_TIME,
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
        name: "distribution_efficiency",
        title: "of the physical limit",
        unit: "ratio",
        better: Better::Higher,
        definition: "The least time in which all contributors could have had their downloads, \
            divided by the time the last of them took, both counted from the first moment a \
            download could be due (Kumar and Ross 2006): 1 is the physical limit. The least time is \
            the largest of three: the items over the uplinks of those who publish them; what a \
            node downloads over its downlink; all that contributors download over the uplinks of \
            all nodes that give anything. It supposes that items lie with their publishers alone at \
            first, and that all begin at once: where downloads begin over a longer time, the figure \
            says little. Not measured unless every contributor that was not struck by a fault got \
            everything, nor where unlimited links leave no limit.",
        source: |m| Source::Number(m.distribution.as_ref().and_then(Distribution::efficiency)),
        ..FETCH
    },
    Metric {
        name: "piece_diversity",
        title: "piece diversity",
        unit: "ratio",
        better: Better::Higher,
        definition: "How evenly the pieces of an item are spread over the live nodes (Legout et al. \
            2006): the copies of the piece with the fewest, divided by the mean over all pieces; on \
            average over the time from the first piece that a node got to the last, and over \
            items. 1: all pieces have as many copies; 0: some piece is nowhere. Publishers have \
            all pieces. A node that is gone has none; one that is there but serves no more still \
            has its own.",
        source: |m| Source::Number(m.pieces.diversity()),
        ..FETCH
    },
    Metric {
        name: "free_ride",
        title: "free ride",
        unit: "B/B",
        definition: "Bytes of items that freeloaders received in the window for each byte of class \
            data that they sent, requests included. Not measured where they sent none.",
        source: |m| ratio(m.nodes.giving.freeloaders.received(), m.nodes.giving.freeloaders_sent),
        ..FETCH
    },
    Metric {
        name: "free_ride_from_publishers",
        title: "free ride on publishers",
        unit: "B/B",
        definition: "The part of the free ride that came from nodes that the workload makes \
            publish: seeds. Nobody can ask them to take something in return.",
        source: |m| {
            ratio(m.nodes.giving.freeloaders.from_publishers, m.nodes.giving.freeloaders_sent)
        },
        ..FETCH
    },
    Metric {
        name: "free_ride_from_others",
        title: "free ride on others",
        unit: "B/B",
        definition: "The part of the free ride that came from nodes that publish nothing: from \
            those who want something themselves.",
        source: |m| ratio(m.nodes.giving.freeloaders.from_others, m.nodes.giving.freeloaders_sent),
        ..FETCH
    },
    Metric {
        name: "received_by_freeloaders_from_publishers",
        title: "freeloaders had from publishers",
        definition: "Bytes of items that a freeloader received in the window from nodes that the \
            workload makes publish; the mean over freeloaders that publish nothing. What came \
            twice or was corrupt counts, too.",
        source: |m| Source::Number(m.nodes.giving.taken(false, |items| items.from_publishers)),
        ..TAKEN
    },
    Metric {
        name: "received_by_freeloaders_from_others",
        title: "freeloaders had from others",
        definition: "Bytes of items that a freeloader received in the window from nodes that \
            publish nothing; the mean over freeloaders that publish nothing.",
        source: |m| Source::Number(m.nodes.giving.taken(false, |items| items.from_others)),
        ..TAKEN
    },
    Metric {
        name: "received_by_contributors_from_publishers",
        title: "contributors had from publishers",
        definition: "Bytes of items that a contributor received in the window from nodes that the \
            workload makes publish; the mean over contributors that publish nothing.",
        source: |m| Source::Number(m.nodes.giving.taken(true, |items| items.from_publishers)),
        ..TAKEN
    },
    Metric {
        name: "received_by_contributors_from_others",
        title: "contributors had from others",
        definition: "Bytes of items that a contributor received in the window from nodes that \
            publish nothing; the mean over contributors that publish nothing.",
        source: |m| Source::Number(m.nodes.giving.taken(true, |items| items.from_others)),
        ..TAKEN
    },
    Metric {
        name: "share_ratio",
        title: "share ratio",
        unit: "B/B",
        better: Better::Neither,
        group: Group::Fairness,
        statistics: SHARE,
        scale: SHARE_SCALE,
        definition: "Bytes of items that a node sent in the window for each that it received, over \
            contributors that publish nothing and received something. 1: it gave what it took.",
        source: |m| Source::Distribution(&m.nodes.giving.share),
        ..ROW
    },
    Metric {
        name: "upload_gini",
        title: "items' bytes sent by contributors",
        unit: "Gini",
        group: Group::Fairness,
        definition: "Gini coefficient of the bytes of items that each contributor which publishes \
            nothing sent in the window: 0 if all gave the same, near 1 if one gave everything.",
        source: |m| Source::Number(gini(m.nodes.giving.sent_each.clone())),
        ..ROW
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
];
