//! The picture of a world for a terminal: marks on a grid of characters, told apart by shape rather
//! than colour.
use super::hull::Place;
use super::picture::is_wide;
use super::{Outline, World};
use crate::lesson::Shown;
use crate::numbers::Scale;

/// Lines of the grid.
const HEIGHT: usize = 15;

/// The widest grid that is still taken in at a glance, and the narrowest that shows anything.
const WIDEST: usize = 64;
const NARROWEST: usize = 24;

/// Characters before the grid: a label and the axis.
const MARGIN: usize = 11;

/// What stands for a point of an overlay, by its place among them, and hollow for one that is no part
/// of a hull.
const MARKS: [(char, char); 6] =
    [('●', '○'), ('■', '□'), ('▲', '△'), ('◆', '◇'), ('▼', '▽'), ('★', '☆')];

/// Where points of several overlays have the same place.
const SHARED: char = '✱';

/// How numbers become places on a grid.
struct Scaled {
    low: f64,
    high: f64,
    is_wide: bool,
    steps: usize,
}

impl Scaled {
    fn new(numbers: impl Iterator<Item = f64>, is_wide: bool, steps: usize) -> Self {
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = numbers.fold(none, |(low, high), it| (low.min(it), high.max(it)));
        Self { low, high, is_wide, steps }
    }

    fn place(&self, number: f64) -> usize {
        let scaled = |number: f64| if self.is_wide { number.ln() } else { number };
        let part = (scaled(number) - scaled(self.low)) / (scaled(self.high) - scaled(self.low));
        // Where all numbers are one there is but one place.
        if part.is_finite() { (part * (self.steps - 1) as f64).round() as usize } else { 0 }
    }

    fn number(&self, place: usize) -> f64 {
        let part = place as f64 / (self.steps - 1) as f64;
        match self.is_wide {
            true => self.low * (self.high / self.low).powf(part),
            false => self.low + part * (self.high - self.low),
        }
    }
}

/// A world in characters, for a terminal of so many columns. Empty without a point. Every line ends
/// with a line feed.
pub(super) fn draw(outline: &Outline, world: &World, width: usize) -> String {
    let points = || world.overlays.iter().flat_map(|it| &it.points).filter_map(|it| it.place);
    if points().next().is_none() {
        return String::new();
    }
    let columns = width.saturating_sub(MARGIN + 1).clamp(NARROWEST, WIDEST);
    let overlays = &world.overlays;
    let x = Scaled::new(points().map(|at| at.0), is_wide(overlays, |at| at.0), columns);
    let y = Scaled::new(points().map(|at| at.1), is_wide(overlays, |at| at.1), HEIGHT);
    let mut grid = vec![vec![' '; columns]; HEIGHT];
    let at = |(cost, height): Place| (x.place(cost), HEIGHT - 1 - y.place(height));
    for swept in overlays {
        let ends = swept.hull.vertices().first().zip(swept.hull.vertices().last());
        let Some((first, last)) = ends else { continue };
        let costs = (x.place(first.0)..=x.place(last.0)).map(|column| x.number(column));
        let line = costs.filter_map(|cost| {
            let cost = cost.clamp(first.0, last.0);
            Some(at((cost, swept.hull.height(cost)?)))
        });
        line.for_each(|(column, row)| grid[row][column] = '·');
    }
    let mut legend = Vec::new();
    for swept in overlays {
        let who = outline.overlays.iter().position(|it| *it == swept.overlay).unwrap_or(0);
        let (full, hollow) = MARKS[who % MARKS.len()];
        legend.push(format!("{full} {}", swept.overlay));
        // Sound points last, so that they are seen.
        let mut points: Vec<_> = swept.points.iter().collect();
        points.sort_by_key(|point| point.is_sound);
        for point in points {
            let Some((column, row)) = point.place.map(at) else { continue };
            let place = &mut grid[row][column];
            let is_free = matches!(*place, ' ' | '·') || [full, hollow].contains(place);
            *place = match is_free {
                false => SHARED,
                true if point.is_sound => full,
                true => hollow,
            };
        }
    }
    framed(outline, &grid, (&x, &y)) + &format!("{:MARGIN$} {}\n", "", legend.join("   "))
}

/// The grid with its axes.
fn framed(outline: &Outline, grid: &[Vec<char>], (x, y): (&Scaled, &Scaled)) -> String {
    let title = |name: &str| Shown::named(name).map_or_else(|| name.to_owned(), Shown::title);
    let label = |name: &str, number: f64| {
        let unit = Shown::named(name).map_or("", |shown| shown.metric.unit);
        let scale = Scale::of(unit, number);
        format!("{}{}", scale.number(number), scale.suffix())
    };
    let mut text = format!("{}\n", title(&outline.view.y));
    for (row, line) in grid.iter().enumerate() {
        let label = match row {
            0 => label(&outline.view.y, y.high),
            _ if row == HEIGHT - 1 => label(&outline.view.y, y.low),
            _ if row == HEIGHT / 2 => label(&outline.view.y, y.number(HEIGHT / 2)),
            _ => String::new(),
        };
        let axis = if label.is_empty() { '│' } else { '┤' };
        let line: String = line.iter().collect();
        let width = MARGIN - 1;
        text.push_str(format!("{label:>width$} {axis}{line}").trim_end());
        text.push('\n');
    }
    let columns = grid[0].len();
    let (low, high) = (label(&outline.view.x, x.low), label(&outline.view.x, x.high));
    let room = (columns + 1).saturating_sub(low.chars().count() + high.chars().count());
    let middle = format!("{} →", title(&outline.view.x));
    let middle = if middle.chars().count() + 2 <= room { middle } else { String::new() };
    text.push_str(&format!("{:MARGIN$}└{}\n", "", "─".repeat(columns)));
    text.push_str(&format!("{:MARGIN$}{low}{middle:^room$}{high}\n", ""));
    text
}
