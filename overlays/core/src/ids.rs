//! Identities that the harness hands out.
use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node of the run: `0..nodes`, dense. An index in the simulator, a row of the address table in
/// the testbed. Ring positions and other structured identifiers are derived from it by the overlay.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The node's row in any table with one row a node.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// One operation of the workload. A command carries it; the event that completes the command
/// repeats it. Unique within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpId(pub u32);
