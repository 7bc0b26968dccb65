//! Who carries how much of the whole: Lorenz curves of what nodes send, and of what those who
//! download give.
use peerbench_measure::{FolderError, RunRecord};

use crate::page::chart::{Axis, Chart, Mark, Point, Series, Shape};
use crate::page::scene::Scene;

/// What is shared: a name, the title, the metric, who it is over, and where it is.
type Shared =
    (&'static str, &'static str, &'static str, &'static str, fn(&RunRecord) -> &[(f64, f64)]);

const SHARED: [Shared; 2] = [
    ("load-lorenz", "Who carries the load", "load_sent_gini", "nodes", |it| &it.load_lorenz),
    ("upload-lorenz", "Who gives in a swarm", "upload_gini", "contributors", |it| {
        &it.upload_lorenz
    }),
];

/// A curve for each overlay: the run of the first seed that has one.
pub(super) fn sharing(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    Ok(SHARED.iter().map(|shared| chart(scene, shared)).collect())
}

fn chart(scene: &Scene<'_>, (name, title, metric, whose, curve): &Shared) -> Chart {
    let mut series = Vec::new();
    for column in &scene.columns {
        let curves = column.records().iter().map(|record| curve(record));
        if let Some(curve) = curves.into_iter().find(|curve| !curve.is_empty()) {
            let points = curve.iter().map(|(nodes, bytes)| Point::new(*nodes, *bytes)).collect();
            series.push(Series::new(column.who, &column.label, Shape::Line, points));
        }
    }
    Chart {
        id: scene.name(name),
        title: (*title).to_owned(),
        caption: format!(
            "The share of all bytes that the least busy of the {whose} send, up to all of them. The \
             more a curve sags below the diagonal, on which all would send the same, the fewer \
             carry the most. First seed of each."
        ),
        metrics: vec![metric],
        x: Axis::linear(format!("share of {whose}, the least busy first"), "ratio")
            .between(0.0, 1.0),
        y: Axis::linear("share of the bytes", "ratio").between(0.0, 1.0),
        series,
        marks: vec![Mark::diagonal()],
    }
}
