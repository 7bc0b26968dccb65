//! The operations of a run: what is due, what came of it, and whether it was right. The same books
//! for every driver.
//!
//! An operation is entered when it is due, whether or not its node got to it (an open loop);
//! nothing that nodes say can add one. A search that is due at a node which the scenario has
//! stopped is nobody's, and so is one that such a node left behind; at a node that was lost unasked
//! both have failed.
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use overlay_core::{Answer, Blob, Command, Conduct, Event, Key, NodeId, OpId, Oracle, Time};

use crate::{Judge, Measurement, Verdict};

/// How long a direct round trip between two nodes takes.
pub type RoundTrip<'w> = dyn Fn(NodeId, NodeId) -> Duration + Send + 'w;

/// What a run's operations are judged by, besides the overlay's global view.
pub struct Terms<'w> {
    /// How long a search may take, and then a fetch.
    pub timeout: Duration,
    /// How late news of an operation may come that was itself in time.
    pub news_within: Duration,
    /// By how much the number of a fetch is larger than that of the search it follows; `None`:
    /// searches are not followed by fetches.
    pub fetch_offset: Option<u32>,
    /// How each node behaves.
    pub conducts: Vec<Conduct>,
    /// The network's direct round trips; `None` where it has none that could be told.
    pub round_trip: Option<Box<RoundTrip<'w>>>,
}

/// Why a node takes no part any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The scenario wanted it so.
    Struck,
    /// It ended unasked.
    Lost,
}

/// The books of a run.
pub struct Ledger<'w, R: Oracle> {
    judge: Judge<R>,
    terms: Terms<'w>,
    /// Searches by number from `first`; those that are over wait for the ones before them.
    searches: VecDeque<Search>,
    first: u32,
    fetches: BTreeMap<OpId, Fetch>,
    /// Fetches in the order in which they were due, those included that are over.
    fetch_order: VecDeque<OpId>,
    /// Publications under way: what becomes known when they succeed.
    publications: BTreeMap<OpId, (Key, NodeId)>,
    /// Nodes that have gone, those included that are back.
    gone: BTreeMap<NodeId, Gone>,
    entered: u64,
    open: usize,
}

#[derive(Clone, Copy, Debug)]
struct Search {
    due: Time,
    key: Key,
    node: NodeId,
    is_open: bool,
}

#[derive(Clone, Copy, Debug)]
struct Fetch {
    due: Time,
    node: NodeId,
}

#[derive(Clone, Copy, Debug)]
struct Gone {
    at: Time,
    why: Absence,
    is_back: bool,
}

impl<'w, R: Oracle> Ledger<'w, R> {
    /// Nothing is due yet, and all nodes are alive, in agreement with the oracle.
    pub fn new(oracle: R, terms: Terms<'w>) -> Self {
        Self {
            judge: Judge::new(oracle, terms.conducts.len() as u32),
            terms,
            searches: VecDeque::new(),
            first: 0,
            fetches: BTreeMap::new(),
            fetch_order: VecDeque::new(),
            publications: BTreeMap::new(),
            gone: BTreeMap::new(),
            entered: 0,
            open: 0,
        }
    }

    /// The workload's next command is due; searches come in the order of their numbers, without
    /// gaps. Whether the node is there to be given it.
    pub fn due(
        &mut self,
        at: Time,
        node: NodeId,
        command: &Command,
        measurement: &mut Measurement,
    ) -> bool {
        let absence = self.absence(node);
        match *command {
            Command::Search { op, key } => {
                let is_open = absence.is_none();
                self.enter_search(op, Search { due: at, key, node, is_open });
                if absence == Some(Absence::Lost) {
                    measurement.lookup_failed(at);
                }
            }
            Command::Publish { op, item } if absence.is_none() => {
                self.publications.insert(op, (item.key, node));
            }
            _ => {}
        }
        absence.is_none()
    }

