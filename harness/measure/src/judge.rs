//! Says whether an answer is right, by the view of somebody who sees the whole network.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use overlay_core::{Answer, Key, NodeId, Oracle, Time};
use serde::{Deserialize, Serialize};

/// Whether an answer was right when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Right by the global view.
    Correct,
    /// An answer, but wrong.
    Incorrect,
}

/// The overlay's oracle, and beside it what the oracle cannot know: who published what.
pub struct Judge<R: Oracle> {
    oracle: R,
    alive: Vec<bool>,
    /// Nodes that are alive again, but not known to the oracle until they have joined.
    joining: BTreeSet<NodeId>,
    /// Looked up, never iterated: its order cannot reach a result.
    publishers: HashMap<Key, Vec<NodeId>>,
    /// Since when nodes have taken part in the distribution of items that are fetched in pieces.
    taking_part: BTreeMap<(NodeId, Key), Time>,
}

impl<R: Oracle> Judge<R> {
    /// A judge of a network whose nodes `0..nodes` are all alive, in agreement with the oracle,
    /// and in which nothing was published.
    pub fn new(oracle: R, nodes: u32) -> Self {
        let alive = vec![true; nodes as usize];
        Self {
            oracle,
            alive,
            joining: BTreeSet::new(),
            publishers: HashMap::new(),
            taking_part: BTreeMap::new(),
        }
    }

    /// This node holds the item with this key from now on.
    pub fn published(&mut self, key: Key, node: NodeId) {
        let publishers = self.publishers.entry(key).or_default();
        if !publishers.contains(&node) {
            publishers.push(node);
        }
    }

    /// This node has begun to fetch the item with this key in pieces, of which it serves those it
    /// has: from then on it is as good a holder as any.
    pub fn takes_part(&mut self, key: Key, node: NodeId, since: Time) {
        self.taking_part.entry((node, key)).or_insert(since);
    }

    /// Whether this node had begun by then to fetch the item with this key in pieces.
    #[must_use]
    pub fn took_part(&self, key: &Key, node: NodeId, by: Time) -> bool {
        self.taking_part.get(&(node, *key)).is_some_and(|since| *since <= by)
    }

    /// A node is gone, or back. A node outside of the network is ignored.
    pub fn set_alive(&mut self, node: NodeId, alive: bool) {
        if let Some(known) = self.alive.get_mut(node.index())
            && *known != alive
        {
            *known = alive;
            if !self.joining.remove(&node) {
                self.oracle.set_alive(node, alive);
            }
        }
    }

    /// A node that was gone is alive again: what it had published, it holds if it keeps its items; what
    /// it had fetched, it has forgotten. The oracle hears of it when it has joined, because until then
    /// nobody could find it.
    pub fn returned(&mut self, node: NodeId, keeps_items: bool) {
        if let Some(alive) = self.alive.get_mut(node.index())
            && !std::mem::replace(alive, true)
        {
            self.joining.insert(node);
            let its = (node, Key([0; 20]))..=(node, Key([u8::MAX; 20]));
            self.taking_part.extract_if(its, |_, _| true).for_each(drop);
            if !keeps_items {
                self.publishers.values_mut().for_each(|them| them.retain(|it| *it != node));
            }
        }
    }

    /// A node has become part of the overlay. Only of one that had returned this is news.
    pub fn joined(&mut self, node: NodeId) {
        if self.joining.remove(&node) {
            self.oracle.set_alive(node, true);
        }
    }

