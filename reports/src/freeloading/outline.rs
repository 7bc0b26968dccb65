//! Which runs belong together, stored beside them so that they can be shown again.
use std::fs;
use std::io::ErrorKind;

use peerbench_measure::{Driver, FolderError, RunFolder};
use serde::{Deserialize, Serialize};

/// The name of an outline among a run's files.
const FILE: &str = "freeloaders.yaml";

/// Which overlays were run with which shares of freeloaders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// The scenario that all of them ran.
    pub world: String,
    /// How freeloaders freeload.
    pub strategy: String,
    /// Number of nodes.
    pub nodes: u32,
    /// How many seeds each was run under.
    pub seeds: usize,
    /// What ran the nodes.
    pub driver: Driver,
    /// The overlays, in the order in which they are shown.
    pub overlays: Vec<String>,
    /// The shares of freeloaders, ascending; the first is 0.
    pub steps: Vec<Step>,
    /// Overlays that were not run, each with the reason.
    pub left_out: Vec<String>,
}

/// A share of freeloaders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The share, 0 to 1.
    pub share: f64,
    /// The scenario in the keys of the records of its runs.
    pub scenario: String,
}

impl Outline {
    /// Stores it beside the runs.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn store(&self, folder: &RunFolder) -> Result<(), FolderError> {
        let text = serde_yaml::to_string(self)
            .expect("an outline is made of mappings, sequences and scalars, which YAML can write");
        folder.store_report(FILE, &text)
    }

    /// The outline beside stored runs; `None` if they are of another kind, or if the file is of
    /// another version: their tables can be shown all the same.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn stored(folder: &RunFolder) -> Result<Option<Self>, FolderError> {
        let Some(path) = folder.path().map(|path| path.join(FILE)) else { return Ok(None) };
        match fs::read_to_string(&path) {
            Ok(text) => Ok(serde_yaml::from_str(&text).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Read { path, source }),
        }
    }
}