    /// A node told of an event at this time. Gives the fetch that follows a search, if one does.
    #[inline]
    pub fn on_event(
        &mut self,
        node: NodeId,
        at: Time,
        event: &Event,
        measurement: &mut Measurement,
    ) -> Option<Command> {
        match *event {
            Event::Found { op, answer } => {
                return self.on_found(node, at, op, &answer, measurement);
            }
            Event::Fetched { op, blob } => self.on_fetched(node, at, op, &blob, measurement),
            Event::Published { op } => self.on_published(node, op),
            Event::Failed { op } => self.on_failed(node, at, op, measurement),
            Event::Joined { .. } => self.judge.joined(node),
            Event::Visited
            | Event::Piece { .. }
            | Event::Banned { .. }
            | Event::Left { .. }
            | Event::Dropped(_) => {}
        }
        None
    }

    /// Gives up operations that have waited for too long.
    pub fn expire(&mut self, now: Time, measurement: &mut Measurement) {
        let patience = self.terms.timeout + self.terms.news_within;
        while let Some(&Search { due, node, is_open, .. }) = self.searches.front() {
            if is_open && now.since(due) <= patience {
                break;
            }
            self.searches.pop_front();
            self.first += 1;
            if is_open {
                self.open -= 1;
                self.fail_search(due, node, now, measurement);
            }
        }
        while let Some(&op) = self.fetch_order.front() {
            if self.fetches.get(&op).is_some_and(|fetch| now.since(fetch.due) <= patience) {
                break;
            }
            self.fetch_order.pop_front();
            if let Some(fetch) = self.close_fetch(op) {
                self.fail_fetch(fetch, now, measurement);
            }
        }
    }

    /// The run has come to its end: what is still under way has failed.
    pub fn close(&mut self, now: Time, measurement: &mut Measurement) {
        let patience = self.terms.timeout + self.terms.news_within;
        self.expire(now + patience + Duration::from_nanos(1), measurement);
    }

    /// A node takes no part any more, for the first reason given until it is back.
    pub fn remove(&mut self, node: NodeId, why: Absence, at: Time) {
        if self.absence(node).is_none() {
            self.gone.insert(node, Gone { at, why, is_back: false });
            self.judge.set_alive(node, false);
        }
    }

    /// A node is back, without anything it knew. It holds again what it had published; the
    /// overlay's global view counts with it when it has joined.
    pub fn restore(&mut self, node: NodeId) {
        if let Some(gone) = self.gone.get_mut(&node) {
            gone.is_back = true;
            self.judge.returned(node);
        }
    }

    /// The overlay's global view.
    #[must_use]
    pub fn oracle(&self) -> &R {
        self.judge.oracle()
    }

    /// Why a node is not there; `None` if it is.
    #[must_use]
    pub fn absence(&self, node: NodeId) -> Option<Absence> {
        self.gone.get(&node).filter(|gone| !gone.is_back).map(|gone| gone.why)
    }

    /// Searches entered so far, and how many operations have no outcome yet.
    #[must_use]
    pub const fn progress(&self) -> (u64, usize) {
        (self.entered, self.open)
    }

    fn enter_search(&mut self, op: OpId, search: Search) {
        if self.searches.is_empty() {
            self.first = op.0;
        }
        debug_assert_eq!(op.0 as usize, self.first as usize + self.searches.len());
        self.entered += u64::from(search.is_open);
        self.open += usize::from(search.is_open);
        self.searches.push_back(search);
    }

    /// Closes a search if this node has it open.
    fn close_search(&mut self, op: OpId, node: NodeId) -> Option<Search> {
        let index = op.0.checked_sub(self.first)? as usize;
        let search = self.searches.get_mut(index)?;
        if !search.is_open || search.node != node {
            return None;
        }
        search.is_open = false;
        self.open -= 1;
        Some(*search)
    }

    fn close_fetch(&mut self, op: OpId) -> Option<Fetch> {
        let fetch = self.fetches.remove(&op)?;
        self.open -= 1;
        Some(fetch)
    }

    fn on_found(
        &mut self,
        node: NodeId,
        at: Time,
        op: OpId,
        answer: &Answer,
        measurement: &mut Measurement,
    ) -> Option<Command> {
        let Search { due, key, .. } = self.close_search(op, node)?;
        if at.since(due) > self.terms.timeout || self.left_behind(node, due, at).is_some() {
            self.fail_search(due, node, at, measurement);
            return None;
        }
        let verdict = self.judge.judge(&key, answer);
        measurement.lookup(due, at, verdict, answer);
        if verdict == Verdict::Correct
            && answer.by != node
            && answer.by.index() < self.terms.conducts.len()
            && let Some(round_trip) = &self.terms.round_trip
        {
            measurement.stretch(at.since(due), round_trip(node, answer.by));
        }
        let (holder, offset) = answer.holder.zip(self.terms.fetch_offset)?;
        let op = OpId(op.0 + offset);
        self.fetches.insert(op, Fetch { due: at, node });
        self.fetch_order.push_back(op);
        self.open += 1;
        Some(Command::Fetch { op, key, holder })
    }

