//! How a figure grows with the number of nodes: `a + b·log2 N` or `a·N^k`, and which is nearer.
//!
//! Both are fitted by least squares on the figure's own scale, so that what is left over can be
//! compared: a straight line through logarithms would weigh small networks more than large ones.

use std::fmt;

/// Steps of Gauss and Newton's method: from a start as near as the line through the logarithms,
/// some ten are enough.
const MOST_STEPS: usize = 100;

/// A step that changes both coefficients by less than this part of them is the last one.
const PRECISION: f64 = 1e-13;

/// Sums of squares below this part of the sum of the squared figures are rounding.
const ROUNDING: f64 = 1e-24;

/// A straight line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its value at 0.
    pub intercept: f64,
    /// By how much it rises for each unit.
    pub slope: f64,
    /// The sum of the squared distances of the points from it, along y.
    pub residual_sum: f64,
    /// The share of the points' variance that it explains, in `0..=1`; `None` where all points are
    /// as high.
    pub r_squared: Option<f64>,
}

/// How a figure may grow with the number of nodes N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// `a + b·log2 N`.
    Logarithmic,
    /// `a·N^k`.
    Power,
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Logarithmic => "a + b·log2 N",
            Self::Power => "a·N^k",
        })
    }
}

/// A curve of one kind through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Its kind.
    pub growth: Growth,
    /// The coefficient `a`.
    pub a: f64,
    /// The coefficient `b`, or the exponent `k`.
    pub b: f64,
    /// How many points it was fitted to.
    pub points: usize,
    /// The sum of the squared distances of the points from it, along y.
    pub residual_sum: f64,
    /// 1 less the residual sum over the points' own; `None` where all points are as high. Negative
    /// where a level line would be nearer.
    pub r_squared: Option<f64>,
}

impl Fit {
    /// The curve's height at this number of nodes.
    #[must_use]
    pub fn at(&self, nodes: f64) -> f64 {
        match self.growth {
            Growth::Logarithmic => self.a + self.b * nodes.log2(),
            Growth::Power => self.a * nodes.powf(self.b),
        }
    }

    /// Akaike's information criterion, corrected for few points (Hurvich and Tsai 1989): the
    /// smaller, the better, and a difference below 2 tells nothing. `None` for fewer than 5 points,
    /// or where nothing is left over.
    #[must_use]
    pub fn aicc(&self) -> Option<f64> {
        /// Both coefficients, and the variance of what is left over.
        const ESTIMATED: f64 = 3.0;
        let points = self.points as f64;
        let correction = 2.0 * ESTIMATED * (ESTIMATED + 1.0) / (points - ESTIMATED - 1.0);
        let criterion = points * (self.residual_sum / points).ln() + 2.0 * ESTIMATED + correction;
        (self.points > 4 && criterion.is_finite()).then_some(criterion)
    }
}

impl fmt::Display for Fit {
    /// The curve with its numbers: `0.860 + 0.500·log2 N (R² 0.9998)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, .. } = *self;
        match self.growth {
            Growth::Logarithmic => {
                let sign = if b < 0.0 { '−' } else { '+' };
                write!(f, "{} {sign} {}·log2 N", Digits(a), Digits(b.abs()))?;
            }
            Growth::Power => write!(f, "{}·N^{}", Digits(a), Digits(b))?,
        }
        match self.r_squared {
            Some(r_squared) => write!(f, " (R² {r_squared:.4})"),
            None => Ok(()),
        }
    }
}

/// A number with three significant digits, of which rounding leaves no more than six decimals.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size < 5e-7 {
            return f.write_str("0");
        }
        let magnitude = size.log10().floor() as i32;
        let decimals = (2 - magnitude).clamp(0, 6) as usize;
        let sign = if self.0 < 0.0 { "−" } else { "" };
        write!(f, "{sign}{size:.decimals$}")
    }
}

/// Both curves through the same points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fits {
    /// `a + b·log2 N`.
    pub logarithmic: Fit,
    /// `a·N^k`; `None` where a figure is not positive, or no such curve was found.
    pub power: Option<Fit>,
    /// Which leaves less over, by more than rounding.
    pub better: Option<Growth>,
}

impl Fits {
    /// By how much the better one's criterion is below the other's ([`Fit::aicc`]); `None` where
    /// one of them has none.
    #[must_use]
    pub fn evidence(&self) -> Option<f64> {
        Some((self.logarithmic.aicc()? - self.power?.aicc()?).abs())
    }
}

