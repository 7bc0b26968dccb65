//! Where each value of a YAML text stands: from its path, such as `network.capacities[0].share`,
//! to the bytes of its key and of itself.
use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError, Span};

/// The places of everything in one YAML text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    places: BTreeMap<String, Place>,
    /// The first key that was there before, in its section.
    pub(crate) repeated: Option<(String, Range<usize>)>,
    /// Where a second document begins.
    pub(crate) second_document: Option<Range<usize>>,
}

/// Where one value stands, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its key; for an element of a sequence, the same as `value`.
    pub(crate) key: Range<usize>,
    /// The value if it is a scalar; its key, or where it begins, if it is a whole section.
    pub(crate) value: Range<usize>,
}

/// A mapping or a sequence that has begun and not yet ended.
struct Open {
    path: String,
    kind: Kind,
}

enum Kind {
    /// With the key whose value comes next.
    Mapping(Option<(String, Range<usize>)>),
    /// With the index of the element that comes next.
    Sequence(usize),
}

impl Spans {
    /// The places in a text.
    ///
    /// # Errors
    /// Where the text is not YAML.
    pub(crate) fn of(text: &str) -> Result<Self, ScanError> {
        let mut spans = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let bytes = byte_of_each_character(text);
        let mut documents = 0;
        for event in Parser::new_from_str(text) {
            let (event, span) = event?;
            let range = byte_range(&span, &bytes);
            match event {
                Event::Scalar(scalar, ..) => spans.scalar(&mut open, &scalar, range),
                Event::Alias(_) => {
                    spans.value(&mut open, range, false);
                }
                Event::MappingStart(..) => {
                    let path = spans.value(&mut open, range, true);
                    open.push(Open { path, kind: Kind::Mapping(None) });
                }
                Event::SequenceStart(..) => {
                    let path = spans.value(&mut open, range, true);
                    open.push(Open { path, kind: Kind::Sequence(0) });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents == 2 {
                        spans.second_document = Some(range);
                    }
                }
                _ => {}
            }
        }
        Ok(spans)
    }

    /// Where this value stands.
    pub(crate) fn of_path(&self, path: &str) -> Option<&Place> {
        self.places.get(path)
    }

    /// The places of what is within the section at a path, whose own place has the empty path.
    pub(crate) fn within(&self, section: &str) -> Self {
        let inner = |(path, place): (&String, &Place)| {
            let rest = path.strip_prefix(section)?;
            let is_within = rest.is_empty() || rest.starts_with(['.', '[']);
            is_within.then(|| (rest.trim_start_matches('.').to_owned(), place.clone()))
        };
        Self { places: self.places.iter().filter_map(inner).collect(), ..Self::default() }
    }

    fn scalar(&mut self, open: &mut [Open], scalar: &str, range: Range<usize>) {
        if let Some(Open { path, kind: Kind::Mapping(key @ None) }) = open.last_mut() {
            // An unnamed section, such as one in a list, is best pointed at by its first key.
            if let Some(place) = self.places.get_mut(path.as_str())
                && place.value.is_empty()
            {
                *place = Place { key: range.clone(), value: range.clone() };
            }
            *key = Some((scalar.to_owned(), range));
        } else {
            self.value(open, range, false);
        }
    }

    /// Notes a value and returns its path.
    fn value(&mut self, open: &mut [Open], range: Range<usize>, section: bool) -> String {
        let (path, key) = match open.last_mut() {
            None => return String::new(),
            Some(Open { path, kind: Kind::Sequence(index) }) => {
                *index += 1;
                (format!("{path}[{}]", *index - 1), None)
            }
            Some(Open { path, kind: Kind::Mapping(key) }) => {
                let (name, at) = key.take().unwrap_or_default();
                (join(path, &name), Some(at))
            }
        };
        let value = match &key {
            Some(key) if section || range.is_empty() => key.clone(),
            None if section => range.start..range.start,
            _ => range,
        };
        let key = key.unwrap_or_else(|| value.clone());
        let place = Place { key: key.clone(), value };
        if self.places.insert(path.clone(), place).is_some() && self.repeated.is_none() {
            self.repeated = Some((path.clone(), key));
        }
        path
    }
}

/// The path of a field within the section at a path; the whole document's path is empty.
pub(crate) fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.starts_with('[')) {
        (true, _) => field.to_owned(),
        (false, true) => format!("{path}{field}"),
        (false, false) => format!("{path}.{field}"),
    }
}

/// The path of the section that holds the value at a path; `None` for the whole document.
pub(crate) fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rfind(['.', '[']).map_or("", |end| &path[..end]))
}

/// The name of the field at a path.
pub(crate) fn last_name(path: &str) -> &str {
    path.rfind('.').map_or(path, |dot| &path[dot + 1..])
}

/// The parser counts characters, while snippets are cut out by bytes.
fn byte_of_each_character(text: &str) -> Vec<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect()
}

fn byte_range(span: &Span, bytes: &[usize]) -> Range<usize> {
    let byte = |character: usize| bytes[character.min(bytes.len() - 1)];
    byte(span.start.index())..byte(span.end.index())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_found_by_its_path() {
        let text =
            "µ: ü\na:\n  b: [1, two]\n  c:\n    - d: 5 # note\n      e: 'x y'\n    - 7\nf:\n";
        let spans = Spans::of(text).unwrap();
        let found: Vec<_> = spans
            .places
            .iter()
            .map(|(path, place)| {
                format!("{path} = {} @ {}", &text[place.value.clone()], &text[place.key.clone()])
            })
            .collect();
        assert_eq!(
            found,
            [
                "a = a @ a",
                "a.b = b @ b",
                "a.b[0] = 1 @ 1",
                "a.b[1] = two @ two",
                "a.c = c @ c",
                "a.c[0] = d @ d",
                "a.c[0].d = 5 @ d",
                "a.c[0].e = 'x y' @ e",
                "a.c[1] = 7 @ 7",
                "f = f @ f",
                "µ = ü @ µ",
            ]
        );
    }

    #[test]
    fn a_section_has_the_places_of_what_is_within_it() {
        let spans = Spans::of("a: {b: [1], c: 2}\nab: 3\n").unwrap();
        let within = spans.within("a");
        assert_eq!(within.places.keys().collect::<Vec<_>>(), ["", "b", "b[0]", "c"]);
        assert_eq!(spans.within("a.b").places.keys().collect::<Vec<_>>(), ["", "[0]"]);
    }

    #[test]
    fn paths_come_apart_as_they_were_put_together() {
        assert_eq!(join(&join("", "network"), "capacities"), "network.capacities");
        assert_eq!(parent("network.capacities[0].share"), Some("network.capacities[0]"));
        assert_eq!(parent("network.capacities[0]"), Some("network.capacities"));
        assert_eq!(parent("network"), Some(""));
        assert_eq!(parent(""), None);
        assert_eq!(last_name("network.capacities[0].share"), "share");
    }
}
