//! `peerbench lesson`: what a lecture says about overlays, as something that is run and seen. Each
//! lesson is a file under `configs/lessons`: grids of scenarios, and what to look for in them.
mod plan;
mod sheet;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clap::Parser as _;
use peerbench_measure::{Driver, RunFolder, Setup, Status};
use peerbench_reports::Page;
use peerbench_reports::lesson::{Lesson, Outline};
use peerbench_scenario::{Document, Scenario};

use crate::arguments::{Lesson as Arguments, Verb};
use crate::bench::{check_testbed, finish, open_folder, run_again, warn};
use crate::config::parse_seeds;
use crate::failure::{FAILED, Failure, INTERRUPTED, NOTHING_MEASURED};
use crate::grid;
use crate::progress::Shown;
use crate::report;
use crate::show::{print, terminal, wants_table};
use plan::{Changes, Plan, plan};

macro_rules! lessons {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../configs/lessons/", $name, ".yaml")))),*]
    };
}

/// The lessons that come with the program, by name.
const LESSONS: &[(&str, &str)] = lessons![
    "single-point-of-failure",
    "flooding-everyone",
    "hay-and-needles",
    "someone-goes-away",
    "topology-matters",
    "not-all-nodes-are-equal",
    "bounds",
    "cheat",
];

/// `peerbench lesson NAME`.
pub(crate) fn run(arguments: &Arguments, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let document = read(&arguments.lesson)?;
    let (name, plan) = planned(arguments, &document)?;
    let driver = Driver::from(arguments.driver);
    if driver == Driver::Testbed {
        for cell in &plan.cells {
            check_testbed(&cell.document, &cell.scenario)?;
        }
    }
    let mut folder = create_folder(arguments, &name, &document, &plan)?;
    let outcome = grid::run(&plan.cells, driver, &mut folder, &Shown::new(), stop);
    conclude(arguments, &plan, &mut folder, outcome)
}

/// What these stored runs were to show; `None` if they were made by another command, or by a version
/// of which the lessons were written otherwise: their tables can be shown all the same.
pub(crate) fn stored(folder: &RunFolder) -> Option<Outline> {
    let manifest = folder.manifest();
    let parsed = crate::arguments::Arguments::try_parse_from(&manifest.command_line).ok()?;
    let Verb::Lesson(arguments) = parsed.verb else { return None };
    let document = parse(&arguments.lesson, &manifest.scenario_yaml).ok()?;
    Some(planned(&arguments, &document).ok()?.1.outline)
}

