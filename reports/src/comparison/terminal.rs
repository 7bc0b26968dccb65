//! A comparison for a terminal. A figure and its contrast stand on one line if there is room for
//! all overlays; otherwise the interval stands below, and if that is still too wide there are
//! several tables, each with the reference.
use comfy_table::{Attribute, Cell as Field, CellAlignment, Color, Table as Grid};

use super::{Agreement, Cell, Comparison, Row, Table};
use crate::explain::wrap;
use crate::terminal::{WIDEST, empty, strong, warning};

/// Where the interval of a contrast stands.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// On the line of its figure.
    Beside,
    /// On a line of its own.
    Below,
}

impl Comparison {
    /// The comparison for a terminal of this many columns, at least 60 of which are used; `colour`
    /// only if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        if self.is_empty() {
            return "There is nothing to compare.\n".to_owned();
        }
        let width = width.clamp(60, WIDEST);
        let tables = self.tables.iter().map(|table| show(table, width, colour));
        let agreements = self.agreements.iter().map(|table| show_agreement(table, width, colour));
        let mut parts: Vec<String> = tables.chain(agreements).collect();
        if !self.sources.is_empty() {
            parts.push(self.sources.join("\n") + "\n");
        }
        parts.join("\n")
    }
}

fn show(table: &Table, width: usize, colour: bool) -> String {
    let mut text = strong(&table.title, colour) + "\n";
    for grid in grids(table, width) {
        text.push_str(&lines(grid(colour)));
    }
    let hint = table.blocks.iter().map(|block| &block.hint).find(|hint| !hint.is_empty());
    for line in hint.map(|hint| format!("* {hint}")).iter().chain(&table.reading) {
        text.push_str(&wrap(line, width));
        text.push('\n');
    }
    for note in &table.notes {
        text.push_str(&warning(&wrap(&format!("! {note}"), width), colour));
        text.push('\n');
    }
    text
}

/// The tables that fit, each ready to be drawn with or without colour.
fn grids(table: &Table, width: usize) -> Vec<impl Fn(bool) -> Grid> {
    let others: Vec<usize> = (1..table.columns.len()).collect();
    let fits = |shown: &[usize], layout| {
        let widest = lines(grid(table, shown, layout, None, false))
            .lines()
            .map(|line| line.chars().count())
            .max();
        widest <= Some(width)
    };
    let layout = if fits(&others, Layout::Beside) { Layout::Beside } else { Layout::Below };
    // The fewest tables that fit, with as many overlays in each as can be equal.
    let sizes = (1..=others.len()).map(|tables| others.len().div_ceil(tables));
    let size = sizes
        .into_iter()
        .find(|size| others.chunks(*size).all(|shown| fits(shown, layout)))
        .unwrap_or(1);
    let shown: Vec<Vec<usize>> = others.chunks(size.max(1)).map(<[usize]>::to_vec).collect();
    shown
        .into_iter()
        .map(|shown| move |colour| grid(table, &shown, layout, Some(width), colour))
        .collect()
}

/// The reference and these other columns. Without a width, as wide as it gets.
fn grid(
    table: &Table,
    shown: &[usize],
    layout: Layout,
    width: Option<usize>,
    colour: bool,
) -> Grid {
    let mut grid = empty(width, colour);
    grid.set_header(header(table, shown, layout).into_iter().map(bold));
    let widths: Vec<usize> = shown.iter().map(|place| widest_contrast(table, *place)).collect();
    let mut part = None;
    for block in &table.blocks {
        if part.replace(block.part).is_some_and(|before| before != block.part) {
            grid.add_row([" "]);
        }
        let hint = if block.hint.is_empty() { "" } else { " *" };
        grid.add_row([Field::new(format!("{}{hint}", block.title)).fg(Color::Cyan)]);
        let mut before = "";
        for row in &block.rows {
            let label = label(row, before);
            before = row.metric;
            match layout {
                Layout::Beside => grid.add_row(beside(label, row, shown)),
                Layout::Below => grid.add_row(below(label, row, shown, &widths)),
            };
            if layout == Layout::Below && shown.iter().any(|it| !row.cells[*it].interval.is_empty())
            {
                let intervals = shown.iter().map(|place| dim(&row.cells[*place].interval));
                grid.add_row([Field::new(""), Field::new("")].into_iter().chain(intervals));
            }
        }
    }
    for (place, column) in grid.column_iter_mut().enumerate() {
        let is_contrast = layout == Layout::Beside && place > 1 && place % 2 == 1;
        let (alignment, space_before) = match place {
            0 => (CellAlignment::Left, 0),
            // A contrast belongs to the figure before it.
            _ if is_contrast => (CellAlignment::Left, 0),
            _ => (CellAlignment::Right, 1),
        };
        column.set_cell_alignment(alignment);
        column.set_padding((space_before, 0));
    }
    grid
}

fn header(table: &Table, shown: &[usize], layout: Layout) -> Vec<String> {
    let reference = &table.columns[0];
    let mut header = vec![String::new(), reference.clone()];
    for &place in shown {
        header.push(table.columns[place].clone());
        match layout {
            Layout::Beside => header.push(format!("vs {reference}")),
            Layout::Below => {}
        }
    }
    header
}

/// The row's label; what another row has already said about the metric is left out.
fn label(row: &Row, before: &str) -> String {
    match row.label.split_once(", ") {
        Some((_, detail)) if row.metric == before => format!("    {detail}"),
        _ => format!("  {}", row.label),
    }
}

fn beside(label: String, row: &Row, shown: &[usize]) -> Vec<Field> {
    let mut fields = vec![Field::new(label), Field::new(&row.cells[0].value)];
    for place in shown {
        let cell = &row.cells[*place];
        fields.extend([Field::new(&cell.value), dim(cell.against_with_interval())]);
    }
    fields
}

fn below(label: String, row: &Row, shown: &[usize], widths: &[usize]) -> Vec<Field> {
    let mut fields = vec![Field::new(label), Field::new(&row.cells[0].value)];
    for (place, width) in shown.iter().zip(widths) {
        let Cell { value, against, .. } = &row.cells[*place];
        fields.push(Field::new(format!("{value} {against:width$}")));
    }
    fields
}

/// Columns of the longest contrast of an overlay, without its interval.
fn widest_contrast(table: &Table, place: usize) -> usize {
    let rows = table.blocks.iter().flat_map(|block| &block.rows);
    rows.map(|row| row.cells[place].against.chars().count()).max().unwrap_or_default()
}

fn show_agreement(agreement: &Agreement, width: usize, colour: bool) -> String {
    let mut grid = empty(Some(width), colour);
    let header = [""].into_iter().chain(agreement.figures.iter().copied());
    grid.set_header(header.map(bold));
    for row in &agreement.rows {
        grid.add_row([&row.overlay].into_iter().chain(&row.cells));
    }
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n{}", strong(&agreement.title, colour), lines(grid))
}

fn lines(grid: Grid) -> String {
    grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn bold(text: impl ToString) -> Field {
    Field::new(text).add_attribute(Attribute::Bold)
}

fn dim(text: impl ToString) -> Field {
    Field::new(text).add_attribute(Attribute::Dim)
}
