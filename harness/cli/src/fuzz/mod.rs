//! `peerbench fuzz-world`: worlds drawn by chance, a seed each, in which faults strike, then stop, and
//! everything must be right again. What fails is made as small as it can be, and told with the command
//! that runs it again.
//!
//! - `dice.rs`: numbers by name; `sketch.rs`: a world as a few numbers; `promise.rs`: which worlds an
//!   overlay promises to outlive;
//! - `render.rs`: from a sketch to the scenario's YAML;
//! - `trial.rs`: one world, judged; `shrink.rs`: from a world that fails to the smallest that does;
//! - `report.rs`: what a person reads.
//!
//! After FoundationDB's simulation and TigerBeetle's VOPR.
mod dice;
mod promise;
mod render;
mod report;
mod shrink;
mod sketch;
mod trial;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use peerbench_scenario::Document;

use crate::arguments::FuzzWorld;
use crate::failure::{Failure, INTERRUPTED, NOTHING_MEASURED, REGRESSION};
use crate::overlays::{self, Entry, OVERLAYS};
use crate::parallel;
use crate::progress::Shown;
use sketch::Sketch;
use trial::{Defeat, Tried};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Most worlds that are tried to make one that fails smaller.
const MOST_TRIALS: u32 = 400;
/// Without a word about it, so long.
const SECONDS: u64 = 60;

/// Which worlds to run.
struct Plan {
    entries: Vec<&'static Entry>,
    first: u64,
    worlds: Option<u64>,
    time: Option<Duration>,
}

/// What came of all worlds of one overlay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    worlds: u64,
    judged: u64,
    inputs: u64,
    failed: u64,
}

/// One world that has failed.
struct Failed {
    entry: &'static Entry,
    seed: u64,
    defeat: Defeat,
}

/// What came of everything.
#[derive(Default)]
struct Outcome {
    counts: BTreeMap<&'static str, Count>,
    /// The first of each overlay and kind, by seed.
    failed: BTreeMap<(&'static str, String), Failed>,
}

/// `peerbench fuzz-world …`.
pub(crate) fn run(fuzz: &FuzzWorld, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    if let Some(path) = &fuzz.scenario {
        return run_file(fuzz, path);
    }
    let plan = Plan::of(fuzz)?;
    trial::keep_panics();
    let (began, progress) = (Instant::now(), Shown::new());
    let (outcome, broken) = run_worlds(&plan, &progress, stop);
    report::counts(&outcome, began.elapsed());
    let is_interrupted = stop.load(Ordering::Relaxed);
    for failed in outcome.failed.values() {
        report::failed(failed);
        if !is_interrupted {
            let (smallest, defeat, trials) = shrink_failed(failed, &progress);
            report::smallest(failed, &smallest, &defeat, trials, &fuzz.output)?;
        }
    }
    if let Some(failure) = broken {
        return Err(failure);
    }
    Ok(match (outcome.failed.is_empty(), outcome.counts.is_empty()) {
        (false, _) => ExitCode::from(REGRESSION),
        (true, _) if is_interrupted => ExitCode::from(INTERRUPTED),
        (true, true) => ExitCode::from(NOTHING_MEASURED),
        (true, false) => ExitCode::SUCCESS,
    })
}

/// Runs the world of a file, and says what does not hold.
fn run_file(fuzz: &FuzzWorld, path: &std::path::Path) -> Result<ExitCode, Failure> {
    let document = Document::read(path)?;
    let scenario = document.scenario()?;
    let named: Vec<&str> = match fuzz.overlays.is_empty() {
        true => scenario.overlays.keys().map(String::as_str).collect(),
        false => fuzz.overlays.iter().map(String::as_str).collect(),
    };
    let &[name] = &named[..] else {
        let message = "name one overlay with --overlay, or in the scenario's `overlays`";
        return Err(Failure::Usage(message.to_owned()));
    };
    let entry = overlays::find(name)?;
    trial::keep_panics();
    let tried = trial::of_file(entry, document)?;
    Ok(match report::of_file(entry, &tried) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REGRESSION),
    })
}

impl Plan {
    fn of(fuzz: &FuzzWorld) -> Result<Self, Failure> {
        if let Some(world) = &fuzz.world {
            return Self::of_world(world);
        }
        let entries = match fuzz.overlays.is_empty() {
            true => OVERLAYS.iter().collect(),
            false => {
                let found = fuzz.overlays.iter().map(|name| overlays::find(name));
                found.collect::<Result<_, _>>()?
            }
        };
        // Which worlds are tried may depend on the clock; what comes of them does not.
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = fuzz.seconds.or_else(|| fuzz.worlds.is_none().then_some(SECONDS));
        Ok(Self {
            entries,
            first: fuzz.seed.unwrap_or_else(|| now().as_millis() as u64),
            worlds: fuzz.worlds,
            time: time.map(Duration::from_secs),
        })
    }

