//! How far lookups went.
use peerbench_measure::FolderError;

use crate::page::chart::{Axis, Chart, Mark, Place, Point, Series, Shape};
use crate::page::scene::{Column, Scene};

const METRIC: &str = "lookup_hops";

/// More bars than these are lines.
const MOST_BARS: usize = 66;

/// The share of lookups at each number of hops; where somebody has places on a circle, with half of
/// the logarithm of the nodes.
pub(super) fn hops(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let mut found: Vec<(&Column<'_>, Vec<Point>)> = Vec::new();
    for column in &scene.columns {
        if let Some(histogram) = column.histogram(METRIC)? {
            let share = |(hops, count): (u64, u64)| {
                Point::new(hops as f64, count as f64 / histogram.count() as f64)
            };
            found.push((column, histogram.iter().map(share).collect()));
        }
    }
    let bars: usize = found.iter().map(|(_, points)| points.len()).sum();
    let of = found.len();
    let series = found.into_iter().enumerate().map(|(place, (column, points))| {
        let shape = if bars > MOST_BARS { Shape::Marked } else { Shape::Bars { place, of } };
        Series::new(column.who, &column.label, shape, points)
    });
    Ok(vec![Chart {
        id: scene.name("hops"),
        title: "How far searches go".to_owned(),
        caption:
            "The share of the right answers that came from so many hops away; 0: the searcher \
                  knew it itself."
                .to_owned(),
        metrics: vec![METRIC],
        x: Axis::linear("hops", "count"),
        y: Axis::linear("share of the right answers", "ratio"),
        series: series.collect(),
        marks: half_of_the_logarithm(scene).into_iter().collect(),
    }])
}

/// The mean path on a circle with fingers (Stoica et al. 2001), where somebody has one.
fn half_of_the_logarithm(scene: &Scene<'_>) -> Option<Mark> {
    let half = f64::from(scene.nodes).log2() / 2.0;
    let label = format!("½·log2 N = {half:.1}");
    scene.has_circle().then_some(Mark { at: Place::X(half), label })
}
