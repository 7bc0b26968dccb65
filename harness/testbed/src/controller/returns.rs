//! Nodes that come back: who is due, and how far the new process of each has come.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use overlay_core::{NodeId, Time};
use peerbench_scenario::{DueReturn, World};

use super::hub::Word;
use super::processes::Launcher;
use crate::clock::Moment;
use crate::control::{Address, Back, Notice, Order, Setup};

/// The returns of a run.
pub(super) struct Returns {
    /// How processes are started.
    pub(super) launcher: Launcher,
    /// Where everybody listens, and those that come back again.
    pub(super) table: Vec<Address>,
    due: VecDeque<DueReturn>,
    /// By the number of the new process.
    under_way: BTreeMap<u32, DueReturn>,
    /// Nodes that a new process was started for.
    begun: BTreeSet<NodeId>,
    /// New processes that have not been told to go yet.
    starting: BTreeSet<u32>,
}

impl Returns {
    /// Those of a world; nobody is back yet.
    pub(super) fn new(world: &World, launcher: Launcher) -> Self {
        Self {
            launcher,
            table: Vec::new(),
            due: world.returns().iter().copied().collect(),
            under_way: BTreeMap::new(),
            begun: BTreeSet::new(),
            starting: BTreeSet::new(),
        }
    }

    /// The next one that is due.
    pub(super) fn next(&self) -> Option<DueReturn> {
        self.due.front().copied()
    }

    /// When it is due.
    pub(super) fn next_at(&self) -> Option<Time> {
        self.next().map(|back| back.at)
    }

    /// Whether everybody who was to come back has, as far as it could.
    pub(super) fn are_over(&self) -> bool {
        self.due.is_empty() && self.starting.is_empty()
    }

    /// Whether this process can hear of nothing but its own start yet.
    pub(super) fn is_starting(&self, number: u32) -> bool {
        self.starting.contains(&number)
    }

    /// The next one needs no new process.
    pub(super) fn pass(&mut self) -> Option<DueReturn> {
        self.due.pop_front()
    }

    /// The next one is taken on by a new process; `None`: none could be started.
    pub(super) fn begin(&mut self, number: Option<u32>) {
        if let Some(back) = self.due.pop_front()
            && let Some(number) = number
        {
            self.under_way.insert(number, back);
            self.begun.insert(back.node);
            self.starting.insert(number);
        }
    }

    /// Whether a node is one that has come back.
    pub(super) fn has_begun(&self, node: NodeId) -> bool {
        self.begun.contains(&node)
    }

    /// This process has ended.
    pub(super) fn lose(&mut self, number: u32) {
        self.starting.remove(&number);
    }

    /// What a new process is to be told in answer to a step of its start; `None` if it is none, or
    /// has taken them all.
    pub(super) fn answer(
        &mut self,
        number: u32,
        word: &Word,
        setup: &Setup,
        start: Moment,
    ) -> Option<Order> {
        let back = self.under_way.get(&number)?;
        match word {
            Word::Connected => {
                let multiaddress = self.table.get(back.node.index())?.multiaddress.clone();
                let multiaddresses = vec![multiaddress];
                let back_again = Some(Back { at: back.at, life: back.life, multiaddresses });
                let nodes = vec![back.node];
                Some(Order::Setup(Setup { nodes, back: back_again, ..setup.clone() }))
            }
            Word::Notice(notice) => match **notice {
                Notice::Listening(_) => Some(Order::Table(self.table.clone())),
                Notice::Ready => {
                    self.starting.remove(&number);
                    Some(Order::Go(start))
                }
                _ => None,
            },
            Word::Gone => None,
        }
    }
}
