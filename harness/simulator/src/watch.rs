//! The whole-network checkers: is everybody linked to whom the global view says, and does what must
//! hold over the whole network hold at every step?
use std::time::Duration;

use overlay_core::{NodeId, Oracle, Overlay, Time};
use peerbench_measure::Upheld;
use peerbench_scenario::{Scenario, World};

use crate::Simulation;

/// Networks up to this size are watched: each look costs a look at every node.
const MOST_NODES: u32 = 1_024;
/// How often while the network forms, in virtual time.
const EVERY: Duration = Duration::from_millis(100);
/// Looks afterwards until the end of the run, besides those after each failure and each join.
const LOOKS: u32 = 1_000;

/// Convergence while the network forms, and invariants as long as nodes join or fail.
///
/// An invariant is promised as long as what it assumes holds. A failure that breaks it there and then is
/// one that the assumption excludes, and whoever is in the weather suspects the living, which is the same:
/// from then on it is seen how often the invariant holds nevertheless.
pub(crate) struct Watch {
    next: Option<Time>,
    every: Duration,
    is_on: bool,
    /// Whether what the invariants assume has held so far.
    is_promised: bool,
    /// When the weather begins, if there is any.
    is_calm_until: Option<Time>,
    forms_until: Time,
    until: Time,
    converged_at: Option<Time>,
    /// Since the first node failed.
    upheld: Option<Upheld>,
    checks: u64,
    violations: u64,
    first: Option<(Time, String)>,
}

impl Watch {
    pub(crate) fn new(scenario: &Scenario, world: &World) -> Self {
        let is_on = scenario.nodes <= MOST_NODES;
        let forms_until = match is_on && scenario.forms_by_joining() {
            true => Time::ZERO + scenario.warm_up.0,
            false => Time::ZERO,
        };
        let until = match is_on && !world.faults().is_empty() {
            true => world.ends_at(),
            false => forms_until,
        };
        let weather = scenario.network.weather.as_ref();
        let is_calm_until = weather.map(|it| Time::ZERO + it.begins(scenario));
        let every = (until.since(forms_until) / LOOKS).max(EVERY);
        let mut watch = Self { every, is_on, is_calm_until, forms_until, until, ..Self::off() };
        watch.plan(Time::ZERO);
        watch
    }

    /// Looks away.
    pub(crate) const fn off() -> Self {
        Self {
            next: None,
            every: EVERY,
            is_on: false,
            is_promised: true,
            is_calm_until: None,
            forms_until: Time::ZERO,
            until: Time::ZERO,
            converged_at: None,
            upheld: None,
            checks: 0,
            violations: 0,
            first: None,
        }
    }

    /// Looks again after this time.
    fn plan(&mut self, now: Time) {
        let after = if now < self.forms_until { EVERY } else { self.every };
        self.next = Some(now + after).filter(|&next| next < self.until);
    }

    /// When to look next.
    pub(crate) const fn next(&self) -> Option<Time> {
        self.next
    }

    /// Nodes have just failed, or are back: what the invariants assume may not hold from here on.
    pub(crate) fn struck<O: Overlay>(&mut self, simulation: &Simulation<'_, O>) {
        if !self.is_on {
            return;
        }
        self.upheld.get_or_insert_default();
        self.examine(simulation);
        if self.is_promised {
            let nodes: Vec<(NodeId, &O)> = simulation.live().collect();
            self.is_promised = O::is_promised(simulation.config(), &nodes);
        }
    }

    /// Looks at the whole network; while it forms, at every node's neighbours as well.
    pub(crate) fn look<O: Overlay>(
        &mut self,
        simulation: &Simulation<'_, O>,
        oracle: &O::Oracle,
        now: Time,
    ) {
        self.plan(now);
        self.check(simulation);
        if now < self.forms_until {
            let (right, of) = count_converged(simulation, oracle);
            let is_converged = right == Some(of);
            self.converged_at = if is_converged { self.converged_at.or(Some(now)) } else { None };
        }
    }

    /// Checks what must hold over the whole network.
    pub(crate) fn check<O: Overlay>(&mut self, simulation: &Simulation<'_, O>) {
        self.is_promised &= self.is_calm_until.is_none_or(|until| simulation.now() < until);
        let Some(found) = self.examine(simulation) else { return };
        if !self.is_promised {
            return;
        }
        self.checks += 1;
        if let Err(broken) = found {
            self.violations += 1;
            self.first.get_or_insert((simulation.now(), broken));
        }
    }

    /// Whether it holds now; `None` if nobody looks.
    fn examine<O: Overlay>(
        &mut self,
        simulation: &Simulation<'_, O>,
    ) -> Option<Result<(), String>> {
        if !self.is_on {
            return None;
        }
        let nodes: Vec<(NodeId, &O)> = simulation.live().collect();
        let found = O::check_network(simulation.config(), &nodes);
        if let Some(upheld) = &mut self.upheld {
            upheld.looks += 1;
            upheld.held += u64::from(found.is_ok());
        }
        Some(found)
    }

    /// How often the invariants held since the first node failed; `None` if none has, or nobody looked.
    pub(crate) fn upheld(&self) -> Option<Upheld> {
        self.upheld.filter(|upheld| upheld.looks > 0)
    }

    /// Since when every node has had the neighbours it should have.
    pub(crate) const fn converged_at(&self) -> Option<Time> {
        self.converged_at
    }

    /// What was broken, and how often.
    pub(crate) fn violation(&self) -> Option<String> {
        let (time, broken) = self.first.as_ref()?;
        let (violations, checks) = (self.violations, self.checks);
        Some(format!(
            "invariant broken in {violations} of {checks} checks, first at {time}: {broken}"
        ))
    }
}

/// How many live nodes have exactly the neighbours that the global view says, of how many. `None`
/// where the overlay does not determine them, or where looking would take too long.
pub(crate) fn count_converged<O: Overlay>(
    simulation: &Simulation<'_, O>,
    oracle: &O::Oracle,
) -> (Option<u32>, u32) {
    let config = simulation.config();
    let (mut right, mut of) = (0, 0);
    for (node, state) in simulation.live() {
        of += 1;
        if of > MOST_NODES {
            return (None, of);
        }
        match oracle.neighbors(node) {
            Some(expected) => right += u32::from(expected == state.neighbors(config)),
            None => return (None, of),
        }
    }
    (Some(right), of)
}
