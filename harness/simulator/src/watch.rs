//! The whole-network checkers: is everybody linked to whom the global view says, and does what must
//! hold over the whole network hold at every step?
use std::time::Duration;

use overlay_core::{NodeId, Oracle, Overlay, Time};
use peerbench_scenario::Scenario;

use crate::Simulation;

/// Networks up to this size are watched while they form: each look costs a look at every node.
const MOST_NODES: u32 = 1_024;
/// How often, in virtual time.
const EVERY: Duration = Duration::from_millis(100);

/// Convergence and invariants, while the network forms.
pub(crate) struct Watch {
    next: Option<Time>,
    is_checking: bool,
    /// When the weather begins, if there is any: what the invariants assume may not hold from then on.
    is_calm_until: Option<Time>,
    until: Time,
    converged_at: Option<Time>,
    checks: u64,
    violations: u64,
    first: Option<(Time, String)>,
}

impl Watch {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let is_on = scenario.nodes <= MOST_NODES;
        let forms = is_on && scenario.forms_by_joining();
        let weather = scenario.network.weather.as_ref();
        Self {
            is_calm_until: weather.map(|it| Time::ZERO + it.begins(scenario)),
            next: forms.then_some(Time::ZERO + EVERY),
            is_checking: is_on,
            until: Time::ZERO + scenario.warm_up.0,
            converged_at: None,
            checks: 0,
            violations: 0,
            first: None,
        }
    }

    /// Looks away.
    pub(crate) const fn off() -> Self {
        Self {
            is_calm_until: None,
            next: None,
            is_checking: false,
            until: Time::ZERO,
            converged_at: None,
            checks: 0,
            violations: 0,
            first: None,
        }
    }

    /// When to look next.
    pub(crate) const fn next(&self) -> Option<Time> {
        self.next
    }

    /// Nodes were struck: what the invariants assume may not hold from here on.
    pub(crate) const fn disturb(&mut self) {
        self.is_checking = false;
    }

    /// Looks at every node's neighbours.
    pub(crate) fn look<O: Overlay>(
        &mut self,
        simulation: &Simulation<'_, O>,
        oracle: &O::Oracle,
        now: Time,
    ) {
        self.next = Some(now + EVERY).filter(|&next| next < self.until);
        self.check(simulation, simulation.config());
        let (right, of) = count_converged(simulation, oracle);
        let is_converged = right == Some(of);
        self.converged_at = if is_converged { self.converged_at.or(Some(now)) } else { None };
    }

    /// Checks what must hold over the whole network.
    pub(crate) fn check<O: Overlay>(&mut self, simulation: &Simulation<'_, O>, config: &O::Config) {
        if !self.is_checking || self.is_calm_until.is_some_and(|until| simulation.now() >= until) {
            return;
        }
        self.checks += 1;
        let nodes: Vec<(NodeId, &O)> = simulation.live().collect();
        if let Err(broken) = O::check_network(config, &nodes) {
            self.violations += 1;
            self.first.get_or_insert((simulation.now(), broken));
        }
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
