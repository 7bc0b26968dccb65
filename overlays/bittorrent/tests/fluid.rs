//! Leechers that come and go, against the fluid model of Qiu and Srikant 2004 ("Modeling and
//! performance analysis of BitTorrent-like peer-to-peer networks").
mod common;

use std::time::Duration;

use common::{Network, Setting};
use overlay_bittorrent::{Bittorrent, BittorrentConfig, WhenDone};
use overlay_core::units::Span;
use overlay_core::{Command, NodeId, Overlay as _, Time};

/// How fast leechers come, in leechers a second: λ.
const ARRIVALS: f64 = 0.1;
/// What an uplink carries, in files a second: μ, as in section 5.
const UPLINK: f64 = 0.001_25;
/// What a downlink carries, in files a second: c, as in section 5.
const DOWNLINK: f64 = 0.002;
/// How many come.
const LEECHERS: u32 = 400;
/// When the state is steady, in seconds: the first seeds have left, and leechers still come.
const STEADY: std::ops::Range<f64> = 2_000.0..3_500.0;

/// How long a download takes in the steady state, in seconds: T = 1/β where nobody gives up (section
/// 3.2) and pieces can always be exchanged (η = 1), with one seed more that never leaves. `seed_for`
/// is 1/γ, in seconds.
fn model(seed_for: f64) -> f64 {
    let seeds = seed_for + 1.0 / ARRIVALS;
    (1.0 / DOWNLINK).max(1.0 / UPLINK - seeds)
}

/// What came of it, in the steady state.
struct Measured {
    /// How long downloads took on average, in seconds.
    took: f64,
    /// How many leechers and how many seeds there were on average, without the first one.
    leechers: f64,
    seeds: f64,
}

/// A file of 256 pieces, so that having none of them yet is a small part of a download: with 64 pieces
/// downloads take a seventh longer than in the model, instead of a twentieth to a tenth.
fn yaml(seed_for: f64) -> String {
    let bits = |files: f64| (files * 16.0 * 1_048_576.0 * 8.0).round();
    format!(
        "
nodes: {}
start: converged
warm_up: 5s
network:
  uniform_round_trip: 50ms
  capacities: [{{share: 1.0, up: {}bit/s, down: {}bit/s}}]
workload:
  items: 1
  item_size: 16MiB
  publishers: [0]
  downloads: {{arrivals: poisson, over: {}s}}
  fetch: true
  timeout: 2h
overlays:
  bittorrent: {{piece_length: 64KiB, seed_for: {seed_for}s}}
",
        LEECHERS + 1,
        bits(UPLINK),
        bits(DOWNLINK),
        f64::from(LEECHERS) / ARRIVALS,
    )
}

fn measured(seed_for: f64) -> Measured {
    let setting = Setting::new(&yaml(seed_for), 2);
    let mut network = setting.network();
    let mut present = [0_u32; 2];
    let moments = (STEADY.start as u64..STEADY.end as u64).step_by(50);
    for second in moments.clone() {
        network.run_until(Time::ZERO + Duration::from_secs(second));
        count(&network, &setting, &mut present);
    }
    network.run_until_done(LEECHERS as usize, Duration::from_secs(20_000));
    network.check();
    assert_eq!(network.told.done.len(), LEECHERS as usize, "everybody finishes");
    let searches = setting.world.timetable().filter_map(|due| match due.command {
        Command::Search { .. } => Some((due.node, due.at)),
        _ => None,
    });
    let times: Vec<f64> = searches
        .filter(|(_, at)| STEADY.contains(&at.as_secs_f64()))
        .map(|(node, at)| network.told.done[&node].since(at).as_secs_f64())
        .collect();
    let [leechers, seeds] = present.map(|count| f64::from(count) / moments.clone().count() as f64);
    Measured { took: times.iter().sum::<f64>() / times.len() as f64, leechers, seeds }
}

/// Adds who is there now.
fn count(network: &Network<'_>, setting: &Setting, present: &mut [u32; 2]) {
    for node in (1..=LEECHERS).map(NodeId) {
        if let Some(swarm) = network.swarm(node, &setting.key()) {
            present[usize::from(swarm.is_complete())] += 1;
        }
    }
}

/// Section 3.2: T = 1/β, with 1/β = max{1/c, (1/η)(1/μ − 1/γ)}; in the first case downlinks are the
/// limit, in the second uplinks. What comes on top in ours is a peer's beginning, which the model does
/// not know: it waits to be unchoked, and has nothing to give before its first piece is whole.
#[test]
fn downloads_take_as_long_as_in_the_fluid_model() {
    for (seed_for, limit) in [(1_000.0, "downlinks"), (200.0, "uplinks")] {
        let Measured { took, leechers, seeds } = measured(seed_for);
        let model = model(seed_for);
        println!(
            "{limit}: {took:.0} s, model {model:.0} s; {leechers:.0} leechers, {seeds:.0} seeds"
        );
        assert!((1.0..1.12).contains(&(took / model)), "{limit}: {took} s against {model} s");
        // Little's law, for who is there and for who has everything and stays for 1/γ, which is not yet
        // steady where that is long.
        let expected = ARRIVALS * took;
        assert!((0.8..1.2).contains(&(leechers / expected)), "{leechers} against {expected}");
        let expected = ARRIVALS * seed_for;
        let is_steady = 5.0 * seed_for < STEADY.start;
        assert!(!is_steady || (0.8..1.2).contains(&(seeds / expected)), "{seeds} seeds");
    }
}

#[test]
fn who_leaves_at_once_does_not_stay_for_a_while() {
    let seed_for = Some(Span(Duration::from_secs(60)));
    let mut config = BittorrentConfig { seed_for, ..BittorrentConfig::default() };
    assert!(Bittorrent::check(&config, 2).is_ok());
    config.when_done = WhenDone::Leave;
    let (field, message) = Bittorrent::check(&config, 2).expect_err("both cannot be");
    assert_eq!((field, message.as_str()), ("seed_for", "it is 60s, but `when_done` says `leave`"));
}
