//! From a lesson as it was written to the cells that are run and the outline that is filled in.
use std::collections::BTreeSet;
use std::time::Duration;

use overlay_core::dht::{Keep, StorageConfig};
use peerbench_reports::lesson::{
    Against, Outline, PartOutline, RowOutline, RunOutline, Shown as Figure, Upkeep,
};
use peerbench_scenario::{Document, Error, Fault, Scenario};
use serde_yaml::Value;

use super::sheet::{Column, Part, Sheet};
use crate::config::{Chosen, complete};
use crate::failure::Failure;
use crate::grid::Cell;
use crate::overlays::{self, OVERLAYS};

/// A lesson that can be run.
pub(crate) struct Plan {
    /// What reports fill in.
    pub(crate) outline: Outline,
    /// What is run for it.
    pub(crate) cells: Vec<Cell>,
}

/// What the command line changes in every part.
pub(crate) struct Changes<'a> {
    /// Assignments, each to the scenario of every part.
    pub(crate) assignments: &'a [String],
    pub(crate) seeds: Option<Vec<u64>>,
}

/// A row, before anything is set.
struct Line {
    outline: RowOutline,
    /// Assignments and the places in the lesson where they were written.
    set: Vec<(String, String)>,
}

/// Checks a lesson and everything in it.
pub(crate) fn plan(
    name: &str,
    document: &Document,
    changes: &Changes<'_>,
) -> Result<Plan, Failure> {
    let sheet: Sheet = document.read_as()?;
    if sheet.parts.is_empty() {
        let help = "a lesson needs a grid of runs to learn from";
        return Err(document.complain("parts", "there are no parts", help).into());
    }
    let Sheet { title, teaches, look_for, source, .. } = sheet.clone();
    let outline = Outline { title, teaches, look_for, source, parts: Vec::new() };
    let mut plan = Plan { outline, cells: Vec::new() };
    for (index, part) in sheet.parts.iter().enumerate() {
        let draft = Draft { lesson: name, document, part, index, changes };
        plan.outline.parts.push(draft.outline(&mut plan.cells)?);
    }
    Ok(plan)
}

/// One part on the way to its outline.
struct Draft<'a> {
    lesson: &'a str,
    document: &'a Document,
    part: &'a Part,
    /// Which part of the lesson it is, from 0.
    index: usize,
    changes: &'a Changes<'a>,
}

