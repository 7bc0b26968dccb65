//! The controller: starts the node processes, gives them their addresses and the time, strikes
//! them as the scenario says, and makes a measurement of what they report.
mod controls;
mod convergence;
mod examination;
mod hub;
mod processes;
mod returns;
mod run;
mod summary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use overlay_core::{GRAIN, NodeId, Overlay};
use peerbench_measure::{Measurement, Progress};
use peerbench_scenario::{
    Churn, Content, Document, Fault, FaultAction, Scenario, Transport, World,
};

use crate::Error;
use crate::clock::Moment;
use crate::control::{RealItem, Token};
use crate::node::raise_open_files;
use hub::Hub;
use processes::{Launcher, Processes};
use run::Run;
use summary::Usage;

pub use examination::{Examination, examine};

/// Open files that a process needs besides its connections.
const OTHER_FILES: u64 = 64;
/// Connections a node may be expected to have at once, in both directions.
const CONNECTIONS: u64 = 256;

/// A run of the testbed: one overlay, one scenario, one seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario, as checked by [`Document::scenario`].
    pub scenario: Scenario,
    /// The seed.
    pub seed: u64,
    /// The program that node processes are started from.
    pub executable: PathBuf,
    /// Its arguments, up to where it calls [`node_main`](crate::node_main) for this overlay.
    pub arguments: Vec<OsString>,
}

/// Runs a plan. Whatever way it ends, no process of it is left.
///
/// When `stop` is set, the run ends early; what was measured until then is in the measurement,
/// with a note that it is partial.
///
/// # Errors
/// If the run cannot begin: [`Error`] says why. Once it has begun, what goes wrong is counted and
/// noted in the measurement.
pub fn run<O: Overlay>(
    plan: &Plan,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Measurement, Error> {
    let began = Moment::now();
    let config = check::<O>(plan)?;
    let world = Arc::new(World::new(&plan.scenario, plan.seed)?);
    let oracle = O::oracle(&config, &*world);
    let piece_length = O::piece_length(&config);
    let real = real_item::<O>(&plan.scenario, &config, progress, stop)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let token = draw_token()?;
        let groups = groups(&plan.scenario);
        let hub = Hub::open(token, groups.len() as u32).await?;
        let launcher = Launcher {
            executable: plan.executable.clone(),
            arguments: plan.arguments.clone(),
            control: hub.address(),
            token,
        };
        progress.phase("measuring the machine");
        let spin = controls::spin();
        let round_trips = controls::round_trips(launcher.clone()).await?;
        progress.phase(&format!("starting {} processes", groups.len()));
        let mut processes = Processes::default();
        for (done, nodes) in groups.iter().enumerate() {
            processes.start(&launcher, nodes.clone())?;
            progress.advance(done as u64 + 1, groups.len() as u64);
        }
        let mut run = Run::new(
            plan,
            (world, real),
            (oracle, piece_length),
            hub,
            (launcher.clone(), processes),
        );
        let micros = |nanos: u64| nanos as f64 / 1e3;
        run.measurement.control("libp2p_round_trip", micros(round_trips.busy), "µs");
        run.measurement.control("libp2p_round_trip_paced", micros(round_trips.paced), "µs");
        run.measurement.control("spin", spin.as_secs_f64() * 1e3, "ms");
        if run.prepare(progress, stop).await? {
            run.conduct(began, progress, stop).await;
        }
        let usage = run.usage();
        let mut measurement = run.finish();
        if usage.nodes > 0 && !stop.load(Ordering::Relaxed) {
            usage.add(&mut measurement);
            compare(&usage, &plan.scenario, launcher, &mut measurement).await;
        }
        Ok(measurement)
    })
}

impl Plan {
    /// The plan in which node processes are started from the program that is running, with the
    /// arguments `node OVERLAY`.
    ///
    /// # Errors
    /// If the operating system does not say which program is running.
    pub fn of_this_program(overlay: &str, scenario: &Scenario, seed: u64) -> Result<Self, Error> {
        Ok(Self {
            scenario: scenario.clone(),
            seed,
            executable: std::env::current_exe()?,
            arguments: vec!["node".into(), overlay.into()],
        })
    }
}

