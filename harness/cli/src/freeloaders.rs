//! `peerbench freeloaders`: every overlay in one world, with a growing share of nodes that take
//! without giving. The shares are run under the same seeds, so that each run has its twin without
//! freeloaders.
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use overlay_core::Strategy;
use peerbench_measure::{Driver, RunFolder, Setup, Status};
use peerbench_reports::freeloading::{Outline, PICTURE, Step};
use peerbench_reports::{Freeloading, Page, freeloading};
use peerbench_scenario::{Document, Scenario};

use crate::arguments::{Freeloaders, OneDriver};
use crate::bench::{check_testbed, entries, finish, open_folder, run_again, simulated_seeds, warn};
use crate::config::{Chosen, complete, document};
use crate::failure::{FAILED, Failure, INTERRUPTED, NOTHING_MEASURED};
use crate::grid::{self, Cell};
use crate::overlays::{Entry, OVERLAYS};
use crate::progress::Shown;
use crate::report;
use crate::show::{print, terminal, wants_table};
use crate::strategies;

/// The scenario that is run if nobody names another.
const SCENARIO: &str = "freeloaders";

/// What is run, and what reports make of it.
struct Plan {
    cells: Vec<Cell>,
    outline: Outline,
    /// The world without freeloaders.
    scenario: Scenario,
}

/// `peerbench freeloaders`.
pub(crate) fn run(arguments: &Freeloaders, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let plan = plan(arguments)?;
    let driver = Driver::from(arguments.driver);
    if driver == Driver::Testbed {
        for cell in &plan.cells {
            check_testbed(&cell.document, &cell.scenario)?;
        }
    }
    let mut folder = create_folder(&arguments.reports, &plan)?;
    warn(plan.outline.store(&folder));
    let outcome = grid::run(&plan.cells, driver, &mut folder, &Shown::new(), stop);
    let outcome = finish(&mut folder, outcome);
    let freeloading = freeloading(&plan.outline, &folder)?;
    let shown = show(&freeloading, arguments.md.as_deref())?;
    store(&freeloading, &plan.outline, &folder);
    Ok(match outcome {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Failed => ExitCode::from(FAILED),
        _ => shown,
    })
}

/// What these stored runs have shown; `None` if they were made by another command.
pub(crate) fn stored(folder: &RunFolder) -> Result<Option<Freeloading>, Failure> {
    let outline = Outline::stored(folder)?;
    Ok(outline.map(|outline| freeloading(&outline, folder)).transpose()?)
}

