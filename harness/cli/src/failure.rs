//! Why a command ends without its result, and the exit code that says so.
use std::io;
use std::process::ExitCode;

use peerbench_measure::FolderError;
use peerbench_reports::ComparisonError;
use peerbench_reports::gate::BaselineError;

use crate::regress::RegressFailure;

/// A run failed.
pub(crate) const FAILED: u8 = 1;
/// The command line or a configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// Something has become worse, or is missing.
pub(crate) const REGRESSION: u8 = 3;
/// Nothing was measured, or nothing that can be trusted.
pub(crate) const NOTHING_MEASURED: u8 = 4;
/// What should be compared cannot be.
pub(crate) const NOT_COMPARABLE: u8 = 5;
/// It cannot be told, and was to be.
pub(crate) const INCONCLUSIVE: u8 = 6;
/// Ctrl-C; what was finished is kept.
pub(crate) const INTERRUPTED: u8 = 130;

/// The most names that a hint lists.
const MOST_NAMED: usize = 12;

/// Why a command ends without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The scenario, or what the command line makes of it.
    #[error(transparent)]
    Scenario(#[from] peerbench_scenario::Error),
    /// A name that the program does not know.
    #[error("there is no {kind} `{name}`{hint}")]
    Unknown {
        /// What kind of thing was named.
        kind: &'static str,
        /// The name.
        name: String,
        /// What may be meant.
        hint: String,
    },
    /// A word of the command line that does not read as what it should be.
    #[error("{0}")]
    Usage(String),
    /// The testbed.
    #[error(transparent)]
    Testbed(#[from] peerbench_testbed::Error),
    /// The folder of a run.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Runs that are to be compared.
    #[error(transparent)]
    Comparison(#[from] ComparisonError),
    /// Baselines.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// Two revisions that are to be compared.
    #[error(transparent)]
    Regress(#[from] RegressFailure),
    /// Nobody has accepted anything yet.
    #[error(
        "there are no baselines in {0}. Measure and accept some by `peerbench baseline save`, and \
         commit what that writes"
    )]
    NoBaselines(String),
    /// A file other than a run's.
    #[error("{what} `{path}`: {source}")]
    File {
        /// What could not be done.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The signal handlers.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(io::Error),
}

impl Failure {
    /// A name that is not among those known.
    pub(crate) fn unknown<'a>(
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let near = known.clone().map(|other| (strsim::jaro_winkler(name, other), other));
        let near = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.75);
        let hint = match near {
            Some((_, meant)) => format!("; did you mean `{meant}`?"),
            None if known.clone().count() <= MOST_NAMED => {
                format!("; there are: {}", known.collect::<Vec<_>>().join(", "))
            }
            None => format!("; `peerbench list {kind}s` shows what there is"),
        };
        Self::Unknown { kind, name: name.to_owned(), hint }
    }

    /// Tells the person on standard error.
    pub(crate) fn report(self) -> ExitCode {
        let code = match &self {
            Self::Scenario(_)
            | Self::Unknown { .. }
            | Self::Usage(_)
            | Self::Folder(FolderError::NotARun(_))
            | Self::Regress(RegressFailure::Git { .. })
            | Self::Comparison(ComparisonError::Reference { .. }) => USAGE,
            Self::Comparison(
                ComparisonError::Worlds { .. }
                | ComparisonError::Folder(FolderError::Schema { .. }),
            )
            | Self::Baseline(BaselineError::Schema { .. })
            | Self::NoBaselines(_) => NOT_COMPARABLE,
            Self::Comparison(ComparisonError::Folder(_))
            | Self::Baseline(_)
            | Self::Regress(_)
            | Self::Testbed(_)
            | Self::Folder(_)
            | Self::File { .. }
            | Self::Signals(_) => FAILED,
        };
        match self {
            Self::Scenario(error) => {
                let shown = format!("{:?}", miette::Report::new(error));
                eprintln!("{}", shown.trim_end());
            }
            other => eprintln!("error: {other}"),
        }
        ExitCode::from(code)
    }
}
