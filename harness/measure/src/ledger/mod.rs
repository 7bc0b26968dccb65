//! The operations of a run: what is due, what came of it, and whether it was right. The same books
//! for every driver.
//!
//! An operation is entered when it is due, whether or not its node got to it (an open loop);
//! nothing that nodes say can add one. A search that is due at a node which the scenario has
//! stopped is nobody's, and so is one that such a node left behind; at a node that was lost unasked
//! both have failed.
//!
//! - `downloads.rs`: everybody downloads everything, once: how far that is, and who is stuck;
//! - `filling.rs`: how a swarm filled, for pictures;
//! - `pieces.rs`: which live nodes have which pieces of what is fetched in pieces.
mod downloads;
mod filling;
mod pieces;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use overlay_core::{Answer, Blob, Command, Conduct, Event, Key, NodeId, OpId, Oracle, Time};

use crate::{Judge, Measurement, Verdict};
use downloads::{Course, Lack};
use pieces::Pieces;

pub use downloads::Downloads;

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
    /// The length of the pieces that items are fetched in, if they are.
    piece_length: Option<u32>,
    /// The pieces of the items, where items are fetched in pieces.
    pieces: BTreeMap<Key, Pieces>,
    /// The item of which it is kept who has got what, if there is one.
    pictured: Option<Key>,
    /// How the downloads go, if the run is one of downloads.
    downloads: Option<Course>,
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
    /// Nodes whose operations are not waited for once their last news must have come, in the order
    /// in which they went; where it matters when all have ended.
    abandoned: VecDeque<(Time, NodeId)>,
    /// Answers that are right if news comes of a fetch that had begun, in the order of arrival.
    doubts: VecDeque<Doubt>,
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
    key: Key,
}

