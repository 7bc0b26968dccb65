//! One world: let it happen, and say what does not hold afterwards.
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use peerbench_scenario::{Document, Scenario};
use peerbench_simulator::{Examined, Limits};

use super::promise;
use crate::config::{Chosen, complete};
use crate::failure::Failure;
use crate::overlays::Entry;

/// Most events in the queue, for each node. Ten times what the busiest world was seen to have.
const MOST_WAITING: usize = 20_000;
/// Most inputs to nodes, for each node and second of virtual time.
const MOST_INPUTS: u64 = 1_000;

thread_local! {
    /// What this thread's latest panic said, and where.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// How a world has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defeat {
    /// The same for worlds that fail the same way.
    pub(super) kind: String,
    /// What does not hold, a line each.
    pub(super) told: Vec<String>,
}

/// What came of a world.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) defeat: Option<Defeat>,
    /// Nothing, if it panicked.
    pub(super) examined: Option<Examined>,
}

/// From now on panics of worlds are kept for their reports instead of being printed.
pub(super) fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        let said = info.payload_as_str().unwrap_or("something that is no text");
        let at = info.location().map_or_else(String::new, ToString::to_string);
        PANIC.with(|it| *it.borrow_mut() = Some(format!("panicked at {at}: {said}")));
    }));
}

/// A world of this overlay that is written so, under its first seed.
///
/// # Errors
/// If the scenario is not sound.
pub(super) fn of_text(entry: &'static Entry, name: &str, text: String) -> Result<Tried, Failure> {
    of_document(entry, Document::parse(name, text)?)
}

/// The same of a document.
///
/// # Errors
/// If the scenario is not sound.
pub(super) fn of_document(entry: &'static Entry, document: Document) -> Result<Tried, Failure> {
    let Chosen { document, scenario } = complete(document, &[entry])?;
    let limits = limits(entry, &scenario);
    let seed = scenario.seeds.first().copied().unwrap_or_default();
    let examine = || (entry.examine)(&document, &scenario, seed, &limits);
    let examined = match catch_unwind(AssertUnwindSafe(examine)) {
        Ok(examined) => examined?,
        Err(_) => {
            let said = PANIC.with(|it| it.borrow_mut().take());
            let said = said.unwrap_or_else(|| "panicked".to_owned());
            let kind = said.split(": ").next().unwrap_or(&said).to_owned();
            let defeat = Some(Defeat { kind, told: vec![said] });
            return Ok(Tried { defeat, examined: None });
        }
    };
    let defeat = examined.defects.first().map(|first| Defeat {
        kind: first.kind().to_owned(),
        told: examined.defects.iter().map(ToString::to_string).collect(),
    });
    Ok(Tried { defeat, examined: Some(examined) })
}

/// A world is judged when all that strikes is over and the overlay has had its time, but not before the
/// searches begin.
fn limits(entry: &Entry, scenario: &Scenario) -> Limits {
    let ends = scenario
        .faults
        .iter()
        .map(|fault| fault.at.0 + fault.back_after.map_or(Duration::ZERO, Into::into));
    let churn = scenario.churn.iter().filter_map(|churn| churn.until).map(Into::into);
    let weather = scenario.network.weather.iter().map(|weather| weather.ends(scenario));
    let calm = ends.chain(churn).chain(weather).max().unwrap_or_default();
    let promise = promise::of(entry.name);
    let settle = Duration::from_millis(promise.settle);
    let section = scenario.overlays.get(entry.name).cloned().unwrap_or_default();
    Limits {
        links: (promise.links)(&section),
        judged_from: calm.saturating_add(settle).max(scenario.warm_up.0),
        most_waiting: MOST_WAITING,
        most_inputs: MOST_INPUTS,
    }
}
