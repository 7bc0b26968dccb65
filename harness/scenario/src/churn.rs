//! Nodes that come and go: how long they stay and stay away, by a law or by a trace of real ones.
use std::time::Duration;

use overlay_core::units::Span;
use overlay_core::{NodeId, Purpose, Random, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::availability::Availability;
use crate::faults::DueFault;
use crate::model::{FaultAction, Scenario};
use crate::network::Unusable;
use crate::world::{nearest_count, shuffle};

/// Streams of [`Purpose::Churn`] from this one on are those of nodes that come and go; the one before
/// draws who does.
const SESSIONS: u64 = 1 << 62;
/// The shortest time that anything lasts.
const AN_INSTANT: Duration = Duration::from_millis(1);

/// Nodes that come and go. Who is back has its number and place, its items unless `keeps_items` says
/// otherwise, and remembers nothing else unless it slept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Churn {
    /// The share of nodes that do, 0 to 1, of those not listed in `spared`, and not struck by a fault.
    pub share: f64,
    /// Nodes that stay for certain, such as the one server without which nobody can do anything.
    pub spared: Vec<u32>,
    /// From when on, since the start of the run; all are there until then. Absent: the end of the
    /// warm-up.
    pub from: Option<Span>,
    /// Until when, since the start of the run; whoever is away then comes back. Absent: the end of the
    /// run, and nobody comes back because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// How a node goes: `kill`, without notice; `leave`; or `freeze`: it falls asleep, and wakes with
    /// everything it remembered.
    pub departure: FaultAction,
    /// Whether who is back has its items still, and publishes them again. False: somebody else came.
    pub keeps_items: bool,
    /// How long a node stays, each time anew.
    pub sessions: Lasting,
    /// How long it stays away.
    pub absences: Lasting,
    /// Instead of both: the path of a file with the sessions of real nodes, in the format of the
    /// Failure Trace Archive's predecessor (`.avt`): a name, the number of sessions, and the begin and
    /// end of each in seconds, a line a node. Sought like a matrix file. Every node that comes and goes
    /// is given a line, no two the same while there are enough.
    pub trace: Option<String>,
    /// How many seconds of the trace pass in one of the run, above 0.
    pub trace_speed: f64,
}

/// How long something lasts, as a law of chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lasting {
    /// The law.
    pub law: Law,
    /// How long on average, at least 1ms.
    pub mean: Span,
    /// The law's shape: for `pareto` above 1 (the nearer to 1, the more depends on the few that last),
    /// for `weibull` above 0 (below 1: who has lasted long will last longer). `exponential` has none.
    /// Absent: 2 for `pareto`, 0.5 for `weibull`.
    pub shape: Option<f64>,
}

/// A law of chance for how long something lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// Whoever has lasted is as likely to end now as at the beginning (Li et al. 2004 and the analysis
    /// of Chord, Stoica et al. 2003, section V).
    #[default]
    Exponential,
    /// Heavy-tailed: most end soon, a few last very long (Saroiu et al. 2002 saw such sessions).
    Pareto,
    /// In between: what Stutzbach and Rejaie 2006 found to fit Gnutella, Kad and BitTorrent, with
    /// shapes of 0.34 to 0.59.
    Weibull,
}

impl Default for Churn {
    fn default() -> Self {
        Self {
            share: 1.0,
            spared: Vec::new(),
            from: None,
            until: None,
            departure: FaultAction::Kill,
            keeps_items: true,
            sessions: Lasting::default(),
            absences: Lasting::default(),
            trace: None,
            trace_speed: 1.0,
        }
    }
}

impl Default for Lasting {
    /// As Li et al. 2004.
    fn default() -> Self {
        Self { law: Law::Exponential, mean: Span(Duration::from_secs(3_600)), shape: None }
    }
}

impl Lasting {
    /// The law's shape, if it has one.
    #[must_use]
    pub fn shape(&self) -> Option<f64> {
        match self.law {
            Law::Exponential => None,
            Law::Pareto => Some(self.shape.unwrap_or(2.0)),
            Law::Weibull => Some(self.shape.unwrap_or(0.5)),
        }
    }

    /// How long it lasts this time, at least a millisecond.
    pub(crate) fn draw(&self, random: &mut Random) -> Duration {
        let exponential = random.exponential();
        let relative = match (self.law, self.shape()) {
            (Law::Pareto, Some(shape)) => (shape - 1.0) / shape * libm::exp(exponential / shape),
            (Law::Weibull, Some(shape)) => {
                libm::pow(exponential, 1.0 / shape) / libm::tgamma(1.0 + 1.0 / shape)
            }
            _ => exponential,
        };
        let lasts = Duration::try_from_secs_f64(self.mean.0.as_secs_f64() * relative);
        lasts.unwrap_or(Duration::MAX).max(AN_INSTANT)
    }
}

