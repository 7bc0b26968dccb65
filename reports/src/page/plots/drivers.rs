//! The simulator against the testbed: what one would have told of the other.
use peerbench_measure::Driver;
use peerbench_measure::Statistic::{self, Mean, Quantile, Value};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::{Scene, find};

/// What is held against each other: the metric, which of its figures, and what it is called.
const FIGURES: [(&str, Statistic, &str); 4] = [
    ("lookup_latency_us", Quantile(500), "latency, p50"),
    ("lookup_hops", Mean, "hops, mean"),
    ("lookup_messages", Value, "messages per lookup"),
    ("fetch_time_contributors_us", Quantile(500), "fetch time, p50"),
];

/// A chart for each figure, a row for each overlay: a mark for each driver, and a line between.
pub(in crate::page) fn drivers(testbed: &Scene<'_>, simulator: &Scene<'_>) -> Vec<Chart> {
    let charts = FIGURES.iter().map(|figure| chart(testbed, simulator, *figure));
    charts.filter(|chart| !chart.is_empty()).collect()
}

fn chart(
    testbed: &Scene<'_>,
    simulator: &Scene<'_>,
    (metric, statistic, title): (&'static str, Statistic, &str),
) -> Chart {
    let mut names = Vec::new();
    let mut series = Vec::new();
    for real in &testbed.columns {
        let seeds: Vec<u64> = real.records().iter().map(|record| record.key.seed).collect();
        let simulated = simulator.columns.iter().find(|column| column.who == real.who);
        let pair = simulated.and_then(|simulated| {
            Some((real.number(metric, statistic)?, simulated.under(&seeds, metric, statistic)?))
        });
        let Some((one, other)) = pair else { continue };
        let row = names.len() as f64;
        names.push(real.label.clone());
        let mark = |driver: Driver, at| {
            let name = format!("{}, {driver}", real.label);
            Series::new(real.who, name, Shape::Marks, vec![Point::new(at, row)])
        };
        let between = vec![Point::since(one, other, row)];
        series.push(Series::new(real.who, &real.label, Shape::Spans, between));
        series.push(mark(Driver::Testbed, one));
        series.push(mark(Driver::Simulator, other).variant(1));
    }
    Chart {
        id: testbed.name(&format!("drivers-{metric}")),
        title: format!("Simulator against testbed: {title}"),
        caption: "Filled: real processes on the testbed. Hollow: the simulator, under the same \
                  seeds. The shorter the line between, the better the simulator foretells."
            .to_owned(),
        metrics: vec![metric],
        x: Axis::linear(title, find(metric).map_or("", |metric| metric.unit)),
        y: Axis::names(names),
        series,
        marks: Vec::new(),
    }
}
