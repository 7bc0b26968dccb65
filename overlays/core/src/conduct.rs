//! How a node behaves towards others.
use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node's conduct, given to it by the scenario. What a strategy means is the overlay's to
/// implement at the places where it would serve others, and to document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conduct {
    /// Serves as the protocol says.
    #[default]
    Contributor,
    /// Takes without giving, in this way.
    Freeloader(Strategy),
}

impl Conduct {
    /// Whether this node freeloads by this strategy.
    #[must_use]
    pub fn is(self, strategy: Strategy) -> bool {
        self == Self::Freeloader(strategy)
    }
}

/// How a freeloader takes without giving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Serves no data.
    NoUpload,
    /// Publishes nothing.
    NoShare,
    /// Drops what it should route or relay for others.
    NoForward,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUpload => "no-upload",
            Self::NoShare => "no-share",
            Self::NoForward => "no-forward",
        })
    }
}
