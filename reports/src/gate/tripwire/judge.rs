//! From rounds to verdicts. Pure: no clock, no process; the same trials give the same verdicts.
use std::collections::BTreeMap;

use peerbench_measure::{Better, Status};

use super::figures::{Figure, watched};
use super::{Arm, FEWEST_ROUNDS, Series, Trial, Tripwire, TripwireCase, TripwireRow};
use crate::comparison::{Contrast, ContrastScale, contrast};
use crate::gate::rows::{Bar, LEVEL, median};
use crate::gate::{CaseName, Tolerance, Verdict};
use crate::statistics::{Interval, holm, signed_rank};

/// How many noise floors a change must be, to be told.
const FLOORS: f64 = 3.0;

/// How much of the level the smallest p may use up, so that a round may contradict.
const SPARE: f64 = 4.0;

/// Why something is not told.
const DISAGREES: &str = "a second series did not come to the same";
const UNCONFIRMED: &str = "no second series has looked at it";
const NOISE: &str = "the noise is too large";
const STRADDLES: &str = "the interval reaches across the threshold";
const NOT_IN_HEAD: &str = "the head has not measured it";

/// Where there is nothing to compare.
const NONE: Contrast = Contrast {
    scale: ContrastScale::Difference,
    estimate: 0.0,
    interval: None,
    pairs: 0,
    tie: true,
};

/// Judges series of rounds; those of cases that [`suspects`] has named, by their second series, too.
#[must_use]
pub fn trip(first: &[Series], second: &[Series]) -> Tripwire {
    let mut cases = judged(first);
    let repeated = judged(second);
    for case in &mut cases {
        match repeated.iter().find(|it| it.name == case.name) {
            Some(again) => case.confirm(again),
            None => case.doubt(),
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    let worst = cases.iter().map(|case| case.verdict).max();
    Tripwire { verdict: worst.unwrap_or(Verdict::Empty), cases }
}

/// The cases in which something looks worse, which a second series has to confirm.
#[must_use]
pub fn suspects(first: &[Series]) -> Vec<CaseName> {
    let is_suspect = |case: &TripwireCase| case.verdict == Verdict::Worse;
    judged(first).into_iter().filter(is_suspect).map(|case| case.name).collect()
}

/// How many rounds it takes to tell a change where so many figures are looked at.
pub(super) fn rounds_for(figures: usize) -> u32 {
    let least = |rounds: u32| 2f64.powi(1 - rounds as i32) * figures as f64;
    (1..).find(|rounds| least(*rounds) <= LEVEL / SPARE).unwrap_or(FEWEST_ROUNDS)
}

/// One series each, with what looks worse as worse, for all that is known from one of them.
fn judged(all: &[Series]) -> Vec<TripwireCase> {
    let mut cases: Vec<TripwireCase> = all.iter().map(case).collect();
    correct(&mut cases);
    for case in &mut cases {
        case.rows.iter_mut().for_each(TripwireRow::judge);
        case.conclude();
    }
    cases
}

/// Corrects the probabilities of all figures for all that can be told.
fn correct(cases: &mut [TripwireCase]) {
    let rows = || cases.iter().flat_map(|case| &case.rows);
    let bar = Bar::over(rows().map(|row| row.differing));
    let told: Vec<f64> =
        rows().filter(|row| bar.is_reached_by(row.differing)).map(|row| row.p).collect();
    let mut corrected = holm(&told).into_iter();
    for row in cases.iter_mut().flat_map(|case| &mut case.rows) {
        let can_be_told = bar.is_reached_by(row.differing);
        row.p = if can_be_told { corrected.next().unwrap_or(1.0) } else { 1.0 };
    }
}

/// A case with its figures, none of them judged yet.
fn case(series: &Series) -> TripwireCase {
    let rounds = rounds(&series.trials);
    let (verdict, reason, rows) = match failure(&series.trials) {
        Some(reason) => (Verdict::Failed, reason, Vec::new()),
        None => {
            let rows: Vec<TripwireRow> = watched().filter_map(|it| row(&it, &rounds)).collect();
            match rows.is_empty() {
                true => (Verdict::Empty, "nothing was measured".to_owned(), rows),
                false => (Verdict::Unchanged, String::new(), rows),
            }
        }
    };
    TripwireCase {
        name: series.case.clone(),
        verdict,
        reason,
        rounds: rounds.len(),
        is_repeated: false,
        rows,
    }
}

/// The rounds in which every arm has run.
fn rounds<'a>(trials: &'a [Trial]) -> Vec<[&'a Trial; 3]> {
    let mut rounds: BTreeMap<u32, BTreeMap<Arm, &'a Trial>> = BTreeMap::new();
    for trial in trials {
        rounds.entry(trial.round).or_default().insert(trial.arm, trial);
    }
    let whole = |arms: BTreeMap<Arm, &'a Trial>| {
        let of = |arm| arms.get(&arm).copied();
        Some([of(Arm::Base)?, of(Arm::Head)?, of(Arm::Again)?])
    };
    rounds.into_values().filter_map(whole).collect()
}

