//! How lookups ended over time, and what faults did to them.
use peerbench_measure::{FolderError, Timeline};

use crate::course::{Count, Course};
use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::Scene;

/// The most spans that a line has.
const MOST_SPANS: usize = 60;

/// How a search can end.
struct Ending {
    id: &'static str,
    title: &'static str,
    /// What became of the searches that ended so.
    searches: &'static str,
    /// What is said where none ended so.
    none: &'static str,
    metric: &'static str,
    count: Count,
}

const RIGHT: Ending = Ending {
    id: "outcomes",
    title: "Right answers over time",
    searches: "answered rightly",
    none: "",
    metric: "lookup_correct_ratio",
    count: |timeline| &timeline.correct,
};

const OTHERWISE: [Ending; 2] = [
    Ending {
        id: "outcomes-incorrect",
        title: "Wrong answers over time",
        searches: "answered wrongly",
        none: " No search was answered wrongly.",
        metric: "lookup_incorrect_ratio",
        count: |timeline| &timeline.incorrect,
    },
    Ending {
        id: "outcomes-failed",
        title: "Searches without an answer over time",
        searches: "not answered in time",
        none: " No search was left without an answer.",
        metric: "lookup_failed_ratio",
        count: |timeline| &timeline.failed,
    },
];

/// A chart for each way in which searches ended, so that everybody's line is in each and can be
/// compared. Right answers have all of the ordinate; of the others, which are few, each has an ordinate
/// of its own.
pub(super) fn outcomes(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let mut right = chart(scene, &RIGHT);
    right.y = right.y.between(0.0, 1.0);
    let mut charts = vec![right];
    for ending in &OTHERWISE {
        let chart = chart(scene, ending);
        let is_seen = |series: &Series| series.points.iter().any(|point| point.y > 0.0);
        match chart.series.iter().any(is_seen) {
            true => charts.push(chart),
            false => charts[0].caption.push_str(ending.none),
        }
    }
    Ok(charts)
}

/// The share of the searches that ended so, in each span of time.
fn chart(scene: &Scene<'_>, ending: &Ending) -> Chart {
    let series = scene.columns.iter().map(|column| {
        let timelines = column.records().iter().filter_map(|record| record.timeline.as_ref());
        let points = points(&Course::of(timelines), ending.count);
        Series::new(column.who, &column.label, Shape::Line, points)
    });
    let marks = scene.faults();
    Chart {
        id: scene.name(ending.id),
        title: ending.title.to_owned(),
        caption: format!(
            "The share of the searches due at this time that were {}; a span in which none was due \
             is left out.{}",
            ending.searches,
            if marks.is_empty() { "" } else { " Dotted lines are faults." }
        ),
        metrics: vec![ending.metric],
        x: Axis::linear("time since the start of the run", "s").anywhere(),
        y: Axis::linear(format!("searches {}", ending.searches), "ratio"),
        series: series.filter(|series| series.points.len() > 1).collect(),
        marks,
    }
}

/// The share of right answers over all these runs, in the middle of each span.
pub(crate) fn course<'a>(timelines: impl Iterator<Item = &'a Timeline>) -> Vec<Point> {
    points(&Course::of(timelines), RIGHT.count)
}

/// The same of searches that ended as it is counted here.
fn points(course: &Course<'_>, count: Count) -> Vec<Point> {
    let spans = course.shares(count, course.bins().div_ceil(MOST_SPANS));
    spans.into_iter().filter_map(|span| Some(Point::new(span.middle, span.share?))).collect()
}
