//! Who carries the load: how much each node sends.
use peerbench_measure::FolderError;

use super::distribution::cumulative;
use crate::page::chart::{Axis, Chart, Series, Shape};
use crate::page::scene::{Scene, find};

const METRIC: &str = "bandwidth_sent";

/// The distribution over nodes: a curve for each overlay.
pub(super) fn load(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let scale = find(METRIC).map_or(1, |metric| metric.scale);
    let mut series = Vec::new();
    for column in &scene.columns {
        if let Some(histogram) = column.histogram(METRIC)? {
            let points = cumulative(&histogram, scale, histogram.count() as f64);
            // Who sends nothing has no place on a logarithmic axis, but is counted.
            let points = points.into_iter().filter(|point| point.x > 0.0).collect();
            series.push(Series::new(column.who, &column.label, Shape::Steps, points));
        }
    }
    Ok(vec![Chart {
        id: scene.name("load"),
        title: "How much each node sends".to_owned(),
        caption: "The share of nodes that send no more than this. Steep: all carry alike. A long \
                  flat stretch at the top: few nodes carry the others, the busiest where the curve \
                  ends."
            .to_owned(),
        metrics: vec![METRIC],
        x: Axis::logarithmic("payload sent by a node", "B/s"),
        y: Axis::linear("nodes", "ratio").between(0.0, 1.0),
        series,
        marks: Vec::new(),
    }])
}