fn failure(trials: &[Trial]) -> Option<String> {
    let of = |arms: &[Arm]| {
        let bad = |trial: &&Trial| arms.contains(&trial.arm) && trial.status != Status::Ok;
        trials.iter().filter(bad).collect::<Vec<_>>()
    };
    let tell = |which: &str, bad: &[&Trial]| {
        let status = bad.first()?.status;
        Some(format!("{} of the {which}'s runs ended as {status}", bad.len()))
    };
    tell("head", &of(&[Arm::Head])).or_else(|| tell("base", &of(&[Arm::Base, Arm::Again])))
}

/// A figure, if the base has measured it in any round.
fn row(figure: &Figure, rounds: &[[&Trial; 3]]) -> Option<TripwireRow> {
    let read = |trial: &Trial| trial.figures.get(&figure.name).and_then(|it| it.number());
    let readings: Vec<[Option<f64>; 3]> = rounds.iter().map(|arms| arms.map(read)).collect();
    let measured = |place: usize| readings.iter().filter_map(move |arms| arms[place]);
    let base = median(measured(0).chain(measured(2)))?;
    let whole: Vec<[f64; 3]> =
        readings.iter().filter_map(|arms| Some([arms[0]?, arms[1]?, arms[2]?])).collect();
    let (change, shifts, floor) = change(figure.metric.unit, &whole).unwrap_or((NONE, vec![], 0.0));
    let test = signed_rank(&shifts)?;
    let threshold = match (figure.threshold, change.scale) {
        (Tolerance::Relative(part), ContrastScale::Difference) => part * base.abs(),
        (Tolerance::Relative(size) | Tolerance::Absolute(size), _) => size,
    };
    let lacks = readings.iter().filter(|arms| arms[0].is_some() && arms[1].is_none()).count();
    let is_empty = 2 * lacks > readings.len();
    Some(TripwireRow {
        figure: figure.name.clone(),
        unit: figure.metric.unit,
        better: figure.metric.better,
        threshold,
        bar: threshold.max(size_of(change.scale, FLOORS * floor)),
        floor: size_of(change.scale, floor),
        verdict: if is_empty { Verdict::Empty } else { Verdict::Unchanged },
        reason: if is_empty { NOT_IN_HEAD } else { "" },
        base,
        head: median(measured(1)).unwrap_or_default(),
        change,
        differing: test.pairs,
        p: test.p,
    })
}

/// By how much the head is apart from the base, round by round and over all of them, and how far the
/// base is apart from itself, as shifts.
fn change(unit: &str, rounds: &[[f64; 3]]) -> Option<(Contrast, Vec<f64>, f64)> {
    let is_bounded = matches!(unit, "ratio" | "Gini");
    let is_ratio = !is_bounded && rounds.iter().flatten().all(|reading| *reading > 0.0);
    // Where one of the arms has a 0, all of them are compared by differences, as shares are.
    let unit = if is_ratio { unit } else { "ratio" };
    // Both arms of the base together are less noise than one.
    let middle = |one: f64, other: f64| match is_ratio {
        true => (one * other).sqrt(),
        false => f64::midpoint(one, other),
    };
    let pairs: Vec<(f64, f64)> =
        rounds.iter().map(|[base, head, again]| (middle(*base, *again), *head)).collect();
    let selves: Vec<(f64, f64)> = rounds.iter().map(|[base, _, again]| (*base, *again)).collect();
    let (change, own) = (contrast(unit, &pairs)?, contrast(unit, &selves)?);
    let shift = |(base, head): &(f64, f64)| match change.scale {
        ContrastScale::Ratio => (head / base).ln(),
        ContrastScale::Difference => head - base,
    };
    let shifts = pairs.iter().map(shift).collect();
    Some((change, shifts, floor(&own)))
}