/// Prints it, or writes it where it was asked for.
pub(crate) fn show(freeloading: &Freeloading, md: Option<&Path>) -> Result<ExitCode, Failure> {
    if freeloading.is_empty() {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    if wants_table(md, &freeloading.markdown())? {
        let (width, colour) = terminal();
        print(freeloading.terminal(width, colour));
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &Freeloaders) -> Result<Plan, Failure> {
    let shares = parse_shares(&arguments.shares)?;
    let strategy = strategies::named(&arguments.strategy)?;
    let mut base = document(&arguments.scenario, SCENARIO)?;
    // Checked without overlays first: what is wrong with the world is not an overlay's fault.
    let Chosen { scenario, .. } = complete(base.clone(), &[])?;
    if !scenario.freeloaders.nodes.is_empty() {
        let message = "where certain nodes freeload, shares have no meaning";
        let help = "leave `freeloaders.nodes` out, or measure this with `peerbench bench`";
        return Err(base.complain("freeloaders.nodes", message, help).into());
    }
    let compares = arguments.driver == OneDriver::Simulator;
    let seeds = simulated_seeds(&arguments.scenario, compares, &scenario);
    base.set(&format!("seeds={seeds:?}"))?;
    base.set(&format!("freeloaders.strategy={strategy}"))?;
    base.set("freeloaders.share=0")?;
    let (entries, left_out) = who(&arguments.overlays, &scenario, strategy)?;
    let Chosen { scenario, .. } = complete(base.clone(), &entries)?;
    let step = |share: &f64| Step { share: *share, scenario: cell_name(&scenario, *share) };
    let outline = Outline {
        world: scenario.name.clone(),
        strategy: strategy.to_string(),
        nodes: scenario.nodes,
        seeds: seeds.len(),
        driver: arguments.driver.into(),
        overlays: entries.iter().map(|entry| entry.name.to_owned()).collect(),
        steps: shares.iter().map(step).collect(),
        left_out,
    };
    let mut cells = Vec::new();
    for step in &outline.steps {
        for entry in &entries {
            cells.push(cell(&base, entry, step)?);
        }
    }
    Ok(Plan { cells, outline, scenario })
}

/// The overlays that are named; without names all that can run this, and why the others cannot.
fn who(
    names: &[String],
    scenario: &Scenario,
    strategy: Strategy,
) -> Result<(Vec<&'static Entry>, Vec<String>), Failure> {
    if !names.is_empty() {
        return Ok((entries(names, None)?, Vec::new()));
    }
    let size = scenario.workload.item_size;
    let (mut able, mut left_out) = (Vec::new(), Vec::new());
    for entry in OVERLAYS {
        if !entry.strategies.contains(&strategy) {
            left_out.push(format!("{} does not know {strategy}", entry.name));
        } else if scenario.workload.fetch && size.0 > (entry.largest_item)() {
            left_out.push(format!("{} cannot fetch items of {size}", entry.name));
        } else {
            able.push(entry);
        }
    }
    if able.is_empty() {
        let message = format!("no overlay can run this: {}", left_out.join("; "));
        return Err(Failure::Usage(message));
    }
    Ok((able, left_out))
}

/// An overlay in the world with this share of freeloaders.
fn cell(base: &Document, entry: &'static Entry, step: &Step) -> Result<Cell, Failure> {
    let mut document = base.clone();
    document.set(&format!("freeloaders.share={}", step.share))?;
    let Chosen { document, mut scenario } = complete(document, &[entry])?;
    scenario.overlays.retain(|name, _| name == entry.name);
    scenario.name.clone_from(&step.scenario);
    let label = format!("{}, {}", entry.name, step.scenario);
    Ok(Cell { label, entry, document, scenario })
}

fn cell_name(world: &Scenario, share: f64) -> String {
    format!("{} with {} % freeloaders", world.name, percent(share))
}

fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}

/// Percentages such as `0,10,25,50`, as ascending shares; 0 is among them.
fn parse_shares(text: &str) -> Result<Vec<f64>, Failure> {
    let mut shares = vec![0.0];
    for part in text.split(',').map(str::trim) {
        let number = part.strip_suffix('%').unwrap_or(part).trim_end();
        match number.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => shares.push(percent / 100.0),
            _ => {
                return Err(Failure::Usage(format!(
                    "`{part}` is not a share in percent: write numbers from 0 to 100, such as \
                     0,10,25,50"
                )));
            }
        }
    }
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    Ok(shares)
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
fn store(freeloading: &Freeloading, outline: &Outline, folder: &RunFolder) {
    let Some(path) = folder.path().filter(|_| !freeloading.is_empty()) else { return };
    warn(folder.store_report("summary.md", &freeloading.markdown()));
    warn(folder.store_report(PICTURE, &freeloading.picture()));
    eprintln!("\nThe runs are stored in {}", path.display());
    eprintln!("The picture: {}", path.join(PICTURE).display());
    report::store(folder, Page::of_freeloaders(outline, folder));
    eprintln!("Next: peerbench report {} --open", path.display());
    eprintln!("      peerbench explain freeloader_penalty");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages_and_begin_with_none() {
        let shares = |text| parse_shares(text).map_err(|error| error.to_string());
        assert_eq!(shares("50, 10%,25"), Ok(vec![0.0, 0.1, 0.25, 0.5]));
        assert_eq!(shares("0,0,100"), Ok(vec![0.0, 1.0]));
        for wrong in ["", "101", "-1", "a", "10,,20", "nan", "10;20"] {
            assert!(shares(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_cannot_run_it_is_left_out_with_the_reason_and_refused_if_it_is_named() {
        let scenario = |text: &str| {
            let document = Document::parse("mine.yaml", text).expect("it is YAML");
            document.scenario().expect("it is sound")
        };
        let whole = scenario("workload: {fetch: true, item_size: 1MiB}");
        let (able, left_out) = who(&[], &whole, Strategy::NoUpload).expect("there are some");
        assert_eq!((able.len(), left_out.len()), (OVERLAYS.len(), 0));
        let large = scenario("workload: {fetch: true, item_size: 64MiB}");
        let (able, left_out) = who(&[], &large, Strategy::NoUpload).expect("there are some");
        assert!(!able.is_empty() && able.len() + left_out.len() == OVERLAYS.len());
        assert!(left_out.iter().all(|reason| reason.contains("64MiB")), "{left_out:?}");
        let named = ["chord".to_owned(), "chord".to_owned()];
        assert!(who(&named, &whole, Strategy::NoUpload).is_err());
    }

    #[test]
    fn every_share_of_an_overlay_has_a_scenario_name_of_its_own() {
        let world = Scenario::default();
        assert_eq!(cell_name(&world, 0.125), "unnamed with 12.5 % freeloaders");
        assert_ne!(cell_name(&world, 0.1), cell_name(&world, 0.100_1));
    }
}
