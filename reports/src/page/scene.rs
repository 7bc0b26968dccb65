//! What a page shows: who was measured in which worlds, each with its place among all of the page.
use std::collections::BTreeSet;

use peerbench_measure::{
    Driver, FaultMark, FolderError, Histogram, Key, METRICS, Metric, Portrait, RunFolder,
    RunRecord, Statistic, Status,
};

use super::chart::{Mark, Place};
use crate::comparison::{Contrast, contrast};
use crate::figures::{Figure, Figures, over_runs};
use crate::numbers::Scale;
use crate::summary::cell;

/// Everybody who is on a page, in the order of appearance, which decides on their looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast(Vec<String>);

/// What one driver found in one world.
pub(super) struct Scene<'a> {
    /// A name for parts of the page that are about it.
    pub(super) id: String,
    pub(super) driver: Driver,
    pub(super) scenario: &'a str,
    pub(super) nodes: u32,
    pub(super) columns: Vec<Column<'a>>,
}

/// What one driver found for one overlay in one world.
pub(super) struct Column<'a> {
    /// The overlay's name, and the run's number if others have the overlay, too.
    pub(super) label: String,
    /// Its place in the [`Cast`].
    pub(super) who: usize,
    pub(super) run: &'a RunFolder,
    pub(super) figures: Figures<'a>,
    /// What it looked like in the simulator, whichever driver this is of.
    pub(super) portrait: Option<Portrait>,
}

/// One overlay in one stored run.
struct Source<'a> {
    label: String,
    overlay: &'a str,
    run: &'a RunFolder,
}

impl Cast {
    /// The place of somebody of this name.
    pub(super) fn place(&mut self, label: &str) -> usize {
        self.0.iter().position(|known| known == label).unwrap_or_else(|| {
            self.0.push(label.to_owned());
            self.0.len() - 1
        })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

/// The scenes of runs of one world, or of a lesson's many. `number` makes their names unlike those of
/// other worlds.
pub(super) fn scenes<'a>(
    runs: &'a [RunFolder],
    number: usize,
    cast: &mut Cast,
) -> Result<Vec<Scene<'a>>, FolderError> {
    let sources = sources(runs);
    for source in &sources {
        cast.place(&source.label);
    }
    let keys = || runs.iter().flat_map(RunFolder::records).map(|record| &record.key);
    let worlds: BTreeSet<(&str, u32)> = keys().map(|key| (&*key.scenario, key.n)).collect();
    let drivers: BTreeSet<Driver> = keys().map(|key| key.driver).collect();
    let portraits = runs.iter().map(RunFolder::portraits).collect::<Result<Vec<_>, _>>()?.concat();
    let mut scenes = Vec::new();
    for (place, (scenario, nodes)) in worlds.into_iter().enumerate() {
        for &driver in &drivers {
            let mut columns = Vec::new();
            for source in &sources {
                let records = records(source, scenario, nodes, driver);
                if !records.is_empty() {
                    columns.push(Column {
                        label: source.label.clone(),
                        who: cast.place(&source.label),
                        run: source.run,
                        portrait: portrait(&portraits, records[0]).cloned(),
                        figures: Figures::new(source.run, records)?,
                    });
                }
            }
            let id = match place {
                0 => format!("{driver}-{number}"),
                _ => format!("{driver}-{number}-{place}"),
            };
            if !columns.is_empty() {
                scenes.push(Scene { id, driver, scenario, nodes, columns });
            }
        }
    }
    Ok(scenes)
}

/// Every overlay that was measured, in the order of runs and of their overlays.
fn sources(runs: &[RunFolder]) -> Vec<Source<'_>> {
    let mut all: Vec<(usize, &str, &RunFolder)> = Vec::new();
    for (number, run) in (1..).zip(runs) {
        let recorded = run.records().iter().map(|record| record.key.overlay.as_str());
        let named = run.manifest().overlays.iter().map(String::as_str);
        let mut seen = BTreeSet::new();
        let overlays = named.chain(recorded).filter(|overlay| seen.insert(*overlay));
        all.extend(overlays.map(|overlay| (number, overlay, run)));
    }
    let source = |&(number, overlay, run): &(usize, &'_ str, _)| {
        let is_alone = all.iter().filter(|(_, other, _)| *other == overlay).count() == 1;
        let label = if is_alone { overlay.to_owned() } else { format!("{overlay} #{number}") };
        (label, run)
    };
    let labels: Vec<String> = all.iter().map(|it| source(it).0).collect();
    let sources = all.iter().zip(labels);
    sources.map(|(&(_, overlay, run), label)| Source { label, overlay, run }).collect()
}