    /// One world, as [`report::again`] writes it.
    fn of_world(world: &str) -> Result<Self, Failure> {
        let read = world.split_once(':').and_then(|(name, seed)| Some((name, seed.parse().ok()?)));
        let Some((name, first)) = read else {
            let message = format!("`{world}` is no world: write OVERLAY:SEED, such as `chord:42`");
            return Err(Failure::Usage(message));
        };
        Ok(Self { entries: vec![overlays::find(name)?], first, worlds: Some(1), time: None })
    }

    /// The world with this number: each overlay's turn.
    fn world(&self, number: u64) -> Option<(&'static Entry, u64)> {
        if self.worlds.is_some_and(|worlds| number >= worlds) {
            return None;
        }
        let entry = self.entries[(number % self.entries.len() as u64) as usize];
        Some((entry, self.first.wrapping_add(number)))
    }
}

/// What came of the worlds; and why no more were run, if one was not sound.
fn run_worlds(plan: &Plan, progress: &Shown, stop: &AtomicBool) -> (Outcome, Option<Failure>) {
    let threads = parallel::cores();
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sender, receiver) = sync_channel(threads);
    let (began, mut outcome, mut broken) = (Instant::now(), Outcome::default(), None);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, is_over) = (sender.clone(), &next, &is_over);
            scope.spawn(move || work(plan, next, is_over, &sender));
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(SHOW_EVERY) {
                Ok((entry, seed, Ok(tried))) => outcome.add(entry, seed, tried),
                Ok((.., Err(failure))) => {
                    broken = Some(failure);
                    is_over.store(true, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let is_late = plan.time.is_some_and(|time| began.elapsed() >= time);
            if is_late || stop.load(Ordering::Relaxed) {
                is_over.store(true, Ordering::Relaxed);
            }
            outcome.show(plan, began.elapsed(), progress);
        }
    });
    progress.done();
    (outcome, broken)
}

type Sent = (&'static Entry, u64, Result<Tried, Failure>);

fn work(plan: &Plan, next: &AtomicU64, is_over: &AtomicBool, sender: &SyncSender<Sent>) {
    while let Some((entry, seed)) = plan.world(next.fetch_add(1, Ordering::Relaxed)) {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let tried = try_sketch(entry, &Sketch::draw(promise::of(entry.name), entry.name, seed));
        // The receiver takes everything until the last sender is gone.
        if sender.send((entry, seed, tried)).is_err() {
            return;
        }
    }
}

fn try_sketch(entry: &'static Entry, sketch: &Sketch) -> Result<Tried, Failure> {
    trial::of_text(entry, &format!("world {}", sketch.seed), render::yaml(sketch))
}

/// The smallest world found that fails the same way, how it does, and how many worlds that took.
fn shrink_failed(failed: &Failed, progress: &Shown) -> (Sketch, Defeat, u32) {
    let Failed { entry, seed, defeat } = failed;
    let mut smallest_defeat = defeat.clone();
    let mut tried = 0;
    let sketch = Sketch::draw(promise::of(entry.name), entry.name, *seed);
    let (smallest, trials) = shrink::shrink(sketch, MOST_TRIALS, |candidate| {
        tried += 1;
        progress.tell(&format!("{tried} smaller worlds"), tried, MOST_TRIALS.into());
        // A world that cannot be is no smaller one.
        let its = try_sketch(entry, candidate).ok().and_then(|tried| tried.defeat);
        let fails_alike = its.as_ref().is_some_and(|its| its.kind == defeat.kind);
        if let (true, Some(its)) = (fails_alike, its) {
            smallest_defeat = its;
        }
        fails_alike
    });
    progress.done();
    (smallest, smallest_defeat, trials)
}

impl Outcome {
    fn add(&mut self, entry: &'static Entry, seed: u64, tried: Tried) {
        let count = self.counts.entry(entry.name).or_default();
        count.worlds += 1;
        if let Some(examined) = tried.examined {
            count.judged += examined.judged;
            count.inputs += examined.inputs;
        }
        let Some(defeat) = tried.defeat else { return };
        count.failed += 1;
        let place = (entry.name, defeat.kind.clone());
        if self.failed.get(&place).is_none_or(|known| seed < known.seed) {
            self.failed.insert(place, Failed { entry, seed, defeat });
        }
    }

    fn show(&self, plan: &Plan, elapsed: Duration, progress: &Shown) {
        let (mut worlds, mut failed) = (0, 0);
        for count in self.counts.values() {
            worlds += count.worlds;
            failed += count.failed;
        }
        let seconds = elapsed.as_secs_f64();
        let rate = worlds as f64 / seconds.max(1e-3);
        let by_time = plan.time.map(|time| time.saturating_sub(elapsed).as_secs_f64());
        let by_count = plan.worlds.map(|all| all.saturating_sub(worlds) as f64 / rate.max(1e-3));
        let left = [by_time, by_count].into_iter().flatten().fold(f64::INFINITY, f64::min);
        let told = format!("{worlds} worlds, {rate:.0}/s, {failed} failed, {left:.0}s left");
        progress.tell(&told, seconds as u64, (seconds + left) as u64);
    }
}

#[cfg(test)]
mod tests;
