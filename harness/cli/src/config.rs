//! Scenarios: from the command line's choice to one that is sound and complete.
use std::path::Path;
use std::process::ExitCode;

use peerbench_scenario::{Document, Scenario, builtin, builtin_names};

use crate::arguments::{Config, ScenarioChoice};
use crate::failure::Failure;
use crate::overlays::{DEFAULT_SCENARIO, Entry, OVERLAYS};
use crate::papers;
use crate::show::{print, print_line};

/// A scenario as it was written, and as it is meant.
pub(crate) struct Chosen {
    pub(crate) document: Document,
    pub(crate) scenario: Scenario,
}

/// Reads the chosen scenario, or else this one, changes it as the command line says, checks it, and
/// writes out every value, those of these overlays' sections included.
pub(crate) fn choose(
    choice: &ScenarioChoice,
    otherwise: &str,
    overlays: &[&Entry],
) -> Result<Chosen, Failure> {
    complete(document(choice, otherwise)?, overlays)
}

/// The chosen scenario, or else this one, as the command line changes it; not checked yet.
pub(crate) fn document(choice: &ScenarioChoice, otherwise: &str) -> Result<Document, Failure> {
    let mut document = read(choice.scenario.as_deref().unwrap_or(otherwise))?;
    for assignment in &choice.assignments {
        document.set(assignment)?;
    }
    if let Some(nodes) = choice.nodes {
        document.set(&format!("nodes={nodes}"))?;
    }
    if let Some(seeds) = &choice.seeds {
        document.set(&format!("seeds={:?}", parse_seeds(seeds)?))?;
    }
    Ok(document)
}

/// The same for every overlay that can fetch items of the scenario's size, and whose nodes know how
/// to freeload as the scenario says.
fn choose_for_all(choice: &ScenarioChoice) -> Result<Chosen, Failure> {
    let Scenario { workload, freeloaders, .. } = choose(choice, DEFAULT_SCENARIO, &[])?.scenario;
    let knows =
        |entry: &Entry| !freeloaders.are_any() || entry.strategies.contains(&freeloaders.strategy);
    let fetches = |entry: &Entry| workload.item_size.0 <= (entry.largest_item)();
    let able = OVERLAYS.iter().filter(|entry| fetches(entry) && knows(entry));
    choose(choice, DEFAULT_SCENARIO, &able.collect::<Vec<_>>())
}

/// Checks a scenario, and writes out every value, those of these overlays' sections included.
pub(crate) fn complete(document: Document, overlays: &[&Entry]) -> Result<Chosen, Failure> {
    let names: Vec<&str> = OVERLAYS.iter().map(|entry| entry.name).collect();
    document.check_overlays(&names)?;
    let mut scenario = document.scenario()?;
    for entry in overlays {
        (entry.resolve)(&document, &mut scenario)?;
    }
    Ok(Chosen { document, scenario })
}

/// A file if there is one of that name, otherwise a scenario that comes with the program.
fn read(name: &str) -> Result<Document, Failure> {
    let path = Path::new(name);
    let looks_like_file = path.extension().is_some() || name.contains('/');
    if looks_like_file || path.is_file() {
        return Ok(Document::read(path)?);
    }
    if builtin_names().any(|known| known == name) {
        return Ok(builtin(name)?);
    }
    if papers::SCENARIOS.iter().any(|(known, _)| *known == name) {
        return papers::scenario(name);
    }
    let names = builtin_names().chain(papers::SCENARIOS.iter().map(|(name, _)| *name));
    Err(Failure::unknown("scenario", name, names))
}

/// `7`, `1,2,3`, `1..16` (both ends included), or several of these with commas.
pub(crate) fn parse_seeds(text: &str) -> Result<Vec<u64>, Failure> {
    let wrong = |part: &str| {
        Failure::Usage(format!("`{part}` is not a seed: write numbers such as 7, 1,2,3 or 1..16"))
    };
    let mut seeds = Vec::new();
    for part in text.split(',').map(str::trim) {
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong(part));
        match part.split_once("..") {
            Some((first, last)) => {
                let range = number(first)?..=number(last)?;
                if range.is_empty() || range.end() - range.start() >= 100_000 {
                    return Err(wrong(part));
                }
                seeds.extend(range);
            }
            None => seeds.push(number(part)?),
        }
    }
    Ok(seeds)
}

/// `peerbench config …`.
pub(crate) fn run(config: &Config) -> Result<ExitCode, Failure> {
    match config {
        Config::Check(choice) => {
            let Chosen { scenario, .. } = choose_for_all(choice)?;
            print_line(format_args!("{} is sound: {} nodes", scenario.name, scenario.nodes));
        }
        Config::Show(choice) => print(choose_for_all(choice)?.scenario.to_yaml()),
        Config::Schema => print_line(schema()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of scenarios, every overlay's section included.
pub(crate) fn schema() -> String {
    let sections: Vec<_> = OVERLAYS.iter().map(|entry| (entry.name, (entry.schema)())).collect();
    serde_json::to_string_pretty(&peerbench_scenario::schema(&sections))
        .expect("a schema is made of plain JSON values")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_lists_and_ranges() {
        let seeds = |text| parse_seeds(text).map_err(|error| error.to_string());
        assert_eq!(seeds("7"), Ok(vec![7]));
        assert_eq!(seeds("1..3, 9"), Ok(vec![1, 2, 3, 9]));
        assert!(seeds("3..1").is_err() && seeds("").is_err() && seeds("a").is_err());
        assert!(seeds("0..99999999").is_err());
    }
}
