//! How a driver tells a person how far it is.
use overlay_core::Time;

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The virtual time it has come to.
    pub now: Time,
    /// The virtual time at which it ends at the latest.
    pub end: Time,
    /// Inputs that nodes were given so far.
    pub events: u64,
}

/// What a driver calls while it runs; the command line shows it on standard error.
pub trait Progress: Sync {
    /// Something new begins, such as `64 nodes join`.
    fn phase(&self, what: &str);
    /// This much of the phase is done.
    fn advance(&self, done: u64, total: u64);
    /// A simulation is so far.
    fn simulated(&self, pace: Pace) {
        self.advance(pace.now.as_micros(), pace.end.as_micros());
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
}
