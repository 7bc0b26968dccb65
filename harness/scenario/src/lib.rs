//! From YAML to a scenario, and from a scenario and a seed to a world: who is where, who does what,
//! and when. Both drivers and every overlay meet the same world under the same seed.
//!
//! [`Document`] is the text a person wrote, with the way back to its lines for every complaint;
//! [`Scenario`] is what it says; [`World`] is what a seed makes of it.
mod assignment;
mod availability;
mod check;
mod churn;
mod cities;
mod content;
mod diagnosis;
mod distribution;
mod document;
mod downloads;
mod edge_list;
mod error;
mod faults;
mod inventory;
mod model;
mod network;
mod present;
mod schema;
mod spans;
mod timetable;
mod weather;
mod world;

pub use check::{LARGEST_IN_PIECES, LARGEST_ITEM};
pub use churn::{Churn, Lasting, Law};
pub use content::{Content, MOST_FILES, Reader};
pub use document::Document;
pub use error::{Error, Position};
pub use faults::{DueFault, DueReturn};
pub use inventory::InventoryPlan;
pub use model::{
    Arrivals, CITIES, Capacity, Downloads, FEWEST_FOUNDERS, Fault, FaultAction, Freeloaders, Join,
    Keys, MOST_NODES_TO_JOIN, MOST_NODES_WITH_HANDSHAKES, Network, Replication, Scenario, Start,
    TestbedOptions, Transport, Workload,
};
pub use network::SAME_PLACE_MS;
pub use schema::schema;
pub use timetable::{Due, Timetable};
pub use weather::{Drift, Forecast, Overload, Partition, Slow, Weather};
pub use world::{Operations, World};

/// The scenarios that come with the program, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("default", include_str!("../../../configs/default.yaml")),
    ("swarm", include_str!("../../../configs/swarm.yaml")),
    ("swarm-poisson", include_str!("../../../configs/swarm-poisson.yaml")),
    ("swarm-staggered", include_str!("../../../configs/swarm-staggered.yaml")),
    ("freeloaders", include_str!("../../../configs/freeloaders.yaml")),
    ("churn", include_str!("../../../configs/churn.yaml")),
    ("crowd", include_str!("../../../configs/crowd.yaml")),
    ("dht-churn", include_str!("../../../configs/dht-churn.yaml")),
];

/// The names of the scenarios that come with the program.
pub fn builtin_names() -> impl Iterator<Item = &'static str> + Clone {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The text of a scenario that comes with the program.
///
/// # Errors
/// If there is none of this name; says which one may be meant.
pub fn builtin(name: &str) -> Result<Document, Error> {
    match BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Document::parse(&format!("built-in scenario {name}"), *text),
        None => {
            let names: Vec<&str> = builtin_names().collect();
            let help = diagnosis::suggestion(name, &names, "built-in scenarios");
            Err(Error::new(format!("there is no built-in scenario `{name}`"), help))
        }
    }
}
