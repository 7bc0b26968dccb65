//! Who exchanges with whom where uplinks differ, against Legout et al. 2007 ("Clustering and sharing
//! incentives in BitTorrent systems").
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Setting;
use overlay_core::{NodeId, Time};

/// Classes of uplinks as in the paper's experiments, in kB/s, of 13 leechers each.
const UPLINKS: [u32; 3] = [20, 50, 200];
const LEECHERS_OF_CLASS: u32 = 13;
const LEECHERS: u32 = 3 * LEECHERS_OF_CLASS;

/// The class of a leecher: node 0 is the seed.
fn class(node: NodeId) -> usize {
    ((node.0 - 1) / LEECHERS_OF_CLASS) as usize
}

fn yaml(choking: &str) -> String {
    let nodes = |class: u32| -> Vec<u32> {
        (1..=LEECHERS_OF_CLASS).map(|it| class * LEECHERS_OF_CLASS + it).collect()
    };
    let link =
        |(class, up)| format!("    - {{nodes: {:?}, up: {up}kB/s, down: 100MB/s}}\n", nodes(class));
    let links: String = (0..).zip(UPLINKS).map(link).collect();
    format!(
        "
nodes: {}
start: converged
warm_up: 5s
network:
  uniform_round_trip: 50ms
  capacities:
{links}    - {{nodes: [0], up: 200kB/s, down: 100MB/s}}
workload:
  items: 1
  item_size: 64MiB
  publishers: [0]
  downloads: {{arrivals: flash-crowd, over: 1s}}
  fetch: true
  timeout: 2h
overlays:
  bittorrent: {{choking: {choking}}}
",
        LEECHERS + 1
    )
}

/// How many times as many bytes leechers of each class give to their own class as they would if they
/// gave everybody the same, until the first of them has everything.
fn preference(choking: &str, seed: u64) -> [f64; 3] {
    let setting = Setting::new(&yaml(choking), seed);
    let mut network = setting.network();
    network.told.exchanged = Some(BTreeMap::new());
    while network.told.done.is_empty() {
        network.run_until(network.simulation.now() + Duration::from_secs(1));
        assert!(network.simulation.now() < Time::ZERO + Duration::from_secs(7_200), "all starve");
    }
    network.check();
    let exchanged = network.told.exchanged.expect("it is written down");
    let mut given = [[0_u64; 2]; 3];
    for ((from, to), bytes) in exchanged.into_iter().filter(|((from, _), _)| *from != NodeId(0)) {
        given[class(from)][0] += bytes;
        given[class(from)][1] += bytes * u64::from(class(from) == class(to));
    }
    let by_chance = f64::from(LEECHERS_OF_CLASS - 1) / f64::from(LEECHERS - 1);
    given.map(|[all, own]| own as f64 / all as f64 / by_chance)
}

/// The mean over three seeds.
fn mean_preference(choking: &str) -> [f64; 3] {
    let all = [1, 2, 3].map(|seed| preference(choking, seed));
    let mean = [0, 1, 2].map(|class| all.iter().map(|it| it[class]).sum::<f64>() / 3.0);
    println!("{choking}: {mean:.2?}");
    mean
}

/// Section 4: leechers cluster with those of similar uplinks. Measured, from the slowest class to the
/// fastest: 0.95, 1.26 and 1.96 times what chance would give, against 0.84, 0.96 and 1.08 with chokes
/// at random. The slowest have little that their own kind lacks, and give more of it to the others in
/// any case; but tit-for-tat turns them towards each other, too.
#[test]
fn leechers_cluster_by_uplink() {
    let [merit, chance] = ["tit-for-tat", "random"].map(mean_preference);
    assert!(merit[1] > 1.15 && merit[2] > 1.7, "{merit:?}");
    assert!(chance.iter().all(|it| (0.7..1.2).contains(it)), "{chance:?}");
    assert!(merit.iter().zip(chance).all(|(merit, chance)| *merit > 1.05 * chance), "{merit:?}");
}
