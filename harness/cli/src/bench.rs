//! `peerbench bench`: every overlay, driver and seed asked for, one run after the other, each stored
//! as soon as it is finished.
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::{
    Driver, FolderError, Key, Measurement, RunFolder, RunRecord, Setup, Status,
};
use peerbench_scenario::{Scenario, Transport};
use peerbench_testbed::Plan;

use crate::arguments::{Bench, DriverChoice};
use crate::config::{Chosen, choose};
use crate::failure::{FAILED, Failure, INTERRUPTED, NOTHING_MEASURED};
use crate::overlays::{Entry, find};
use crate::progress::Shown;
use crate::show;

/// The most processes that the testbed starts on one machine: at some 1.5 MB each, a quarter of a
/// large one's memory, and half a minute to start.
const MOST_TESTBED_PROCESSES: u32 = 4_096;

/// One run to be made.
struct Job {
    entry: &'static Entry,
    driver: Driver,
    seed: u64,
    round: u32,
}

pub(crate) fn run(bench: &Bench, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let entries = entries(&bench.overlays)?;
    let chosen = choose(&bench.scenario, &entries)?;
    if bench.driver != DriverChoice::Simulator {
        check_testbed(&chosen)?;
    }
    let mut folder = create_folder(bench, &chosen.scenario);
    let progress = Shown::new();
    let mut outcome = Status::Ok;
    for job in jobs(bench, &entries, &chosen.scenario) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match measure(&job, &chosen, &progress, stop) {
            Ok(measurement) => keep(&mut folder, &job, &chosen.scenario, &measurement, stop),
            Err(failure) => {
                progress.done();
                failure.report();
                outcome = Status::Failed;
            }
        }
    }
    progress.done();
    if stop.load(Ordering::Relaxed) {
        outcome = Status::Interrupted;
    }
    conclude(&mut folder, outcome)
}

/// The overlays of these names. One named twice would write its records over each other.
fn entries(names: &[String]) -> Result<Vec<&'static Entry>, Failure> {
    if let Some(index) = (1..names.len()).find(|&index| names[..index].contains(&names[index])) {
        let message = format!("`{}` is there twice: name each overlay once", names[index]);
        return Err(Failure::Usage(message));
    }
    names.iter().map(|name| find(name)).collect()
}

/// Refuses what cannot be started here, before anything is.
fn check_testbed(chosen: &Chosen) -> Result<(), Failure> {
    if chosen.scenario.testbed.transport == Transport::Quic && !cfg!(feature = "quic") {
        let help = "build with `--features quic`, or use tcp";
        let message = "this build has no QUIC".to_owned();
        return Err(chosen.document.complain("testbed.transport", message, help).into());
    }
    let nodes = chosen.scenario.nodes;
    let processes = nodes.div_ceil(chosen.scenario.testbed.nodes_per_process);
    if processes <= MOST_TESTBED_PROCESSES {
        return Ok(());
    }
    let message = format!(
        "{nodes} nodes would be {processes} processes of the testbed, which starts \
         {MOST_TESTBED_PROCESSES} at most"
    );
    let help = "simulate so many nodes (`--driver simulator`), or put several into a process \
                (`--set testbed.nodes_per_process=16`)";
    Err(chosen.document.complain("nodes", message, help).into())
}

/// Seed after seed, so that an interrupted run has whole comparisons.
fn jobs(bench: &Bench, entries: &[&'static Entry], scenario: &Scenario) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &seed in &scenario.seeds {
        for &entry in entries {
            if bench.driver != DriverChoice::Simulator {
                let driver = Driver::Testbed;
                jobs.extend((0..bench.rounds).map(|round| Job { entry, driver, seed, round }));
            }
            if bench.driver != DriverChoice::Testbed {
                jobs.push(Job { entry, driver: Driver::Simulator, seed, round: 0 });
            }
        }
    }
    jobs
}

fn measure(
    job: &Job,
    chosen: &Chosen,
    progress: &Shown,
    stop: &AtomicBool,
) -> Result<Measurement, Failure> {
    let (scenario, seed) = (&chosen.scenario, job.seed);
    match job.driver {
        Driver::Simulator => {
            let document = &chosen.document;
            let simulated = (job.entry.simulate)(document, scenario, seed, progress, stop)?;
            let mut measurement = simulated.measurement;
            if !stop.load(Ordering::Relaxed) {
                let rate = (job.entry.queue_alone)(scenario, seed, simulated.most_waiting)?;
                measurement.control("queue_with_empty_handler", rate, "events/s");
            }
            Ok(measurement)
        }
        Driver::Testbed => {
            let plan = Plan::of_this_program(job.entry.name, scenario, seed)?;
            (job.entry.test)(&plan, progress, stop)
        }
    }
}

/// Stores what one run measured; a full disk costs the file, not the table.
fn keep(
    folder: &mut RunFolder,
    job: &Job,
    scenario: &Scenario,
    measurement: &Measurement,
    stop: &AtomicBool,
) {
    let status = if stop.load(Ordering::Relaxed) { Status::Interrupted } else { Status::Ok };
    let key = Key {
        overlay: job.entry.name.to_owned(),
        scenario: scenario.name.clone(),
        driver: job.driver,
        n: scenario.nodes,
        seed: job.seed,
        round: job.round,
    };
    let record = RunRecord::new(key, scenario.digest(), status, measurement);
    warn(folder.append(&record, measurement));
}

fn create_folder(bench: &Bench, scenario: &Scenario) -> RunFolder {
    let command_line: Vec<String> = std::env::args().collect();
    let setup = Setup {
        overlays: bench.overlays.clone(),
        scenario: scenario.name.clone(),
        scenario_yaml: scenario.to_yaml(),
        scenario_digest: scenario.digest(),
        run_again: run_again(&command_line),
        command_line,
    };
    RunFolder::create(&bench.reports, setup.clone()).unwrap_or_else(|error| {
        warn(Err(error));
        RunFolder::in_memory(setup)
    })
}

fn run_again(command_line: &[String]) -> String {
    let arguments = command_line.iter().skip(1).map(|word| match word.contains([' ', '*', '$']) {
        true => format!("'{word}'"),
        false => word.clone(),
    });
    std::iter::once("peerbench".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Prints the table, stores the summary, and says what to do next.
fn conclude(folder: &mut RunFolder, outcome: Status) -> Result<ExitCode, Failure> {
    warn(folder.finish(outcome));
    let summary = peerbench_reports::summary(folder)?;
    if summary.is_empty() {
        eprintln!("nothing was measured");
        let code = match outcome {
            Status::Interrupted => INTERRUPTED,
            Status::Failed => FAILED,
            _ => NOTHING_MEASURED,
        };
        return Ok(ExitCode::from(code));
    }
    show::table(&summary);
    warn(folder.store_report("summary.md", &summary.markdown()));
    if let Some(path) = folder.path() {
        eprintln!("\nThe run is stored in {}", path.display());
        eprintln!("Next: peerbench report {} --md -", path.display());
        eprintln!("      peerbench explain lookup_latency_us_p50");
    }
    Ok(match outcome {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Failed => ExitCode::from(FAILED),
        _ => ExitCode::SUCCESS,
    })
}

fn warn(stored: Result<(), FolderError>) {
    if let Err(error) = stored {
        eprintln!("warning: {error}. The table comes all the same");
    }
}
