//! Who pays for those who take without giving, by the choke policies of leechers and seeds: 5 of 20
//! leechers do not upload, in the set-up in which clients were measured side by side.
mod common;

use std::time::Duration;

use common::{FLASH_CROWD, Setting, bound, homogeneous, median};

const LEECHERS: u32 = 20;
const BYTES: f64 = 64.0 * 1_048_576.0;

/// What came of a swarm: times in seconds.
struct Outcome {
    contributors: f64,
    last: f64,
    freeloaders: f64,
    /// Bytes that freeloaders had when the last contributor was done.
    leaked: u64,
}

impl Outcome {
    /// Of a swarm with so many who do not upload.
    fn of(section: &str, freeloaders: u32, seed_uplink: &str, seed: u64) -> Self {
        let mut yaml = homogeneous(LEECHERS, "64MiB", section, FLASH_CROWD);
        yaml = yaml.replace("up: 2MB/s", &format!("up: {seed_uplink}"));
        let nodes: Vec<u32> = (1..=freeloaders).collect();
        yaml += &format!("freeloaders: {{nodes: {nodes:?}, strategy: no-upload}}\n");
        let setting = Setting::new(&yaml, seed);
        let mut network = setting.network();
        let everybody = || 1..=LEECHERS;
        let contributors = || freeloaders + 1..=LEECHERS;
        let all = contributors().count();
        while network.told.fetch_times(contributors()).len() < all {
            network.run_until(network.simulation.now() + Duration::from_millis(500));
            assert!(network.simulation.now().as_secs_f64() < 600.0, "{section}: somebody starves");
        }
        let leaked = network.told.received_by(1..=freeloaders);
        network.run_until_done(everybody().count(), Duration::from_secs(600));
        network.check();
        let times = network.told.fetch_times(contributors());
        let of_freeloaders = network.told.fetch_times(1..=freeloaders);
        Self {
            contributors: median(&times),
            last: times[all - 1],
            freeloaders: median(&of_freeloaders),
            leaked,
        }
    }

    fn penalty(&self) -> f64 {
        self.freeloaders / self.contributors
    }
}

/// A row of the table: the same swarm without and with freeloaders.
fn row(section: &str, seed_uplink: &str, seed: u64) -> [Outcome; 2] {
    let [without, with] = [0, 5].map(|count| Outcome::of(section, count, seed_uplink, seed));
    println!(
        "| {section} | {seed_uplink} | {:.1} | {:.1} | {:.3} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} |",
        without.contributors,
        without.last,
        bound(LEECHERS, BYTES) / without.last,
        with.contributors,
        with.last,
        with.freeloaders,
        with.penalty(),
        with.contributors / without.contributors,
        with.leaked as f64 / 1e6,
    );
    [without, with]
}

/// The mean of some outcomes' numbers over three seeds.
fn mean(section: &str, seed_uplink: &str, mut number: impl FnMut(&[Outcome; 2]) -> f64) -> f64 {
    (1..=3).map(|seed| number(&row(section, seed_uplink, seed))).sum::<f64>() / 3.0
}

fn assert_between(what: &str, number: f64, least: f64, most: f64) {
    assert!((least..=most).contains(&number), "{what}: {number:.3}, not from {least} to {most}");
}

/// Measured with real clients in this set-up: a penalty of 1.0 to 1.2 and a slowdown of 1.1 to 1.3. So
/// many slots as libtorrent has (`unchoke_slots_limit`: 8) give these, too; the first client's five
/// resist a little more.
#[test]
fn stock_resistance_is_nearly_nil() {
    let mut slowdown = 0.0;
    let penalty = mean("regular_slots: 7", "2MB/s", |[without, with]| {
        slowdown += with.contributors / without.contributors / 3.0;
        with.penalty()
    });
    assert_between("penalty", penalty, 1.0, 1.2);
    assert_between("slowdown", slowdown, 1.1, 1.3);
    let penalty = mean("", "2MB/s", |[_, with]| with.penalty());
    assert_between("penalty with five slots", penalty, 1.1, 1.3);
}

/// What tit-for-tat is worth: without it, freeloaders lose nothing.
#[test]
fn without_tit_for_tat_freeloading_costs_nothing() {
    let penalty = mean("choking: random", "2MB/s", |[_, with]| with.penalty());
    assert_between("penalty", penalty, 0.9, 1.05);
}

/// When new pieces are what everybody waits for, what one gives to others does not matter.
#[test]
fn with_a_scarce_seed_freeloading_costs_nothing() {
    for section in ["", "when_done: leave"] {
        let penalty = row(section, "1MB/s", 1)[1].penalty();
        assert_between(section, penalty, 0.9, 1.05);
    }
}

/// 15 contributors with all uplinks for themselves would take 59.2 s.
#[test]
fn contributors_can_have_the_swarm_nearly_for_themselves() {
    for choking in ["fair-torrent", "proven-first"] {
        let section = format!("choking: {choking}, seed_policy: proven-contributors");
        for seed in 1..=3 {
            let [without, with] = row(&section, "2MB/s", seed);
            assert_between("contributors", with.contributors, 59.2, 62.0);
            assert_between("penalty", with.penalty(), 1.3, 2.0);
            assert_between("efficiency", bound(LEECHERS, BYTES) / without.last, 0.93, 1.0);
        }
    }
}

/// Each policy of a side resists more than the stock one, beside the stock one of the other side.
#[test]
fn each_policy_helps_by_itself() {
    let leaked = |section| mean(section, "2MB/s", |[_, with]| with.contributors);
    let stock = leaked("");
    assert!(leaked("choking: fair-torrent") < stock - 1.0);
    assert!(leaked("seed_policy: proven-contributors") < stock - 1.0);
}

#[test]
#[ignore = "by hand: prints the whole table"]
fn table() {
    println!(
        "| policies | seed | median | last | efficiency | contributors | last | freeloaders | penalty | slowdown | MB leaked |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for section in [
        "",
        "regular_slots: 3",
        "regular_slots: 7",
        "regular_slots: 11",
        "seed_policy: fastest",
        "seed_policy: proven-contributors",
        "choking: random",
        "choking: proportional-share",
        "choking: proportional-share, seed_policy: proven-contributors",
        "choking: fair-torrent",
        "choking: fair-torrent, seed_policy: proven-contributors",
        "choking: proven-first",
        "choking: proven-first, seed_policy: proven-contributors",
        "when_done: leave",
        "when_done: leave, regular_slots: 7",
    ] {
        for seed in 1..=2 {
            row(section, "2MB/s", seed);
        }
    }
    for section in ["", "when_done: leave"] {
        for uplink in ["1MB/s", "500kB/s"] {
            row(section, uplink, 1);
        }
    }
}