impl Draft<'_> {
    fn outline(&self, cells: &mut Vec<Cell>) -> Result<PartOutline, Failure> {
        self.check_columns()?;
        let part = self.part;
        let lines = self.lines()?;
        let labels: Vec<String> = part.columns.iter().map(label).collect();
        let mut runs = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let mut of_row = Vec::new();
            for column in 0..part.columns.len() {
                of_row.push(self.cell(row, line, column)?.map(|cell| {
                    let run = run_outline(&cell);
                    cells.push(cell);
                    run
                }));
            }
            runs.push(of_row);
        }
        let vary = part.vary.as_ref();
        Ok(PartOutline {
            title: part.title.clone(),
            vary: vary.map(|it| it.label.as_ref().unwrap_or(&it.field).clone()).unwrap_or_default(),
            rows: lines.into_iter().map(|line| line.outline).collect(),
            against: self.against(&labels)?,
            columns: labels,
            runs,
            show: self.figures("show", &part.show)?,
            growth: self.figures("growth", &part.growth)?,
            change: self.figures("change", &part.change)?,
            timeline: part.timeline,
            breakdown: part.breakdown,
            repair: part.repair,
        })
    }

    /// The path of something in this part.
    fn path(&self, within: &str) -> String {
        format!("parts[{}].{within}", self.index)
    }

    fn complain(&self, within: &str, message: impl Into<String>, help: &str) -> Error {
        self.document.complain(&self.path(within), message, help)
    }

    fn check_columns(&self) -> Result<(), Failure> {
        let columns = &self.part.columns;
        if columns.is_empty() {
            let help = "name an overlay, such as `columns: [{overlay: chord}]`";
            return Err(self.complain("columns", "nobody is compared", help).into());
        }
        let known: Vec<&str> = OVERLAYS.iter().map(|entry| entry.name).collect();
        let mut labels = BTreeSet::new();
        for (index, column) in columns.iter().enumerate() {
            if !known.contains(&&*column.overlay) {
                let path = self.path(&format!("columns[{index}].overlay"));
                let error =
                    self.document.complain_unknown(&path, "overlay", &column.overlay, &known);
                return Err(error.into());
            }
            if !labels.insert(label(column)) {
                let message = format!("there are two columns `{}`", label(column));
                let help = "give each a `label` of its own";
                return Err(self.complain(&format!("columns[{index}]"), message, help).into());
            }
            if column.at_most.is_some() && self.part.vary.is_none() {
                let path = format!("columns[{index}].at_most");
                let help = "it bounds the values of `vary`, and there are none";
                return Err(self.complain(&path, "there is nothing to bound", help).into());
            }
        }
        Ok(())
    }

    fn lines(&self) -> Result<Vec<Line>, Failure> {
        let Part { vary, rows, .. } = self.part;
        let Some(vary) = vary else {
            let row = |(index, row): (usize, &super::sheet::Row)| {
                let place = |at| self.path(&format!("rows[{index}].set[{at}]"));
                let set = row.set.iter().enumerate().map(|(at, text)| (text.clone(), place(at)));
                let outline = RowOutline { label: row.label.clone(), number: None };
                Line { outline, set: set.collect() }
            };
            let only = Line {
                outline: RowOutline { label: String::new(), number: None },
                set: Vec::new(),
            };
            let lines: Vec<Line> = rows.iter().enumerate().map(row).collect();
            return Ok(if lines.is_empty() { vec![only] } else { lines });
        };
        if !rows.is_empty() {
            let help = "keep one of the two";
            return Err(self.complain("rows", "there are `rows` and `vary`", help).into());
        }
        if vary.values.is_empty() {
            let help = "list some, such as `values: [64, 128, 256]`";
            return Err(self.complain("vary.values", "there are no values", help).into());
        }
        if let Some(line) = self.fixed(&vary.field) {
            return Ok(vec![line]);
        }
        let value = |(index, value): (usize, &Value)| {
            let text = serde_yaml::to_string(value).unwrap_or_default().trim_end().to_owned();
            let place = self.path(&format!("vary.values[{index}]"));
            let set = vec![(format!("{}={text}", vary.field), place)];
            Line { outline: RowOutline { label: text, number: value.as_f64() }, set }
        };
        Ok(vary.values.iter().enumerate().map(value).collect())
    }

    /// The only row that is left if the command line sets what varies.
    fn fixed(&self, field: &str) -> Option<Line> {
        let assignments = self.changes.assignments.iter().rev();
        let mut values = assignments.filter_map(|text| {
            text.split_once('=').filter(|(path, _)| path.trim() == field).map(|(_, value)| value)
        });
        let label = values.next()?.trim().to_owned();
        Some(Line { outline: RowOutline { number: label.parse().ok(), label }, set: Vec::new() })
    }

    /// What is run for a row and a column; `None` if that would take too long.
    fn cell(&self, row: usize, line: &Line, column: usize) -> Result<Option<Cell>, Failure> {
        let Column { overlay, set, at_most, .. } = &self.part.columns[column];
        if at_most.zip(line.outline.number).is_some_and(|(most, number)| number > most) {
            return Ok(None);
        }
        let mut document = self.document.section(&self.path("scenario"));
        for (assignment, place) in &line.set {
            document.set_from(self.document, place, assignment)?;
        }
        for (index, assignment) in set.iter().enumerate() {
            let place = self.path(&format!("columns[{column}].set[{index}]"));
            document.set_from(self.document, &place, assignment)?;
        }
        for assignment in self.changes.assignments {
            document.set(assignment)?;
        }
        if let Some(seeds) = &self.changes.seeds {
            document.set(&format!("seeds={seeds:?}"))?;
        }
        let entry = overlays::find(overlay)?;
        let Chosen { document, mut scenario } = complete(document, &[entry])?;
        scenario.overlays.retain(|name, _| name == overlay);
        let label = match &*line.outline.label {
            "" => label(&self.part.columns[column]),
            row => format!("{}, {row}", label(&self.part.columns[column])),
        };
        // Numbers keep it unique where labels read alike.
        let numbers = format!("{}.{}.{}", self.index + 1, row + 1, column + 1);
        scenario.name = format!("{} {numbers} {label}", self.lesson);
        scenario.description.clone_from(&self.part.title);
        let label = format!("{}: {label}", self.part.title);
        Ok(Some(Cell { label, entry, document, scenario }))
    }

    fn figures(&self, field: &str, names: &[String]) -> Result<Vec<Figure>, Failure> {
        let figure = |(index, name): (usize, &String)| {
            Figure::named(name).ok_or_else(|| {
                let path = self.path(&format!("{field}[{index}]"));
                self.unknown_figure(&path, name).into()
            })
        };
        names.iter().enumerate().map(figure).collect()
    }

    fn unknown_figure(&self, path: &str, name: &str) -> Error {
        let known: Vec<String> = match peerbench_measure::find_metric(name) {
            Some(metric) => metric.names().collect(),
            None => Figure::names().collect(),
        };
        // All of them would fill the screen; `list metrics` shows them better.
        let mut near: Vec<&str> = known.iter().map(String::as_str).collect();
        near.sort_by(|one, other| {
            strsim::jaro_winkler(other, name).total_cmp(&strsim::jaro_winkler(one, name))
        });
        near.truncate(6);
        self.document.complain_unknown(path, "figure", name, &near)
    }

    fn against(&self, labels: &[String]) -> Result<Option<Against>, Failure> {
        let Some(against) = &self.part.against else { return Ok(None) };
        let known: Vec<&str> = labels.iter().map(String::as_str).collect();
        let Some(column) = labels.iter().position(|label| *label == against.column) else {
            let path = self.path("against.column");
            let error = self.document.complain_unknown(&path, "column", &against.column, &known);
            return Err(error.into());
        };
        let figures = self.figures("against.figures", &against.figures)?;
        Ok(Some(Against { column, figures }))
    }
}

