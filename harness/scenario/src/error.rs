//! What is wrong with a scenario, where in which text, and what to do about it.
use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// A mistake in a scenario, in one of the files it names, or on the command line. Displays as the
/// message alone; as a [`Diagnostic`] it adds the place, a snippet and what to do.
#[derive(Debug)]
pub struct Error(Box<Detail>);

#[derive(Debug)]
struct Detail {
    message: String,
    help: Option<String>,
    text: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
    position: Option<Position>,
}

/// A place in a text that a person can go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file, or what else the text is.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Error {
    /// A mistake that has no place in any text.
    #[must_use]
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            message: message.into(),
            help: Some(help.into()).filter(|help| !help.is_empty()),
            text: None,
            label: None,
            position: None,
        }))
    }

    /// Where the mistake is, if it has a place.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// Points at these bytes of a text and shows the lines around them.
    pub(crate) fn at(mut self, name: &str, text: &str, bytes: std::ops::Range<usize>) -> Self {
        let before = &text[..bytes.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.0.position = Some(Position {
            name: name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        });
        self.0.text = Some(NamedSource::new(name, text.to_owned()));
        self.0.label = Some(LabeledSpan::underline(bytes));
        self
    }

    /// Points at a place without a snippet: for files whose lines are too long to show.
    pub(crate) fn at_position(mut self, name: &str, line: usize, column: usize) -> Self {
        self.0.message = format!("{name}:{line}:{column}: {}", self.0.message);
        self.0.position = Some(Position { name: name.to_owned(), line, column });
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

impl Diagnostic for Error {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.text.as_ref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.label.clone().map(|label| Box::new(std::iter::once(label)) as Box<_>)
    }
}
