//! A scenario as it was written: the text, the command line's changes to it, and the way back from
//! any field to the place where a person wrote it.
use std::ops::Range;
use std::path::{Path, PathBuf};

use overlay_core::units::Bytes;
use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use crate::assignment::{Assignment, Origin};
use crate::model::{CITIES, Scenario};
use crate::spans::{Spans, parent};
use crate::{Content, Error, check, diagnosis, edge_list};

/// A scenario file as read, with the assignments made to it since, so that any later complaint
/// about a field can point at the line and column, or at the argument, that gave it its value.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    /// What it is, such as `scenario`.
    kind: &'static str,
    /// The name for a scenario that does not name itself.
    stem: Option<String>,
    folder: Option<PathBuf>,
    text: String,
    spans: Spans,
    value: Value,
    assignments: Vec<Assignment>,
}

/// Which part of a field a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its name.
    Key,
    /// Its value.
    Value,
}

impl Document {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// If the file cannot be read, or is not YAML.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_kind("scenario", path)
    }

    /// Reads a file with scenarios in it, such as a lesson; `kind` is what errors call it.
    ///
    /// # Errors
    /// If the file cannot be read, or is not YAML.
    pub fn read_kind(kind: &'static str, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(
                format!("cannot read the {kind} `{}`: {error}", path.display()),
                format!("name a YAML file, or one of the built-in {kind}s"),
            )
        })?;
        let mut document = Self::parse_kind(kind, &path.display().to_string(), text)?;
        document.stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        document.folder = path.parent().map(Path::to_owned);
        Ok(document)
    }

    /// Reads a scenario from a text; the name is what errors call it.
    ///
    /// # Errors
    /// If the text is not YAML.
    pub fn parse(name: &str, text: impl Into<String>) -> Result<Self, Error> {
        Self::parse_kind("scenario", name, text)
    }

    /// Reads a text with scenarios in it, such as a lesson; `kind` is what errors call it.
    ///
    /// # Errors
    /// If the text is not YAML.
    pub fn parse_kind(
        kind: &'static str,
        name: &str,
        text: impl Into<String>,
    ) -> Result<Self, Error> {
        let text = text.into();
        let spans = Spans::of(&text).map_err(|error| {
            let at = diagnosis::byte_at(&text, error.marker().line(), error.marker().col());
            diagnosis::not_yaml(error.info()).at(name, &text, at)
        })?;
        if let Some(at) = spans.second_document {
            let help = format!("keep each {kind} in a file of its own");
            return Err(Error::new("a second YAML document begins here", help).at(name, &text, at));
        }
        if let Some((path, at)) = spans.repeated {
            let help = "keep one of the two; which one counts would be a guess";
            return Err(Error::new(format!("`{path}` is there twice"), help).at(name, &text, at));
        }
        let value = serde_yaml::from_str(&text).map_err(|error| {
            let at = error.location().map_or(0..0, |location| {
                diagnosis::byte_at(&text, location.line(), location.column() - 1)
            });
            diagnosis::not_yaml(&diagnosis::without_location(&error)).at(name, &text, at)
        })?;
        Ok(Self {
            name: name.to_owned(),
            kind,
            stem: None,
            folder: None,
            text,
            spans,
            value,
            assignments: Vec::new(),
        })
    }

    /// Changes one field, as in `workload.rate=100/s`, `overlays.chord.successors=4` or
    /// `faults[0].at=20s`. The value is YAML. Later assignments win over earlier ones and over the
    /// file. Whether the field exists and the value suits it is checked when the scenario is read.
    ///
    /// # Errors
    /// If the text is no assignment, or goes through a value that has no fields.
    pub fn set(&mut self, assignment: &str) -> Result<(), Error> {
        self.assign(assignment, Origin::command_line(assignment))
    }

    /// Changes one field likewise, by an assignment that stands at this path of another document or
    /// is made of what stands there: complaints about it point there.
    ///
    /// # Errors
    /// If the text is no assignment, or goes through a value that has no fields.
    pub fn set_from(&mut self, other: &Self, path: &str, assignment: &str) -> Result<(), Error> {
        let at = other.place_of(path, Part::Value);
        self.assign(assignment, Origin::file(&other.name, &other.text, at, assignment))
    }

    /// The scenario that is a section of this document, with the way back to its lines here.
    /// Assignments made to this document are not in it.
    #[must_use]
    pub fn section(&self, path: &str) -> Self {
        let fields = |value: &Value, step: &str| match step.strip_suffix(']') {
            Some(index) => index.parse().ok().and_then(|index: usize| value.get(index)).cloned(),
            None => value.get(step).cloned(),
        };
        let mut steps = path.split(['.', '[']).filter(|step| !step.is_empty());
        let value = steps.try_fold(self.value.clone(), |value, step| fields(&value, step));
        Self {
            kind: "scenario",
            spans: self.spans.within(path),
            value: value.unwrap_or_default(),
            assignments: Vec::new(),
            ..self.clone()
        }
    }

    /// The whole document, as what it is.
    ///
    /// # Errors
    /// The first thing that is wrong with its form: an unknown field, a wrong type or unit.
    pub fn read_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        diagnosis::deserialize(&self.value, "", self)
    }

    /// The text as it was written, without what was assigned since.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the document is, such as `scenario`.
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The scenario, complete and checked.
    ///
    /// # Errors
    /// The first thing that is wrong with it: an unknown field, a wrong type or unit, values that
    /// contradict each other, a matrix file that cannot be read.
    pub fn scenario(&self) -> Result<Scenario, Error> {
        let mut scenario: Scenario =
            diagnosis::deserialize(&self.without_empty_sections(), "", self)?;
        if self.value.get("name").is_none()
            && let Some(stem) = &self.stem
        {
            scenario.name.clone_from(stem);
        }
        scenario.network.matrix = self.sought(scenario.network.matrix);
        if let Some(graph) = scenario.network.graph.take() {
            let graph = self.sought(graph);
            if self.follows("nodes", "network.graph")
                && let Ok(read) = edge_list::read(&graph)
            {
                scenario.nodes = read.nodes();
            }
            scenario.network.graph = Some(graph);
        }
        if let Some(churn) = &mut scenario.churn {
            churn.trace = churn.trace.take().map(|trace| self.sought(trace));
        }
        if let Some(content) = scenario.workload.content.take() {
            let content = self.sought(content);
            if self.follows("workload.item_size", "workload.content")
                && let Ok(found) = Content::find(&content)
            {
                scenario.workload.item_size = Bytes(found.length());
            }
            scenario.workload.content = Some(content);
        }
        check::check(&scenario, self)?;
        Ok(scenario)
    }

    /// The scenario that [`Scenario::to_yaml`] wrote. Everything in it is written out and was
    /// checked, so the files it names are not looked at.
    ///
    /// # Errors
    /// If the text is not as it was written.
    pub fn resolved(&self) -> Result<Scenario, Error> {
        self.read_as()
    }

    /// The overlay's own section; its default if there is none.
    ///
    /// # Errors
    /// What is wrong in the section, pointing into it.
    pub fn overlay_config<C: DeserializeOwned + Default>(&self, overlay: &str) -> Result<C, Error> {
        match self.value.get("overlays").and_then(|overlays| overlays.get(overlay)) {
            None | Some(Value::Null) => Ok(C::default()),
            Some(section) => diagnosis::deserialize(section, &format!("overlays.{overlay}"), self),
        }
    }

    /// Checks that every section under `overlays` is that of a known overlay.
    ///
    /// # Errors
    /// The first section that is not, and which overlay may be meant.
    pub fn check_overlays(&self, known: &[&str]) -> Result<(), Error> {
        let Some(Value::Mapping(sections)) = self.value.get("overlays") else {
            return Ok(());
        };
        let names = sections.keys().filter_map(Value::as_str);
        match names.into_iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let help = diagnosis::suggestion(name, known, "overlays");
                let message = format!("there is no overlay `{name}`");
                Err(self.complain_about(&format!("overlays.{name}"), Part::Key, message, help))
            }
        }
    }

    /// A complaint about the value at a path, such as `network.capacities[0].share`: points at it,
    /// or, where it is not written down, at the nearest section that is.
    #[must_use]
    pub fn complain(
        &self,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Error {
        self.complain_about(path, Part::Value, message, help)
    }

    /// A complaint about a name at a path which is not among those known, and which one may be
    /// meant. `kind` is what was named, such as `metric`.
    #[must_use]
    pub fn complain_unknown(&self, path: &str, kind: &str, name: &str, known: &[&str]) -> Error {
        let help = diagnosis::suggestion(name, known, &format!("{kind}s"));
        self.complain(path, format!("there is no {kind} `{name}`"), help)
    }

    /// A complaint about values that contradict each other: points at the one that the command
    /// line gave, or else at the first that is written down.
    pub(crate) fn complain_among(
        &self,
        paths: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Error {
        let given = |path: &&&str| self.assigned(path, Part::Value).is_some();
        let written = |path: &&&str| self.spans.of_path(path).is_some();
        let path = paths.iter().find(given).or_else(|| paths.iter().find(written));
        self.complain(path.or(paths.first()).copied().unwrap_or(""), message, help)
    }

    pub(crate) fn complain_about(
        &self,
        path: &str,
        part: Part,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Error {
        let error = Error::new(message, help);
        match self.assigned(path, part) {
            Some((assignment, range)) => assignment.point(error, range),
            None => error.at(&self.name, &self.text, self.place_of(path, part)),
        }
    }

    fn assign(&mut self, text: &str, origin: Origin) -> Result<(), Error> {
        let assignment = Assignment::parse(text, origin)?;
        assignment.apply(&mut self.value)?;
        self.assignments.push(assignment);
        Ok(())
    }

    /// The last assignment that the value at a path comes from, and where in it.
    fn assigned(&self, path: &str, part: Part) -> Option<(&Assignment, Range<usize>)> {
        let written = self.spans.of_path(path).is_some();
        self.assignments.iter().rev().find_map(|assignment| {
            let range = assignment.place_of(path, part, written)?;
            Some((assignment, range))
        })
    }

    fn place_of(&self, path: &str, part: Part) -> Range<usize> {
        if let Some(place) = self.spans.of_path(path) {
            return if part == Part::Key { place.key.clone() } else { place.value.clone() };
        }
        let mut section = path;
        while let Some(outer) = parent(section) {
            if let Some(place) = self.spans.of_path(outer) {
                return place.key.clone();
            }
            section = outer;
        }
        0..0
    }

    /// A section of which nothing is left but comments reads as null; it means the defaults.
    fn without_empty_sections(&self) -> Value {
        match &self.value {
            Value::Null => Value::Mapping(Mapping::new()),
            Value::Mapping(sections) => sections
                .iter()
                .filter(|(_, section)| !section.is_null())
                .map(|(name, section)| (name.clone(), section.clone()))
                .collect::<Mapping>()
                .into(),
            other => other.clone(),
        }
    }

    /// Whether a value is to be found out from the file that another one names: it is written
    /// nowhere, or the file was named on the command line and it was not.
    fn follows(&self, field: &str, file: &str) -> bool {
        let asked = |path| self.assigned(path, Part::Value).is_some();
        let written = field.split('.').try_fold(&self.value, |value, step| value.get(step));
        asked(file) && !asked(field) || written.is_none()
    }

    /// A file's path is tried as it is, then from the folder of the scenario.
    fn sought(&self, file: String) -> String {
        if file == CITIES || Path::new(&file).exists() {
            return file;
        }
        let beside = self.folder.as_ref().map(|folder| folder.join(&file));
        match beside.filter(|path| path.exists()) {
            Some(path) => path.display().to_string(),
            None => file,
        }
    }
}
