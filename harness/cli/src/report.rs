//! `peerbench report`: what stored runs have shown, in tables and on a page for a browser, without
//! measuring anything; and where runs leave their page.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use peerbench_measure::RunFolder;
use peerbench_reports::freeloading::Outline;
use peerbench_reports::page::{PAGE, Page, arranged, worlds};
use peerbench_reports::{Comparison, ComparisonError, Summary, compare, summary};

use crate::arguments::Report;
use crate::bench::warn;
use crate::failure::{Failure, NOTHING_MEASURED};
use crate::show::{print_line, terminal, wants_table};
use crate::{freeloaders, lesson, sweep};

/// What runs have found: overlays side by side where there are several, world by world, and each of
/// them.
pub(crate) struct Findings {
    comparisons: Vec<Comparison>,
    summaries: Vec<Summary>,
}

impl Findings {
    /// What is in these runs' folders, those of one world beside each other; the overlays compared
    /// to this one, or else to the first.
    pub(crate) fn of(runs: &[RunFolder], reference: Option<&str>) -> Result<Self, Failure> {
        let comparisons = worlds(runs).map(|runs| compare(runs, reference));
        Ok(Self {
            comparisons: comparisons.collect::<Result<_, _>>()?,
            summaries: runs.iter().map(summary).collect::<Result<_, _>>()?,
        })
    }

    /// Whether nothing was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.summaries.iter().all(Summary::is_empty)
    }

    /// Prints the comparisons to standard output, or the only overlay's table; with details, every
    /// overlay's.
    pub(crate) fn print(&self, details: bool) {
        let (width, colour) = terminal();
        let compared = || self.comparisons.iter().filter(|comparison| !comparison.is_empty());
        compared().for_each(|comparison| print_line(comparison.terminal(width, colour)));
        if compared().next().is_none() || details {
            self.summaries.iter().for_each(|it| print_line(it.terminal(width, colour)));
        }
    }

    /// Everything, in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let compared = self.comparisons.iter().filter(|comparison| !comparison.is_empty());
        let compared: String = compared.map(Comparison::markdown).collect();
        compared + &self.summaries.iter().map(Summary::markdown).collect::<String>()
    }
}

/// `peerbench report RUN…`.
pub(crate) fn run(report: &Report) -> Result<ExitCode, Failure> {
    let runs = report.runs.iter().map(|run| open_run(run, &report.reports));
    let runs = arranged(runs.collect::<Result<_, _>>()?);
    let code = show(&runs, report)?;
    // Of nothing, a page is made only for whoever asks.
    let is_empty = runs.iter().all(|run| run.records().is_empty());
    let place = place(&runs, report).filter(|_| !is_empty || report.html.is_some());
    if let Some(path) = place {
        let page = page(&runs, report.reference.as_deref())?;
        match std::fs::write(&path, page.html()) {
            Ok(()) => eprintln!("The page: {}", path.display()),
            Err(error) if report.html.is_none() => {
                eprintln!(
                    "warning: cannot write {}: {error}; name another file by --html",
                    path.display()
                );
            }
            Err(source) => {
                let (what, path) = ("cannot write", path.display().to_string());
                return Err(Failure::File { what, path, source });
            }
        }
        if report.open {
            show_in_browser(&path);
        }
    }
    Ok(code)
}

/// Stores the page of a run that has just ended, and says where it is. A page that cannot be made
/// costs the page, not the run.
pub(crate) fn store(folder: &RunFolder, page: Result<Page, ComparisonError>) {
    match page {
        Ok(page) => warn(folder.store_report(PAGE, &page.html())),
        Err(error) => eprintln!("warning: there is no page: {error}"),
    }
    if let Some(path) = folder.path() {
        eprintln!("The page: {}", path.join(PAGE).display());
    }
}

/// The run in this folder; without one, that of this name among those stored.
fn open_run(run: &str, stored: &Path) -> Result<RunFolder, Failure> {
    let here = Path::new(run);
    let is_name = here.components().count() == 1 && !here.is_dir();
    Ok(if is_name { RunFolder::open(&stored.join(run))? } else { RunFolder::open(here)? })
}

/// The page of stored runs, whatever command has made them.
fn page(runs: &[RunFolder], reference: Option<&str>) -> Result<Page, Failure> {
    if let [run] = runs {
        if let Some(outline) = Outline::stored(run)? {
            return Ok(Page::of_freeloaders(&outline, run)?);
        }
        if let Some(outline) = lesson::stored(run) {
            return Ok(Page::of_lesson(&outline, run)?);
        }
        if let Some(outline) = peerbench_reports::sweep::Outline::stored(run)? {
            return Ok(Page::of_sweep(&outline, run)?);
        }
    }
    Ok(Page::of(runs, reference)?)
}

/// Prints the tables, or writes them where they were asked for.
fn show(runs: &[RunFolder], report: &Report) -> Result<ExitCode, Failure> {
    for run in runs.iter().filter(|run| run.manifest().status.is_none()) {
        let id = &run.manifest().id;
        eprintln!("note: {id} goes on still, or was killed: what it had finished follows");
    }
    if let ([run], false) = (runs, report.details) {
        if let Some(freeloading) = freeloaders::stored(run)? {
            return freeloaders::show(&freeloading, report.md.as_deref());
        }
        if let Some(outline) = lesson::stored(run) {
            return lesson::show(&peerbench_reports::lesson(&outline, run)?, report.md.as_deref());
        }
        if let Some((outline, found)) = sweep::stored(run)? {
            return sweep::show(&outline, &found, report.md.as_deref());
        }
    }
    let findings = Findings::of(runs, report.reference.as_deref())?;
    if findings.is_empty() {
        eprintln!("nothing was measured");
    }
    if wants_table(report.md.as_deref(), &findings.markdown())? {
        findings.print(report.details);
    }
    Ok(if findings.is_empty() { ExitCode::from(NOTHING_MEASURED) } else { ExitCode::SUCCESS })
}

/// Where the page goes: where it is wanted, into the only run's folder, or beside several runs if it
/// is to be looked at.
fn place(runs: &[RunFolder], report: &Report) -> Option<PathBuf> {
    match (&report.html, runs) {
        (Some(path), _) => Some(path.clone()),
        (None, [run]) => run.path().map(|folder| folder.join(PAGE)),
        (None, _) => report.open.then(|| report.reports.join(PAGE)),
    }
}

/// Opens the page. The path has been said, for whoever has no browser here.
fn show_in_browser(path: &Path) {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Err(error) = open::that_detached(&path) {
        eprintln!("no browser could be started ({error}); open {} in one", path.display());
    }
}
