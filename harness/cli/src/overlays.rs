//! The one table of overlays. Adding an overlay is a line here, its crate, and its scenarios.
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use overlay_core::{Overlay, Strategy};
use peerbench_measure::{Measurement, Portrait, Progress};
use peerbench_scenario::{Document, LARGEST_IN_PIECES, LARGEST_ITEM, Scenario};
use peerbench_simulator::{Examined, Limits, Simulated};
use peerbench_testbed::Plan;
use schemars::Schema;

use crate::failure::Failure;
use crate::frames::{self, Epoch, Tally};

/// The scenario of overlays that are not about fetching.
pub(crate) const DEFAULT_SCENARIO: &str = "default";

/// Every overlay that can be measured.
pub(crate) const OVERLAYS: &[Entry] = &[
    entry::<overlay_tracker::Tracker>(
        "a central index: one round trip, one point of failure (Napster; BEP 3's tracker)",
    ),
    entry::<overlay_flooding::Flooding>(
        "an unstructured network: floods, rings, random walks, super-peers (Gnutella; Lv et al. 2002)",
    ),
    entry::<overlay_chord::Chord>(
        "a ring with fingers: O(log N) hops and state (Stoica et al. 2001; Zave 2017)",
    ),
    entry::<overlay_bittorrent::Bittorrent>(
        "swarms that pass on pieces: rarest first, tit-for-tat (Cohen 2003; BEP 3)",
    )
    .measured_in("swarm"),
    entry::<overlay_bittorrent::Trackerless<overlay_chord::Router>>(
        "the same swarms without a tracker: Chord finds the peers (BEP 5; Stoica et al. 2001)",
    )
    .measured_in("swarm"),
];

/// An overlay, with its types erased once per run rather than once per event.
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is, in a line.
    pub(crate) about: &'static str,
    /// The scenario that it is measured in if nobody names another.
    pub(crate) scenario: &'static str,
    /// How its nodes know to freeload.
    pub(crate) strategies: &'static [Strategy],
    /// The largest item that it can fetch, in bytes.
    pub(crate) largest_item: fn() -> u64,
    /// Its section's schema.
    pub(crate) schema: fn() -> Schema,
    /// Checks its section of a scenario, and writes every value out.
    pub(crate) resolve: fn(&Document, &mut Scenario) -> Result<(), Failure>,
    /// Runs it in the simulator.
    pub(crate) simulate: Simulate,
    /// Lets a world happen in the simulator, and says what does not hold afterwards.
    pub(crate) examine: Examine,
    /// The simulator's control: what its queue does with this overlay's events and no handler.
    pub(crate) queue_alone: QueueAlone,
    /// Portrays its network, if it is small enough and somebody searches in it.
    pub(crate) portray: Portray,
    /// Runs it on the testbed.
    pub(crate) test: Test,
    /// Throws random and damaged frames at its nodes.
    pub(crate) fuzz: Fuzz,
    /// Is one of the testbed's processes.
    pub(crate) node: fn() -> Result<ExitCode, Failure>,
}

type Simulate =
    fn(&Document, &Scenario, u64, &dyn Progress, &AtomicBool) -> Result<Simulated, Failure>;
type Examine = fn(&Document, &Scenario, u64, &Limits) -> Result<Examined, Failure>;
type QueueAlone = fn(&Scenario, u64, &Simulated) -> Result<f64, peerbench_scenario::Error>;
type Portray = fn(&Document, &Scenario, u64, &AtomicBool) -> Result<Option<Portrait>, Failure>;
type Fuzz = fn(&str, &Epoch<'_>) -> Result<Tally, Failure>;
type Test = fn(&Plan, &dyn Progress, &AtomicBool) -> Result<Measurement, Failure>;

pub(crate) const fn entry<O: Overlay>(about: &'static str) -> Entry {
    Entry {
        name: O::NAME,
        about,
        scenario: DEFAULT_SCENARIO,
        strategies: O::STRATEGIES,
        largest_item: || largest_item::<O>(&O::Config::default()),
        schema: schema::<O>,
        resolve: resolve::<O>,
        simulate: simulate::<O>,
        examine: examine::<O>,
        queue_alone: peerbench_simulator::queue_alone::<O>,
        portray: |document, scenario, seed, stop| {
            let config: O::Config = document.overlay_config(O::NAME)?;
            Ok(peerbench_simulator::portray::<O>(scenario, &config, seed, stop)?)
        },
        test: |plan, progress, stop| Ok(peerbench_testbed::run::<O>(plan, progress, stop)?),
        fuzz: frames::throw::<O>,
        node: || Ok(peerbench_testbed::node_main::<O>()),
    }
}

impl Entry {
    const fn measured_in(mut self, scenario: &'static str) -> Self {
        self.scenario = scenario;
        self
    }
}

fn largest_item<O: Overlay>(config: &O::Config) -> u64 {
    if O::piece_length(config).is_some() { LARGEST_IN_PIECES } else { LARGEST_ITEM }
}

fn schema<O: Overlay>() -> Schema {
    schemars::schema_for!(O::Config)
}

fn resolve<O: Overlay>(document: &Document, scenario: &mut Scenario) -> Result<(), Failure> {
    let config: O::Config = document.overlay_config(O::NAME)?;
    O::check(&config, scenario.nodes).map_err(|(field, message)| {
        let path = format!("overlays.{}.{field}", O::NAME);
        document.complain(&path, format!("`{field}`: {message}"), String::new())
    })?;
    let item_size = scenario.workload.item_size;
    if item_size.0 > largest_item::<O>(&config) {
        let message = format!(
            "{} fetches items whole, and {item_size} are more than one message can carry",
            O::NAME
        );
        let help = "at most 16MiB, or an overlay that fetches in pieces";
        return Err(document.complain("workload.item_size", message, help).into());
    }
    let strategy = scenario.freeloaders.strategy;
    if scenario.freeloaders.are_any() && !O::STRATEGIES.contains(&strategy) {
        let message = format!("nodes of {} do not know how to freeload by {strategy}", O::NAME);
        let known: Vec<String> = O::STRATEGIES.iter().map(Strategy::to_string).collect();
        let help = format!("they know {}", known.join(", "));
        return Err(document.complain("freeloaders.strategy", message, help).into());
    }
    let section = serde_yaml::to_value(&config)
        .map_err(|error| Failure::Usage(format!("{}'s section: {error}", O::NAME)))?;
    scenario.overlays.insert(O::NAME.to_owned(), section);
    Ok(())
}

fn simulate<O: Overlay>(
    document: &Document,
    scenario: &Scenario,
    seed: u64,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Simulated, Failure> {
    let config: O::Config = document.overlay_config(O::NAME)?;
    Ok(peerbench_simulator::run::<O>(scenario, &config, seed, progress, stop)?)
}

fn examine<O: Overlay>(
    document: &Document,
    scenario: &Scenario,
    seed: u64,
    limits: &Limits,
) -> Result<Examined, Failure> {
    let config: O::Config = document.overlay_config(O::NAME)?;
    Ok(peerbench_simulator::examine::<O>(scenario, &config, seed, limits)?)
}

/// The overlay of this name.
pub(crate) fn find(name: &str) -> Result<&'static Entry, Failure> {
    let names = OVERLAYS.iter().map(|entry| entry.name);
    OVERLAYS
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| Failure::unknown("overlay", name, names))
}