/// An answer that names somebody of whom it is not known yet whether it takes part.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    search: Search,
    at: Time,
    answer: Answer,
    holder: NodeId,
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
            piece_length: None,
            pieces: BTreeMap::new(),
            pictured: None,
            downloads: None,
            searches: VecDeque::new(),
            first: 0,
            fetches: BTreeMap::new(),
            fetch_order: VecDeque::new(),
            publications: BTreeMap::new(),
            gone: BTreeMap::new(),
            abandoned: VecDeque::new(),
            doubts: VecDeque::new(),
            entered: 0,
            open: 0,
        }
    }

    /// Items are fetched in pieces of this length in bytes, if in pieces at all
    /// ([`overlay_core::Overlay::piece_length`]): whoever has begun to fetch one is a holder of it, and
    /// copies of pieces are counted.
    #[must_use]
    pub fn in_pieces(mut self, length: Option<u32>) -> Self {
        self.piece_length = length.filter(|length| *length > 0);
        self
    }

    /// The searches are downloads: the run is over when all have an outcome.
    #[must_use]
    pub fn of_downloads(mut self, downloads: Downloads) -> Self {
        self.downloads = (downloads.count > 0).then(|| Course::new(downloads));
        self
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
                if let Some(downloads) = &mut self.downloads {
                    downloads.due += 1;
                }
                if absence == Some(Absence::Lost) {
                    self.fail_lookup(at, node, measurement);
                }
            }
            Command::Publish { op, item } => {
                if let Some(length) = self.piece_length {
                    let count = item.blob.length.div_ceil(length);
                    self.pieces.entry(item.key).or_insert_with(|| Pieces::new(count));
                }
                if absence.is_none() {
                    self.publications.insert(op, (item.key, node));
                }
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
            Event::Piece { op, piece, of } => self.on_piece(node, at, op, piece, of),
            Event::Published { op } => self.on_published(node, at, op),
            Event::Failed { op } => self.on_failed(node, at, op, measurement),
            Event::Joined { .. } => self.judge.joined(node),
            Event::Visited | Event::Banned { .. } | Event::Left { .. } | Event::Dropped(_) => {}
        }
        None
    }

    /// Gives up operations that have waited for too long.
    pub fn expire(&mut self, now: Time, measurement: &mut Measurement) {
        self.settle_doubts(now, measurement);
        self.give_up_abandoned(now, measurement);
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

    /// The run has come to its end: what is still under way has failed. To be called once; what is
    /// measured of the run as a whole goes into the measurement here.
    pub fn close(&mut self, now: Time, measurement: &mut Measurement) {
        let patience = self.terms.timeout + self.terms.news_within;
        self.expire(now + patience + Duration::from_nanos(1), measurement);
        for (evenness, over) in self.pieces.values().filter_map(Pieces::evenness_over_time) {
            measurement.pieces_spread(evenness, over);
        }
        if let Some(downloads) = &self.downloads {
            downloads.report(measurement);
        }
        let pictured = self.pictured.and_then(|key| self.pieces.get_mut(&key));
        if let Some(swarm) = pictured.and_then(|it| it.progress(now, &self.terms.conducts)) {
            measurement.swarm(swarm);
        }
    }

    /// Whether this is a run of downloads, all of them were due, and all have an outcome; then the
    /// run is over unless something else is still due: a fault, a return, a command.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.doubts.is_empty() && self.downloads.as_ref().is_some_and(|it| it.is_over(self.open))
    }

    /// Whether this is a run of downloads, and half of them have an outcome: the moment at which
    /// what nodes remember is looked at, because afterwards swarms dissolve.
    #[must_use]
    pub fn is_half_over(&self) -> bool {
        self.downloads.as_ref().is_some_and(|it| it.is_half_over(self.open))
    }

    /// A node takes no part any more, for the first reason given until it is back.
    pub fn remove(&mut self, node: NodeId, why: Absence, at: Time) {
        if self.absence(node).is_none() {
            self.gone.insert(node, Gone { at, why, is_back: false });
            self.judge.set_alive(node, false);
            self.pieces.values_mut().for_each(|pieces| pieces.forget(node, at));
            if self.downloads.is_some() {
                self.abandoned.push_back((at, node));
            }
        }
    }

    /// A node is back, without anything it knew. If it keeps its items, it holds again what it had
    /// published; the overlay's global view counts with it when it has joined.
    pub fn restore(&mut self, node: NodeId, keeps_items: bool) {
        if let Some(gone) = self.gone.get_mut(&node) {
            gone.is_back = true;
            self.judge.returned(node, keeps_items);
        }
    }

    /// A node that was frozen goes on, with everything it knew.
    pub fn wake(&mut self, node: NodeId) {
        if let Some(gone) = self.gone.get_mut(&node) {
            gone.is_back = true;
            self.judge.set_alive(node, true);
        }
    }

    /// Who says whether an answer is right.
    #[must_use]
    pub const fn judge(&self) -> &Judge<R> {
        &self.judge
    }

    /// The overlay's global view.
    #[must_use]
    pub fn oracle(&self) -> &R {
        self.judge.oracle()
    }

    /// The overlay's global view, when the books are closed for good.
    #[must_use]
    pub fn into_oracle(self) -> R {
        self.judge.into_oracle()
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
        let search = Search { due, key, node, is_open: false };
        match answer.holder.filter(|holder| self.may_take_part(&key, *holder)) {
            Some(holder) => {
                self.doubts.push_back(Doubt { search, at, answer: *answer, holder });
            }
            None => {
                let verdict = self.judge.judge(&key, answer);
                self.conclude(&search, at, verdict, answer, measurement);
            }
        }
        let Some((holder, offset)) = answer.holder.zip(self.terms.fetch_offset) else {
            self.did_not_begin(node);
            return None;
        };
        let op = OpId(op.0 + offset);
        self.fetches.insert(op, Fetch { due: at, node, key });
        self.fetch_order.push_back(op);
        self.open += 1;
        if self.piece_length.is_some() {
            self.judge.takes_part(key, node, at);
            self.begin_in_pieces(key, node, at);
        }
        Some(Command::Fetch { op, key, holder })
    }

    /// A node begins to fetch an item in pieces. The first item that anybody does is pictured.
    fn begin_in_pieces(&mut self, key: Key, node: NodeId, at: Time) {
        let from = self.downloads.as_ref().map_or(at, Course::begins_at);
        let is_pictured = *self.pictured.get_or_insert(key) == key;
        if let Some(pieces) = self.pieces.get_mut(&key).filter(|_| is_pictured) {
            pieces.picture(from);
            pieces.begin(node, at);
        }
    }

    /// Whether an answer that names this node may be right without anybody here knowing it yet:
    /// what makes it right is news of another node's, which may come later than the answer's own.
    fn may_take_part(&self, key: &Key, holder: NodeId) -> bool {
        self.piece_length.is_some()
            && !self.terms.news_within.is_zero()
            && !self.judge.holds(key, holder)
            && self.judge.may_hold(key, holder)
    }

    /// Judges the answers for which all news must have come.
    fn settle_doubts(&mut self, now: Time, measurement: &mut Measurement) {
        let within = self.terms.news_within;
        while let Some(doubt) = self.doubts.pop_front_if(|doubt| now.since(doubt.at) > within) {
            let Doubt { search, at, answer, holder } = doubt;
            let verdict = match self.judge.took_part(&search.key, holder, at) {
                true => Verdict::Correct,
                false => Verdict::Incorrect,
            };
            self.conclude(&search, at, verdict, &answer, measurement);
        }
    }

    fn conclude(
        &self,
        search: &Search,
        at: Time,
        verdict: Verdict,
        answer: &Answer,
        measurement: &mut Measurement,
    ) {
        let Search { due, node, .. } = *search;
        measurement.lookup(due, at, verdict, answer);
        measurement.charge(match verdict {
            Verdict::Correct => at.since(due),
            Verdict::Incorrect => self.terms.timeout,
        });
        if verdict == Verdict::Correct
            && answer.by != node
            && answer.by.index() < self.terms.conducts.len()
            && let Some(round_trip) = &self.terms.round_trip
        {
            measurement.stretch(at.since(due), round_trip(node, answer.by));
        }
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
        let by_contributor = self.is_contributor(node);
        match &mut self.downloads {
            Some(downloads) if blob.intact => downloads.finished(by_contributor, at),
            Some(downloads) => downloads.spoilt(by_contributor),
            None => {}
        }
        if blob.intact
            && self.absence(node).is_none()
            && let Some(pieces) = self.pieces.get_mut(&fetch.key)
        {
            pieces.complete(node, at);
        }
    }

    fn on_piece(&mut self, node: NodeId, at: Time, op: OpId, piece: u32, of: u32) {
        if let Some(fetch) = self.fetches.get(&op)
            && fetch.node == node
            && self.absence(node).is_none()
            && let Some(pieces) = self.pieces.get_mut(&fetch.key)
            && pieces.count() == of
        {
            pieces.add(node, piece, at);
        }
    }

    fn on_published(&mut self, node: NodeId, at: Time, op: OpId) {
        if let Some((key, publisher)) = self.publications.remove(&op)
            && publisher == node
        {
            self.judge.published(key, node);
            if self.absence(node).is_none()
                && let Some(pieces) = self.pieces.get_mut(&key)
            {
                pieces.publish(node, at);
            }
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

    /// Gives up what nodes that are gone have left behind, if it matters when that is.
    fn give_up_abandoned(&mut self, now: Time, measurement: &mut Measurement) {
        let within = self.terms.news_within;
        while let Some((_, node)) = self.abandoned.pop_front_if(|(at, _)| now.since(*at) >= within)
        {
            for place in 0..self.searches.len() {
                let Search { due, node: searcher, is_open, .. } = self.searches[place];
                if is_open && searcher == node && self.left_behind(node, due, now).is_some() {
                    self.searches[place].is_open = false;
                    self.open -= 1;
                    self.fail_search(due, node, now, measurement);
                }
            }
            let its = |fetch: &Fetch| {
                fetch.node == node && self.left_behind(node, fetch.due, now).is_some()
            };
            let fetches = self.fetches.iter().filter(|(_, fetch)| its(fetch));
            let fetches: Vec<OpId> = fetches.map(|(op, _)| *op).collect();
            for op in fetches {
                if let Some(fetch) = self.close_fetch(op) {
                    self.fail_fetch(fetch, now, measurement);
                }
            }
        }
    }

    fn fail_search(&mut self, due: Time, node: NodeId, now: Time, measurement: &mut Measurement) {
        if self.left_behind(node, due, now) != Some(Absence::Struck) {
            self.fail_lookup(due, node, measurement);
        }
    }

    fn fail_lookup(&mut self, due: Time, node: NodeId, measurement: &mut Measurement) {
        measurement.lookup_failed(due);
        measurement.charge(self.terms.timeout);
        self.did_not_begin(node);
    }

    fn fail_fetch(&mut self, fetch: Fetch, now: Time, measurement: &mut Measurement) {
        if self.left_behind(fetch.node, fetch.due, now) != Some(Absence::Struck) {
            measurement.fetch_failed();
            let by_contributor = self.is_contributor(fetch.node);
            let lack = |pieces: &Pieces| Lack { of: pieces.count(), lost: pieces.lost() };
            let lack = self.pieces.get(&fetch.key).map(lack);
            if let Some(downloads) = &mut self.downloads {
                downloads.did_not_finish(by_contributor, fetch.key, lack);
            }
        }
    }

    fn did_not_begin(&mut self, node: NodeId) {
        let by_contributor = self.is_contributor(node);
        if let Some(downloads) = &mut self.downloads {
            downloads.did_not_begin(by_contributor);
        }
    }

    fn is_contributor(&self, node: NodeId) -> bool {
        self.terms.conducts.get(node.index()) == Some(&Conduct::Contributor)
    }
}

#[cfg(test)]
mod tests;
