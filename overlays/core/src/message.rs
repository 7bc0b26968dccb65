//! What overlays say to each other, as far as a driver needs to know.
use core::fmt::Debug;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Blob;

/// What a message is for; bandwidth is accounted by class.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Keeps the overlay in shape: joins, stabilisation, replication, keep-alives.
    Maintenance,
    /// Finds things: searches and their answers.
    Lookup,
    /// Carries items and announces them: fetches, blobs, publications.
    Data,
}

impl Class {
    /// Every class, in the order reports show them.
    pub const ALL: [Self; 3] = [Self::Maintenance, Self::Lookup, Self::Data];

    /// The name reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Lookup => "lookup",
            Self::Data => "data",
        }
    }
}

/// A message of an overlay. Its encoding is postcard's (see [`crate::wire`]); a blob's bytes follow
/// the encoded message.
pub trait Message: Clone + Debug + Serialize + DeserializeOwned + Send + 'static {
    /// What the message is for.
    fn class(&self) -> Class;

    /// What it is called where the overlay is described, in lower case: `query hit`, `find
    /// successor`. Messages are counted by it, so it never depends on what a message carries beyond
    /// its kind, and different kinds have different names.
    fn kind(&self) -> &'static str;

    /// Whether it puts a copy of what a node keeps for others where it belongs: the price of keeping
    /// things while nodes come and go.
    fn is_repair(&self) -> bool {
        false
    }

    /// The bulk data it carries, at most one.
    fn blob(&self) -> Option<&Blob> {
        None
    }

    /// The same, for the driver to say whether the bytes that arrived were true.
    fn blob_mut(&mut self) -> Option<&mut Blob> {
        None
    }
}
