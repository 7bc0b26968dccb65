//! The plots of a page, one a file: each makes charts of what one driver found in one world, or none
//! where there is nothing to see.
mod distribution;
mod drivers;
mod fetches;
mod growth;
mod hops;
mod kinds;
mod latency;
mod load;
mod outcomes;
mod price;
mod sharing;
mod tail;
mod traffic;
mod upkeep;

use peerbench_measure::FolderError;

use super::chart::Chart;
use super::scene::Scene;
pub(super) use drivers::drivers;
pub(super) use growth::growth;
pub(crate) use outcomes::course;

/// A plot.
type Plot = fn(&Scene<'_>) -> Result<Vec<Chart>, FolderError>;

/// All of them, in the order of the page.
const PLOTS: &[Plot] = &[
    price::price,
    latency::latency,
    tail::tail,
    hops::hops,
    kinds::kinds,
    outcomes::outcomes,
    upkeep::upkeep,
    traffic::traffic,
    load::load,
    fetches::fetches,
    sharing::sharing,
];

/// All plots of a scene in which there is something to see.
pub(super) fn plots(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let mut charts = Vec::new();
    for plot in PLOTS {
        charts.extend(plot(scene)?.into_iter().filter(|chart| !chart.is_empty()));
    }
    Ok(charts)
}
