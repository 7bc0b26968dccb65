//! `peerbench bench`: every overlay, driver and seed asked for, on the testbed one run after the other,
//! in the simulator over all cores; each stored as soon as it is finished.
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::{
    Driver, FolderError, Key, Measurement, Pace, Progress, RunFolder, RunRecord, Setup, Status,
};
use peerbench_reports::Page;
use peerbench_scenario::{Document, Scenario, Transport};
use peerbench_testbed::Plan;

use crate::arguments::{Bench, DriverChoice, ScenarioChoice};
use crate::config::{self, Chosen, complete};
use crate::failure::{FAILED, Failure, INTERRUPTED, NOTHING_MEASURED};
use crate::overlays::{DEFAULT_SCENARIO, Entry, find};
use crate::parallel::{Batch, Outcome, cores, warn_of_memory};
use crate::progress::Shown;
use crate::report::{self, Findings};

/// The most processes that the testbed starts on one machine: at some 1.5 MB each, a quarter of a
/// large one's memory, and half a minute to start.
const MOST_TESTBED_PROCESSES: u32 = 4_096;

/// The seeds over which the simulator compares overlays if nobody names any: enough for an interval
/// of 95 % that one wild world does not spoil.
const COMPARED_SEEDS: RangeInclusive<u64> = 1..=16;

/// Above so many nodes a simulated run takes seconds, and sixteen are no longer a matter of course.
const MOST_NODES_COMPARED: u32 = 4_096;

/// The scenario in which a file is downloaded if nobody names another.
const DOWNLOADS: &str = "swarm";

/// The seed of scenarios that name none.
const DEFAULT_SEEDS: &[u64] = &[1];

/// One run to be made.
struct Job {
    entry: &'static Entry,
    driver: Driver,
    seed: u64,
    round: u32,
}

impl Job {
    fn is_simulated(&self) -> bool {
        self.driver == Driver::Simulator
    }

    /// What is run where.
    fn headline(&self, several_seeds: bool) -> String {
        let place = match self.driver {
            Driver::Testbed => "on the testbed",
            Driver::Simulator => "in the simulator",
        };
        let seed = if several_seeds { format!(", seed {}", self.seed) } else { String::new() };
        let round =
            if self.round > 0 { format!(", round {}", self.round + 1) } else { String::new() };
        format!("{} {place}{seed}{round}", self.entry.name)
    }
}

/// Tells what a driver is doing together with the run that it does it for.
struct Headed<'a> {
    shown: &'a Shown,
    /// Empty where there is one overlay, which the driver's own words are clear enough for.
    headline: String,
    /// The overlay, as it stands before what a driver says of it.
    named: String,
    /// Whether the run is one of many short ones, of whose phases nobody wants to hear.
    is_short: bool,
}

impl<'a> Headed<'a> {
    fn new(shown: &'a Shown, job: &Job, place: usize, jobs: &[Job]) -> Self {
        let several = |differs: &dyn Fn(&Job) -> bool| jobs.iter().any(differs);
        let several_seeds = several(&|other| other.seed != job.seed);
        let headline = match several(&|other| other.entry.name != job.entry.name) {
            true => format!("{} of {}: {}", place + 1, jobs.len(), job.headline(several_seeds)),
            false => String::new(),
        };
        let is_short = several_seeds && job.driver == Driver::Simulator && !headline.is_empty();
        let named = format!("{}: ", job.entry.name);
        let headed = Self { shown, headline, named, is_short };
        if is_short {
            headed.shown.phase(&headed.headline);
        }
        headed
    }
}

impl Progress for Headed<'_> {
    fn phase(&self, what: &str) {
        match (self.is_short, &*self.headline) {
            (true, _) => {}
            (false, "") => self.shown.phase(what),
            (false, headline) => {
                // Some phases begin with the overlay, which the headline has said.
                let what = what.strip_prefix(&self.named).unwrap_or(what);
                self.shown.phase(&format!("{headline}: {what}"));
            }
        }
    }

    fn advance(&self, done: u64, total: u64) {
        self.shown.advance(done, total);
    }

    fn simulated(&self, pace: Pace) {
        self.shown.simulated(pace);
    }
}

