//! `peerbench sweep`: every combination of some parameters' values, over all cores, each run stored as
//! soon as it is finished, so that a sweep can be stopped and gone on with.
mod fields;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use peerbench_measure::{Driver, Git, RunFolder, RunRecord, Setup, Status};
use peerbench_reports::sweep::{Combination, Outline, PICTURE, View, axis};
use peerbench_reports::{Page, Sweep, sweep};
use peerbench_scenario::{Document, Scenario};

use crate::arguments;
use crate::bench::{check_testbed, entries, finish, open_folder, run_again, warn};
use crate::config::{Chosen, complete, document};
use crate::failure::{FAILED, Failure, INTERRUPTED, NOTHING_MEASURED};
use crate::grid::{self, Cell};
use crate::overlays::{DEFAULT_SCENARIO, Entry};
use crate::progress::Shown;
use crate::report;
use crate::show::{print, terminal, wants_table};

use fields::{Given, given};

/// The most runs of a sweep: beyond, a value was probably meant otherwise.
const MOST_RUNS: usize = 100_000;

/// The longest name of a combination, so that those of its files are not too long.
const LONGEST_NAME: usize = 160;

/// What is run, and what reports make of it.
struct Plan {
    cells: Vec<Cell>,
    outline: Outline,
    /// The world before anything varies.
    scenario: Scenario,
}

/// `peerbench sweep`.
pub(crate) fn run(arguments: &arguments::Sweep, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let mut plan = plan(arguments)?;
    if plan.outline.driver == Driver::Testbed {
        for cell in &plan.cells {
            check_testbed(&cell.document, &cell.scenario)?;
        }
    }
    let mut folder = match &arguments.resume {
        Some(run) => resume(run, &arguments.reports, &mut plan)?,
        None => create_folder(&arguments.reports, &plan)?,
    };
    warn(plan.outline.store(&folder));
    let outcome = grid::run(&plan.cells, plan.outline.driver, &mut folder, &Shown::new(), stop);
    let outcome = finish(&mut folder, outcome);
    let found = sweep(&plan.outline, &folder)?;
    let shown = show(&plan.outline, &found, arguments.md.as_deref())?;
    store(&found, &plan.outline, &folder);
    if outcome != Status::Ok {
        tell_how_to_go_on(&folder);
    }
    Ok(match outcome {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Failed => ExitCode::from(FAILED),
        _ => shown,
    })
}

/// The outline of stored runs and what they have shown; `None` if they were made by another command.
pub(crate) fn stored(folder: &RunFolder) -> Result<Option<(Outline, Sweep)>, Failure> {
    let Some(outline) = Outline::stored(folder)? else { return Ok(None) };
    let found = sweep(&outline, folder)?;
    Ok(Some((outline, found)))
}

