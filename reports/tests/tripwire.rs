//! That the tripwire neither cries wolf nor sleeps: synthetic rounds with the noise of a machine on
//! which other things run, with changes of known size; and what a person sees of it.
use std::collections::BTreeMap;

use overlay_core::{Purpose, Random};
use peerbench_measure::{Reading, Status};
use peerbench_reports::gate::tripwire::{Arm, Series, Trial, Tripwire, rounds, suspects, trip};
use peerbench_reports::gate::{CaseName, Refusal, Regression, Verdict};

const LATENCY: &str = "lookup_latency_us_p50";
const PROCESSOR: &str = "cost_cpu_ms_per_second_mean";
const BYTES: &str = "bandwidth_wire_sent_mean";
const CORRECT: &str = "lookup_correct_ratio";

/// A machine: what its noise does to the figures, run after run.
struct Machine {
    random: Random,
    /// How busy it is otherwise, which changes slowly from run to run.
    load: f64,
    /// By how much it becomes slower from run to run, such as by heat.
    drift: f64,
    runs: u32,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let mut random = Random::stream(seed, Purpose::Workload, 7);
        let drift = 0.01 * (random.unit() - 0.5);
        Self { random, load: 0.0, drift, runs: 0 }
    }

    /// Nearly normal, of deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.unit()).sum::<f64>() - 6.0
    }

    /// The logarithm of how much slower this run is than one on an idle machine.
    fn slowness(&mut self) -> f64 {
        self.runs += 1;
        // Autocorrelated: what else runs now will mostly run a few seconds later, too.
        self.load = 0.8 * self.load + 0.04 * self.normal();
        let outlier = match self.random.unit() < 0.03 {
            true => 0.3 + 0.7 * self.random.unit(),
            false => 0.0,
        };
        self.load + self.drift * f64::from(self.runs) + outlier
    }

    /// A run: slowness shows whole in latency, less in processor time, not in bytes.
    fn run(&mut self, round: u32, arm: Arm, change: &BTreeMap<&str, f64>) -> Trial {
        let slowness = self.slowness();
        let factor = |figure: &str| match arm {
            Arm::Head => change.get(figure).copied().unwrap_or(1.0),
            Arm::Base | Arm::Again => 1.0,
        };
        let latency = 300.0 * (slowness + 0.03 * self.normal()).exp() * factor(LATENCY);
        let processor = 4.6 * (0.4 * slowness + 0.015 * self.normal()).exp() * factor(PROCESSOR);
        let bytes = 1_800.0 * (0.004 * self.normal()).exp() * factor(BYTES);
        let correct = if self.random.unit() < 0.1 { 0.998_75 } else { 1.0 } * factor(CORRECT);
        let figures =
            [(LATENCY, latency), (PROCESSOR, processor), (BYTES, bytes), (CORRECT, correct)];
        let figures = figures.map(|(name, it)| (name.to_owned(), Reading::Measured(it))).into();
        Trial { round, arm, status: Status::Ok, figures }
    }
}

fn case(overlay: &str) -> CaseName {
    CaseName { overlay: overlay.into(), scenario: "tripwire".into(), nodes: 16 }
}

fn series(machine: &mut Machine, change: &BTreeMap<&str, f64>) -> Series {
    let mut trials = Vec::new();
    for round in 0..rounds(1) {
        trials.extend(Arm::order(round).map(|arm| machine.run(round, arm, change)));
    }
    Series { case: case("chord"), trials }
}

