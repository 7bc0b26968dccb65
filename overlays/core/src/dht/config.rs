//! How a distributed hash table stores items.
use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Span;

/// What the responsible node keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Who holds the item: a search names the publisher, and a fetch goes there.
    #[default]
    Pointer,
    /// The item itself: a fetch goes to the responsible node.
    Value,
}

/// How items are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// What the responsible node keeps: a `pointer` to the holder, or the `value` itself.
    pub keep: Keep,
    /// Copies besides the responsible node's, on the nodes next in line. More copies survive more
    /// simultaneous failures and cost as much more traffic. Default 3: the lecture's "a few".
    pub replicas: u8,
    /// Most records a node keeps for others; further ones are refused and counted. Default 65,536:
    /// a guess at what a small node can spare.
    pub max_records: u32,
    /// How often a holder publishes its items again, which repairs lost records; absent: never.
    pub republish_every: Option<Span>,
    /// How long a holder is named that does not publish its items again; longer than one and a half
    /// times `republish_every`. Absent: for ever, so that who is gone is named as well. (BEP 5: 15
    /// min are good for a token, and clients expire peers after 30.)
    pub expire_after: Option<Span>,
    /// How often a node offers the items it keeps to those that are to have them, too; absent: only
    /// when its neighbours change, which misses whoever comes back with nothing before anybody saw it
    /// go. Default 30s: 27 B for each copy, 1 B/s.
    pub offer_every: Option<Span>,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            keep: Keep::Pointer,
            replicas: 3,
            max_records: 65_536,
            republish_every: None,
            expire_after: None,
            offer_every: Some(Span(Duration::from_secs(30))),
        }
    }
}
