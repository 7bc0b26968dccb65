//! From what a driver counts to the figures of a record.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::collections::BTreeSet;
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Answer, Class, Conduct, NodeId, Role, StateSize, Strategy, Time};
use peerbench_measure::{
    Assume, Cost, Counter, Driver, Group, GroupedBy, Key, Load, METRICS, Measurement, NodeSample,
    Reading, RunRecord, Status, Traffic, Verdict, find_metric,
};
use proptest::prelude::*;

const WINDOW: Duration = Duration::from_secs(10);
const DUE: Time = Time::from_nanos(5_000_000_000);

fn key(driver: Driver) -> Key {
    Key { overlay: "chord".into(), scenario: "small".into(), driver, n: 2, seed: 1, round: 0 }
}

fn record(driver: Driver, measurement: &Measurement) -> RunRecord {
    RunRecord::new(key(driver), "d".into(), Status::Ok, measurement)
}

fn figure(measurement: &Measurement, name: &str) -> Option<f64> {
    let record = record(Driver::Simulator, measurement);
    assert!(record.metrics.contains_key(name), "no metric {name}");
    record.reading(name).number()
}

fn answer(hops: u16, timeouts: u16) -> Answer {
    Answer { by: NodeId(0), holder: None, hops, timeouts }
}

fn lookup(to: &mut Measurement, micros: u64, verdict: Verdict, answer: &Answer) {
    to.lookup(DUE, DUE + Duration::from_micros(micros), verdict, answer);
}

fn sample(node: u32, lookup_bytes: u32, alive: Duration) -> NodeSample {
    let mut traffic = Traffic::default();
    traffic.send(Class::Lookup, lookup_bytes);
    traffic.receive(Class::Maintenance, 30);
    NodeSample {
        node: NodeId(node),
        conduct: Conduct::Contributor,
        role: Role::Peer,
        uplink: BitRate(8_000),
        alive,
        traffic,
        wire: None,
        state: StateSize { links: node + 1, entries: 4, bytes: 100 },
        resident_bytes: None,
        cpu: Some(alive / 100),
    }
}

#[test]
fn only_correct_lookups_have_a_latency_and_hops() {
    let mut m = Measurement::new(WINDOW);
    lookup(&mut m, 1_000, Verdict::Correct, &answer(2, 1));
    lookup(&mut m, 9_000, Verdict::Incorrect, &answer(8, 3));
    m.lookup_failed(DUE);
    m.lookup_failed(DUE);
    assert_eq!(m.searches(), 4);
    assert_eq!(figure(&m, "lookup_correct_ratio"), Some(0.25));
    assert_eq!(figure(&m, "lookup_incorrect_ratio"), Some(0.25));
    assert_eq!(figure(&m, "lookup_failed_ratio"), Some(0.5));
    assert_eq!(figure(&m, "lookup_latency_us_p999"), Some(1_000.0));
    assert_eq!(figure(&m, "lookup_hops_max"), Some(2.0));
    assert_eq!(figure(&m, "lookup_timeouts_mean"), Some(2.0));
}

#[test]
fn what_fails_is_charged_where_it_is_asked_for() {
    let mut m = Measurement::new(WINDOW);
    assert_eq!(figure(&m, "lookup_latency_charged_us_p50"), None);
    for millis in [40, 80, 4_000] {
        m.charge(Duration::from_millis(millis));
    }
    let mut other = Measurement::new(WINDOW);
    other.charge(Duration::from_millis(4_000));
    m.merge(&other);
    let near = |name, millis: f64| {
        let found = figure(&m, name).unwrap();
        assert!((found / 1e3 - millis).abs() <= millis / 1e3, "{name}: {found} µs");
    };
    near("lookup_latency_charged_us_p50", 80.0);
    near("lookup_latency_charged_us_p99", 4_000.0);
    near("lookup_latency_charged_us_mean", 2_030.0);
}

#[test]
fn the_network_s_lookup_traffic_is_shared_by_all_searches_that_were_due() {
    let mut m = Measurement::new(WINDOW);
    lookup(&mut m, 1_000, Verdict::Correct, &answer(2, 0));
    m.lookup_failed(DUE);
    m.node(&sample(0, 100, WINDOW));
    m.node(&sample(1, 200, WINDOW));
    m.node(&sample(2, 0, WINDOW));
    assert_eq!(figure(&m, "lookup_messages"), Some(1.5));
    assert_eq!(figure(&m, "lookup_bytes"), Some(150.0));
}

