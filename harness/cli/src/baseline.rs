//! `peerbench baseline`: the figures that somebody has accepted, committed as files that a person
//! can review; and the scenarios that they are measured in.
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use peerbench_measure::{Driver, RunFolder, Setup, Status};
use peerbench_reports::gate::{Baseline, BaselineError, CaseName, Gate, Side, judge, list};
use peerbench_scenario::{Document, Scenario};

use crate::arguments::{Baseline as Verb, BaselineRun, BaselineScope};
use crate::bench::{finish, open_folder, run_again};
use crate::config::{Chosen, complete};
use crate::failure::{FAILED, Failure, INTERRUPTED, NOT_COMPARABLE};
use crate::grid::{self, Cell};
use crate::overlays::{Entry, OVERLAYS, find};
use crate::progress::Shown;
use crate::selection::open;
use crate::show::{print, print_line, terminal};

/// The seeds of baselines. A shift under all of sixteen is told from chance where up to 327 figures are
/// looked at, and overlays by scenarios are nearly as many; of twenty, one or two may dissent.
pub(crate) const SEEDS: RangeInclusive<u64> = 1..=20;

macro_rules! worlds {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../reports/baselines/worlds/", $name, ".yaml")),
        )),*]
    };
}

/// The scenarios of the baselines. Every overlay is measured in each: small ones, which together take
/// seconds.
pub(crate) const WORLDS: &[(&str, &str)] =
    worlds!["steady", "failures", "churn", "freeloaders", "swarm"];

/// What was measured for a comparison.
pub(crate) struct Measured {
    pub(crate) folder: RunFolder,
    pub(crate) outcome: Status,
}

/// `peerbench baseline …`.
pub(crate) fn run(verb: &Verb, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Save(scope) => save(scope, stop),
        Verb::Accept(run) => accept(run, stop),
        Verb::Show(scope) => show(scope),
        Verb::Diff(run) => diff(run, stop),
    }
}

/// Measures these overlays, or all, in the scenarios of the baselines as these assignments change
/// them.
pub(crate) fn measure(
    overlays: &[String],
    assignments: &[String],
    runs: &Path,
    stop: &AtomicBool,
) -> Result<Measured, Failure> {
    let entries = entries(overlays)?;
    let mut cells = Vec::new();
    for (name, text) in WORLDS {
        for entry in &entries {
            cells.push(cell(name, text, entry, assignments)?);
        }
    }
    measure_cells(&cells, runs, stop)
}

fn measure_cells(cells: &[Cell], runs: &Path, stop: &AtomicBool) -> Result<Measured, Failure> {
    let mut folder = create_folder(runs, cells)?;
    let outcome = grid::run(cells, Driver::Simulator, &mut folder, &Shown::new(), stop);
    let outcome = finish(&mut folder, outcome);
    Ok(Measured { folder, outcome })
}

/// An overlay in a scenario. What is measured is compared to what was measured by another version of
/// the program, perhaps with other settings of the overlay: so these, and what is only for people, are
/// no part of what a record calls the scenario.
fn cell(
    name: &str,
    text: &str,
    entry: &'static Entry,
    assignments: &[String],
) -> Result<Cell, Failure> {
    let mut document = Document::parse(&format!("the baselines' scenario {name}"), text)?;
    for assignment in assignments {
        document.set(assignment)?;
    }
    let Chosen { document, mut scenario } = complete(document, &[entry])?;
    scenario.overlays.clear();
    scenario.description.clear();
    scenario.seeds = SEEDS.collect();
    // Once more, to see whether a seed gives the same run again.
    scenario.seeds.push(*SEEDS.start());
    let label = format!("{} in {}", entry.name, scenario.name);
    Ok(Cell { label, entry, document, scenario })
}

fn entries(overlays: &[String]) -> Result<Vec<&'static Entry>, Failure> {
    match overlays {
        [] => Ok(OVERLAYS.iter().collect()),
        named => named.iter().map(|name| find(name)).collect(),
    }
}

fn create_folder(runs: &Path, cells: &[Cell]) -> Result<RunFolder, Failure> {
    let command_line: Vec<String> = std::env::args().collect();
    let mut overlays: Vec<String> = cells.iter().map(|cell| cell.entry.name.to_owned()).collect();
    overlays.sort_unstable();
    overlays.dedup();
    let texts: Vec<String> = WORLDS.iter().map(|(_, text)| format!("---\n{text}")).collect();
    let setup = Setup {
        overlays,
        scenario: "baselines".to_owned(),
        scenario_yaml: texts.concat(),
        scenario_digest: Scenario::digest_of_all(cells.iter().map(|cell| &cell.scenario)),
        run_again: run_again(&command_line),
        command_line,
    };
    open_folder(runs, setup)
}