/// Runs that went to their end; where there is none, the others.
fn records<'a>(
    source: &Source<'a>,
    scenario: &str,
    nodes: u32,
    driver: Driver,
) -> Vec<&'a RunRecord> {
    let is_of = |record: &&RunRecord| {
        let key = &record.key;
        (&*key.overlay, &*key.scenario, key.n) == (source.overlay, scenario, nodes)
            && key.driver == driver
    };
    let stored: Vec<&RunRecord> = source.run.records().iter().filter(is_of).collect();
    let is_whole = |record: &&RunRecord| record.status == Status::Ok;
    let has_whole = stored.iter().any(is_whole);
    stored.into_iter().filter(|record| !has_whole || is_whole(record)).collect()
}

/// The portrait of the overlay in the world of a record.
fn portrait<'p>(portraits: &'p [Portrait], record: &RunRecord) -> Option<&'p Portrait> {
    let world = |key: &Key| (key.overlay.clone(), key.scenario.clone(), key.n);
    portraits.iter().find(|portrait| world(&portrait.key) == world(&record.key))
}

/// The faults of a run, as marks in a chart over seconds.
pub(super) fn faults(record: &RunRecord) -> Vec<Mark> {
    let mark = |fault: &FaultMark| Mark {
        at: Place::X(fault.at_us as f64 / 1e6),
        label: format!("{} {}", fault.action, fault.nodes),
    };
    record.faults.iter().map(mark).collect()
}

impl<'a> Scene<'a> {
    /// Whether somebody has places on a circle.
    pub(super) fn has_circle(&self) -> bool {
        let nodes = self.columns.iter().filter_map(|column| column.portrait.as_ref());
        nodes.flat_map(|portrait| &portrait.nodes).any(|node| node.position.is_some())
    }

    /// The faults that all of its runs had at the same time; those of other times are their own.
    pub(super) fn faults(&self) -> Vec<Mark> {
        let mut records = self.records();
        let Some(first) = records.next() else { return Vec::new() };
        let rest: Vec<&RunRecord> = records.collect();
        let is_common = |fault: &&FaultMark| rest.iter().all(|it| it.faults.contains(fault));
        let common = first.faults.iter().filter(is_common).cloned().collect();
        faults(&RunRecord { faults: common, ..first.clone() })
    }

    /// A name for a part of the page.
    pub(super) fn name(&self, part: &str) -> String {
        format!("{part}-{}", self.id)
    }

    /// The records of everybody.
    pub(super) fn records(&self) -> impl Iterator<Item = &'a RunRecord> {
        self.columns.iter().flat_map(|column| column.records().iter().copied())
    }
}

impl<'a> Column<'a> {
    pub(super) fn records(&self) -> &[&'a RunRecord] {
        self.figures.records()
    }

    /// A figure over all its runs; `None` where it was not measured.
    pub(super) fn number(&self, metric: &str, statistic: Statistic) -> Option<f64> {
        self.figures.figure(find(metric)?, statistic).reading.number()
    }

    /// The same in words; `None` where it was not measured.
    pub(super) fn words(&self, metric: &str, statistic: Statistic) -> Option<String> {
        let metric = find(metric)?;
        let figure = self.figures.figure(metric, statistic);
        let number = figure.reading.number()?;
        let scale = |_| Scale::of(metric.unit, number);
        Some(cell(Figure { range: None, ..figure }, scale))
    }

    /// A figure over its runs under these seeds: their median.
    pub(super) fn under(&self, seeds: &[u64], metric: &str, statistic: Statistic) -> Option<f64> {
        let name = find(metric)?.name_of(statistic);
        let records = self.records().iter().filter(|record| seeds.contains(&record.key.seed));
        let mut numbers: Vec<f64> =
            records.filter_map(|record| record.reading(&name).number()).collect();
        over_runs(&mut numbers).reading.number()
    }

    /// How this one's figure differs from another's, over the runs that met the same world.
    pub(super) fn against(
        &self,
        other: &Self,
        metric: &Metric,
        statistic: Statistic,
    ) -> Option<Contrast> {
        let name = metric.name_of(statistic);
        let pair = |record: &&RunRecord| {
            let is_twin = |twin: &&&RunRecord| {
                (twin.key.seed, twin.key.round) == (record.key.seed, record.key.round)
            };
            let twin = other.records().iter().find(is_twin)?;
            Some((twin.reading(&name).number()?, record.reading(&name).number()?))
        };
        let pairs: Vec<(f64, f64)> = self.records().iter().filter_map(pair).collect();
        contrast(metric.unit, &pairs)
    }

    /// The sum of a count over all its runs.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.records().iter().filter_map(|record| record.reading(name).number()).sum()
    }

    /// What was counted of a metric, over all its runs; of nodes, too.
    pub(super) fn histogram(&self, metric: &str) -> Result<Option<Histogram>, FolderError> {
        if let Some(merged) = self.figures.histogram(metric) {
            return Ok(Some(merged.clone()));
        }
        let mut all = Histogram::new();
        for record in self.records() {
            if let Some(histogram) = self.run.histogram(record, metric)? {
                all.merge(&histogram);
            }
        }
        Ok((!all.is_empty()).then_some(all))
    }
}

/// The metric of this name, without a statistic.
pub(super) fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}
