//! Driver 2: every node is a real process that speaks libp2p over real sockets on this machine.
//!
//! The controller starts the processes, hands out addresses and the start time, and collects what
//! they report.
pub mod clock;
pub mod control;
mod controller;
mod error;
mod gate;
pub mod link;
pub mod node;
mod probe;
pub mod transport;

pub use controller::{Examination, Plan, examine, run};
pub use error::Error;
pub use node::node_main;
