//! Who resists freeloaders, as charts: one for each thing that freeloaders change, a line for each
//! overlay.
use super::curve::{SERIES, Series as Curve};
use super::{Freeloading, Point as Found};
use crate::page::chart::{Axis, Chart, Mark, Place, Point, Series, Shape, standalone};

/// The metric that a curve's heights are of, in the order of the curves, and what one sees.
const READING: [(&str, &str); 3] = [
    (
        "freeloader_penalty",
        "How many times as long as contributors freeloaders wait. Above 1 freeloading does not pay; \
         at 1 it costs nothing.",
    ),
    (
        "fetch_time_contributors_us",
        "How many times as long as without freeloaders contributors wait. At 1 they do not notice.",
    ),
    ("fetch_ratio", "The share of downloads that got everything. What is below 100 % failed."),
];

impl Freeloading {
    /// Penalty, slowdown and the share of fetches that get everything, against the share of
    /// freeloaders: an SVG file of its own, readable on light and dark paper.
    #[must_use]
    pub fn picture(&self) -> String {
        let names: Vec<&str> = self.overlays.iter().map(|it| it.overlay.as_str()).collect();
        let place = |name: &str| names.iter().position(|known| *known == name).unwrap_or(0);
        let legend: Vec<(usize, &str)> = names.iter().copied().enumerate().collect();
        standalone(&self.title, &legend, &self.charts(place))
    }

    /// The same as charts of a page, on which overlays look as `who` says.
    pub(crate) fn charts(&self, who: impl Fn(&str) -> usize) -> Vec<Chart> {
        let charts = SERIES.iter().zip(READING);
        let charts =
            charts.map(|(curve, (metric, caption))| self.chart(curve, metric, caption, &who));
        charts.filter(|chart| !chart.is_empty()).collect()
    }

    fn chart(
        &self,
        curve: &Curve,
        metric: &'static str,
        caption: &str,
        who: impl Fn(&str) -> usize,
    ) -> Chart {
        let mut series = Vec::new();
        for resistance in &self.overlays {
            let place = who(&resistance.overlay);
            let at = |it: &Found| Some(Point::new(it.share, (curve.height)(it)?));
            let points: Vec<Point> = resistance.points.iter().filter_map(at).collect();
            let interval = |it: &Found| {
                let interval = (curve.contrast)(it)?.interval?;
                Some(Point::since(interval.low, it.share, interval.high))
            };
            let intervals: Vec<Point> = resistance.points.iter().filter_map(interval).collect();
            let name = &resistance.overlay;
            if !intervals.is_empty() {
                series.push(Series::new(place, name, Shape::Intervals, intervals));
            }
            if !points.is_empty() {
                series.push(Series::new(place, name, Shape::Marked, points));
            }
        }
        let is_share = metric == "fetch_ratio";
        let y = Axis::linear(
            if is_share { "downloads" } else { "times as long" },
            if is_share { "ratio" } else { "" },
        );
        Chart {
            id: format!("freeloading-{metric}"),
            title: curve.title.to_owned(),
            caption: caption.to_owned(),
            metrics: vec![metric],
            x: Axis::linear("freeloaders", "ratio"),
            y: if is_share { y.between(0.0, 1.0) } else { y.anywhere() },
            series,
            marks: vec![Mark { at: Place::Y(1.0), label: "freeloaders change nothing".to_owned() }],
        }
    }
}
