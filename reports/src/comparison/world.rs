//! Whether stored runs are of one world, and where they are from.
//!
//! Two runs are of one world if their scenarios are the same but for seeds, which say which draws
//! of the world were run, and for the overlays' own sections, which are what is compared.
use std::collections::BTreeMap;

use peerbench_measure::{Manifest, RunFolder};
use serde_yaml::Value;

use super::ComparisonError;

/// Fields of a scenario that runs of one world need not share.
const OWN: [&str; 3] = ["seeds", "overlays", "description"];

/// The most differences that are listed.
const MOST_LISTED: usize = 8;

/// Refuses runs that are not of the first one's world.
pub(super) fn check(runs: &[RunFolder]) -> Result<(), ComparisonError> {
    let Some((first, others)) = runs.split_first() else { return Ok(()) };
    let (first, all) = (first.manifest(), others.iter().map(RunFolder::manifest));
    for second in all {
        let differences = differences(first, second);
        if !differences.is_empty() {
            return Err(ComparisonError::Worlds {
                first: first.id.clone(),
                second: second.id.clone(),
                differences,
            });
        }
    }
    Ok(())
}

/// Which runs a comparison is made of, where there are several.
pub(super) fn sources(runs: &[RunFolder]) -> Vec<String> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let source = |(number, run): (usize, &RunFolder)| {
        let Manifest { id, git, .. } = run.manifest();
        let git = git.as_ref().map(|git| {
            let changed = if git.dirty { ", changed since" } else { "" };
            format!(" (sources {}{changed})", git.commit)
        });
        format!("#{number} {id}{}", git.unwrap_or_default())
    };
    (1..).zip(runs).map(source).collect()
}

/// The fields in which two runs' worlds differ, each with both values.
pub(crate) fn differences(first: &Manifest, second: &Manifest) -> Vec<String> {
    if first.scenario_digest == second.scenario_digest {
        return Vec::new();
    }
    let fields = |manifest: &Manifest| {
        let mut fields = BTreeMap::new();
        // What the suite has written reads back; what somebody changed is one text.
        match serde_yaml::from_str::<Value>(&manifest.scenario_yaml) {
            Ok(scenario) => flatten(&scenario, String::new(), &mut fields),
            Err(_) => {
                fields.insert("the scenario".to_owned(), manifest.scenario_yaml.clone());
            }
        }
        fields
    };
    let (one, other) = (fields(first), fields(second));
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |fields: &BTreeMap<String, String>, name: &String| {
        fields.get(name).cloned().unwrap_or_else(|| "nothing".to_owned())
    };
    let mut differences: Vec<String> = names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}: {} against {}", value(&one, name), value(&other, name)))
        .collect();
    let more = differences.len().saturating_sub(MOST_LISTED);
    differences.truncate(MOST_LISTED);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    differences
}

/// Every value by its path, such as `workload.rate`.
pub(crate) fn flatten(value: &Value, path: String, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Mapping(entries) => {
            for (name, value) in entries {
                let name = name.as_str().unwrap_or_default();
                match path.is_empty() {
                    true if OWN.contains(&name) => {}
                    true => flatten(value, name.to_owned(), fields),
                    false => flatten(value, format!("{path}.{name}"), fields),
                }
            }
        }
        Value::Sequence(values) => {
            for (place, value) in values.iter().enumerate() {
                flatten(value, format!("{path}[{place}]"), fields);
            }
        }
        plain => {
            let text = serde_yaml::to_string(plain).unwrap_or_default();
            fields.insert(path, text.trim_end().to_owned());
        }
    }
}