impl fmt::Display for Fits {
    /// Both curves, and which is nearer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.logarithmic)?;
        if let Some(power) = &self.power {
            write!(f, "; {power}")?;
        }
        match self.better {
            Some(better) => write!(f, "; nearer: {better}"),
            None => f.write_str("; neither is nearer"),
        }
    }
}

/// The straight line that leaves least over. `None` unless there are two points at different
/// places, all of them finite.
#[must_use]
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    if !points.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
        return None;
    }
    let count = points.len() as f64;
    let x_mean = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let y_mean = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    if points.is_empty() || spread == 0.0 {
        return None;
    }
    let joint: f64 = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let slope = joint / spread;
    // Around the means, where the numbers are small.
    let residual_sum =
        points.iter().map(|(x, y)| (y - y_mean - slope * (x - x_mean)).powi(2)).sum();
    Some(Line {
        intercept: y_mean - slope * x_mean,
        slope,
        residual_sum,
        r_squared: r_squared(points, residual_sum),
    })
}

/// Both curves through pairs of a number of nodes and a figure. `None` unless there are three
/// different numbers of nodes, all of them positive and everything finite.
#[must_use]
pub fn fit_growth(points: &[(f64, f64)]) -> Option<Fits> {
    let mut sizes: Vec<f64> = points.iter().map(|(nodes, _)| *nodes).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.dedup();
    if sizes.len() < 3 || !sizes.iter().all(|nodes| *nodes > 0.0) {
        return None;
    }
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(n, y)| (n.log2(), *y)).collect();
    let line = fit_line(&logarithms)?;
    let logarithmic = Fit {
        growth: Growth::Logarithmic,
        a: line.intercept,
        b: line.slope,
        points: points.len(),
        residual_sum: line.residual_sum,
        r_squared: line.r_squared,
    };
    let power = fit_power(points);
    let better = power.and_then(|power| nearer(&logarithmic, &power, points));
    Some(Fits { logarithmic, power, better })
}

fn nearer(logarithmic: &Fit, power: &Fit, points: &[(f64, f64)]) -> Option<Growth> {
    let rounding = ROUNDING * points.iter().map(|(_, y)| y * y).sum::<f64>();
    let difference = logarithmic.residual_sum - power.residual_sum;
    match difference {
        _ if difference.abs() <= rounding => None,
        _ if difference < 0.0 => Some(Growth::Logarithmic),
        _ => Some(Growth::Power),
    }
}

/// Gauss and Newton's method from the line through the logarithms, each step halved until it
/// leaves less over than the one before.
fn fit_power(points: &[(f64, f64)]) -> Option<Fit> {
    if !points.iter().all(|(_, y)| *y > 0.0) {
        return None;
    }
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let start = fit_line(&logarithms)?;
    // Counted from the middle of the sizes, height and exponent hardly depend on each other.
    let middle = logarithms.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
    let centred: Vec<(f64, f64)> =
        logarithms.iter().zip(points).map(|((x, _), (_, y))| (x - middle, *y)).collect();
    let mut at = (start.intercept + start.slope * middle).exp();
    let mut exponent = start.slope;
    let mut residual_sum = left_over(&centred, at, exponent);
    for _ in 0..MOST_STEPS {
        let (mut rise, mut bend) = step(&centred, at, exponent)?;
        let mut halvings = 0;
        while left_over(&centred, at + rise, exponent + bend) > residual_sum && halvings < 40 {
            (rise, bend, halvings) = (rise / 2.0, bend / 2.0, halvings + 1);
        }
        let next = left_over(&centred, at + rise, exponent + bend);
        if next.is_nan() || next > residual_sum {
            break;
        }
        (at, exponent, residual_sum) = (at + rise, exponent + bend, next);
        if rise.abs() <= PRECISION * at.abs() && bend.abs() <= PRECISION * exponent.abs() {
            break;
        }
    }
    Some(Fit {
        growth: Growth::Power,
        a: at * (-exponent * middle).exp(),
        b: exponent,
        points: points.len(),
        residual_sum,
        r_squared: r_squared(points, residual_sum),
    })
}

