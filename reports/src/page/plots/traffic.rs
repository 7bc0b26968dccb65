//! What nodes sent over time, by what it was for.
use peerbench_measure::{FolderError, TrafficTimeline};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::{Column, Scene};

/// A class of traffic, or a part of one: its name, the variant of its owner's looks, and its bytes in
/// a bin.
type Class = (&'static str, usize, fn(&TrafficTimeline, usize) -> u64);

/// From the bottom to the top, and from dark to light.
const CLASSES: [Class; 4] = [
    ("repair", 0, repair),
    ("maintenance", 1, |it, bin| it.maintenance[bin] - repair(it, bin)),
    ("lookup", 2, |it, bin| it.lookup[bin]),
    ("data", 4, |it, bin| it.data[bin]),
];

/// The part of maintenance that puts copies where they belong.
fn repair(timeline: &TrafficTimeline, bin: usize) -> u64 {
    timeline.repair.get(bin).copied().unwrap_or_default()
}

/// A chart for each overlay, all with one ordinate where none would vanish for it.
pub(super) fn traffic(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    Ok(scene.columns.iter().filter_map(|column| chart(scene, column)).collect())
}

fn chart(scene: &Scene<'_>, column: &Column<'_>) -> Option<Chart> {
    let record = column.records().iter().find(|record| record.traffic.is_some())?;
    let timeline = record.traffic.as_ref()?;
    let bins = 0..timeline.alive.len();
    // Bytes per node and second at the bottom and at the top of each class.
    let mut below = vec![0.0; bins.len()];
    let mut series = Vec::new();
    for (name, variant, bytes) in CLASSES {
        if bins.clone().all(|bin| bytes(timeline, bin) == 0) {
            continue;
        }
        let mut points = Vec::new();
        for bin in bins.clone() {
            let seconds = timeline.width_s as f64;
            let nodes = timeline.alive[bin];
            let rate =
                if nodes > 0.0 { bytes(timeline, bin) as f64 / nodes / seconds } else { 0.0 };
            let at = timeline.from_s as f64 + (bin as f64 + 0.5) * seconds;
            points.push(Point::since(below[bin], at, below[bin] + rate));
            below[bin] += rate;
        }
        series.push(Series::new(column.who, name, Shape::Area, points).variant(variant));
    }
    Some(Chart {
        id: scene.name(&format!("traffic-{}", column.who)),
        title: format!("What {} sends over time", column.label),
        caption: format!(
            "Payload of a live node, one class upon the other: from dark to light repair, the rest \
             of maintenance, lookup, data. Seed {}. Dotted lines are faults.",
            record.key.seed
        ),
        metrics: vec!["bandwidth_maintenance_sent", "bandwidth_lookup_sent", "bandwidth_data_sent"],
        x: Axis::linear("time since the start of the run", "s").anywhere(),
        y: Axis::linear("sent by a node", "B/s"),
        series,
        marks: crate::page::scene::faults(record),
    })
}
