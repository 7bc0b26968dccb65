//! `peerbench doctor`: whether this machine's testbed numbers can be trusted, and what to do where
//! they cannot.
mod diagnosis;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use peerbench_measure::{Driver, Key, Progress as _, RunRecord, Status};
use peerbench_testbed::Plan;

use crate::arguments::{Doctor, ScenarioChoice};
use crate::config::{Chosen, choose};
use crate::failure::{FAILED, Failure, INCONCLUSIVE, INTERRUPTED};
use crate::overlays::{DEFAULT_SCENARIO, OVERLAYS};
use crate::progress::Shown;
use crate::show::{print, terminal};
use diagnosis::{Evidence, Trial, Verdict, diagnose};

/// Nodes of the trial run: as many as say what one costs, and few enough for any machine.
const TRIAL_NODES: u32 = 16;
/// What makes the default scenario a short one.
const TRIAL: [&str; 3] = ["warm_up=3s", "workload.searches=60", "workload.rate=40/s"];

pub(crate) fn run(doctor: &Doctor, stop: &AtomicBool) -> Result<ExitCode, Failure> {
    let progress = Shown::new();
    let entry = &OVERLAYS[0];
    let choice = ScenarioChoice {
        nodes: Some(TRIAL_NODES),
        assignments: TRIAL.map(str::to_owned).into(),
        ..ScenarioChoice::default()
    };
    let Chosen { scenario, .. } = choose(&choice, DEFAULT_SCENARIO, &[entry])?;
    let plan = Plan::of_this_program(entry.name, &scenario, 1)?;
    let (executable, arguments) = (plan.executable.clone(), plan.arguments.clone());
    let examination = peerbench_testbed::examine(executable, arguments, &progress, stop)?;
    progress.phase(&format!("running {TRIAL_NODES} nodes for a few seconds"));
    let measurement = (entry.test)(&plan, &progress, stop)?;
    progress.done();
    if stop.load(Ordering::Relaxed) {
        eprintln!("interrupted: nothing is said");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let key = Key {
        overlay: entry.name.to_owned(),
        scenario: scenario.name.clone(),
        driver: Driver::Testbed,
        n: scenario.nodes,
        seed: plan.seed,
        round: 0,
    };
    let record = RunRecord::new(key, scenario.digest(), Status::Ok, &measurement);
    let evidence = Evidence {
        is_optimised: !cfg!(debug_assertions),
        nodes: doctor.nodes,
        trial: Trial {
            bytes_per_node: record.reading("cost_bytes_per_node").number(),
            lateness_us: record.reading("lateness_us_p99").number(),
            correct: record.reading("lookup_correct_ratio").number(),
        },
        examination,
    };
    let diagnosis = diagnose(&evidence);
    let (width, colour) = terminal();
    print(diagnosis.terminal(width, colour));
    Ok(match diagnosis.verdict() {
        Verdict::Unfit => ExitCode::from(FAILED),
        Verdict::Doubtful if doctor.strict => ExitCode::from(INCONCLUSIVE),
        Verdict::Doubtful | Verdict::Sound => ExitCode::SUCCESS,
    })
}
