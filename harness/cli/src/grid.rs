//! Many runs: in the simulator over all cores, for it is pure; on the testbed one after the other,
//! for its nodes would disturb each other. What is finished is stored at once.
use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::{
    Driver, FolderError, Key, Measurement, Progress, RunFolder, RunRecord, Status,
};
use peerbench_scenario::{Document, Scenario};
use peerbench_testbed::Plan;

use crate::bench::warn;
use crate::failure::Failure;
use crate::overlays::Entry;
use crate::parallel::{Batch, cores};
use crate::progress::Shown;

/// One overlay in one world.
pub(crate) struct Cell {
    /// What a person calls it.
    pub(crate) label: String,
    pub(crate) entry: &'static Entry,
    pub(crate) document: Document,
    /// What the document says, complete. No two cells with one overlay and as many nodes have one
    /// name. It is run under each of its seeds.
    pub(crate) scenario: Scenario,
}

/// One run of a cell.
#[derive(Clone, Copy)]
struct Job<'a> {
    cell: &'a Cell,
    driver: Driver,
    seed: u64,
}

/// Runs every cell under each of its seeds until `stop` is set, and stores each run in the folder as
/// soon as it is finished. A run that fails is told about, and the others go on.
pub(crate) fn run(
    cells: &[Cell],
    driver: Driver,
    folder: &mut RunFolder,
    progress: &Shown,
    stop: &AtomicBool,
) -> Status {
    let jobs = jobs(cells, driver);
    let batch = Batch {
        jobs: &jobs,
        threads: if driver == Driver::Simulator { cores() } else { 1 },
        simulated_nodes: &|job| match job.driver {
            Driver::Simulator => job.cell.scenario.nodes,
            Driver::Testbed => 0,
        },
    };
    let mut failed = Vec::new();
    batch.run(
        |job, share| measure(*job, share, stop),
        |index, outcome| match outcome {
            Ok(measurement) => warn(keep(folder, jobs[index], &measurement, stop)),
            Err(failure) => failed.push((jobs[index], failure)),
        },
        progress,
        stop,
    );
    progress.done();
    let outcome = match (stop.load(Ordering::Relaxed), failed.is_empty()) {
        (true, _) => Status::Interrupted,
        (false, false) => Status::Failed,
        (false, true) => Status::Ok,
    };
    report(&jobs, failed);
    outcome
}

/// Seed after seed, so that an interrupted grid has whole comparisons; the largest networks first,
/// so that no core has to wait for one that was begun last.
fn jobs(cells: &[Cell], driver: Driver) -> Vec<Job<'_>> {
    let rounds = cells.iter().map(|cell| cell.scenario.seeds.len()).max().unwrap_or_default();
    let mut jobs = Vec::new();
    for round in 0..rounds {
        let mut of_round: Vec<Job<'_>> = cells
            .iter()
            .filter_map(|cell| {
                let seed = *cell.scenario.seeds.get(round)?;
                Some(Job { cell, driver, seed })
            })
            .collect();
        of_round.sort_by_key(|job| Reverse(job.cell.scenario.nodes));
        jobs.append(&mut of_round);
    }
    jobs
}

fn measure(job: Job<'_>, share: &dyn Progress, stop: &AtomicBool) -> Result<Measurement, Failure> {
    let Cell { entry, document, scenario, .. } = job.cell;
    match job.driver {
        Driver::Simulator => {
            Ok((entry.simulate)(document, scenario, job.seed, share, stop)?.measurement)
        }
        Driver::Testbed => {
            let plan = Plan::of_this_program(entry.name, scenario, job.seed)?;
            (entry.test)(&plan, share, stop)
        }
    }
}

