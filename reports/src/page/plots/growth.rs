//! How figures grow with the number of nodes, where there are runs with several.
use std::collections::BTreeMap;

use peerbench_measure::Statistic::{self, Mean, Quantile, Value};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::{Scene, find};
use crate::statistics::{Growth, fit_growth};

/// What grows: the metric, which of its figures, the title, and the ordinate.
const FIGURES: [(&str, Statistic, &str, &str); 6] = [
    ("lookup_hops", Mean, "Hops against nodes", "hops, mean"),
    ("state_links", Mean, "State against nodes", "links of a node, mean"),
    ("lookup_messages", Value, "Messages against nodes", "messages per lookup"),
    ("lookup_latency_us", Quantile(500), "Latency against nodes", "latency, p50"),
    ("bandwidth_sent", Mean, "Bandwidth against nodes", "sent by a node, mean"),
    ("cost_ns_per_event", Value, "Cost of an event against nodes", "processor time per event"),
];

/// The least number of points through which a curve is laid: through two, each one goes.
const ENOUGH: usize = 3;

/// A name, and a figure at each number of nodes.
type Grown<'a> = (&'a str, Vec<(f64, f64)>);

/// What several scenes of one driver, which differ in nodes alone, have found.
pub(in crate::page) fn growth(scenes: &[&Scene<'_>]) -> Vec<Chart> {
    let charts = FIGURES.iter().map(|figure| chart(scenes, *figure));
    charts.filter(|chart| !chart.is_empty()).collect()
}

fn chart(
    scenes: &[&Scene<'_>],
    (metric, statistic, title, ordinate): (&'static str, Statistic, &str, &str),
) -> Chart {
    let mut found: BTreeMap<usize, Grown<'_>> = BTreeMap::new();
    for scene in scenes {
        for column in &scene.columns {
            if let Some(number) = column.number(metric, statistic) {
                let (_, points) = found.entry(column.who).or_insert((&column.label, Vec::new()));
                points.push((f64::from(scene.nodes), number));
            }
        }
    }
    let (mut series, mut fits) = (Vec::new(), Vec::new());
    for (who, (label, mut points)) in found {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let marks = points.iter().map(|(nodes, number)| Point::new(*nodes, *number)).collect();
        series.push(Series::new(who, label, Shape::Marked, marks));
        if points.len() >= ENOUGH
            && let Some(fit) = fit_growth(&points)
        {
            let nearest = match fit.better {
                Some(Growth::Power) => fit.power.unwrap_or(fit.logarithmic),
                _ => fit.logarithmic,
            };
            fits.push(format!("{label}: {nearest}"));
        }
    }
    let fits = match fits.is_empty() {
        true => String::new(),
        false => format!(" The curve nearest to each, by least squares: {}.", fits.join("; ")),
    };
    let id =
        scenes.first().map_or_else(String::new, |scene| scene.name(&format!("growth-{metric}")));
    Chart {
        id,
        title: title.to_owned(),
        caption: format!(
            "Nodes on a logarithmic axis, so what grows with log N is a straight line and what \
             grows with N bends upwards.{fits}"
        ),
        metrics: vec![metric],
        x: Axis::logarithmic("nodes N", "count"),
        y: Axis::linear(ordinate, find(metric).map_or("", |metric| metric.unit)),
        series,
        marks: Vec::new(),
    }
}
