//! Free riding with a large view, against the curve of Sirivianos et al. 2007 ("Free-riding in
//! BitTorrent networks with the large view exploit", section 5).
mod common;

use std::time::Duration;

use common::{FLASH_CROWD, Setting, homogeneous, median};

const LEECHERS: u32 = 120;
/// Honest nodes know up to 30 others each; those with a large view know all.
const VIEW: &str = "max_peers: 30, max_initiate: 20, min_peers: 15, num_want: 30";

/// Median fetch times in seconds.
struct Outcome {
    compliant: f64,
    free_riders: f64,
    /// How many compliant leechers were not done after ten times the time that all need without free
    /// riders.
    stuck: usize,
}

/// What comes of a swarm in which so many percent of the leechers ride free; the mean over two seeds.
fn outcome(percent: u32, strategy: &str) -> Outcome {
    let outcomes = [1, 2].map(|seed| one_outcome(percent, strategy, seed));
    let mean = |time: fn(&Outcome) -> f64| outcomes.iter().map(time).sum::<f64>() / 2.0;
    let outcome = Outcome {
        compliant: mean(|it| it.compliant),
        free_riders: mean(|it| it.free_riders),
        stuck: outcomes.iter().map(|it| it.stuck).sum(),
    };
    println!(
        "{percent} % {strategy}: compliant {:.1} s, free riders {:.1} s, {} stuck",
        outcome.compliant, outcome.free_riders, outcome.stuck
    );
    outcome
}

fn one_outcome(percent: u32, strategy: &str, seed: u64) -> Outcome {
    let riders = LEECHERS * percent / 100;
    let nodes: Vec<u32> = (1..=riders).collect();
    let mut yaml = homogeneous(LEECHERS, "16MiB", VIEW, FLASH_CROWD);
    yaml += &format!("freeloaders: {{nodes: {nodes:?}, strategy: {strategy}}}\n");
    let setting = Setting::new(&yaml, seed);
    let mut network = setting.network();
    network.run_until_done(LEECHERS as usize, Duration::from_secs(200));
    network.check();
    let compliant = network.told.fetch_times(riders + 1..=LEECHERS);
    let free_riders = network.told.fetch_times(1..=riders);
    Outcome {
        compliant: median(&compliant),
        free_riders: median(&free_riders),
        stuck: (LEECHERS - riders) as usize - compliant.len(),
    }
}

/// Figure by figure: up to 40 % free riders with a large view do as well as those who comply, and take
/// no more from them than their share of the uplinks; beyond, everybody degrades faster and faster.
/// Measured, compliant leechers with 0, 20, 40 and 60 %: 21, 26, 33 and 61 s. At 60 % and more a few
/// compliant leechers are stuck: all whom they know are free riders, who keep their connections when
/// they are done.
#[test]
fn free_riders_do_as_well_and_beyond_40_percent_everybody_degrades() {
    let [none, few, many, most] = [0, 20, 40, 60].map(|percent| outcome(percent, "large-view"));
    for it in [&few, &many] {
        let penalty = it.free_riders / it.compliant;
        assert!((0.95..1.05).contains(&penalty), "{penalty}");
        assert_eq!(it.stuck, 0);
    }
    let narrow = outcome(40, "no-upload");
    assert!(narrow.free_riders > 1.07 * narrow.compliant, "without a large view it does not pay");
    assert!(many.free_riders < narrow.free_riders && many.compliant > narrow.compliant);

    // By 1 / (1 − 0.4), if uplinks alone decide.
    assert!((1.4..1.8).contains(&(many.compliant / none.compliant)), "{}", many.compliant);
    let [rise, steeper] = [(&few, &many), (&many, &most)].map(|(a, b)| b.compliant / a.compliant);
    assert!(steeper > 1.2 * rise, "from 20 to 40 %: {rise}, to 60 %: {steeper}");
    assert!(most.free_riders > 1.2 * many.free_riders, "it does not pay any more");
}
