//! Who resists freeloaders, as a picture: a panel for each overlay, all with the same axes.
use std::fmt::Display;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curve::{SERIES, Series, heights};
use super::{Freeloading, Point, Resistance};
use crate::comparison::Contrast;

/// Pixels of a panel.
const PANEL: (u32, u32) = (360, 260);

/// Panels beside each other.
const MOST_BESIDE: usize = 3;

/// The least that the title and what the lines are need beside each other.
const NARROWEST: u32 = 2 * PANEL.0;

/// Pixels above the panels, for the title and what the lines are.
const HEADER: u32 = 76;

const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const FAINT: RGBColor = RGBColor(0xcc, 0xcc, 0xcc);

/// Of the series in their order: colours that people who do not see all colours can tell apart (Okabe
/// and Ito 2008: blue, vermilion, green), and dashes for those who see none.
const LOOKS: [(RGBColor, Dashes); 3] = [
    (RGBColor(0x00, 0x72, 0xb2), (1_000, 0)),
    (RGBColor(0xd5, 0x5e, 0x00), (7, 4)),
    (RGBColor(0x00, 0x9e, 0x73), (2, 3)),
];

/// Pixels of a dash and of the space behind it.
type Dashes = (i32, i32);

/// What every colour is where paper is dark: as far from it as the first is from white.
const DARK: [(RGBColor, &str); 6] = [
    (PAPER, "#16181d"),
    (INK, "#dddddd"),
    (FAINT, "#444851"),
    (LOOKS[0].0, "#56b4e9"),
    (LOOKS[1].0, "#ff9e5c"),
    (LOOKS[2].0, "#4dd0a7"),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the picture: {0}. The tables come all the same")]
pub struct PictureError(String);

impl PictureError {
    fn of(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

impl Freeloading {
    /// Penalty, slowdown and the share of fetches that get everything, against the share of
    /// freeloaders: an SVG file of its own, readable on light and dark paper.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn picture(&self) -> Result<String, PictureError> {
        let beside = self.overlays.len().clamp(1, MOST_BESIDE);
        let rows = self.overlays.len().div_ceil(beside).max(1);
        let width = (PANEL.0 * beside as u32).max(NARROWEST);
        let size = (width, HEADER + PANEL.1 * rows as u32);
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&PAPER).map_err(PictureError::of)?;
        let (header, panels) = root.split_vertically(HEADER);
        self.header(&header).map_err(PictureError::of)?;
        let most = self.overlays.iter().flat_map(|it| &it.points).map(|point| point.share);
        let axes = Axes { most: most.fold(0.01, f64::max) * 100.0, heights: self.axis() };
        for (area, resistance) in panels.split_evenly((rows, beside)).iter().zip(&self.overlays) {
            panel(area, resistance, axes).map_err(PictureError::of)?;
        }
        root.present().map_err(PictureError::of)?;
        drop((header, panels, root));
        Ok(with_dark_paper(&svg))
    }

    /// With room above and below, so that no mark lies on the frame.
    fn axis(&self) -> (f64, f64) {
        let (low, high) = heights(&self.overlays);
        let room = (high - low) * 0.08;
        ((low - room).max(0.0), high + room)
    }

    fn header<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        area.draw(&Text::new(self.title.clone(), (12, 12), font(15, INK)))?;
        let mut left = 12;
        for (series, (colour, dashes)) in SERIES.iter().zip(LOOKS) {
            let line = DashedPathElement::new(
                [(left, 52), (left + 34, 52)],
                dashes.0,
                dashes.1,
                colour.stroke_width(2),
            );
            area.draw(&line)?;
            area.draw(&(EmptyElement::at((left + 17, 52)) + mark(series, colour)))?;
            let label = font(13, INK).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(series.title, (left + 42, 52), label))?;
            // Nobody measures text here: about seven pixels a character, and some space.
            left += 42 + 7 * i32::try_from(series.title.len()).unwrap_or(40) + 24;
        }
        Ok(())
    }
}

/// What all panels have in common.
#[derive(Clone, Copy)]
struct Axes {
    /// The largest share, in percent.
    most: f64,
    heights: (f64, f64),
}

fn panel<'a>(area: &Area<'a>, resistance: &Resistance, axes: Axes) -> Drawn<'a> {
    let Axes { most, heights: (low, high) } = axes;
    let mut chart = ChartBuilder::on(area)
        .caption(&resistance.overlay, font(14, INK))
        .margin(8)
        .margin_right(18)
        .x_label_area_size(38)
        .y_label_area_size(46)
        .build_cartesian_2d(-most * 0.03..most * 1.03, low..high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(FAINT.stroke_width(1))
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(font(12, INK))
        .axis_desc_style(font(12, INK))
        .x_labels(6)
        .x_label_formatter(&|percent| format!("{percent:.0} %"))
        .x_desc("freeloaders")
        .y_labels(6)
        .y_label_formatter(&|height| format!("{height:.2}"))
        .draw()?;
    let none = [(0.0, 1.0), (most, 1.0)];
    chart.draw_series(LineSeries::new(none, INK.stroke_width(1)))?;
    for (series, (colour, (dash, space))) in SERIES.iter().zip(LOOKS) {
        let at = |point: &Point| Some((point.share * 100.0, (series.height)(point)?));
        let places: Vec<(f64, f64)> = resistance.points.iter().filter_map(at).collect();
        let line = places.iter().copied();
        chart.draw_series(DashedLineSeries::new(line, dash, space, colour.stroke_width(2)))?;
        let intervals = resistance.points.iter().filter_map(|point| {
            let interval = (series.contrast)(point).and_then(|it: Contrast| it.interval)?;
            let (share, low) = (point.share * 100.0, interval.low.clamp(low, high));
            let ends = vec![(share, low), (share, interval.high.clamp(low, high))];
            Some(PathElement::new(ends, colour.stroke_width(1)))
        });
        chart.draw_series(intervals)?;
        chart.draw_series(
            places.iter().map(|place| EmptyElement::at(*place) + mark(series, colour)),
        )?;
    }
    Ok(())
}

/// The mark of a series, as in a terminal: told apart by its shape as well.
fn mark<'a>(series: &Series, colour: RGBColor) -> Mark<'a> {
    match series.mark {
        '▲' => TriangleMarker::new((0, 0), 6, colour.filled()).into_dyn(),
        '○' => Circle::new((0, 0), 4, colour.stroke_width(2)).into_dyn(),
        _ => Circle::new((0, 0), 4, colour.filled()).into_dyn(),
    }
}

type Mark<'a> = DynElement<'static, SVGBackend<'a>, (i32, i32)>;

fn font(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// Whoever shows the picture says whether its paper is dark; a rule of a style sheet goes before the
/// colours that elements name.
fn with_dark_paper(svg: &str) -> String {
    let hexadecimal =
        |colour: RGBColor| format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
    let rules: String = DARK
        .iter()
        .map(|(light, dark)| {
            let light = hexadecimal(*light);
            format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
        })
        .collect();
    let style = format!("<style>@media (prefers-color-scheme:dark){{{rules}}}</style>");
    // Behind the opening of the root element.
    let end = svg.find("<svg").and_then(|start| Some(start + svg[start..].find('>')? + 1));
    let end = end.unwrap_or_default();
    format!("{}\n{style}{}", &svg[..end], &svg[end..])
}