/// One step of the method: by how much to change the height in the middle and the exponent.
fn step(centred: &[(f64, f64)], at: f64, exponent: f64) -> Option<(f64, f64)> {
    let (mut rise_rise, mut rise_bend, mut bend_bend) = (0.0, 0.0, 0.0);
    let (mut rise_rest, mut bend_rest) = (0.0, 0.0);
    for (x, y) in centred {
        let by_rise = (exponent * x).exp();
        let by_bend = at * by_rise * x;
        let rest = y - at * by_rise;
        rise_rise += by_rise * by_rise;
        rise_bend += by_rise * by_bend;
        bend_bend += by_bend * by_bend;
        rise_rest += by_rise * rest;
        bend_rest += by_bend * rest;
    }
    let determinant = rise_rise * bend_bend - rise_bend * rise_bend;
    let rise = (rise_rest * bend_bend - bend_rest * rise_bend) / determinant;
    let bend = (bend_rest * rise_rise - rise_rest * rise_bend) / determinant;
    (rise.is_finite() && bend.is_finite()).then_some((rise, bend))
}

fn left_over(centred: &[(f64, f64)], at: f64, exponent: f64) -> f64 {
    centred.iter().map(|(x, y)| (y - at * (exponent * x).exp()).powi(2)).sum()
}

