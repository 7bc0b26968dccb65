//! Many runs at once: over all cores, as far as their memory fits, with one progress for them all.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use peerbench_measure::{Pace, Progress};

use crate::failure::Failure;
use crate::progress::{Shown, Speed};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// Steps of a run's progress.
const STEPS: u64 = 1_000;

/// What a simulated node takes at most in networks so large that it matters: what Chord does while
/// nodes come and go, measured with 10^6 of them, and a quarter more.
const BYTES_PER_NODE: u64 = 4_096;

/// The part of the free memory that runs may take: other programs want some, too.
const SHARE_OF_MEMORY: f64 = 0.75;

/// What came of a run: `None` in the place of a failure is an assertion, which has told about itself.
pub(crate) type Outcome<T> = Result<T, Option<Failure>>;

/// Runs that are to be made.
pub(crate) struct Batch<'a, J> {
    /// In the order in which they are begun.
    pub(crate) jobs: &'a [J],
    /// How many at once, at most.
    pub(crate) threads: usize,
    /// How many nodes are simulated in a run; none on the testbed.
    pub(crate) simulated_nodes: &'a dyn Fn(&J) -> u32,
}

impl<J: Sync> Batch<'_, J> {
    /// Makes every run until `stop` is set, and gives on what came of each, by its place among the jobs,
    /// as soon as it is over. A run that fails does not keep the others.
    pub(crate) fn run<T: Send>(
        &self,
        measure: impl Fn(&J, &Share<'_>) -> Result<T, Failure> + Sync,
        mut done: impl FnMut(usize, Outcome<T>),
        progress: &Shown,
        stop: &AtomicBool,
    ) {
        let (room, jobs, threads) = (Room::of_this_machine(), self.jobs, self.threads);
        let bytes = |job: &J| u64::from((self.simulated_nodes)(job)) * BYTES_PER_NODE;
        let sizes: Vec<u64> = jobs.iter().map(bytes).collect();
        if let Some(complaint) = room.complaint(&sizes, threads) {
            eprintln!("{complaint}");
        }
        let (tally, next) = (Tally::new(jobs.len()), AtomicUsize::new(0));
        let (sender, receiver) = sync_channel(threads);
        thread::scope(|scope| {
            for _ in 0..threads.min(jobs.len()) {
                let sender: SyncSender<(usize, Outcome<T>)> = sender.clone();
                let (room, sizes, tally, next, measure) = (&room, &sizes, &tally, &next, &measure);
                scope.spawn(move || {
                    while let Some(index) = claim(next, jobs.len()) {
                        let _taken = room.enter(sizes[index]);
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let outcome = tally.run(|share| measure(&jobs[index], share));
                        // The receiver takes everything until the last sender is gone.
                        if sender.send((index, outcome)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            loop {
                match receiver.recv_timeout(SHOW_EVERY) {
                    Ok((index, outcome)) => done(index, outcome),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                tally.show(progress);
            }
        });
    }
}

/// As many threads as simulations are worth.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Says before a large run what it may take, if that is not there.
pub(crate) fn warn_of_memory(simulated_nodes: u32) {
    let bytes = u64::from(simulated_nodes) * BYTES_PER_NODE;
    if let Some(complaint) = Room::of_this_machine().complaint(&[bytes], 1) {
        eprintln!("{complaint}");
    }
}

fn claim(next: &AtomicUsize, of: usize) -> Option<usize> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    (index < of).then_some(index)
}

/// The memory that runs may take together.
struct Room {
    bytes: u64,
    taken: Mutex<u64>,
    changed: Condvar,
}

impl Room {
    fn new(bytes: u64) -> Self {
        Self { bytes, taken: Mutex::new(0), changed: Condvar::new() }
    }

    /// Unlimited where the system does not tell what is free.
    fn of_this_machine() -> Self {
        let available = || {
            let text = std::fs::read_to_string("/proc/meminfo").ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
            let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some((kibibytes * 1024.0 * SHARE_OF_MEMORY) as u64)
        };
        Self::new(available().unwrap_or(u64::MAX))
    }

    /// Waits until so many bytes are left beside what others have taken, or until there are no others.
    fn enter(&self, bytes: u64) -> Taken<'_> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |taken: &mut u64| *taken > 0 && *taken + bytes > self.bytes;
        let mut taken =
            self.changed.wait_while(taken, is_full).unwrap_or_else(PoisonError::into_inner);
        *taken += bytes;
        Taken { room: self, bytes }
    }

    /// What a person should know before runs of these sizes begin, so many at once.
    fn complaint(&self, sizes: &[u64], threads: usize) -> Option<String> {
        let largest = sizes.iter().copied().max()?;
        let at_once = threads.min(sizes.len()) as u64;
        if largest == 0 || largest.saturating_mul(at_once) <= self.bytes {
            return None;
        }
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let free = format!("{:.1} GB are to be had", gigabytes(self.bytes));
        let takes = format!("{:.1} GB", gigabytes(largest));
        Some(match self.bytes / largest {
            0 => format!("warning: a run may take {takes} of memory, and {free}"),
            fit => format!(
                "a run may take {takes} of memory, and {free}: {fit} at once instead of {at_once}"
            ),
        })
    }
}

/// Memory that a run has taken, until it is over.
struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.room.changed.notify_all();
    }
}

/// How far all runs are.
struct Tally {
    began: Instant,
    runs: usize,
    finished: AtomicUsize,
    /// Of `STEPS` for each run.
    steps: AtomicU64,
    events: AtomicU64,
    speed: Mutex<Speed>,
}

impl Tally {
    fn new(runs: usize) -> Self {
        Self {
            began: Instant::now(),
            runs,
            finished: AtomicUsize::new(0),
            steps: AtomicU64::new(0),
            events: AtomicU64::new(0),
            speed: Mutex::new(Speed::default()),
        }
    }

    fn run<T>(&self, measure: impl FnOnce(&Share<'_>) -> Result<T, Failure>) -> Outcome<T> {
        let share = Share { tally: self, told: AtomicU64::new(0), events: AtomicU64::new(0) };
        // An assertion that fails in one world says nothing about the others.
        let result = catch_unwind(AssertUnwindSafe(|| measure(&share)));
        share.reach(STEPS);
        self.finished.fetch_add(1, Ordering::Relaxed);
        result.map_or(Err(None), |measured| measured.map_err(Some))
    }

    fn show(&self, progress: &Shown) {
        let (steps, all) = (self.steps.load(Ordering::Relaxed), self.runs as u64 * STEPS);
        let (finished, events) =
            (self.finished.load(Ordering::Relaxed), self.events.load(Ordering::Relaxed));
        let mut speed = self.speed.lock().unwrap_or_else(PoisonError::into_inner);
        speed.see(self.began.elapsed(), steps, events);
        let pace = speed.words(all - steps.min(all));
        progress.tell(&format!("{finished} of {} runs{pace}", self.runs), steps, all);
    }
}

/// One run's share of the tally.
pub(crate) struct Share<'a> {
    tally: &'a Tally,
    told: AtomicU64,
    events: AtomicU64,
}

impl Share<'_> {
    fn reach(&self, step: u64) {
        let before = self.told.fetch_max(step, Ordering::Relaxed);
        self.tally.steps.fetch_add(step.saturating_sub(before), Ordering::Relaxed);
    }
}

impl Progress for Share<'_> {
    /// There are too many runs for anybody to follow what each of them is doing.
    fn phase(&self, _: &str) {}

    /// Phases begin at nothing, so only the farthest counts.
    fn advance(&self, done: u64, total: u64) {
        self.reach((done * STEPS).checked_div(total).unwrap_or_default().min(STEPS));
    }

    fn simulated(&self, pace: Pace) {
        self.advance(pace.now.as_micros(), pace.end.as_micros());
        let before = self.events.swap(pace.events, Ordering::Relaxed);
        self.tally.events.fetch_add(pace.events.saturating_sub(before), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_beside_the_others_waits() {
        let room = Room::new(100);
        let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [60, 60, 30, 500, 60, 30] {
                let (room, inside, most) = (&room, &inside, &most);
                scope.spawn(move || {
                    let _taken = room.enter(bytes);
                    let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                    most.fetch_max(if now == 500 { 0 } else { now }, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 100, "{most:?}");
        assert_eq!(*room.taken.lock().expect("nobody failed"), 0);
    }

    #[test]
    fn somebody_is_told_when_memory_is_short() {
        let room = Room::new(6_000_000_000);
        let of = |sizes: &[u64], threads| room.complaint(sizes, threads).unwrap_or_default();
        assert_eq!(of(&[2_000_000_000; 8], 3), "");
        assert_eq!(
            of(&[4_000_000_000; 8], 2),
            "a run may take 4.0 GB of memory, and 6.0 GB are to be had: 1 at once instead of 2"
        );
        assert_eq!(
            of(&[9_000_000_000], 2),
            "warning: a run may take 9.0 GB of memory, and 6.0 GB are to be had"
        );
        assert_eq!(of(&[], 2), "");
    }

    #[test]
    fn every_run_is_made_once_and_a_failure_keeps_nobody() {
        let jobs: Vec<u32> = (0..20).collect();
        let batch = Batch { jobs: &jobs, threads: 3, simulated_nodes: &|_| 1 };
        let mut made = Vec::new();
        batch.run(
            |&job, _| match job {
                7 => Err(Failure::Usage("seven".to_owned())),
                other => Ok(other),
            },
            |index, outcome| made.push((jobs[index], outcome.is_ok())),
            &Shown::new(),
            &AtomicBool::new(false),
        );
        made.sort_unstable();
        assert_eq!(made, jobs.iter().map(|&job| (job, job != 7)).collect::<Vec<_>>());
    }
}
