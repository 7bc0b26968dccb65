//! What papers published beside what comes out here: the set-ups of `configs/papers`, each run in
//! the simulator, and the table of expectations that goes with them.
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use peerbench_measure::{Histogram, Measurement, Progress, Statistic, find_metric};
use peerbench_scenario::Document;
use serde::Deserialize;

use crate::failure::Failure;
use crate::overlays;

/// The table of expectations.
const EXPECTATIONS: &str = include_str!("../../../configs/papers/expectations.yaml");

macro_rules! scenarios {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../configs/papers/", $name, ".yaml")))),*]
    };
}

/// The papers' set-ups, by name.
pub(crate) const SCENARIOS: &[(&str, &str)] = scenarios![
    "chord-churn",
    "chord-failures-0",
    "chord-failures-20",
    "chord-failures-40",
    "chord-load",
    "chord-load-1-virtual-node",
    "chord-load-20-virtual-nodes",
    "chord-path-length-128",
    "chord-path-length-1024",
    "chord-path-length-4096",
    "chord-path-length-16384",
    "fluid-model",
    "gnutella-coverage",
    "large-view",
    "replicated-storage",
];

/// Statistics that can be expected of a distribution.
const STATISTICS: [Statistic; 5] = [
    Statistic::Mean,
    Statistic::Quantile(10),
    Statistic::Quantile(500),
    Statistic::Quantile(990),
    Statistic::Max,
];

/// A figure that a paper published.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The set-up: one of [`SCENARIOS`].
    pub(crate) scenario: String,
    /// Assignments to it.
    #[serde(default)]
    pub(crate) set: Vec<String>,
    /// The file of a graph that it needs, which is no part of peerbench.
    #[serde(default)]
    pub(crate) graph: Option<String>,
    /// What the figure is of.
    pub(crate) claim: String,
    /// Where it stands.
    pub(crate) paper: String,
    /// The metric that measures it here.
    pub(crate) metric: String,
    /// How the paper counts it.
    #[serde(default)]
    pub(crate) counted: Counted,
    /// Which figure of the metric's distribution; empty if there is only one.
    #[serde(default)]
    pub(crate) statistic: String,
    /// The figure.
    pub(crate) published: f64,
    /// How far ours may be off.
    pub(crate) tolerance: f64,
    /// Who says so.
    pub(crate) source: Source,
    /// Why ours is known to be off by more.
    #[serde(default)]
    pub(crate) differs: Option<String>,
}

/// How a paper counts what a metric counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Counted {
    /// As the metric does.
    #[default]
    AsItIs,
    /// Hops to the key's predecessor, which are one less than to its owner; lookups of no hop are
    /// left out.
    ToPredecessor,
    /// As a multiple of the mean.
    RelativeToMean,
    /// In seconds, where the metric counts microseconds.
    InSeconds,
    /// In percent of the nodes.
    PercentOfNodes,
    /// For each node that a lookup visited.
    PerNodeVisited,
}

/// Where an expectation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// It was read in the paper.
    Published,
    /// It was computed independently from the paper's definition.
    Computed,
}

/// Whether we come to what was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within the tolerance.
    Agrees,
    /// Beyond the tolerance, for a reason that is known.
    KnownToDiffer,
    /// Beyond the tolerance.
    Differs,
    /// A file that is no part of peerbench is not there.
    Skipped,
    /// There is no figure of ours.
    NotMeasured,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Agrees => "agrees",
            Self::KnownToDiffer => "differs (known)",
            Self::Differs => "DIFFERS",
            Self::Skipped => "SKIPPED",
            Self::NotMeasured => "not measured",
        })
    }
}

/// One figure, theirs and ours.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Theirs.
    pub(crate) expectation: Expectation,
    /// Ours.
    pub(crate) ours: Option<f64>,
    /// The file that is not there.
    pub(crate) lacks: Option<PathBuf>,
}

/// Every expectation there is, in the order of the table.
pub(crate) fn expectations() -> Vec<Expectation> {
    serde_yaml::from_str(EXPECTATIONS).expect("a test reads the table that is built in")
}

