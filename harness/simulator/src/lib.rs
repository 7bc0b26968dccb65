//! Driver 1: the nodes of a scenario in virtual time, deterministic to the bit.
//!
//! One thread, one calendar queue ordered by `(time, sequence)`, one vector of nodes. Equal scenario
//! and seed give an equal event trace, whose digest every run reports, on any machine.
//!
//! - `queue.rs`: the calendar queue; `agenda.rs`: what its entries stand for;
//! - `network.rs`: how long a message takes;
//! - `simulation.rs`: the nodes, the queue and the network, stepped event by event; `slot.rs`: what is
//!   kept of each node;
//! - `observer.rs`: who sees what happens in it;
//! - `run.rs`: a scenario from start to end; `harness.rs`: the operations under way, judged;
//! - `portrait.rs`: a quiet copy of a small network, for pictures;
//! - `examination.rs`: what must hold of a world when all that struck it is over;
//! - `watch.rs`: the whole-network checkers;
//! - `weather.rs`: what happens to messages while there is weather;
//! - `trace.rs`: the digest of the event trace;
//! - `laboratory.rs`: networks to give commands to, for tests of overlays;
//! - `memory.rs`: how much the simulation took, and asking for it ahead;
//! - `control.rs`: what the queue alone can do, measured in the same run.

mod agenda;
mod control;
mod examination;
mod harness;
mod laboratory;
mod memory;
mod network;
mod observer;
mod portrait;
mod processor;
mod queue;
mod run;
mod simulation;
mod slot;
mod trace;
mod watch;
mod weather;

pub use control::queue_alone;
pub use examination::{Defect, Examined, Limits, Links, examine};
pub use laboratory::{Happening, Laboratory, Listener, Network, Told};
pub use network::Wiring;
pub use observer::{Observer, Unobserved};
pub use portrait::portray;
pub use queue::{Popped, Queue};
pub use run::{Simulated, run};
pub use simulation::Simulation;
pub use trace::TraceDigest;
