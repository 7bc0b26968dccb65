//! Numbers as people read them: three significant digits, a unit of fitting size, and one unit for
//! everything that stands in one cell.

/// What stands for a figure that was not measured.
pub(crate) const NOT_MEASURED: &str = "–";
/// What stands for a figure of something the overlay does not offer.
pub(crate) const NOT_OFFERED: &str = "n/a";

/// How the numbers of one cell are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    divisor: f64,
    decimals: usize,
    suffix: String,
}

/// Ascending: how many of the metric's unit make one of the unit shown.
type Units = &'static [(f64, &'static str)];

const SHORT_TIME: Units = &[(1.0, " ns"), (1e3, " µs"), (1e6, " ms"), (1e9, " s")];
const TIME: Units = &[(1.0, " µs"), (1e3, " ms"), (1e6, " s")];
const MILLISECONDS: Units = &[(1e3, " ms")];
const BYTES: Units = &[(1.0, " B"), (1e3, " kB"), (1e6, " MB"), (1e9, " GB")];
const BYTE_RATE: Units = &[(1.0, " B/s"), (1e3, " kB/s"), (1e6, " MB/s"), (1e9, " GB/s")];
const RATE: Units = &[(1.0, " /s"), (1e3, " k/s"), (1e6, " M/s"), (1e9, " G/s")];

impl Scale {
    /// The scale for a cell in which this number, in this unit of the record, matters most.
    pub(crate) fn of(unit: &str, number: f64) -> Self {
        match unit {
            "ratio" => Self { divisor: 0.01, decimals: 2, suffix: " %".to_owned() },
            "count" if number.fract() == 0.0 => {
                Self { divisor: 1.0, decimals: 0, suffix: String::new() }
            }
            "times" => Self::significant(number, 1.0, " ×"),
            "count" | "B/B" => Self::significant(number, 1.0, ""),
            "Gini" => Self { divisor: 1.0, decimals: 3, suffix: String::new() },
            "µs" => Self::fitting(number, TIME),
            "ms" => Self::fitting(number * 1e3, TIME).times(1e-3),
            "ns" => Self::fitting(number, SHORT_TIME),
            "s" => Self::fitting(number * 1e6, TIME).times(1e-6),
            "B" => Self::fitting(number, BYTES),
            "B/s" => Self::fitting(number, BYTE_RATE),
            "ms/s" => Self::significant(number, 1.0, " ms/s"),
            // What is counted is the row's to say.
            rate if rate.ends_with("/s") => Self::fitting(number, RATE),
            other => Self::significant(number, 1.0, &format!(" {other}")),
        }
    }

    /// The scale for a number of microseconds beside others that are all shown in milliseconds.
    pub(crate) fn milliseconds(number: f64) -> Self {
        Self::fitting(number, MILLISECONDS)
    }

    /// The scale for a number whose unit is said elsewhere.
    pub(crate) fn plain(number: f64) -> Self {
        Self::significant(number, 1.0, "")
    }

    /// The scale for a ratio to something else. Of the smallest, only how small they are is told.
    pub(crate) fn ratio(ratio: f64) -> Self {
        let decimals = match ratio {
            ratio if ratio >= 99.95 => 0,
            ratio if ratio >= 9.995 => 1,
            ratio if ratio >= 0.0995 => 2,
            ratio if ratio >= 0.000_95 => 3,
            _ => 5,
        };
        Self { divisor: 1.0, decimals, suffix: String::new() }
    }

    /// The scale for a ratio so near 1 that hundredths would hide how it differs.
    pub(crate) fn ratio_near_one() -> Self {
        Self { divisor: 1.0, decimals: 3, suffix: String::new() }
    }

    /// The scale for a difference of shares, in percentage points.
    pub(crate) fn points(difference: f64) -> Self {
        let decimals = if difference.abs() < 0.01 { 2 } else { 1 };
        Self { divisor: 0.01, decimals, suffix: " pt".to_owned() }
    }

    /// The scale with the same unit for another number; shares keep their digits.
    pub(crate) fn with_digits_for(&self, number: f64) -> Self {
        match &*self.suffix {
            " %" => self.clone(),
            suffix => Self::significant(number, self.divisor, suffix),
        }
    }

