//! What the harness knows while nodes run: which operations are under way, and who is right.
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use overlay_core::{
    Answer, Blob, Command, Conduct, DropReason, Event, Key, NodeId, OpId, Overlay, Time,
};
use peerbench_measure::{Counter, Judge, Measurement};
use peerbench_scenario::{Due, Operations, Scenario, World};

use crate::Observer;

/// Keeps the operations of a run and fills in its measurement.
pub(crate) struct Harness<O: Overlay> {
    pub(crate) judge: Judge<O::Oracle>,
    pub(crate) measurement: Measurement,
    /// How often nodes looked into what they know for a search.
    pub(crate) visited: u64,
    /// Nodes that said good-bye since somebody last looked.
    pub(crate) departed: Vec<NodeId>,
    /// Nodes that became part of the overlay since somebody last looked.
    pub(crate) joined: u32,
    operations: Operations,
    publications: Vec<(Key, NodeId)>,
    /// Searches under way, by number from `first`; those that are over wait for the ones before.
    searches: VecDeque<Search>,
    first: u32,
    fetches: BTreeMap<OpId, Fetch>,
    conducts: Vec<Conduct>,
    timeout: Duration,
}

#[derive(Clone, Copy)]
struct Search {
    due: Time,
    key: Key,
    searcher: NodeId,
    is_open: bool,
}

#[derive(Clone, Copy)]
struct Fetch {
    due: Time,
    fetcher: NodeId,
}

impl<O: Overlay> Harness<O> {
    pub(crate) fn new(scenario: &Scenario, world: &World, judge: Judge<O::Oracle>) -> Self {
        let window = world.ends_at().since(world.searches_from());
        let operations = world.operations().clone();
        let mut measurement = Measurement::new(window);
        measurement.begins(world.searches_from(), world.first_fault());
        Self {
            judge,
            measurement,
            visited: 0,
            departed: Vec::new(),
            joined: 0,
            publications: world.publishers().map(|(item, node)| (item.key, node)).collect(),
            searches: VecDeque::new(),
            first: operations.searches.start,
            operations,
            fetches: BTreeMap::new(),
            conducts: (0..world.nodes()).map(|node| world.conduct(NodeId(node))).collect(),
            timeout: scenario.workload.timeout.into(),
        }
    }

    /// The workload's next command is due. Whether it is to be given: the dead ask for nothing.
    pub(crate) fn begin(&mut self, due: &Due) -> bool {
        let is_alive = self.judge.is_alive(due.node);
        if let Command::Search { key, .. } = due.command {
            let (searcher, is_open) = (due.node, is_alive);
            self.searches.push_back(Search { due: due.at, key, searcher, is_open });
        }
        is_alive
    }

    /// Gives up searches that have waited for too long.
    pub(crate) fn expire(&mut self, now: Time) {
        while let Some(&search) = self.searches.front() {
            if search.is_open && now.since(search.due) < self.timeout {
                break;
            }
            self.searches.pop_front();
            self.first += 1;
            // A searcher that died meanwhile does not wait any more.
            if search.is_open && self.judge.is_alive(search.searcher) {
                self.measurement.lookup_failed(search.due);
            }
        }
    }

    /// The run is over: whatever is still under way has failed.
    pub(crate) fn close(&mut self, now: Time) {
        self.expire(now + self.timeout);
        for fetch in std::mem::take(&mut self.fetches).into_values() {
            if self.judge.is_alive(fetch.fetcher) {
                self.measurement.fetch_failed();
            }
        }
    }

    fn open_search(&mut self, op: OpId) -> Option<&mut Search> {
        let index = op.0.checked_sub(self.first)? as usize;
        self.searches.get_mut(index).filter(|search| search.is_open)
    }

    fn on_found(&mut self, op: OpId, now: Time, answer: &Answer) -> Option<Command> {
        let timeout = self.timeout;
        let search = self.open_search(op).filter(|search| now.since(search.due) <= timeout)?;
        search.is_open = false;
        let Search { due, key, searcher, .. } = *search;
        let verdict = self.judge.judge(&key, answer);
        self.measurement.lookup(due, now, verdict, answer);
        let holder = answer.holder.filter(|_| !self.operations.fetches.is_empty())?;
        let op = self.operations.fetch_after(op);
        self.fetches.insert(op, Fetch { due: now, fetcher: searcher });
        Some(Command::Fetch { op, key, holder })
    }

    fn on_fetched(&mut self, op: OpId, now: Time, blob: &Blob) {
        let Some(fetch) = self.fetches.remove(&op) else { return };
        if now.since(fetch.due) > self.timeout {
            self.measurement.fetch_failed();
        } else {
            let conduct = self.conducts[fetch.fetcher.index()];
            self.measurement.fetch(now.since(fetch.due), blob.intact, conduct);
        }
    }

    fn on_published(&mut self, op: OpId) {
        let index = op.0.checked_sub(self.operations.publishes.start);
        let published = index.and_then(|index| self.publications.get(index as usize));
        if let Some(&(key, node)) = published {
            self.judge.published(key, node);
        }
    }

    fn on_failed(&mut self, op: OpId) {
        if let Some(search) = self.open_search(op) {
            search.is_open = false;
            let due = search.due;
            self.measurement.lookup_failed(due);
        } else if self.fetches.remove(&op).is_some() {
            self.measurement.fetch_failed();
        }
    }
}

impl<O: Overlay> Observer<O> for Harness<O> {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Found { op, answer } => return self.on_found(op, now, &answer),
            Event::Fetched { op, blob } => self.on_fetched(op, now, &blob),
            Event::Published { op } => self.on_published(op),
            Event::Failed { op } => self.on_failed(op),
            Event::Visited => self.visited += 1,
            Event::Joined { .. } => self.joined += 1,
            Event::Left { .. } => self.departed.push(node),
            Event::Dropped(DropReason::Nonsense) => {
                self.measurement.count(Counter::DroppedNonsense, 1);
            }
            Event::Dropped(DropReason::Bound) => self.measurement.count(Counter::DroppedBound, 1),
        }
        None
    }
}
