//! A lesson: what varies against who is compared, a small table a figure, and what can be concluded
//! from it, computed from the records of the runs and never written down beforehand.

mod charts;
mod conclusions;
mod markdown;
mod outline;
mod repair;
mod tables;
mod terminal;
mod timeline;

use std::collections::BTreeSet;

use peerbench_measure::{FolderError, RunFolder, RunRecord, Status};

use crate::figures::{Figure, Figures};
use crate::notes::folded;
use crate::numbers::count;
use crate::page::chart::Chart;

pub(crate) use markdown::grid as markdown_grid;
pub use outline::{Against, Outline, PartOutline, RowOutline, RunOutline, Shown, Upkeep};
pub(crate) use terminal::{grid, hanging};

/// A lesson with what its runs have shown.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// What it is called.
    pub title: String,
    /// What it teaches, what to look for, and where it is from: a sentence or two each, some of
    /// which may be missing.
    pub introduction: Vec<String>,
    /// Its grids.
    pub parts: Vec<Part>,
    /// Everybody who is compared in it, in the order of appearance, which decides on their looks.
    pub cast: Vec<String>,
}

/// What one grid of runs has shown.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is about, and over how many nodes and seeds.
    pub title: String,
    /// Its tables.
    pub tables: Vec<Table>,
    /// The same as charts.
    pub charts: Vec<Chart>,
    /// What follows from the figures.
    pub conclusions: Vec<String>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
}

/// A table of a part.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns; the first is that of labels.
    pub header: Vec<String>,
    /// How many columns, from the left, hold words rather than figures.
    pub words: usize,
    /// The rows.
    pub blocks: Vec<Block>,
}

/// Rows about one thing.
#[derive(Clone, Debug)]
pub struct Block {
    /// What they are about; may be empty.
    pub title: String,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// What a lesson's runs have shown, from the folder that they are stored in.
///
/// # Errors
/// If a file of histograms is missing or damaged.
pub fn lesson(outline: &Outline, folder: &RunFolder) -> Result<Lesson, FolderError> {
    let labelled = |label: &str, text: &str| match text.trim() {
        "" => None,
        text => Some(format!("{label}{text}")),
    };
    let introduction = [
        labelled("", &outline.teaches),
        labelled("Look for: ", &outline.look_for),
        labelled("Source: ", &outline.source),
    ];
    let mut cast: Vec<String> = Vec::new();
    for column in outline.parts.iter().flat_map(|part| &part.columns) {
        if !cast.contains(column) {
            cast.push(column.clone());
        }
    }
    let who = |name: &str| cast.iter().position(|known| known == name).unwrap_or(0);
    let part = |(number, part)| {
        let measured = Measured::new(part, folder)?;
        Ok(Part { charts: charts::charts(&measured, number, who), ..measured.part() })
    };
    Ok(Lesson {
        title: outline.title.clone(),
        introduction: introduction.into_iter().flatten().collect(),
        parts: (1..).zip(&outline.parts).map(part).collect::<Result<_, FolderError>>()?,
        cast,
    })
}

impl Lesson {
    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.tables.is_empty())
    }
}

/// A part and the figures of its cells.
struct Measured<'a> {
    outline: &'a PartOutline,
    /// Row by row, for each column; `None` where nothing was to be run.
    cells: Vec<Vec<Option<Figures<'a>>>>,
}

impl<'a> Measured<'a> {
    fn new(outline: &'a PartOutline, folder: &'a RunFolder) -> Result<Self, FolderError> {
        let figures = |run: &RunOutline| {
            let is_of = |record: &&RunRecord| {
                let key = &record.key;
                key.scenario == run.scenario
                    && key.overlay == run.overlay
                    && record.status == Status::Ok
            };
            Figures::new(folder, folder.records().iter().filter(is_of).collect())
        };
        let row = |row: &'a Vec<Option<RunOutline>>| {
            row.iter().map(|run| run.as_ref().map(figures).transpose()).collect()
        };
        Ok(Self { outline, cells: outline.runs.iter().map(row).collect::<Result<_, _>>()? })
    }

    fn part(&self) -> Part {
        let runs = self.outline.runs.iter().flatten().flatten();
        let (wanted, done) = (runs.map(|run| run.seeds).sum(), self.records().count());
        let mut notes = folded(self.records());
        if done < wanted {
            notes.insert(
                0,
                format!("{done} of {wanted} runs were finished; the others are missing"),
            );
        }
        Part {
            title: self.title(),
            tables: if done == 0 { Vec::new() } else { tables::tables(self) },
            charts: Vec::new(),
            conclusions: conclusions::conclusions(self),
            notes,
        }
    }

    /// What the part is about, how many nodes there are if all cells have as many, and how many
    /// seeds.
    fn title(&self) -> String {
        let mut title = self.outline.title.clone();
        let sizes: BTreeSet<u32> = self.records().map(|record| record.key.n).collect();
        if let (Some(nodes), 1) = (sizes.first(), sizes.len()) {
            title.push_str(&format!(" · {} nodes", count(u64::from(*nodes))));
        }
        let seeds = self.outline.runs.iter().flatten().flatten().map(|run| run.seeds).max();
        if let Some(seeds) = seeds.filter(|seeds| *seeds > 1) {
            title.push_str(&format!(" · {seeds} seeds"));
        }
        title
    }

    fn records(&self) -> impl Iterator<Item = &'a RunRecord> {
        self.cells.iter().flatten().flatten().flat_map(|cell| cell.records().iter().copied())
    }

    /// A figure of a cell; `None` where nothing was to be run.
    fn figure(&self, row: usize, column: usize, shown: Shown) -> Option<Figure> {
        let cell = self.cells[row][column].as_ref()?;
        // Ranges over seeds would hide the figures: there are many, and they vary by the row.
        Some(Figure { range: None, ..cell.figure(shown.metric, shown.statistic) })
    }

    /// The number that was found for a figure of a cell.
    fn number(&self, row: usize, column: usize, shown: Shown) -> Option<f64> {
        self.figure(row, column, shown)?.reading.number()
    }
}