/// Runs the set-up of every expectation once, under each of its seeds, until `stop` is set; those
/// that need files which are not in the folder of `data` are skipped.
///
/// # Errors
/// If a set-up is not there, or its scenario is not sound.
pub(crate) fn run(
    expectations: Vec<Expectation>,
    data: &Path,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Vec<Row>, Failure> {
    let mut measured: BTreeMap<(String, Vec<String>), Option<Measured>> = BTreeMap::new();
    let mut rows = Vec::with_capacity(expectations.len());
    for expectation in expectations {
        let graph = expectation.graph.as_ref().map(|file| data.join(file));
        if let Some(lacks) = graph.clone().filter(|path| !path.exists()) {
            rows.push(Row { expectation, ours: None, lacks: Some(lacks) });
            continue;
        }
        let set_up = (expectation.scenario.clone(), expectation.set.clone());
        if !measured.contains_key(&set_up) {
            let ours = measure(&expectation, graph.as_deref(), progress, stop)?;
            measured.insert(set_up.clone(), ours);
        }
        let ours = measured[&set_up].as_ref().and_then(|ours| figure(&expectation, ours));
        rows.push(Row { expectation, ours, lacks: None });
    }
    Ok(rows)
}

/// What came of a set-up, over all of its seeds.
struct Measured {
    nodes: u32,
    all: Measurement,
}

/// Runs one set-up under each of its seeds, for the overlay whose section it has; `None` if it was
/// stopped.
fn measure(
    expectation: &Expectation,
    graph: Option<&Path>,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Option<Measured>, Failure> {
    let name = &expectation.scenario;
    let mut document = scenario(name)?;
    for assignment in &expectation.set {
        document.set(assignment)?;
    }
    if let Some(graph) = graph {
        document.set(&format!("network.graph={}", graph.display()))?;
    }
    let scenario = document.scenario()?;
    let overlay = scenario.overlays.keys().next().map_or("", String::as_str);
    let entry = overlays::find(overlay)?;
    let mut all: Option<Measurement> = None;
    for &seed in &scenario.seeds {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let set = expectation.set.iter().map(|set| format!(", {set}")).collect::<String>();
        progress.phase(&format!("{name}{set}, seed {seed}"));
        let simulated = (entry.simulate)(&document, &scenario, seed, progress, stop)?;
        let measurement = simulated.measurement;
        match &mut all {
            Some(all) => all.merge(&measurement),
            None => all = Some(measurement),
        }
    }
    let all = all.filter(|_| !stop.load(Ordering::Relaxed));
    Ok(all.map(|all| Measured { nodes: scenario.nodes, all }))
}

/// The set-up of this name.
pub(crate) fn scenario(name: &str) -> Result<Document, Failure> {
    let names = SCENARIOS.iter().map(|(name, _)| *name);
    let (_, text) = SCENARIOS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| Failure::unknown("scenario", name, names))?;
    Ok(Document::parse(&format!("configs/papers/{name}.yaml"), *text)?)
}

/// Our figure, counted as the paper counts.
fn figure(expectation: &Expectation, Measured { nodes, all: ours }: &Measured) -> Option<f64> {
    let metric = find_metric(&expectation.metric)?;
    let statistic = STATISTICS.into_iter().find(|it| it.to_string() == expectation.statistic);
    let Some(statistic) = statistic else {
        let value = metric.figure(Statistic::Value, ours)?;
        let visited = find_metric("lookup_nodes_visited")?.figure(Statistic::Value, ours);
        return match expectation.counted {
            Counted::PercentOfNodes => Some(value / f64::from(*nodes) * 100.0),
            Counted::PerNodeVisited => visited.map(|visited| value / visited),
            _ => Some(value),
        };
    };
    let distribution = metric.histogram(ours)?;
    match expectation.counted {
        Counted::AsItIs | Counted::PercentOfNodes | Counted::PerNodeVisited => {
            statistic.of(distribution, metric.scale)
        }
        Counted::InSeconds => {
            statistic.of(distribution, metric.scale).map(|microseconds| microseconds / 1e6)
        }
        Counted::ToPredecessor => statistic.of(&to_predecessor(distribution), metric.scale),
        Counted::RelativeToMean => {
            let mean = Statistic::Mean.of(distribution, metric.scale)?;
            statistic.of(distribution, metric.scale).map(|figure| figure / mean)
        }
    }
}

/// Hops to the key's predecessor from hops to its owner, without those of no hop.
fn to_predecessor(to_owner: &Histogram) -> Histogram {
    let mut hops = Histogram::new();
    for (to_owner, lookups) in to_owner.iter().filter(|&(hops, _)| hops > 1) {
        (0..lookups).for_each(|_| hops.record(to_owner - 1));
    }
    hops
}

impl Row {
    /// Whether ours comes to theirs.
    pub(crate) fn verdict(&self) -> Verdict {
        let Expectation { published, tolerance, ref differs, .. } = self.expectation;
        match self.ours {
            None if self.lacks.is_some() => Verdict::Skipped,
            None => Verdict::NotMeasured,
            // A tolerance of two decimals reaches what is written with two decimals.
            Some(ours) if (ours - published).abs() <= tolerance + 1e-9 => Verdict::Agrees,
            Some(_) if differs.is_some() => Verdict::KnownToDiffer,
            Some(_) => Verdict::Differs,
        }
    }

    fn cells(&self) -> [String; 6] {
        let Expectation { claim, statistic, published, tolerance, source, .. } = &self.expectation;
        let mark = if *source == Source::Computed { " *" } else { "" };
        [
            format!("{claim}{}{statistic}", if statistic.is_empty() { "" } else { ", " }),
            format!("{}{mark}", number(*published)),
            self.ours.map_or_else(|| "–".to_owned(), number),
            self.ours.map_or_else(String::new, |ours| apart(ours - published)),
            format!("± {}", number(*tolerance)),
            self.verdict().to_string(),
        ]
    }
}

/// Two decimals, or none for a whole number.
fn number(figure: f64) -> String {
    if figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

/// Two decimals and a sign, which nothing has not.
fn apart(difference: f64) -> String {
    let text = format!("{difference:+.2}");
    if matches!(text.as_str(), "+0.00" | "-0.00") { "0".to_owned() } else { text }
}

/// Ours beside theirs, set-up after set-up, in at most so many columns. Ends with a line feed.
pub(crate) fn render(rows: &[Row], width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(["", "published", "ours", "apart", "within", ""]);
    let mut scenario = "";
    for row in rows {
        if row.expectation.scenario != scenario {
            scenario = &row.expectation.scenario;
            if table.row_count() > 0 {
                table.add_row([" "]);
            }
            table.add_row([scenario]);
            table.add_row([format!("  {}", row.expectation.paper)]);
        }
        let [claim, figures @ ..] = row.cells();
        table.add_row(std::iter::once(format!("    {claim}")).chain(figures));
    }
    for column in table.column_iter_mut().skip(1).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n\n{}", lines.join("\n"), notes(rows))
}

/// What the table's marks and verdicts leave to be said.
fn notes(rows: &[Row]) -> String {
    let mut notes = Vec::new();
    if rows.iter().any(|row| row.expectation.source == Source::Computed) {
        notes.push("* computed independently from the paper's definition".to_owned());
    }
    for row in rows.iter().filter(|row| row.verdict() == Verdict::KnownToDiffer) {
        let Expectation { claim, differs, .. } = &row.expectation;
        let note = format!("known: {claim}: {}", differs.as_deref().unwrap_or_default());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for lacks in rows.iter().filter_map(|row| row.lacks.as_ref()) {
        let note = format!(
            "SKIPPED: there is no {}; get it from https://snap.stanford.edu/data, and name its \
             folder with --data",
            lacks.display()
        );
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let count = |wanted| rows.iter().filter(|row| row.verdict() == wanted).count();
    let (agree, known) = (count(Verdict::Agrees), count(Verdict::KnownToDiffer));
    let rest =
        if known > 0 { format!(", {known} differ for a known reason") } else { String::new() };
    notes.push(format!("{agree} of {} figures agree{rest}", rows.len()));
    notes.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_is_of_a_set_up_and_of_a_metric_that_there_are() {
        let expectations = expectations();
        for expectation in &expectations {
            let Expectation { scenario: name, metric, statistic, .. } = expectation;
            assert!(find_metric(metric).is_some(), "{metric}");
            let known = STATISTICS.iter().any(|known| known.to_string() == *statistic);
            assert!(known || statistic.is_empty(), "{name}: {statistic}");
            scenario(name).expect("the set-up is there");
        }
        for (name, _) in SCENARIOS {
            let scenario = scenario(name).and_then(|document| Ok(document.scenario()?));
            assert_eq!(scenario.expect("the set-up is sound").name, *name);
            assert!(expectations.iter().any(|it| it.scenario == *name), "{name} is not used");
        }
    }

    fn row(published: f64, tolerance: f64, differs: Option<&str>, ours: Option<f64>) -> Row {
        let expectation = Expectation {
            scenario: "chord-failures-0".to_owned(),
            set: Vec::new(),
            graph: None,
            claim: "hops".to_owned(),
            paper: "Stoica et al. 2003, table II".to_owned(),
            metric: "lookup_hops".to_owned(),
            counted: Counted::AsItIs,
            statistic: "mean".to_owned(),
            published,
            tolerance,
            source: Source::Computed,
            differs: differs.map(str::to_owned),
        };
        Row { expectation, ours, lacks: None }
    }

    #[test]
    fn ours_beside_theirs() {
        let rows = [
            row(3.84, 0.19, None, Some(3.82)),
            row(1.17, 0.05, None, Some(1.25)),
            row(5.0, 0.0, Some("hops vary by more"), Some(6.0)),
            row(3.23, 0.65, None, None),
        ];
        insta::assert_snapshot!(render(&rows, 100), @"
                                         published  ours  apart  within
         chord-failures-0
           Stoica et al. 2003, table II
             hops, mean                     3.84 *  3.82  -0.02  ± 0.19  agrees
             hops, mean                     1.17 *  1.25  +0.08  ± 0.05  DIFFERS
             hops, mean                        5 *     6  +1.00     ± 0  differs (known)
             hops, mean                     3.23 *     –         ± 0.65  not measured

        * computed independently from the paper's definition
        known: hops: hops vary by more
        1 of 4 figures agree, 1 differ for a known reason
        ");
    }

    #[test]
    fn hops_to_the_predecessor_are_one_less_and_not_none() {
        let mut hops = Histogram::new();
        [0, 1, 2, 2, 4].into_iter().for_each(|value| hops.record(value));
        assert_eq!(to_predecessor(&hops).iter().collect::<Vec<_>>(), [(1, 2), (3, 1)]);
    }

    #[test]
    fn a_set_up_is_run_and_measured() {
        let stop = AtomicBool::new(false);
        let wanted = |it: &Expectation| it.scenario == "chord-failures-0";
        let expectations = expectations().into_iter().filter(wanted).collect();
        let rows =
            run(expectations, Path::new("."), &peerbench_measure::Silent, &stop).expect("it runs");
        for row in &rows {
            assert_ne!(row.verdict(), Verdict::NotMeasured, "{}", row.expectation.claim);
            assert_ne!(
                row.verdict(),
                Verdict::Differs,
                "{}: {:?}",
                row.expectation.claim,
                row.ours
            );
        }
        stop.store(true, Ordering::Relaxed);
        let expectations: Vec<_> = rows.into_iter().map(|row| row.expectation).collect();
        let rows =
            run(expectations, Path::new("."), &peerbench_measure::Silent, &stop).expect("it stops");
        assert!(rows.iter().all(|row| row.verdict() == Verdict::NotMeasured));
    }

    #[test]
    fn what_needs_a_file_that_is_not_there_is_skipped_and_says_so() {
        let stop = AtomicBool::new(false);
        let expectations = expectations().into_iter().filter(|it| it.graph.is_some()).collect();
        let nowhere = Path::new("there is no such folder");
        let rows = run(expectations, nowhere, &peerbench_measure::Silent, &stop).expect("it runs");
        assert!(rows.iter().all(|row| row.verdict() == Verdict::Skipped));
        let text = render(&rows, 100);
        assert!(text.contains("SKIPPED: there is no there is no such folder/p2p-Gnutella08.txt"));
    }
}
