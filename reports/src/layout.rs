//! Which figures a table shows, in which order: one literal table.
use peerbench_measure::RunRecord;
use peerbench_measure::Statistic::{self, Mean, Quantile, Value};

use crate::Part;
use crate::figures::Figure;

/// The hint of sections that say nothing about searches which were wrong or failed.
pub(crate) const OF_THE_CORRECT: &str = "of the correct";

/// Rows that belong together.
pub(crate) struct Section {
    pub(crate) part: Part,
    pub(crate) title: &'static str,
    /// What is true of all its figures.
    pub(crate) hint: &'static str,
    /// Shown even if nothing of it was measured.
    pub(crate) always: bool,
    pub(crate) lines: &'static [Line],
}

/// One row.
pub(crate) struct Line {
    pub(crate) label: &'static str,
    /// A metric's name in the table of metrics.
    pub(crate) metric: &'static str,
    pub(crate) show: Show,
}

/// What of a metric a row shows.
#[derive(Clone, Copy)]
pub(crate) enum Show {
    /// One figure.
    Figure(Statistic),
    /// One time, in milliseconds like its neighbours.
    Milliseconds(Statistic),
    /// The mean over nodes, and the node with the largest value beside it.
    MeanAndMax,
    /// Where the values lie, and how far the drivers' distributions are from each other.
    Distribution,
    /// One figure, shown only where it is not zero.
    IfAny,
    /// One time of all lookups, shown only where some were wrong or failed.
    IfWrong(Statistic),
}

impl Show {
    /// The figure by which drivers are compared.
    pub(crate) const fn statistic(self) -> Statistic {
        match self {
            Self::Figure(statistic) | Self::Milliseconds(statistic) | Self::IfWrong(statistic) => {
                statistic
            }
            Self::MeanAndMax | Self::Distribution => Mean,
            Self::IfAny => Value,
        }
    }

    /// Whether a row can say anything of these runs that others do not.
    pub(crate) fn is_meant<'r>(self, mut records: impl Iterator<Item = &'r RunRecord>) -> bool {
        let is_wrong = |record: &RunRecord| {
            record.reading("lookup_correct_ratio").number().is_some_and(|share| share < 1.0)
        };
        !matches!(self, Self::IfWrong(_)) || records.any(is_wrong)
    }

    /// Whether figures like these are worth a row.
    pub(crate) fn is_shown(self, figures: &[Figure]) -> bool {
        let any = || figures.iter().any(|found| found.reading.number().is_some_and(|n| n != 0.0));
        !matches!(self, Self::IfAny) || any()
    }
}

const fn line(label: &'static str, metric: &'static str, show: Show) -> Line {
    Line { label, metric, show }
}

const fn figure(label: &'static str, metric: &'static str, statistic: Statistic) -> Line {
    line(label, metric, Show::Figure(statistic))
}

const fn time(label: &'static str, metric: &'static str, thousandths: u16) -> Line {
    line(label, metric, Show::Milliseconds(Quantile(thousandths)))
}

const fn charged(label: &'static str, statistic: Statistic) -> Line {
    line(label, "lookup_latency_charged_us", Show::IfWrong(statistic))
}

const fn last(label: &'static str, metric: &'static str) -> Line {
    line(label, metric, Show::Milliseconds(Statistic::Max))
}

const fn nodes(label: &'static str, metric: &'static str) -> Line {
    line(label, metric, Show::MeanAndMax)
}

const fn loss(label: &'static str, metric: &'static str) -> Line {
    line(label, metric, Show::IfAny)
}