    fn on_fetched(
        &mut self,
        node: NodeId,
        at: Time,
        op: OpId,
        blob: &Blob,
        measurement: &mut Measurement,
    ) {
        if self.fetches.get(&op).is_none_or(|fetch| fetch.node != node) {
            return;
        }
        let Some(fetch) = self.close_fetch(op) else { return };
        let took = at.since(fetch.due);
        if took > self.terms.timeout || self.left_behind(node, fetch.due, at).is_some() {
            return self.fail_fetch(fetch, at, measurement);
        }
        measurement.fetch(took, blob.intact, self.terms.conducts[node.index()]);
    }

    fn on_published(&mut self, node: NodeId, op: OpId) {
        if let Some((key, publisher)) = self.publications.remove(&op)
            && publisher == node
        {
            self.judge.published(key, node);
        }
    }

    fn on_failed(&mut self, node: NodeId, at: Time, op: OpId, measurement: &mut Measurement) {
        if let Some(search) = self.close_search(op, node) {
            self.fail_search(search.due, node, at, measurement);
        } else if self.fetches.get(&op).is_some_and(|fetch| fetch.node == node)
            && let Some(fetch) = self.close_fetch(op)
        {
            self.fail_fetch(fetch, at, measurement);
        }
    }

    /// Why nobody waits any more for what was due at a node then: it has gone in between.
    fn left_behind(&self, node: NodeId, due: Time, now: Time) -> Option<Absence> {
        self.gone.get(&node).filter(|gone| (due..=now).contains(&gone.at)).map(|gone| gone.why)
    }

    fn fail_search(&self, due: Time, node: NodeId, now: Time, measurement: &mut Measurement) {
        if self.left_behind(node, due, now) != Some(Absence::Struck) {
            measurement.lookup_failed(due);
        }
    }

