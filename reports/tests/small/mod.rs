//! A small comparison for tests of the page: four overlays, simulated in one world with a fault, and
//! portraits made up for them.
#![allow(dead_code, reason = "every test uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use overlay_bittorrent::Bittorrent;
use overlay_chord::Chord;
use overlay_core::{Overlay, Role};
use overlay_flooding::Flooding;
use overlay_tracker::Tracker;
use peerbench_measure::{
    Driver, Key, Measurement, Portrait, PortraitMessage, PortraitNode, PortraitSearch, RunFolder,
    RunRecord, Setup, Status, SwarmNode, SwarmProgress,
};
use peerbench_simulator::Laboratory;

pub(crate) const NODES: u32 = 24;
pub(crate) const SEEDS: [u64; 6] = [1, 2, 3, 4, 5, 6];

/// A world in which items are fetched, half of the nodes die, and some only take.
pub(crate) fn world(nodes: u32) -> String {
    format!(
        "
name: small
description: a small world of {nodes} nodes
nodes: {nodes}
seeds: [1, 2, 3, 4, 5, 6]
start: converged
warm_up: 5s
network:
  uniform_round_trip: 40ms
  capacities: [{{share: 1.0, up: 1MB/s, down: 4MB/s}}]
workload:
  items: 32
  item_size: 64KiB
  searches: 120
  rate: 10/s
  fetch: true
  timeout: 4s
freeloaders:
  share: 0.25
  strategy: no-upload
faults: [{{at: 10s, action: kill, share: 0.25}}]
"
    )
}

/// The folder of such a comparison, in memory.
pub(crate) fn comparison(nodes: u32) -> RunFolder {
    let mut folder = RunFolder::in_memory(setup(nodes));
    for seed in SEEDS {
        add::<Tracker>(&mut folder, nodes, seed, Status::Ok);
        add::<Flooding>(&mut folder, nodes, seed, Status::Ok);
        add::<Chord>(&mut folder, nodes, seed, Status::Ok);
        add::<Bittorrent>(&mut folder, nodes, seed, Status::Ok);
    }
    // What the testbed would have measured, if it were just like the simulator.
    for place in 0..4 {
        let record = folder.records()[place].clone();
        let key = Key { driver: Driver::Testbed, ..record.key.clone() };
        let measurement = measure(&record.key.overlay, nodes, 1);
        let record = RunRecord::new(key, record.scenario_digest, Status::Ok, &measurement);
        folder.append(&record, &measurement).unwrap();
    }
    for overlay in ["tracker", "flooding", "chord"] {
        folder.store_portrait(&portrait(overlay, nodes)).unwrap();
    }
    folder.finish(Status::Ok).unwrap();
    folder
}

pub(crate) fn setup(nodes: u32) -> Setup {
    Setup {
        overlays: ["tracker", "flooding", "chord", "bittorrent"].map(String::from).to_vec(),
        scenario: "small".into(),
        scenario_yaml: world(nodes),
        scenario_digest: format!("digest of {nodes}"),
        command_line: vec!["peerbench".into(), "bench".into()],
        run_again: "peerbench bench tracker flooding chord bittorrent --scenario small.yaml".into(),
    }
}

pub(crate) fn add<O: Overlay>(folder: &mut RunFolder, nodes: u32, seed: u64, status: Status) {
    let measurement = measure(O::NAME, nodes, seed);
    let key = key(O::NAME, nodes, seed);
    let mut record = RunRecord::new(key, "digest".into(), status, &measurement);
    if O::NAME == "bittorrent" {
        record.swarm = Some(swarm());
    }
    folder.append(&record, &measurement).unwrap();
}

fn measure(overlay: &str, nodes: u32, seed: u64) -> Measurement {
    fn of<O: Overlay>(nodes: u32, seed: u64) -> Measurement {
        let laboratory: Laboratory<O> = Laboratory::new(&world(nodes), seed).unwrap();
        laboratory.measure().unwrap()
    }
    match overlay {
        "tracker" => of::<Tracker>(nodes, seed),
        "flooding" => of::<Flooding>(nodes, seed),
        "chord" => of::<Chord>(nodes, seed),
        _ => of::<Bittorrent>(nodes, seed),
    }
}

