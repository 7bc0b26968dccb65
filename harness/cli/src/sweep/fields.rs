//! Fields with several values, as the command line gives them: `overlays.chord.successors=4,8,16`.
use peerbench_reports::sweep::Field;
use peerbench_scenario::Document;

use crate::arguments::Sweep;
use crate::failure::Failure;
use crate::overlays::Entry;

/// What the command line gives a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    path: String,
    pub(super) values: Vec<String>,
    /// The overlay whose field it is; `None`: it is the world's.
    overlay: Option<String>,
}

/// Fields that tell runs apart and are no parameter of anything, and what to use instead.
const NO_PARAMETERS: [(&str, &str); 2] =
    [("seeds", "name seeds by `--seeds`"), ("name", "combinations are named by their values")];

/// Everything that is assigned, in the order of the command line.
pub(super) fn given(arguments: &Sweep, entries: &[&Entry]) -> Result<Vec<Given>, Failure> {
    let nodes = arguments.nodes.iter().map(|nodes| format!("nodes={nodes}"));
    let texts = arguments.assignments.iter().cloned().chain(nodes);
    let mut all: Vec<Given> = Vec::new();
    for text in texts {
        let given = Given::parse(&text)?;
        if all.iter().any(|known| known.path == given.path) {
            let message = format!("`{}` is there twice: put all its values into one", given.path);
            return Err(Failure::Usage(message));
        }
        if !given.is_fixed() {
            given.check(entries)?;
        }
        all.push(given);
    }
    Ok(all)
}

impl Given {
    fn parse(text: &str) -> Result<Self, Failure> {
        let Some((path, values)) = text.split_once('=') else {
            let form = "write a path, `=` and values, such as `overlays.chord.successors=4,8,16`";
            return Err(Failure::Usage(format!("`{text}` has no `=`: {form}")));
        };
        let path = path.trim();
        let overlay = path.strip_prefix("overlays.").map(|rest| {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        Ok(Self { path: path.to_owned(), values: split(values), overlay })
    }

    /// Whether it may have several values here.
    fn check(&self, entries: &[&Entry]) -> Result<(), Failure> {
        let refuse = |why: String| Err(Failure::Usage(format!("`{}`: {why}", self.path)));
        if let Some((_, instead)) = NO_PARAMETERS.iter().find(|(path, _)| *path == self.path) {
            return refuse(format!("it cannot be swept; {instead}"));
        }
        match &self.overlay {
            Some(overlay) if entries.iter().all(|entry| entry.name != overlay) => {
                refuse(format!("`{overlay}` is not swept: name it among the overlays"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it has one value everywhere.
    pub(super) fn is_fixed(&self) -> bool {
        self.values.len() == 1
    }

    /// Whether an overlay can tell its values apart.
    pub(super) fn concerns(&self, entry: &Entry) -> bool {
        self.overlay.as_deref().is_none_or(|overlay| overlay == entry.name)
    }

    /// Gives the field one of its values.
    pub(super) fn assign(&self, document: &mut Document, value: usize) -> Result<(), Failure> {
        Ok(document.set(&format!("{}={}", self.path, self.values[value]))?)
    }

    /// What an outline says of it, among these others.
    pub(super) fn outline(&self, all: &[&Self]) -> Field {
        let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
        let label = last(&self.path);
        let is_clear = all.iter().filter(|other| last(&other.path) == label).count() == 1;
        Field {
            label: if is_clear { label } else { self.path.clone() },
            path: self.path.clone(),
            overlay: self.overlay.clone(),
            values: self.values.clone(),
        }
    }
}

/// The values between commas; a comma in brackets, braces or quotes is a value's own.
fn split(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let (mut depth, mut quote) = (0_u32, None);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), it) if it == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                values.push(String::new());
                continue;
            }
            _ => {}
        }
        values.last_mut().expect("there is one from the beginning").push(character);
    }
    values.iter().map(|value| value.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_commas_and_lists_are_one_value() {
        for (text, values) in [
            ("4,8, 16", vec!["4", "8", "16"]),
            ("[1,2]", vec!["[1,2]"]),
            ("[1,2],[3]", vec!["[1,2]", "[3]"]),
            ("{at: 1s, action: kill}, null", vec!["{at: 1s, action: kill}", "null"]),
            ("\"a,b\",c", vec!["\"a,b\"", "c"]),
            ("]4,8", vec!["]4", "8"]),
            ("4,,8", vec!["4", "", "8"]),
        ] {
            assert_eq!(split(text), values, "{text}");
        }
    }

    #[test]
    fn a_field_of_an_overlay_is_known_by_its_path() {
        let overlay = |text| Given::parse(text).ok().and_then(|given| given.overlay);
        assert_eq!(overlay("overlays.chord.successors=4,8").as_deref(), Some("chord"));
        assert_eq!(overlay("overlays.chord={}").as_deref(), Some("chord"));
        assert_eq!(overlay("nodes=4"), None);
        assert!(Given::parse("nodes").is_err());
    }

    #[test]
    fn labels_are_as_short_as_they_can_be() {
        let given = |text| Given::parse(text).expect("it has a path");
        let (one, another, third) = (given("a.rate=1,2"), given("b.rate=1,2"), given("c.d=1,2"));
        let all = [&one, &another, &third];
        let labels = all.map(|field| field.outline(&all).label);
        assert_eq!(labels, ["a.rate", "b.rate", "d"]);
    }
}
