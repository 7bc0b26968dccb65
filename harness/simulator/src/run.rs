//! A scenario from start to end: what the workload asks, what strikes, and what it cost.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use overlay_core::{Command, Input, NodeId, Oracle as _, Overlay, StateSize, Time};
use peerbench_measure::{
    Absence, Cost, Counter, Group, Inventories, Measurement, NodeSample, Pace, Progress, Silent,
};
use peerbench_scenario::{
    DueFault, DueReturn, Error, FaultAction, InventoryPlan, Scenario, Timetable, World,
};

use crate::harness::Harness;
use crate::memory::Peak;
use crate::network::Wiring;
use crate::observer::Unobserved;
use crate::processor::used_by_this_thread;
use crate::simulation::Simulation;
use crate::slot::Life;
use crate::watch::{Watch, count_converged};

/// Events between two looks at the stop flag and the progress bar.
pub(crate) const EVENTS_BETWEEN_LOOKS: u32 = 1 << 16;
/// Most nodes whose links are looked at for an inventory; in larger networks some are.
const MOST_LOOKED_INTO: usize = 1 << 16;

/// Runs a scenario under one seed, until its end or until `stop` is set; then the measurement says
/// that it is partial.
///
/// # Errors
/// If the world cannot be drawn, for example because the matrix file is gone.
pub fn run<O: Overlay>(
    scenario: &Scenario,
    config: &O::Config,
    seed: u64,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Simulated, Error> {
    let peak = Peak::begin();
    let world = World::new(scenario, seed)?;
    let nodes = world.nodes();
    progress.phase(&format!("{}: building {nodes} simulated nodes", O::NAME));
    let started = Instant::now();
    let mut run = Run::<O>::new(scenario, config, &world, seed);
    let build = started.elapsed();
    progress.phase(&format!("{}: simulating {nodes} nodes", O::NAME));
    let unused = used_by_this_thread();
    run.complete(progress, stop);
    let wall = started.elapsed() - build;
    let processor = used_by_this_thread().zip(unused).map(|(all, before)| all - before);
    let (events, delivered_messages) = (run.simulation.inputs(), run.simulation.delivered());
    let most_waiting = run.most_waiting;
    let mut measurement = run.finish();
    let peak_memory_bytes = peak.bytes();
    measurement.cost(Cost {
        nodes,
        processes: 1,
        events,
        delivered_messages,
        build,
        wall,
        processor,
        peak_memory_bytes,
    });
    Ok(Simulated { measurement, most_waiting, wall })
}

/// The network of a scenario at the moment at which its searches begin, and the global view of it;
/// `None` if `stop` was set before.
pub(crate) fn form<'a, O: Overlay>(
    scenario: &Scenario,
    config: &'a O::Config,
    world: &'a World,
    seed: u64,
    stop: &AtomicBool,
) -> Option<(Simulation<'a, O>, O::Oracle)> {
    let mut run = Run::<O> { watch: Watch::off(), ..Run::new(scenario, config, world, seed) };
    let from = world.searches_from();
    loop {
        let now = run.next_from_outside(from, from);
        let has_happened = run.let_happen(now, &Silent, stop);
        if !has_happened || stop.load(Ordering::Relaxed) {
            return None;
        }
        if now >= from {
            return Some((run.simulation, run.harness.ledger.into_oracle()));
        }
        run.act(now);
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Everything measured.
    pub measurement: Measurement,
    /// Most events that waited in the queue at once, as far as was looked.
    pub most_waiting: usize,
    /// Real time from the first input to the end of the run.
    pub wall: Duration,
}

pub(crate) struct Run<'a, O: Overlay> {
    world: &'a World,
    config: &'a O::Config,
    pub(crate) simulation: Simulation<'a, O>,
    pub(crate) harness: Harness<'a, O>,
    timetable: std::iter::Peekable<Timetable>,
    faults: std::iter::Peekable<std::slice::Iter<'a, DueFault>>,
    returns: std::iter::Peekable<std::slice::Iter<'a, DueReturn>>,
    /// How much of the window each node that is back was away.
    away: BTreeMap<NodeId, Duration>,
    /// Whether the measured window has begun.
    is_measuring: bool,
    /// What nodes remembered when half of the downloads had ended; empty until then, and in runs of
    /// other workloads.
    states: Vec<StateSize>,
    pub(crate) watch: Watch,
    /// When to look at what nodes remember, and what they did.
    inventory_plan: InventoryPlan,
    inventories: Inventories,
    pub(crate) most_waiting: usize,
    /// Events until the next look at the stop flag.
    look: u32,
    pub(crate) stopped: bool,
}

