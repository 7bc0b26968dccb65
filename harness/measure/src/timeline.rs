//! How lookups ended over time, and what a fault did to them. By the time at which a search was
//! due, so that one which waits in vain counts where it began to.
use std::time::Duration;

use overlay_core::Time;
use serde::{Deserialize, Serialize};

/// Most bins of a timeline; longer windows have wider ones.
const MOST_BINS: u64 = 600;
/// Seconds that are looked at together hold this many searches on average.
const ENOUGH: u64 = 20;
/// Where there are fewer searches than this, a share of them says nothing.
const FEWEST: u64 = 5;
/// An overlay has recovered when this share of what was answered rightly before is again.
const RECOVERED: f64 = 0.95;

/// How lookups ended, by the time at which they were due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// When the first bin begins, in seconds since the start of the run, rounded down.
    pub from_s: u64,
    /// How long a bin is, in seconds: 1, doubled until 600 bins hold the window.
    pub width_s: u64,
    /// Right answers, bin by bin. All three lists are of one length.
    pub correct: Vec<u64>,
    /// Wrong answers.
    pub incorrect: Vec<u64>,
    /// No answer in time.
    pub failed: Vec<u64>,
}

/// How a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Correct = 0,
    Incorrect = 1,
    Failed = 2,
}

/// Outcomes as they are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    from: Time,
    /// Seconds, at least 1 once anything was counted.
    width: u64,
    bins: Vec<Bin>,
    /// The first fault of the window.
    fault: Option<Time>,
    before: Bin,
    after: Bin,
}

/// Lookups by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin([u64; 3]);

impl Outcomes {
    /// Nothing is counted yet in a window of this length.
    pub(crate) fn new(window: Duration) -> Self {
        let mut width = 1;
        while window.as_secs() >= MOST_BINS * width {
            width *= 2;
        }
        Self { width, ..Self::default() }
    }

    /// When the window begins, and when the first fault in it is due.
    pub(crate) fn begin(&mut self, from: Time, fault: Option<Time>) {
        (self.from, self.fault) = (from, fault);
    }

    /// When the window begins.
    pub(crate) const fn begins_at(&self) -> Time {
        self.from
    }

    /// How long after the window's beginning this is.
    pub(crate) fn since_begin(&self, time: Time) -> Duration {
        time.since(self.from)
    }

    #[inline]
    pub(crate) fn count(&mut self, due: Time, outcome: Outcome) {
        let bin = self.bin_of(due).min(MOST_BINS as usize - 1);
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, Bin::default());
        }
        self.bins[bin].0[outcome as usize] += 1;
        if let Some(fault) = self.fault {
            let side = if due < fault { &mut self.before } else { &mut self.after };
            side.0[outcome as usize] += 1;
        }
    }

    /// Adds what was counted elsewhere, second of the window to second of the window.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        if self.bins.is_empty() {
            (self.from, self.width) = (other.from, other.width);
        }
        if !other.bins.is_empty() {
            let width = self.width.max(other.width);
            self.widen(width);
            other.widen(width);
        }
        let length = self.bins.len().max(other.bins.len());
        self.bins.resize(length, Bin::default());
        for (mine, others) in self.bins.iter_mut().zip(&other.bins) {
            mine.add(others);
        }
        self.fault = self.fault.or(other.fault);
        self.before.add(&other.before);
        self.after.add(&other.after);
    }

    /// What a record keeps; `None` if no lookup has ended.
    pub(crate) fn timeline(&self) -> Option<Timeline> {
        let column = |outcome: Outcome| {
            self.bins.iter().map(|bin| bin.0[outcome as usize]).collect::<Vec<u64>>()
        };
        (!self.bins.is_empty()).then(|| Timeline {
            from_s: self.from.as_nanos() / NANOS_PER_SECOND,
            width_s: self.width,
            correct: column(Outcome::Correct),
            incorrect: column(Outcome::Incorrect),
            failed: column(Outcome::Failed),
        })
    }

    /// Share of right answers among the searches due before the first fault.
    pub(crate) fn correct_before_fault(&self) -> Option<f64> {
        self.before.correct_ratio()
    }

    /// Share of right answers among the searches due from the first fault on.
    pub(crate) fn correct_after_fault(&self) -> Option<f64> {
        self.after.correct_ratio()
    }

    /// The lowest share of right answers in any span from the first fault on.
    pub(crate) fn correct_lowest_after_fault(&self) -> Option<f64> {
        self.after_fault()?.map(|(_, ratio)| ratio).min_by(f64::total_cmp)
    }

    /// From the first fault to the beginning of the span from which on lookups end as they did
    /// before; `None` if there was no fault, or that did not come.
    pub(crate) fn recovery(&self) -> Option<Duration> {
        let bound = RECOVERED * self.correct_before_fault()?;
        let spans: Vec<(Time, f64)> = self.after_fault()?.collect();
        let recovered = spans.iter().rev().take_while(|(_, ratio)| *ratio >= bound).last();
        recovered.map(|(begins, _)| begins.since(self.fault.unwrap_or_default()))
    }

    /// When each span of enough searches begins, from the one with the first fault in it, and the
    /// share of right answers in it.
    fn after_fault(&self) -> Option<impl Iterator<Item = (Time, f64)>> {
        let bins = self.bins.get(self.bin_of(self.fault?)..)?;
        let searches: u64 = bins.iter().map(Bin::searches).sum();
        let together = (ENOUGH * bins.len() as u64).div_ceil(searches.max(1)).max(1);
        let together = usize::try_from(together).unwrap_or(usize::MAX).min(bins.len().max(1));
        let first = self.bins.len() - bins.len();
        let spans = bins.chunks(together).enumerate().filter_map(move |(span, bins)| {
            let sum = bins.iter().fold(Bin::default(), |mut sum, bin| {
                sum.add(bin);
                sum
            });
            let ratio = sum.correct_ratio().filter(|_| sum.searches() >= FEWEST)?;
            Some((self.begin_of(first + span * together), ratio))
        });
        Some(spans)
    }

    fn bin_of(&self, time: Time) -> usize {
        let nanos = time.as_nanos().saturating_sub(self.from.as_nanos());
        usize::try_from(nanos / (self.width.max(1) * NANOS_PER_SECOND)).unwrap_or(usize::MAX)
    }

    fn begin_of(&self, bin: usize) -> Time {
        self.from + Duration::from_secs(bin as u64 * self.width)
    }

    fn widen(&mut self, width: u64) {
        while self.width < width {
            self.width *= 2;
            self.bins = self
                .bins
                .chunks(2)
                .map(|pair| {
                    let mut sum = pair[0];
                    pair[1..].iter().for_each(|bin| sum.add(bin));
                    sum
                })
                .collect();
        }
    }
}

