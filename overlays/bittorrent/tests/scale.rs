//! How near to the physical bound larger swarms come, and what is lost on the way.
mod common;

use std::time::Duration;

use common::{FLASH_CROWD, Setting, bound, homogeneous};

/// How near a swarm comes to the bound of Kumar and Ross 2006, and how much longer than that it takes:
/// in the time that one uplink needs for a piece, for each time that the number of leechers doubles.
struct Course {
    efficiency: f64,
    lost: f64,
}

fn course(leechers: u32, pieces: u32) -> Course {
    let yaml = homogeneous(leechers, &format!("{}KiB", 256 * pieces), "", FLASH_CROWD);
    let setting = Setting::new(&yaml, 1);
    let mut network = setting.network();
    network.run_until_done(leechers as usize, Duration::from_secs(7_200));
    network.check();
    assert_eq!(network.told.done.len(), leechers as usize, "everybody finishes");
    let last = network.told.done.values().max().expect("somebody has finished");
    let took = last.since(setting.world.searches_from()).as_secs_f64();
    let bound = bound(leechers, f64::from(pieces) * 262_144.0);
    let doublings = f64::from(leechers).log2();
    let course = Course { efficiency: bound / took, lost: (took - bound) / 0.262_144 / doublings };
    println!(
        "{leechers} leechers, {pieces} pieces: {took:.1} s, {:.4} of the bound; lost {:.2} pieces a \
         doubling; {} messages",
        course.efficiency,
        course.lost,
        network.simulation.delivered()
    );
    course
}

/// Mundinger, Weber, Weiss 2008: with M equal pieces and equal uplinks nobody can be faster than 1 +
/// ⌊log2 N⌋/M file times, where somebody plans for everybody: one piece time is lost for each doubling
/// of the leechers. Without a plan ours lose about three, and with larger files more. From the seventh
/// second on, and until four seconds before the end, uplinks are used to 99 % and more. The first
/// seconds cost 3.5: leechers come within one, a few round trips pass before anybody asks for
/// anything, and who has a piece gives it to five at once, so that the first of them has it five times
/// later than it could. The last cost 1.5: then most have everything, and the rest want the same.
#[test]
fn what_a_swarm_loses_grows_with_the_logarithm_of_its_size() {
    for (leechers, pieces) in [(50, 200), (200, 400)] {
        let Course { efficiency, lost } = course(leechers, pieces);
        assert!(efficiency < 1.0 && lost > 1.0, "faster than anybody can be: {efficiency}, {lost}");
        assert!(lost < 4.0, "{leechers} leechers, {pieces} pieces: {lost}");
    }
}

/// The same by hand, for sizes that take too long for every day. Measured: 10,000 leechers have 100
/// pieces in 39.0 s, where the bound is 26.2: 3.7 pieces lost a doubling. 1,000 leechers have 1,000 in
/// 273.5 s, 0.957 of the bound: 4.5, as what is lost of uplinks between the first seconds and the last
/// adds up.
#[test]
#[ignore = "takes a minute in release"]
fn a_thousand_leechers() {
    assert!(course(1_000, 1_000).lost < 5.0);
}

#[test]
#[ignore = "takes minutes in release"]
fn ten_thousand_leechers() {
    assert!(course(10_000, 100).lost < 4.0);
}
