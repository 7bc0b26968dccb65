//! How long lookups took: the distribution over all searches, those that failed included.
use peerbench_measure::FolderError;

use super::distribution::cumulative;
use crate::page::chart::{Axis, Chart, Series, Shape};
use crate::page::scene::{Scene, find};

const METRIC: &str = "lookup_latency_us";

/// A curve for each overlay that ends at its share of correct lookups, not at 1.
pub(super) fn latency(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let scale = find(METRIC).map_or(1, |metric| metric.scale);
    let mut series = Vec::new();
    for column in &scene.columns {
        let searches = column.sum("lookup_count");
        if let Some(histogram) = column.histogram(METRIC)? {
            // Fewer searches than answers cannot be, unless the record does not say.
            let points = cumulative(&histogram, scale, searches.max(histogram.count() as f64));
            series.push(Series::new(column.who, &column.label, Shape::Steps, points));
        }
    }
    Ok(vec![Chart {
        id: scene.name("latency"),
        title: "How soon searches are answered".to_owned(),
        caption:
            "How many of all searches had their right answer within this time. Curves further \
                  left are faster. A curve that ends below 100 % never answered the others rightly."
                .to_owned(),
        metrics: vec![METRIC, "lookup_correct_ratio"],
        x: Axis::logarithmic("latency", "µs"),
        y: Axis::linear("searches answered rightly", "ratio").between(0.0, 1.0),
        series,
        marks: Vec::new(),
    }])
}
