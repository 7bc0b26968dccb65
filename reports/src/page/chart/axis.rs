//! Axes: where a number lies on one, which numbers are written beside it, and how.
use crate::numbers::Scale;

/// About how many numbers stand beside a linear axis.
const TICKS: f64 = 5.0;

/// Up to so many decades, there are numbers between the powers of ten.
const FEW_DECADES: f64 = 2.3;

/// What lies along one side of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What its numbers are of.
    pub label: String,
    /// Their unit, as in records; empty for none.
    pub unit: &'static str,
    /// How they lie on it.
    pub kind: Kind,
    /// The least number that it must show.
    pub least: Option<f64>,
    /// The largest number that it must show.
    pub most: Option<f64>,
}

/// How numbers lie on an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Equal differences are as long.
    Linear,
    /// Equal ratios are as long.
    Logarithmic,
    /// Shares below 1, of which each further nine is as long: `log 1/(1 − q)`.
    Tail,
    /// Rows with names, counted from 0 at the top.
    Names(Vec<String>),
}

impl Axis {
    /// A linear axis that begins at 0.
    #[must_use]
    pub fn linear(label: impl Into<String>, unit: &'static str) -> Self {
        let (label, least) = (label.into(), Some(0.0));
        Self { label, unit, kind: Kind::Linear, least, most: None }
    }

    /// A logarithmic axis.
    #[must_use]
    pub fn logarithmic(label: impl Into<String>, unit: &'static str) -> Self {
        Self { label: label.into(), unit, kind: Kind::Logarithmic, least: None, most: None }
    }

    /// An axis of quantiles on which the largest have the most room.
    #[must_use]
    pub fn tail(label: impl Into<String>) -> Self {
        Self { label: label.into(), unit: "ratio", kind: Kind::Tail, least: Some(0.0), most: None }
    }

    /// Rows with names.
    #[must_use]
    pub fn names(names: Vec<String>) -> Self {
        let kind = Kind::Names(names);
        Self { label: String::new(), unit: "", kind, least: None, most: None }
    }

    /// The same, from one number to another at least.
    #[must_use]
    pub fn between(self, least: f64, most: f64) -> Self {
        Self { least: Some(least), most: Some(most), ..self }
    }

    /// The same, beginning where the numbers do.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self { least: None, ..self }
    }

    /// A number as a sentence would write it.
    pub(super) fn words(&self, number: f64) -> String {
        match &self.kind {
            Kind::Names(names) => row(number).and_then(|row| names.get(row)).cloned(),
            _ => None,
        }
        .unwrap_or_else(|| {
            let scale = Scale::of(self.unit, number);
            format!("{}{}", scale.number(number), scale.suffix())
        })
    }
}

/// A number beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// Which part of an axis is seen, and the numbers beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extent {
    kind: Kind,
    /// On the axis's own scale.
    low: f64,
    high: f64,
    pub(super) ticks: Vec<Tick>,
    /// The unit of all numbers beside it, where they do not have their own.
    pub(super) unit: String,
}

impl Extent {
    /// The part of this axis on which all these numbers lie.
    pub(super) fn of(axis: &Axis, numbers: impl Iterator<Item = f64>) -> Self {
        let positive = axis.kind == Kind::Logarithmic;
        let numbers = numbers.chain(axis.least).chain(axis.most);
        let numbers = numbers.filter(|it| it.is_finite() && (!positive || *it > 0.0));
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| {
            (low.min(it), high.max(it))
        });
        // A chart of nothing has axes all the same.
        let (low, high) = if low > high { (1.0, 1.0) } else { (low, high) };
        match &axis.kind {
            Kind::Linear => Self::linear(axis, low, high),
            Kind::Logarithmic => Self::logarithmic(axis, low, high),
            Kind::Tail => Self::tail(high),
            Kind::Names(names) => Self::rows(names),
        }
    }

    /// Where a number lies: 0 at the beginning, 1 at the end. What cannot lie on it lies at the
    /// beginning.
    pub(super) fn part(&self, number: f64) -> f64 {
        let scaled = scaled(&self.kind, number);
        if scaled.is_finite() { (scaled - self.low) / (self.high - self.low) } else { 0.0 }
    }

    fn linear(axis: &Axis, low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        let divisor = Scale::of(axis.unit, low.abs().max(high.abs()));
        // Round numbers are round in the unit that is shown.
        let unit = divisor.numbers_in(1.0);
        let mut step = nice((high - low) / unit / TICKS) * unit;
        if axis.unit == "count" && high - low >= 1.0 {
            step = step.max(1.0);
        }
        let begin = if axis.least == Some(low) { low } else { (low / step).floor() * step };
        let end = if axis.most == Some(high) { high } else { (high / step - 1e-9).ceil() * step };
        let first = (begin / step - 1e-9).ceil() as i64;
        let last = (end / step + 1e-9).floor() as i64;
        let decimals = (-(step / unit).log10().floor()).clamp(0.0, 6.0) as usize;
        let scale = divisor.with_decimals(decimals);
        let percent = if scale.suffix() == " %" { " %" } else { "" };
        let tick = |count: i64| {
            let value = count as f64 * step;
            Tick { value, label: scale.number(value) + percent }
        };
        let unit =
            if percent.is_empty() { scale.suffix().trim().to_owned() } else { String::new() };
        Self {
            kind: Kind::Linear,
            low: begin,
            high: end,
            ticks: (first..=last).map(tick).collect(),
            unit,
        }
    }

    /// From one of 1, 2, 5, 10 … to another; each number has its own unit.
    fn logarithmic(axis: &Axis, low: f64, high: f64) -> Self {
        let power = |number: f64| number.log10().floor() as i32;
        let round = |exponent: i32| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(exponent));
        let all: Vec<f64> = (power(low) - 1..=power(high) + 1).flat_map(round).collect();
        let first = all.iter().rposition(|it| *it <= low * (1.0 + 1e-9)).unwrap_or(0);
        let last = all.iter().position(|it| *it >= high * (1.0 - 1e-9)).unwrap_or(all.len() - 1);
        let last = last.max(first + 1).min(all.len() - 1);
        let (low, high) = (all[first].log10(), all[last].log10());
        let is_shown = |value: &&f64| {
            let decade = value.log10();
            high - low <= FEW_DECADES || (decade - decade.round()).abs() < 1e-9
        };
        let tick = |value: &f64| Tick { value: *value, label: rounded(axis.unit, *value) };
        let ticks = all[first..=last].iter().filter(is_shown).map(tick).collect();
        Self { kind: Kind::Logarithmic, low, high, ticks, unit: String::new() }
    }

    fn tail(high: f64) -> Self {
        let high = scaled(&Kind::Tail, high.min(0.999_999)).max(1.0);
        let nines = (1..=(high + 1e-9).floor() as i32).map(|nines| 1.0 - 10_f64.powi(-nines));
        let tick = |value: f64| {
            let decimals = (scaled(&Kind::Tail, value).round() as usize).saturating_sub(2);
            Tick { value, label: format!("{:.decimals$} %", value * 100.0) }
        };
        let ticks = std::iter::once(0.0).chain(nines).map(tick).collect();
        Self { kind: Kind::Tail, low: 0.0, high, ticks, unit: String::new() }
    }

    fn rows(names: &[String]) -> Self {
        let ticks = names.iter().enumerate();
        let ticks = ticks.map(|(row, name)| Tick { value: row as f64, label: name.clone() });
        Self {
            kind: Kind::Names(Vec::new()),
            low: 0.0,
            high: names.len().max(1) as f64,
            ticks: ticks.collect(),
            unit: String::new(),
        }
    }
}