fn r_squared(points: &[(f64, f64)], residual_sum: f64) -> Option<f64> {
    let mean = points.iter().map(|(_, y)| y).sum::<f64>() / points.len() as f64;
    let own: f64 = points.iter().map(|(_, y)| (y - mean).powi(2)).sum();
    (own > 0.0).then(|| 1.0 - residual_sum / own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: f64, published: f64, relative: f64) {
        assert!(
            (found - published).abs() <= relative * published.abs(),
            "{found}, not {published}"
        );
    }

    /// NIST Statistical Reference Datasets, linear regression, "Norris" (calibration of ozone
    /// monitors), as x and y.
    const NORRIS: [(f64, f64); 36] = [
        (0.2, 0.1),
        (337.4, 338.8),
        (118.2, 118.1),
        (884.6, 888.0),
        (10.1, 9.2),
        (226.5, 228.1),
        (666.3, 668.5),
        (996.3, 998.5),
        (448.6, 449.1),
        (777.0, 778.9),
        (558.2, 559.2),
        (0.4, 0.3),
        (0.6, 0.1),
        (775.5, 778.1),
        (666.9, 668.8),
        (338.0, 339.3),
        (447.5, 448.9),
        (11.6, 10.8),
        (556.0, 557.7),
        (228.1, 228.3),
        (995.8, 998.0),
        (887.6, 888.8),
        (120.2, 119.6),
        (0.3, 0.3),
        (0.3, 0.6),
        (556.8, 557.6),
        (339.1, 339.3),
        (887.2, 888.0),
        (999.0, 998.5),
        (779.0, 778.9),
        (11.1, 10.2),
        (118.3, 117.6),
        (229.2, 228.9),
        (669.1, 668.4),
        (448.9, 449.2),
        (0.5, 0.2),
    ];

    #[test]
    fn nist_norris() {
        let line = fit_line(&NORRIS).unwrap();
        close(line.intercept, -0.262_323_073_774_029, 1e-11);
        close(line.slope, 1.002_116_818_020_45, 1e-13);
        close(line.r_squared.unwrap(), 0.999_993_745_883_712, 1e-13);
        close((line.residual_sum / 34.0).sqrt(), 0.884_796_396_144_373, 1e-11);
    }

    /// Anscombe 1973, the first of four sets.
    #[test]
    fn anscombe() {
        let points = [
            (10.0, 8.04),
            (8.0, 6.95),
            (13.0, 7.58),
            (9.0, 8.81),
            (11.0, 8.33),
            (14.0, 9.96),
            (6.0, 7.24),
            (4.0, 4.26),
            (12.0, 10.84),
            (7.0, 4.82),
            (5.0, 5.68),
        ];
        let line = fit_line(&points).unwrap();
        assert!((line.intercept - 3.0).abs() < 0.001 && (line.slope - 0.5).abs() < 0.001);
        close(line.r_squared.unwrap(), 0.667, 1e-3);
        close(line.residual_sum, 13.75, 2e-3);
    }

    /// NIST Statistical Reference Datasets, nonlinear regression, "DanWood" (radiated energy of a
    /// carbon filament lamp): y = b1·x^b2.
    #[test]
    fn nist_dan_wood() {
        let points = [
            (1.309, 2.138),
            (1.471, 3.421),
            (1.490, 3.597),
            (1.565, 4.340),
            (1.611, 4.882),
            (1.680, 5.660),
        ];
        let fits = fit_growth(&points).unwrap();
        let power = fits.power.unwrap();
        close(power.a, 7.688_622_617_6e-1, 1e-9);
        close(power.b, 3.860_405_587_1, 1e-9);
        close(power.residual_sum, 4.317_308_408_3e-3, 1e-9);
        assert_eq!(fits.better, Some(Growth::Power));
        // 6 ln(residual sum / 6) + 2·3 + 2·3·4 / (6 − 4), by hand.
        close(power.aicc().unwrap(), -25.42, 1e-3);
    }

    #[test]
    fn the_growth_that_made_the_points_is_found_and_named() {
        let sizes = || (4..=17).map(|exponent| f64::from(1 << exponent));
        let hops: Vec<_> = sizes().map(|n| (n, 0.86 + 0.5 * n.log2())).collect();
        let fits = fit_growth(&hops).unwrap();
        assert_eq!(fits.better, Some(Growth::Logarithmic));
        assert!(fits.evidence().is_none_or(|evidence| evidence > 2.0));
        assert_eq!(
            fits.to_string(),
            "0.860 + 0.500·log2 N (R² 1.0000); 2.51·N^0.116 (R² 0.9797); nearer: a + b·log2 N"
        );
        let state: Vec<_> = sizes().map(|n| (n, 2.0 * n.sqrt())).collect();
        let fits = fit_growth(&state).unwrap();
        assert_eq!(fits.better, Some(Growth::Power));
        assert_eq!(
            fits.to_string(),
            "−300 + 45.2·log2 N (R² 0.7525); 2.00·N^0.500 (R² 1.0000); nearer: a·N^k"
        );
        let level: Vec<_> = sizes().map(|n| (n, 3.0)).collect();
        let fits = fit_growth(&level).unwrap();
        assert_eq!((fits.better, fits.logarithmic.r_squared), (None, None));
        assert_eq!(fits.to_string(), "3.00 + 0·log2 N; 3.00·N^0; neither is nearer");
    }

    #[test]
    fn what_cannot_be_fitted_is_not() {
        assert_eq!(fit_line(&[]), None);
        assert_eq!(fit_line(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(fit_growth(&[(16.0, 1.0), (32.0, 2.0), (32.0, 3.0)]), None);
        assert_eq!(fit_growth(&[(0.0, 1.0), (32.0, 2.0), (64.0, 3.0)]), None);
        assert_eq!(fit_growth(&[(16.0, 1.0), (32.0, f64::NAN), (64.0, 3.0)]), None);
        let with_zero = fit_growth(&[(16.0, 0.0), (32.0, 2.0), (64.0, 3.0)]).unwrap();
        assert_eq!((with_zero.power, with_zero.better), (None, None));
    }

    proptest! {
        #[test]
        fn no_other_curve_leaves_less_over(
            figures in prop::collection::vec(0.1f64..100.0, 4..12),
            off in (0.9f64..1.1, -0.1f64..0.1),
        ) {
            let points: Vec<(f64, f64)> =
                (4..).map(|it| f64::from(1 << it)).zip(figures).collect();
            let fits = fit_growth(&points).unwrap();
            let power = fits.power.unwrap();
            for fit in [fits.logarithmic, power] {
                let sum = |fit: &Fit| points.iter().map(|(n, y)| (y - fit.at(*n)).powi(2)).sum::<f64>();
                prop_assert!((sum(&fit) - fit.residual_sum).abs() <= 1e-8 * (1.0 + sum(&fit)));
                let other = Fit { a: fit.a * off.0, b: fit.b + off.1, ..fit };
                prop_assert!(sum(&other) >= fit.residual_sum * (1.0 - 1e-9));
            }
        }

        #[test]
        fn a_figure_in_another_unit_grows_alike(
            figures in prop::collection::vec(1f64..100.0, 4..12), unit in 0.001f64..1e3
        ) {
            let sizes = || (4..).map(|it| f64::from(1 << it));
            let one: Vec<_> = sizes().zip(figures.iter().copied()).collect();
            let other: Vec<_> = sizes().zip(figures.iter().map(|y| y * unit)).collect();
            let (one, other) = (fit_growth(&one).unwrap(), fit_growth(&other).unwrap());
            let (a, b) = (one.logarithmic.b * unit, other.logarithmic.b);
            prop_assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs()));
            let (a, b) = (one.power.unwrap().b, other.power.unwrap().b);
            prop_assert!((a - b).abs() <= 1e-6 * (1.0 + a.abs()));
        }
    }
}
