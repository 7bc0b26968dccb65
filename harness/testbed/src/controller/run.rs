//! One run from the start of its processes (`start.rs`) to the last of their reports. Every wait has an
//! end.
mod start;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use overlay_core::{Event, NodeId, Oracle, Time};
use peerbench_measure::{
    Absence, Cost, Counter, Downloads, Group, Ledger, Measurement, Progress, RoundTrip, Terms,
};
use peerbench_scenario::{DueFault, DueReturn, FaultAction, Scenario, Timetable, World};
use rustix::process::Signal;
use tokio::time::{Instant, timeout_at};

use super::Plan;
use super::convergence::Convergence;
use super::hub::{Hub, Word};
use super::processes::{Condition, Launcher, Processes};
use super::returns::Returns;
use super::summary::{self, Usage};
use crate::Error;
use crate::clock::Moment;
use crate::control::{Happening, Notice, Order, ProcessReport, RealItem, Setup};

/// How long processes may take to report after the window.
const REPORT_WITHIN: Duration = Duration::from_secs(15);
const REPORT_WITHIN_EACH: Duration = Duration::from_millis(20);
/// How often the stop flag, the clock and the children are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// The shortest look at what processes say, while something that is due has to wait.
const LISTEN_AT_LEAST: Duration = Duration::from_millis(1);
/// Between the order to end the window and its end: all processes are to have heard it by then.
const END_LEAD: Duration = Duration::from_millis(50);
/// News of an operation may be this long on their way before it is given up.
const NEWS_WITHIN: Duration = Duration::from_millis(500);

/// A run under way.
pub(super) struct Run<R: Oracle> {
    setup: Setup,
    world: Arc<World>,
    ledger: Ledger<'static, R>,
    timetable: Peekable<Timetable>,
    convergence: Option<Convergence>,
    faults: VecDeque<DueFault>,
    returns: Returns,
    hub: Hub,
    processes: Processes,
    reports: BTreeMap<u32, (ProcessReport, bool)>,
    start: Moment,
    /// When the window ends: as planned, or earlier.
    ends_at: Time,
    window_seen: bool,
    has_looked: bool,
    searches: u64,
    /// What is measured so far.
    pub(super) measurement: Measurement,
}

impl<R: Oracle> Run<R> {
    /// A run whose processes have been started.
    pub(super) fn new(
        plan: &Plan,
        (world, real): (Arc<World>, Option<Arc<RealItem>>),
        (oracle, piece_length): (R, Option<u32>),
        hub: Hub,
        (launcher, processes): (Launcher, Processes),
    ) -> Self {
        let Plan { scenario, seed, .. } = plan;
        let window = world.ends_at().since(world.searches_from());
        let mut measurement = Measurement::new(window);
        measurement.begins(world.searches_from(), world.first_fault());
        let nodes = (0..world.nodes()).map(NodeId);
        nodes.filter(|node| world.is_publisher(*node)).for_each(|node| measurement.publishes(node));
        Self {
            setup: Setup {
                scenario: scenario.to_yaml(),
                seed: *seed,
                nodes: Vec::new(),
                real,
                back: None,
            },
            convergence: Convergence::new(&oracle, world.nodes()),
            ledger: Ledger::new(oracle, terms(scenario, &world))
                .in_pieces(piece_length)
                .of_downloads(downloads(&world)),
            timetable: world.timetable().peekable(),
            faults: world.faults().iter().copied().collect(),
            returns: Returns::new(&world, launcher),
            hub,
            processes,
            reports: BTreeMap::new(),
            start: Moment::default(),
            ends_at: world.ends_at(),
            window_seen: false,
            has_looked: false,
            searches: world.operations().searches.len() as u64,
            measurement,
            world,
        }
    }

    fn failure(&self, number: u32, reason: &str) -> Error {
        Error::Process { nodes: self.processes.name([number]), reason: reason.to_owned() }
    }

    /// Goes through the run: strikes, judges, and waits for the reports.
    pub(super) async fn conduct(
        &mut self,
        began: Moment,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) {
        progress.phase("the overlay comes together");
        loop {
            if stop.load(Ordering::Relaxed) {
                self.stop().await;
                break;
            }
            if self.is_over(self.now()) {
                self.ledger.close(self.now(), &mut self.measurement);
                self.tell_of_silent();
                break;
            }
            self.listen(LOOK).await;
            let now = self.now();
            self.strike_due(now).await;
            self.bring_back(now).await;
            self.advance(now);
            self.follow_downloads(now).await;
            self.observe(now, progress);
            self.find_lost();
        }
        let wall = Moment::now().since(self.start);
        let build = self.start.since(began);
        self.measurement.cost(self.cost(build, wall));
    }

