//! How series are drawn.
use std::fmt::Write as _;

use maud::{Markup, html};

use super::frame::Frame;
use super::looks::marker;
use super::{Point, Series, Shape, tenths};

/// Half the height of a lying bar.
const HALF_BAR: f64 = 9.0;

/// The part of the room between two values that upright bars fill.
const FILLED: f64 = 0.84;

impl Shape {
    /// The class of its elements.
    fn name(self) -> &'static str {
        match self {
            Self::Line | Self::Steps => "line",
            Self::Marked => "marked",
            Self::Marks => "marks",
            Self::Bars { .. } => "bars",
            Self::Segments => "segments",
            Self::Spans => "spans",
            Self::Area => "area",
            Self::Intervals => "intervals",
        }
    }
}

impl Series {
    pub(super) fn drawn(&self, frame: &Frame<'_>) -> Markup {
        let variant = format!("variant-{}", self.variant.min(9));
        let class = format!("series who-{} {variant} {}", self.who, self.shape.name());
        let title = html! { title { (self.name) } };
        html! {
            g class=(class) data-name=(self.name) data-points=(self.data()) {
                @match self.shape {
                    Shape::Line => { (title) path.line d=(line(&self.points, frame)) {} },
                    Shape::Steps => { (title) path.line d=(steps(&self.points, frame)) {} },
                    Shape::Area => { (title) path.area d=(area(&self.points, frame)) {} },
                    Shape::Marked => {
                        path.line d=(line(&self.points, frame)) {}
                        (self.marks(frame))
                    },
                    Shape::Marks => (self.marks(frame)),
                    Shape::Bars { place, of } => (self.bars(frame, place, of)),
                    Shape::Segments => (self.segments(frame)),
                    Shape::Spans => path.span d=(spans(&self.points, frame)) {},
                    Shape::Intervals => path.span d=(intervals(&self.points, frame)) {},
                }
            }
        }
    }

    /// The points as text: `x,y` or `x,y,from`, a space between two.
    fn data(&self) -> String {
        let mut data = String::new();
        for Point { x, y, from } in &self.points {
            let space = if data.is_empty() { "" } else { " " };
            let _ = write!(data, "{space}{},{}", short(*x), short(*y));
            let _ = from.map_or(Ok(()), |from| write!(data, ",{}", short(from)));
        }
        data
    }

    fn marks(&self, frame: &Frame<'_>) -> Markup {
        html! {
            @for point in &self.points {
                @let at = format!("translate({} {})", frame.x(point.x), frame.y(point.y));
                path.mark d=(marker(self.who)) transform=(at) { title { (self.tip(point, frame)) } }
            }
        }
    }

    fn bars(&self, frame: &Frame<'_>, place: usize, of: usize) -> Markup {
        let wide = FILLED / of.max(1) as f64;
        let bar = |point: &Point| {
            let left = point.x - FILLED / 2.0 + wide * place as f64;
            let (left, right) = (frame.x(left), frame.x(left + wide));
            let (top, bottom) = (frame.y(point.y), frame.y(point.from.unwrap_or(0.0)));
            let right = (right - 1.0).max(left + 0.5);
            format!("M{left} {bottom}V{top}H{}V{bottom}z", tenths(right))
        };
        html! {
            @for point in &self.points {
                path.bar d=(bar(point)) { title { (self.tip(point, frame)) } }
            }
        }
    }

    fn segments(&self, frame: &Frame<'_>) -> Markup {
        let bar = |point: &Point| {
            let (left, right) = (frame.x(point.from.unwrap_or(0.0)), frame.x(point.x));
            let (top, bottom) = (frame.y(point.y) - HALF_BAR, frame.y(point.y) + HALF_BAR);
            format!("M{left} {}V{}H{right}V{}z", tenths(bottom), tenths(top), tenths(bottom))
        };
        let tip = |point: &Point| {
            let length = point.x - point.from.unwrap_or(0.0);
            format!("{}: {}", self.name, frame.chart().x.words(length))
        };
        html! {
            @for point in &self.points {
                path.bar d=(bar(point)) { title { (tip(point)) } }
            }
        }
    }

    fn tip(&self, point: &Point, frame: &Frame<'_>) -> String {
        let chart = frame.chart();
        let (x, y) = (chart.x.words(point.x), chart.y.words(point.y));
        format!("{}: {} {x}, {} {y}", self.name, chart.x.label, chart.y.label)
    }
}

/// A number with six significant digits and no needless ones.
pub(super) fn short(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let digits = 5 - number.abs().log10().floor() as i32;
    // Powers of ten up to 22 are exact, so that dividing by one rounds once.
    let power = 10_f64.powi(digits.abs());
    match digits {
        0.. => (number * power).round() / power,
        _ => (number / power).round() * power,
    }
}

fn line(points: &[Point], frame: &Frame<'_>) -> String {
    let mut path = String::new();
    for (place, point) in points.iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{} {}", frame.x(point.x), frame.y(point.y));
    }
    path
}

fn steps(points: &[Point], frame: &Frame<'_>) -> String {
    let mut path = String::new();
    for (place, point) in points.iter().enumerate() {
        let (x, y) = (frame.x(point.x), frame.y(point.y));
        let _ = match place {
            0 => write!(path, "M{x} {y}"),
            _ => write!(path, "H{x}V{y}"),
        };
    }
    path
}

fn area(points: &[Point], frame: &Frame<'_>) -> String {
    let mut path = line(points, frame);
    for point in points.iter().rev() {
        let _ = write!(path, "L{} {}", frame.x(point.x), frame.y(point.from.unwrap_or(0.0)));
    }
    if !points.is_empty() {
        path.push('z');
    }
    path
}

fn spans(points: &[Point], frame: &Frame<'_>) -> String {
    let span = |point: &Point| {
        let from = frame.x(point.from.unwrap_or(0.0));
        format!("M{from} {}H{}", frame.y(point.y), frame.x(point.x))
    };
    points.iter().map(span).collect()
}

fn intervals(points: &[Point], frame: &Frame<'_>) -> String {
    let interval = |point: &Point| {
        let from = frame.y(point.from.unwrap_or(0.0));
        format!("M{} {from}V{}", frame.x(point.x), frame.y(point.y))
    };
    points.iter().map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_near() {
        for (number, text) in [
            (52_345.0, "52345"),
            (1.0 / 3.0, "0.333333"),
            (1_234_567_890.0, "1234570000"),
            (0.1 + 0.2, "0.3"),
            (-0.000_123_456_78, "-0.000123457"),
            (0.0, "0"),
            (f64::NAN, "0"),
        ] {
            assert_eq!(short(number).to_string(), text);
        }
    }
}
