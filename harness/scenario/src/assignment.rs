//! One change to a scenario, from the command line or from a file around it: `path=value`.
use std::ops::Range;

use serde_yaml::{Mapping, Value};

use crate::Error;
use crate::document::Part;
use crate::spans::join;

/// Where an assignment was written.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    name: String,
    text: String,
    /// Where the assignment stands in the text.
    at: Range<usize>,
    /// Whether the text has it word for word, so that its parts have places, too.
    is_verbatim: bool,
}

impl Origin {
    pub(crate) fn command_line(assignment: &str) -> Self {
        Self {
            name: "the command line".to_owned(),
            text: assignment.to_owned(),
            at: 0..assignment.len(),
            is_verbatim: true,
        }
    }

    /// An assignment that somebody wrote there in a file, or that was made of what is written there.
    pub(crate) fn file(name: &str, text: &str, at: Range<usize>, assignment: &str) -> Self {
        let (name, text) = (name.to_owned(), text.to_owned());
        match text[at.clone()].find(assignment) {
            Some(before) => {
                let begin = at.start + before;
                Self { name, text, at: begin..begin + assignment.len(), is_verbatim: true }
            }
            None => Self { name, text, at, is_verbatim: false },
        }
    }

    /// Points at these bytes of the assignment.
    fn point(&self, error: Error, part: Range<usize>) -> Error {
        let bytes = match self.is_verbatim {
            true => self.at.start + part.start..self.at.start + part.end,
            false => self.at.clone(),
        };
        error.at(&self.name, &self.text, bytes)
    }
}

/// An assignment and where its parts stand in it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    origin: Origin,
    steps: Vec<Step>,
    /// Where the value stands in the assignment.
    at: Range<usize>,
    value: Value,
}

/// One step of the path, from a section to what is in it.
#[derive(Clone, Debug)]
struct Step {
    to: Target,
    /// The path up to and with this step.
    path: String,
    /// Where the step stands in the text.
    at: Range<usize>,
}

#[derive(Clone, Debug)]
enum Target {
    Field(String),
    Element(usize),
}

const FORM: &str = "write a path, `=` and a value, such as `workload.rate=100/s`";

impl Assignment {
    pub(crate) fn parse(text: &str, origin: Origin) -> Result<Self, Error> {
        let fail =
            |message: &str, at: Range<usize>| Err(origin.point(Error::new(message, FORM), at));
        let Some(equals) = text.find('=') else {
            return fail("this assignment has no `=`", 0..text.len());
        };
        let mut steps: Vec<Step> = Vec::new();
        for at in step_ranges(&text[..equals]) {
            let name = &text[at.clone()];
            let path = join(steps.last().map_or("", |step| &step.path), name);
            let to = match name.strip_prefix('[') {
                None if name.is_empty() => return fail("a name is missing in the path", at),
                None => Target::Field(name.to_owned()),
                Some(rest) => match rest.strip_suffix(']').map(str::parse) {
                    Some(Ok(index)) => Target::Element(index),
                    _ => return fail("this is not the number of an element in brackets", at),
                },
            };
            steps.push(Step { to, path, at });
        }
        let at = equals + 1..text.len();
        if text[at.clone()].trim().is_empty() {
            return fail("the value is missing", equals..at.start);
        }
        match serde_yaml::from_str(&text[at.clone()]) {
            Ok(value) => Ok(Self { origin, steps, at, value }),
            Err(_) => fail("the value is not YAML", at),
        }
    }

    /// Puts the value into its place, and makes the sections on the way that are not there yet.
    pub(crate) fn apply(&self, document: &mut Value) -> Result<(), Error> {
        let mut place = document;
        for (index, step) in self.steps.iter().enumerate() {
            place = descend(place, &step.to).map_err(|(message, help)| {
                let section = index.checked_sub(1).map_or("the scenario", |i| &self.steps[i].path);
                let error = Error::new(format!("`{section}` {message}"), help);
                self.origin.point(error, step.at.clone())
            })?;
        }
        *place = self.value.clone();
        Ok(())
    }

    /// Points an error at these bytes of the assignment.
    pub(crate) fn point(&self, error: Error, part: Range<usize>) -> Error {
        self.origin.point(error, part)
    }

    /// Where in this assignment the value at a path comes from; `None` if it comes from elsewhere.
    /// `written`: whether the scenario's own text has the path, too.
    pub(crate) fn place_of(&self, path: &str, part: Part, written: bool) -> Option<Range<usize>> {
        let last = self.steps.last()?;
        if last.path == path {
            return Some(if part == Part::Key { last.at.clone() } else { self.at.clone() });
        }
        if is_within(path, &last.path) {
            return Some(self.at.clone());
        }
        if !is_within(&last.path, path) || path.is_empty() {
            return None;
        }
        match part {
            Part::Value => Some(self.at.clone()),
            Part::Key if written => None,
            Part::Key => {
                self.steps.iter().find(|step| step.path == path).map(|step| step.at.clone())
            }
        }
    }
}

/// Whether a path is that of something inside the section at another path.
fn is_within(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Where the steps of a path stand: names between dots, and element numbers in brackets.
fn step_ranges(path: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (at, character) in path.char_indices() {
        match character {
            '.' => {
                if !path[..at].ends_with(']') {
                    ranges.push(start..at);
                }
                start = at + 1;
            }
            '[' => {
                if !path[..at].ends_with(']') {
                    ranges.push(start..at);
                }
                start = at;
            }
            ']' => ranges.push(start..at + 1),
            _ => {}
        }
    }
    if !path.ends_with(']') {
        ranges.push(start..path.len());
    }
    ranges
}

fn descend<'a>(section: &'a mut Value, to: &Target) -> Result<&'a mut Value, (String, String)> {
    match to {
        Target::Field(name) => {
            if section.is_null() {
                *section = Value::Mapping(Mapping::new());
            }
            let fields = section.as_mapping_mut().ok_or_else(|| {
                (
                    "has no fields".to_owned(),
                    "it is a value: assign to it, not to something in it".to_owned(),
                )
            })?;
            Ok(fields.entry(Value::from(name.as_str())).or_insert(Value::Null))
        }
        Target::Element(index) => {
            if section.is_null() {
                *section = Value::Sequence(Vec::new());
            }
            let elements = section
                .as_sequence_mut()
                .ok_or_else(|| ("is not a list".to_owned(), "leave out the brackets".to_owned()))?;
            let length = elements.len();
            if *index == length {
                elements.push(Value::Null);
            }
            elements.get_mut(*index).ok_or_else(|| {
                (
                    format!("has only {length} elements"),
                    format!("elements count from 0; `[{length}]` appends one"),
                )
            })
        }
    }
}
