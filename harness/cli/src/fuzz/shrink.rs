//! From a world that fails to the smallest one found that still fails the same way: fewer nodes, kinds
//! of fault off, shorter, fewer searches. A world that is not promised may fail for that alone, so it is
//! none of them.
use super::promise;
use super::sketch::{Faults, Onset, Sketch};

/// What may be made smaller, one at a time; gives nothing where there is nothing left to gain. In the
/// order in which a person wants it: first what is off altogether.
const STEPS: &[fn(&Sketch) -> Option<Sketch>] = &[
    |it| without(it, |faults| faults.crash = None),
    |it| without(it, |faults| faults.churn = None),
    |it| without(it, |faults| faults.partitions.clear()),
    |it| without(it, |faults| faults.one_way = 0.0),
    |it| without(it, |faults| faults.lost = 0.0),
    |it| without(it, |faults| faults.duplicated = 0.0),
    |it| without(it, |faults| faults.corrupted = 0.0),
    |it| without(it, |faults| faults.delayed = 0.0),
    |it| without(it, |faults| faults.reordered = 0.0),
    |it| without(it, |faults| faults.slow = None),
    |it| without(it, |faults| faults.drift = None),
    |it| without(it, |faults| faults.overload = None),
    |it| without(it, |faults| faults.partitions.truncate(1)),
    |it| changed(it, |sketch| sketch.freeloaders = None),
    |it| changed(it, |sketch| sketch.uplink = 0),
    |it| changed(it, |sketch| sketch.handshakes = false),
    |it| changed(it, |sketch| sketch.fetch = false),
    |it| changed(it, |sketch| sketch.round_trip = 50),
    |it| changed(it, |sketch| sketch.copies = 1),
    |it| changed(it, |sketch| sketch.item_bytes = 1),
    |it| changed(it, |sketch| sketch.nodes /= 2),
    |it| changed(it, |sketch| sketch.nodes -= sketch.nodes / 4),
    |it| changed(it, |sketch| sketch.nodes -= 1),
    |it| changed(it, |sketch| sketch.items = (sketch.items / 2).max(1)),
    |it| changed(it, |sketch| sketch.judged = (sketch.judged / 2).max(1)),
    |it| changed(it, |sketch| sketch.rate = (sketch.rate / 2).max(1)),
    |it| changed(it, |sketch| sketch.storm = (sketch.storm / 2).max(500)),
    |it| changed(it, |sketch| sketch.storm = (sketch.storm * 3 / 4).max(500)),
    |it| changed(it, |sketch| sketch.onset = Onset::Later),
    |it| without(it, |faults| faults.lost = halved(faults.lost)),
    |it| without(it, |faults| faults.duplicated = halved(faults.duplicated)),
    |it| without(it, |faults| faults.corrupted = halved(faults.corrupted * 10.0) / 10.0),
    |it| without(it, |faults| faults.delayed = halved(faults.delayed)),
    |it| without(it, |faults| faults.reordered = halved(faults.reordered)),
    |it| without(it, |faults| faults.one_way = halved(faults.one_way)),
    |it| without(it, |faults| faults.delay = (faults.delay / 2).max(10)),
];

/// The smallest world found that fails in the same way, within so many trials; and how many it took.
/// `fails_alike` says whether a world does.
pub(super) fn shrink(
    mut smallest: Sketch,
    most_trials: u32,
    mut fails_alike: impl FnMut(&Sketch) -> bool,
) -> (Sketch, u32) {
    let mut trials = 0;
    loop {
        let mut is_smaller = false;
        for step in STEPS {
            while let Some(candidate) = step(&smallest) {
                if trials == most_trials {
                    return (smallest, trials);
                }
                trials += 1;
                if !fails_alike(&candidate) {
                    break;
                }
                (smallest, is_smaller) = (candidate, true);
            }
        }
        let fields = smallest.section.len();
        for place in (0..fields).rev() {
            let removed = changed(&smallest, |sketch| drop(sketch.section.remove(place)));
            if let Some(candidate) = removed.filter(|_| trials < most_trials) {
                trials += 1;
                if fails_alike(&candidate) {
                    (smallest, is_smaller) = (candidate, true);
                }
            }
        }
        if !is_smaller {
            return (smallest, trials);
        }
    }
}

/// The world with this change, if it is another one and promised.
fn changed(sketch: &Sketch, change: impl FnOnce(&mut Sketch)) -> Option<Sketch> {
    let mut smaller = sketch.clone();
    change(&mut smaller);
    let promise = promise::of(smaller.overlay);
    smaller.bound(promise);
    let is_promised = (promise.suffices)(&smaller.section);
    (is_promised && smaller != *sketch).then_some(smaller)
}

fn without(sketch: &Sketch, change: impl FnOnce(&mut Faults)) -> Option<Sketch> {
    changed(sketch, |smaller| change(&mut smaller.faults))
}

/// Half of it, in hundredths; a hundredth stays.
fn halved(share: f64) -> f64 {
    let hundredths = (share * 100.0).round();
    if hundredths > 1.0 { (hundredths / 2.0).floor() / 100.0 } else { share }
}