impl<'a, O: Overlay> Run<'a, O> {
    pub(crate) fn new(
        scenario: &Scenario,
        config: &'a O::Config,
        world: &'a World,
        seed: u64,
    ) -> Self {
        let mut simulation = Simulation::new(world, config, seed, Wiring::of(scenario));
        let oracle = O::oracle(config, world);
        if !scenario.forms_by_joining() {
            simulation.settle(&oracle, &mut Unobserved);
        }
        Self {
            world,
            config,
            simulation,
            harness: Harness::new(scenario, config, world, oracle),
            timetable: world.timetable().peekable(),
            faults: world.faults().iter().peekable(),
            returns: world.returns().iter().peekable(),
            away: BTreeMap::new(),
            is_measuring: false,
            states: Vec::new(),
            watch: Watch::new(scenario, world),
            inventory_plan: world.inventory_plan(),
            inventories: Inventories::default(),
            most_waiting: 0,
            look: EVENTS_BETWEEN_LOOKS,
            stopped: false,
        }
    }

    pub(crate) fn complete(&mut self, progress: &dyn Progress, stop: &AtomicBool) {
        let (from, end) = (self.world.searches_from(), self.world.ends_at());
        let is_of_downloads = self.world.downloads_due() > 0;
        loop {
            let now = self.next_from_outside(from, end);
            if !self.let_happen(now, progress, stop) {
                return;
            }
            if now >= from && !self.is_measuring {
                self.open_window();
            }
            if now >= end || stop.load(Ordering::Relaxed) {
                self.stopped = now < end;
                return;
            }
            self.act(now);
            if is_of_downloads && self.downloads_are_over() {
                return;
            }
        }
    }

    /// Lets everything happen that is in the queue until a time. False if the run has ended on the
    /// way: it was stopped, or all downloads are over.
    fn let_happen(&mut self, until: Time, progress: &dyn Progress, stop: &AtomicBool) -> bool {
        let is_of_downloads = self.world.downloads_due() > 0;
        while self.simulation.next_time().is_some_and(|time| time <= until) {
            self.simulation.step(&mut self.harness);
            self.look -= 1;
            if self.look == 0 {
                self.look = EVENTS_BETWEEN_LOOKS;
                self.most_waiting = self.most_waiting.max(self.simulation.waiting());
                let (now, end) = (self.simulation.now(), self.world.ends_at());
                progress.simulated(Pace { now, end, events: self.simulation.inputs() });
                if stop.load(Ordering::Relaxed) {
                    self.stopped = true;
                    return false;
                }
            }
            self.see_off();
            if is_of_downloads && self.downloads_are_over() {
                return false;
            }
        }
        self.simulation.advance_to(until);
        self.most_waiting = self.most_waiting.max(self.simulation.waiting());
        true
    }

    /// Whether all downloads have ended and nothing else is due. When half have, looks at what nodes
    /// remember.
    fn downloads_are_over(&mut self) -> bool {
        if self.states.is_empty() && self.harness.ledger.is_half_over() {
            let state = |(_, node, _): (NodeId, &O, Life)| node.state(self.config);
            self.states = self.simulation.nodes().map(state).collect();
        }
        self.harness.ledger.is_over()
            && self.timetable.peek().is_none()
            && self.faults.peek().is_none()
            && self.returns.peek().is_none()
    }

    /// When something that is not in the queue happens next.
    fn next_from_outside(&mut self, from: Time, end: Time) -> Time {
        let due = self.timetable.peek().map(|due| due.at);
        let fault = self.faults.peek().map(|fault| fault.at);
        let back = self.returns.peek().map(|back| back.at);
        let window = (!self.is_measuring).then_some(from);
        let watch = self.watch.next();
        let inventory = self.inventory_plan.times.front().copied();
        [due, fault, back, window, watch, inventory].into_iter().flatten().fold(end, Time::min)
    }

    /// Lets everything from outside happen that is due by now.
    fn act(&mut self, now: Time) {
        self.harness.expire(now);
        if self.watch.next().is_some_and(|time| time <= now) {
            self.watch.look(&self.simulation, self.harness.ledger.oracle(), now);
        }
        if self.inventory_plan.times.pop_front_if(|time| *time <= now).is_some() {
            self.take_inventory(now);
        }
        while let Some(&fault) = self.faults.next_if(|fault| fault.at <= now) {
            self.strike(fault);
        }
        self.bring_back(now);
        while let Some(due) = self.timetable.next_if(|due| due.at <= now) {
            if self.harness.begin(&due) {
                self.simulation.give(due.node, Input::Command(due.command), &mut self.harness);
            }
        }
    }

    /// Looks at what nodes remember: all, or in large networks some, evenly over their numbers.
    fn take_inventory(&mut self, now: Time) {
        let (keys, simulation) = (&self.inventory_plan.keys, &self.simulation);
        let is_there = |node: NodeId| simulation.life(node) == Life::Up;
        let step = (simulation.nodes().len() / MOST_LOOKED_INTO).max(1);
        for (_, node, life) in simulation.nodes().step_by(step) {
            if life == Life::Up {
                self.inventories.add(now, node, self.config, keys, is_there);
            }
        }
    }

    fn strike(&mut self, fault: DueFault) {
        let DueFault { node, action, .. } = fault;
        self.harness.measurement.struck(fault.at, action.name());
        match action {
            FaultAction::Kill => self.remove(node),
            FaultAction::Freeze => {
                self.simulation.freeze(node, fault.back_at.is_some());
                self.strike_off(node);
                self.watch.struck(&self.simulation);
            }
            FaultAction::Leave => {
                let op = self.world.operations().leave_of(node);
                self.simulation.give(
                    node,
                    Input::Command(Command::Leave { op }),
                    &mut self.harness,
                );
                self.see_off();
            }
        }
    }

