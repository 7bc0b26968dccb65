//! Statistics for judging differences between runs: exact where the samples are small, and free of
//! assumptions about the distribution of what was measured.
//!
//! Nothing here knows a metric. Runs that met the same world are paired ([`hodges_lehmann`],
//! [`shift_interval`], [`signed_rank`]); runs that did not are two samples ([`mann_whitney`]).
//! [`holm`] corrects for looking at many figures; [`fit_growth`] says how a figure grows with the
//! number of nodes.

mod fit;
mod holm;
mod paired;
mod ranks;
mod unpaired;

pub use fit::{Fit, Fits, Growth, Line, fit_growth, fit_line};
pub use holm::holm;
pub use paired::{Interval, SignedRank, hodges_lehmann, shift_interval, signed_rank};
pub use unpaired::{MannWhitney, mann_whitney};
