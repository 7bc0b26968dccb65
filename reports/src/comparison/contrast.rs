//! One figure of one overlay against the same figure of the reference, over runs that met the same
//! world.
use crate::numbers::{Scale, signed, signed_with};
use crate::statistics::{Interval, hodges_lehmann, shift_interval};

/// How sure an interval must be.
const CONFIDENCE: f64 = 0.95;

/// By how much a figure differs from the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// On which scale.
    pub scale: ContrastScale,
    /// The ratio to the reference or the difference from it, over the pairs (Hodges and Lehmann's
    /// estimate; of ratios, on a logarithmic scale).
    pub estimate: f64,
    /// Where it lies, with a confidence of at least 95 %; `None` for fewer than 6 pairs.
    pub interval: Option<Interval>,
    /// How many pairs of runs it is over.
    pub pairs: usize,
    /// Whether no difference was told: the interval contains none, or no pair has any.
    pub tie: bool,
}

/// What a contrast counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContrastScale {
    /// How many times the reference's figure: 1 is none.
    Ratio,
    /// The figure less the reference's, in its unit: 0 is none.
    Difference,
}

/// The contrast over pairs of the reference's figure and the other's; `None` if there are none.
///
/// A ratio where one makes sense: not of shares and coefficients, which have both ends, and not
/// where a figure is 0.
pub(crate) fn contrast(unit: &str, pairs: &[(f64, f64)]) -> Option<Contrast> {
    let bounded = matches!(unit, "ratio" | "Gini");
    let scale = match pairs.iter().all(|(one, other)| *one > 0.0 && *other > 0.0) {
        true if !bounded => ContrastScale::Ratio,
        _ => ContrastScale::Difference,
    };
    let shifts: Vec<f64> = pairs
        .iter()
        .map(|(reference, other)| match scale {
            ContrastScale::Ratio => (other / reference).ln(),
            ContrastScale::Difference => other - reference,
        })
        .collect();
    let estimate = hodges_lehmann(&shifts)?;
    let interval = shift_interval(&shifts, CONFIDENCE);
    let equal = shifts.iter().all(|shift| *shift == 0.0);
    let back = |shift: f64| match scale {
        ContrastScale::Ratio => shift.exp(),
        ContrastScale::Difference => shift,
    };
    Some(Contrast {
        scale,
        estimate: back(estimate),
        interval: interval.map(|interval| interval.map(back)),
        pairs: pairs.len(),
        tie: equal || interval.is_some_and(|interval| interval.contains(0.0)),
    })
}

impl Contrast {
    /// The estimate and the interval in words, for a figure of this unit: `×0.35` and
    /// `[0.33, 0.37]`. A tie begins with `~`, and is nothing else where the figures are equal.
    pub(super) fn words(&self, unit: &str) -> (String, String) {
        let flat = self.interval.is_none_or(|interval| interval.low == interval.high);
        if self.tie && flat {
            return ("~".to_owned(), String::new());
        }
        match self.scale {
            ContrastScale::Ratio => self.ratio(),
            ContrastScale::Difference => self.difference(unit),
        }
    }

    fn ratio(&self) -> (String, String) {
        let scale = match (self.estimate - 1.0).abs() < 0.01 && !self.tie {
            true => Scale::ratio_near_one(),
            false => Scale::ratio(self.estimate),
        };
        let mark = if self.tie { "~" } else { "×" };
        let interval = self.interval.map(|Interval { low, high, .. }| {
            format!("[{}, {}]", scale.number(low), scale.number(high))
        });
        (format!("{mark}{}", scale.number(self.estimate)), interval.unwrap_or_default())
    }

    fn difference(&self, unit: &str) -> (String, String) {
        let mark = if self.tie { "~" } else { "" };
        let scale = match unit {
            "ratio" => Scale::points(self.estimate),
            _ => Scale::of(unit, self.estimate),
        };
        let interval = self.interval.map(|Interval { low, high, .. }| {
            format!("[{}, {}]", signed_with(&scale, low), signed_with(&scale, high))
        });
        let estimate = format!("{mark}{}{}", signed_with(&scale, self.estimate), scale.suffix());
        (estimate, interval.unwrap_or_default())
    }

