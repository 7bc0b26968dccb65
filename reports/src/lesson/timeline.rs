//! How lookups ended over time, as a row of blocks.
use std::time::Duration;

use peerbench_measure::Timeline;

/// A share of nothing to a share of everything.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A span in which no search was due.
const NOTHING: char = '·';

/// Where something went wrong or right again.
pub(super) const FAULT: char = '┊';

/// Seconds and outcomes of several runs of the same faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Course {
    from: u64,
    width: u64,
    /// Right answers, and all.
    bins: Vec<(u64, u64)>,
}

impl Course {
    /// The runs' timelines, second of the run by second; `None` if there is none.
    pub(super) fn of<'a>(timelines: impl IntoIterator<Item = &'a Timeline>) -> Option<Self> {
        let mut timelines = timelines.into_iter();
        let first = timelines.next()?;
        let mut course = Self { from: first.from_s, width: first.width_s, bins: Vec::new() };
        course.add(first);
        // Runs of one scenario have windows of the same length, so bins of the same width.
        timelines.filter(|other| other.width_s == first.width_s).for_each(|it| course.add(it));
        Some(course)
    }

    /// Blocks of equal length, at most `most` of them, and a mark where something happened; with
    /// how many seconds a block is.
    pub(super) fn blocks(&self, faults: &[Duration], most: usize) -> (String, u64) {
        let together = self.bins.len().div_ceil(most.max(1)).max(1);
        let seconds = self.width * together as u64;
        let block_of = |fault: &Duration| fault.as_secs().saturating_sub(self.from) / seconds;
        let faults: Vec<u64> = faults.iter().map(block_of).collect();
        let mut text = String::new();
        for (place, bins) in (0..).zip(self.bins.chunks(together)) {
            if faults.contains(&place) {
                text.push(FAULT);
            }
            let sum = |(correct, all): (u64, u64), bin: &(u64, u64)| (correct + bin.0, all + bin.1);
            text.push(level(bins.iter().fold((0, 0), sum)));
        }
        (text, seconds)
    }

    fn add(&mut self, timeline: &Timeline) {
        let Timeline { correct, incorrect, failed, .. } = timeline;
        if self.bins.len() < correct.len() {
            self.bins.resize(correct.len(), (0, 0));
        }
        let outcomes = correct.iter().zip(incorrect).zip(failed);
        for (bin, ((correct, incorrect), failed)) in self.bins.iter_mut().zip(outcomes) {
            *bin = (bin.0 + correct, bin.1 + correct + incorrect + failed);
        }
    }
}

fn level((correct, all): (u64, u64)) -> char {
    match (correct * LEVELS.len() as u64).checked_div(all) {
        None => NOTHING,
        Some(level) => LEVELS[usize::try_from(level).unwrap_or(usize::MAX).min(LEVELS.len() - 1)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(correct: &[u64]) -> Timeline {
        Timeline {
            from_s: 10,
            width_s: 1,
            correct: correct.to_vec(),
            incorrect: vec![0; correct.len()],
            failed: correct.iter().map(|correct| 8 - correct).collect(),
        }
    }

    #[test]
    fn a_fall_and_a_rise_are_seen_and_marked() {
        let course = Course::of([&timeline(&[8, 8, 0, 4, 8])]).expect("there is one");
        let faults = [Duration::from_secs(12), Duration::from_millis(13_500)];
        assert_eq!(course.blocks(&faults, 40), ("██┊▁┊▅█".to_owned(), 1));
        assert_eq!(course.blocks(&[], 3), ("█▃█".to_owned(), 2));
        assert!(Course::of([]).is_none());
    }

    #[test]
    fn runs_are_added_and_silence_is_no_failure() {
        let mut silent = timeline(&[8]);
        silent.correct.push(0);
        silent.incorrect.push(0);
        silent.failed.push(0);
        let course = Course::of([&timeline(&[0]), &silent]).expect("there are two");
        assert_eq!(course.blocks(&[], 40), ("▅·".to_owned(), 1));
    }
}
