//! One side of a comparison: what was measured, case by case, from a stored run or from baselines.
use std::collections::{BTreeMap, BTreeSet};

use peerbench_measure::{Manifest, Reading, RunFolder, RunRecord, Status};
use serde_yaml::Value;

use super::metrics::gated;
use super::{Baseline, CaseName};
use crate::comparison::world;

/// Everything that is compared to something else.
#[derive(Clone, Debug)]
pub struct Side {
    /// What a person calls it.
    pub name: String,
    /// Whether it is what somebody has accepted, rather than a run.
    pub(super) is_baseline: bool,
    /// Whether everything that was begun has ended, and well.
    pub(super) is_whole: bool,
    pub(super) cases: BTreeMap<CaseName, Measured>,
    /// Runs of drivers that are not exact.
    pub(super) noisy: usize,
    /// The overlays' own settings, field by field; `None` where they are not told.
    settings: Option<BTreeMap<String, String>>,
    /// The circumstances of a stored run.
    manifest: Option<Manifest>,
}

/// The runs of one case.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// The digests of the scenarios that they name: one, unless something is wrong.
    pub(super) worlds: BTreeSet<String>,
    /// By seed; several of one seed are the same run, made again.
    pub(super) runs: BTreeMap<u64, Vec<Run>>,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) status: Status,
    /// The digest of its trace.
    pub(super) trace: Option<String>,
    /// The figures that are judged, as far as whoever stored them knew them.
    pub(super) figures: BTreeMap<String, Reading>,
}

impl Side {
    /// What a stored run has measured in the simulator. Only there two runs of one seed are the same
    /// run, so that each difference is a change of the program. Runs of the testbed are noise until
    /// both sides are measured in turn on one machine, and are only counted here.
    #[must_use]
    pub fn of_run(folder: &RunFolder) -> Self {
        let manifest = folder.manifest();
        let mut cases: BTreeMap<CaseName, Measured> = BTreeMap::new();
        let (exact, noisy): (Vec<&RunRecord>, Vec<&RunRecord>) =
            folder.records().iter().partition(|record| record.key.driver.is_exact());
        for record in exact {
            let measured = cases.entry(CaseName::of(&record.key)).or_default();
            measured.worlds.insert(record.scenario_digest.clone());
            measured.runs.entry(record.key.seed).or_default().push(Run::of(record));
        }
        Self {
            name: manifest.id.clone(),
            is_baseline: false,
            is_whole: manifest.status == Some(Status::Ok),
            cases,
            noisy: noisy.len(),
            settings: settings(manifest),
            manifest: Some(manifest.clone()),
        }
    }

