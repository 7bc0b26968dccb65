//! What a curve of an overlay shows, and the same for a terminal: marks on a grid of characters,
//! told apart by shape rather than colour.
use super::tables::percent;
use super::{Point, Resistance};
use crate::comparison::Contrast;

/// Lines of the grid.
const HEIGHT: usize = 7;

/// The widest grid that is still taken in at a glance, in characters.
const WIDEST: usize = 64;

/// Characters before the grid: a label and the axis.
const MARGIN: usize = 8;

/// What the axis of shares is of, behind its last label, and how far both may reach beyond the grid.
const OF_WHAT: &str = " freeloaders";
const BEYOND: usize = OF_WHAT.len() + 3;

/// Where two series have the same place.
const SHARED: char = '◆';

/// One line of a curve. All of them are shares or ratios without a unit, of which 1 means that
/// freeloaders change nothing.
pub(super) struct Series {
    /// What it is.
    pub(super) title: &'static str,
    /// What stands for it.
    pub(super) mark: char,
    /// Its height at a point; `None` where it has none.
    pub(super) height: fn(&Point) -> Option<f64>,
    /// The ratio that the height is, where it is one that has an interval.
    pub(super) contrast: fn(&Point) -> Option<Contrast>,
}

/// Everything that a curve shows.
pub(super) const SERIES: &[Series] = &[
    Series {
        title: "penalty of freeloaders",
        mark: '●',
        height: |point| point.penalty.map(|penalty| penalty.estimate),
        contrast: |point| point.penalty,
    },
    Series {
        title: "slowdown of contributors",
        mark: '○',
        height: |point| point.slowdown.map(|slowdown| slowdown.estimate),
        contrast: |point| point.slowdown,
    },
    Series {
        title: "share of fetches that get everything",
        mark: '▲',
        height: |point| point.verified,
        contrast: |_| None,
    },
];

/// The least and the largest height of all curves, which have one axis so that they can be compared;
/// 1 is always on it.
pub(super) fn heights(overlays: &[Resistance]) -> (f64, f64) {
    let points = || overlays.iter().flat_map(|it| &it.points);
    let all = SERIES.iter().flat_map(|series| points().filter_map(series.height));
    let (low, high) = all.fold((1.0_f64, 1.0_f64), |(low, high), it| (low.min(it), high.max(it)));
    // A curve through nothing but ones would have an axis without a length.
    if high - low < 0.1 { (low - 0.1, high + 0.1) } else { (low, high) }
}

/// A curve in characters, for a terminal of so many columns. Every line ends with a line feed.
pub(super) fn draw(points: &[Point], (low, high): (f64, f64), width: usize) -> String {
    let most = points.iter().map(|point| point.share).fold(0.0, f64::max);
    if points.len() < 2 || most == 0.0 {
        return String::new();
    }
    let columns = width.saturating_sub(MARGIN + BEYOND).clamp(20, WIDEST);
    let row = |height: f64| ((high - height) / (high - low) * (HEIGHT - 1) as f64).round() as usize;
    let column = |share: f64| (share / most * (columns - 1) as f64).round() as usize;
    let mut grid = vec![vec![' '; columns]; HEIGHT];
    grid[row(1.0)].iter_mut().skip(1).step_by(2).for_each(|place| *place = '╌');
    for series in SERIES {
        let marks =
            points.iter().filter_map(|it| Some((column(it.share), row((series.height)(it)?))));
        let marks: Vec<(usize, usize)> = marks.collect();
        marks.windows(2).for_each(|ends| connect(&mut grid, ends[0], ends[1]));
        for (column, row) in marks {
            let place = &mut grid[row][column];
            let is_taken = SERIES.iter().any(|other| other.mark == *place) || *place == SHARED;
            *place = if is_taken { SHARED } else { series.mark };
        }
    }
    let mut text = String::new();
    for (place, line) in grid.iter().enumerate() {
        let label = match place {
            _ if place == row(1.0) => "1.00".to_owned(),
            0 => format!("{high:.2}"),
            _ if place == HEIGHT - 1 => format!("{low:.2}"),
            _ => String::new(),
        };
        let axis = if label.is_empty() { '│' } else { '┤' };
        let line: String = line.iter().collect();
        text.push_str(&format!("{label:>6} {axis}{}\n", line.trim_end()));
    }
    text + &shares(points, columns, column) + &legend(width)
}

/// Dots between two marks, over nothing else.
fn connect(grid: &mut [Vec<char>], from: (usize, usize), to: (usize, usize)) {
    (from.0 + 1..to.0).for_each(|column| {
        let part = (column - from.0) as f64 / (to.0 - from.0) as f64;
        let row = (from.1 as f64 + part * (to.1 as f64 - from.1 as f64)).round() as usize;
        let place = &mut grid[row][column];
        if matches!(*place, ' ' | '╌') {
            *place = '·';
        }
    });
}

/// The axis of shares; of labels that would touch, the later ones are left out.
fn shares(points: &[Point], columns: usize, column: impl Fn(f64) -> usize) -> String {
    let mut axis = vec!['─'; columns];
    let mut labels = String::new();
    for point in points {
        let at = column(point.share);
        axis[at] = '┬';
        let label = percent(point.share);
        let (length, end) = (label.chars().count(), labels.chars().count());
        let begin = (at + 1).saturating_sub(length / 2);
        if end == 0 || begin > end {
            labels.push_str(&" ".repeat(begin - end));
            labels.push_str(&label);
        }
    }
    let axis: String = axis.into_iter().collect();
    format!("{:7}└{axis}\n{:7}{labels}{OF_WHAT}\n", "", "")
}

/// What the marks stand for, on as many lines as it takes.
fn legend(width: usize) -> String {
    let mut lines = vec![String::new()];
    for Series { title, mark, .. } in SERIES {
        let entry = format!("{mark} {title}");
        let last = lines.last_mut().expect("there is a line from the beginning");
        let length = last.chars().count() + entry.chars().count() + 3;
        if last.is_empty() || length + MARGIN > width {
            lines.push(entry);
        } else {
            last.push_str(&format!("   {entry}"));
        }
    }
    lines.iter().skip(1).map(|line| format!("{:MARGIN$}{line}\n", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(share: f64, verified: f64) -> Point {
        Point { share, penalty: None, slowdown: None, verified: Some(verified) }
    }

    #[test]
    fn what_falls_is_drawn_falling_on_any_width() {
        let points = [point(0.0, 1.0), point(0.25, 0.75), point(0.5, 0.5)];
        for width in [0, 30, 60, 80, 200] {
            let text = draw(&points, (0.5, 1.0), width);
            let column = |line: &str| line.chars().position(|it| it == '▲');
            let marks: Vec<usize> = text.lines().take(HEIGHT).filter_map(column).collect();
            assert!(marks.len() == 3 && marks.is_sorted(), "{text}");
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width.max(60)), "{width}: {text}");
        }
    }

    #[test]
    fn one_point_is_no_curve() {
        assert_eq!(draw(&[point(0.0, 1.0)], (0.9, 1.1), 80), "");
        assert_eq!(draw(&[point(0.0, 1.0), point(0.0, 1.0)], (0.9, 1.1), 80), "");
    }
}
