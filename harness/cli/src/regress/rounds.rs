//! The noisy part: both programs on the testbed in turn, with the base as a third arm. What looks
//! worse is measured a second time.
use std::path::{Path, PathBuf};
use std::process::Command;

use peerbench_measure::RunRecord;
use peerbench_reports::gate::CaseName;
use peerbench_reports::gate::tripwire::{
    Arm, FEWEST_ROUNDS, Series, Trial, Tripwire, rounds, suspects, trip,
};
use peerbench_scenario::Document;

use super::build::{Program, create};
use super::simulated::{overlays, stored};
use super::{Programs, RUN_WITHIN, RegressFailure, Workshop, child};
use crate::failure::Failure;
use crate::progress::Shown;

/// The scenario of rounds.
const SCENARIO: &str = include_str!("../../../../reports/baselines/tripwire.yaml");

/// Where rounds are measured, and how many.
struct Course<'a> {
    programs: &'a Programs,
    workshop: &'a Workshop<'a>,
    folder: PathBuf,
    name: String,
    nodes: u32,
    rounds: u32,
}

/// Measures every overlay that both programs have.
///
/// # Errors
/// If a program cannot be started or writes other records, or somebody stopped it.
pub(super) fn measure(programs: &Programs, workshop: &Workshop<'_>) -> Result<Tripwire, Failure> {
    let folder = workshop.folder.join(format!("rounds-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    create(&folder)?;
    let tripwire = measure_in(programs, workshop, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    tripwire
}

fn measure_in(
    programs: &Programs,
    workshop: &Workshop<'_>,
    folder: &Path,
) -> Result<Tripwire, Failure> {
    let scenario = Document::parse("the scenario of rounds", SCENARIO)?.scenario()?;
    let path = folder.join("tripwire.yaml");
    std::fs::write(&path, SCENARIO)
        .map_err(|source| RegressFailure::File { path: path.clone(), source })?;
    let known = overlays(&programs.base, folder, workshop)?;
    let both: Vec<String> = overlays(&programs.head, folder, workshop)?
        .into_iter()
        .filter(|overlay| known.contains(overlay))
        .collect();
    let course = Course {
        programs,
        workshop,
        folder: folder.to_owned(),
        name: scenario.name,
        nodes: scenario.nodes,
        rounds: workshop.arguments.rounds.unwrap_or_else(|| rounds(both.len())).max(FEWEST_ROUNDS),
    };
    let first = course.series("first", &both)?;
    let suspicious = suspects(&first);
    let again: Vec<String> =
        both.into_iter().filter(|it| suspicious.contains(&course.case(it))).collect();
    let second = course.series("second", &again)?;
    Ok(trip(&first, &second))
}

impl Course<'_> {
    fn case(&self, overlay: &str) -> CaseName {
        CaseName { overlay: overlay.to_owned(), scenario: self.name.clone(), nodes: self.nodes }
    }

    fn series(&self, which: &str, overlays: &[String]) -> Result<Vec<Series>, RegressFailure> {
        let progress = Shown::new();
        let total = overlays.len() as u64 * u64::from(self.rounds);
        let mut done = 0;
        let mut all = Vec::new();
        for overlay in overlays {
            let mut trials = Vec::new();
            for round in 0..self.rounds {
                let what =
                    format!("{overlay}, {which} series: round {} of {}", round + 1, self.rounds);
                progress.tell(&what, done, total);
                for arm in Arm::order(round) {
                    let record = self.run(which, overlay, round, arm)?;
                    trials.push(Trial::new(round, arm, record.as_ref()));
                }
                done += 1;
            }
            all.push(Series { case: self.case(overlay), trials });
        }
        progress.done();
        Ok(all)
    }

    /// One run of one arm; `None` if it left no record. Each round is another world, the same for all
    /// its arms.
    fn run(
        &self,
        which: &str,
        overlay: &str,
        round: u32,
        arm: Arm,
    ) -> Result<Option<RunRecord>, RegressFailure> {
        let program: &Program = match arm {
            Arm::Base | Arm::Again => &self.programs.base,
            Arm::Head => &self.programs.head,
        };
        let folder = self.folder.join(format!("{which}-{overlay}-{round}-{arm:?}"));
        create(&folder)?;
        let mut command = Command::new(&program.path);
        command
            .args(["bench", overlay, "--driver", "testbed", "--scenario"])
            .arg(self.folder.join("tripwire.yaml"))
            .args(["--seeds", &(round + 1).to_string(), "--reports"])
            .arg(&folder);
        let log = folder.join("log.txt");
        let status = child::run(&mut command, &log, RUN_WITHIN, self.workshop.stop)?;
        if !status.is_some_and(|status| status.success()) {
            eprintln!("{overlay}, the {}: {}", program.side, child::last_words(&log));
        }
        let run = stored(program, &folder)?;
        Ok(run.and_then(|run| run.records().first().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Chosen, complete};
    use crate::overlays::OVERLAYS;

    #[test]
    fn every_overlay_can_run_rounds_and_no_latency_is_emulated_in_them() {
        for entry in OVERLAYS {
            let document = Document::parse("tripwire", SCENARIO).expect("it is YAML");
            let Chosen { scenario, .. } = complete(document, &[entry])
                .unwrap_or_else(|failure| panic!("{}: {failure}", entry.name));
            assert!(!scenario.testbed.shaped);
            assert_eq!(scenario.name, "tripwire");
        }
    }
}