#[test]
fn bandwidth_is_per_second_alive() {
    let mut m = Measurement::new(WINDOW);
    m.node(&sample(0, 100, WINDOW));
    m.node(&sample(1, 100, WINDOW / 4));
    m.node(&sample(2, 0, Duration::ZERO));
    assert_eq!(figure(&m, "bandwidth_lookup_sent_max"), Some(40.0));
    assert_eq!(figure(&m, "bandwidth_lookup_sent_mean"), Some(25.0));
    assert_eq!(figure(&m, "bandwidth_sent_mean"), Some(25.0));
    assert_eq!(figure(&m, "bandwidth_maintenance_received_max"), Some(12.0));
    assert_eq!(figure(&m, "bandwidth_wire_sent_mean"), None);
    assert_eq!(figure(&m, "cost_cpu_ms_per_second_mean"), Some(10.0));
    assert_eq!(figure(&m, "state_links_mean"), Some(2.0));
    assert_eq!(figure(&m, "load_entries_gini"), Some(0.0));
    let gini = figure(&m, "load_sent_gini").unwrap();
    assert!((gini - 1.0 / 3.0).abs() < 1e-12, "two of three send the same: {gini}");
}

#[test]
fn what_freeloaders_get_is_set_against_what_contributors_get() {
    let freeloader = Conduct::Freeloader(Strategy::NoUpload);
    let mut m = Measurement::new(WINDOW);
    m.fetch(Duration::from_millis(200), true, Conduct::Contributor);
    m.fetch(Duration::from_millis(300), true, freeloader);
    m.fetch(Duration::from_millis(1), false, freeloader);
    m.fetch_failed();
    assert_eq!(figure(&m, "freeloader_penalty"), Some(1.5));
    assert_eq!(figure(&m, "fetch_time_freeloaders_us_max"), Some(300_000.0));
    assert_eq!(figure(&m, "fetch_ratio"), Some(0.5));
    assert_eq!(figure(&m, "fetch_corrupt_ratio"), Some(0.25));
}

#[test]
fn what_freeloaders_took_is_told_apart_by_who_gave_it() {
    let mut m = Measurement::new(WINDOW);
    m.publishes(NodeId(7));
    let mut taker = sample(0, 0, WINDOW);
    taker.conduct = Conduct::Freeloader(Strategy::NoUpload);
    taker.traffic.receive_item(400, true);
    taker.traffic.receive_item(200, false);
    m.node(&taker);
    assert_eq!(figure(&m, "free_ride"), None, "nothing given: no ratio");
    (taker.node, taker.traffic) = (NodeId(1), Traffic::default());
    taker.traffic.send(Class::Data, 200);
    m.node(&taker);
    assert_eq!(figure(&m, "free_ride"), Some(3.0));
    assert_eq!(figure(&m, "free_ride_from_publishers"), Some(2.0));
    assert_eq!(figure(&m, "free_ride_from_others"), Some(1.0));
    assert_eq!(figure(&m, "received_by_freeloaders_from_publishers"), Some(200.0));
    assert_eq!(figure(&m, "received_by_freeloaders_from_others"), Some(100.0));
    assert_eq!(figure(&m, "received_by_contributors_from_others"), None, "there are none");
    assert_eq!((figure(&m, "share_ratio_mean"), figure(&m, "upload_gini")), (None, None));
}

#[test]
fn contributors_share_by_what_they_had_and_publishers_are_no_part_of_it() {
    let mut m = Measurement::new(WINDOW);
    m.publishes(NodeId(0));
    for (node, sent, from_publishers, from_others) in
        [(0, 9_000, 0, 5), (1, 30, 15, 5), (2, 0, 10, 10), (3, 90, 0, 0)]
    {
        let mut it = sample(node, 0, WINDOW);
        it.traffic.send_item(sent);
        it.traffic.receive_item(from_publishers, true);
        it.traffic.receive_item(from_others, false);
        m.node(&it);
    }
    assert_eq!(figure(&m, "received_by_contributors_from_publishers"), Some(25.0 / 3.0));
    assert_eq!(figure(&m, "received_by_contributors_from_others"), Some(5.0));
    assert_eq!(figure(&m, "share_ratio_mean"), Some(0.75), "1.5 and 0");
    assert_eq!(figure(&m, "share_ratio_max"), Some(1.5));
    assert_eq!(figure(&m, "share_ratio_p1"), Some(0.0));
    assert_eq!(figure(&m, "upload_gini"), Some(0.5), "0, 30 and 90");
}

