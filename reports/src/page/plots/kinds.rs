//! What a search makes nodes send: its messages by what they are.
use std::collections::BTreeMap;

use peerbench_measure::{FolderError, KindCount};

use crate::numbers::Scale;
use crate::page::chart::{Axis, Chart, Point, Series, Shape};
use crate::page::scene::{Column, Scene};

/// A bar for each overlay, in as many parts as there are kinds.
pub(super) fn kinds(scene: &Scene<'_>) -> Result<Vec<Chart>, FolderError> {
    let (mut names, mut series, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for column in &scene.columns {
        let kinds = per_search(column);
        if kinds.is_empty() {
            continue;
        }
        let row = names.len() as f64;
        let mut begin = 0.0;
        let mut parts = Vec::new();
        for (variant, (kind, messages)) in kinds.into_iter().enumerate() {
            let end = begin + messages;
            let points = vec![Point::since(begin, end, row)];
            let name = format!("{}: {kind}", column.label);
            series.push(Series::new(column.who, name, Shape::Segments, points).variant(variant));
            parts.push(format!("{kind} {}", Scale::plain(messages).number(messages)));
            begin = end;
        }
        names.push(column.label.clone());
        said.push(format!("{}: {}", column.label, parts.join(", ")));
    }
    Ok(vec![Chart {
        id: scene.name("kinds"),
        title: "What a search makes nodes send".to_owned(),
        caption: format!(
            "Messages of class lookup for each search, by what they are, the most frequent first. \
             {}.",
            said.join("; ")
        ),
        metrics: vec!["lookup_messages"],
        x: Axis::linear("messages per lookup", "count"),
        y: Axis::names(names),
        series,
        marks: Vec::new(),
    }])
}

/// How many messages of each kind a search causes, over all runs; the most frequent first.
fn per_search(column: &Column<'_>) -> Vec<(String, f64)> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for KindCount { kind, messages } in column.records().iter().flat_map(|it| &it.lookup_kinds) {
        *kinds.entry(kind).or_default() += messages;
    }
    let searches = column.sum("lookup_count");
    let each = |(kind, messages): (&str, u64)| (kind.to_owned(), messages as f64 / searches);
    let mut kinds: Vec<(String, f64)> = match searches > 0.0 {
        true => kinds.into_iter().map(each).collect(),
        false => Vec::new(),
    };
    kinds.sort_by(|one, other| other.1.total_cmp(&one.1));
    kinds
}
