//! A grid of parameters as a chart for each world.
use super::hull::{Hull, Place};
use super::{Outline, Sweep, Swept};
use crate::lesson::Shown;
use crate::page::chart::{Axis, Chart, Point, Series, Shape, standalone};

/// From this ratio of the largest number to the least on, they lie on a logarithmic axis.
const WIDE: f64 = 20.0;

/// Into so many pieces is a straight line cut where axes bend it.
const PIECES: u32 = 24;

/// How combinations look that are no part of a hull: hollow.
const HOLLOW: usize = 1;

impl Sweep {
    /// Cost against performance, a chart for each world: an SVG file of its own, readable on light and
    /// dark paper.
    #[must_use]
    pub fn picture(&self) -> String {
        let legend: Vec<(usize, &str)> = self.cast.iter().map(String::as_str).enumerate().collect();
        let charts: Vec<Chart> = self.worlds.iter().map(|world| world.chart.clone()).collect();
        standalone(&self.title, &legend, &charts)
    }
}

pub(super) fn chart(outline: &Outline, place: usize, title: &str, overlays: &[Swept]) -> Chart {
    let (is_wide_x, is_wide_y) = (is_wide(overlays, |at| at.0), is_wide(overlays, |at| at.1));
    let axis = |name: &str, is_wide: bool| {
        let shown = Shown::named(name);
        let label = shown.map_or_else(|| name.to_owned(), Shown::title);
        let unit = shown.map_or("", |shown| shown.metric.unit);
        if is_wide { Axis::logarithmic(label, unit) } else { Axis::linear(label, unit) }
    };
    let mut series = Vec::new();
    for swept in overlays {
        let who = outline.overlays.iter().position(|it| *it == swept.overlay).unwrap_or(0);
        let line = line(&swept.hull, is_wide_x || is_wide_y);
        if line.len() > 1 {
            series.push(Series::new(
                who,
                format!("{}: best choices", swept.overlay),
                Shape::Line,
                line,
            ));
        }
        let marks = |is_sound: bool| {
            let meant = swept.points.iter().filter(|point| point.is_sound == is_sound);
            let places = meant.filter_map(|point| point.place);
            places.map(|(x, y)| Point::new(x, y)).collect::<Vec<Point>>()
        };
        let name = &swept.overlay;
        let hollow = Series::new(who, format!("{name}: too few right"), Shape::Marks, marks(false));
        series.push(hollow.variant(HOLLOW));
        series.push(Series::new(who, name, Shape::Marks, marks(true)));
    }
    series.retain(|series| !series.points.is_empty());
    let metric = |name: &str| Shown::named(name).map(|shown| shown.metric.name);
    Chart {
        id: format!("sweep-{place}"),
        title: if title.is_empty() { outline.world.clone() } else { title.to_owned() },
        caption: "Each mark is one combination of an overlay's parameters. Further left nodes pay less, \
                  further down they get more. The line is what can be had for what by the best choice \
                  of parameters; a hollow mark answers too few lookups rightly."
            .to_owned(),
        metrics: [&outline.view.x, &outline.view.y].into_iter().filter_map(|it| metric(it)).collect(),
        x: axis(&outline.view.x, is_wide_x),
        y: axis(&outline.view.y, is_wide_y),
        series,
        marks: Vec::new(),
    }
}

/// Whether numbers of all points are so far apart that most would lie on each other otherwise.
pub(super) fn is_wide(overlays: &[Swept], number: impl Fn(Place) -> f64) -> bool {
    let points = overlays.iter().flat_map(|swept| &swept.points);
    let numbers = points.filter_map(|point| point.place.map(&number));
    let (least, most) =
        numbers.fold((f64::MAX, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));
    least > 0.0 && most > least * WIDE
}

/// The hull as points close enough for axes on which straight lines are bent.
fn line(hull: &Hull, is_bent: bool) -> Vec<Point> {
    let vertices = hull.vertices();
    let pieces = if is_bent { PIECES } else { 1 };
    let mut points = Vec::new();
    for ends in vertices.windows(2) {
        let part = |piece: u32| f64::from(piece) / f64::from(pieces);
        points.extend((0..pieces).map(|piece| {
            let x = ends[0].0 + part(piece) * (ends[1].0 - ends[0].0);
            let y = ends[0].1 + part(piece) * (ends[1].1 - ends[0].1);
            Point::new(x, y)
        }));
    }
    points.extend(vertices.last().map(|last| Point::new(last.0, last.1)));
    points
}
