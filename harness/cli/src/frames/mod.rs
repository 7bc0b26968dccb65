//! `peerbench fuzz-frames`: random and damaged frames into every decoder and every overlay.
//!
//! Work goes in epochs, each with a seed of its own, over all cores. A panic, a frame that takes longer
//! than [`FRAME_WITHIN`] and a node that remembers more than [`MOST_STATE`] end the command, with the
//! command that shows the same again.
mod crowd;
mod decoders;
mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use overlay_core::{Overlay, Purpose, Random};
use peerbench_testbed::node::memory;

use crate::arguments::FuzzFrames;
use crate::failure::{FAILED, Failure, INTERRUPTED};
use crate::overlays::{OVERLAYS, find};
use crate::parallel;
use crate::progress::Shown;
use crate::show::print_line;
use decoders::{DECODERS, Decoder};

/// Frames of an epoch: few enough that it can be run again while somebody waits.
const EPOCH: u64 = 200_000;
/// How long a frame may take, with the machine's other work.
const FRAME_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked how far they are.
const LOOK: Duration = Duration::from_millis(200);
/// The most that a node may remember, in bytes: honest nodes of these networks remember a few
/// thousand.
const MOST_STATE: u64 = 1 << 20;
/// The most that this program may take, in bytes.
const MOST_MEMORY: u64 = 2 << 30;

/// A part of the work.
pub(crate) struct Epoch<'a> {
    /// Everything in it follows from this.
    seed: u64,
    /// How many frames.
    frames: u64,
    /// Changes to the scenario.
    assignments: &'a [String],
    /// How far it is.
    done: &'a AtomicU64,
}

impl Epoch<'_> {
    fn tell(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }
}

/// What came of some frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    frames: u64,
    /// How many of them made sense: they went on to the overlay.
    decoded: u64,
    /// The most that a node remembered, in bytes.
    largest_state: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.decoded += other.decoded;
        self.largest_state = self.largest_state.max(other.largest_state);
    }
}

/// Throws an epoch's frames at the nodes of an overlay.
pub(crate) fn throw<O: Overlay>(scenario: &str, epoch: &Epoch<'_>) -> Result<Tally, Failure> {
    crowd::throw::<O>(scenario, epoch)
}

/// What frames are thrown at.
enum Target {
    Overlay(&'static crate::overlays::Entry),
    Decoder(&'static Decoder),
}

impl Target {
    fn named(name: &str) -> Result<Self, Failure> {
        match DECODERS.iter().find(|decoder| decoder.name == name) {
            Some(decoder) => Ok(Self::Decoder(decoder)),
            None => Ok(Self::Overlay(find(name)?)),
        }
    }

    fn all() -> Vec<Self> {
        OVERLAYS.iter().map(Self::Overlay).chain(DECODERS.iter().map(Self::Decoder)).collect()
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Overlay(entry) => entry.name,
            Self::Decoder(decoder) => decoder.name,
        }
    }

    fn throw(&self, epoch: &Epoch<'_>) -> Result<Tally, Failure> {
        match self {
            Self::Overlay(entry) => (entry.fuzz)(entry.scenario, epoch),
            Self::Decoder(decoder) => decoders::throw(decoder, epoch),
        }
    }
}

pub(crate) fn run(arguments: &FuzzFrames, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let targets = match arguments.targets.is_empty() {
        true => Target::all(),
        false => {
            arguments.targets.iter().map(|name| Target::named(name)).collect::<Result<_, _>>()?
        }
    };
    let shown = Shown::new();
    for target in &targets {
        let started = Instant::now();
        let tally = match throw_all(target, arguments, &shown, stop)? {
            Ok(tally) => tally,
            Err(seed) => {
                shown.done();
                let name = target.name();
                let changes = arguments.assignments.iter();
                let changes: String = changes.map(|it| format!(" --set '{it}'")).collect();
                eprintln!(
                    "{name} failed; again: peerbench fuzz-frames {name} --seed {seed} --frames \
                     {EPOCH}{changes}"
                );
                return Ok(ExitCode::from(FAILED));
            }
        };
        if stop.load(Ordering::Relaxed) {
            shown.done();
            return Ok(ExitCode::from(INTERRUPTED));
        }
        print_line(describe(target, &tally, started.elapsed()));
    }
    shown.done();
    Ok(ExitCode::SUCCESS)
}

fn describe(target: &Target, tally: &Tally, took: Duration) -> String {
    let rate = tally.frames as f64 / took.as_secs_f64() / 1e6;
    let resident = memory().resident;
    let state = match target {
        Target::Overlay(_) => format!(", a node remembered up to {} B", tally.largest_state),
        Target::Decoder(_) => String::new(),
    };
    format!(
        "{:<16} {:>11} frames, {:.1} % made sense, {rate:.2} M/s{state}, {} MB in all",
        target.name(),
        tally.frames,
        100.0 * tally.decoded as f64 / tally.frames.max(1) as f64,
        resident / 1_000_000,
    )
}

/// Throws all frames at a target over all cores; or the seed of the epoch that failed.
fn throw_all(
    target: &Target,
    arguments: &FuzzFrames,
    shown: &Shown,
    stop: &AtomicBool,
) -> Result<Result<Tally, u64>, Failure> {
    let workers = parallel::cores();
    let work = Work {
        target,
        arguments,
        next: AtomicU64::new(0),
        total: Mutex::default(),
        failed: Mutex::new(None),
        broken: Mutex::new(None),
    };
    let places: Vec<Place> = (0..workers).map(|_| Place::default()).collect();
    thread::scope(|scope| {
        for place in &places {
            scope.spawn(|| work.go_on(place, stop));
        }
        watch(&work, &places, shown);
    });
    if let Some(failure) = work.broken.into_inner().unwrap_or_default() {
        return Err(failure);
    }
    let failed = work.failed.into_inner().unwrap_or_default();
    Ok(failed.map_or_else(|| Ok(work.total.into_inner().unwrap_or_default()), Err))
}

/// What the workers share.
struct Work<'a> {
    target: &'a Target,
    arguments: &'a FuzzFrames,
    /// The number of the next epoch.
    next: AtomicU64,
    total: Mutex<Tally>,
    /// The seed of an epoch in which something went wrong.
    failed: Mutex<Option<u64>>,
    /// What kept an epoch from beginning.
    broken: Mutex<Option<Failure>>,
}