/// Sets what a node took beside what libp2p takes alone, once the machine is quiet again. What was
/// measured is not given up for a control that fails, or for want of something to compare with.
async fn compare(
    usage: &Usage,
    scenario: &Scenario,
    launcher: Launcher,
    measurement: &mut Measurement,
) {
    let connections = match usage.comparable(per_process(scenario)) {
        Ok(connections) => connections,
        Err(why) => return measurement.note(why),
    };
    match controls::standing(launcher, connections, scenario.testbed.transport).await {
        Ok(standing) => usage.compare(&standing, measurement),
        Err(error) => measurement.note(error.to_string()),
    }
}

/// Finds out before anything is started what would go wrong later.
fn check<O: Overlay>(plan: &Plan) -> Result<O::Config, Error> {
    let scenario = &plan.scenario;
    if scenario.testbed.transport == Transport::Quic && !cfg!(feature = "quic") {
        return Err(Error::NoQuic);
    }
    if scenario.network.weather.is_some() {
        return Err(Error::Weather);
    }
    let text = scenario.to_yaml();
    let config = Document::parse("the scenario of this run", text)?.overlay_config(O::NAME)?;
    O::check(&config, scenario.nodes).map_err(|(field, message)| Error::Config {
        overlay: O::NAME,
        field,
        message,
    })?;
    let comes_back =
        |fault: &Fault| fault.back_after.is_some() && fault.action != FaultAction::Freeze;
    let churns = |churn: &Churn| churn.departure != FaultAction::Freeze;
    let anybody =
        scenario.churn.as_ref().is_some_and(churns) || scenario.faults.iter().any(comes_back);
    if per_process(scenario) > 1 && anybody {
        return Err(Error::SharedProcess);
    }
    let (nodes, per_process) = (u64::from(scenario.nodes), per_process(scenario) as u64);
    let needed = (nodes.div_ceil(per_process)).max(per_process * nodes.min(CONNECTIONS));
    let allowed = raise_open_files();
    if allowed < needed + OTHER_FILES {
        return Err(Error::OpenFiles { needed: needed + OTHER_FILES, allowed });
    }
    Ok(config)
}

/// Makes what stands for the `.torrent` file of real content. `None` if there is none, or it was
/// stopped on the way.
fn real_item<O: Overlay>(
    scenario: &Scenario,
    config: &O::Config,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Option<Arc<RealItem>>, Error> {
    let Some(path) = &scenario.workload.content else { return Ok(None) };
    progress.phase("hashing the content");
    let content = Content::open(path)?;
    let size = scenario.workload.item_size.0;
    if content.length() != size {
        return Err(Error::ContentChanged { path: path.clone(), was: size, is: content.length() });
    }
    // Items that are fetched whole are a single piece; no item is longer than a length can say.
    let piece_length = O::piece_length(config).unwrap_or(size as u32);
    let hash = |length| -> Result<Option<Vec<_>>, Error> {
        let mut hashes = Vec::new();
        for hash in content.piece_hashes(length) {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            hashes.push(hash.map_err(|source| Error::Content { path: path.clone(), source })?);
            progress.advance((hashes.len() as u64 * u64::from(length)).min(size), size);
        }
        Ok(Some(hashes))
    };
    let (Some(pieces), Some(grains)) = (hash(piece_length)?, hash(GRAIN)?) else { return Ok(None) };
    let content = Arc::new(content);
    Ok(Some(Arc::new(RealItem { content, piece_length, pieces, grains })))
}

fn per_process(scenario: &Scenario) -> usize {
    scenario.testbed.nodes_per_process.max(1) as usize
}

/// Which nodes share a process.
fn groups(scenario: &Scenario) -> Vec<Vec<NodeId>> {
    let nodes: Vec<NodeId> = (0..scenario.nodes).map(NodeId).collect();
    nodes.chunks(per_process(scenario)).map(<[NodeId]>::to_vec).collect()
}

fn draw_token() -> Result<Token, Error> {
    let mut token = [0; 32];
    let drawn = rustix::rand::getrandom(&mut token, rustix::rand::GetRandomFlags::empty())
        .map_err(std::io::Error::from)?;
    if drawn < token.len() {
        return Err(std::io::Error::other("the random device gave too few bytes").into());
    }
    Ok(token)
}
