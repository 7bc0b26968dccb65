//! How long downloads took, for those who give and for those who only take.
use peerbench_measure::{FolderError, Statistic};

use super::distribution::cumulative;
use crate::page::chart::{Axis, Chart, Series, Shape};
use crate::page::scene::{Scene, find};

/// Metrics, and what is added to the overlay's name.
const METRICS: [(&str, &str); 2] =
    [("fetch_time_contributors_us", "contributors"), ("fetch_time_freeloaders_us", "freeloaders")];

/// A curve for each overlay, and a second one for freeloaders where there are some.
pub(super) fn fetches(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let mut series = Vec::new();
    let mut verified = Vec::new();
    for column in &scene.columns {
        let mut found = Vec::new();
        for (variant, (metric, whose)) in METRICS.iter().enumerate() {
            if let Some(histogram) = column.histogram(metric)? {
                let scale = find(metric).map_or(1, |metric| metric.scale);
                let points = cumulative(&histogram, scale, histogram.count() as f64);
                found.push((variant, *whose, points));
            }
        }
        let several = found.len() > 1;
        for (variant, whose, points) in found {
            let name =
                if several { format!("{}, {whose}", column.label) } else { column.label.clone() };
            series.push(Series::new(column.who, name, Shape::Steps, points).variant(variant));
        }
        if let Some(share) = column.words("fetch_ratio", Statistic::Value) {
            verified.push(format!("{} {share}", column.label));
        }
    }
    let has_freeloaders = series.iter().any(|series| series.variant > 0);
    let whose = match has_freeloaders {
        true => " Thick: who gives as well; thin and dotted: freeloaders, who only take.",
        false => "",
    };
    Ok(vec![Chart {
        id: scene.name("fetches"),
        title: "How soon downloads are there".to_owned(),
        caption: format!(
            "Of the downloads that got everything, how many had it within this time.{whose} \
             Downloads that got everything: {}.",
            verified.join(", ")
        ),
        metrics: vec!["fetch_time_contributors_us", "fetch_time_freeloaders_us", "fetch_ratio"],
        x: Axis::logarithmic("fetch time", "µs"),
        y: Axis::linear("of the downloads that got everything", "ratio").between(0.0, 1.0),
        series,
        marks: Vec::new(),
    }])
}
