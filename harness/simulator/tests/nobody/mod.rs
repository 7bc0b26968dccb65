//! What overlays that are only there to be tested have in common: nothing to set, and nobody who is
//! responsible for anything.
use overlay_core::{Key, NodeId, Oracle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NoConfig {}

pub(crate) struct Nobody;

impl Oracle for Nobody {
    fn set_alive(&mut self, _: NodeId, _: bool) {}

    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        Vec::new()
    }

    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        None
    }
}
