//! Which overlay, at what price: how long a search takes against what it costs everybody.
use peerbench_measure::FolderError;
use peerbench_measure::Statistic::{Mean, Quantile};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::Scene;

/// What is waited for: the metric, the title, the ordinate.
const WAITS: [(&str, &str, &str, &str); 2] = [
    ("lookup_latency_us", "What a search costs", "half of the lookups within", "lookups"),
    (
        "fetch_time_contributors_us",
        "What a download costs",
        "half of the downloads within",
        "downloads",
    ),
];

const PRICE: &str = "bandwidth_sent";

/// A point for each overlay, where there are several.
pub(super) fn price(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let chart = |(metric, title, ordinate, what): &(&'static str, &str, &str, &str)| {
        let series: Vec<Series> = scene
            .columns
            .iter()
            .filter_map(|column| {
                let wait = column.number(metric, Quantile(500))?;
                let price = column.number(PRICE, Mean)?;
                let points = vec![Point::new(price, wait)];
                let is_positive = price > 0.0 && wait > 0.0;
                is_positive.then(|| Series::new(column.who, &column.label, Shape::Marks, points))
            })
            .collect();
        Chart {
            id: scene.name(&format!("price-of-{what}")),
            title: (*title).to_owned(),
            caption: format!(
                "Each mark is an overlay. Further left: nodes send less. Further down: half of the \
                 {what} end sooner. Who is left of and below another is cheaper and faster; \
                 otherwise one pays for the other. Both axes are logarithmic."
            ),
            metrics: vec![PRICE, metric],
            x: Axis::logarithmic("sent by a node, mean", "B/s"),
            y: Axis::logarithmic(*ordinate, "µs"),
            series,
            marks: Vec::new(),
        }
    };
    let charts = WAITS.iter().map(chart);
    Ok(charts.filter(|chart| chart.series.len() > 1).collect())
}