pub(crate) fn run(bench: &Bench, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let entries = entries(&bench.overlays, bench.reference.as_deref())?;
    let chosen = chosen(bench, &entries)?;
    if bench.driver != DriverChoice::Simulator {
        check_testbed(&chosen.document, &chosen.scenario)?;
    }
    let mut folder = create_folder(bench, &entries, &chosen.scenario)?;
    let progress = Shown::new();
    let mut outcome = Status::Ok;
    let jobs = jobs(bench, &entries, &chosen.scenario);
    let mut place = 0;
    for batch in jobs.chunk_by(|one, other| [one, other].iter().all(|job| job.is_simulated())) {
        let each = |job: &Job, result: Outcome<Measurement>| match result {
            Ok(measurement) => {
                keep(&mut folder, job, &chosen.scenario, &measurement, stop);
                if is_first_simulated(job, &jobs) {
                    portray(&mut folder, job, &chosen, stop);
                }
            }
            Err(failure) => {
                progress.done();
                match failure {
                    Some(failure) => drop(failure.report()),
                    None => eprintln!("error: an assertion has failed; please report it"),
                }
                outcome = Status::Failed;
            }
        };
        match batch {
            [job] => alone(job, (place, &jobs), &chosen, each, (&progress, stop)),
            batch => together(batch, &chosen, each, (&progress, stop)),
        }
        place += batch.len();
    }
    progress.done();
    if stop.load(Ordering::Relaxed) {
        outcome = Status::Interrupted;
    }
    conclude(&mut folder, outcome)
}

/// Makes one run, and shows what it is doing.
fn alone(
    job: &Job,
    (place, jobs): (usize, &[Job]),
    chosen: &Chosen,
    mut done: impl FnMut(&Job, Outcome<Measurement>),
    (progress, stop): (&Shown, &AtomicBool),
) {
    if stop.load(Ordering::Relaxed) {
        return;
    }
    if job.is_simulated() {
        warn_of_memory(chosen.scenario.nodes);
    }
    let headed = Headed::new(progress, job, place, jobs);
    done(job, measure(job, chosen, &headed, stop).map_err(Some));
}

/// Makes many runs in the simulator, over all cores: they do not disturb each other. They are stored in
/// the order of the jobs, so that equal runs give equal folders.
fn together(
    jobs: &[Job],
    chosen: &Chosen,
    mut done: impl FnMut(&Job, Outcome<Measurement>),
    (progress, stop): (&Shown, &AtomicBool),
) {
    let simulated_nodes = &|_: &Job| chosen.scenario.nodes;
    let batch = Batch { jobs, threads: cores(), simulated_nodes };
    progress.phase(&format!("{} runs in the simulator", jobs.len()));
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    batch.run(
        |job, share| measure(job, chosen, share, stop),
        |index, outcome| {
            waiting.insert(index, outcome);
            while let Some(outcome) = waiting.remove(&next) {
                done(&jobs[next], outcome);
                next += 1;
            }
        },
        progress,
        stop,
    );
    // After a stop, some before these were never begun.
    waiting.into_iter().for_each(|(index, outcome)| done(&jobs[index], outcome));
}

/// Whether this is the first run of its overlay in the simulator.
fn is_first_simulated(job: &Job, jobs: &[Job]) -> bool {
    let is_of_it = |other: &&Job| other.is_simulated() && other.entry.name == job.entry.name;
    jobs.iter().find(is_of_it).is_some_and(|first| std::ptr::eq(first, job))
}

/// Portrays the network of a run; without a portrait, reports have a picture less.
fn portray(folder: &mut RunFolder, job: &Job, chosen: &Chosen, stop: &AtomicBool) {
    match (job.entry.portray)(&chosen.document, &chosen.scenario, job.seed, stop) {
        Ok(Some(portrait)) => warn(folder.store_portrait(&portrait)),
        Ok(None) => {}
        Err(failure) => drop(failure.report()),
    }
}