/// How far a program may seem to have changed against itself, as a shift: by the estimate, or by its
/// standard error where that is more, for an estimate may be near none by luck. An interval of 95 % is
/// four of them wide.
fn floor(own: &Contrast) -> f64 {
    let shift = |value| shift_of(own.scale, value);
    let error = own.interval.map_or(0.0, |it| (shift(it.high) - shift(it.low)) / 4.0);
    shift(own.estimate).abs().max(error)
}

/// What a contrast of this size is on the scale on which changes add up.
fn shift_of(scale: ContrastScale, value: f64) -> f64 {
    match scale {
        ContrastScale::Ratio => value.ln(),
        ContrastScale::Difference => value,
    }
}

/// The other way round, less none: the part by which something has grown, or the difference.
fn size_of(scale: ContrastScale, shift: f64) -> f64 {
    match scale {
        ContrastScale::Ratio => shift.exp_m1(),
        ContrastScale::Difference => shift,
    }
}

impl TripwireRow {
    /// What one series says, which is not the last word on what looks worse.
    fn judge(&mut self) {
        if self.verdict == Verdict::Empty {
            return;
        }
        (self.verdict, self.reason) = match self.change.interval {
            Some(interval) if self.change.pairs >= FEWEST_ROUNDS as usize => {
                self.judge_by(interval)
            }
            _ => (Verdict::Inconclusive, "too few rounds"),
        };
    }

    fn judge_by(&self, interval: Interval) -> (Verdict, &'static str) {
        let scale = self.change.scale;
        let [low, high] = [interval.low, interval.high].map(|end| shift_of(scale, end));
        // The end that is nearer to no change, seen from where figures become worse, or better.
        let (worse, better) = match self.better {
            Better::Higher => (-high, low),
            Better::Lower | Better::Neither => (low, -high),
        };
        let as_shift = |size: f64| match scale {
            ContrastScale::Ratio => size.ln_1p(),
            ContrastScale::Difference => size,
        };
        let (bar, threshold) = (as_shift(self.bar), as_shift(self.threshold));
        match self.p <= LEVEL {
            true if worse > bar => (Verdict::Worse, ""),
            true if better > bar => (Verdict::Better, ""),
            _ if -threshold < low && high < threshold => (Verdict::Unchanged, ""),
            _ if self.bar > self.threshold => (Verdict::Inconclusive, NOISE),
            _ => (Verdict::Inconclusive, STRADDLES),
        }
    }
}

impl TripwireCase {
    /// Keeps as worse only what a second series has found, too.
    fn confirm(&mut self, again: &Self) {
        self.is_repeated = true;
        if !again.verdict.is_compared() {
            (self.verdict, self.reason) = (again.verdict, again.reason.clone());
            return;
        }
        let agrees = |row: &TripwireRow| {
            let same = again.rows.iter().find(|it| it.figure == row.figure);
            same.is_some_and(|it| it.verdict == Verdict::Worse)
        };
        for row in self.rows.iter_mut().filter(|row| row.verdict == Verdict::Worse) {
            if !agrees(row) {
                (row.verdict, row.reason) = (Verdict::Inconclusive, DISAGREES);
            }
        }
        self.conclude();
    }

    /// Takes nothing for worse that no second series has looked at.
    fn doubt(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.verdict == Verdict::Worse) {
            (row.verdict, row.reason) = (Verdict::Inconclusive, UNCONFIRMED);
        }
        self.conclude();
    }

    fn conclude(&mut self) {
        if let Some(worst) = self.rows.iter().map(|row| row.verdict).max() {
            self.verdict = worst;
        }
    }
}
