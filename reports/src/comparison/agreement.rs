//! How far the simulator is from the testbed, overlay by overlay: whether what was compared in one
//! would have come out alike in the other.
use peerbench_measure::{METRICS, Statistic};

use super::columns::Column;
use super::contrast::contrast;
use super::title;
use crate::numbers::NOT_MEASURED;

/// How far the drivers are apart.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Scenario, nodes and seeds.
    pub title: String,
    /// The figures, as headings.
    pub figures: Vec<&'static str>,
    /// A row for each overlay.
    pub rows: Vec<AgreementRow>,
}

/// How far the drivers are apart for one overlay.
#[derive(Clone, Debug)]
pub struct AgreementRow {
    /// The overlay.
    pub overlay: String,
    /// By how much the simulator's figures are above the testbed's, in percent or, of shares, in
    /// points; a cell for each figure.
    pub cells: Vec<String>,
}

/// The figures by which drivers are held against each other: heading, metric, statistic.
const FIGURES: &[(&str, &str, Statistic)] = &[
    ("correct", "lookup_correct_ratio", Statistic::Value),
    ("latency p50", "lookup_latency_us", Statistic::Quantile(500)),
    ("hops", "lookup_hops", Statistic::Mean),
    ("messages", "lookup_messages", Statistic::Value),
    ("payload", "lookup_bytes", Statistic::Value),
];

/// How far the drivers are apart; `None` if no overlay has runs in both that met the same world.
pub(super) fn agreement(
    world: (&str, u32),
    testbed: &[Column<'_>],
    simulator: &[Column<'_>],
) -> Option<Agreement> {
    let both = || testbed.iter().zip(simulator);
    if both().all(|(real, simulated)| partners(real, simulated).is_empty()) {
        return None;
    }
    let rows = both().map(|(real, simulated)| AgreementRow {
        overlay: real.label.clone(),
        cells: FIGURES
            .iter()
            .map(|(_, metric, statistic)| cell(real, simulated, metric, *statistic))
            .collect(),
    });
    Some(Agreement {
        title: title("simulator against testbed", world, testbed),
        figures: FIGURES.iter().map(|(heading, ..)| *heading).collect(),
        rows: rows.collect(),
    })
}

/// The runs of both that met the same world: every round of a seed on the testbed, with the
/// simulator's only one.
fn partners(real: &Column<'_>, simulated: &Column<'_>) -> Vec<((u64, u32), (u64, u32))> {
    if !real.is_whole || !simulated.is_whole {
        return Vec::new();
    }
    let with = real.records.keys().map(|&(seed, round)| ((seed, round), (seed, 0)));
    with.filter(|(_, other)| simulated.records.contains_key(other)).collect()
}

fn cell(real: &Column<'_>, simulated: &Column<'_>, metric: &str, statistic: Statistic) -> String {
    let Some(metric) = METRICS.iter().find(|known| known.name == metric) else {
        return NOT_MEASURED.to_owned();
    };
    let name = metric.name_of(statistic);
    let pairs: Vec<(f64, f64)> = partners(real, simulated)
        .into_iter()
        .filter_map(|(one, other)| {
            let one = real.records[&one].reading(&name).number()?;
            Some((one, simulated.records[&other].reading(&name).number()?))
        })
        .collect();
    contrast(metric.unit, &pairs)
        .map_or_else(|| NOT_MEASURED.to_owned(), |contrast| contrast.apart(metric.unit))
}
