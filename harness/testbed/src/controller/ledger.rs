//! The operations of a run: what is due, what came of it, and whether it was right.
//!
//! An operation is entered when it is due by the timetable, whether or not the node got to it (an
//! open loop); nothing that nodes say can add one. A search due at a node that the scenario has
//! stopped is nobody's; one at a node that was lost unasked has failed.
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{Answer, Blob, Command, Event, Key, NodeId, OpId, Oracle, Time};
use peerbench_measure::{Judge, Measurement};
use peerbench_scenario::{Timetable, World};

use crate::control::Happening;

/// News of an operation may be this long on their way before it is given up.
const NEWS_WITHIN: Duration = Duration::from_millis(500);

/// Why a node takes no part any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// The scenario wanted it so.
    Struck,
    /// Its process ended unasked.
    Lost,
}

/// The operations of a run.
pub(super) struct Ledger<R: Oracle> {
    world: Arc<World>,
    judge: Judge<R>,
    timetable: Peekable<Timetable>,
    timeout: Duration,
    follows_with_fetches: bool,
    open: BTreeMap<OpId, Open>,
    deadlines: BTreeSet<(Time, OpId)>,
    absent: BTreeMap<NodeId, Absence>,
    /// Publications under way: what becomes known when they succeed.
    publications: BTreeMap<OpId, Key>,
    entered: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    node: NodeId,
    due: Time,
    /// What a search is for; `None`: it is a fetch.
    key: Option<Key>,
}

impl<R: Oracle> Ledger<R> {
    /// Nothing is due yet.
    pub(super) fn new(world: Arc<World>, oracle: R, timeout: Duration, fetch: bool) -> Self {
        Self {
            judge: Judge::new(oracle, world.nodes()),
            timetable: world.timetable().peekable(),
            world,
            timeout,
            follows_with_fetches: fetch,
            open: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            absent: BTreeMap::new(),
            publications: BTreeMap::new(),
            entered: 0,
        }
    }

    /// The overlay's global view.
    pub(super) fn oracle(&self) -> &R {
        self.judge.oracle()
    }

    /// Searches entered so far, and how many operations have no outcome yet.
    pub(super) fn progress(&self) -> (u64, usize) {
        (self.entered, self.open.len())
    }

    /// A node takes no part any more. Nobody waits for its operations; they have failed if it was
    /// lost.
    pub(super) fn remove(&mut self, node: NodeId, why: Absence, measurement: &mut Measurement) {
        if self.absent.insert(node, why).is_some() {
            return;
        }
        self.judge.set_alive(node, false);
        let its: Vec<OpId> =
            self.open.iter().filter(|(_, open)| open.node == node).map(|(op, _)| *op).collect();
        for op in its {
            let open = self.close(op);
            if why == Absence::Lost {
                fail(open, measurement);
            }
        }
    }

    /// Enters what is due by now and fails what has had its time.
    pub(super) fn advance(&mut self, now: Time, measurement: &mut Measurement) {
        while let Some(due) = self.timetable.next_if(|due| due.at <= now) {
            match due.command {
                Command::Search { op, key } => match self.absent.get(&due.node) {
                    None => self.enter(op, Open { node: due.node, due: due.at, key: Some(key) }),
                    Some(Absence::Lost) => measurement.lookup_failed(due.at),
                    Some(Absence::Struck) => {}
                },
                Command::Publish { op, item } => {
                    self.publications.insert(op, item.key);
                }
                _ => {}
            }
        }
        while let Some(&(deadline, op)) = self.deadlines.first()
            && deadline + NEWS_WITHIN < now
        {
            fail(self.close(op), measurement);
        }
    }

    /// A node told of an event.
    pub(super) fn on_happening(&mut self, happening: Happening, measurement: &mut Measurement) {
        let Happening { node, at, event } = happening;
        self.advance(at, measurement);
        match event {
            Event::Published { op } => {
                if let Some(key) = self.publications.remove(&op) {
                    self.judge.published(key, node);
                }
            }
            Event::Found { op, answer } => self.on_found(node, at, op, answer, measurement),
            Event::Fetched { op, blob } => self.on_fetched(node, at, op, blob, measurement),
            Event::Failed { op } => {
                if self.is_open(op, node) {
                    fail(self.close(op), measurement);
                }
            }
            Event::Joined { .. } | Event::Left { .. } | Event::Visited | Event::Dropped(_) => {}
        }
    }

    fn on_found(
        &mut self,
        node: NodeId,
        at: Time,
        op: OpId,
        answer: Answer,
        measurement: &mut Measurement,
    ) {
        if !self.is_open(op, node) {
            return;
        }
        let open = self.close(op);
        let Some(Open { due, key: Some(key), .. }) = open else { return };
        if at.since(due) > self.timeout {
            return fail(open, measurement);
        }
        let verdict = self.judge.judge(&key, &answer);
        measurement.lookup(due, at, verdict, &answer);
        if self.follows_with_fetches && answer.holder.is_some() {
            let fetch = self.world.operations().fetch_after(op);
            self.enter(fetch, Open { node, due: at, key: None });
        }
    }

    fn on_fetched(
        &mut self,
        node: NodeId,
        at: Time,
        op: OpId,
        blob: Blob,
        measurement: &mut Measurement,
    ) {
        if !self.is_open(op, node) {
            return;
        }
        let open = self.close(op);
        let Some(Open { due, key: None, .. }) = open else { return };
        let took = at.since(due);
        if took > self.timeout {
            return fail(open, measurement);
        }
        measurement.fetch(took, blob.intact, self.world.conduct(node));
    }

    fn enter(&mut self, op: OpId, open: Open) {
        self.entered += u64::from(open.key.is_some());
        self.deadlines.insert((open.due + self.timeout, op));
        self.open.insert(op, open);
    }

    fn is_open(&self, op: OpId, node: NodeId) -> bool {
        self.open.get(&op).is_some_and(|open| open.node == node)
    }

    fn close(&mut self, op: OpId) -> Option<Open> {
        let open = self.open.remove(&op)?;
        self.deadlines.remove(&(open.due + self.timeout, op));
        Some(open)
    }
}

fn fail(open: Option<Open>, measurement: &mut Measurement) {
    match open {
        Some(Open { key: Some(_), due, .. }) => measurement.lookup_failed(due),
        Some(Open { key: None, .. }) => measurement.fetch_failed(),
        None => {}
    }
}