    /// What its processes take, as they have told.
    pub(super) fn usage(&self) -> Usage {
        Usage::of(self.reports.values().map(|(report, _)| report))
    }

    /// Makes the measurement of what was reported.
    pub(super) fn finish(mut self) -> Measurement {
        self.measurement.count(Counter::Strangers, self.hub.refused());
        if let Some(convergence) = &self.convergence {
            let (since, right, of) = convergence.result();
            let since = since.map(|time| time.since(Time::ZERO));
            self.measurement.converged(since, right, of);
        } else {
            self.measurement.not_offered(Group::Convergence);
        }
        summary::add(self.reports.values().map(|(report, _)| report), &mut self.measurement);
        self.measurement
    }

    /// In a run of downloads, looks at what nodes remember when half of them have ended, and ends
    /// the window for all nodes at one time when all have and nothing else is due.
    async fn follow_downloads(&mut self, now: Time) {
        if self.ledger.is_half_over() && !std::mem::replace(&mut self.has_looked, true) {
            for number in self.running() {
                if !self.returns.is_starting(number) {
                    self.hub.tell(number, &Order::Look).await;
                }
            }
        }
        let is_waited_for = !self.faults.is_empty() || !self.returns.are_over();
        if self.ledger.is_over()
            && !is_waited_for
            && self.timetable.peek().is_none()
            && now + END_LEAD < self.ends_at
        {
            self.ends_at = now + END_LEAD;
            self.measurement.ends(self.ends_at);
            self.tell_running(&Order::End(self.ends_at)).await;
        }
    }

    async fn tell_running(&self, order: &Order) {
        for number in self.running() {
            self.hub.tell(number, order).await;
        }
    }

    fn is_over(&self, now: Time) -> bool {
        let (ends_at, (_, open)) = (self.ends_at, self.ledger.progress());
        let within = REPORT_WITHIN + REPORT_WITHIN_EACH * self.count();
        now >= ends_at + within || (now >= ends_at && open == 0 && self.silent().next().is_none())
    }

    /// The processes that have not reported at the end of the window so far.
    fn silent(&self) -> impl Iterator<Item = u32> {
        (0..self.count()).filter(|number| {
            self.processes.0[*number as usize].condition == Condition::Running
                && self.reports.get(number).is_none_or(|(_, is_final)| !is_final)
        })
    }

    fn tell_of_silent(&mut self) {
        let (silent, of) = (self.silent().count(), self.running().len());
        if silent > 0 {
            self.measurement.note(format!(
                "partial: {silent} of {of} processes did not report at the end: what they sent, \
                 received and found since their last word is missing; use fewer nodes, let them \
                 join over a longer time, or put more of them into a process"
            ));
        }
    }

    /// Takes in what processes say, for so long or until the next fault or return is due.
    async fn listen(&mut self, at_most: Duration) {
        let fault = self.faults.front().map(|fault| fault.at);
        let next = fault.into_iter().chain(self.returns.next_at()).min();
        let wait = next.map_or(at_most, |next| next.since(self.now()).min(at_most));
        let until = Instant::now() + wait.max(LISTEN_AT_LEAST);
        while let Ok(Some((number, word))) = timeout_at(until, self.hub.next()).await {
            self.on_word(number, word).await;
        }
    }

    async fn on_word(&mut self, number: u32, word: Word) {
        if let Some(order) = self.returns.answer(number, &word, &self.setup, self.start) {
            self.hub.tell(number, &order).await;
            return;
        }
        match word {
            Word::Connected => {}
            Word::Gone => self.lose(number),
            Word::Notice(notice) => self.on_notice(number, *notice),
        }
    }

