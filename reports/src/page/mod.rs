//! A page for a browser: what stored runs have shown, in one file that needs no network.
//!
//! [`Page::of`] looks at stored runs of one or several worlds; [`Page::html`] writes the page. First
//! comes what was compared, where, and what can be said at a glance; then the comparison, figure by
//! figure, pictures, plots, full tables, how it was measured, and what every number means. The page
//! is readable without scripts and printable; its toggles are style sheets.

pub mod chart;
mod circumstances;
mod definitions;
mod glance;
mod head;
mod html;
mod matrix;
mod pictures;
mod plots;
mod scene;
mod story;
mod style;
mod tables;

use peerbench_measure::{Driver, Manifest, RunFolder};

use crate::comparison::{ComparisonError, world};
use crate::{Comparison, Summary, compare, summary};
use chart::Chart;
use glance::Glance;
use pictures::Picture;
pub(crate) use plots::course;
use scene::{Cast, Scene, scenes};
use story::Story;

/// The name of a page among a run's files.
pub const PAGE: &str = "report.html";

/// What a page says.
#[derive(Clone, Debug)]
pub struct Page {
    cast: Vec<String>,
    story: Option<Story>,
    worlds: Vec<World>,
    growth: Vec<Chart>,
    alarms: Vec<String>,
    manifests: Vec<Manifest>,
}

/// What was found in one world.
#[derive(Clone, Debug, Default)]
struct World {
    title: String,
    comparison: Comparison,
    pictures: Vec<Picture>,
    scenes: Vec<Shown>,
    drivers: Vec<Chart>,
    summaries: Vec<Summary>,
}

/// What one driver found in one world.
#[derive(Clone, Debug)]
struct Shown {
    driver: Driver,
    title: String,
    glance: Glance,
    charts: Vec<Chart>,
}

impl Page {
    /// The page of these runs. Neighbours of one world are compared, with the others as they
    /// are; where runs differ in their number of nodes alone, figures are drawn against it, too.
    ///
    /// # Errors
    /// If there is no such reference, or a file of histograms is missing or damaged.
    pub fn of(runs: &[RunFolder], reference: Option<&str>) -> Result<Self, ComparisonError> {
        let mut cast = Cast::default();
        let mut groups = Vec::new();
        for (number, runs) in (1..).zip(worlds(runs)) {
            groups.push((runs, scenes(runs, number, &mut cast)?));
        }
        let worlds = groups.iter().map(|(runs, scenes)| World::of(runs, scenes, reference));
        let worlds = worlds.collect::<Result<_, _>>()?;
        Ok(Self {
            story: None,
            worlds,
            growth: growth(&groups),
            alarms: head::alarms(runs),
            cast: cast.names().to_vec(),
            manifests: runs.iter().map(|run| run.manifest().clone()).collect(),
        })
    }

    /// All of its charts, in their order.
    pub fn charts(&self) -> impl Iterator<Item = &Chart> {
        let told = self.story.iter().flat_map(Story::charts);
        told.chain(&self.growth).chain(self.worlds.iter().flat_map(World::charts))
    }

    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worlds.iter().all(|world| world.scenes.is_empty())
    }
}

/// Runs in an order in which those of one world are neighbours.
#[must_use]
pub fn arranged(runs: Vec<RunFolder>) -> Vec<RunFolder> {
    let mut worlds: Vec<Vec<RunFolder>> = Vec::new();
    for run in runs {
        match worlds.iter_mut().find(|world| is_one_world(&world[0], &run)) {
            Some(world) => world.push(run),
            None => worlds.push(vec![run]),
        }
    }
    worlds.into_iter().flatten().collect()
}

/// Those of neighbours that are of one world.
pub fn worlds(runs: &[RunFolder]) -> impl Iterator<Item = &[RunFolder]> {
    runs.chunk_by(is_one_world)
}

fn is_one_world(one: &RunFolder, other: &RunFolder) -> bool {
    world::differences(one.manifest(), other.manifest()).is_empty()
}

impl World {
    fn of(
        runs: &[RunFolder],
        scenes: &[Scene<'_>],
        reference: Option<&str>,
    ) -> Result<Self, ComparisonError> {
        let shown = |scene: &Scene<'_>| {
            Ok(Shown {
                driver: scene.driver,
                title: scene.title(),
                glance: Glance::of(scene),
                charts: plots::plots(scene)?,
            })
        };
        let pairs = scenes
            .windows(2)
            .filter(|two| (two[0].scenario, two[0].nodes) == (two[1].scenario, two[1].nodes));
        Ok(Self {
            title: head::world(scenes),
            comparison: compare(runs, reference)?,
            pictures: pictures::all(scenes),
            scenes: scenes.iter().map(shown).collect::<Result<_, ComparisonError>>()?,
            drivers: pairs.flat_map(|two| plots::drivers(&two[0], &two[1])).collect(),
            summaries: runs.iter().map(summary).collect::<Result<_, _>>()?,
        })
    }

    fn charts(&self) -> impl Iterator<Item = &Chart> {
        self.scenes.iter().flat_map(|scene| &scene.charts).chain(&self.drivers)
    }
}

/// Figures against the number of nodes, over the scenes that differ in it alone.
fn growth(groups: &[(&[RunFolder], Vec<Scene<'_>>)]) -> Vec<Chart> {
    let Some(((first, _), _)) = groups.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return Vec::new();
    };
    let first = first[0].manifest();
    let is_larger = |manifest: &Manifest| {
        let differences = world::differences(first, manifest);
        differences.iter().all(|difference| difference.starts_with("nodes: "))
    };
    let alike = groups.iter().filter(|(runs, _)| is_larger(runs[0].manifest()));
    let scenes: Vec<&Scene<'_>> = alike.flat_map(|(_, scenes)| scenes).collect();
    let of_driver = |driver: Driver| {
        let scenes: Vec<&Scene<'_>> =
            scenes.iter().copied().filter(|scene| scene.driver == driver).collect();
        if scenes.len() > 1 { plots::growth(&scenes) } else { Vec::new() }
    };
    [Driver::Testbed, Driver::Simulator].into_iter().flat_map(of_driver).collect()
}
