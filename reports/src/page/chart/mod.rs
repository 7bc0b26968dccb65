//! Charts: data first, and drawn as SVG in which every series is an element of its own.
//!
//! A [`Chart`] holds what is to be seen, in the units of the record. [`Chart::svg`] draws it; the
//! drawing keeps the points as `data-points`, so that who reads it has the numbers, and colours come
//! from the page's style sheet by the class `who-N`, so that one overlay has one colour everywhere.
mod axis;
mod frame;
mod looks;
mod series;
mod standalone;

pub use axis::{Axis, Kind};
pub use looks::{LOOKS, Look, PAPERS, Paper};
pub(crate) use looks::{marker, style};
pub(crate) use standalone::standalone;

use maud::{Markup, html};

use frame::Frame;

/// The width of every chart, in the units of its own drawing: about as many pixels on a page, so
/// that letters are as large as those around them.
pub const WIDTH: f64 = 420.0;

/// The height of a chart whose ordinate is not a list of names.
const HEIGHT: f64 = 276.0;

/// The most points of a curve that are drawn: more could not be told apart at this width.
pub const MOST_POINTS: usize = 200;

/// A picture of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Where it is on its page; nothing else there has the name.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// What one sees and how to read it, in plain words.
    pub caption: String,
    /// The metrics whose definitions say what its numbers mean.
    pub metrics: Vec<&'static str>,
    /// What lies along the bottom.
    pub x: Axis,
    /// What rises.
    pub y: Axis,
    /// What is drawn, from the back to the front.
    pub series: Vec<Series>,
    /// What is pointed at.
    pub marks: Vec<Mark>,
}

/// One thing that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Whose it is: a row of [`LOOKS`], begun again where there are more.
    pub who: usize,
    /// What it is called.
    pub name: String,
    /// Which of several series of one owner it is: the first is drawn plainly.
    pub variant: usize,
    /// How it is drawn.
    pub shape: Shape,
    /// The points, in the units of the axes.
    pub points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line through the points.
    Line,
    /// A line that keeps its height until the next point.
    Steps,
    /// A line through marks.
    Marked,
    /// Marks alone.
    Marks,
    /// Upright bars, of several series side by side.
    Bars {
        /// The place of this series among them, from 0.
        place: usize,
        /// How many they are.
        of: usize,
    },
    /// Lying bars from [`Point::from`] to x, in the row that y counts.
    Segments,
    /// Thin lying lines from [`Point::from`] to x, in the row that y counts.
    Spans,
    /// What is between [`Point::from`] and y, filled.
    Area,
    /// Upright lines from [`Point::from`] to y.
    Intervals,
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its place along the bottom.
    pub x: f64,
    /// Its height.
    pub y: f64,
    /// Where a bar, an area or an interval that ends here begins.
    pub from: Option<f64>,
}

/// Something that is pointed at: a straight line across the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Across which axis, and where.
    pub at: Place,
    /// What it is; may be empty.
    pub label: String,
}

/// A place on one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// On the abscissa.
    X(f64),
    /// On the ordinate.
    Y(f64),
    /// From the beginning of both axes to the end of both.
    Diagonal,
}

impl Mark {
    /// Where both shares are the same.
    #[must_use]
    pub const fn diagonal() -> Self {
        Self { at: Place::Diagonal, label: String::new() }
    }
}

impl Point {
    /// A point that nothing leads to.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, from: None }
    }

    /// The end of something that begins elsewhere.
    #[must_use]
    pub const fn since(from: f64, x: f64, y: f64) -> Self {
        Self { x, y, from: Some(from) }
    }
}

impl Series {
    /// The first series of its owner.
    #[must_use]
    pub fn new(who: usize, name: impl Into<String>, shape: Shape, points: Vec<Point>) -> Self {
        Self { who, name: name.into(), variant: 0, shape, points }
    }

    /// The same as another one of its owner's.
    #[must_use]
    pub fn variant(self, variant: usize) -> Self {
        Self { variant, ..self }
    }
}

impl Chart {
    /// The drawing, without title and caption, which are the page's to set.
    #[must_use]
    pub fn svg(&self) -> Markup {
        let frame = Frame::of(self);
        let size = format!("0 0 {WIDTH} {}", frame.height());
        html! {
            svg.chart viewBox=(size) role="img" aria-label=(self.title)
                data-x=(self.x.label) data-y=(self.y.label) {
                (frame.axes())
                @for series in &self.series { (series.drawn(&frame)) }
                (frame.marks())
            }
        }
    }

    /// Whether there is nothing to see.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.points.is_empty())
    }
}

/// Coordinates need no more than tenths of a pixel.
fn tenths(number: f64) -> f64 {
    // Adding nothing turns a negative zero into a plain one.
    (number * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<Point>) -> Chart {
        Chart {
            id: "a".into(),
            title: "A <rise> & fall".into(),
            caption: String::new(),
            metrics: Vec::new(),
            x: Axis::logarithmic("latency", "µs"),
            y: Axis::linear("share", "ratio").between(0.0, 1.0),
            series: vec![Series::new(1, "ring", Shape::Line, points)],
            marks: vec![Mark { at: Place::X(20_000.0), label: "half".into() }],
        }
    }

    #[test]
    fn a_series_is_an_element_with_its_class_and_its_numbers() {
        let svg =
            chart(vec![Point::new(10_000.0, 0.0), Point::new(40_000.0, 0.5)]).svg().into_string();
        assert!(svg.contains(r#"class="series who-1 variant-0 line""#), "{svg}");
        assert!(svg.contains(r#"data-points="10000,0 40000,0.5""#), "{svg}");
        assert!(svg.contains("A &lt;rise&gt; &amp; fall"), "{svg}");
        assert!(svg.contains(">20 ms<") && svg.contains(">100 %<") && svg.contains(">half<"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_nothing_is_not_a_number() {
        assert!(chart(Vec::new()).is_empty());
        for points in [vec![], vec![Point::new(0.0, 0.0)], vec![Point::new(5.0, 1.0); 3]] {
            let svg = chart(points).svg().into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
