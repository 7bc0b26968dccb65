//! How would you cheat? Each strategy as one client among honest ones, and as many.
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{FLASH_CROWD, Setting, homogeneous, median};

/// What came of a swarm with cheaters: times in seconds.
struct Outcome {
    cheaters: f64,
    others: f64,
    /// Cheaters that somebody has banned, and honest ones.
    banned: [usize; 2],
    /// Bytes of blocks that came and were not what they should be.
    corrupt: u64,
}

/// A swarm of honest nodes and cheaters.
#[derive(Clone, Copy)]
struct Swarm<'a> {
    leechers: u32,
    mebibytes: u32,
    section: &'a str,
    strategy: &'a str,
    /// What cheaters can send.
    uplink: &'a str,
}

impl Swarm<'_> {
    /// What comes of it with so many cheaters, the nodes with the lowest numbers.
    fn with(self, cheaters: u32, seed: u64) -> Outcome {
        let Self { leechers, mebibytes, section, strategy, uplink } = self;
        let nodes: Vec<u32> = (1..=cheaters).collect();
        let size = format!("{mebibytes}MiB");
        let mut yaml = homogeneous(leechers, &size, section, FLASH_CROWD);
        if cheaters > 0 {
            let links = format!("    - {{nodes: {nodes:?}, up: {uplink}, down: 100MB/s}}\n");
            yaml = yaml.replace("    - {share: 1.0", &(links + "    - {share: 1.0"));
        }
        yaml += &format!("freeloaders: {{nodes: {nodes:?}, strategy: {strategy}}}\n");
        let setting = Setting::new(&yaml, seed);
        let mut network = setting.network();
        network.run_until_done(leechers as usize, Duration::from_secs(1_000));
        network.check();
        let told = &network.told;
        assert_eq!(told.fetch_times(cheaters + 1..=leechers).len() as u32, leechers - cheaters);
        let banned: BTreeSet<u32> = told.banned.iter().map(|it| it.0.0).collect();
        let are_cheaters = banned.iter().filter(|node| **node <= cheaters).count();
        let outcome = Outcome {
            cheaters: median(&told.fetch_times(1..=cheaters)),
            others: median(&told.fetch_times(cheaters + 1..=leechers)),
            banned: [are_cheaters, banned.len() - are_cheaters],
            corrupt: told.corrupt_bytes,
        };
        println!(
            "| {strategy} | {section} | {uplink} | {cheaters} of {leechers} | {:.1} | {:.1} | {:?} | {:.1} |",
            outcome.cheaters,
            outcome.others,
            outcome.banned,
            outcome.corrupt as f64 / 1e6,
        );
        outcome
    }
}

const SWARM: Swarm<'_> =
    Swarm { leechers: 20, mebibytes: 32, section: "", strategy: "no-upload", uplink: "1MB/s" };

/// The mean of a number over three seeds.
fn mean(swarm: Swarm<'_>, cheaters: u32, number: impl Fn(&Outcome) -> f64) -> f64 {
    (1..=3).map(|seed| number(&swarm.with(cheaters, seed))).sum::<f64>() / 3.0
}

/// Sirivianos et al. 2007: with a large view a free rider does as well as those who contribute, where
/// others know but a part of the swarm.
#[test]
fn a_large_view_makes_up_for_giving_nothing() {
    let section = "max_peers: 20, max_initiate: 10, min_peers: 5, num_want: 20";
    let swarm = Swarm { leechers: 100, mebibytes: 16, section, ..SWARM };
    let penalty = |strategy| {
        let swarm = Swarm { strategy, ..swarm };
        mean(swarm, 20, |it| it.cheaters / it.others)
    };
    let (large, narrow) = (penalty("large-view"), penalty("no-upload"));
    assert!(large < narrow - 0.01 && large < 1.05, "{large:.3} against {narrow:.3}");
    // Section 5: beyond 40 % everybody is slowed down.
    let large = Swarm { strategy: "large-view", ..swarm };
    assert!(large.with(50, 1).others > 1.4 * large.with(1, 1).others);
}

