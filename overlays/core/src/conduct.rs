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

/// How a freeloader takes without giving. Which ones an overlay knows is [`Overlay::STRATEGIES`].
///
/// [`Overlay::STRATEGIES`]: crate::Overlay::STRATEGIES
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Serves no data (Adar and Huberman 2000).
    NoUpload,
    /// Publishes nothing (Adar and Huberman 2000).
    NoShare,
    /// Drops what it should route or relay for others.
    NoForward,
    /// Serves no data, and connects to everybody to collect what is given by chance (Sirivianos et
    /// al. 2007).
    LargeView,
    /// Gives only as much as it takes to be given to, and to those who give most for it (Piatek et
    /// al. 2007: BitTyrant).
    Strategic,
    /// Claims to have what it has not, and sends anything when it is asked for that.
    Lying,
    /// Serves no data, and comes back under a new identity when it is refused (Feldman et al. 2004).
    Whitewashing,
}

impl Strategy {
    /// What is to be known in every overlay: serving no data, publishing nothing, forwarding nothing.
    pub const COMMON: &[Self] = &[Self::NoUpload, Self::NoShare, Self::NoForward];
}

impl fmt::Display for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contributor => f.pad("contributor"),
            Self::Freeloader(strategy) => strategy.fmt(f),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoUpload => "no-upload",
            Self::NoShare => "no-share",
            Self::NoForward => "no-forward",
            Self::LargeView => "large-view",
            Self::Strategic => "strategic",
            Self::Lying => "lying",
            Self::Whitewashing => "whitewashing",
        })
    }
}
