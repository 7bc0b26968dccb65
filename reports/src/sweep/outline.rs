//! Which runs belong to a grid of parameters, stored beside them so that they can be shown again and
//! gone on with.
use std::fs;
use std::io::ErrorKind;

use peerbench_measure::{Driver, FolderError, RunFolder};
use serde::{Deserialize, Serialize};

/// The name of an outline among a run's files.
const FILE: &str = "sweep.yaml";

/// A grid of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// The scenario that everything is changed in.
    pub world: String,
    /// What ran the nodes.
    pub driver: Driver,
    /// The seeds that each point was run under.
    pub seeds: Vec<u64>,
    /// The overlays, in the order in which they are shown.
    pub overlays: Vec<String>,
    /// What has several values.
    pub fields: Vec<Field>,
    /// Every combination, overlay after overlay.
    pub points: Vec<Combination>,
    /// How they are shown.
    pub view: View,
}

/// A field of scenarios that has several values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its path in a scenario, such as `overlays.chord.successors`.
    pub path: String,
    /// What tables call it.
    pub label: String,
    /// The overlay whose parameter it is; `None`: it is the world's.
    pub overlay: Option<String>,
    /// Its values, as they were written.
    pub values: Vec<String>,
}

/// One overlay with one value for every field that concerns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// The overlay.
    pub overlay: String,
    /// The scenario in the keys of the records of its runs.
    pub scenario: String,
    /// The digest of the scenario.
    pub digest: String,
    /// By field: which of its values; `None` where it does not concern the overlay.
    pub choices: Vec<Option<usize>>,
}

/// What is drawn against what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The name of the figure that is what a point costs.
    pub x: String,
    /// The name of the figure that is what is got for it.
    pub y: String,
    /// What share of the lookups has to be answered rightly, 0 to 1.
    pub correct_at_least: f64,
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

    /// The first thing in which another grid differs from this one, in words; `None` if runs of one
    /// are runs of the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let paths = |of: &Self| of.fields.iter().map(|it| it.path.clone()).collect::<Vec<_>>();
        let list = |words: &[String]| match words {
            [] => "nothing".to_owned(),
            words => words.join(", "),
        };
        let differs = |what: &str, one: String, another: String| {
            (one != another).then(|| format!("{what} {one} there and {another} here"))
        };
        let values = self.fields.iter().zip(&other.fields).find_map(|(one, another)| {
            differs(
                &format!("the values of {} are", one.path),
                list(&one.values),
                list(&another.values),
            )
        });
        let seeds = |of: &Self| list(&of.seeds.iter().map(u64::to_string).collect::<Vec<_>>());
        differs("the driver is the", self.driver.to_string(), other.driver.to_string())
            .or_else(|| differs("the overlays are", list(&self.overlays), list(&other.overlays)))
            .or_else(|| differs("what varies is", list(&paths(self)), list(&paths(other))))
            .or(values)
            .or_else(|| differs("the seeds are", seeds(self), seeds(other)))
            .or_else(|| {
                let is_other = self.points != other.points;
                is_other.then(|| "other fields of the scenario have other values".to_owned())
            })
    }

    /// How many runs there are in all.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.points.len() * self.seeds.len()
    }

    /// A combination by its values: `nodes=64, successors=8`. Empty where nothing varies.
    #[must_use]
    pub fn words(&self, point: &Combination) -> String {
        self.words_of(point, |_| true)
    }

    /// The same of its overlay's own fields, or of the world's.
    pub(super) fn part_of_words(&self, point: &Combination, own: bool) -> String {
        self.words_of(point, |field| field.overlay.is_some() == own)
    }

    fn words_of(&self, point: &Combination, is_meant: impl Fn(&Field) -> bool) -> String {
        let fields = self.fields.iter().zip(&point.choices);
        let words = fields.filter(|(field, _)| is_meant(field));
        let word = |(field, choice): (&Field, &Option<usize>)| {
            let value = field.values.get((*choice)?)?;
            Some(format!("{}={value}", field.label))
        };
        words.filter_map(word).collect::<Vec<_>>().join(", ")
    }
}
