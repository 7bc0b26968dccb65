//! What a verdict says in words: the same on a terminal and in Markdown.
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Case, Gate, Row, Verdict};
use crate::comparison::{Contrast, ContrastScale};
use crate::numbers::{NOT_MEASURED, Scale, signed, signed_with};

/// Below, a probability is only said to be below.
const LEAST_P: f64 = 0.001;

impl Gate {
    /// How many runs are identical, of how many.
    pub(super) fn counts(&self) -> (usize, usize) {
        let sum = |of: fn(&Case) -> usize| self.cases.iter().map(of).sum();
        (sum(|case| case.equal), sum(|case| case.seeds))
    }

    /// What has come out, in a line, without the verdict that it begins with.
    pub(super) fn headline(&self) -> String {
        let (equal, runs) = self.counts();
        if self.verdict == Verdict::Identical {
            return format!("{equal}/{runs} runs");
        }
        let of_worst: Vec<&Case> =
            self.cases.iter().filter(|case| case.verdict == self.verdict).collect();
        let mut scenarios: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for case in of_worst {
            scenarios.entry(&case.name.overlay).or_default().push(&case.name.scenario);
        }
        let cases: Vec<String> = scenarios
            .into_iter()
            .map(|(overlay, scenarios)| format!("{overlay} in {}", scenarios.join(", ")))
            .collect();
        let identical = format!("{equal} of {runs} runs are identical");
        match cases.is_empty() {
            true => identical,
            false => format!("{}; {identical}", cases.join("; ")),
        }
    }

    /// What a person does now.
    pub(super) fn advice(&self) -> &'static str {
        let accept = self.is_baseline;
        match self.verdict {
            Verdict::Identical => "Nothing to do.",
            Verdict::Reshuffled if accept => {
                "Runs went another way, and no figure has shifted. Nothing has to be done; after \
                 `peerbench baseline accept` the next comparison can be exact again."
            }
            Verdict::Reshuffled => {
                "Runs went another way, and no figure has shifted. Nothing has to be done."
            }
            Verdict::Shifted | Verdict::Better if accept => {
                "Keep it by `peerbench baseline accept`, and commit what that rewrites."
            }
            Verdict::Unchanged | Verdict::Shifted | Verdict::Better => "Nothing has to be done.",
            Verdict::New => "What is new cannot be judged. Nothing has to be done.",
            Verdict::Worse if accept => {
                "Mend it. If it is meant, run `peerbench baseline accept`, commit what that rewrites, \
                 and say why in the message."
            }
            Verdict::Worse => "Mend it, or say in the commit's message why it is meant.",
            Verdict::Inconclusive => {
                "There are too few seeds to tell a shift from chance. Measure under more of them."
            }
            Verdict::NoBaseline => "Run `peerbench baseline save`, and commit what that writes.",
            Verdict::NotComparable if accept => {
                "Measure the scenarios of the baselines, by `peerbench gate`. If they were changed on \
                 purpose, run `peerbench baseline accept`, and commit what that rewrites."
            }
            Verdict::NotComparable => "Measure both sides in one scenario, under the same seeds.",
            Verdict::Missing if accept => {
                "Measure all of it. If it was removed on purpose, run `peerbench baseline accept`, and \
                 commit what that removes."
            }
            Verdict::Missing => "Measure all of it on both sides.",
            Verdict::Empty => "Find out why nothing was measured: see what the run said.",
            Verdict::Failed => "Find out why runs failed: see what the run said.",
            Verdict::Invalid => {
                "Nothing that was measured can be trusted. Find what makes two runs of one seed \
                 differ: a clock, an order of hashes, a race."
            }
        }
    }
}

impl Case {
    /// Seeds, and how many of them are identical, unless no runs are compared.
    pub(super) fn runs(&self) -> String {
        format!("{}/{}", self.equal, self.seeds)
    }