    fn fail_fetch(&self, fetch: Fetch, now: Time, measurement: &mut Measurement) {
        if self.left_behind(fetch.node, fetch.due, now) != Some(Absence::Struck) {
            measurement.fetch_failed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Item;

    /// Makes nobody responsible.
    struct Nobody;

    impl Oracle for Nobody {
        fn set_alive(&mut self, _: NodeId, _: bool) {}

        fn responsible(&self, _: &Key) -> Vec<NodeId> {
            Vec::new()
        }

        fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
            None
        }
    }

    const KEY: Key = Key([7; 20]);
    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    struct Books {
        ledger: Ledger<'static, Nobody>,
        measurement: Measurement,
    }

    impl Books {
        /// B has published; a search may take 100 ms and its news 10 ms.
        fn new() -> Self {
            let terms = Terms {
                timeout: Duration::from_millis(100),
                news_within: Duration::from_millis(10),
                fetch_offset: Some(1_000),
                conducts: vec![Conduct::Contributor; 2],
                round_trip: Some(Box::new(|_, _| Duration::from_millis(10))),
            };
            let (ledger, measurement) =
                (Ledger::new(Nobody, terms), Measurement::new(Duration::from_secs(1)));
            let mut books = Self { ledger, measurement };
            let item = Item { key: KEY, blob: Blob::new(1, 10) };
            books.due(0, B, Command::Publish { op: OpId(1), item });
            books.tell(1, B, Event::Published { op: OpId(1) });
            books
        }

        fn due(&mut self, millis: u64, node: NodeId, command: Command) -> bool {
            self.ledger.due(at(millis), node, &command, &mut self.measurement)
        }

        fn search(&mut self, op: u32, millis: u64, node: NodeId) -> bool {
            self.due(millis, node, Command::Search { op: OpId(op), key: KEY })
        }

        fn tell(&mut self, millis: u64, node: NodeId, event: Event) -> Option<Command> {
            self.ledger.on_event(node, at(millis), &event, &mut self.measurement)
        }

        fn found(&mut self, op: u32, millis: u64, node: NodeId) -> Option<Command> {
            let answer = Answer { by: B, holder: Some(B), hops: 1, timeouts: 0 };
            self.tell(millis, node, Event::Found { op: OpId(op), answer })
        }

        fn expire(&mut self, millis: u64) {
            self.ledger.expire(at(millis), &mut self.measurement);
        }

        /// Correct, incorrect and failed lookups so far, and operations under way.
        fn outcome(&self) -> (u64, u64, u64, usize) {
            let timeline = self.measurement.timeline();
            let sum = |of: fn(&crate::Timeline) -> &Vec<u64>| {
                timeline.as_ref().map_or(0, |timeline| of(timeline).iter().sum())
            };
            let (_, open) = self.ledger.progress();
            (sum(|t| &t.correct), sum(|t| &t.incorrect), sum(|t| &t.failed), open)
        }
    }

    #[test]
    fn a_search_is_judged_once_and_its_fetch_follows() {
        let mut books = Books::new();
        assert!(books.search(5, 10, A));
        assert_eq!(books.found(5, 30, B), None, "not its search");
        let fetch = Command::Fetch { op: OpId(1_005), key: KEY, holder: B };
        assert_eq!(books.found(5, 30, A), Some(fetch));
        assert_eq!(books.found(5, 31, A), None);
        assert_eq!(books.outcome(), (1, 0, 0, 1));
        let blob = Blob::new(1, 10);
        books.tell(50, A, Event::Fetched { op: OpId(1_005), blob });
        assert_eq!(books.outcome(), (1, 0, 0, 0));
        assert_eq!(books.measurement.latency_us().max(), Some(20_000));
        assert_eq!(books.measurement.lookups.stretch.max(), Some(2_000));
        assert_eq!(books.measurement.fetches.contributors_us.max(), Some(20_000));
    }

    #[test]
    fn news_may_come_late_of_what_was_in_time() {
        let mut books = Books::new();
        (0..3).for_each(|op| assert!(books.search(op, 0, A)));
        books.expire(110);
        assert_eq!(books.outcome(), (0, 0, 0, 3));
        books.found(1, 100, A);
        books.found(2, 101, A);
        assert_eq!(books.outcome(), (1, 0, 1, 2));
        books.expire(111);
        assert_eq!(books.outcome(), (1, 0, 2, 1), "the fetch is still under way");
        books.expire(211);
        assert_eq!(books.outcome(), (1, 0, 2, 0));
        assert_eq!(books.measurement.fetches.failed, 1);
    }

    #[test]
    fn what_the_struck_leave_behind_is_nobody_s_and_what_the_lost_do_has_failed() {
        for (why, failed) in [(Absence::Struck, 0), (Absence::Lost, 2)] {
            let mut books = Books::new();
            assert!(books.search(0, 10, A));
            books.ledger.remove(A, why, at(20));
            assert!(!books.search(1, 30, A));
            books.expire(500);
            assert_eq!(books.outcome(), (0, 0, failed, 0), "{why:?}");
        }
    }

    #[test]
    fn who_is_back_asks_again_and_is_not_answered_for_its_former_life() {
        let mut books = Books::new();
        assert!(books.search(0, 10, A));
        books.ledger.remove(A, Absence::Struck, at(20));
        books.ledger.restore(A);
        assert_eq!(books.found(0, 40, A), None);
        assert!(books.search(1, 50, A));
        assert!(books.found(1, 60, A).is_some());
        books.expire(500);
        assert_eq!(books.outcome(), (1, 0, 0, 0));
    }

    #[test]
    fn an_answer_that_came_before_its_searcher_went_counts() {
        let mut books = Books::new();
        assert!(books.search(0, 10, A));
        books.ledger.remove(A, Absence::Struck, at(20));
        books.found(0, 19, A);
        assert_eq!(books.outcome().0, 1);
    }

    #[test]
    fn the_end_of_the_run_is_the_end_of_all_waiting() {
        let mut books = Books::new();
        assert!(books.search(0, 10, A));
        books.ledger.close(at(20), &mut books.measurement);
        assert_eq!(books.outcome(), (0, 0, 1, 0));
    }
}
