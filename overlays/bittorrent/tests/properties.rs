//! What must hold in every swarm: everybody finishes, slots are never exceeded, nothing that was
//! counted incrementally is wrong; and a run can be repeated to the bit.
mod common;

use std::time::Duration;

use common::Setting;
use overlay_core::{NodeId, Time};
use proptest::prelude::*;

/// A small swarm of any kind.
#[derive(Clone, Debug)]
struct Kind {
    leechers: u32,
    kibibytes: u32,
    uplinks: [u32; 3],
    round_trip_ms: u32,
    arrivals: &'static str,
    section: String,
}

fn kind() -> impl Strategy<Value = Kind> {
    let switches = (
        prop::sample::select(vec![
            "tit-for-tat",
            "random",
            "proportional-share",
            "fair-torrent",
            "proven-first",
        ]),
        prop_oneof![Just("rarest-first"), Just("random")],
        prop_oneof![Just("round-robin"), Just("fastest"), Just("proven-contributors")],
        prop_oneof![Just("stay"), Just("leave")],
        any::<bool>(),
        1..5_u32,
        12..30_u32,
    );
    let section = switches.prop_map(|(choking, picking, seed, done, optimistic, slots, peers)| {
        // Without chance, a node could be choked by all for ever.
        let by_merit = ["tit-for-tat", "proportional-share"].contains(&choking);
        let optimistic = optimistic || by_merit;
        format!(
            "choking: {choking}, picking: {picking}, seed_policy: {seed}, when_done: {done}, \
             optimistic_unchoke: {optimistic}, regular_slots: {slots}, max_peers: {peers}, \
             max_initiate: {}, min_peers: {}, piece_length: 32KiB",
            peers.div_ceil(2),
            peers.div_ceil(2),
        )
    });
    let arrivals = prop_oneof![Just("flash-crowd"), Just("poisson"), Just("staggered")];
    (1..12_u32, 1..2_000_u32, [50..2_000_u32, 50..2_000, 50..2_000], 1..300_u32, arrivals, section)
        .prop_map(|(leechers, kibibytes, uplinks, round_trip_ms, arrivals, section)| Kind {
            leechers,
            kibibytes,
            uplinks,
            round_trip_ms,
            arrivals,
            section,
        })
}

fn yaml(kind: &Kind) -> String {
    let [seed_up, some_up, others_up] = kind.uplinks;
    format!(
        "
nodes: {}
start: converged
warm_up: 3s
network:
  uniform_round_trip: {}ms
  capacities:
    - {{nodes: [0], up: {seed_up}kB/s, down: 0bit/s}}
    - {{share: 0.5, up: {some_up}kB/s, down: 1MB/s}}
    - {{share: 0.5, up: {others_up}kB/s, down: 0bit/s}}
workload:
  items: 1
  item_size: {}KiB
  publishers: [0]
  downloads: {{arrivals: {}, over: 5s}}
  fetch: true
  timeout: 1h
overlays:
  bittorrent: {{{}}}
",
        kind.leechers + 1,
        kind.round_trip_ms,
        kind.kibibytes,
        kind.arrivals,
        kind.section,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn everybody_finishes_and_no_invariant_breaks(kind in kind(), seed: u64) {
        let setting = Setting::new(&yaml(&kind), seed);
        let mut network = setting.network();
        let leechers = kind.leechers as usize;
        let mut now = Time::ZERO;
        while network.told.done.len() < leechers {
            now = now + Duration::from_millis(500);
            network.run_until(now);
            network.check();
            prop_assert!(now < Time::ZERO + Duration::from_secs(3_600), "{:?}", network.told.done);
        }
        prop_assert_eq!((network.told.failed, network.told.dropped), (0, 0));
        network.run_until(now + Duration::from_secs(60));
        network.check();
        let leaves = kind.section.contains("leave");
        for node in (1..=kind.leechers).map(NodeId) {
            let swarm = network.swarm(node, &setting.key());
            prop_assert_eq!(swarm.map(|swarm| swarm.is_complete()), (!leaves).then_some(true));
        }
        let known = network.simulation.node(NodeId(0)).tracker().expect("it is one").records();
        prop_assert_eq!(known, if leaves { 1 } else { kind.leechers + 1 });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    /// Whatever some do: who is honest finishes, and is banned by nobody.
    #[test]
    fn honest_nodes_finish_among_cheaters(
        kind in kind(),
        strategy in prop::sample::select(vec![
            "no-upload", "large-view", "strategic", "lying", "whitewashing",
        ]),
        cheaters in 1..6_u32,
        seed: u64,
    ) {
        let cheaters = cheaters.min(kind.leechers);
        let nodes: Vec<u32> = (1..=cheaters).collect();
        let conduct = format!("freeloaders: {{nodes: {nodes:?}, strategy: {strategy}}}\n");
        let setting = Setting::new(&(yaml(&kind) + &conduct), seed);
        let mut network = setting.network();
        let honest = cheaters + 1..=kind.leechers;
        let mut now = Time::ZERO;
        while network.told.fetch_times(honest.clone()).len() < honest.clone().count() {
            now = now + Duration::from_millis(500);
            network.run_until(now);
            network.check();
            prop_assert!(now < Time::ZERO + Duration::from_secs(3_600), "{:?}", network.told.done);
        }
        prop_assert_eq!(network.told.failed, 0);
        for (banned, ..) in &network.told.banned {
            prop_assert!(strategy == "lying" && nodes.contains(&banned.0), "{} is banned", banned);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let kind = Kind {
        leechers: 12,
        kibibytes: 3_000,
        uplinks: [500, 200, 400],
        round_trip_ms: 60,
        arrivals: "poisson",
        section: String::from("piece_length: 64KiB"),
    };
    let digest = |seed| {
        let setting = Setting::new(&yaml(&kind), seed);
        let mut network = setting.network();
        network.run_until(Time::ZERO + Duration::from_secs(60));
        network.simulation.trace_digest()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    assert_eq!(format!("{:016x}", digest(1)), "2d0d57ae94f52442");
}
