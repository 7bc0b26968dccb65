//! Scenarios as values: defaults, the way to YAML and back, assignments, the schema.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::Strategy as Freeloading;
use overlay_core::units::{BitRate, Bytes, Frequency, Span};
use peerbench_scenario::{
    Capacity, Churn, Document, Downloads, Fault, FaultAction, Freeloaders, Join, Keys, Lasting,
    Law, Network, Replication, Scenario, Start, TestbedOptions, Transport, Workload, builtin,
    builtin_names, schema,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn read(text: &str) -> Scenario {
    Document::parse("test", text).unwrap().scenario().unwrap()
}

#[test]
fn every_built_in_scenario_is_sound() {
    for name in builtin_names() {
        let scenario = builtin(name).unwrap().scenario().unwrap();
        assert_eq!(scenario.name, name);
        assert!(!scenario.description.is_empty());
    }
}

#[test]
fn the_default_file_says_what_the_defaults_are() {
    let mut written = builtin("default").unwrap().scenario().unwrap();
    assert!(!written.network.capacities.is_empty());
    written.network.capacities.clear();
    let Scenario { name, description, .. } = written.clone();
    assert_eq!(written, Scenario { name, description, ..Scenario::default() });
}

#[test]
fn the_default_file_mentions_every_field() {
    let text = include_str!("../../../configs/default.yaml");
    let resolved = Scenario::default().to_yaml();
    for line in resolved.lines().filter(|line| !line.trim_start().starts_with('-')) {
        let field = line.split_once(':').unwrap().0;
        assert!(text.contains(&format!("{field}:")), "`{field}` is not in configs/default.yaml");
    }
}

#[test]
fn the_digest_leaves_seeds_out_and_nothing_else() {
    let scenario = Scenario::default();
    assert_eq!(scenario.digest(), "9c4f9f5ca026de11");
    assert_eq!(Scenario { seeds: vec![5, 6], ..scenario.clone() }.digest(), scenario.digest());
    assert_ne!(Scenario { nodes: 65, ..scenario.clone() }.digest(), scenario.digest());
    let other = Scenario { nodes: 65, ..scenario.clone() };
    let both = Scenario::digest_of_all([&scenario, &other]);
    assert_eq!(
        both,
        Scenario::digest_of_all([&Scenario { seeds: vec![9], ..scenario.clone() }, &other])
    );
    assert_ne!(both, Scenario::digest_of_all([&other, &scenario]));
}

#[test]
fn a_file_names_its_scenario_unless_the_scenario_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yaml");
    std::fs::write(&path, "nodes: 10\n").unwrap();
    assert_eq!(Document::read(&path).unwrap().scenario().unwrap().name, "mine");
    std::fs::write(&path, "name: ours\n").unwrap();
    assert_eq!(Document::read(&path).unwrap().scenario().unwrap().name, "ours");
}

#[test]
fn a_matrix_is_found_beside_its_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yaml");
    std::fs::write(folder.path().join("matrix.tsv"), "0\t8\n8\t0\n").unwrap();
    std::fs::write(&path, "network: {matrix: matrix.tsv}\n").unwrap();
    let scenario = Document::read(&path).unwrap().scenario().unwrap();
    assert!(scenario.network.matrix.ends_with("matrix.tsv"));
    assert_eq!(read(&scenario.to_yaml()), scenario, "found again from anywhere");
}

#[test]
fn assignments_reach_everywhere_and_the_last_one_wins() {
    let mut document = builtin("default").unwrap();
    for assignment in [
        "nodes=20",
        "nodes=30",
        "workload.rate=20/s",
        "network.capacities[2].up=6Mbit/s",
        "faults[0]={at: 20s, nodes: [1, 2]}",
        "faults[0].action=freeze",
        "faults[1].at=21s",
        "faults[1].share=0.5",
        "faults[1].back_after=2s",
        "seeds=[3, 4]",
        "overlays.chord.successors=4",
        "network.uniform_round_trip=100ms",
    ] {
        document.set(assignment).unwrap();
    }
    let scenario = document.scenario().unwrap();
    assert_eq!((scenario.nodes, scenario.workload.rate), (30, Frequency(20_000_000)));
    assert_eq!(scenario.network.capacities[2].up, BitRate(6_000_000));
    assert_eq!(scenario.faults[0].action, FaultAction::Freeze);
    assert_eq!(scenario.faults[0].nodes, [1, 2]);
    assert_eq!(scenario.faults[1].share, 0.5);
    assert_eq!(scenario.faults[1].back_after, Some(Span(Duration::from_secs(2))));
    assert_eq!(scenario.seeds, [3, 4]);
    assert_eq!(scenario.network.uniform_round_trip, Some(Span(Duration::from_millis(100))));
    let chord: RingConfig = document.overlay_config("chord").unwrap();
    assert_eq!(chord, RingConfig { successors: 4, ..RingConfig::default() });
    let absent: RingConfig = document.overlay_config("ring").unwrap();
    assert_eq!(absent, RingConfig::default());
}

#[test]
fn a_handshake_costs_what_the_testbeds_does() {
    let round_trips = |text| read(text).handshake_round_trips();
    assert_eq!(round_trips("nodes: 64"), 2.0);
    assert_eq!(round_trips("nodes: 5000"), 0.0);
    assert_eq!(round_trips("testbed: {transport: quic}"), 0.0);
    assert_eq!(round_trips("network: {handshake_round_trips: 1.5}"), 1.5);
}

