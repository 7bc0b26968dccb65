//! The one table that says what is measured and what each number means.
//!
//! A definition changes only together with [`crate::SCHEMA`].
mod fetch;
mod lookup;
mod node;
mod run;
mod upkeep;

use super::Metric;
use super::row::ROW;

/// The table's parts, in the order of reports.
const PARTS: [&[Metric]; 5] =
    [lookup::METRICS, node::METRICS, fetch::METRICS, upkeep::METRICS, run::METRICS];

/// Everything that is measured, in the order of reports.
pub static METRICS: &[Metric] = &joined::<{ rows() }>();

const fn rows() -> usize {
    let (mut rows, mut part) = (0, 0);
    while part < PARTS.len() {
        rows += PARTS[part].len();
        part += 1;
    }
    rows
}

/// The parts one behind the other.
const fn joined<const ROWS: usize>() -> [Metric; ROWS] {
    let mut table = [ROW; ROWS];
    let (mut rows, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut row = 0;
        while row < PARTS[part].len() {
            table[rows] = PARTS[part][row];
            rows += 1;
            row += 1;
        }
        part += 1;
    }
    table
}