#[test]
fn efficiency_is_the_least_time_by_the_time_it_took() {
    let mut m = Measurement::new(WINDOW);
    assert_eq!(figure(&m, "distribution_efficiency"), None);
    m.distributed(Duration::from_secs(6), Duration::from_secs(8));
    assert_eq!(figure(&m, "distribution_efficiency"), Some(0.75));
    m.pieces_spread(1.0, Duration::from_secs(1));
    m.pieces_spread(0.5, Duration::from_secs(3));
    assert_eq!(figure(&m, "piece_diversity"), Some(0.625));
}

#[test]
fn the_one_server_is_seen_among_the_many() {
    let mut m = Measurement::new(WINDOW);
    for node in 0..9 {
        m.node(&sample(node, 100, WINDOW));
    }
    let mut server = sample(9, 5_000, WINDOW);
    (server.role, server.state.entries) = (Role::Server, 900);
    m.node(&server);
    (server.uplink, server.alive, server.cpu) = (BitRate(0), Duration::ZERO, None);
    m.node(&server);
    assert_eq!(figure(&m, "uplink_utilisation_max"), Some(0.5), "500 of 1000 bytes a second");
    assert_eq!(figure(&m, "uplink_utilisation_mean"), Some(0.059));

    let record = record(Driver::Simulator, &m);
    let names = |by| record.groups(by).map(|group| group.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(GroupedBy::Role), ["peer", "server"]);
    assert_eq!(names(GroupedBy::Uplink), ["8kbit/s", "unlimited"]);
    let server = record.groups(GroupedBy::Role).nth(1).unwrap();
    assert_eq!(server.nodes, 2);
    assert_eq!(server.bytes_sent, Some(Load { mean: 500.0, max: 500.0 }));
    assert_eq!(server.messages, Some(Load { mean: 0.2, max: 0.2 }));
    assert_eq!(server.entries, Some(Load { mean: 900.0, max: 900.0 }));
    let peers = record.groups(GroupedBy::Role).next().unwrap();
    assert_eq!(peers.uplink_utilisation, Some(Load { mean: 0.01, max: 0.01 }));
    assert_eq!(peers.links, Some(Load { mean: 5.0, max: 9.0 }));
    assert_eq!(peers.cpu_ms_per_second, Some(Load { mean: 10.0, max: 10.0 }));
    let unlimited = record.groups(GroupedBy::Uplink).nth(1).unwrap();
    assert_eq!((unlimited.bytes_sent, unlimited.uplink_utilisation), (None, None));
}

#[test]
fn a_node_that_came_back_is_one_node_whose_lives_add_up() {
    let early = sample(3, 100, WINDOW / 2);
    let mut late = sample(3, 50, WINDOW / 4);
    late.state.entries = 1;
    let both = early.then(&late);
    assert_eq!(both.alive, WINDOW * 3 / 4);
    assert_eq!((both.traffic.bytes_sent(), both.traffic.bytes_received()), (150, 60));
    assert_eq!((both.state.entries, both.cpu), (1, Some(WINDOW * 3 / 400)));
}

#[test]
fn stretch_is_over_lookups_that_went_somewhere() {
    let mut m = Measurement::new(WINDOW);
    m.stretch(Duration::from_millis(25), Duration::from_millis(10));
    m.stretch(Duration::from_millis(25), Duration::ZERO);
    assert_eq!(figure(&m, "lookup_stretch_p50"), Some(2.5));
    assert_eq!(figure(&m, "lookup_stretch_p99"), Some(2.5));
}