/// An overlay's configuration, as an overlay would declare it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RingConfig {
    /// How many.
    successors: u32,
    /// How often.
    stabilize: Span,
    mode: Mode,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Recursive,
}

#[test]
fn the_schema_holds_the_overlays_sections_and_every_reference_leads_somewhere() {
    let schema = schema(&[
        ("chord", schemars::schema_for!(RingConfig)),
        ("ring", schemars::schema_for!(RingConfig)),
    ]);
    let successors = "/properties/overlays/properties/chord/properties/successors/type";
    assert_eq!(schema.pointer(successors).unwrap(), "integer");
    assert_eq!(schema.pointer("/properties/overlays/additionalProperties").unwrap(), false);
    let text = schema.to_string();
    let references: Vec<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.iter().any(|reference| reference.starts_with("/$defs/chord.")));
    for reference in references {
        assert!(schema.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

fn span() -> impl Strategy<Value = Span> {
    (1_u64..1 << 50).prop_map(|nanos| Span(Duration::from_nanos(nanos)))
}

fn capacity() -> impl Strategy<Value = Capacity> {
    (0_u64..1 << 50, 0_u64..1 << 50).prop_map(|(up, down)| Capacity {
        nodes: Vec::new(),
        share: 1.0,
        up: BitRate(up),
        down: BitRate(down),
    })
}

fn network() -> impl Strategy<Value = Network> {
    (
        prop::option::of(span()),
        prop::option::of(capacity()),
        prop::option::of(0.0..10.0_f64),
        prop::option::of(span()),
    )
        .prop_map(
            |(uniform_round_trip, capacity, handshake_round_trips, dead_peer_timeout)| Network {
                uniform_round_trip,
                capacities: capacity.into_iter().collect(),
                handshake_round_trips,
                dead_peer_timeout,
                ..Network::default()
            },
        )
}

fn workload() -> impl Strategy<Value = Workload> {
    (1_u32.., 0_u64..=16 << 20, 0.0..3.0_f64, 1_u32..10, 0_u64..1 << 30, 1_u64..1 << 50, span())
        .prop_map(|(items, size, popularity_exponent, copies, searches, rate, timeout)| Workload {
            items: items % (1 << 10) + 1,
            item_size: Bytes(size),
            content: None,
            keys: if searches % 2 == 0 { Keys::Random } else { Keys::Published },
            popularity_exponent,
            copies,
            publishers: if items % 5 == 0 { vec![copies, 0] } else { Vec::new() },
            replication: match items % 3 {
                0 => Replication::Uniform,
                1 => Replication::Proportional,
                _ => Replication::SquareRoot,
            },
            searches,
            rate: Frequency(rate),
            downloads: (searches % 2 == 1 && items % 7 == 0).then(Downloads::default),
            fetch: searches % 2 == 1,
            timeout,
        })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let texts = ("[ -~µ✓\n]{0,20}", "[ -~µ✓\n]{0,20}");
    let faults =
        prop::collection::vec((0.1..1.0_f64, prop::collection::vec(0_u32..10, 0..3)), 0..3);
    let seeds = prop::collection::btree_set(any::<u64>(), 1..4);
    (texts, 10_u32..4_000, seeds, span(), network(), workload(), 0.0..=1.0_f64, faults).prop_map(
        |((name, description), nodes, seeds, over, network, workload, share, faults)| Scenario {
            name,
            description,
            nodes,
            founders: Some(nodes / 10),
            seeds: seeds.into_iter().collect(),
            start: if nodes % 2 == 0 { Start::Joined } else { Start::Converged },
            join: Join { over, ..Join::default() },
            warm_up: Span(over.0 * 2),
            network,
            workload,
            freeloaders: Freeloaders {
                nodes: (10..nodes.min(12)).collect(),
                share,
                strategy: Freeloading::NoShare,
            },
            faults: faults
                .into_iter()
                .map(|(share, nodes)| Fault {
                    at: over,
                    action: FaultAction::Leave,
                    nodes,
                    share,
                    back_after: None,
                })
                .collect(),
            churn: (nodes % 5 == 0).then(|| Churn {
                spared: vec![nodes / 2],
                sessions: Lasting { law: Law::Weibull, mean: over, shape: Some(share + 0.5) },
                ..Churn::default()
            }),
            testbed: TestbedOptions {
                nodes_per_process: nodes,
                transport: Transport::Quic,
                shaped: nodes % 3 == 0,
            },
            overlays: BTreeMap::from([("chord".to_owned(), nodes.into())]),
        },
    )
}

proptest! {
    #[test]
    fn what_is_resolved_reads_back_equal(scenario in scenario()) {
        let document = Document::parse("resolved", scenario.to_yaml()).unwrap();
        match document.scenario() {
            Ok(read) => prop_assert_eq!(read, scenario),
            Err(error) => prop_assert!(false, "{:?}", error),
        }
    }

    #[test]
    fn no_text_and_no_assignment_makes_the_reader_panic(text in "[ -~µ\n\t]{0,60}", set in ".{0,30}") {
        if let Ok(mut document) = Document::parse("noise", text) {
            let _ = document.set(&set);
            let _ = document.set(&format!("faults[0].{set}=1"));
            let _ = document.scenario();
            let _ = document.check_overlays(&["chord"]);
        }
    }
}
