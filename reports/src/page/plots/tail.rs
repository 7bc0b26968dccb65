//! The slowest lookups: latency at each quantile, with as much room for each further nine.
use peerbench_measure::FolderError;

use super::distribution::quantiles;
use crate::page::chart::{Axis, Chart, Series, Shape};
use crate::page::scene::{Scene, find};

const METRIC: &str = "lookup_latency_us";

/// A curve for each overlay, as far to the right as there are lookups.
pub(super) fn tail(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let scale = find(METRIC).map_or(1, |metric| metric.scale);
    let mut series = Vec::new();
    for column in &scene.columns {
        if let Some(histogram) = column.histogram(METRIC)? {
            let points = quantiles(&histogram, scale);
            series.push(Series::new(column.who, &column.label, Shape::Line, points));
        }
    }
    Ok(vec![Chart {
        id: scene.name("tail"),
        title: "How long the slowest take".to_owned(),
        caption: "The time within which this share of the right answers came; each step to the \
                  right is a tenth of what is left. Flat: the slowest are hardly slower than the \
                  others."
            .to_owned(),
        metrics: vec![METRIC],
        x: Axis::tail("of the right answers"),
        y: Axis::logarithmic("latency", "µs"),
        series,
        marks: Vec::new(),
    }])
}