#[test]
fn visits_are_shared_by_all_searches_and_unknown_where_nobody_tells() {
    let mut m = Measurement::new(WINDOW);
    m.lookup_failed(DUE);
    m.lookup_failed(DUE);
    assert_eq!(figure(&m, "lookup_nodes_visited"), None);
    m.visited(5);
    assert_eq!(figure(&m, "lookup_nodes_visited"), Some(2.5));
}

#[test]
fn a_fault_parts_the_window_in_before_and_after() {
    let mut m = Measurement::new(WINDOW);
    m.begins(Time::ZERO, Some(DUE));
    for tenth in 0..100 {
        let due = Time::from_nanos(tenth * 100_000_000);
        for _ in 0..5 {
            match (50..65).contains(&tenth) {
                true => m.lookup_failed(due),
                false => m.lookup(due, due, Verdict::Correct, &answer(1, 0)),
            }
        }
    }
    assert_eq!(figure(&m, "correct_before_fault"), Some(1.0));
    assert_eq!(figure(&m, "correct_after_fault"), Some(0.7));
    assert_eq!(figure(&m, "correct_lowest_after_fault"), Some(0.0));
    assert_eq!(figure(&m, "recovery_time_us"), Some(2e6));
    let timeline = record(Driver::Simulator, &m).timeline.unwrap();
    assert_eq!(timeline.failed, [0, 0, 0, 0, 0, 50, 25, 0, 0, 0]);
    assert!(timeline.incorrect.iter().all(|count| *count == 0));
}

#[test]
fn counted_zero_times_is_not_the_same_as_never_counted() {
    let mut m = Measurement::new(WINDOW);
    m.count(Counter::DialFailures, 0);
    assert_eq!(figure(&m, "losses_dial_failures"), Some(0.0));
    assert_eq!(figure(&m, "losses_malformed_frames"), None);
}

#[test]
fn an_empty_measurement_has_every_metric_and_claims_nothing() {
    let record = record(Driver::Testbed, &Measurement::new(WINDOW));
    for (name, value) in &record.metrics {
        let expected = if name == "lookup_count" { Some(0.0) } else { None };
        assert_eq!(value.value.number(), expected, "{name}");
    }
    let names: BTreeSet<String> = METRICS.iter().flat_map(|metric| metric.names()).collect();
    assert!(record.metrics.keys().eq(&names));
    assert!(record.histograms.is_empty() && record.breakdown.is_empty());
    assert_eq!(record.timeline, None);
}

#[test]
fn what_the_overlay_does_not_offer_is_told_from_what_was_not_measured() {
    let mut m = Measurement::new(WINDOW);
    m.not_offered(Group::Fetch);
    let record = record(Driver::Simulator, &m);
    assert_eq!(record.reading("fetch_ratio"), Reading::NotOffered);
    assert_eq!(record.reading("lookup_hops_mean"), Reading::NotMeasured);
}

#[test]
fn figures_of_virtual_time_are_exact_unless_they_are_the_machine_s() {
    let m = Measurement::new(WINDOW);
    let assume = |driver, name: &str| record(driver, &m).metrics[name].assume;
    assert_eq!(assume(Driver::Simulator, "lookup_latency_us_p50"), Assume::Exact);
    assert_eq!(assume(Driver::Simulator, "cost_events"), Assume::Exact);
    assert_eq!(assume(Driver::Simulator, "cost_wall_us"), Assume::Noisy);
    assert_eq!(assume(Driver::Testbed, "lookup_latency_us_p50"), Assume::Noisy);
}

#[test]
fn cost_is_rated_by_the_run_without_its_building() {
    let mut m = Measurement::new(WINDOW);
    m.cost(Cost {
        nodes: 4,
        processes: 1,
        events: 1_000,
        delivered_messages: 600,
        build: Duration::from_secs(7),
        wall: Duration::from_secs(2),
        processor: Some(Duration::from_micros(1_500)),
        peak_memory_bytes: Some(8_192),
    });
    assert_eq!(figure(&m, "cost_events_per_second"), Some(500.0));
    assert_eq!(figure(&m, "cost_ns_per_event"), Some(1_500.0));
    assert_eq!(figure(&m, "cost_messages_per_second"), Some(300.0));
    assert_eq!(figure(&m, "cost_bytes_per_node"), Some(2_048.0));
    assert_eq!(figure(&m, "cost_build_us"), Some(7e6));
}

