//! Progress on standard error: a bar on a terminal, plain lines elsewhere.
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use peerbench_measure::{Pace, Progress};

/// How often progress is told where there is no bar: a log shows that something moves, and is not
/// filled with it.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Over which time a speed is averaged: parts of a run differ, but what is left is mostly like what was
/// last.
const SPEED_OVER: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shows how far a run is.
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    started: Instant,
    phase: Mutex<Phase>,
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
        let (started, phase, told) = (Instant::now(), Mutex::default(), AtomicU64::new(0));
        Self { bar, started, phase, told }
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

/// What is going on, since when, and how fast.
#[derive(Default)]
struct Phase {
    name: String,
    began: Duration,
    speed: Speed,
}

impl Progress for Shown {
    fn phase(&self, what: &str) {
        let (name, began) = (what.to_owned(), self.started.elapsed());
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) =
            Phase { name, began, speed: Speed::default() };
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

    /// In virtual time, which is what a simulation goes through.
    fn simulated(&self, pace: Pace) {
        let (done, total) = (pace.now.as_micros(), pace.end.as_micros());
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = self.started.elapsed().saturating_sub(phase.began);
        phase.speed.see(elapsed, done, pace.events);
        let speed = phase.speed.words(total.saturating_sub(done));
        let seconds = |micros: u64| micros as f64 / 1e6;
        let times = format!("{:.1} of {:.1} s", seconds(done), seconds(total));
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{}: {times}{speed}", phase.name));
                bar.set_length(total.max(1));
                bar.set_position(done);
            }
            None => {
                let now = self.started.elapsed();
                if self.is_time_to_tell(now) {
                    eprintln!("{:6.1}s    {times}{speed}", now.as_secs_f64());
                }
            }
        }
    }
}

/// How fast something goes on, and a simulation's events with it.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    seen: Duration,
    done: u64,
    events: u64,
    done_per_second: f64,
    events_per_second: f64,
}

impl Speed {
    /// After this time so much is done, with so many events. Neither ever becomes less.
    pub(crate) fn see(&mut self, elapsed: Duration, done: u64, events: u64) {
        let since = elapsed.saturating_sub(self.seen);
        if since < LOOK_EVERY {
            return;
        }
        let seconds = since.as_secs_f64();
        // What was first seen counts in full.
        let weight = match self.seen.is_zero() {
            true => 1.0,
            false => 1.0 - (-seconds / SPEED_OVER.as_secs_f64()).exp(),
        };
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        self.done_per_second += weight * (rate(done, self.done) - self.done_per_second);
        self.events_per_second += weight * (rate(events, self.events) - self.events_per_second);
        (self.seen, self.done, self.events) = (elapsed, done, events);
    }

    /// How fast it is, and how long what is left will take: to be put behind something else. Empty as
    /// long as it is not known.
    pub(crate) fn words(&self, left: u64) -> String {
        let mut words = String::new();
        if self.events_per_second >= 1.0 {
            words += &match self.events_per_second {
                many if many >= 1e6 => format!(", {:.1} M events/s", many / 1e6),
                some => format!(", {:.0} k events/s", some / 1e3),
            };
        }
        if self.done_per_second > 0.0 {
            let seconds = (left as f64 / self.done_per_second).round() as u64;
            words += &match seconds {
                0..60 => format!(", {seconds} s left"),
                60..3600 => format!(", {} min {:02} s left", seconds / 60, seconds % 60),
                _ => format!(", {} h {:02} min left", seconds / 3600, seconds / 60 % 60),
            };
        }
        words
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_that_of_the_last_seconds() {
        let mut speed = Speed::default();
        assert_eq!(speed.words(10), "");
        speed.see(Duration::from_millis(100), 5, 5);
        assert_eq!(speed.words(10), "", "too early to tell");
        speed.see(Duration::from_secs(1), 100, 1_200_000);
        assert_eq!(speed.words(1_000), ", 1.2 M events/s, 10 s left");
        assert_eq!(speed.words(20_000), ", 1.2 M events/s, 3 min 20 s left");
        assert_eq!(speed.words(1_000_000), ", 1.2 M events/s, 2 h 46 min left");
        for second in 2..200 {
            speed.see(Duration::from_secs(second), 100 + second, 1_200_000 + second * 30_000);
        }
        assert_eq!(speed.words(60), ", 30 k events/s, 1 min 00 s left");
    }

    #[test]
    fn what_does_not_go_on_has_no_end() {
        let mut speed = Speed::default();
        speed.see(Duration::from_secs(1), 0, 0);
        assert_eq!(speed.words(10), "");
    }
}
