//! How lookups ended, how long they took and how far they went.
use super::super::row::{CHARGED, LATENCY, OUTCOME, PATH, ROW, STRETCH};
use super::super::source::{ABSENT, Source, measured, ratio};
use super::super::{Better, Group, Metric};
use crate::measurement::STRETCH_SCALE;

pub(super) const METRICS: &[Metric] = &[
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
        name: "lookup_latency_charged_us",
        title: "charged latency",
        unit: "µs",
        group: Group::Latency,
        statistics: CHARGED,
        definition: "The same over all searches due in the window: one whose answer was wrong, or \
            that had none, counts as the workload's timeout. So an overlay that answers little but \
            soon is not taken for a fast one (Li et al. 2005). Equal to the latency where all \
            lookups are correct.",
        source: |m| Source::Distribution(&m.lookups.charged_us),
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
];
