//! What the numbers mean, from the table of metrics.
use std::fmt::Write as _;

use comfy_table::Table as Grid;
use comfy_table::presets::NOTHING;
use peerbench_measure::{Better, METRICS, Metric, Statistic, find_metric};

/// Columns of text that is read as sentences.
const WIDTH: usize = 80;

/// What a metric means, with or without a statistic behind its name; `None` if there is none of
/// this name.
#[must_use]
pub fn explain(metric: &str) -> Option<String> {
    let found = find_metric(metric)?;
    let Metric { name, unit, better, group, .. } = *found;
    let direction = match better {
        Better::Neither => "neither direction is better".to_owned(),
        direction => format!("{direction} is better"),
    };
    let mut text = format!("{name}\n{}, in {unit}; {direction}\n\n", group.title());
    text.push_str(&wrap(found.definition, WIDTH));
    if found.statistics != [Statistic::Value] {
        let names: Vec<String> = found.names().collect();
        let _ = write!(text, "\n\n{}", wrap(&format!("Recorded: {}.", names.join(", ")), WIDTH));
    }
    text.push('\n');
    Some(text)
}

/// All metrics with their units, in the order of reports.
#[must_use]
pub fn list() -> String {
    let mut grid = Grid::new();
    grid.load_style(NOTHING);
    let mut group = None;
    for metric in METRICS {
        let title = if group == Some(metric.group) { "" } else { metric.group.title() };
        group = Some(metric.group);
        let statistics: Vec<String> = metric.statistics.iter().map(ToString::to_string).collect();
        let better = match metric.better {
            Better::Lower => "less is better",
            Better::Higher => "more is better",
            Better::Neither => "",
        };
        grid.add_row([title, metric.name, metric.unit, better, &statistics.join(" ")]);
    }
    if let Some(first) = grid.column_mut(0) {
        first.set_padding((0, 1));
    }
    grid.trim_fmt() + "\n"
}

/// Breaks a text between words into lines of at most this many characters, if its words allow.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}