/// Piatek et al. 2007, section 5: a strong client that gives strategically is done sooner than one that
/// gives honestly; where everybody does so, nobody gains.
#[test]
fn a_strategic_client_gains_as_long_as_it_is_alone() {
    let done = |strategy, cheaters| {
        let swarm = Swarm { strategy, uplink: "3MB/s", mebibytes: 128, ..SWARM };
        mean(swarm, cheaters, |it| it.cheaters)
    };
    let (honest, strategic) = (done("no-share", 1), done("strategic", 1));
    assert!(strategic < 0.93 * honest, "alone: {strategic:.1} s against {honest:.1} s");
    let (honest, strategic) = (done("no-share", 20), done("strategic", 20));
    assert!(strategic > 0.97 * honest, "all: {strategic:.1} s against {honest:.1} s");
}

/// Liars are found out by everybody they deal with, and nobody else is; what that costs is seen.
#[test]
fn liars_are_banned_and_nobody_else_is() {
    for cheaters in [1, 5, 10] {
        let outcome = Swarm { strategy: "lying", ..SWARM }.with(cheaters, 1);
        assert_eq!(outcome.banned, [cheaters as usize, 0]);
        assert!(outcome.corrupt > 0 && outcome.cheaters > 1.2 * outcome.others);
    }
}

/// Feldman et al. 2004: books on who owes what are worth nothing against who changes its name.
#[test]
fn a_new_name_costs_nothing_whatever_books_are_kept() {
    let section = "choking: proven-first, seed_policy: proven-contributors";
    let done = |strategy, section| {
        mean(Swarm { strategy, section, mebibytes: 64, ..SWARM }, 5, |it| it.cheaters / it.others)
    };
    for section in ["", section] {
        let (same, new) = (done("no-upload", section), done("whitewashing", section));
        assert!(new < 1.02 * same, "{section}: {new:.3} against {same:.3}");
    }
}

#[test]
#[ignore = "by hand: prints the whole table"]
fn table() {
    println!(
        "| strategy | section | uplink | cheaters | their median | others' median | banned | corrupt MB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for strategy in ["no-upload", "large-view", "strategic", "lying", "whitewashing"] {
        for cheaters in [0, 1, 5, 10, 20] {
            if cheaters < 20 || strategy == "strategic" {
                Swarm { strategy, ..SWARM }.with(cheaters, 1);
            }
        }
    }
    for uplink in ["2MB/s", "5MB/s"] {
        for strategy in ["no-share", "strategic"] {
            for cheaters in [1, 5, 20] {
                Swarm { strategy, uplink, ..SWARM }.with(cheaters, 1);
            }
        }
    }
    for strategy in ["no-upload", "large-view", "whitewashing"] {
        let section = "max_peers: 20, max_initiate: 10, min_peers: 5, num_want: 20";
        for cheaters in [0, 1, 25, 50] {
            Swarm { strategy, section, leechers: 100, mebibytes: 16, ..SWARM }.with(cheaters, 1);
        }
    }
    for section in
        ["choking: fair-torrent, seed_policy: proven-contributors", "choking: proportional-share"]
    {
        for strategy in ["no-upload", "large-view", "strategic", "lying", "whitewashing"] {
            for cheaters in [1, 5] {
                Swarm { strategy, section, ..SWARM }.with(cheaters, 1);
            }
        }
    }
}

/// Everybody is connected to as many others as it wants, the seed as well, and only the seed gives.
#[test]
fn who_starves_among_free_riders_finds_its_way_to_the_seed() {
    let few = "max_peers: 5, max_initiate: 5, min_peers: 3, num_want: 10, starved_after: 40s";
    let everybody: Vec<u32> = (1..=30).collect();
    let yaml = homogeneous(30, "4MiB", few, FLASH_CROWD)
        + &format!("freeloaders: {{nodes: {everybody:?}, strategy: no-upload}}\n");
    let setting = Setting::new(&yaml, 1);
    let mut network = setting.network();
    network.run_until_done(30, Duration::from_secs(3_000));
    network.check();
    assert_eq!(network.told.done.len(), 30, "all leechers");
}