fn label(column: &Column) -> String {
    column.label.as_ref().unwrap_or(&column.overlay).clone()
}

fn run_outline(cell: &Cell) -> RunOutline {
    RunOutline {
        overlay: cell.entry.name.to_owned(),
        scenario: cell.scenario.name.clone(),
        seeds: cell.scenario.seeds.len(),
        faults: faults(&cell.scenario),
        upkeep: upkeep(cell),
    }
}

/// What there is to repair: where the responsible nodes keep items themselves, and nodes come and go by
/// chance.
fn upkeep(cell: &Cell) -> Option<Upkeep> {
    let Scenario { nodes, workload, network, churn, overlays, .. } = &cell.scenario;
    let storage = overlays.get(cell.entry.name)?.get("storage").cloned()?;
    let storage: StorageConfig = serde_yaml::from_value(storage).ok()?;
    let churn = churn.as_ref().filter(|churn| churn.trace.is_none())?;
    let [session, absence] = [&churn.sessions, &churn.absences].map(|it| it.mean.0.as_secs_f64());
    let nodes = f64::from(*nodes);
    let restless = churn.share * (nodes - churn.spared.len() as f64);
    let there = nodes - restless * absence / (session + absence);
    let departures = restless / (session + absence);
    if storage.keep != Keep::Value || departures <= 0.0 {
        return None;
    }
    let uplinks = network.capacities.iter().map(|class| class.up.0).filter(|up| *up > 0);
    Some(Upkeep {
        copies: f64::from(storage.replicas) + 1.0,
        items: f64::from(workload.items),
        item_bytes: workload.item_size.0 as f64,
        nodes: there,
        stay: there / departures,
        uplink: uplinks.min().map(|bits| bits as f64 / 8.0),
    })
}

/// When something goes wrong or right again.
fn faults(scenario: &Scenario) -> Vec<Duration> {
    let moments = |fault: &Fault| {
        let back = fault.back_after.map(|after| fault.at.0.saturating_add(after.0));
        std::iter::once(fault.at.0).chain(back)
    };
    scenario.faults.iter().flat_map(moments).collect()
}
