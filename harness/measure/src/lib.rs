//! What was measured: counters and histograms that a driver fills in, the table that says what
//! every number means, and the record and folder of a run in which reports find them again.
//!
//! Nothing here knows an overlay or a driver. A driver feeds a [`Measurement`]; [`METRICS`] turns
//! it into the values of a [`RunRecord`]; a [`RunFolder`] keeps records, histograms and the
//! circumstances of the run.

mod breakdown;
mod course;
mod fairness;
mod faults;
mod folder;
mod giving;
mod histogram;
mod inventory;
mod judge;
mod ledger;
mod log;
mod machine;
mod manifest;
mod measurement;
mod metrics;
mod nodes;
mod portrait;
mod progress;
mod record;
mod swarm;
mod timeline;
mod traffic;

pub use breakdown::{GroupedBy, Load, NodeGroup};
pub use course::{Course, KindCount, Sent, TrafficTimeline};
pub use faults::FaultMark;
pub use folder::{FolderError, RunFolder};
pub use histogram::{Histogram, MalformedHistogram};
pub use inventory::{Inventories, Upkeep};
pub use judge::{Judge, Verdict};
pub use ledger::{Absence, Downloads, Ledger, RoundTrip, Terms};
pub use machine::{Git, Machine, Toolchain, load_average};
pub use manifest::{Manifest, Setup};
pub use measurement::{Convergence, Cost, Counter, Measurement, Upheld};
pub use metrics::{Better, Group, METRICS, Metric, Statistic, find_metric};
pub use nodes::NodeSample;
pub use portrait::{Portrait, PortraitMessage, PortraitNode, PortraitSearch};
pub use progress::{Pace, Progress, Silent};
pub use record::{
    Assume, Control, Driver, HistogramEntry, Key, Reading, RunRecord, SCHEMA, Status, Value,
};
pub use swarm::{SwarmNode, SwarmProgress};
pub use timeline::Timeline;
pub use traffic::{Flow, ItemBytes, Traffic};
