//! What is around the series of a chart: axes with their numbers, lines to read them by, and what
//! is pointed at.
use maud::{Markup, html};

use super::axis::{Extent, Kind, Tick};
use super::{Axis, Chart, HEIGHT, Mark, Place, Shape, WIDTH, tenths};

/// Height of letters, in units of the drawing.
pub(super) const LETTERS: f64 = 12.0;

/// The width of a letter that is wider than most, as part of its height: whichever typeface the
/// reader has, labels have room.
const LETTER_WIDTH: f64 = 0.6;

/// A line of text.
const LINE: f64 = 15.0;

/// Between the numbers and the axis.
const GAP: f64 = 6.0;

/// The height of a row with a name.
const ROW: f64 = 34.0;

/// The least space between two labels.
const BETWEEN: f64 = 8.0;

/// Of so many marks, none is labelled: their labels would be a text over each other.
const MANY_MARKS: usize = 6;

/// Of so many marks, none goes across: together they would hide what they strike.
const CROWD: usize = 16;

/// How far the marks of a crowd reach down from the top.
const SHORT: f64 = 10.0;

/// Where everything is.
pub(super) struct Frame<'a> {
    chart: &'a Chart,
    x: Extent,
    y: Extent,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// About how wide a text is.
pub(super) fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTERS * LETTER_WIDTH
}

impl<'a> Frame<'a> {
    pub(super) fn of(chart: &'a Chart) -> Self {
        let points = || chart.series.iter().flat_map(|series| &series.points);
        let is_lying = matches!(chart.y.kind, Kind::Names(_));
        let from = |lying: bool| points().filter_map(|it| it.from).filter(move |_| lying);
        let marked =
            |of: fn(Place) -> Option<f64>| chart.marks.iter().filter_map(move |it| of(it.at));
        let x = points().map(|point| point.x).chain(from(is_lying)).chain(marked(Place::x));
        let y = points().map(|point| point.y).chain(from(!is_lying)).chain(marked(Place::y));
        let (x, y) = (Extent::of(&around_bars(chart), x), Extent::of(&chart.y, y));
        let widest = y.ticks.iter().map(|tick| width(&tick.label)).fold(0.0, f64::max);
        let last = x.ticks.last().map_or(0.0, |tick| width(&tick.label) / 2.0 * x.part(tick.value));
        let titled = if axis_title(&chart.y.label, &y).is_empty() { 0.0 } else { LINE };
        let labelled = if has_labels(chart) { LINE } else { 0.0 };
        let top = 4.0 + titled + labelled + GAP;
        let height = match &chart.y.kind {
            Kind::Names(names) => top + ROW * names.len().max(1) as f64,
            _ => HEIGHT - 2.0 * LINE - GAP,
        };
        Self {
            chart,
            x,
            y,
            left: widest + GAP + 4.0,
            right: WIDTH - last.max(6.0) - 2.0,
            top,
            bottom: height,
        }
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom + 2.0 * LINE + GAP
    }

    /// The chart's axes, whose words tips need.
    pub(super) fn chart(&self) -> &Chart {
        self.chart
    }

    /// Where a number lies from the left.
    pub(super) fn x(&self, number: f64) -> f64 {
        tenths(self.left + self.x.part(number) * (self.right - self.left))
    }

    /// Where a number lies from the top.
    pub(super) fn y(&self, number: f64) -> f64 {
        let part = self.y.part(number);
        // Rows are counted from the top, everything else from the bottom.
        let part = if matches!(self.chart.y.kind, Kind::Names(_)) { part } else { 1.0 - part };
        tenths(self.top + part * (self.bottom - self.top))
    }

