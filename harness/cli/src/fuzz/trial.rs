//! One world: let it happen, and say what does not hold afterwards.
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use overlay_core::units::Span;
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
/// If the scenario is not sound, or strikes to its end.
pub(super) fn of_document(entry: &'static Entry, document: Document) -> Result<Tried, Failure> {
    let Chosen { document, scenario } = complete(document, &[entry])?;
    must_end(&document, &scenario)?;
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

/// The same of a document that a person has written. A world that was drawn has some searches to be judged
/// on average; one that is written is to have some for certain.
///
/// # Errors
/// The same, or if there are searches and none was judged.
pub(super) fn of_file(entry: &'static Entry, document: Document) -> Result<Tried, Failure> {
    let tried = of_document(entry, document.clone())?;
    must_be_judged(entry, &document, &tried)?;
    Ok(tried)
}

/// Refuses what strikes until the run is over: there is no time after it in which all must be right.
fn must_end(document: &Document, scenario: &Scenario) -> Result<(), Failure> {
    let weather = scenario.network.weather.as_ref().is_some_and(|weather| weather.until.is_none());
    let churn = scenario.churn.as_ref().is_some_and(|churn| churn.until.is_none());
    for (field, is_endless) in [("network.weather", weather), ("churn", churn)] {
        if is_endless {
            let message = "this lasts until the run is over, so nothing can be judged after it";
            let help = format!(
                "say in `{field}.until` when it ends, with searches for some time after it; `bench` \
                 runs it as it is"
            );
            return Err(document.complain(field, message, help).into());
        }
    }
    Ok(())
}

/// Refuses a world in which nothing was wrong because nobody searched when it is judged.
fn must_be_judged(entry: &Entry, document: &Document, tried: &Tried) -> Result<(), Failure> {
    let scenario = document.scenario()?;
    let is_judged = tried.examined.as_ref().is_some_and(|examined| examined.judged > 0);
    let field = match scenario.workload.downloads {
        Some(_) => "workload.downloads",
        None if scenario.workload.searches > 0 => "workload.searches",
        None => return Ok(()),
    };
    if is_judged || tried.defeat.is_some() {
        return Ok(());
    }
    let from = Span(judged_from(entry, &scenario));
    let message =
        format!("none of them is due after {from}, and only from then on they are judged");
    let help = "joins, links and invariants hold, but no answer was judged: when all that strikes is \
                over and the overlay has had its time, let there be more searches";
    Err(document.complain(field, message, help).into())
}

fn limits(entry: &Entry, scenario: &Scenario) -> Limits {
    let section = scenario.overlays.get(entry.name).cloned().unwrap_or_default();
    let promise = promise::of(entry.name);
    Limits {
        links: (promise.links)(&section),
        judged_from: judged_from(entry, scenario),
        acknowledged_from: if promise.acknowledges { Duration::ZERO } else { calm_from(scenario) },
        most_waiting: MOST_WAITING,
        most_inputs: MOST_INPUTS,
    }
}

/// A world is judged when all that strikes is over and the overlay has had its time, but not before the
/// searches begin.
fn judged_from(entry: &Entry, scenario: &Scenario) -> Duration {
    let settle = Duration::from_millis(promise::of(entry.name).settle);
    calm_from(scenario).saturating_add(settle).max(scenario.warm_up.0)
}

/// From when on nothing strikes any more.
fn calm_from(scenario: &Scenario) -> Duration {
    let ends = scenario
        .faults
        .iter()
        .map(|fault| fault.at.0 + fault.back_after.map_or(Duration::ZERO, Into::into));
    let churn = scenario.churn.iter().filter_map(|churn| churn.until).map(Into::into);
    let weather = scenario.network.weather.iter().map(|weather| weather.ends(scenario));
    ends.chain(churn).chain(weather).max().unwrap_or_default()
}