/// Prints it, or writes it where it was asked for.
pub(crate) fn show(
    outline: &Outline,
    found: &Sweep,
    md: Option<&Path>,
) -> Result<ExitCode, Failure> {
    if found.is_empty() {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    if wants_table(md, &found.markdown())? {
        let (width, colour) = terminal();
        print(found.terminal(outline, width, colour));
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &arguments::Sweep) -> Result<Plan, Failure> {
    for name in [&arguments.x, &arguments.y] {
        axis(name).map_err(Failure::Usage)?;
    }
    let entries = entries(&arguments.overlays, None)?;
    let given = given(arguments, &entries)?;
    let mut base = document(&arguments.choice(), DEFAULT_SCENARIO)?;
    given.iter().filter(|it| it.is_fixed()).try_for_each(|it| it.assign(&mut base, 0))?;
    let fields: Vec<&Given> = given.iter().filter(|it| !it.is_fixed()).collect();
    let Chosen { scenario, .. } = complete(base.clone(), &[])?;
    let mut outline = Outline {
        world: scenario.name.clone(),
        driver: arguments.driver.into(),
        seeds: scenario.seeds.clone(),
        overlays: entries.iter().map(|entry| entry.name.to_owned()).collect(),
        fields: fields.iter().map(|field| field.outline(&fields)).collect(),
        points: Vec::new(),
        view: View {
            x: arguments.x.clone(),
            y: arguments.y.clone(),
            correct_at_least: share(&arguments.correct_at_least)?,
        },
    };
    let mut cells = Vec::new();
    for entry in entries {
        for choices in combinations(&fields, entry)? {
            let (cell, point) = cell(&base, entry, &fields, &outline, choices)?;
            // Two ways to write one value are one combination.
            let is_new = |known: &Combination| {
                (&known.overlay, &known.digest) != (&point.overlay, &point.digest)
            };
            if outline.points.iter().all(is_new) {
                outline.points.push(point);
                cells.push(cell);
            }
        }
    }
    if outline.runs() > MOST_RUNS {
        let runs = outline.runs();
        let message = format!("that would be {runs} runs, and a sweep has {MOST_RUNS} at most");
        return Err(Failure::Usage(message));
    }
    Ok(Plan { cells, outline, scenario })
}

/// Every choice of one value for each field that concerns an overlay, the last field's values next to
/// each other.
fn combinations(fields: &[&Given], entry: &Entry) -> Result<Vec<Vec<Option<usize>>>, Failure> {
    let mut all = vec![Vec::new()];
    for field in fields {
        let values: Vec<Option<usize>> = match field.concerns(entry) {
            true => (0..field.values.len()).map(Some).collect(),
            false => vec![None],
        };
        if all.len() * values.len() > MOST_RUNS {
            let message = format!("there are more than {MOST_RUNS} combinations of these values");
            return Err(Failure::Usage(message));
        }
        let with = |of: &Vec<Option<usize>>| {
            let of = of.clone();
            values.iter().map(move |value| [&of[..], &[*value]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}

/// An overlay with these values, and what the outline knows of it.
fn cell(
    base: &Document,
    entry: &'static Entry,
    fields: &[&Given],
    outline: &Outline,
    choices: Vec<Option<usize>>,
) -> Result<(Cell, Combination), Failure> {
    let mut document = base.clone();
    for (field, choice) in fields.iter().zip(&choices) {
        if let Some(choice) = choice {
            field.assign(&mut document, *choice)?;
        }
    }
    let Chosen { document, mut scenario } = complete(document, &[entry])?;
    scenario.overlays.retain(|name, _| name == entry.name);
    // What it is called is no part of what it is.
    let digest = scenario.digest();
    let mut point =
        Combination { overlay: entry.name.to_owned(), scenario: String::new(), digest, choices };
    point.scenario = name(&scenario, outline, &point);
    scenario.name.clone_from(&point.scenario);
    let label = format!("{}, {}", entry.name, point.scenario);
    Ok((Cell { label, entry, document, scenario }, point))
}

/// What a combination is called in keys of records: by its values, unless that is too long for the name
/// of a file, or would be the same name as another's.
fn name(world: &Scenario, outline: &Outline, point: &Combination) -> String {
    let plain = |name: &str| name.replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    let words = outline.words(point);
    let name = match words.is_empty() {
        true => world.name.clone(),
        false => format!("{} with {words}", world.name),
    };
    let is_taken = outline.points.iter().any(|it| plain(&it.scenario) == plain(&name));
    match name.len() > LONGEST_NAME || is_taken {
        true => format!("{} #{}", world.name, outline.points.len() + 1),
        false => name,
    }
}

/// Opens the folder of a sweep that was stopped, and leaves out of the plan what it has.
fn resume(run: &str, stored: &Path, plan: &mut Plan) -> Result<RunFolder, Failure> {
    let here = Path::new(run);
    let by_name = stored.join(run);
    let path = if !here.is_dir() && by_name.is_dir() { by_name } else { here.to_owned() };
    let refused = |why: String| {
        let path = path.display();
        Failure::Usage(format!(
            "{path} cannot be gone on with: {why}. Leave out `--resume`, and a new sweep begins"
        ))
    };
    let outline = Outline::stored(&RunFolder::open(&path)?)?;
    let outline = outline.ok_or_else(|| refused("it is no sweep".to_owned()))?;
    if let Some(difference) = outline.difference(&plan.outline) {
        return Err(refused(difference));
    }
    let folder = RunFolder::resume(&path)?;
    if folder.manifest().git != Git::here() {
        eprintln!("warning: the sources have changed since this sweep was begun");
    }
    for cell in &mut plan.cells {
        let digest = cell.scenario.digest();
        let is_its = |record: &&RunRecord| {
            let key = &record.key;
            record.status == Status::Ok
                && record.scenario_digest == digest
                && (&*key.overlay, key.driver) == (cell.entry.name, plan.outline.driver)
                && key.n == cell.scenario.nodes
        };
        let has = folder.records().iter().filter(is_its).map(|record| record.key.seed);
        let has: BTreeSet<u64> = has.collect();
        cell.scenario.seeds.retain(|seed| !has.contains(seed));
    }
    let missing: usize = plan.cells.iter().map(|cell| cell.scenario.seeds.len()).sum();
    let all = plan.outline.runs();
    eprintln!("{} of {all} runs are there already", all - missing);
    Ok(folder)
}

fn create_folder(runs: &Path, plan: &Plan) -> Result<RunFolder, Failure> {
    let command_line: Vec<String> = std::env::args().collect();
    let setup = Setup {
        overlays: plan.outline.overlays.clone(),
        scenario: plan.outline.world.clone(),
        scenario_yaml: plan.scenario.to_yaml(),
        scenario_digest: Scenario::digest_of_all(plan.cells.iter().map(|cell| &cell.scenario)),
        run_again: run_again(&command_line),
        command_line,
    };
    open_folder(runs, setup)
}

/// Stores summary, picture and page, and says where.
fn store(found: &Sweep, outline: &Outline, folder: &RunFolder) {
    let Some(path) = folder.path().filter(|_| !found.is_empty()) else { return };
    warn(folder.store_report("summary.md", &found.markdown()));
    warn(folder.store_report(PICTURE, &found.picture()));
    eprintln!("\nThe runs are stored in {}", path.display());
    eprintln!("The picture: {}", path.join(PICTURE).display());
    report::store(folder, Page::of_sweep(outline, folder));
}

/// The command that makes what is missing.
fn tell_how_to_go_on(folder: &RunFolder) {
    if folder.path().is_some() {
        let command = without_resume(std::env::args().collect());
        eprintln!("To go on: {} --resume {}", run_again(&command), folder.manifest().id);
    }
}

/// A command line that begins anew.
fn without_resume(words: Vec<String>) -> Vec<String> {
    let mut is_value = false;
    let mut is_kept = |word: &String| {
        let is_option = word == "--resume";
        let is_dropped = std::mem::replace(&mut is_value, is_option) || is_option;
        !is_dropped && !word.starts_with("--resume=")
    };
    words.into_iter().filter(|word| is_kept(word)).collect()
}

/// A share in percent, such as `99` or `99.5%`.
fn share(text: &str) -> Result<f64, Failure> {
    let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(Failure::Usage(format!(
            "`{text}` is not a share in percent: write a number from 0 to 100, such as 99%"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        let read = |text| share(text).map_err(|error| error.to_string());
        assert_eq!([read("99"), read("99.5 %"), read("0")], [Ok(0.99), Ok(0.995), Ok(0.0)]);
        assert!(share("101").is_err() && share("most").is_err() && share("nan").is_err());
    }

    #[test]
    fn a_command_that_goes_on_names_one_run() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for text in ["sweep --resume a chord", "sweep chord --resume=a", "sweep chord"] {
            assert_eq!(without_resume(words(text)), ["sweep", "chord"]);
        }
    }
}