    /// Judges an answer to a search for `key` that arrived now.
    ///
    /// For a key that was published, the answer is right if it names a live node that published
    /// the item, takes part in its distribution, or is responsible for the key. For one that was not, it is right if it says that
    /// nobody holds it and, where the overlay assigns responsibility, the first live responsible
    /// node says so.
    #[must_use]
    pub fn judge(&self, key: &Key, answer: &Answer) -> Verdict {
        let right = match (self.publishers.get(key), answer.holder) {
            (Some(_), Some(holder)) => self.holds(key, holder),
            (None, None) => {
                let responsible = self.oracle.responsible(key);
                let first = responsible.iter().find(|node| self.is_alive(**node));
                responsible.is_empty() || first == Some(&answer.by)
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        if right { Verdict::Correct } else { Verdict::Incorrect }
    }

    /// Whether this node may rightly be named as a holder of the item with this key.
    #[must_use]
    pub fn holds(&self, key: &Key, node: NodeId) -> bool {
        let has = |publishers: &Vec<NodeId>| {
            publishers.contains(&node)
                || self.taking_part.contains_key(&(node, *key))
                || self.oracle.responsible(key).contains(&node)
        };
        self.is_alive(node) && self.publishers.get(key).is_some_and(has)
    }

    /// Whether it could be, if it has begun to fetch the item.
    #[must_use]
    pub fn may_hold(&self, key: &Key, node: NodeId) -> bool {
        self.is_alive(node) && self.publishers.contains_key(key)
    }

    /// Whether this node is alive.
    #[must_use]
    pub fn is_alive(&self, node: NodeId) -> bool {
        self.alive.get(node.index()).copied().unwrap_or(false)
    }

    /// The overlay's own global view.
    #[must_use]
    pub fn oracle(&self) -> &R {
        &self.oracle
    }

    /// The same, to be kept.
    pub(crate) fn into_oracle(self) -> R {
        self.oracle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes live nodes responsible for every key, in this order.
    struct Ranked(Vec<NodeId>);

    impl Oracle for Ranked {
        fn set_alive(&mut self, node: NodeId, alive: bool) {
            if alive {
                self.0.push(node);
            } else {
                self.0.retain(|known| *known != node);
            }
        }

        fn responsible(&self, _: &Key) -> Vec<NodeId> {
            self.0.clone()
        }

        fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
            None
        }
    }

    fn answer(by: u32, holder: Option<u32>) -> Answer {
        Answer { by: NodeId(by), holder: holder.map(NodeId), hops: 1, timeouts: 0 }
    }

    #[test]
    fn a_holder_must_be_alive_and_have_published_or_be_responsible() {
        let key = Key::of(b"item");
        let mut judge = Judge::new(Ranked(vec![NodeId(2), NodeId(3)]), 5);
        judge.published(key, NodeId(0));
        assert_eq!(judge.judge(&key, &answer(2, Some(0))), Verdict::Correct);
        assert_eq!(judge.judge(&key, &answer(2, Some(3))), Verdict::Correct);
        assert_eq!(judge.judge(&key, &answer(2, Some(1))), Verdict::Incorrect);
        assert_eq!(judge.judge(&key, &answer(2, None)), Verdict::Incorrect);
        judge.set_alive(NodeId(0), false);
        judge.set_alive(NodeId(3), false);
        assert_eq!(judge.judge(&key, &answer(2, Some(0))), Verdict::Incorrect);
        assert_eq!(judge.judge(&key, &answer(2, Some(3))), Verdict::Incorrect);
        assert_eq!(judge.judge(&key, &answer(2, Some(9))), Verdict::Incorrect);
    }

    #[test]
    fn that_nobody_holds_a_key_is_the_first_live_responsible_node_s_to_say() {
        let key = Key::of(b"nothing");
        let mut judge = Judge::new(Ranked(vec![NodeId(2), NodeId(3)]), 5);
        assert_eq!(judge.judge(&key, &answer(2, None)), Verdict::Correct);
        assert_eq!(judge.judge(&key, &answer(3, None)), Verdict::Incorrect);
        assert_eq!(judge.judge(&key, &answer(2, Some(2))), Verdict::Incorrect);
        judge.set_alive(NodeId(2), false);
        assert_eq!(judge.judge(&key, &answer(3, None)), Verdict::Correct);
    }

    #[test]
    fn who_is_back_holds_its_items_at_once_and_is_responsible_when_it_has_joined() {
        let (item, nothing) = (Key::of(b"item"), Key::of(b"nothing"));
        let mut judge = Judge::new(Ranked(vec![NodeId(2), NodeId(3)]), 5);
        judge.published(item, NodeId(2));
        judge.set_alive(NodeId(2), false);
        judge.returned(NodeId(2), true);
        assert_eq!(judge.judge(&item, &answer(3, Some(2))), Verdict::Correct);
        assert_eq!(judge.oracle().responsible(&nothing), [NodeId(3)]);
        judge.joined(NodeId(2));
        judge.joined(NodeId(2));
        judge.joined(NodeId(4));
        assert_eq!(judge.oracle().responsible(&nothing), [NodeId(3), NodeId(2)]);
        judge.set_alive(NodeId(2), false);
        judge.returned(NodeId(2), true);
        judge.set_alive(NodeId(2), false);
        judge.joined(NodeId(2));
        assert_eq!(judge.oracle().responsible(&nothing), [NodeId(3)]);
    }

    #[test]
    fn who_takes_part_is_a_holder_until_it_has_forgotten() {
        let (item, nothing) = (Key::of(b"item"), Key::of(b"nothing"));
        let at = Time::from_nanos;
        let mut judge = Judge::new(Ranked(Vec::new()), 5);
        judge.published(item, NodeId(0));
        judge.takes_part(item, NodeId(1), at(10));
        judge.takes_part(nothing, NodeId(2), at(10));
        judge.takes_part(item, NodeId(1), at(20));
        assert_eq!(judge.judge(&item, &answer(0, Some(1))), Verdict::Correct);
        assert_eq!(judge.judge(&item, &answer(0, Some(2))), Verdict::Incorrect);
        assert_eq!(judge.judge(&nothing, &answer(0, Some(2))), Verdict::Incorrect);
        assert!(judge.took_part(&item, NodeId(1), at(10)));
        assert!(!judge.took_part(&item, NodeId(1), at(9)));
        judge.set_alive(NodeId(1), false);
        assert_eq!(judge.judge(&item, &answer(0, Some(1))), Verdict::Incorrect);
        judge.returned(NodeId(1), true);
        assert_eq!(judge.judge(&item, &answer(0, Some(1))), Verdict::Incorrect);
        judge.takes_part(item, NodeId(1), at(30));
        assert_eq!(judge.judge(&item, &answer(0, Some(1))), Verdict::Correct);
    }

    #[test]
    fn without_responsibility_anybody_may_say_that_there_is_nothing() {
        let judge = Judge::new(Ranked(Vec::new()), 2);
        assert_eq!(judge.judge(&Key::of(b"nothing"), &answer(1, None)), Verdict::Correct);
    }
}