fn row(number: f64) -> Option<usize> {
    (number >= 0.0).then_some(number.round() as usize)
}

fn scaled(kind: &Kind, number: f64) -> f64 {
    match kind {
        Kind::Linear => number,
        Kind::Logarithmic => number.log10(),
        Kind::Tail => -(1.0 - number.min(0.999_999)).log10(),
        Kind::Names(_) => number + 0.5,
    }
}

/// The least of 1, 2, 5, 10 … that is not below this.
fn nice(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let digits = [1.0, 2.0, 5.0, 10.0].into_iter();
    digits.map(|digit| digit * power).find(|it| *it >= least * (1.0 - 1e-9)).unwrap_or(least)
}

/// A round number with its unit and without needless zeros.
fn rounded(unit: &str, number: f64) -> String {
    let scale = Scale::of(unit, number);
    let text = scale.number(number);
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{}", scale.suffix())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ticks(axis: &Axis, low: f64, high: f64) -> (Vec<String>, String) {
        let extent = Extent::of(axis, [low, high].into_iter());
        (extent.ticks.into_iter().map(|tick| tick.label).collect(), extent.unit)
    }

    #[test]
    fn round_numbers_stand_beside_axes_in_the_unit_that_fits() {
        let time = Axis::linear("time", "µs");
        assert_eq!(
            ticks(&time, 0.0, 87_000.0),
            (["0", "20", "40", "60", "80", "100"].map(String::from).to_vec(), "ms".into())
        );
        let share = Axis::linear("share", "ratio").between(0.0, 1.0);
        assert_eq!(ticks(&share, 0.2, 0.5).0, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        let log = Axis::logarithmic("bytes", "B/s");
        assert_eq!(
            ticks(&log, 130.0, 1_900.0).0,
            ["100 B/s", "200 B/s", "500 B/s", "1 kB/s", "2 kB/s"]
        );
        assert_eq!(
            ticks(&log, 1.0, 90_000.0).0,
            ["1 B/s", "10 B/s", "100 B/s", "1 kB/s", "10 kB/s", "100 kB/s"]
        );
        let tail = Axis::tail("quantile");
        assert_eq!(ticks(&tail, 0.0, 0.999).0, ["0 %", "90 %", "99 %", "99.9 %"]);
        let hops = Axis::linear("hops", "count");
        assert_eq!(ticks(&hops, 0.0, 2.0).0, ["0", "1", "2"]);
    }

    proptest! {
        #[test]
        fn every_number_lies_on_its_axis(
            numbers in prop::collection::vec(1e-3f64..1e12, 1..20), log: bool
        ) {
            let axis = if log { Axis::logarithmic("", "B") } else { Axis::linear("", "B") };
            let extent = Extent::of(&axis, numbers.iter().copied());
            for number in &numbers {
                let part = extent.part(*number);
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&part), "{number} at {part}");
            }
            prop_assert!((2..=40).contains(&extent.ticks.len()), "{:?}", extent.ticks);
            prop_assert!(extent.ticks.iter().all(|it| (-1e-9..=1.0 + 1e-9).contains(&extent.part(it.value))));
            prop_assert!(extent.ticks.windows(2).all(|two| two[0].label != two[1].label));
        }
    }
}