/// A whole comparison, with the second series if the first has a suspicion.
fn compared(seed: u64, change: &[(&'static str, f64)]) -> Tripwire {
    let (mut machine, change) = (Machine::new(seed), change.iter().copied().collect());
    let first = [series(&mut machine, &change)];
    let second = match suspects(&first).is_empty() {
        true => Vec::new(),
        false => vec![series(&mut machine, &change)],
    };
    trip(&first, &second)
}

/// How many of these comparisons come to this verdict of this figure.
fn count(comparisons: u64, change: &[(&'static str, f64)], figure: &str, verdict: Verdict) -> u64 {
    let is_it = |seed: &u64| {
        let tripwire = compared(*seed, change);
        let mut rows = tripwire.cases[0].rows.iter();
        rows.any(|row| row.figure == figure && row.verdict == verdict)
    };
    (1..=comparisons).filter(is_it).count() as u64
}

#[test]
fn a_thousand_comparisons_of_a_program_with_itself_have_no_false_alarm() {
    let verdicts: Vec<Verdict> = (1..=1_000).map(|seed| compared(seed, &[]).verdict).collect();
    let of = |verdict| verdicts.iter().filter(|it| **it == verdict).count();
    assert_eq!(of(Verdict::Worse), 0);
    assert_eq!(of(Verdict::Better), 0);
    assert!(of(Verdict::Unchanged) > 800, "most are told: {}", of(Verdict::Unchanged));
}

#[test]
fn twenty_five_percent_more_processor_time_are_found_in_nearly_all() {
    for (factor, least) in [(1.2, 90), (1.25, 97), (1.3, 98)] {
        let found = count(100, &[(PROCESSOR, factor)], PROCESSOR, Verdict::Worse);
        assert!(found >= least, "{factor}: {found} of 100");
    }
}

#[test]
fn half_as_much_latency_again_is_found_in_most() {
    let found = count(100, &[(LATENCY, 1.5)], LATENCY, Verdict::Worse);
    assert!(found >= 90, "{found} of 100");
}

#[test]
fn more_bytes_and_fewer_correct_answers_are_found() {
    assert_eq!(count(100, &[(BYTES, 1.15)], BYTES, Verdict::Worse), 100);
    assert_eq!(count(100, &[(CORRECT, 0.95)], CORRECT, Verdict::Worse), 100);
}

#[test]
fn five_percent_are_never_worse() {
    for figure in [LATENCY, PROCESSOR, BYTES] {
        assert_eq!(count(100, &[(figure, 1.05)], figure, Verdict::Worse), 0, "{figure}");
    }
}

#[test]
fn what_is_faster_is_better_and_not_worse() {
    let found = count(100, &[(PROCESSOR, 0.7)], PROCESSOR, Verdict::Better);
    assert!(found >= 95, "{found} of 100");
}

/// Rounds without any noise, with the head's latency this many times the base's in each.
fn quiet(rounds: u32, factor: f64) -> Series {
    let trial = |round, arm| {
        let factor = if arm == Arm::Head { factor } else { 1.0 };
        let wobble = 1.0 + 0.001 * f64::from(round);
        let figures = [(LATENCY, 300.0 * factor * wobble), (PROCESSOR, 4.6), (CORRECT, 1.0)];
        let figures = figures.map(|(name, it)| (name.to_owned(), Reading::Measured(it))).into();
        Trial { round, arm, status: Status::Ok, figures }
    };
    let trials = (0..rounds).flat_map(|round| Arm::order(round).map(|arm| trial(round, arm)));
    Series { case: case("chord"), trials: trials.collect() }
}

fn verdict_of(first: Series, second: Option<Series>) -> (Verdict, &'static str) {
    let second: Vec<Series> = second.into_iter().collect();
    let case = &trip(&[first], &second).cases[0];
    let row = case.rows.iter().find(|row| row.figure == LATENCY);
    row.map_or((case.verdict, ""), |row| (row.verdict, row.reason))
}

#[test]
fn each_of_the_four_conditions_is_needed() {
    let (worse, inconclusive) = (Verdict::Worse, Verdict::Inconclusive);
    assert_eq!(verdict_of(quiet(12, 1.3), Some(quiet(12, 1.3))), (worse, ""));
    let disagrees = verdict_of(quiet(12, 1.3), Some(quiet(12, 1.0)));
    assert_eq!(disagrees, (inconclusive, "a second series did not come to the same"));
    let alone = verdict_of(quiet(12, 1.3), None);
    assert_eq!(alone, (inconclusive, "no second series has looked at it"));
    let few = verdict_of(quiet(11, 1.3), None);
    assert_eq!(few, (inconclusive, "too few rounds"));
    assert_eq!(verdict_of(quiet(12, 1.19), None).0, Verdict::Unchanged);
    let mut noisy = quiet(12, 1.3);
    for (place, trial) in noisy.trials.iter_mut().filter(|it| it.arm == Arm::Again).enumerate() {
        let factor = if place % 2 == 0 { 1.25 } else { 0.8 };
        let latency = trial.figures[LATENCY].number().expect("it is measured");
        trial.figures.insert(LATENCY.to_owned(), Reading::Measured(latency * factor));
    }
    assert_eq!(verdict_of(noisy, None), (inconclusive, "the noise is too large"));
}

#[test]
fn what_fails_or_is_not_measured_is_never_well() {
    let mut failed = quiet(12, 1.0);
    failed.trials[4].status = Status::Timeout;
    assert_eq!(trip(&[failed], &[]).verdict, Verdict::Failed);
    let mut lost = quiet(12, 1.0);
    lost.trials[4] = Trial::new(1, Arm::Head, None);
    assert_eq!(trip(&[lost], &[]).verdict, Verdict::Failed);
    let mut blank = quiet(12, 1.0);
    blank.trials.iter_mut().for_each(|trial| trial.figures.clear());
    assert_eq!(trip(&[blank], &[]).verdict, Verdict::Empty);
    let mut silent = quiet(12, 1.0);
    for trial in silent.trials.iter_mut().filter(|trial| trial.arm == Arm::Head) {
        trial.figures.insert(LATENCY.to_owned(), Reading::NotMeasured);
    }
    assert_eq!(verdict_of(silent, None), (Verdict::Empty, "the head has not measured it"));
    assert_eq!(trip(&[], &[]).verdict, Verdict::Empty);
}

#[test]
fn what_a_person_sees() {
    let mut noisy = Machine::new(3);
    let nothing = BTreeMap::new();
    let change = [(PROCESSOR, 1.27)].into();
    let mut slow = Machine::new(1);
    let of = |overlay: &str, series: Series| Series { case: case(overlay), ..series };
    let first =
        [of("chord", series(&mut slow, &change)), of("tracker", series(&mut noisy, &nothing))];
    let second = [of("chord", series(&mut slow, &change))];
    let regression = Regression {
        base: "1142290 Before".into(),
        head: "922a42f After".into(),
        notes: vec!["something to know".into()],
        gate: None,
        tripwire: Some(trip(&first, &second)),
        refusal: None,
    };
    insta::assert_snapshot!("terminal", regression.terminal(100, false));
    insta::assert_snapshot!("markdown", regression.markdown());
    let nothing = Regression { tripwire: None, ..regression };
    insta::assert_snapshot!("same_sources", nothing.terminal(100, false));
    insta::assert_snapshot!("same_sources_markdown", nothing.markdown());
    let refusal = Some(Refusal {
        verdict: Verdict::NotComparable,
        reason: "the base does not build".into(),
        said: "error: expected `;`".into(),
    });
    let refused = Regression { refusal, ..nothing };
    insta::assert_snapshot!("refused", refused.terminal(100, false));
    insta::assert_snapshot!("refused_markdown", refused.markdown());
}

#[test]
fn a_figure_that_has_become_nothing_is_a_difference() {
    let mut silent = quiet(12, 1.0);
    for trial in silent.trials.iter_mut().filter(|trial| trial.arm == Arm::Head) {
        trial.figures.insert(LATENCY.to_owned(), Reading::Measured(0.0));
    }
    assert_eq!(verdict_of(silent, None), (Verdict::Better, ""));
}