    /// The contrast as a change, in percent where it is a ratio: `+1.6 % [+1.1, +2.2]`.
    pub(super) fn apart(&self, unit: &str) -> String {
        if self.scale == ContrastScale::Difference {
            let (estimate, interval) = self.difference(unit);
            return format!("{estimate} {interval}").trim_matches([' ', '~']).to_owned();
        }
        let change = |ratio: f64| (ratio - 1.0) * 100.0;
        let interval = self.interval.map(|Interval { low, high, .. }| {
            format!(" [{}, {}]", signed(change(low), 1), signed(change(high), 1))
        });
        let estimate = signed(change(self.estimate), 1);
        format!("{estimate} %{}", interval.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(unit: &str, pairs: &[(f64, f64)]) -> String {
        let (estimate, interval) = contrast(unit, pairs).unwrap().words(unit);
        format!("{estimate} {interval}").trim_end().to_owned()
    }

    #[test]
    fn one_pair_has_a_ratio_and_no_interval() {
        let one = contrast("µs", &[(200.0, 50.0)]).unwrap();
        assert_eq!((one.scale, one.interval, one.tie), (ContrastScale::Ratio, None, false));
        assert!((one.estimate - 0.25).abs() < 1e-12);
        assert_eq!(words("µs", &[(200.0, 50.0)]), "×0.25");
        assert_eq!(words("µs", &[(200.0, 200.0)]), "~");
        assert_eq!(words("B/s", &[(2.0, 2_500.0)]), "×1,250");
        assert_eq!(contrast("µs", &[]), None);
    }

    #[test]
    fn six_pairs_have_an_interval_and_can_be_tied() {
        let against = |others: [f64; 6]| others.map(|other| (100.0, other));
        let slower = against([150.0, 151.0, 149.0, 152.0, 148.0, 150.0]);
        assert_eq!(words("µs", &slower), "×1.50 [1.48, 1.52]");
        let alike = against([99.0, 101.0, 102.0, 98.0, 100.5, 99.5]);
        assert_eq!(words("µs", &alike), "~1.00 [0.98, 1.02]");
        let slightly = against([100.2, 100.1, 100.2, 100.3, 100.2, 100.2]);
        assert_eq!(words("µs", &slightly), "×1.002 [1.001, 1.003]");
        assert_eq!(words("count", &against([100.0; 6])), "~");
    }

    #[test]
    fn shares_and_what_can_be_nothing_differ_in_their_unit() {
        let percent =
            [(1.0, 0.97), (1.0, 0.98), (1.0, 0.96), (1.0, 0.97), (1.0, 0.97), (1.0, 0.97)];
        assert_eq!(words("ratio", &percent), "−3.0 pt [−4.0, −2.0]");
        assert_eq!(words("ratio", &[(0.5, 0.75)]), "+25.0 pt");
        assert_eq!(words("Gini", &[(0.3, 0.95)]), "+0.650");
        assert_eq!(words("B/s", &[(113.0, 0.0)]), "−113 B/s");
        assert_eq!(words("count", &[(0.0, 3.0)]), "+3");
        assert_eq!(words("count", &[(0.0, 0.0)]), "~");
    }

    #[test]
    fn a_change_is_in_percent_or_points() {
        assert_eq!(contrast("µs", &[(200.0, 203.2)]).unwrap().apart("µs"), "+1.6 %");
        let pairs: Vec<_> = (0..6).map(|n| (1_000.0, 1_010.0 + f64::from(n))).collect();
        assert_eq!(contrast("µs", &pairs).unwrap().apart("µs"), "+1.2 % [+1.0, +1.5]");
        assert_eq!(contrast("ratio", &[(1.0, 0.992)]).unwrap().apart("ratio"), "−0.80 pt");
        assert_eq!(contrast("ratio", &[(1.0, 1.0)]).unwrap().apart("ratio"), "0.00 pt");
    }
}
