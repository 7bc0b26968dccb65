//! What was published about BitTorrent, one test a claim.
mod common;

use std::time::Duration;

use common::{FLASH_CROWD, Setting, bound, homogeneous};
use overlay_core::{NodeId, Time};

/// How near to the bound a swarm comes, and how much of all uplinks it uses from the first to the last
/// moment.
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

/// Kumar and Ross 2006: nobody can be faster than the bound. With equal leechers, a flash crowd within
/// a second and nobody who freeloads, the best mature client comes to 0.92 of it in this set-up.
#[test]
fn a_homogeneous_swarm_comes_near_the_physical_bound() {
    for seed in 1..=3 {
        let efficiency = course(20, 64, "", seed).efficiency;
        assert!((0.92..1.0).contains(&efficiency), "seed {seed}: {efficiency}");
    }
}

/// Bharambe et al. 2006, section 5.2: uplinks are used above 90 %.
#[test]
fn uplinks_are_used_above_90_percent() {
    for section in ["", "choking: random", "picking: random"] {
        let utilisation = course(20, 64, section, 1).utilisation;
        assert!(utilisation > 0.9, "{section}: {utilisation}");
    }
}

/// How unevenly pieces are spread over the leechers, on average over the middle of a download: the
/// standard deviation of the number of copies.
fn unevenness(picking: &str, seed: u64) -> f64 {
    let section = format!("picking: {picking}");
    let yaml = homogeneous(30, "32MiB", &section, FLASH_CROWD);
    let setting = Setting::new(&yaml, seed);
    let key = setting.key();
    let mut network = setting.network();
    let mut deviations = Vec::new();
    for second in 10..30 {
        network.run_until(Time::ZERO + Duration::from_secs(second));
        let swarms: Vec<_> = (1..=30).filter_map(|it| network.swarm(NodeId(it), &key)).collect();
        let copies = |piece| swarms.iter().filter(|swarm| swarm.have().has(piece)).count() as f64;
        let copies: Vec<f64> = (0..128).map(copies).collect();
        let mean = copies.iter().sum::<f64>() / 128.0;
        let squares: f64 = copies.iter().map(|copies| (copies - mean).powi(2)).sum();
        deviations.push((squares / 128.0).sqrt());
    }
    deviations.iter().sum::<f64>() / deviations.len() as f64
}

/// Legout et al. 2006, section IV-A: rarest first keeps pieces equally frequent, where a random
/// choice lets some become rare.
#[test]
fn rarest_first_spreads_pieces_more_evenly() {
    let mean = |picking| (1..=3).map(|seed| unevenness(picking, seed)).sum::<f64>() / 3.0;
    let (rarest, random) = (mean("rarest-first"), mean("random"));
    println!("copies of pieces: ±{rarest:.2} with rarest first, ±{random:.2} with a random choice");
    assert!(rarest < 0.9 * random, "{rarest} against {random}");
}

/// The speed that the simulator owes to swarms; run by hand, in release: a minute is too long for a
/// test.
#[test]
#[ignore = "takes a minute in release"]
fn a_thousand_leechers_fetch_a_thousand_pieces() {
    let begun = std::time::Instant::now();
    let course = course(1_000, 250, "", 1);
    println!("{:?}", begun.elapsed());
    assert!(course.efficiency > 0.9, "{}", course.efficiency);
}