/// What a summary shows before controls and traces.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        part: Part::Lookups,
        title: "lookup outcome",
        hint: "",
        always: true,
        lines: &[
            figure("searches", "lookup_count", Value),
            figure("correct", "lookup_correct_ratio", Value),
            figure("incorrect", "lookup_incorrect_ratio", Value),
            figure("failed", "lookup_failed_ratio", Value),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "lookup latency",
        hint: OF_THE_CORRECT,
        always: true,
        lines: &[
            time("p50", "lookup_latency_us", 500),
            time("p90", "lookup_latency_us", 900),
            time("p99", "lookup_latency_us", 990),
            time("p99.9", "lookup_latency_us", 999),
            figure("stretch p50", "lookup_stretch", Quantile(500)),
            figure("stretch p99", "lookup_stretch", Quantile(990)),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "charged latency",
        hint: "of all lookups",
        always: false,
        lines: &[
            charged("mean", Mean),
            charged("p50", Quantile(500)),
            charged("p90", Quantile(900)),
            charged("p99", Quantile(990)),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "hops",
        hint: OF_THE_CORRECT,
        always: true,
        lines: &[
            figure("mean", "lookup_hops", Mean),
            figure("p50", "lookup_hops", Quantile(500)),
            figure("p99", "lookup_hops", Quantile(990)),
            line("distribution", "lookup_hops", Show::Distribution),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "per lookup",
        hint: "",
        always: true,
        lines: &[
            figure("messages", "lookup_messages", Value),
            line("nodes visited", "lookup_nodes_visited", Show::IfAny),
            figure("payload", "lookup_bytes", Value),
            figure("timeouts", "lookup_timeouts", Mean),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "fetch",
        hint: "",
        always: false,
        lines: &[
            figure("verified", "fetch_ratio", Value),
            figure("corrupt", "fetch_corrupt_ratio", Value),
            time("contributors p50", "fetch_time_contributors_us", 500),
            time("contributors p99", "fetch_time_contributors_us", 990),
            last("last contributor", "fetch_time_contributors_us"),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "swarm",
        hint: "",
        always: false,
        lines: &[
            figure("of the limit", "distribution_efficiency", Value),
            figure("piece diversity", "piece_diversity", Value),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "sharing",
        hint: "of contributors",
        always: false,
        lines: &[
            figure("given per taken", "share_ratio", Mean),
            figure("bytes sent, Gini", "upload_gini", Value),
            figure("from publishers", "received_by_contributors_from_publishers", Value),
            figure("from others", "received_by_contributors_from_others", Value),
        ],
    },
    Section {
        part: Part::Lookups,
        title: "freeloading",
        hint: "",
        always: false,
        lines: &[
            time("freeloaders p50", "fetch_time_freeloaders_us", 500),
            time("freeloaders p99", "fetch_time_freeloaders_us", 990),
            last("last freeloader", "fetch_time_freeloaders_us"),
            figure("penalty", "freeloader_penalty", Value),
            figure("free ride", "free_ride", Value),
            figure("on publishers", "free_ride_from_publishers", Value),
            figure("on others", "free_ride_from_others", Value),
            figure("from publishers", "received_by_freeloaders_from_publishers", Value),
            figure("from others", "received_by_freeloaders_from_others", Value),
        ],
    },
    Section {
        part: Part::Nodes,
        title: "state of a node",
        hint: "mean · max",
        always: true,
        lines: &[
            nodes("links", "state_links"),
            nodes("entries", "state_entries"),
            nodes("bytes", "state_bytes"),
            nodes("resident memory", "resident_bytes"),
        ],
    },
    Section {
        part: Part::Nodes,
        title: "sent by a node",
        hint: "mean · busiest",
        always: true,
        lines: &[
            nodes("maintenance", "bandwidth_maintenance_sent"),
            nodes("lookup", "bandwidth_lookup_sent"),
            nodes("data", "bandwidth_data_sent"),
            nodes("payload", "bandwidth_sent"),
            nodes("wire", "bandwidth_wire_sent"),
            nodes("uplink used", "uplink_utilisation"),
        ],
    },
    Section {
        part: Part::Nodes,
        title: "received",
        hint: "mean · busiest",
        always: true,
        lines: &[nodes("payload", "bandwidth_received"), nodes("wire", "bandwidth_wire_received")],
    },
    Section {
        part: Part::Nodes,
        title: "load, Gini",
        hint: "",
        always: false,
        lines: &[
            figure("bytes sent", "load_sent_gini", Value),
            figure("entries kept", "load_entries_gini", Value),
        ],
    },
    Section {
        part: Part::Nodes,
        title: "upkeep",
        hint: "",
        always: false,
        lines: &[
            figure("stale links", "upkeep_stale_links", Value),
            Line { label: "repair sent", metric: "upkeep_repair_sent", show: Show::IfAny },
            figure("lost items", "upkeep_lost_items", Value),
            figure("at the end", "upkeep_lost_items_at_end", Value),
            figure("invariant held", "upkeep_invariant_held", Value),
        ],
    },
    Section {
        part: Part::Run,
        title: "convergence",
        hint: "",
        always: false,
        lines: &[
            figure("all right after", "convergence_time_us", Value),
            figure("right at start", "converged_ratio", Value),
        ],
    },
    Section {
        part: Part::Run,
        title: "recovery",
        hint: "from a fault",
        always: false,
        lines: &[
            figure("after", "recovery_time_us", Value),
            figure("correct before", "correct_before_fault", Value),
            figure("correct after", "correct_after_fault", Value),
            figure("at the lowest", "correct_lowest_after_fault", Value),
        ],
    },
    Section {
        part: Part::Run,
        title: "losses",
        hint: "",
        always: false,
        lines: &[
            loss("nonsense", "losses_dropped_nonsense"),
            loss("at a bound", "losses_dropped_bound"),
            loss("corrupt", "losses_corrupt"),
            loss("peers banned", "losses_peers_banned"),
            loss("unsent", "losses_dropped_queue"),
            loss("malformed frames", "losses_malformed_frames"),
            loss("oversized frames", "losses_oversized_frames"),
            loss("strangers", "losses_strangers"),
            loss("dials failed", "losses_dial_failures"),
            loss("peers lost", "losses_peers"),
            loss("processes lost", "losses_processes"),
            loss("begun late", "losses_late_operations"),
        ],
    },
    Section {
        part: Part::Run,
        title: "lateness",
        hint: "of deliveries",
        always: false,
        lines: &[
            figure("p50", "lateness_us", Quantile(500)),
            figure("p99", "lateness_us", Quantile(990)),
        ],
    },
    Section {
        part: Part::Run,
        title: "cost of the run",
        hint: "",
        always: false,
        lines: &[
            figure("processes", "cost_processes", Value),
            figure("events", "cost_events", Value),
            figure("per event", "cost_ns_per_event", Value),
            figure("event rate", "cost_events_per_second", Value),
            figure("message rate", "cost_messages_per_second", Value),
            nodes("processor", "cost_cpu_ms_per_second"),
            figure("peak memory", "cost_peak_memory_bytes", Value),
            figure("memory per node", "cost_bytes_per_node", Value),
            figure("build", "cost_build_us", Value),
            figure("run", "cost_wall_us", Value),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use peerbench_measure::METRICS;

    #[test]
    fn every_line_shows_figures_that_the_metric_has() {
        for line in SECTIONS.iter().flat_map(|section| section.lines) {
            let metric = METRICS.iter().find(|metric| metric.name == line.metric);
            let metric = metric.unwrap_or_else(|| panic!("no metric {}", line.metric));
            let shown: &[Statistic] = match &line.show {
                Show::Figure(statistic)
                | Show::Milliseconds(statistic)
                | Show::IfWrong(statistic) => std::slice::from_ref(statistic),
                Show::MeanAndMax => &[Mean, Statistic::Max],
                Show::Distribution => &[Quantile(10), Quantile(990)],
                Show::IfAny => &[Value],
            };
            for statistic in shown {
                assert!(metric.statistics.contains(statistic), "{} {statistic}", line.metric);
            }
        }
    }
}