/// Where a worker is.
#[derive(Default)]
struct Place {
    seed: AtomicU64,
    done: AtomicU64,
    is_over: AtomicBool,
}

impl Work<'_> {
    fn go_on(&self, place: &Place, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) && !self.has_failed() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let frames = self.arguments.frames.saturating_sub(number * EPOCH).min(EPOCH);
            if frames == 0 {
                break;
            }
            // The first epoch has the seed of the command line, so that each can be run alone.
            let seed = match number {
                0 => self.arguments.seed,
                _ => Random::stream(self.arguments.seed, Purpose::Workload, number).next_u64(),
            };
            place.seed.store(seed, Ordering::Relaxed);
            let assignments = &self.arguments.assignments;
            let epoch = Epoch { seed, frames, assignments, done: &place.done };
            match catch_unwind(AssertUnwindSafe(|| self.target.throw(&epoch))) {
                Ok(Ok(tally)) => lock(&self.total).add(&tally),
                Ok(Err(failure)) => *lock(&self.broken) = Some(failure),
                Err(_) => *lock(&self.failed) = Some(seed),
            }
        }
        place.is_over.store(true, Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        lock(&self.failed).is_some() || lock(&self.broken).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Looks at how far the workers are, until they are over. One that is stuck cannot be stopped, so the
/// program ends.
fn watch(work: &Work<'_>, places: &[Place], shown: &Shown) {
    let mut seen: Vec<(u64, u64, Instant)> =
        places.iter().map(|_| (0, u64::MAX, Instant::now())).collect();
    while places.iter().any(|place| !place.is_over.load(Ordering::Relaxed)) {
        thread::sleep(LOOK);
        for (place, seen) in places.iter().zip(&mut seen) {
            let (seed, done) =
                (place.seed.load(Ordering::Relaxed), place.done.load(Ordering::Relaxed));
            if (seed, done) != (seen.0, seen.1) || place.is_over.load(Ordering::Relaxed) {
                *seen = (seed, done, Instant::now());
            } else if seen.2.elapsed() > FRAME_WITHIN {
                give_up(&format!("frame {done} of seed {seed} takes too long"));
            }
        }
        let resident = memory().resident;
        if resident > MOST_MEMORY {
            let seeds = places.iter().map(|place| place.seed.load(Ordering::Relaxed));
            let seeds: Vec<u64> = seeds.collect();
            give_up(&format!("{resident} bytes of memory are taken, with seeds {seeds:?}"));
        }
        let done = lock(&work.total).frames;
        shown.tell(&format!("{}: {done} frames", work.target.name()), done, work.arguments.frames);
    }
}

fn give_up(why: &str) -> ! {
    eprintln!("fuzz-frames: {why}");
    std::process::exit(FAILED.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames for each target in every test: `peerbench fuzz-frames --frames 100000000` throws more.
    const BUDGET: u64 = 4_000;

    fn throw_at(target: &Target, frames: u64) -> Result<Tally, u64> {
        let (targets, assignments) = (Vec::new(), Vec::new());
        let arguments = FuzzFrames { targets, frames, seed: 7, assignments };
        let outcome = throw_all(target, &arguments, &Shown::new(), &AtomicBool::new(false));
        outcome.expect("the scenarios come with the program")
    }

    #[test]
    fn no_frame_harms_an_overlay_or_a_decoder() {
        for target in Target::all() {
            let name = target.name();
            let tally = throw_at(&target, BUDGET).unwrap_or_else(|seed| panic!("{name}: {seed}"));
            assert!(tally.frames >= BUDGET && tally.decoded > BUDGET / 400, "{name}: {tally:?}");
            assert!(tally.decoded < tally.frames, "{name}: damage is noticed");
            let is_overlay = matches!(target, Target::Overlay(_));
            assert_eq!(tally.largest_state > 0, is_overlay, "{name}: {tally:?}");
        }
    }

    #[test]
    fn a_decoder_that_panics_is_found_and_its_seed_shows_it_again() {
        static BROKEN: Decoder = Decoder {
            name: "broken",
            samples: || vec![vec![1, 2, 3, 4]],
            read: |bytes| {
                assert_ne!(bytes.first(), Some(&0x7f), "as it was meant to");
                true
            },
        };
        let seed = throw_at(&Target::Decoder(&BROKEN), 3 * EPOCH).expect_err("it is broken");
        let done = AtomicU64::new(0);
        let epoch = Epoch { seed, frames: EPOCH, assignments: &[], done: &done };
        let again = catch_unwind(AssertUnwindSafe(|| decoders::throw(&BROKEN, &epoch)));
        assert!(again.is_err());
    }
}
