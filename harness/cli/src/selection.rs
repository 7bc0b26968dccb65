//! Stored runs as a person names them: a folder, a name or a commit, and what of the run is meant.
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use peerbench_measure::{FolderError, Key, RunFolder};
use peerbench_reports::ComparisonError;

use crate::config::parse_seeds;
use crate::failure::Failure;

/// The run in this folder; without one, that of this name among those stored, or the newest of this
/// commit.
pub(crate) fn open(run: &str, stored: &Path) -> Result<RunFolder, Failure> {
    let here = Path::new(run);
    let by_name = stored.join(run);
    let path = match run.strip_prefix('@') {
        Some(commit) if !here.is_dir() => of_commit(commit, stored)?,
        _ if !here.is_dir() && by_name.is_dir() => by_name,
        _ => here.to_owned(),
    };
    RunFolder::open(&path).map_err(|error| match error {
        // A run of another schema is sound, but not to be compared.
        FolderError::Schema { .. } => ComparisonError::Folder(error).into(),
        other => other.into(),
    })
}

/// The run, with what of it is meant behind a colon.
pub(crate) fn open_part(words: &str, stored: &Path) -> Result<RunFolder, Failure> {
    let (run, keys) = match words.rsplit_once(':') {
        // A colon of a file's name is no mark.
        _ if Path::new(words).is_dir() => (words, ""),
        Some((run, keys)) => (run, keys),
        None => (words, ""),
    };
    let mut folder = open(run, stored)?;
    let words: Vec<&str> = keys.split(',').filter(|word| !word.is_empty()).collect();
    // `seed=1,2` is one condition: a number after a comma belongs to what is before it.
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    for condition in words.chunk_by(|_, next| is_number(next)) {
        let meant = Condition::parse(&condition.join(","))?;
        folder.retain(|record| meant.holds(&record.key));
    }
    if folder.records().is_empty() && !keys.is_empty() {
        return Err(Failure::Usage(format!("{run} has nothing of `{keys}`")));
    }
    Ok(folder)
}

/// The newest of the stored runs whose sources were at this commit.
fn of_commit(commit: &str, stored: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(stored).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    let is_of = |path: &&PathBuf| {
        let run = RunFolder::open(path).ok();
        let git = run.as_ref().and_then(|run| run.manifest().git.as_ref());
        !path.is_symlink() && git.is_some_and(|git| git.commit.starts_with(commit))
    };
    let found = folders.iter().rev().find(is_of).cloned();
    let missing = || {
        let place = stored.display();
        Failure::Usage(format!("no run of commit `{commit}` is stored in {place}"))
    };
    if commit.is_empty() { Err(missing()) } else { found.ok_or_else(missing) }
}

/// What must be true of a record's key.
#[derive(Debug, PartialEq)]
enum Condition {
    Overlay(String),
    Scenario(String),
    Driver(String),
    Nodes(u32),
    Seeds(Vec<u64>),
    Rounds(RangeInclusive<u32>),
}

impl Condition {
    fn parse(words: &str) -> Result<Self, Failure> {
        let Some((field, value)) = words.split_once('=') else {
            return Ok(Self::Overlay(words.to_owned()));
        };
        let wrong = || Failure::Usage(format!("`{value}` is no {field}"));
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        Ok(match field {
            "overlay" => Self::Overlay(value.to_owned()),
            "scenario" => Self::Scenario(value.to_owned()),
            "driver" => Self::Driver(value.to_owned()),
            "nodes" => Self::Nodes(number(value)?),
            "seed" => Self::Seeds(parse_seeds(value)?),
            "round" => match value.split_once("..") {
                Some((first, last)) => Self::Rounds(number(first)?..=number(last)?),
                None => Self::Rounds(number(value)?..=number(value)?),
            },
            other => return Err(Failure::unknown("part of a key", other, PARTS.into_iter())),
        })
    }

    fn holds(&self, key: &Key) -> bool {
        match self {
            Self::Overlay(overlay) => key.overlay == *overlay,
            Self::Scenario(scenario) => key.scenario == *scenario,
            Self::Driver(driver) => key.driver.name() == driver,
            Self::Nodes(nodes) => key.n == *nodes,
            Self::Seeds(seeds) => seeds.contains(&key.seed),
            Self::Rounds(rounds) => rounds.contains(&key.round),
        }
    }
}

/// The parts of a key that can be named.
const PARTS: [&str; 6] = ["overlay", "scenario", "driver", "nodes", "seed", "round"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_parts_of_a_key_and_a_word_alone_is_an_overlay() {
        let parse = |words| Condition::parse(words).map_err(|error| error.to_string());
        assert_eq!(parse("chord"), Ok(Condition::Overlay("chord".to_owned())));
        assert_eq!(parse("seed=1..3"), Ok(Condition::Seeds(vec![1, 2, 3])));
        assert_eq!(parse("round=0"), Ok(Condition::Rounds(0..=0)));
        assert!(parse("nodes=many").is_err() && parse("colour=red").is_err());
    }
}
