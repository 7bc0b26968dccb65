//! How lookups ended over time, over several runs of one scenario.
use peerbench_measure::Timeline;

/// A list of a timeline: how many lookups ended in one way, bin by bin.
pub(crate) type Count = fn(&Timeline) -> &[u64];

/// The timelines of several runs, second of the run by second.
pub(crate) struct Course<'a>(Vec<&'a Timeline>);

/// A part of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    /// Its middle, in seconds since the start of the run.
    pub(crate) middle: f64,
    /// What share of the searches that were due in it is counted; `None` where none was due.
    pub(crate) share: Option<f64>,
}

impl<'a> Course<'a> {
    pub(crate) fn of(timelines: impl Iterator<Item = &'a Timeline>) -> Self {
        let mut timelines: Vec<&Timeline> = timelines.collect();
        // Runs of one scenario have windows of the same length, so bins of the same width.
        if let Some(width) = timelines.first().map(|first| first.width_s) {
            timelines.retain(|timeline| timeline.width_s == width);
        }
        Self(timelines)
    }

    /// How many bins the longest timeline has; 0 if there is none.
    pub(crate) fn bins(&self) -> usize {
        self.0.iter().map(|timeline| timeline.correct.len()).max().unwrap_or_default()
    }

    /// How long a bin is, in seconds; 0 if there is none.
    pub(crate) fn bin_s(&self) -> u64 {
        self.0.first().map_or(0, |first| first.width_s)
    }

    /// The share of the searches that are counted, in spans of so many bins; the last may be shorter.
    pub(crate) fn shares(&self, count: Count, together: usize) -> Vec<Span> {
        let (bins, together) = (self.bins(), together.max(1));
        let begins = self.0.first().map_or(0, |first| first.from_s) as f64;
        let span = |from: usize| {
            let to = bins.min(from + together);
            let of = |timeline: &&Timeline| {
                let sum = |list: &[u64]| list.iter().take(to).skip(from).sum::<u64>();
                let Timeline { correct, incorrect, failed, .. } = timeline;
                (sum(count(timeline)), sum(correct) + sum(incorrect) + sum(failed))
            };
            let sums = self.0.iter().map(of);
            let (counted, due) = sums.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
            Span {
                middle: begins + self.bin_s() as f64 * (from + to) as f64 / 2.0,
                share: (due > 0).then(|| counted as f64 / due as f64),
            }
        };
        (0..bins).step_by(together).map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_all_runs_are_added_and_where_none_was_due_there_is_no_share() {
        let run = |correct: &[u64], failed: &[u64]| Timeline {
            from_s: 10,
            width_s: 2,
            correct: correct.to_vec(),
            incorrect: vec![0; correct.len()],
            failed: failed.to_vec(),
        };
        let (one, other) = (run(&[4, 0, 1], &[0, 0, 3]), run(&[4], &[8]));
        let wider = Timeline { width_s: 4, ..run(&[9], &[9]) };
        let course = Course::of([&one, &other, &wider].into_iter());
        let span = |middle, share| Span { middle, share };
        assert_eq!(
            course.shares(|it| &it.correct, 1),
            [span(11.0, Some(0.5)), span(13.0, None), span(15.0, Some(0.25))]
        );
        assert_eq!(
            course.shares(|it| &it.failed, 2),
            [span(12.0, Some(0.5)), span(15.0, Some(0.75))]
        );
        assert_eq!(course.shares(|it| &it.incorrect, 9), [span(13.0, Some(0.0))]);
        let nothing = Course::of(std::iter::empty());
        assert!(nothing.shares(|it| &it.correct, 1).is_empty());
    }
}
