//! The comparison, figure by figure: every overlay beside the reference, cells shaded by how far they
//! are from it.
use maud::{Markup, html};
use peerbench_measure::Better;

use super::glance::swatch;
use super::scene::find;
use crate::comparison::{Agreement, Block, Cell, Contrast, ContrastScale, Row, Table};

/// From these ratios on, and from these differences of shares, a cell is shaded, more and more.
const RATIOS: [f64; 3] = [1.1, 2.0, 5.0];
const SHARES: [f64; 3] = [0.01, 0.05, 0.2];

/// A table of overlays; `who` says how each looks.
pub(super) fn matrix(table: &Table, who: impl Fn(&str) -> usize) -> Markup {
    html! {
        section.matrix.driver data-driver=(table.driver) {
            h3 { (table.title) }
            div.scroll {
                table {
                    thead { tr {
                        th {}
                        @for (place, label) in table.columns.iter().enumerate() {
                            th scope="col" colspan=[(place > 0).then_some(2)] {
                                (swatch(who(label))) (label)
                                small { @if place == 0 { "the reference" } @else { "against it" } }
                            }
                        }
                    } }
                    @for block in &table.blocks { (rows(block, 2 * table.columns.len() - 1)) }
                }
            }
            p.key {
                "Shaded by the distance from the reference: "
                span.good-2 { "less of what is bad, or more of what is good" } ", "
                span.bad-2 { "the contrary" } "; not shaded where none was told."
            }
            @for line in &table.reading { p.key { (line) } }
            (notes(&table.notes))
        }
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
                    th scope="row" { (link(row.metric, &row.label)) }
                    @for (place, cell) in row.cells.iter().enumerate() {
                        (shown(cell, row, place == 0))
                    }
                }
            }
        }
    }
}

fn shown(cell: &Cell, row: &Row, is_reference: bool) -> Markup {
    let shade = cell.contrast.and_then(|contrast| shade(contrast, row.metric)).unwrap_or_default();
    html! {
        td class=(shade) { (cell.value) }
        @if !is_reference {
            td class=(format!("against {shade}")) {
                (cell.against) " " small { (cell.interval) }
            }
        }
    }
}

/// The class of a cell: how far it is from the reference, and whether that is good.
fn shade(contrast: Contrast, metric: &str) -> Option<String> {
    let (above, steps) = match contrast.scale {
        ContrastScale::Ratio => (contrast.estimate.ln(), RATIOS.map(f64::ln)),
        ContrastScale::Difference => (contrast.estimate, SHARES),
    };
    let is_good = match find(metric)?.better {
        Better::Lower => above < 0.0,
        Better::Higher => above > 0.0,
        Better::Neither => return None,
    };
    let bounded = matches!(find(metric)?.unit, "ratio" | "Gini");
    // A difference in another unit has no size that all would agree on.
    let level = match contrast.scale == ContrastScale::Difference && !bounded {
        true => 1,
        false => steps.iter().filter(|step| above.abs() >= **step).count(),
    };
    let is_told = !contrast.tie && level > 0;
    is_told.then(|| format!("{}-{level}", if is_good { "good" } else { "bad" }))
}

/// How far the drivers are apart.
pub(super) fn agreement(agreement: &Agreement) -> Markup {
    html! {
        h3 { (agreement.title) }
        div.scroll {
            table {
                thead { tr { th {} @for figure in &agreement.figures { th { (figure) } } } }
                tbody {
                    @for row in &agreement.rows {
                        tr {
                            th scope="row" { (row.overlay) }
                            @for cell in &row.cells { td { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// What a reader of the figures must know.
pub(super) fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul.notes { @for note in notes { li { (note) } } }
        }
    }
}

/// A name that leads to the definition of its metric.
pub(super) fn link(metric: &str, text: &str) -> Markup {
    html! { a href=(format!("#metric-{metric}")) { (text) } }
}
