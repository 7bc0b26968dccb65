//! Case by case: whether two sides can be compared, and what comes of it.
use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Draft, drafts, judged};
use super::side::Measured;
use super::{Case, CaseName, Gate, Row, Side, Verdict, seeds_in_words};

/// Judges what the head has measured by what the base has.
#[must_use]
pub fn judge(base: &Side, head: &Side) -> Gate {
    let names: BTreeSet<&CaseName> = base.cases.keys().chain(head.cases.keys()).collect();
    let outcomes: Vec<(&CaseName, Outcome)> =
        names.into_iter().map(|name| (name, outcome(base, head, name))).collect();
    let mut compared: BTreeMap<&CaseName, (usize, Vec<Draft>)> = BTreeMap::new();
    let mut cases: BTreeMap<&CaseName, Case> = BTreeMap::new();
    for (name, outcome) in outcomes {
        let seeds = seeds(base, head, name);
        let equal = equal(base, head, name);
        let case = |verdict, reason| Case {
            name: name.clone(),
            verdict,
            reason,
            seeds,
            equal,
            rows: Vec::new(),
        };
        match outcome {
            Outcome::Compared(drafts) => {
                compared.insert(name, (seeds, drafts));
                cases.insert(name, case(Verdict::Identical, String::new()));
            }
            Outcome::Refused(verdict, reason) => {
                cases.insert(name, case(verdict, reason));
            }
        }
    }
    let (names, drafts): (Vec<_>, Vec<_>) = compared.into_iter().unzip();
    for (name, rows) in names.into_iter().zip(judged(drafts)) {
        if let Some(case) = cases.get_mut(name) {
            case.judge(rows);
        }
    }
    let cases: Vec<Case> = cases.into_values().collect();
    Gate {
        base: base.name.clone(),
        head: head.name.clone(),
        verdict: overall(base, head, &cases),
        notes: notes(base, head),
        is_baseline: base.is_baseline,
        cases,
    }
}

/// What can be made of a case.
enum Outcome {
    Compared(Vec<Draft>),
    Refused(Verdict, String),
}

fn outcome(base: &Side, head: &Side, name: &CaseName) -> Outcome {
    let refused = |verdict, reason: String| Outcome::Refused(verdict, reason);
    let (before, after) = match (base.cases.get(name), head.cases.get(name)) {
        (Some(before), Some(after)) => (before, after),
        (None, _) if let Some(nodes) = other_size(base, head, name) => {
            return refused(Verdict::NotComparable, format!("the base has it with {nodes} nodes"));
        }
        (_, None) if let Some(nodes) = other_size(head, base, name) => {
            return refused(Verdict::NotComparable, format!("the head has it with {nodes} nodes"));
        }
        (None, _) if base.is_baseline => {
            return refused(Verdict::NoBaseline, "nobody has accepted figures of it".to_owned());
        }
        (None, _) => return refused(Verdict::New, "only the head has it".to_owned()),
        (_, None) if head.is_empty() && head.is_whole => {
            return refused(Verdict::Empty, "the head has measured nothing".to_owned());
        }
        (_, None) if !head.is_whole => {
            let reason = "the head's run did not end well, and has nothing of it";
            return refused(Verdict::Failed, reason.to_owned());
        }
        (_, None) => return refused(Verdict::Missing, "only the base has it".to_owned()),
    };
    let sides = [("base", base, before), ("head", head, after)];
    let first = |find: &dyn Fn(&str, &Side, &Measured) -> Option<String>| {
        sides.iter().find_map(|(which, side, measured)| find(which, side, measured))
    };
    if let Some(reason) = first(&|which, _, measured| contradiction(which, measured)) {
        return refused(Verdict::Invalid, reason);
    }
    if let Some(reason) = first(&|which, _, measured| failure(which, measured)) {
        return refused(Verdict::Failed, reason);
    }
    let worlds_apart = base.worlds_apart(head, name);
    if !worlds_apart.is_empty() {
        return refused(Verdict::NotComparable, worlds_apart.join("; "));
    }
    if let Some((verdict, reason)) = other_seeds(base, head, before, after) {
        return refused(verdict, reason);
    }
    if before.has_figures() && !after.has_figures() {
        return refused(Verdict::Empty, "the head has measured nothing in it".to_owned());
    }
    Outcome::Compared(drafts(before, after))
}