    /// Takes in what a process says of its own nodes, up to now; whatever else it says is counted as
    /// nonsense.
    fn on_notice(&mut self, number: u32, notice: Notice) {
        let now = self.now();
        match notice {
            Notice::Events(events) => {
                for happening in events {
                    match self.is_own(number, happening.node) && happening.at <= now {
                        true => self.on_happening(happening),
                        false => self.measurement.count(Counter::DroppedNonsense, 1),
                    }
                }
            }
            Notice::Neighbors { node, at, neighbors } if self.is_own(number, node) => {
                if let Some(convergence) = &mut self.convergence {
                    convergence.report(node, at.min(now), neighbors);
                }
            }
            Notice::Checkpoint(report) if self.is_about_own(number, &report) => {
                let is_final = self.reports.get(&number).is_some_and(|(_, is_final)| *is_final);
                if !is_final {
                    self.reports.insert(number, (*report, false));
                }
            }
            Notice::Finished(report) if self.is_about_own(number, &report) => {
                self.reports.insert(number, (*report, true));
            }
            Notice::Failed(why) => {
                let nodes = self.processes.name([number]);
                self.measurement.note(format!("the process of {nodes} gave up: {why}"));
            }
            _ => self.measurement.count(Counter::DroppedNonsense, 1),
        }
    }

    fn is_own(&self, number: u32, node: NodeId) -> bool {
        self.processes.0[number as usize].nodes.binary_search(&node).is_ok()
    }

    fn is_about_own(&self, number: u32, report: &ProcessReport) -> bool {
        report.nodes.iter().all(|sample| self.is_own(number, sample.node))
    }

    fn on_happening(&mut self, happening: Happening) {
        if let Event::Left { .. } = happening.event {
            self.remove(happening.node, Absence::Struck, happening.at);
        }
        let Happening { node, at, event } = happening;
        self.advance(at);
        self.ledger.on_event(node, at, &event, &mut self.measurement);
        if let Event::Joined { .. } = event
            && self.returns.has_begun(node)
            && let Some(convergence) = &mut self.convergence
        {
            convergence.restore(node, at, self.ledger.oracle());
        }
    }

    /// Enters what is due by now and gives up what has had its time.
    fn advance(&mut self, now: Time) {
        while let Some(due) = self.timetable.next_if(|due| due.at <= now) {
            self.ledger.due(due.at, due.node, &due.command, &mut self.measurement);
        }
        self.ledger.expire(now, &mut self.measurement);
    }

    /// Starts new processes for nodes that are back by now, once the former ones are gone.
    async fn bring_back(&mut self, now: Time) {
        while let Some(DueReturn { at, node, wakes, .. }) =
            self.returns.next().filter(|back| back.at <= now)
        {
            if wakes {
                self.advance(at);
                self.wake(node).await;
                continue;
            }
            if !self.processes.end_those_of(node) {
                return;
            }
            self.advance(at);
            self.ledger.restore(node, self.world.keep_items());
            self.measurement.struck(at, "return");
            match self.processes.start(&self.returns.launcher, vec![node]) {
                Ok(number) => {
                    self.hub.expect_another();
                    self.returns.begin(Some(number));
                }
                Err(error) => {
                    self.returns.begin(None);
                    self.measurement.note(format!("{node} did not come back: {error}"));
                    self.remove(node, Absence::Lost, now);
                }
            }
        }
    }

    async fn wake(&mut self, node: NodeId) {
        let number = self.returns.pass().and_then(|_| self.owner(node));
        let Some(number) = number else { return };
        let now = self.now();
        self.measurement.struck(now, "wake");
        self.hub.tell(number, &Order::Wake(node)).await;
        let condition = &mut self.processes.0[number as usize].condition;
        if *condition == Condition::Struck {
            *condition = Condition::Running;
        }
        self.ledger.wake(node);
        if let Some(convergence) = &mut self.convergence {
            convergence.restore(node, now, self.ledger.oracle());
        }
    }

    /// The process of a node; of one that was back, the latest.
    fn owner(&self, node: NodeId) -> Option<u32> {
        let has = |number: &u32| self.processes.0[*number as usize].nodes.contains(&node);
        (0..self.count()).rev().find(has)
    }

    async fn strike_due(&mut self, now: Time) {
        while let Some(fault) = self.faults.front().copied().filter(|fault| fault.at <= now) {
            self.faults.pop_front();
            self.advance(fault.at);
            let Some(number) = self.owner(fault.node) else { continue };
            self.measurement.struck(fault.at, fault.action.name());
            let process = &mut self.processes.0[number as usize];
            let is_alone = process.nodes.len() == 1;
            match fault.action {
                FaultAction::Freeze if fault.back_at.is_some() => {
                    self.hub.tell(number, &Order::Sleep(fault.node)).await;
                }
                FaultAction::Kill if is_alone => process.signal(Signal::KILL),
                FaultAction::Freeze if is_alone => process.signal(Signal::STOP),
                action => {
                    self.hub.tell(number, &Order::Strike(fault.node, action)).await;
                }
            }
            if fault.action == FaultAction::Leave {
                continue;
            }
            if is_alone {
                self.processes.0[number as usize].condition = Condition::Struck;
            }
            self.remove(fault.node, Absence::Struck, now);
        }
    }