    /// The axes, their numbers and titles.
    pub(super) fn axes(&self) -> Markup {
        let (left, right, bottom) = (tenths(self.left), tenths(self.right), tenths(self.bottom));
        let x_title = axis_title(&self.chart.x.label, &self.x);
        let y_title = axis_title(&self.chart.y.label, &self.y);
        let is_named = matches!(self.chart.y.kind, Kind::Names(_));
        html! {
            g.axes {
                @for tick in &self.y.ticks {
                    @let y = self.y(tick.value);
                    @if !is_named { path.grid d=(format!("M{left} {y}H{right}")) {} }
                    text.tick.end x=(tenths(self.left - GAP)) y=(tenths(y + 4.0)) { (tick.label) }
                }
                @for (tick, is_labelled) in self.x.ticks.iter().zip(self.labelled()) {
                    @let x = self.x(tick.value);
                    path.tick d=(format!("M{x} {bottom}v4")) {}
                    @if is_labelled {
                        text.tick.middle x=(x) y=(tenths(self.bottom + LINE + 2.0)) { (tick.label) }
                    }
                }
                path.axis d=(format!("M{left} {bottom}H{right}")) {}
                text.title.end x=(right) y=(tenths(self.bottom + 2.0 * LINE + 3.0)) { (x_title) }
                @if !y_title.is_empty() { text.title x="2" y=(LETTERS) { (y_title) } }
            }
        }
    }

    /// What is pointed at, over the series.
    pub(super) fn marks(&self) -> Markup {
        let mut free = f64::NEG_INFINITY;
        let mut marks: Vec<&Mark> = self.chart.marks.iter().collect();
        marks.sort_by(|one, other| one.at.number().total_cmp(&other.at.number()));
        let mut drawn = Vec::new();
        for mark in marks {
            let label = match mark.at {
                Place::X(at) if has_labels(self.chart) => {
                    let half = width(&mark.label) / 2.0;
                    let middle = self.x(at).clamp(2.0 + half, WIDTH - 2.0 - half);
                    (middle - half > free + BETWEEN).then(|| {
                        free = middle + half;
                        middle
                    })
                }
                _ => None,
            };
            drawn.push((mark, label));
        }
        let (top, bottom) = (tenths(self.top), tenths(self.bottom));
        let (left, right) = (tenths(self.left), tenths(self.right));
        let end = if drawn.len() < CROWD { bottom } else { tenths(self.top + SHORT) };
        html! {
            g.marks {
                @for (mark, label) in drawn {
                    g {
                        @match mark.at {
                            Place::X(at) => path d=(format!("M{} {top}V{end}", self.x(at))) {},
                            Place::Diagonal => path d=(format!("M{left} {bottom}L{right} {top}")) {},
                            Place::Y(at) => path d=(format!("M{left} {}H{right}", self.y(at))) {},
                        }
                        @if !mark.label.is_empty() { title { (mark.label) } }
                        @if let Some(middle) = label {
                            text.middle x=(tenths(middle)) y=(tenths(self.top - GAP)) { (mark.label) }
                        }
                    }
                }
            }
        }
    }

    /// Which numbers below the chart have room; the later ones of any two that would touch have not.
    fn labelled(&self) -> Vec<bool> {
        let mut free = f64::NEG_INFINITY;
        let has_room = |tick: &Tick| {
            let (middle, half) = (self.x(tick.value), width(&tick.label) / 2.0);
            let has_room = middle - half >= free;
            if has_room {
                free = middle + half + BETWEEN;
            }
            has_room
        };
        self.x.ticks.iter().map(has_room).collect()
    }
}

/// The abscissa, with room for half a bar on either side where there are bars.
fn around_bars(chart: &Chart) -> Axis {
    let bars = chart.series.iter().filter(|it| matches!(it.shape, Shape::Bars { .. }));
    let places = || bars.clone().flat_map(|series| &series.points).map(|point| point.x);
    match (places().min_by(f64::total_cmp), places().max_by(f64::total_cmp)) {
        (Some(first), Some(last)) => chart.x.clone().between(first - 0.5, last + 0.5),
        _ => chart.x.clone(),
    }
}

fn has_labels(chart: &Chart) -> bool {
    let labelled = chart.marks.iter().filter(|it| matches!(it.at, Place::X(_)));
    let labelled = labelled.filter(|mark| !mark.label.is_empty()).count();
    (1..MANY_MARKS).contains(&labelled)
}

fn axis_title(label: &str, extent: &Extent) -> String {
    match extent.unit.as_str() {
        "" => label.to_owned(),
        unit => format!("{label} ({unit})"),
    }
}

impl Place {
    fn x(self) -> Option<f64> {
        if let Self::X(at) = self { Some(at) } else { None }
    }

    fn y(self) -> Option<f64> {
        if let Self::Y(at) = self { Some(at) } else { None }
    }

    fn number(self) -> f64 {
        match self {
            Self::X(at) | Self::Y(at) => at,
            Self::Diagonal => 0.0,
        }
    }
}
