//! From what the YAML reader says to what a person needs to hear: which field, what was expected,
//! and which one may have been meant.
use std::ops::Range;

use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use crate::Error;
use crate::document::{Document, Part};
use crate::model::Scenario;
use crate::spans::{join, last_name};

/// Reads the section at a path of the document.
pub(crate) fn deserialize<T: DeserializeOwned>(
    section: &Value,
    path: &str,
    document: &Document,
) -> Result<T, Error> {
    serde_path_to_error::deserialize(section).map_err(|error| {
        let within = error.path().to_string();
        let within = within.trim_end_matches(".?").trim_matches('.');
        let within = if within == "?" { "" } else { within };
        explain(&join_paths(path, within), &without_location(error.inner()), document)
    })
}

/// The text is not YAML at all.
pub(crate) fn not_yaml(message: &str) -> Error {
    Error::new(
        format!("this is not YAML: {message}"),
        "check the indentation, the colons after names, and the quotes around this place",
    )
}

/// The message of the YAML reader without the place it appends, which we show in our own way.
pub(crate) fn without_location(error: &serde_yaml::Error) -> String {
    let message = error.to_string();
    match (error.location(), message.rfind(" at line ")) {
        (Some(_), Some(end)) => message[..end].to_owned(),
        _ => message,
    }
}

/// The character at this line, from 1, and column, from 0.
pub(crate) fn byte_at(text: &str, line: usize, column: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[start..];
    let at = start + rest.char_indices().nth(column).map_or(rest.len(), |(byte, _)| byte);
    at..at + text[at..].chars().next().map_or(0, char::len_utf8)
}

/// "Did you mean", and what there is.
pub(crate) fn suggestion(name: &str, known: &[&str], what: &str) -> String {
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {what}: {listed}"),
        None if known.is_empty() => format!("there are no {what}"),
        None => format!("{what}: {listed}"),
    }
}

/// The name that a misspelt one is most like: at most one slip in three letters apart.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = (name.chars().count() / 3).max(1);
    known
        .map(|other| (strsim::damerau_levenshtein(&name.to_lowercase(), other), other))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

fn join_paths(path: &str, within: &str) -> String {
    if within.is_empty() { path.to_owned() } else { join(path, within) }
}

/// What serde says has few forms, which are fixed by the default methods of `serde::de::Error`.
fn explain(path: &str, said: &str, document: &Document) -> Error {
    if let Some(rest) = said.strip_prefix("unknown field `") {
        return unknown_field(path, rest, document);
    }
    if let Some((variant, rest)) =
        said.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`'))
    {
        let help = suggestion(variant, &quoted(rest), "possible values");
        let message = format!("`{path}` cannot be `{variant}`");
        return document.complain(path, message, help);
    }
    let mismatch = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|form| said.strip_prefix(form))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match mismatch {
        Some((found, expected)) => {
            let subject = match path {
                "" => format!("the {}", document.kind()),
                path => format!("`{path}`"),
            };
            let message = format!("{subject} must be {}, not {}", wanted(expected), seen(found));
            document.complain(path, message, "")
        }
        None => document.complain(path, format!("`{path}`: {said}"), ""),
    }
}

fn unknown_field(path: &str, rest: &str, document: &Document) -> Error {
    let (field, rest) = rest.split_once('`').unwrap_or((rest, ""));
    let section = match path.strip_suffix(field) {
        Some(section) => section.trim_end_matches('.'),
        None => path,
    };
    let known = quoted(rest);
    let place = match section {
        "" => format!("a {}", document.kind()),
        section => format!("`{section}`"),
    };
    let mut help = suggestion(field, &known, "its fields");
    if nearest(field, known.iter().copied()).is_none()
        && let Some(elsewhere) = fields().iter().find(|path| last_name(path) == field)
    {
        help = format!("`{field}` is a field of another section: `{elsewhere}`");
    }
    let message = format!("{place} has no field `{field}`");
    document.complain_about(&join(section, field), Part::Key, message, help)
}

/// The names in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What was expected, in a user's words instead of Rust's.
fn wanted(expected: &str) -> String {
    match expected {
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a section with fields".to_owned(),
        // How the YAML library speaks of what our plain names are to it.
        "a Value::Tagged enum" => "a name".to_owned(),
        other if other.starts_with("struct ") => "a section with fields".to_owned(),
        other => other.to_owned(),
    }
}

/// What was found, likewise.
fn seen(found: &str) -> String {
    match found {
        "unit value" => "empty".to_owned(),
        "map" => "a section".to_owned(),
        "sequence" => "a list".to_owned(),
        other => other.split_once(' ').filter(|(kind, _)| !kind.is_empty()).map_or(
            other.to_owned(),
            |(kind, value)| match kind {
                "string" => format!("the text {value}"),
                "integer" | "floating" => {
                    format!("the number {}", value.trim_start_matches("point "))
                }
                _ => other.to_owned(),
            },
        ),
    }
}

/// The path of every field of a scenario.
fn fields() -> Vec<String> {
    let schema = SchemaSettings::default()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Scenario>();
    let mut paths = Vec::new();
    collect_fields(schema.as_value(), "", &mut paths);
    paths
}

fn collect_fields(schema: &serde_json::Value, path: &str, to: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(|fields| fields.as_object()) {
        for (name, field) in properties {
            let path = join(path, name);
            to.push(path.clone());
            collect_fields(field, &path, to);
            if let Some(element) = field.get("items") {
                collect_fields(element, &format!("{path}[]"), to);
            }
        }
    }
}
