//! What was published about BitTorrent, one test a claim.
mod common;

use std::time::Duration;

use common::Setting;
use overlay_core::{NodeId, Time};

/// The set-up in which clients were measured side by side: a seed of 2 MB/s, leechers of 1 MB/s, a
/// flash crowd.
fn homogeneous(leechers: u32, size: &str, section: &str, rest: &str) -> String {
    format!(
        "
nodes: {}
start: converged
warm_up: 5s
network:
  uniform_round_trip: 20ms
  capacities:
    - {{nodes: [0], up: 2MB/s, down: 100MB/s}}
    - {{share: 1.0, up: 1MB/s, down: 100MB/s}}
workload: {{items: 1, item_size: {size}, publishers: [0], fetch: true, timeout: 1h, {rest}}}
overlays:
  bittorrent: {{{section}}}
",
        leechers + 1
    )
}

const FLASH_CROWD: &str = "downloads: {arrivals: flash-crowd, over: 1s}";

/// The least time in which anybody could give so many bytes to so many leechers (Kumar and Ross
/// 2006), with the capacities above, ample downlinks, and times in seconds.
fn bound(leechers: u32, bytes: f64) -> f64 {
    let (seed, leecher, leechers) = (2e6, 1e6, f64::from(leechers));
    (bytes / seed).max(leechers * bytes / (seed + leechers * leecher))
}

/// How near to the bound a swarm comes, and how much of the uplinks it uses until half of the
/// bytes are there and until the last.
struct Course {
    efficiency: f64,
    utilisation: f64,
}

fn course(leechers: u32, mebibytes: u32, section: &str, seed: u64) -> Course {
    let yaml = homogeneous(leechers, &format!("{mebibytes}MiB"), section, FLASH_CROWD);
    let setting = Setting::new(&yaml, seed);
    let mut network = setting.network();
    network.run_until_done(leechers as usize, Duration::from_secs(3_600));
    assert_eq!(network.told.done.len(), leechers as usize, "everybody finishes");
    network.check();
    let begin = setting.world.searches_from();
    let last = network.told.done.values().max().expect("somebody has finished");
    let took = last.since(begin).as_secs_f64();
    let bytes = f64::from(mebibytes) * 1_048_576.0;
    let capacity = (2e6 + 1e6 * f64::from(leechers)) * took;
    let mut times: Vec<f64> =
        network.told.done.values().map(|it| it.since(begin).as_secs_f64()).collect();
    times.sort_unstable_by(f64::total_cmp);
    let duplicates: u32 = (0..=leechers)
        .filter_map(|node| network.swarm(NodeId(node), &setting.key()))
        .map(|swarm| swarm.duplicate_blocks())
        .sum();
    let course = Course {
        efficiency: bound(leechers, bytes) / took,
        utilisation: network.told.block_bytes as f64 / capacity,
    };
    println!(
        "{leechers} leechers, {mebibytes} MiB, {section}: first {:.1} s, median {:.1} s, last {took:.1} s; \
         efficiency {:.3}, utilisation {:.3}, {duplicates} duplicate blocks, {} dropped, {} messages",
        times[0],
        times[times.len() / 2],
        course.efficiency,
        course.utilisation,
        network.told.dropped,
        network.simulation.delivered(),
    );
    course
}

#[test]
fn explore() {
    for section in ["", "seed_policy: fastest", "picking: random", "choking: random", "optimistic_unchoke: false", "upload_ahead: 1s"] {
        course(20, 64, section, 1);
    }
    let _ = Time::ZERO;
}
