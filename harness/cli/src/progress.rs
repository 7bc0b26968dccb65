//! Progress on standard error: a bar on a terminal, plain lines elsewhere.
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use peerbench_measure::Progress;

/// How often progress is told where there is no bar: a log shows that something moves, and is not
/// filled with it.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Shows how far a run is.
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    started: Instant,
    /// When something was last told, in milliseconds since the start, where there is no bar.
    told: AtomicU64,
}

impl Shown {
    pub(crate) fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = "{elapsed:>4} {bar:24} {percent:>3}% {msg}";
            ProgressBar::new(1).with_style(
                ProgressStyle::with_template(style)
                    .expect("the template names only fields that there are"),
            )
        });
        Self { bar, started: Instant::now(), told: AtomicU64::new(0) }
    }

    /// Says how far something is that tells so all the time, in words and as a part of `total`.
    pub(crate) fn tell(&self, what: &str, done: u64, total: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(what.to_owned());
                bar.set_length(total.max(1));
                bar.set_position(done);
            }
            None => {
                let now = self.started.elapsed();
                if self.is_time_to_tell(now) {
                    eprintln!("{:6.1}s  {what}", now.as_secs_f64());
                }
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Whether nothing was told for a while.
    fn is_time_to_tell(&self, now: Duration) -> bool {
        let is_time =
            milliseconds(now) - self.told.load(Ordering::Relaxed) >= milliseconds(TELL_EVERY);
        if is_time {
            self.told.store(milliseconds(now), Ordering::Relaxed);
        }
        is_time
    }
}

impl Progress for Shown {
    fn phase(&self, what: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(0);
                bar.set_message(what.to_owned());
                bar.tick();
            }
            None => {
                let now = self.started.elapsed();
                self.told.store(milliseconds(now), Ordering::Relaxed);
                eprintln!("{:6.1}s  {what}", now.as_secs_f64());
            }
        }
    }

    fn advance(&self, done: u64, total: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(done);
            }
            None => {
                let now = self.started.elapsed();
                if self.is_time_to_tell(now) {
                    let percent = (100 * done).checked_div(total).unwrap_or(100);
                    eprintln!("{:6.1}s    {percent}%", now.as_secs_f64());
                }
            }
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