fn key(overlay: &str, nodes: u32, seed: u64) -> Key {
    let (overlay, scenario) = (overlay.to_owned(), "small".to_owned());
    Key { overlay, scenario, driver: Driver::Simulator, n: nodes, seed, round: 0 }
}

/// A ring with fingers, a star around a server, or a graph of six links a node.
fn portrait(overlay: &str, nodes: u32) -> Portrait {
    let node = |node: u32| PortraitNode {
        node,
        position: (overlay == "chord").then(|| f64::from(node * 7 % nodes) / f64::from(nodes)),
        role: if overlay == "tracker" && node == 0 { Role::Server } else { Role::Peer },
        conduct: "contributor".into(),
    };
    let on_ring = |steps: u32| (0..nodes).map(move |it| (it, (it + steps) % nodes));
    let links: Vec<(u32, u32)> = match overlay {
        "tracker" => (1..nodes).map(|it| (it, 0)).collect(),
        "chord" => [1, 7, 14, 9].into_iter().flat_map(on_ring).collect(),
        _ => [1, 5, 11].into_iter().flat_map(on_ring).collect(),
    };
    Portrait {
        key: key(overlay, nodes, 1),
        at_us: 5_000_000,
        nodes: (0..nodes).map(node).collect(),
        searches: (0..3).map(|it| search(overlay, nodes, it * 5 + 2, &links)).collect(),
        links,
    }
}

/// To everybody over all links, or along some.
fn search(overlay: &str, nodes: u32, searcher: u32, links: &[(u32, u32)]) -> PortraitSearch {
    let message = |from: u32, to: u32, step: u64, kind: &str| PortraitMessage {
        sent_us: step * 20_000,
        received_us: (step + 1) * 20_000,
        from,
        to,
        kind: kind.into(),
        bytes: 40,
    };
    let mut messages = Vec::new();
    let answerer = match overlay {
        "tracker" => 0,
        _ => (searcher + 17) % nodes,
    };
    if overlay == "flooding" {
        let mut reached = vec![searcher];
        for step in 0..4 {
            for node in reached.clone() {
                for (a, b) in links.iter().filter(|(a, b)| *a == node || *b == node) {
                    let to = if *a == node { *b } else { *a };
                    if !reached.contains(&to) {
                        messages.push(message(node, to, step, "query"));
                        reached.push(to);
                    }
                }
            }
        }
        messages.sort_by_key(|it| it.sent_us);
    } else {
        let way = match overlay {
            "tracker" => vec![searcher, 0],
            _ => [0, 7, 14, 15, 16, 17].map(|it| (searcher + it) % nodes).to_vec(),
        };
        let steps = way.windows(2).enumerate();
        messages.extend(steps.map(|(step, two)| message(two[0], two[1], step as u64, "query")));
        messages.push(message(answerer, searcher, way.len() as u64 - 1, "reply"));
    }
    let latency_us = messages.last().map(|it| it.received_us);
    PortraitSearch {
        searcher,
        key_position: (overlay == "chord").then_some(0.6),
        answered_by: Some(answerer),
        holder: None,
        hops: Some(if overlay == "tracker" { 1 } else { 5 }),
        latency_us,
        messages,
        cut: false,
    }
}

/// Ten downloaders that get forty pieces one after the other, two of them slowly.
fn swarm() -> SwarmProgress {
    let share = |node: u32, bin: u32| (f64::from(bin) / f64::from(20 + 2 * node)).min(1.0);
    let node = |node: u32| SwarmNode {
        node: node + 1,
        conduct: if node >= 8 { "no-upload" } else { "contributor" }.into(),
        share: (0..60).map(|bin| share(if node >= 8 { node + 6 } else { node }, bin)).collect(),
    };
    let held = |piece: u32| -> Vec<f64> {
        (0..60).map(|bin| (f64::from(bin) / f64::from(15 + piece * 17 % 40)).min(1.0)).collect()
    };
    SwarmProgress {
        from_us: 5_000_000,
        width_us: 250_000,
        pieces: 40,
        nodes: (0..10).map(node).collect(),
        of: 10,
        held: (0..40).map(held).collect(),
    }
}