    /// The scale with the same unit and so many decimals.
    pub(crate) fn with_decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }

    /// How much of the metric's unit so many of the unit shown are.
    pub(crate) fn numbers_in(&self, shown: f64) -> f64 {
        shown * self.divisor
    }

    /// The number without its unit.
    pub(crate) fn number(&self, number: f64) -> String {
        let shown = number / self.divisor;
        let text = format!("{shown:.*}", self.decimals);
        if self.suffix == " %" && shown < 100.0 && text == "100.00" {
            // A share that is not quite everything must not look like it.
            return "99.99".to_owned();
        }
        group_thousands(&text)
    }

    /// The unit, with the space before it.
    pub(crate) fn suffix(&self) -> &str {
        &self.suffix
    }

    fn fitting(number: f64, units: Units) -> Self {
        // What three digits would round up to the next unit is shown in the next unit.
        let fits = |(divisor, _): &&(f64, &str)| number.abs() >= divisor * 0.9995;
        let (divisor, suffix) = units.iter().rev().find(fits).unwrap_or(&units[0]);
        if *suffix == " B" && number.fract() == 0.0 {
            return Self { divisor: 1.0, decimals: 0, suffix: (*suffix).to_owned() };
        }
        Self::significant(number, *divisor, suffix)
    }

    fn significant(number: f64, divisor: f64, suffix: &str) -> Self {
        let decimals = match (number / divisor).abs() {
            size if size >= 99.95 => 0,
            size if size >= 9.995 => 1,
            size if size >= 0.9995 => 2,
            size if size > 0.0 => 3,
            _ => 0,
        };
        Self { divisor, decimals, suffix: suffix.to_owned() }
    }

    fn times(self, factor: f64) -> Self {
        Self { divisor: self.divisor * factor, ..self }
    }
}

/// How far `other` is from `reference`: in percent of it, or in points if both are ratios. `None`
/// if that is no number.
pub(crate) fn apart(unit: &str, reference: f64, other: f64) -> Option<String> {
    let (difference, decimals, suffix) = match unit {
        "ratio" => ((other - reference) * 100.0, 2, " pt"),
        _ if other == reference => (0.0, 1, " %"),
        _ => ((other - reference) / reference * 100.0, 1, " %"),
    };
    difference.is_finite().then(|| format!("{}{suffix}", signed(difference, decimals)))
}

/// A share in percent, without needless digits.
pub(crate) fn percentage(share: f64) -> String {
    let percent = (share * 1e3).round() / 1e1;
    format!("{percent} %")
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    group_thousands(&number.to_string())
}

/// A difference without its unit, with a sign unless it is shown as zero.
pub(crate) fn signed_with(scale: &Scale, difference: f64) -> String {
    signed(difference / scale.divisor, scale.decimals)
}

/// A number with a sign unless it is shown as zero.
pub(crate) fn signed(number: f64, decimals: usize) -> String {
    let size = group_thousands(&format!("{:.decimals$}", number.abs()));
    let zero = size.chars().all(|c| matches!(c, '0' | '.'));
    let sign = match number {
        _ if zero => "",
        number if number < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{size}")
}

fn group_thousands(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut grouped = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(unit: &str, number: f64) -> String {
        let scale = Scale::of(unit, number);
        scale.number(number) + scale.suffix()
    }

    #[test]
    fn a_number_gets_three_digits_and_a_fitting_unit() {
        for (unit, number, text) in [
            ("µs", 812.0, "812 µs"),
            ("µs", 52_345.0, "52.3 ms"),
            ("µs", 999_900.0, "1.00 s"),
            ("µs", 25_000_000.0, "25.0 s"),
            ("ns", 2_500.0, "2.50 µs"),
            ("ms", 12.5, "12.5 ms"),
            ("s", 0.25, "250 ms"),
            ("B", 97.0, "97 B"),
            ("B", 97.25, "97.2 B"),
            ("B", 8_123_456.0, "8.12 MB"),
            ("B/s", 0.25, "0.250 B/s"),
            ("B/s", 1_536.0, "1.54 kB/s"),
            ("1/s", 5_120_000.0, "5.12 M/s"),
            ("count", 12_345_678.0, "12,345,678"),
            ("count", 3.8712, "3.87"),
            ("count", 0.0, "0"),
            ("Gini", 0.3124, "0.312"),
            ("events/s", 11_400_000.0, "11.4 M/s"),
            ("bogomips", 4_321.5, "4,322 bogomips"),
        ] {
            assert_eq!(show(unit, number), text, "{number} {unit}");
        }
        assert_eq!(Scale::milliseconds(102.0).number(102.0), "0.102");
        assert_eq!(Scale::milliseconds(1_234_567.0).number(1_234_567.0), "1,235");
    }

    #[test]
    fn a_share_that_is_not_everything_does_not_look_like_it() {
        assert_eq!(show("ratio", 1.0), "100.00 %");
        assert_eq!(show("ratio", 0.999_99), "99.99 %");
        assert_eq!(show("ratio", 0.999), "99.90 %");
        assert_eq!(show("ratio", 0.0), "0.00 %");
    }

    #[test]
    fn apart_is_in_percent_of_the_reference_and_in_points_for_ratios() {
        assert_eq!(apart("µs", 200.0, 193.0).as_deref(), Some("−3.5 %"));
        assert_eq!(apart("count", 4.0, 4.0).as_deref(), Some("0.0 %"));
        assert_eq!(apart("count", 0.0, 0.0).as_deref(), Some("0.0 %"));
        assert_eq!(apart("count", 1_000.0, 999.999).as_deref(), Some("0.0 %"));
        assert_eq!(apart("ratio", 0.99, 1.0).as_deref(), Some("+1.00 pt"));
        assert_eq!(apart("count", 0.0, 3.0), None);
    }
}
