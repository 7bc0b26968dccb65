//! What of the network's memory was good for nothing over time, as nodes came and went.
use peerbench_measure::{FolderError, RunRecord, Upkeep};

use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::{Scene, faults};

/// What is drawn of it.
struct Lack {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    metrics: &'static [&'static str],
    y: &'static str,
    shares: fn(&Upkeep) -> &[Option<f64>],
}

const LACKS: [Lack; 2] = [
    Lack {
        id: "stale-links",
        title: "Links to who is gone over time",
        caption: "The share of the live nodes' links that led to nodes that were not there. The \
                  first seed. Dotted lines are faults.",
        metrics: &["upkeep_stale_links"],
        y: "links to who is gone",
        shares: |upkeep| &upkeep.stale_links,
    },
    Lack {
        id: "lost-items",
        title: "Items that nobody holds over time",
        caption: "The share of the published items of which no live node held the bytes. The first \
                  seed. Dotted lines are faults.",
        metrics: &["upkeep_lost_items", "upkeep_lost_items_at_end"],
        y: "items that nobody holds",
        shares: |upkeep| &upkeep.lost_items,
    },
];

/// A chart of each.
pub(super) fn upkeep(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    Ok(LACKS.iter().map(|lack| chart(scene, lack)).collect())
}

fn chart(scene: &Scene<'_>, lack: &Lack) -> Chart {
    let series = scene.columns.iter().filter_map(|column| {
        let with_upkeep = |record: &&&RunRecord| record.upkeep.is_some();
        let upkeep = column.records().iter().find(with_upkeep)?.upkeep.as_ref()?;
        let looks = upkeep.at_s.iter().zip((lack.shares)(upkeep));
        let points = looks.filter_map(|(at, share)| Some(Point::new(*at, (*share)?))).collect();
        Some(Series::new(column.who, &column.label, Shape::Line, points))
    });
    Chart {
        id: scene.name(lack.id),
        title: lack.title.to_owned(),
        caption: lack.caption.to_owned(),
        metrics: lack.metrics.to_vec(),
        x: Axis::linear("time since the start of the run", "s").anywhere(),
        y: Axis::linear(lack.y, "ratio"),
        series: series.filter(|series| series.points.len() > 1).collect(),
        marks: scene.records().next().map_or_else(Vec::new, faults),
    }
}
