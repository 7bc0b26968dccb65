//! When nodes are looked into while others come and go, and for what.
use std::collections::{BTreeSet, VecDeque};

use overlay_core::{Key, NodeId, Time};

use crate::World;

/// How often in a window.
const TIMES: u32 = 60;
/// Most items that are looked for: so many that a share of them is exact to a thousandth or so.
const MOST_ITEMS: usize = 1_024;
/// In networks beyond this size items are not looked for, because every node has to be asked for each.
const MOST_NODES: u32 = 1 << 16;

/// When it is looked at what nodes remember, and which items are looked for.
#[derive(Clone, Debug, Default)]
pub struct InventoryPlan {
    /// Evenly over the window, ascending; none where nobody goes.
    pub times: VecDeque<Time>,
    /// The items' keys: all of them, or some, evenly over their numbers.
    pub keys: Vec<Key>,
}

impl World {
    /// When it is looked at what nodes remember, and which items are looked for.
    #[must_use]
    pub fn inventory_plan(&self) -> InventoryPlan {
        if self.faults().is_empty() {
            return InventoryPlan::default();
        }
        let from = self.searches_from();
        let part = self.ends_at().since(from) / (2 * TIMES);
        let times = (0..TIMES).map(|number| from + part * (2 * number + 1)).collect();
        let all = if self.nodes() > MOST_NODES { &[] } else { self.keys() };
        let step = all.len().div_ceil(MOST_ITEMS).max(1);
        InventoryPlan { times, keys: all.iter().step_by(step).copied().collect() }
    }

    /// Who is gone at a time.
    #[must_use]
    pub fn absent_at(&self, time: Time) -> BTreeSet<NodeId> {
        let gone = self.faults().iter().take_while(|fault| fault.at <= time);
        gone.filter(|fault| fault.back_at.is_none_or(|back| back > time))
            .map(|fault| fault.node)
            .collect()
    }
}
