//! Who is there at a time, as nodes go and come back: a Fenwick tree, so that one of a million nodes
//! is drawn in twenty steps.
use overlay_core::{NodeId, Random};

/// The nodes that are there.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    is_there: Vec<bool>,
    /// At i, counted from 1: how many are there of those up to i that the lowest bit of i covers.
    counts: Vec<u32>,
}

impl Present {
    /// All of so many are there.
    pub(crate) fn all(nodes: u32) -> Self {
        let counts = (0..=nodes).map(|index| index & index.wrapping_neg()).collect();
        Self { is_there: vec![true; nodes as usize], counts }
    }

    /// A node goes, or is back.
    pub(crate) fn set(&mut self, node: NodeId, is_there: bool) {
        if std::mem::replace(&mut self.is_there[node.index()], is_there) == is_there {
            return;
        }
        let mut index = node.index() + 1;
        while let Some(count) = self.counts.get_mut(index) {
            *count = if is_there { *count + 1 } else { *count - 1 };
            index += index & index.wrapping_neg();
        }
    }

    /// How many are there.
    pub(crate) fn count(&self) -> u32 {
        self.count_below(self.is_there.len() as u32)
    }

    /// One of those below `below` that are there, but not this one; itself if there is no other.
    pub(crate) fn draw_other(&self, me: NodeId, below: u32, random: &mut Random) -> NodeId {
        let is_among = me.0 < below && self.is_there[me.index()];
        let others = self.count_below(below) - u32::from(is_among);
        let drawn = random.below(others.into()) as u32;
        let is_behind = is_among && self.count_below(me.0) <= drawn;
        if others == 0 { me } else { self.nth(drawn + u32::from(is_behind)) }
    }

    fn count_below(&self, node: u32) -> u32 {
        let (mut index, mut count) = (node as usize, 0);
        while index > 0 {
            count += self.counts[index];
            index &= index - 1;
        }
        count
    }

    /// The one with so many before it; there must be as many.
    fn nth(&self, mut before: u32) -> NodeId {
        let mut place = 0;
        let mut step = self.is_there.len().next_power_of_two();
        while step > 0 {
            if let Some(&count) = self.counts.get(place + step).filter(|count| **count <= before) {
                (place, before) = (place + step, before - count);
            }
            step /= 2;
        }
        NodeId(place as u32)
    }
}

#[cfg(test)]
mod tests {
    use overlay_core::Purpose;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn draws_as_from_a_sorted_list(
            nodes in 1_u32..40,
            gone in proptest::collection::vec((0_u32..40, any::<bool>()), 0..60),
            me in 0_u32..40,
            below in 0_u32..41,
            seed in any::<u64>(),
        ) {
            let (me, below) = (NodeId(me % nodes), below % (nodes + 1));
            let mut present = Present::all(nodes);
            for (node, is_there) in gone {
                present.set(NodeId(node % nodes), is_there);
            }
            let others: Vec<NodeId> = (0..below)
                .map(NodeId)
                .filter(|node| present.is_there[node.index()] && *node != me)
                .collect();
            let mut random = Random::stream(seed, Purpose::Churn, 0);
            let drawn = present.draw_other(me, below, &mut random.clone());
            let place = random.below(others.len() as u64) as usize;
            prop_assert_eq!(drawn, others.get(place).copied().unwrap_or(me));
        }
    }
}