/// With how many nodes this side has the same overlay in a scenario of the same name, which the other
/// side has not.
fn other_size(side: &Side, other: &Side, name: &CaseName) -> Option<u32> {
    let is_it = |it: &&CaseName| it.overlay == name.overlay && it.scenario == name.scenario;
    let found = side.cases.keys().filter(is_it).find(|it| !other.cases.contains_key(it))?;
    Some(found.nodes)
}

fn contradiction(which: &str, measured: &Measured) -> Option<String> {
    let seeds = measured.contradictory();
    let reason =
        || format!("{} gave different traces in the {which}", seeds_in_words(seeds.clone()));
    (!seeds.is_empty()).then(reason)
}

fn failure(which: &str, measured: &Measured) -> Option<String> {
    let failed = measured.failed();
    let (_, status) = failed.first()?;
    let seeds = seeds_in_words(failed.iter().map(|(seed, _)| *seed));
    Some(format!("{seeds} of the {which}: {status}"))
}

/// Why both sides are not of the same seeds.
fn other_seeds(
    base: &Side,
    head: &Side,
    before: &Measured,
    after: &Measured,
) -> Option<(Verdict, String)> {
    let (one, other) = (before.seeds(), after.seeds());
    if one == other {
        return None;
    }
    // A run that did not end well lacks what it did not come to.
    let lacking = |which: &str, side: &Side, own: &BTreeSet<u64>, all: &BTreeSet<u64>| {
        let lacks: Vec<u64> = all.difference(own).copied().collect();
        let reason = format!("the {which} has no run of {}", seeds_in_words(lacks.clone()));
        (!side.is_whole && !lacks.is_empty()).then_some((Verdict::Failed, reason))
    };
    lacking("head", head, &other, &one).or_else(|| lacking("base", base, &one, &other)).or_else(
        || {
            let reason = format!("{} against {}", seeds_in_words(one), seeds_in_words(other));
            Some((Verdict::NotComparable, reason))
        },
    )
}

fn seeds(base: &Side, head: &Side, name: &CaseName) -> usize {
    let seeds = |side: &Side| side.cases.get(name).map_or(0, |measured| measured.runs.len());
    seeds(base).max(seeds(head))
}

/// Under how many seeds both traces are equal.
fn equal(base: &Side, head: &Side, name: &CaseName) -> usize {
    let (Some(before), Some(after)) = (base.cases.get(name), head.cases.get(name)) else {
        return 0;
    };
    let is_equal = |seed: &u64| {
        let trace = |side: &Measured| side.run(*seed).and_then(|run| run.trace.clone());
        trace(before).is_some() && trace(before) == trace(after)
    };
    before.seeds().iter().filter(|seed| is_equal(seed)).count()
}

fn overall(base: &Side, head: &Side, cases: &[Case]) -> Verdict {
    let nothing = match (base.is_empty(), head.is_empty()) {
        (_, true) => Verdict::Empty,
        (true, false) => Verdict::NoBaseline,
        (false, false) => Verdict::Identical,
    };
    let unfinished = if head.is_whole { nothing } else { Verdict::Failed };
    let worst = cases.iter().map(|case| case.verdict).max();
    worst.unwrap_or(nothing).max(nothing).max(unfinished)
}

fn notes(base: &Side, head: &Side) -> Vec<String> {
    let mut notes = Vec::new();
    for (which, side) in [("base", base), ("head", head)] {
        if !side.is_whole {
            notes.push(format!("the run of the {which} did not end well"));
        }
    }
    let apart = base.settings_apart(head);
    notes.extend(apart.into_iter().map(|field| format!("settings differ: {field}")));
    match base.noisy + head.noisy {
        0 => {}
        runs => notes.push(format!(
            "{runs} runs on the testbed are not judged: stored at another time, they are noise"
        )),
    }
    notes
}

impl Case {
    fn judge(&mut self, rows: Vec<Row>) {
        let worst = rows.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Identical);
        self.verdict = match self.equal == self.seeds {
            true if worst != Verdict::Identical => {
                let what = "figures differ where traces are equal";
                self.reason = format!("{what}: what is measured has changed, not what happened");
                worst
            }
            true => Verdict::Identical,
            false => worst.max(Verdict::Reshuffled),
        };
        self.rows = rows;
    }
}