impl Churn {
    /// When it begins.
    #[must_use]
    pub fn begins(&self, scenario: &Scenario) -> Duration {
        self.from.unwrap_or(scenario.warm_up).0
    }
}

/// Who goes when until this time, and when each is back, in the order of time; nodes that a fault
/// strikes are left alone.
pub(crate) fn draw(
    scenario: &Scenario,
    seed: u64,
    struck: &[DueFault],
    end: Time,
) -> Result<Vec<DueFault>, Unusable> {
    let Some(churn) = &scenario.churn else { return Ok(Vec::new()) };
    let mut stays = vec![false; scenario.nodes as usize];
    for node in churn.spared.iter().copied().chain(struck.iter().map(|fault| fault.node.0)) {
        stays[node as usize] = true;
    }
    let mut goes: Vec<u32> = (0..scenario.nodes).filter(|&node| !stays[node as usize]).collect();
    let mut random = Random::stream(seed, Purpose::Churn, SESSIONS - 1);
    shuffle(&mut goes, &mut random);
    goes.truncate(nearest_count(churn.share, goes.len()));
    let trace = churn.trace.as_deref().map(Availability::read).transpose()?;
    let from = Time::ZERO + churn.begins(scenario);
    let ends = Ends { run: end, churn: churn.until.map(|until| (Time::ZERO + until.0).min(end)) };
    let mut due = Vec::new();
    for (place, &node) in goes.iter().enumerate() {
        match &trace {
            Some(trace) => {
                let absences = trace.absences(place, churn.trace_speed);
                let absences = absences.map(|(gone, back)| (from + gone, back.map(|at| from + at)));
                add(&mut due, NodeId(node), churn.departure, ends, absences);
            }
            None => {
                let stream = SESSIONS + u64::from(node);
                let absences = drawn(churn, from, Random::stream(seed, Purpose::Churn, stream));
                add(&mut due, NodeId(node), churn.departure, ends, absences);
            }
        }
    }
    due.sort_unstable();
    Ok(due)
}

/// When the run is over, and when nobody goes any more if that is sooner.
#[derive(Clone, Copy)]
struct Ends {
    run: Time,
    churn: Option<Time>,
}

/// When a node goes and is back, again and again.
fn drawn(
    churn: &Churn,
    from: Time,
    mut random: Random,
) -> impl Iterator<Item = (Time, Option<Time>)> {
    let mut now = from;
    std::iter::repeat_with(move || {
        let gone = now + churn.sessions.draw(&mut random);
        now = gone + churn.absences.draw(&mut random);
        (gone, Some(now))
    })
}

fn add(
    due: &mut Vec<DueFault>,
    node: NodeId,
    action: FaultAction,
    ends: Ends,
    absences: impl Iterator<Item = (Time, Option<Time>)>,
) {
    let last = ends.churn.unwrap_or(ends.run);
    due.extend(absences.take_while(|(gone, _)| *gone < last).map(|(at, back)| {
        let back = match ends.churn {
            Some(until) => Some(back.map_or(until, |back| back.min(until))),
            None => back,
        };
        DueFault { at, node, action, back_at: back.filter(|back| *back < ends.run) }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_median(lasting: &Lasting) -> (f64, f64) {
        let mut random = Random::stream(1, Purpose::Churn, SESSIONS);
        let mut drawn: Vec<f64> =
            (0..100_000).map(|_| lasting.draw(&mut random).as_secs_f64()).collect();
        drawn.sort_unstable_by(f64::total_cmp);
        (drawn.iter().sum::<f64>() / drawn.len() as f64, drawn[drawn.len() / 2])
    }

    #[test]
    fn laws_have_the_mean_that_was_asked_for_and_their_own_median() {
        let of = |law, shape| Lasting { law, mean: Span(Duration::from_secs(100)), shape };
        let (ln_2, two): (f64, f64) = (std::f64::consts::LN_2, 2.0);
        for (lasting, median) in [
            (of(Law::Exponential, None), 100.0 * ln_2),
            (of(Law::Pareto, Some(3.0)), 100.0 * (2.0 / 3.0) * two.powf(1.0 / 3.0)),
            (of(Law::Weibull, Some(2.0)), 100.0 * ln_2.sqrt() / libm::tgamma(1.5)),
            (of(Law::Weibull, None), 100.0 * ln_2 * ln_2 / libm::tgamma(3.0)),
        ] {
            let (mean, middle) = mean_and_median(&lasting);
            assert!((mean / 100.0 - 1.0).abs() < 0.03, "{lasting:?}: {mean}");
            assert!((middle / median - 1.0).abs() < 0.03, "{lasting:?}: {middle}, not {median}");
        }
    }
}