/// Prints it, or writes it where it was asked for.
pub(crate) fn show(lesson: &Lesson, md: Option<&Path>) -> Result<ExitCode, Failure> {
    if lesson.is_empty() {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    if wants_table(md, &lesson.markdown())? {
        let (width, colour) = terminal();
        print(lesson.terminal(width, colour));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a lesson runs and shows, with its name.
fn planned(arguments: &Arguments, document: &Document) -> Result<(String, Plan), Failure> {
    let seeds = arguments.seeds.as_deref().map(parse_seeds).transpose()?;
    let changes = Changes { assignments: &arguments.assignments, seeds };
    let name = Path::new(&arguments.lesson).file_stem().unwrap_or_default().to_string_lossy();
    let plan = plan(&name, document, &changes)?;
    Ok((name.into_owned(), plan))
}

/// The names of the lessons, each with what it teaches.
pub(crate) fn list() -> impl Iterator<Item = (&'static str, String)> {
    LESSONS.iter().map(|(name, text)| {
        let sheet = parse(name, text).and_then(|document| Ok(document.read_as::<sheet::Sheet>()?));
        (*name, sheet.map(|sheet| sheet.teaches).unwrap_or_default())
    })
}

/// A file if it looks like one, otherwise a lesson that comes with the program.
fn read(name: &str) -> Result<Document, Failure> {
    let path = Path::new(name);
    if path.extension().is_some() || name.contains('/') || path.is_file() {
        return Ok(Document::read_kind("lesson", path)?);
    }
    match LESSONS.iter().find(|(known, _)| *known == name) {
        Some((name, text)) => parse(name, text),
        None => Err(Failure::unknown("lesson", name, LESSONS.iter().map(|(name, _)| *name))),
    }
}

fn parse(name: &str, text: &str) -> Result<Document, Failure> {
    Ok(Document::parse_kind("lesson", &format!("built-in lesson {name}"), text)?)
}

fn create_folder(
    arguments: &Arguments,
    name: &str,
    document: &Document,
    plan: &Plan,
) -> Result<RunFolder, Failure> {
    let command_line: Vec<String> = std::env::args().collect();
    let mut overlays: Vec<String> = Vec::new();
    for cell in &plan.cells {
        if !overlays.iter().any(|overlay| overlay == cell.entry.name) {
            overlays.push(cell.entry.name.to_owned());
        }
    }
    let setup = Setup {
        overlays,
        scenario: name.to_owned(),
        scenario_yaml: document.text().to_owned(),
        scenario_digest: Scenario::digest_of_all(plan.cells.iter().map(|cell| &cell.scenario)),
        run_again: run_again(&command_line),
        command_line,
    };
    open_folder(&arguments.reports, setup)
}

/// Prints the lesson, stores it, and says what to do next.
fn conclude(
    arguments: &Arguments,
    plan: &Plan,
    folder: &mut RunFolder,
    outcome: Status,
) -> Result<ExitCode, Failure> {
    let outcome = finish(folder, outcome);
    let lesson = peerbench_reports::lesson(&plan.outline, folder)?;
    let shown = show(&lesson, arguments.md.as_deref())?;
    let code = match outcome {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Failed => ExitCode::from(FAILED),
        _ => shown,
    };
    if lesson.is_empty() {
        return Ok(code);
    }
    warn(folder.store_report("summary.md", &lesson.markdown()));
    if let Some(path) = folder.path() {
        eprintln!("\nThe runs are stored in {}", path.display());
        report::store(folder, Page::of_lesson(&plan.outline, folder));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use overlay_core::NodeId;
    use peerbench_scenario::World;

    use super::*;

    #[test]
    fn every_lesson_is_sound_and_says_something() {
        let changes = Changes { assignments: &[], seeds: None };
        for (name, text) in LESSONS {
            let document = parse(name, text).expect("it is YAML");
            let plan = plan(name, &document, &changes)
                .unwrap_or_else(|failure| panic!("{name}: {failure}"));
            let outline = &plan.outline;
            assert!(!outline.teaches.is_empty() && !outline.look_for.is_empty(), "{name}");
            assert!(outline.teaches.ends_with('.'), "{name}: a sentence");
            let runs: usize = plan.cells.iter().map(|cell| cell.scenario.seeds.len()).sum();
            assert!((2..=400).contains(&runs), "{name}: {runs} runs");
        }
    }

    #[test]
    fn cells_have_names_of_their_own() {
        let changes = Changes { assignments: &[], seeds: None };
        for (name, text) in LESSONS {
            let document = parse(name, text).expect("it is YAML");
            let plan = plan(name, &document, &changes).expect("a test has read it");
            let mut names: Vec<_> = plan.cells.iter().map(|cell| &cell.scenario.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), plan.cells.len(), "{name}");
        }
    }

    #[test]
    fn what_is_to_be_repaired_is_the_scenarios() {
        let planned = |assignments: &[&str]| {
            let assignments: Vec<String> = assignments.iter().map(|it| (*it).to_owned()).collect();
            let changes = Changes { assignments: &assignments, seeds: None };
            let document = read("someone-goes-away").expect("it is built in");
            let plan = plan("someone-goes-away", &document, &changes).expect("it is sound");
            plan.outline.parts[1].runs[1][1].as_ref().expect("it is run").upkeep
        };
        let upkeep = planned(&[]).expect("nodes keep values, come and go");
        assert!((upkeep.nodes - 100.0).abs() < 1e-9 && (upkeep.stay - 300.0).abs() < 1e-9);
        assert_eq!((upkeep.copies, upkeep.items, upkeep.item_bytes), (5.0, 500.0, 1e4));
        assert_eq!(upkeep.uplink, Some(125_000.0));
        // Half of the nodes stay for ever: 105 are there, of which one goes every 6 s.
        let half = planned(&["churn.share=0.5"]).expect("some come and go");
        assert!((half.nodes - 105.0).abs() < 1e-9 && (half.stay - 630.0).abs() < 1e-9);
        assert_eq!(planned(&["churn.share=0"]), None);
        assert_eq!(planned(&["overlays.chord.storage.keep=pointer"]), None);
    }

    /// Otherwise the lesson would compare near with far instead of even with uneven.
    #[test]
    fn the_uniform_round_trip_is_the_mean_of_the_measured_ones() {
        let changes = Changes { assignments: &["nodes=2000".to_owned()], seeds: None };
        let document = read("topology-matters").expect("it is built in");
        let plan = plan("topology-matters", &document, &changes).expect("a test has read it");
        let scenarios = || plan.cells.iter().map(|cell| &cell.scenario);
        let uniform = scenarios().find_map(|it| it.network.uniform_round_trip);
        let uniform = uniform.expect("a row is uniform").0.as_secs_f64();
        let measured = scenarios().find(|it| it.network.uniform_round_trip.is_none());
        let world = World::new(measured.expect("a row is measured"), 1).expect("it is sound");
        let pairs = (0..1_000).map(|pair| (NodeId(pair), NodeId(pair + 1_000)));
        let round_trips = pairs.map(|(a, b)| (world.one_way(a, b) + world.one_way(b, a)) as f64);
        let mean = round_trips.sum::<f64>() / 1_000.0 / 1e9;
        assert!((uniform - mean).abs() < 0.05 * mean, "{uniform} s is not {mean} s");
    }
}
