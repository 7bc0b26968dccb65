//! How nodes freeload: each strategy with its line, which its documentation is, and who knows it.
use overlay_core::Strategy;
use schemars::schema_for;
use serde_json::Value;

use crate::failure::Failure;
use crate::overlays::OVERLAYS;

/// Columns of the longest name, and some space.
const NAME: usize = 15;

/// Every strategy, a line or two each.
pub(crate) fn list() -> String {
    let line = |(strategy, about): (Strategy, String)| {
        let knows = OVERLAYS.iter().filter(|entry| entry.strategies.contains(&strategy));
        let known: Vec<&str> = knows.map(|entry| entry.name).collect();
        let by = match known.len() {
            0 => "no overlay".to_owned(),
            all if all == OVERLAYS.len() => "all overlays".to_owned(),
            _ => known.join(", "),
        };
        format!("{:NAME$} {about}\n{:NAME$} known by {by}\n", strategy.to_string(), "")
    };
    all().into_iter().map(line).collect()
}

/// The strategy of this name.
pub(crate) fn named(name: &str) -> Result<Strategy, Failure> {
    let all = all();
    let names: Vec<String> = all.iter().map(|(strategy, _)| strategy.to_string()).collect();
    let place = names.iter().position(|known| known == name);
    let found = place.map(|place| all[place].0);
    found.ok_or_else(|| Failure::unknown("strategy", name, names.iter().map(String::as_str)))
}

/// All of them with what they do, as their type's schema has it: the one place where both are.
fn all() -> Vec<(Strategy, String)> {
    let schema = schema_for!(Strategy).to_value();
    let variant = |variant: &Value| {
        let strategy = serde_json::from_value(variant["const"].clone()).ok()?;
        // As one line, whatever lines it was written on.
        let words = variant["description"].as_str().unwrap_or_default().split_whitespace();
        Some((strategy, words.collect::<Vec<_>>().join(" ")))
    };
    schema["oneOf"].as_array().into_iter().flatten().filter_map(variant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_that_an_overlay_knows_is_listed_with_what_it_does() {
        let all = all();
        for entry in OVERLAYS {
            for strategy in entry.strategies {
                let about = all.iter().find(|(known, _)| known == strategy).map(|(_, it)| it);
                assert!(about.is_some_and(|about| about.ends_with('.')), "{strategy}: {about:?}");
                assert_eq!(named(&strategy.to_string()).ok(), Some(*strategy));
            }
        }
        assert!(named("no-uplod").is_err());
    }
}