fn keep(
    folder: &mut RunFolder,
    job: Job<'_>,
    measurement: &Measurement,
    stop: &AtomicBool,
) -> Result<(), FolderError> {
    let scenario = &job.cell.scenario;
    let key = Key {
        overlay: job.cell.entry.name.to_owned(),
        scenario: scenario.name.clone(),
        driver: job.driver,
        n: scenario.nodes,
        seed: job.seed,
        round: 0,
    };
    let status = if stop.load(Ordering::Relaxed) { Status::Interrupted } else { Status::Ok };
    let record = RunRecord::new(key, scenario.digest(), status, measurement);
    folder.append(&record, measurement)
}

/// Tells about what failed, in the order in which it was to be run.
fn report(jobs: &[Job<'_>], mut failed: Vec<(Job<'_>, Option<Failure>)>) {
    let same = |one: &Job<'_>, other: &Job<'_>| {
        std::ptr::eq(one.cell, other.cell) && one.seed == other.seed
    };
    failed.sort_by_key(|(job, _)| jobs.iter().position(|other| same(job, other)));
    for (job, failure) in failed {
        eprintln!("{}, seed {}: this run has failed", job.cell.label, job.seed);
        match failure {
            Some(failure) => drop(failure.report()),
            None => eprintln!("error: an assertion has failed, as is said above; please report it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use peerbench_measure::Setup;

    use super::*;
    use crate::config::{Chosen, complete};
    use crate::overlays::OVERLAYS;

    const WORLD: &str = "
start: converged
seeds: [1, 2]
warm_up: 1s
network: {uniform_round_trip: 20ms}
workload: {items: 8, searches: 20, rate: 40/s}
";

    fn cell(name: &str, nodes: u32) -> Cell {
        let entry = &OVERLAYS[0];
        let text = format!("name: {name}\nnodes: {nodes}\n{WORLD}");
        let document = Document::parse(name, text).expect("it is YAML");
        let Chosen { document, scenario } = complete(document, &[entry]).expect("it is sound");
        Cell { label: name.to_owned(), entry, document, scenario }
    }

    fn folder() -> RunFolder {
        RunFolder::in_memory(Setup {
            overlays: Vec::new(),
            scenario: "grid".to_owned(),
            scenario_yaml: String::new(),
            scenario_digest: String::new(),
            command_line: Vec::new(),
            run_again: String::new(),
        })
    }

    fn keys(folder: &RunFolder) -> Vec<(&str, u64)> {
        let keys = folder.records().iter().map(|record| &record.key);
        let mut keys: Vec<_> = keys.map(|key| (&*key.scenario, key.seed)).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn whole_comparisons_first_and_the_largest_of_each_first() {
        let cells = [cell("small", 8), cell("large", 32), cell("middle", 16)];
        let jobs = jobs(&cells, Driver::Simulator);
        let order: Vec<_> = jobs.iter().map(|job| (&*job.cell.label, job.seed)).collect();
        let seed = |seed| [("large", seed), ("middle", seed), ("small", seed)];
        assert_eq!(order, [seed(1), seed(2)].concat());
    }

    #[test]
    fn a_run_that_fails_does_not_keep_the_others() {
        let mut broken = cell("broken", 16);
        broken.scenario.network.uniform_round_trip = None;
        broken.scenario.network.matrix = "gone.csv".to_owned();
        let (mut folder, stop) = (folder(), AtomicBool::new(false));
        let cells = [cell("one", 8), broken, cell("another", 8)];
        let outcome = run(&cells, Driver::Simulator, &mut folder, &Shown::new(), &stop);
        assert_eq!(outcome, Status::Failed);
        assert_eq!(keys(&folder), [("another", 1), ("another", 2), ("one", 1), ("one", 2)]);
    }

    #[test]
    fn nothing_is_begun_after_the_stop() {
        let (mut folder, stop) = (folder(), AtomicBool::new(true));
        let outcome = run(&[cell("one", 8)], Driver::Simulator, &mut folder, &Shown::new(), &stop);
        assert_eq!((outcome, folder.records().len()), (Status::Interrupted, 0));
    }
}
