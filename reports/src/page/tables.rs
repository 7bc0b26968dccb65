//! The full table of every overlay.
use maud::{Markup, html};

use super::matrix::{link, notes};
use crate::{Block, Summary, Table};

/// All tables of a run: open if there is one overlay, and nothing else shows its figures.
pub(super) fn summary(summary: &Summary, open: bool) -> Markup {
    html! {
        @for table in &summary.tables {
            details open[open] {
                summary { (table.title) }
                (shown(table))
            }
        }
    }
}

fn shown(table: &Table) -> Markup {
    let compared = table.drivers.len() > 1;
    html! {
        div.scroll {
            table {
                thead { tr {
                    th {}
                    @for driver in &table.drivers { th scope="col" { (driver) } }
                    @if compared { th scope="col" { "apart" } }
                } }
                @for block in &table.blocks {
                    (rows(block, table.drivers.len() + usize::from(compared)))
                }
            }
        }
        (notes(&table.notes))
    }
}

fn rows(block: &Block, columns: usize) -> Markup {
    html! {
        tbody {
            tr.block { th colspan=(columns + 1) scope="rowgroup" {
                (block.title)
                @if !block.hint.is_empty() { small { (block.hint) } }
            } }
            @for row in &block.rows {
                tr {
                    th scope="row" {
                        @match row.metric {
                            Some(metric) => (link(metric, &row.label)),
                            None => (row.label),
                        }
                    }
                    @for cell in &row.cells { td { (cell) } }
                    @if columns > row.cells.len() { td { (row.apart) } }
                }
            }
        }
    }
}
