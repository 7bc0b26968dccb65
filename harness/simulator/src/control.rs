//! The control: what the same queue does with an empty handler, measured in the same run.
use std::hint::black_box;
use std::time::{Duration, Instant};

use overlay_core::{Input, NodeId, Overlay, Purpose, Random};
use peerbench_scenario::{Error, Scenario, World};

use crate::Simulated;
use crate::agenda::Agenda;
use crate::simulation::Occurrence;

/// How long the control takes: a quarter of the run's time, within these bounds.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(400);
/// Events between two looks at the clock.
const BATCH: u32 = 1 << 14;

/// Events per second when each event does nothing but cause the next one, one network latency
/// later; as many events wait as did in the run.
///
/// # Errors
/// If the world cannot be drawn.
pub fn queue_alone<O: Overlay>(
    scenario: &Scenario,
    seed: u64,
    run: &Simulated,
) -> Result<f64, Error> {
    let world = &World::new(scenario, seed)?;
    let mut random = Random::stream(0, Purpose::Network, u64::MAX);
    let mut agenda: Agenda<O> = Agenda::new();
    let nodes = u64::from(world.nodes());
    let mut next = |now: u64| {
        let (a, b) = (NodeId(random.below(nodes) as u32), NodeId(random.below(nodes) as u32));
        (now + world.one_way(a, b), b, Occurrence::Input(Input::PeerLost(a)))
    };
    for _ in 0..run.most_waiting.max(1) {
        let (time, to, occurrence) = next(0);
        agenda.push(time, to, occurrence);
    }
    let mut events = 0_u64;
    let mut turn = |batches: u32| {
        for _ in 0..batches * BATCH {
            let mut occurrence = Occurrence::Void;
            if let Some(due) = agenda.pop_into(&mut occurrence) {
                black_box(&occurrence);
                let (time, to, occurrence) = next(due.time);
                agenda.push(time, to, occurrence);
            }
        }
        u64::from(batches * BATCH)
    };
    turn(4);
    let budget = (run.wall / 4).clamp(SHORTEST, LONGEST);
    let started = Instant::now();
    while started.elapsed() < budget {
        events += turn(1);
    }
    Ok(events as f64 / started.elapsed().as_secs_f64())
}