    fn remove(&mut self, node: NodeId, why: Absence, at: Time) {
        self.ledger.remove(node, why, at);
        if let Some(convergence) = &mut self.convergence {
            convergence.remove(node, at, self.ledger.oracle());
        }
    }

    /// Looks for processes that ended without a word, as frozen machines' may.
    fn find_lost(&mut self) {
        for number in 0..self.count() {
            let process = &mut self.processes.0[number as usize];
            if process.condition == Condition::Running && process.has_exited() {
                self.lose(number);
            }
        }
    }

    /// A process has ended; if nobody asked for it, that is counted and said.
    fn lose(&mut self, number: u32) {
        self.returns.lose(number);
        let process = &mut self.processes.0[number as usize];
        if process.condition != Condition::Running {
            return;
        }
        process.condition = Condition::Lost;
        let nodes = process.nodes.clone();
        let now = self.now();
        let name = self.processes.name([number]);
        self.measurement.count(Counter::ProcessesLost, 1);
        self.measurement.note(format!("the process of {name} ended unasked at {now}"));
        for node in nodes {
            self.remove(node, Absence::Lost, now);
        }
    }

    /// Ends the window now and collects what there is.
    async fn stop(&mut self) {
        let now = self.now();
        let ends_at = self.world.ends_at();
        self.measurement.note(format!("partial: stopped at {now} of {ends_at}"));
        self.tell_running(&Order::End(now)).await;
        let deadline = Instant::now() + REPORT_WITHIN;
        while self.silent().next().is_some() && Instant::now() < deadline {
            self.listen(LOOK).await;
        }
    }

    fn running(&self) -> BTreeSet<u32> {
        (0..self.count())
            .filter(|number| self.processes.0[*number as usize].condition == Condition::Running)
            .collect()
    }

    fn observe(&mut self, now: Time, progress: &dyn Progress) {
        let begins = self.world.searches_from();
        if now < begins {
            let total = begins.as_micros() / 1_000;
            progress.advance(now.as_micros() / 1_000, total);
            return;
        }
        if !std::mem::replace(&mut self.window_seen, true) {
            if let Some(convergence) = &mut self.convergence {
                convergence.begin_window();
            }
            progress.phase("searching");
        }
        let (entered, open) = self.ledger.progress();
        progress.advance(entered.saturating_sub(open as u64), self.searches);
    }

    fn cost(&self, build: Duration, wall: Duration) -> Cost {
        let reports = || self.reports.values().map(|(report, _)| report);
        let running = self.running();
        let at_the_end = self.reports.iter().filter(|(number, _)| running.contains(number));
        let memory = at_the_end.map(|(_, (report, _))| report.proportional_bytes);
        Cost {
            nodes: self.world.nodes(),
            processes: self.count(),
            events: reports().map(|report| report.counts.inputs).sum(),
            delivered_messages: reports().map(|report| report.counts.delivered).sum(),
            build,
            wall,
            processor: None,
            peak_memory_bytes: Some(memory.sum()),
        }
    }

    fn count(&self) -> u32 {
        self.processes.0.len() as u32
    }

    fn now(&self) -> Time {
        Time::ZERO + Moment::now().since(self.start)
    }
}

/// What operations are judged by. Direct round trips are the emulated network's.
fn terms(scenario: &Scenario, world: &Arc<World>) -> Terms<'static> {
    let network = Arc::clone(world);
    let round_trip = move |a, b| Duration::from_nanos(2 * network.one_way(a, b));
    Terms {
        timeout: scenario.workload.timeout.0,
        news_within: NEWS_WITHIN,
        fetch_offset: world.operations().fetch_offset(),
        conducts: (0..world.nodes()).map(|node| world.conduct(NodeId(node))).collect(),
        round_trip: scenario.testbed.shaped.then(|| Box::new(round_trip) as Box<RoundTrip<'_>>),
    }
}

/// What a run of downloads is judged by.
fn downloads(world: &World) -> Downloads {
    Downloads {
        count: world.downloads_due(),
        from: world.searches_from(),
        bound: world.distribution_bound(),
    }
}

#[cfg(test)]
mod tests;
