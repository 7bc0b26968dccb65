//! The overlay of these tests: nodes in a circle by their numbers. A search goes round from node
//! to node until it meets the owner of the key, which is the node whose number the key's first byte
//! names; the owner keeps what is published and answers the searcher directly.
use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::{
    Answer, Blob, Class, Command, Ctx, Event, Item, Key, Message, NodeId, OpId, Oracle, Overlay,
    Setting, StateSize,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node of the circle.
#[derive(Debug)]
pub(crate) struct Carousel {
    nodes: u32,
    held: BTreeMap<Key, Item>,
    publishers: BTreeMap<Key, NodeId>,
    /// Publications whose owner has not answered yet.
    lost: Vec<NodeId>,
}

/// The overlay's part of a scenario.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// How many nodes there are: nobody in the circle counts.
    pub(crate) nodes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { nodes: 8 }
    }
}

/// What nodes say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// Newcomer to its rendezvous.
    Knock(OpId),
    /// The answer.
    Enter(OpId),
    /// Keeps the link to the successor warm.
    Beat,
    /// Publisher to owner.
    Keep(OpId, Key),
    /// The answer.
    Kept(OpId),
    /// From node to node.
    Ask { op: OpId, key: Key, searcher: NodeId, hops: u16 },
    /// Owner to searcher.
    Tell { op: OpId, answer: Answer },
    /// Fetcher to holder.
    Give(OpId, Key),
    /// The answer.
    Take(OpId, Blob),
}

impl Message for Word {
    fn class(&self) -> Class {
        match self {
            Self::Knock(_) | Self::Enter(_) | Self::Beat => Class::Maintenance,
            Self::Ask { .. } | Self::Tell { .. } => Class::Lookup,
            Self::Keep(..) | Self::Kept(_) | Self::Give(..) | Self::Take(..) => Class::Data,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Knock(_) => "knock",
            Self::Enter(_) => "enter",
            Self::Beat => "beat",
            Self::Keep(..) => "keep",
            Self::Kept(_) => "kept",
            Self::Ask { .. } => "ask",
            Self::Tell { .. } => "tell",
            Self::Give(..) => "give",
            Self::Take(..) => "take",
        }
    }

    fn blob(&self) -> Option<&Blob> {
        if let Self::Take(_, blob) = self { Some(blob) } else { None }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        if let Self::Take(_, blob) = self { Some(blob) } else { None }
    }
}

impl Carousel {
    fn owner(&self, key: &Key) -> NodeId {
        NodeId(u32::from(key.0[0]) % self.nodes)
    }

    fn beat(&mut self, cx: &mut Ctx<'_, Self>) {
        let successor = NodeId((cx.me.0 + 1) % self.nodes);
        if !self.lost.contains(&successor) {
            cx.send(successor, Word::Beat);
            let pause = cx.rng.around(Duration::from_millis(100), 0.5);
            cx.set_timer(pause, ());
        }
    }

    fn pass_on(&mut self, word: Word, cx: &mut Ctx<'_, Self>) {
        let Word::Ask { op, key, searcher, hops } = word else { return };
        if self.owner(&key) == cx.me {
            let holder = self.publishers.get(&key).copied();
            let answer = Answer { by: cx.me, holder, hops, timeouts: 0 };
            cx.send(searcher, Word::Tell { op, answer });
        } else {
            let next = NodeId((cx.me.0 + 1) % self.nodes);
            cx.send(next, Word::Ask { op, key, searcher, hops: hops + 1 });
        }
    }
}

impl Overlay for Carousel {
    const NAME: &'static str = "carousel";
    type Config = Config;
    type Message = Word;
    type Timer = ();
    type Oracle = Circle;

    fn check(_: &Config, _: u32) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        Self {
            nodes: cx.config.nodes,
            held: BTreeMap::new(),
            publishers: BTreeMap::new(),
            lost: Vec::new(),
        }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        match command {
            Command::Found { .. } => self.beat(cx),
            Command::Join { op, rendezvous } => {
                self.beat(cx);
                cx.send(rendezvous, Word::Knock(op));
            }
            Command::Publish { op, item } => {
                self.held.insert(item.key, item);
                cx.send(self.owner(&item.key), Word::Keep(op, item.key));
            }
            Command::Search { op, key } => {
                self.pass_on(Word::Ask { op, key, searcher: cx.me, hops: 0 }, cx);
            }
            Command::Fetch { op, key, holder } => cx.send(holder, Word::Give(op, key)),
            Command::Leave { op } => cx.emit(Event::Left { op }),
        }
    }

    fn on_message(&mut self, from: NodeId, word: Word, cx: &mut Ctx<'_, Self>) {
        match word {
            Word::Knock(op) => cx.send(from, Word::Enter(op)),
            Word::Enter(op) => cx.emit(Event::Joined { op }),
            Word::Beat => {}
            Word::Keep(op, key) => {
                self.publishers.insert(key, from);
                cx.send(from, Word::Kept(op));
            }
            Word::Kept(op) => cx.emit(Event::Published { op }),
            Word::Ask { .. } => self.pass_on(word, cx),
            Word::Tell { op, answer } => cx.emit(Event::Found { op, answer }),
            Word::Give(op, key) => {
                if let Some(item) = self.held.get(&key) {
                    cx.send(from, Word::Take(op, item.blob));
                }
            }
            Word::Take(op, blob) => cx.emit(Event::Fetched { op, blob }),
        }
    }

    fn on_timer(&mut self, (): (), cx: &mut Ctx<'_, Self>) {
        self.beat(cx);
    }

    fn on_peer_lost(&mut self, peer: NodeId, _: &mut Ctx<'_, Self>) {
        self.lost.push(peer);
    }

    fn state(&self, _: &Config) -> StateSize {
        let entries = self.publishers.len() as u32;
        StateSize { links: 1, entries, bytes: 4 + 24 * u64::from(entries) }
    }

    fn neighbors(&self, _: &Config) -> Vec<NodeId> {
        Vec::new()
    }

    fn holds(&self, key: &Key) -> bool {
        self.held.contains_key(key)
    }

    fn oracle(_: &Config, setting: &dyn Setting) -> Circle {
        Circle(setting.nodes())
    }

    fn settle(&mut self, _: &Circle, _: &mut Ctx<'_, Self>) {}
}

/// Who owns what.
#[derive(Debug)]
pub(crate) struct Circle(u32);

impl Oracle for Circle {
    fn set_alive(&mut self, _: NodeId, _: bool) {}

    fn responsible(&self, key: &Key) -> Vec<NodeId> {
        vec![NodeId(u32::from(key.0[0]) % self.0)]
    }

    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        Some(Vec::new())
    }
}