fn save(scope: &BaselineScope, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let known: Vec<CaseName> =
        Baseline::read_all(&scope.baselines)?.iter().map(Baseline::name).collect();
    let mut cells = Vec::new();
    for (name, text) in WORLDS {
        for entry in entries(&scope.overlays)? {
            let cell = cell(name, text, entry, &[])?;
            if !known.contains(&case(&cell)) {
                cells.push(cell);
            }
        }
    }
    if cells.is_empty() {
        let folder = scope.baselines.display();
        print_line(format_args!(
            "everything has a baseline in {folder}; `peerbench baseline accept` changes them"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let Measured { folder, outcome } = measure_cells(&cells, &scope.reports, stop)?;
    if let Some(code) = unfinished(outcome) {
        return Ok(code);
    }
    store(&Baseline::all_of(&Side::of_run(&folder))?, &scope.baselines)?;
    Ok(ExitCode::SUCCESS)
}

fn accept(run: &BaselineRun, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let scope = &run.scope;
    let before = match Baseline::read_all(&scope.baselines) {
        Ok(before) => before,
        // What cannot be compared is replaced all the same: that is what was asked for.
        Err(error @ (BaselineError::Schema { .. } | BaselineError::Malformed { .. })) => {
            eprintln!("warning: {error}");
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let Some(mut head) = head(run, stop)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    if !scope.overlays.is_empty() {
        head.keep_overlays(&scope.overlays);
    }
    let accepted = Baseline::all_of(&head)?;
    if accepted.is_empty() {
        let message = format!("{} has nothing that could be accepted", head.name);
        return Err(Failure::Usage(message));
    }
    print_difference(&compare(scope, &before, &head));
    store(&accepted, &scope.baselines)?;
    // A case that there is no more; of overlays that were not meant, nothing is known.
    let is_meant =
        |it: &&Baseline| scope.overlays.is_empty() || scope.overlays.contains(&it.overlay);
    for gone in before.iter().filter(is_meant) {
        if !accepted.iter().any(|it| it.file_name() == gone.file_name()) {
            let path = scope.baselines.join(gone.file_name());
            std::fs::remove_file(&path).map_err(|source| Failure::File {
                what: "cannot remove",
                path: path.display().to_string(),
                source,
            })?;
            print_line(format_args!("removed {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(run: &BaselineRun, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let before = Baseline::read_all(&run.scope.baselines)?;
    if before.is_empty() {
        return Err(Failure::NoBaselines(run.scope.baselines.display().to_string()));
    }
    let Some(head) = head(run, stop)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    print_difference(&compare(&run.scope, &before, &head));
    Ok(ExitCode::SUCCESS)
}

fn show(scope: &BaselineScope) -> Result<ExitCode, Failure> {
    let entries = entries(&scope.overlays)?;
    let mut baselines = Baseline::read_all(&scope.baselines)?;
    baselines.retain(|it| {
        scope.overlays.is_empty() || entries.iter().any(|entry| entry.name == it.overlay)
    });
    if baselines.is_empty() {
        eprintln!("{}", Failure::NoBaselines(scope.baselines.display().to_string()));
        return Ok(ExitCode::from(NOT_COMPARABLE));
    }
    let (width, colour) = terminal();
    print(list(&baselines, width, colour));
    Ok(ExitCode::SUCCESS)
}

/// What is held against the baselines: a stored run, or what is measured now; `None` if somebody
/// has interrupted that.
fn head(run: &BaselineRun, stop: &AtomicBool) -> Result<Option<Side>, Failure> {
    let BaselineRun { from, scope } = run;
    if let Some(from) = from {
        return Ok(Some(Side::of_run(&open(from, &scope.reports)?)));
    }
    let Measured { folder, outcome } = measure(&scope.overlays, &[], &scope.reports, stop)?;
    if outcome == Status::Interrupted {
        eprintln!("interrupted: the baselines are as they were");
        return Ok(None);
    }
    Ok(Some(Side::of_run(&folder)))
}

fn compare(scope: &BaselineScope, before: &[Baseline], head: &Side) -> Gate {
    let mut base = Side::of_baselines(&scope.baselines.display().to_string(), before);
    let mut head = head.clone();
    if !scope.overlays.is_empty() {
        base.keep_overlays(&scope.overlays);
        head.keep_overlays(&scope.overlays);
    }
    judge(&base, &head)
}

fn print_difference(gate: &Gate) {
    let (width, colour) = terminal();
    print(gate.terminal(width, colour));
}

fn store(baselines: &[Baseline], folder: &Path) -> Result<(), Failure> {
    let mut same = 0;
    for baseline in baselines {
        match baseline.store(folder)? {
            true => same += 1,
            false => {
                print_line(format_args!("wrote {}", folder.join(baseline.file_name()).display()));
            }
        }
    }
    if same > 0 {
        print_line(format_args!("{same} of {} baselines are as they were", baselines.len()));
    }
    Ok(())
}

/// The exit code where not everything was measured.
fn unfinished(outcome: Status) -> Option<ExitCode> {
    let code = match outcome {
        Status::Ok => return None,
        Status::Interrupted => INTERRUPTED,
        Status::Failed | Status::Timeout => FAILED,
    };
    eprintln!("not everything was measured: the baselines are as they were");
    Some(ExitCode::from(code))
}

fn case(cell: &Cell) -> CaseName {
    CaseName {
        overlay: cell.entry.name.to_owned(),
        scenario: cell.scenario.name.clone(),
        nodes: cell.scenario.nodes,
    }
}

#[cfg(test)]
mod tests {
    use peerbench_measure::Reading;

    use super::*;

    #[test]
    fn every_overlay_can_be_measured_in_every_world_under_its_own_name() {
        for (name, text) in WORLDS {
            for entry in OVERLAYS {
                let cell = cell(name, text, entry, &[])
                    .unwrap_or_else(|failure| panic!("{name}, {}: {failure}", entry.name));
                assert_eq!(cell.scenario.name, *name);
                assert!(cell.document.scenario().is_ok_and(|it| !it.description.is_empty()));
            }
        }
    }

    #[test]
    fn an_overlays_settings_are_no_part_of_the_world_and_the_worlds_fields_are() {
        let (name, text) = WORLDS[0];
        let digest = |assignments: &[&str]| {
            let assignments: Vec<String> = assignments.iter().map(ToString::to_string).collect();
            let entry = find("chord").expect("it is in the table");
            cell(name, text, entry, &assignments).expect("it is sound").scenario.digest()
        };
        assert_eq!(digest(&[]), digest(&["overlays.chord.successors=4", "description=other"]));
        assert_ne!(digest(&[]), digest(&["nodes=63"]));
    }

    fn committed() -> Vec<Baseline> {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports/baselines"));
        Baseline::read_all(folder).expect("what is committed reads")
    }

    #[test]
    fn the_committed_baselines_are_of_every_overlay_in_every_world_as_it_is() {
        let committed = committed();
        let mut worlds = 0;
        for (name, text) in WORLDS {
            for entry in OVERLAYS {
                let cell = cell(name, text, entry, &[]).expect("a test has read it");
                let found = committed.iter().find(|baseline| baseline.name() == case(&cell));
                let found = found.unwrap_or_else(|| panic!("`peerbench baseline save`: {name}"));
                let digest = cell.scenario.digest();
                assert_eq!(found.scenario_digest, digest, "`peerbench baseline accept`: {name}");
                assert_eq!(found.seeds, SEEDS.collect::<Vec<_>>());
                worlds += 1;
            }
        }
        assert_eq!(committed.len(), worlds, "some are of worlds or overlays that are gone");
    }

    /// Were they more, then a change that touches all of them could not be told from chance, and the
    /// gate would have to say so instead of failing: p under twenty seeds is at least 2^-19, and all
    /// figures that a change may touch together have a hundredth.
    #[test]
    fn the_figures_are_few_enough_to_be_told_under_so_many_seeds() {
        let is_touched = |readings: &&Vec<Reading>| {
            readings.iter().any(|reading| reading.number().is_some_and(|number| number != 0.0))
        };
        let figures: usize = committed()
            .iter()
            .map(|baseline| baseline.figures.values().filter(is_touched).count())
            .sum();
        let least = 2f64.powi(1 - i32::try_from(SEEDS.count()).expect("they are few"));
        assert!(figures as f64 * least <= 0.01, "{figures} figures: more seeds, or fewer figures");
    }
}
