//! The baselines as a table: what is accepted, at a glance.
use comfy_table::{Attribute, Cell as Field, CellAlignment};

use super::metrics::gated;
use super::{Baseline, seeds_in_words};
use crate::numbers::{NOT_MEASURED, Scale, count};
use crate::terminal::{WIDEST, empty, strong};

/// The baselines for a terminal of this many columns, at least 60 of which are used, scenario by
/// scenario: a column an overlay, a row a figure, each the median over the seeds. Ends with a line
/// feed.
#[must_use]
pub fn list(baselines: &[Baseline], width: usize, colour: bool) -> String {
    let mut scenarios: Vec<(&str, u32)> =
        baselines.iter().map(|it| (&*it.scenario, it.nodes)).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    let table = |(scenario, nodes): (&str, u32)| {
        let of: Vec<&Baseline> =
            baselines.iter().filter(|it| it.scenario == scenario && it.nodes == nodes).collect();
        let seeds = seeds_in_words(of.iter().flat_map(|it| it.seeds.iter().copied()));
        let title = format!("{scenario} · {} nodes · medians of {seeds}", count(nodes.into()));
        format!("{}\n{}", strong(&title, colour), grid(&of, width.clamp(60, WIDEST), colour))
    };
    scenarios.into_iter().map(table).collect::<Vec<_>>().join("\n")
}

fn grid(baselines: &[&Baseline], width: usize, colour: bool) -> String {
    let mut grid = empty(Some(width), colour);
    let header = [""].into_iter().chain(baselines.iter().map(|it| &*it.overlay));
    grid.set_header(header.map(|title| Field::new(title).add_attribute(Attribute::Bold)));
    for figure in gated() {
        let medians: Vec<Option<f64>> =
            baselines.iter().map(|baseline| baseline.median(&figure.name)).collect();
        if medians.iter().all(Option::is_none) {
            continue;
        }
        let cell = |median: &Option<f64>| {
            median.map_or_else(
                || NOT_MEASURED.to_owned(),
                |median| {
                    let scale = Scale::of(figure.metric.unit, median);
                    scale.number(median) + scale.suffix()
                },
            )
        };
        grid.add_row([figure.name.clone()].into_iter().chain(medians.iter().map(cell)));
    }
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
