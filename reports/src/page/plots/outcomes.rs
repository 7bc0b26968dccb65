//! How lookups ended over time, and what faults did to them.
use peerbench_measure::{FolderError, Timeline};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::Scene;

/// The most spans that a line has.
const MOST_SPANS: usize = 60;

/// The share of right answers in each span of time.
pub(super) fn outcomes(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let series = scene.columns.iter().map(|column| {
        let timelines = column.records().iter().filter_map(|record| record.timeline.as_ref());
        Series::new(column.who, &column.label, Shape::Line, course(timelines))
    });
    let series: Vec<Series> = series.filter(|series| series.points.len() > 1).collect();
    Ok(vec![Chart {
        id: scene.name("outcomes"),
        title: "Right answers over time".to_owned(),
        caption:
            "The share of the searches due at this time that were answered rightly; a span in \
                  which none was due is left out. Dotted lines are faults."
                .to_owned(),
        metrics: vec!["lookup_correct_ratio"],
        x: Axis::linear("time since the start of the run", "s").anywhere(),
        y: Axis::linear("searches answered rightly", "ratio").between(0.0, 1.0),
        series,
        marks: scene.faults(),
    }])
}

/// The share of right answers over all these runs, in the middle of each span.
pub(crate) fn course<'a>(timelines: impl Iterator<Item = &'a Timeline>) -> Vec<Point> {
    let mut bins: Vec<(u64, u64)> = Vec::new();
    let mut first: Option<&Timeline> = None;
    for timeline in timelines {
        // Runs of one scenario have windows of the same length, so bins of the same width.
        if first.is_some_and(|first| first.width_s != timeline.width_s) {
            continue;
        }
        first = first.or(Some(timeline));
        bins.resize(bins.len().max(timeline.correct.len()), (0, 0));
        for (bin, place) in bins.iter_mut().zip(0..timeline.correct.len()) {
            let wrong = timeline.incorrect[place] + timeline.failed[place];
            *bin = (bin.0 + timeline.correct[place], bin.1 + timeline.correct[place] + wrong);
        }
    }
    let Some(first) = first else { return Vec::new() };
    let together = bins.len().div_ceil(MOST_SPANS).max(1);
    let seconds = first.width_s as f64;
    let spans = bins.chunks(together).enumerate().filter_map(|(span, bins)| {
        let (correct, all) = bins.iter().fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
        let middle = (span * together) as f64 + bins.len() as f64 / 2.0;
        let at = first.from_s as f64 + middle * seconds;
        (all > 0).then(|| Point::new(at, correct as f64 / all as f64))
    });
    spans.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_all_runs_are_added_and_silence_is_left_out() {
        let run = |correct: &[u64], failed: &[u64]| Timeline {
            from_s: 10,
            width_s: 2,
            correct: correct.to_vec(),
            incorrect: vec![0; correct.len()],
            failed: failed.to_vec(),
        };
        let (one, other) = (run(&[4, 0, 1], &[0, 0, 3]), run(&[4], &[8]));
        let points = course([&one, &other].into_iter());
        assert_eq!(points, [Point::new(11.0, 0.5), Point::new(15.0, 0.25)]);
        assert!(course(std::iter::empty()).is_empty());
    }
}