    /// A side to which runs are added, under this name.
    #[must_use]
    pub fn of_nothing(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_baseline: false,
            is_whole: true,
            cases: BTreeMap::new(),
            noisy: 0,
            settings: None,
            manifest: None,
        }
    }

    /// Adds a stored run of a world that a person has given this name. What is called the same on
    /// both sides is the same text, and so the same world: what a program writes out of it may have
    /// more fields than what another does.
    pub fn add_run(&mut self, folder: &RunFolder, world: &str) {
        let mut run = Self::of_run(folder);
        for measured in run.cases.values_mut() {
            measured.worlds = [world.to_owned()].into();
        }
        for (name, measured) in run.cases {
            let case = self.cases.entry(name).or_default();
            case.worlds.extend(measured.worlds);
            for (seed, runs) in measured.runs {
                case.runs.entry(seed).or_default().extend(runs);
            }
        }
        self.is_whole &= run.is_whole;
        self.noisy += run.noisy;
        self.settings.get_or_insert_default().extend(run.settings.unwrap_or_default());
    }

    /// Notes that something was to be measured, and was not.
    pub fn note_failure(&mut self) {
        self.is_whole = false;
    }

    /// What was accepted, under this name.
    #[must_use]
    pub fn of_baselines(name: &str, baselines: &[Baseline]) -> Self {
        Self {
            name: name.to_owned(),
            is_baseline: true,
            is_whole: true,
            cases: baselines
                .iter()
                .map(|baseline| (baseline.name(), baseline.measured()))
                .collect(),
            noisy: 0,
            settings: None,
            manifest: None,
        }
    }

    /// Leaves out the cases of all overlays but these.
    pub fn keep_overlays(&mut self, overlays: &[String]) {
        self.cases.retain(|name, _| overlays.contains(&name.overlay));
    }

    /// Whether nothing was measured that can be judged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Whether both have an overlay in the same scenario.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.cases.keys().any(|name| other.cases.contains_key(name))
    }

    /// How the overlays' own settings differ from another run's, field by field; nothing where a side
    /// does not tell its settings.
    pub(super) fn settings_apart(&self, head: &Self) -> Vec<String> {
        let (Some(one), Some(other)) = (&self.settings, &head.settings) else {
            return Vec::new();
        };
        let value = |settings: &BTreeMap<String, String>, name: &String| {
            settings.get(name).cloned().unwrap_or_else(|| "nothing".to_owned())
        };
        let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        names
            .into_iter()
            .filter(|name| one.get(*name) != other.get(*name))
            .map(|name| format!("{name}: {} against {}", value(one, name), value(other, name)))
            .collect()
    }

    /// Why the runs of a case did not meet the same worlds on both sides, field by field where that
    /// is known; nothing if they did. What a scenario says of overlays is no part of the world: it is
    /// what may be compared.
    pub(super) fn worlds_apart(&self, head: &Self, name: &CaseName) -> Vec<String> {
        let worlds = |side: &Self| side.cases.get(name).map(|it| it.worlds.clone());
        let (one, other) = (worlds(self).unwrap_or_default(), worlds(head).unwrap_or_default());
        if one == other && one.len() == 1 {
            return Vec::new();
        }
        let list = |worlds: &BTreeSet<String>| {
            worlds.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
        };
        match (self.manifest_of(&one), head.manifest_of(&other)) {
            (Some(one), Some(other)) => world::differences(one, other),
            _ => vec![format!("scenario digest: {} against {}", list(&one), list(&other))],
        }
    }

    /// The circumstances of the run, if its scenario is the one with this digest.
    fn manifest_of(&self, worlds: &BTreeSet<String>) -> Option<&Manifest> {
        let manifest = self.manifest.as_ref()?;
        (worlds.len() == 1 && worlds.contains(&manifest.scenario_digest)).then_some(manifest)
    }
}

impl Measured {
    pub(super) fn seeds(&self) -> BTreeSet<u64> {
        self.runs.keys().copied().collect()
    }

    /// The seeds of runs that did not end well, each with how they ended.
    pub(super) fn failed(&self) -> Vec<(u64, Status)> {
        let bad = |(seed, runs): (&u64, &Vec<Run>)| {
            runs.iter().find(|run| run.status != Status::Ok).map(|run| (*seed, run.status))
        };
        self.runs.iter().filter_map(bad).collect()
    }

    /// The seeds of which there are several runs with different traces.
    pub(super) fn contradictory(&self) -> Vec<u64> {
        let differ = |runs: &[Run]| runs.iter().any(|run| run.trace != runs[0].trace);
        self.runs.iter().filter(|(_, runs)| differ(runs)).map(|(seed, _)| *seed).collect()
    }

    /// Whether any figure was measured.
    pub(super) fn has_figures(&self) -> bool {
        let mut readings = self.runs.values().flatten().flat_map(|run| run.figures.values());
        readings.any(|reading| reading.number().is_some())
    }

    /// The run of this seed; of several, which are equal, the first.
    pub(super) fn run(&self, seed: u64) -> Option<&Run> {
        self.runs.get(&seed)?.first()
    }
}

impl Run {
    fn of(record: &RunRecord) -> Self {
        let figure = |name: String| Some((name.clone(), record.metrics.get(&name)?.value));
        Self {
            status: record.status,
            trace: record.trace_digest.clone(),
            figures: gated().filter_map(|it| figure(it.name)).collect(),
        }
    }
}

/// The overlays' own settings as a run has written them out, field by field.
fn settings(manifest: &Manifest) -> Option<BTreeMap<String, String>> {
    let scenario: Value = serde_yaml::from_str(&manifest.scenario_yaml).ok()?;
    let mut fields = BTreeMap::new();
    world::flatten(scenario.get("overlays")?, "overlays".to_owned(), &mut fields);
    Some(fields)
}