impl Bin {
    fn add(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            *mine += others;
        }
    }

    fn searches(&self) -> u64 {
        self.0.iter().sum()
    }

    fn correct_ratio(&self) -> Option<f64> {
        let searches = self.searches();
        (searches > 0).then(|| self.0[Outcome::Correct as usize] as f64 / searches as f64)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: u64 = 10;

    fn at(second: u64, tenth: u64) -> Time {
        Time::from_nanos(second * NANOS_PER_SECOND + tenth * NANOS_PER_SECOND / 10)
    }

    /// Thirty searches a second; `correct(second)` of them right, the others unanswered.
    fn outcomes(seconds: u64, fault: Option<Time>, correct: impl Fn(u64) -> u64) -> Outcomes {
        let mut outcomes = Outcomes::new(Duration::from_secs(seconds));
        outcomes.begin(at(FROM, 0), fault);
        for second in FROM..FROM + seconds {
            for n in 0..30 {
                let outcome = if n < correct(second) { Outcome::Correct } else { Outcome::Failed };
                outcomes.count(at(second, n / 3), outcome);
            }
        }
        outcomes
    }

    #[test]
    fn a_second_is_a_bin_until_the_window_is_too_long() {
        assert_eq!(Outcomes::new(Duration::from_secs(599)).width, 1);
        assert_eq!(Outcomes::new(Duration::from_secs(600)).width, 2);
        assert_eq!(Outcomes::new(Duration::from_secs(3_600)).width, 8);
        let timeline = outcomes(3, None, |second| second).timeline().unwrap();
        assert_eq!((timeline.from_s, timeline.width_s), (10, 1));
        assert_eq!(timeline.correct, [10, 11, 12]);
        assert_eq!(timeline.failed, [20, 19, 18]);
        assert_eq!(Outcomes::new(Duration::from_secs(5)).timeline(), None);
    }

    #[test]
    fn recovery_ends_where_all_is_as_before_and_stays_so() {
        let dip = |second| match second {
            20..=22 => 3,
            24 => 28,
            26 => 20,
            _ => 30,
        };
        let outcomes = outcomes(20, Some(at(20, 0)), dip);
        assert_eq!(outcomes.recovery(), Some(Duration::from_secs(7)));
        assert_eq!(outcomes.correct_before_fault(), Some(1.0));
        assert_eq!(outcomes.correct_lowest_after_fault(), Some(0.1));
        let lost = (27 * 3 + 2 + 10) as f64;
        assert_eq!(outcomes.correct_after_fault(), Some((300.0 - lost) / 300.0));
    }

    #[test]
    fn who_never_stumbles_has_recovered_at_once_and_who_never_rises_has_not() {
        assert_eq!(outcomes(20, Some(at(20, 5)), |_| 30).recovery(), Some(Duration::ZERO));
        let dead = outcomes(20, Some(at(20, 0)), |second| if second < 20 { 30 } else { 0 });
        assert_eq!((dead.recovery(), dead.correct_after_fault()), (None, Some(0.0)));
        let unharmed = outcomes(20, None, |_| 30);
        assert_eq!((unharmed.recovery(), unharmed.correct_before_fault()), (None, None));
    }

    #[test]
    fn few_searches_are_looked_at_together() {
        let mut outcomes = Outcomes::new(Duration::from_secs(40));
        outcomes.begin(Time::ZERO, Some(at(20, 0)));
        for second in 0..40 {
            let outcome = if second == 33 { Outcome::Failed } else { Outcome::Correct };
            outcomes.count(at(second, 0), outcome);
            outcomes.count(at(second, 5), Outcome::Correct);
        }
        assert_eq!(outcomes.recovery(), Some(Duration::ZERO), "one of twenty is no relapse");
        assert_eq!(outcomes.correct_lowest_after_fault(), Some(0.95));
    }

    #[test]
    fn parts_of_different_width_merge_to_the_wider() {
        let mut short = outcomes(4, None, |_| 30);
        let long = outcomes(700, None, |_| 30);
        short.merge(&long);
        let timeline = short.timeline().unwrap();
        assert_eq!((timeline.width_s, timeline.correct.len()), (2, 350));
        assert_eq!(timeline.correct[..3], [120, 120, 60]);
        assert_eq!(timeline.correct.iter().sum::<u64>(), 704 * 30);
    }
}