/// The scenario, and what is to be downloaded in it.
fn chosen(bench: &Bench, entries: &[&Entry]) -> Result<Chosen, Failure> {
    // Overlays that are at home in different scenarios meet where all can run.
    let home = entries.first().map_or(DEFAULT_SCENARIO, |first| first.scenario);
    let is_shared = entries.iter().all(|entry| entry.scenario == home);
    let otherwise = match (&bench.content, is_shared) {
        (Some(_), _) => DOWNLOADS,
        (None, true) => home,
        (None, false) => DEFAULT_SCENARIO,
    };
    let mut document = config::document(&bench.scenario, otherwise)?;
    if let Some(path) = &bench.content {
        // Quoted as JSON quotes it, which is YAML, too.
        let path = serde_json::Value::from(path.to_string_lossy().as_ref());
        document.set(&format!("workload.content={path}"))?;
        document.set("workload.items=1")?;
        document.set("workload.fetch=true")?;
        if document.scenario()?.workload.downloads.is_none() {
            document.set("workload.downloads={}")?;
        }
    }
    complete(document, entries)
}

/// The overlays of these names, the reference first: so they are run, stored and shown. One named
/// twice would write its records over each other.
pub(crate) fn entries(
    names: &[String],
    reference: Option<&str>,
) -> Result<Vec<&'static Entry>, Failure> {
    if let Some(index) = (1..names.len()).find(|&index| names[..index].contains(&names[index])) {
        let message = format!("`{}` is there twice: name each overlay once", names[index]);
        return Err(Failure::Usage(message));
    }
    let mut entries: Vec<&Entry> = names.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    if let Some(reference) = reference {
        let place = entries.iter().position(|entry| entry.name == reference);
        let place = place.ok_or_else(|| {
            let what = "is not measured: name it among the overlays";
            Failure::Usage(format!("the reference `{reference}` {what}"))
        })?;
        entries[..=place].rotate_right(1);
    }
    Ok(entries)
}

/// Refuses what cannot be started here, before anything is.
pub(crate) fn check_testbed(document: &Document, scenario: &Scenario) -> Result<(), Failure> {
    if scenario.testbed.transport == Transport::Quic && !cfg!(feature = "quic") {
        let help = "build with `--features quic`, or use tcp";
        let message = "this build has no QUIC".to_owned();
        return Err(document.complain("testbed.transport", message, help).into());
    }
    if scenario.network.weather.is_some() {
        let help = "simulate it (`--driver simulator`), or leave `network.weather` out";
        let message = "the testbed's weather is its machine's".to_owned();
        return Err(document.complain("network.weather", message, help).into());
    }
    let nodes = scenario.nodes;
    let processes = nodes.div_ceil(scenario.testbed.nodes_per_process);
    if processes <= MOST_TESTBED_PROCESSES {
        return Ok(());
    }
    let message = format!(
        "{nodes} nodes would be {processes} processes of the testbed, which starts \
         {MOST_TESTBED_PROCESSES} at most"
    );
    let help = "simulate so many nodes (`--driver simulator`), or put several into a process \
                (`--set testbed.nodes_per_process=16`)";
    Err(document.complain("nodes", message, help).into())
}

