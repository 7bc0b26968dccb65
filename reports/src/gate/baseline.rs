//! Baselines: what somebody has accepted as the figures of an overlay in a scenario. One small file
//! each, in which a figure is a line, so that a change of figures reads well as a change of lines.
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use peerbench_measure::{Reading, SCHEMA, Status};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rows::median;
use super::side::{Measured, Run};
use super::{CaseName, Side, seeds_in_words};

/// How the files' names end.
const EXTENSION: &str = "json";

/// The accepted figures of one overlay in one scenario.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// The overlay.
    pub overlay: String,
    /// The scenario's name.
    pub scenario: String,
    /// Number of nodes.
    pub nodes: u32,
    /// Digest of the scenario, seeds and the overlays' own sections apart.
    pub scenario_digest: String,
    /// The seeds, ascending.
    pub seeds: Vec<u64>,
    /// The digest of the trace under each seed.
    pub trace_digests: Vec<String>,
    /// The figures under each seed, by name.
    pub figures: BTreeMap<String, Vec<Reading>>,
}

/// What every version of a baseline says.
#[derive(Deserialize)]
struct Header {
    schema: u32,
}

/// Why baselines cannot be read or written.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no baseline.
    #[error(
        "{}: {reason}. Restore the file, or measure it again: `peerbench baseline accept`",
        .path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file is of a version that measures something else.
    #[error(
        "{} has schema {found}, and this version of peerbench measures by schema {SCHEMA}, so their \
         figures cannot be compared. Measure again: `peerbench baseline accept`",
        .path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema it names.
        found: u32,
    },
    /// What was measured cannot be accepted.
    #[error("{case}: {reason}, which cannot be a baseline")]
    Unsound {
        /// The case.
        case: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Baseline {
    /// A baseline for each case of a side.
    ///
    /// # Errors
    /// [`BaselineError::Unsound`] if something has failed, measured nothing, or contradicts itself.
    pub fn all_of(side: &Side) -> Result<Vec<Self>, BaselineError> {
        let unsound = |case: &dyn ToString, reason: String| {
            Err(BaselineError::Unsound { case: case.to_string(), reason })
        };
        if !side.is_whole {
            return unsound(&side.name, "the run did not end well".to_owned());
        }
        let mut baselines = Vec::new();
        for (name, measured) in &side.cases {
            let failed: Vec<u64> = measured.failed().into_iter().map(|(seed, _)| seed).collect();
            let contradictory = measured.contradictory();
            if !failed.is_empty() {
                return unsound(name, format!("{} failed", seeds_in_words(failed)));
            }
            if !contradictory.is_empty() {
                let seeds = seeds_in_words(contradictory);
                return unsound(name, format!("{seeds} gave different traces"));
            }
            if !measured.has_figures() {
                return unsound(name, "nothing was measured".to_owned());
            }
            if measured.worlds.len() != 1 {
                return unsound(name, "its runs are of several scenarios".to_owned());
            }
            baselines.push(Self::of(name, measured));
        }
        Ok(baselines)
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name = format!("{}-{}", self.overlay, self.scenario);
        format!("{}.{EXTENSION}", name.chars().map(plain).collect::<String>())
    }

    /// The file: a line for each field and each figure, fields and figures in fixed order.
    #[must_use]
    pub fn to_json(&self) -> String {
        let figures: Vec<String> = self
            .figures
            .iter()
            .map(|(name, readings)| format!("    {}: {}", json(name), list(readings)))
            .collect();
        let fields = [
            ("schema", json(&self.schema)),
            ("overlay", json(&self.overlay)),
            ("scenario", json(&self.scenario)),
            ("nodes", json(&self.nodes)),
            ("scenario_digest", json(&self.scenario_digest)),
            ("seeds", list(&self.seeds)),
            ("trace_digests", list(&self.trace_digests)),
            ("figures", format!("{{\n{}\n  }}", figures.join(",\n"))),
        ];
        let fields = fields.map(|(name, value)| format!("  {}: {value}", json(&name)));
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is no baseline, or one of another schema. The path is for the error alone.
    pub fn parse(path: &Path, text: &str) -> Result<Self, BaselineError> {
        let malformed = |reason: String| BaselineError::Malformed { path: path.to_owned(), reason };
        let header: Header =
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if header.schema != SCHEMA {
            return Err(BaselineError::Schema { path: path.to_owned(), found: header.schema });
        }
        let baseline: Self =
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        let runs = baseline.seeds.len();
        let is_odd = |(_, readings): &(&String, &Vec<Reading>)| readings.len() != runs;
        if baseline.trace_digests.len() != runs {
            return Err(malformed(format!("{runs} seeds, but not as many traces")));
        }
        if let Some((name, readings)) = baseline.figures.iter().find(is_odd) {
            return Err(malformed(format!("{runs} seeds, but {} of {name}", readings.len())));
        }
        Ok(baseline)
    }

    /// The baselines in a folder, by file name; none if there is no such folder.
    ///
    /// # Errors
    /// If one cannot be read, or is of another schema.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, BaselineError> {
        let mut baselines = Vec::new();
        for path in files(folder)? {
            let text = fs::read_to_string(&path)
                .map_err(|source| BaselineError::Read { path: path.clone(), source })?;
            baselines.push(Self::parse(&path, &text)?);
        }
        Ok(baselines)
    }

    /// Writes it into a folder, which is made if there is none. Whether the file was there, and said
    /// the same.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn store(&self, folder: &Path) -> Result<bool, BaselineError> {
        let (path, text) = (folder.join(self.file_name()), self.to_json());
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(true);
        }
        let unwritten = |source| BaselineError::Write { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(unwritten)?;
        fs::write(&path, text).map_err(unwritten)?;
        Ok(false)
    }

    /// Which case it is of.
    #[must_use]
    pub fn name(&self) -> CaseName {
        let Self { overlay, scenario, nodes, .. } = self;
        CaseName { overlay: overlay.clone(), scenario: scenario.clone(), nodes: *nodes }
    }

    /// The median of a figure over the seeds that measured it; `None` if none has.
    pub(super) fn median(&self, figure: &str) -> Option<f64> {
        let readings = self.figures.get(figure)?;
        median(readings.iter().filter_map(|reading| reading.number()))
    }

    pub(super) fn measured(&self) -> Measured {
        let run = |(place, (seed, trace)): (usize, (&u64, &String))| {
            let reading = |(name, readings): (&String, &Vec<Reading>)| {
                Some((name.clone(), *readings.get(place)?))
            };
            let figures = self.figures.iter().filter_map(reading).collect();
            (*seed, vec![Run { status: Status::Ok, trace: Some(trace.clone()), figures }])
        };
        let runs = self.seeds.iter().zip(&self.trace_digests).enumerate().map(run).collect();
        Measured { worlds: [self.scenario_digest.clone()].into(), runs }
    }

    fn of(name: &CaseName, measured: &Measured) -> Self {
        let seeds: Vec<u64> = measured.seeds().into_iter().collect();
        let runs: Vec<&Run> = seeds.iter().filter_map(|seed| measured.run(*seed)).collect();
        let mut figures = BTreeMap::new();
        for figure in runs.iter().flat_map(|run| run.figures.keys()) {
            let reading = |run: &&Run| run.figures.get(figure).copied();
            let readings: Vec<Reading> =
                runs.iter().map(|run| reading(run).unwrap_or(Reading::NotMeasured)).collect();
            // What was measured in no run says nothing.
            if readings.iter().any(|reading| reading.number().is_some()) {
                figures.insert(figure.clone(), readings);
            }
        }
        Self {
            schema: SCHEMA,
            overlay: name.overlay.clone(),
            scenario: name.scenario.clone(),
            nodes: name.nodes,
            scenario_digest: measured.worlds.first().cloned().unwrap_or_default(),
            trace_digests: runs.iter().map(|run| run.trace.clone().unwrap_or_default()).collect(),
            seeds,
            figures,
        }
    }
}

/// The files of baselines in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, BaselineError> {
    let unread = |source| BaselineError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unread(error)),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<io::Result<_>>().map_err(unread)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    Ok(paths)
}

/// A list on one line, with spaces to break it at.
fn list<T: Serialize>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(json).collect();
    format!("[{}]", values.join(", "))
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers and texts encode")
}