    /// The figures that a person should look at, the gravest first.
    pub(super) fn told(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.verdict.is_told()).collect();
        rows.sort_by_key(|row| Reverse(row.verdict));
        rows
    }

    /// The figures that differ without having shifted.
    pub(super) fn reshuffled(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Reshuffled).collect()
    }

    /// The figures that nobody needs to look at, in a line; may be empty.
    pub(super) fn rest(&self) -> String {
        let of = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let parts = [("not shifted", Verdict::Reshuffled), ("equal", Verdict::Identical)];
        let parts = parts.map(|(what, verdict)| (what, of(verdict)));
        let parts = parts.iter().filter(|(_, figures)| *figures > 0);
        let parts: Vec<String> = parts.map(|(what, figures)| format!("{figures} {what}")).collect();
        match parts.is_empty() {
            true => String::new(),
            false => format!("other figures: {}", parts.join(", ")),
        }
    }
}

impl Row {
    /// Both medians in one unit, the base's first.
    pub(super) fn values(&self) -> [String; 2] {
        values(self.unit, self.base, self.head)
    }

    /// By how much it has shifted, with its interval.
    pub(super) fn change(&self) -> String {
        change(self.unit, &self.change, None)
    }

    /// How likely that is by chance; a dash where nothing could be told.
    pub(super) fn chance(&self) -> String {
        match self.verdict {
            Verdict::Inconclusive => NOT_MEASURED.to_owned(),
            _ => chance(self.p),
        }
    }
}

/// Two numbers in one unit.
pub(super) fn values(unit: &str, base: f64, head: f64) -> [String; 2] {
    let larger = base.abs().max(head.abs());
    let scale = Scale::of(unit, larger);
    [base, head].map(|value| {
        let scale = scale.with_digits_for(value);
        scale.number(value) + scale.suffix()
    })
}

/// By how much a figure has changed, with the interval: in percent where it is a ratio, in points
/// where it is of shares. Unless so many decimals are asked for, as many digits as the change needs,
/// which is right where none of them is noise.
pub(super) fn change(unit: &str, change: &Contrast, asked: Option<usize>) -> String {
    let (factor, suffix) = match (change.scale, unit) {
        (ContrastScale::Ratio, _) => (100.0, " %".to_owned()),
        (ContrastScale::Difference, "ratio") => (100.0, " pt".to_owned()),
        (ContrastScale::Difference, "Gini") => (1.0, String::new()),
        (ContrastScale::Difference, unit) => {
            let scale = Scale::of(unit, change.estimate);
            let words = |value| signed_with(&scale, value);
            let suffix = scale.suffix().to_owned();
            return format!("{}{suffix}{}", words(change.estimate), interval(change, words));
        }
    };
    let shift = |value: f64| match change.scale {
        ContrastScale::Ratio => (value - 1.0) * factor,
        ContrastScale::Difference => value * factor,
    };
    let decimals = asked.unwrap_or_else(|| decimals(shift(change.estimate)));
    let words = |value: f64| signed(shift(value), decimals);
    format!("{}{suffix}{}", words(change.estimate), interval(change, words))
}

fn interval(change: &Contrast, words: impl Fn(f64) -> String) -> String {
    let interval = change.interval;
    interval.map(|it| format!(" [{}, {}]", words(it.low), words(it.high))).unwrap_or_default()
}

/// A probability, of which not more is said than matters.
pub(super) fn chance(p: f64) -> String {
    match p {
        p if p < LEAST_P => format!("< {LEAST_P}"),
        p if p >= 1.0 => "1".to_owned(),
        p => format!("{p:.3}"),
    }
}

/// How many decimals show two digits of a number, but at least one of them and at most five.
fn decimals(number: f64) -> usize {
    match number.abs() {
        size if size >= 0.95 || size == 0.0 => 1,
        size => (1.0 - size.log10().floor()).clamp(1.0, 5.0) as usize,
    }
}
