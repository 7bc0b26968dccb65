//! How a driver tells a person how far it is.

/// What a driver calls while it runs; the command line shows it on standard error.
pub trait Progress: Sync {
    /// Something new begins, such as `64 nodes join`.
    fn phase(&self, what: &str);
    /// This much of the phase is done.
    fn advance(&self, done: u64, total: u64);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
}
