//! Progress on standard error: a bar on a terminal, plain lines elsewhere.
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use peerbench_measure::Progress;

/// Shows how far a run is.
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    started: Instant,
    /// Tenths already told of the phase, where there is no bar.
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

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn phase(&self, what: &str) {
        self.told.store(0, Ordering::Relaxed);
        match &self.bar {
            Some(bar) => {
                bar.set_position(0);
                bar.set_message(what.to_owned());
                bar.tick();
            }
            None => eprintln!("{:6.1}s  {what}", self.started.elapsed().as_secs_f64()),
        }
    }

    fn advance(&self, done: u64, total: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(done);
            }
            None => {
                let tenth = (10 * done).checked_div(total).unwrap_or(10);
                if self.told.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    let elapsed = self.started.elapsed().as_secs_f64();
                    eprintln!("{elapsed:6.1}s    {}%", 10 * tenth);
                }
            }
        }
    }
}
