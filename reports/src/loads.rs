//! Who carries the load: what nodes of each role showed, where there are several roles, and how
//! much of their uplinks nodes used, where there are several kinds. A mean over all nodes would
//! hide the one server among them.
use std::collections::BTreeSet;

use peerbench_measure::{GroupedBy, Load, NodeGroup, Reading};

use crate::figures::{Figure, Figures, over_runs};
use crate::summary::{apart_cell, pair};
use crate::{Block, Part, Row};

/// What is true of all rows.
const HINT: &str = "mean · busiest";

/// A figure of a group of nodes: its label, its unit, and where it is.
type Carried = (&'static str, &'static str, fn(&NodeGroup) -> Option<Load>);

/// What nodes of a role carried.
const CARRIED: &[Carried] = &[
    ("sent", "B/s", |group| group.bytes_sent),
    ("received", "B/s", |group| group.bytes_received),
    ("messages", "1/s", |group| group.messages),
    ("entries", "count", |group| group.entries),
    ("links", "count", |group| group.links),
    UPLINK_USED,
    ("processor", "ms/s", |group| group.cpu_ms_per_second),
];

const UPLINK_USED: Carried = ("uplink used", "ratio", |group| group.uplink_utilisation);

/// A block for each role, and one for all kinds of uplink; none for what all nodes have in common.
pub(crate) fn loads(columns: &[Figures<'_>]) -> Vec<Block> {
    let block = |title: String, rows: Vec<Row>| {
        (!rows.is_empty()).then(|| Block { part: Part::Nodes, title, hint: HINT.to_owned(), rows })
    };
    let roles = several(columns, GroupedBy::Role);
    let of_role = |name: &&str| {
        let rows = CARRIED.iter().filter_map(|carried| {
            row(columns, GroupedBy::Role, name, carried.0.to_owned(), carried)
        });
        block(format!("{name} ×{}", nodes(columns, GroupedBy::Role, name)), rows.collect())
    };
    let mut blocks: Vec<Block> = roles.iter().filter_map(of_role).collect();
    let uplinks = several(columns, GroupedBy::Uplink).into_iter().filter_map(|name| {
        let label = format!("{name} ×{}", nodes(columns, GroupedBy::Uplink, name));
        row(columns, GroupedBy::Uplink, name, label, &UPLINK_USED)
    });
    blocks.extend(block("uplink used".to_owned(), uplinks.collect()));
    blocks
}

/// The names of the groups, in their order; none where there is only one group.
fn several<'a>(columns: &[Figures<'a>], by: GroupedBy) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = groups(columns, by)
        .map(|group| group.name.as_str())
        .filter(|name| seen.insert(*name))
        .collect();
    if names.len() > 1 { names } else { Vec::new() }
}

/// The most nodes that a run had of a group.
fn nodes(columns: &[Figures<'_>], by: GroupedBy, name: &str) -> u64 {
    let of_group = groups(columns, by).filter(|group| group.name == name);
    of_group.map(|group| group.nodes).max().unwrap_or_default()
}

fn groups<'a>(columns: &[Figures<'a>], by: GroupedBy) -> impl Iterator<Item = &'a NodeGroup> {
    columns.iter().flat_map(move |column| column.records().iter().flat_map(move |it| it.groups(by)))
}

/// A figure of a group, unless nobody measured it.
fn row(
    columns: &[Figures<'_>],
    by: GroupedBy,
    name: &str,
    label: String,
    (_, unit, of): &Carried,
) -> Option<Row> {
    let figures: Vec<(Figure, Figure)> = columns
        .iter()
        .map(|column| {
            let groups = column.records().iter().flat_map(|record| record.groups(by));
            let loads = groups.filter(|group| group.name == name).filter_map(of);
            let (mut means, busiest): (Vec<f64>, Vec<f64>) =
                loads.map(|load| (load.mean, load.max)).unzip();
            let most = busiest.into_iter().reduce(f64::max);
            (over_runs(&mut means), Figure { reading: most.into(), range: None })
        })
        .collect();
    let means: Vec<Figure> = figures.iter().map(|(mean, _)| *mean).collect();
    means.iter().any(|mean| mean.reading != Reading::NotMeasured).then(|| Row {
        label,
        metric: None,
        cells: figures.iter().map(|(mean, most)| pair(unit, *mean, *most)).collect(),
        apart: apart_cell(unit, &means),
    })
}