#[test]
fn the_table_of_metrics_is_complete() {
    let mut names = BTreeSet::new();
    for metric in METRICS {
        for name in metric.names() {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            assert!(names.insert(name.clone()), "{name} is there twice");
            assert_eq!(find_metric(&name).map(|found| found.name), Some(metric.name));
        }
        assert!(metric.definition.ends_with('.'), "{}", metric.name);
        assert!(!metric.title.is_empty() && metric.scale > 0, "{}", metric.name);
    }
    assert!(find_metric("lookup_latency_us").is_some());
    assert!(find_metric("lookup_latency_us_p51").is_none());
}

proptest! {
    #[test]
    fn what_came_from_publishers_and_from_others_is_what_was_received(
        nodes in prop::collection::vec((any::<bool>(), any::<bool>(), 1u32..90_000, 0u32..90_000, 0u32..90_000), 1..30),
    ) {
        let mut m = Measurement::new(WINDOW);
        let (mut taken, mut given) = (0, 0);
        for (number, (publishes, freeloads, requests, from_publishers, from_others)) in (0..).zip(&nodes) {
            if *publishes {
                m.publishes(NodeId(number));
            }
            let mut it = sample(number, 0, WINDOW);
            it.traffic.send(Class::Data, *requests);
            it.traffic.receive_item(*from_publishers, true);
            it.traffic.receive_item(*from_others, false);
            if *freeloads {
                it.conduct = Conduct::Freeloader(Strategy::NoUpload);
                taken += u64::from(*from_publishers) + u64::from(*from_others);
                given += u64::from(*requests);
            }
            m.node(&it);
        }
        let parts = ["free_ride_from_publishers", "free_ride_from_others"].map(|name| figure(&m, name));
        let sum = parts[0].zip(parts[1]).map(|(one, other)| one + other);
        prop_assert_eq!(sum.is_some(), given > 0);
        if let Some(sum) = sum {
            prop_assert!((sum - taken as f64 / given as f64).abs() < 1e-9 * sum.max(1.0));
            prop_assert!((figure(&m, "free_ride").unwrap() - sum).abs() < 1e-9 * sum.max(1.0));
        }
    }

    #[test]
    fn two_halves_merged_give_the_figures_of_the_whole(
        lookups in prop::collection::vec((0u64..10_000_000, 0u16..12, 0u8..3), 0..60),
        nodes in prop::collection::vec(0u32..100_000, 0..20),
        cut in 0usize..60,
    ) {
        let mut whole = Measurement::new(WINDOW);
        let mut halves = [Measurement::new(WINDOW), Measurement::new(WINDOW)];
        for (place, (micros, hops, outcome)) in lookups.iter().enumerate() {
            for m in [&mut whole, &mut halves[usize::from(place >= cut)]] {
                match outcome {
                    0 => lookup(m, *micros, Verdict::Correct, &answer(*hops, 0)),
                    1 => lookup(m, *micros, Verdict::Incorrect, &answer(*hops, 1)),
                    _ => m.lookup_failed(DUE),
                }
            }
        }
        for (node, bytes) in (0..).zip(&nodes) {
            for m in [&mut whole, &mut halves[usize::from(node >= cut as u32)]] {
                m.node(&sample(node, *bytes, WINDOW));
            }
        }
        let [mut merged, other] = halves;
        merged.merge(&other);
        prop_assert_eq!(
            record(Driver::Simulator, &merged),
            record(Driver::Simulator, &whole)
        );
    }

    #[test]
    fn quantiles_ascend_and_none_exceeds_the_largest(
        latencies in prop::collection::vec(0u64..3_600_000_000, 1..50)
    ) {
        let mut m = Measurement::new(WINDOW);
        for micros in &latencies {
            lookup(&mut m, *micros, Verdict::Correct, &answer(0, 0));
        }
        let figures: Vec<f64> = ["p50", "p90", "p99", "p999"]
            .map(|name| figure(&m, &format!("lookup_latency_us_{name}")).unwrap())
            .to_vec();
        prop_assert!(figures.is_sorted());
        prop_assert!(figures[3] <= latencies.iter().copied().max().unwrap() as f64);
        prop_assert!(figures[0] * 1.001 >= latencies.iter().copied().min().unwrap() as f64);
    }
}