    /// Nodes that are back by now start anew; what they are asked is in the timetable.
    fn bring_back(&mut self, now: Time) {
        let mut back = BTreeMap::new();
        while let Some(&DueReturn { at, node, life, wakes }) =
            self.returns.next_if(|it| it.at <= now)
        {
            if self.simulation.life(node) == Life::Up {
                // It has been saying good-bye until now.
                self.remove(node);
            }
            let (Life::Down(since) | Life::Frozen(since)) = self.simulation.life(node) else {
                continue;
            };
            self.harness.measurement.struck(at, if wakes { "wake" } else { "return" });
            let from = since.max(self.world.searches_from());
            *self.away.entry(node).or_default() += now.since(from);
            if wakes {
                self.harness.ledger.wake(node);
                self.simulation.wake(node);
                self.watch.struck(&self.simulation);
            } else {
                self.harness.ledger.restore(node, self.world.keep_items());
                back.insert(node, life);
            }
        }
        if !back.is_empty() {
            self.simulation.revive(&back, &mut self.harness);
            self.watch.struck(&self.simulation);
        }
    }

    fn remove(&mut self, node: NodeId) {
        self.simulation.kill(node);
        self.strike_off(node);
        self.watch.struck(&self.simulation);
    }

    fn strike_off(&mut self, node: NodeId) {
        let now = self.simulation.now();
        self.harness.ledger.remove(node, Absence::Struck, now);
        if self.world.downloads_due() > 0 {
            self.harness.expire(now);
        }
    }

    /// Ends nodes that have said good-bye, and checks the network after each join.
    fn see_off(&mut self) {
        while let Some(node) = self.harness.departed.pop() {
            self.remove(node);
        }
        if std::mem::take(&mut self.harness.joined) > 0 {
            self.watch.check(&self.simulation);
        }
    }

    fn open_window(&mut self) {
        self.is_measuring = true;
        self.simulation.reset_traffic();
        self.harness.visited = 0;
        let oracle = self.harness.ledger.oracle();
        if oracle.neighbors(NodeId(0)).is_none() {
            self.harness.measurement.not_offered(Group::Convergence);
        }
        let (right, of) = count_converged(&self.simulation, self.harness.ledger.oracle());
        let time = self.watch.converged_at().map(|time| time.since(Time::ZERO));
        if let Some(right) = right {
            self.harness.measurement.converged(time, right, of);
        }
    }

    fn finish(mut self) -> Measurement {
        let (from, now) = (self.world.searches_from(), self.simulation.now());
        if self.stopped {
            self.harness.measurement.note(format!(
                "partial: stopped after {now} of {} of virtual time",
                self.world.ends_at()
            ));
        } else {
            self.harness.close(now);
        }
        if self.harness.ledger.is_over() {
            self.harness.measurement.ends(now);
        }
        let mut measurement = std::mem::take(&mut self.harness.measurement);
        let nodes = self.is_measuring.then(|| self.simulation.nodes()).into_iter().flatten();
        for (node, state, life) in nodes {
            let until = match life {
                Life::Down(since) | Life::Frozen(since) => since,
                Life::Up => now,
            };
            measurement.node(&NodeSample {
                node,
                conduct: self.world.conduct(node),
                role: state.role(),
                uplink: self.world.uplink(node),
                alive: until.since(from) - self.away.get(&node).copied().unwrap_or_default(),
                traffic: self.simulation.traffic(node),
                wire: None,
                state: match self.states.get(node.index()) {
                    Some(state) => *state,
                    None => state.state(self.config),
                },
                resident_bytes: None,
                cpu: None,
            });
        }
        if self.is_measuring {
            measurement.sent(&self.simulation.sent());
            measurement.inventories(&self.inventories);
        }
        measurement.visited(self.harness.visited);
        measurement.count(Counter::DroppedNonsense, 0);
        measurement.count(Counter::DroppedBound, 0);
        measurement.count(Counter::Corrupt, 0);
        measurement.count(Counter::PeersBanned, 0);
        measurement.count(Counter::PeersLost, self.simulation.peers_lost());
        if let Some(upheld) = self.watch.upheld() {
            measurement.upheld(upheld);
        }
        self.tell_what_was_lost(&mut measurement);
        if let Some(violation) = self.watch.violation() {
            measurement.note(violation);
        }
        measurement.trace_digest(self.simulation.trace_digest());
        measurement
    }

    /// What the weather did to messages, and what found no room at nodes that slept.
    fn tell_what_was_lost(&self, measurement: &mut Measurement) {
        if let Some(weather) = self.simulation.weather() {
            measurement.count(Counter::MalformedFrames, weather.tally().malformed);
            measurement.note(weather.tally().to_string());
        }
        if self.simulation.overflowed() > 0 {
            measurement.note(format!(
                "{} messages to nodes that slept were dropped: too many waited there already",
                self.simulation.overflowed()
            ));
        }
    }
}