/// Seed after seed, so that an interrupted run has whole comparisons.
fn jobs(bench: &Bench, entries: &[&'static Entry], scenario: &Scenario) -> Vec<Job> {
    let simulated = simulated_seeds(&bench.scenario, bench.overlays.len() > 1, scenario);
    let tested: &[u64] =
        if bench.driver == DriverChoice::Simulator { &[] } else { &scenario.seeds };
    let simulated: &[u64] = if bench.driver == DriverChoice::Testbed { &[] } else { &simulated };
    let more = simulated.iter().filter(|seed| !scenario.seeds.contains(seed));
    let mut jobs = Vec::new();
    for seed in scenario.seeds.iter().chain(more) {
        for &entry in entries {
            if tested.contains(seed) {
                let (driver, seed) = (Driver::Testbed, *seed);
                jobs.extend((0..bench.rounds).map(|round| Job { entry, driver, seed, round }));
            }
            if simulated.contains(seed) {
                jobs.push(Job { entry, driver: Driver::Simulator, seed: *seed, round: 0 });
            }
        }
    }
    jobs
}

/// The scenario's seeds; those of a comparison if there is one and nobody has named any.
pub(crate) fn simulated_seeds(
    choice: &ScenarioChoice,
    compares: bool,
    scenario: &Scenario,
) -> Vec<u64> {
    let assigns = |text: &String| text.split('=').next().is_some_and(|it| it.trim() == "seeds");
    let named = choice.seeds.is_some() || choice.assignments.iter().any(assigns);
    let is_small = scenario.nodes <= MOST_NODES_COMPARED;
    match compares && is_small && !named && scenario.seeds == DEFAULT_SEEDS {
        true => COMPARED_SEEDS.collect(),
        false => scenario.seeds.clone(),
    }
}

fn measure(
    job: &Job,
    chosen: &Chosen,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Measurement, Failure> {
    let (scenario, seed) = (&chosen.scenario, job.seed);
    match job.driver {
        Driver::Simulator => {
            let document = &chosen.document;
            let mut simulated = (job.entry.simulate)(document, scenario, seed, progress, stop)?;
            if !stop.load(Ordering::Relaxed) {
                let rate = (job.entry.queue_alone)(scenario, seed, &simulated)?;
                simulated.measurement.control("queue_with_empty_handler", rate, "events/s");
            }
            Ok(simulated.measurement)
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

fn create_folder(
    bench: &Bench,
    entries: &[&Entry],
    scenario: &Scenario,
) -> Result<RunFolder, Failure> {
    let command_line: Vec<String> = std::env::args().collect();
    let setup = Setup {
        overlays: entries.iter().map(|entry| entry.name.to_owned()).collect(),
        scenario: scenario.name.clone(),
        scenario_yaml: scenario.to_yaml(),
        scenario_digest: scenario.digest(),
        run_again: run_again(&command_line),
        command_line,
    };
    open_folder(&bench.reports, setup)
}

/// The folder of a run that is about to begin: one that cannot be stored does not.
pub(crate) fn open_folder(runs: &Path, setup: Setup) -> Result<RunFolder, Failure> {
    Ok(RunFolder::create(runs, setup)?)
}

/// Notes how a run ended. If the disk did not take all of it, it is stored where temporary files are,
/// and the command has failed.
pub(crate) fn finish(folder: &mut RunFolder, outcome: Status) -> Status {
    warn(folder.finish(outcome));
    if folder.is_complete() {
        return outcome;
    }
    match folder.rescue(&std::env::temp_dir().join("peerbench-runs")) {
        Ok(path) => eprintln!("What was measured is in {} instead", path.display()),
        Err(error) => warn(Err(error)),
    }
    if outcome == Status::Ok { Status::Failed } else { outcome }
}

pub(crate) fn run_again(command_line: &[String]) -> String {
    let arguments = command_line.iter().skip(1).map(|word| match word.contains([' ', '*', '$']) {
        true => format!("'{word}'"),
        false => word.clone(),
    });
    std::iter::once("peerbench".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Prints the table, stores the summary, and says what to do next.
fn conclude(folder: &mut RunFolder, outcome: Status) -> Result<ExitCode, Failure> {
    let outcome = finish(folder, outcome);
    let findings = Findings::of(std::slice::from_ref(folder), None)?;
    if findings.is_empty() {
        eprintln!("nothing was measured");
        let code = match outcome {
            Status::Interrupted => INTERRUPTED,
            Status::Failed => FAILED,
            _ => NOTHING_MEASURED,
        };
        return Ok(ExitCode::from(code));
    }
    findings.print(false);
    warn(folder.store_report("summary.md", &findings.markdown()));
    if let Some(path) = folder.path() {
        eprintln!("\nThe run is stored in {}", path.display());
        report::store(folder, Page::of(std::slice::from_ref(folder), None));
        eprintln!("Next: peerbench report {} --open", path.display());
        eprintln!("      peerbench explain lookup_latency_us_p50");
    }
    Ok(match outcome {
        Status::Interrupted => ExitCode::from(INTERRUPTED),
        Status::Failed => ExitCode::from(FAILED),
        _ => ExitCode::SUCCESS,
    })
}

pub(crate) fn warn(stored: Result<(), FolderError>) {
    if let Err(error) = stored {
        eprintln!("warning: {error}. The table comes all the same");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Verb};
    use clap::Parser as _;
    use peerbench_scenario::builtin;

    fn bench(arguments: &[&str]) -> Bench {
        let words = ["peerbench", "bench"].iter().chain(arguments);
        match Arguments::try_parse_from(words).expect("a command line").verb {
            Verb::Bench(bench) => bench,
            other => panic!("{other:?}"),
        }
    }

    /// The seeds that this command line runs in the simulator.
    fn seeds(arguments: &[&str], nodes: u32, of_scenario: &[u64]) -> Vec<u64> {
        let document = builtin("default").expect("it comes with the program");
        let scenario = document.scenario().expect("it is sound");
        let scenario = Scenario { nodes, seeds: of_scenario.to_vec(), ..scenario };
        let bench = bench(arguments);
        simulated_seeds(&bench.scenario, bench.overlays.len() > 1, &scenario)
    }

    #[test]
    fn several_overlays_are_simulated_over_sixteen_seeds_unless_somebody_names_some() {
        let sixteen: Vec<u64> = (1..=16).collect();
        assert_eq!(seeds(&["a", "b"], 64, &[1]), sixteen);
        assert_eq!(seeds(&["a"], 64, &[1]), [1]);
        assert_eq!(seeds(&["a", "b"], 4_097, &[1]), [1]);
        assert_eq!(seeds(&["a", "b"], 64, &[3, 4]), [3, 4]);
        assert_eq!(seeds(&["a", "b", "--seeds", "1"], 64, &[1]), [1]);
        assert_eq!(seeds(&["a", "b", "--set", "seeds = [1]"], 64, &[1]), [1]);
    }

    #[test]
    fn a_seed_is_run_on_both_drivers_before_the_next_one() {
        let document = builtin("default").expect("it comes with the program");
        let scenario = document.scenario().expect("it is sound");
        let entry = &crate::overlays::OVERLAYS[0];
        // The names only say that there are two.
        let jobs = jobs(&bench(&["a", "b", "--rounds", "2"]), &[entry], &scenario);
        let runs: Vec<_> = jobs.iter().map(|job| (job.driver, job.seed, job.round)).collect();
        let tested = [(Driver::Testbed, 1, 0), (Driver::Testbed, 1, 1)];
        assert_eq!(runs[..2], tested);
        let simulated = (1..=16).map(|seed| (Driver::Simulator, seed, 0));
        assert_eq!(runs[2..], simulated.collect::<Vec<_>>());
    }

    #[test]
    fn a_headline_says_which_run_of_how_many_it_is() {
        let entry = &crate::overlays::OVERLAYS[0];
        let job = |driver, seed, round| Job { entry, driver, seed, round };
        let name = entry.name;
        let tested = job(Driver::Testbed, 1, 0).headline(false);
        assert_eq!(tested, format!("{name} on the testbed"));
        let simulated = job(Driver::Simulator, 3, 0).headline(true);
        assert_eq!(simulated, format!("{name} in the simulator, seed 3"));
        let again = job(Driver::Testbed, 1, 1).headline(false);
        assert_eq!(again, format!("{name} on the testbed, round 2"));
    }
}
