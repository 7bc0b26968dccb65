//! A grid of parameters: what each combination costs against what is got for it, and the lower-left
//! convex hull of every overlay, after Li et al. 2005 ("A performance vs. cost framework for evaluating
//! DHT design tradeoffs under churn").
//!
//! What belongs to an overlay is a parameter, which somebody may choose; everything else is the world,
//! which nobody can. So there is a picture for each world, and a hull in it for each overlay. Lookups
//! that fail or go wrong count as their timeout, as in the paper. Differs from the paper: a point at
//! which too few lookups are answered rightly is shown, and is no part of a hull, because a median
//! charges nothing for what fails less than half of the time.

mod hull;
mod importance;
mod markdown;
mod outline;
mod picture;
mod scatter;
mod tables;
mod terminal;
mod words;

use peerbench_measure::{Better, Driver, FolderError, Manifest, RunFolder, RunRecord, Status};

use crate::figures::Figures;
use crate::lesson::{Shown, Table};
use crate::numbers::{count, percentage};
use crate::page::chart::Chart;

pub use hull::{Hull, Place};
pub use outline::{Combination, Field, Outline, View};

/// The name of the picture among a run's files.
pub const PICTURE: &str = "sweep.svg";

/// What is drawn if nobody says otherwise: how many bytes a node sends in a second, and how long half of
/// the lookups take at most, failures charged.
pub const DEFAULT_X: &str = "bandwidth_sent_mean";
/// See [`DEFAULT_X`].
pub const DEFAULT_Y: &str = "lookup_latency_charged_us_p50";

/// The share of lookups that must be right for a point to be one.
const CORRECT: &str = "lookup_correct_ratio";

/// What a grid of parameters has shown.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The scenario, the driver, how many points and seeds.
    pub title: String,
    /// How the pictures are to be read.
    pub reading: Vec<String>,
    /// Every world, in the order of the grid.
    pub worlds: Vec<World>,
    /// The overlays, whose places decide on their looks.
    pub cast: Vec<String>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
    /// The circumstances of the run.
    pub manifest: Manifest,
}

/// What was found in one world.
#[derive(Clone, Debug)]
pub struct World {
    /// In what it differs from the others; empty if there is but one.
    pub title: String,
    /// What every overlay's points cost and give.
    pub overlays: Vec<Swept>,
    /// The same as a picture.
    pub chart: Chart,
}

/// The points of one overlay in one world.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The overlay.
    pub overlay: String,
    /// The points, in the order of the grid.
    pub points: Vec<Point>,
    /// What can be had for what.
    pub hull: Hull,
    /// The points as a table.
    pub table: Table,
    /// Which parameter matters most, in a sentence.
    pub conclusion: String,
}

/// One combination of parameters.
#[derive(Clone, Debug)]
pub struct Point {
    /// The overlay's own parameters, as `successors=4, bits=32`; empty if none has several values.
    pub label: String,
    /// By field of the outline, which of its values.
    choices: Vec<Option<usize>>,
    /// Where it is drawn; `None` if one of the two was not measured.
    pub place: Option<Place>,
    /// The share of lookups that were answered rightly; `None` if none was due.
    pub correct: Option<f64>,
    /// Whether that is enough for the point to be a part of a hull.
    pub is_sound: bool,
}

/// What the runs of an outline have shown, from the folder that they are stored in.
///
/// # Errors
/// If a file of histograms is missing or damaged.
pub fn sweep(outline: &Outline, folder: &RunFolder) -> Result<Sweep, FolderError> {
    let measured = outline.points.iter().map(|point| Measured::new(outline, point, folder));
    let measured: Vec<Measured<'_>> = measured.collect::<Result<_, _>>()?;
    let mut titles: Vec<String> = Vec::new();
    for of in &measured {
        if !titles.contains(&of.world) {
            titles.push(of.world.clone());
        }
    }
    let worlds = titles.iter().enumerate().map(|(place, title)| {
        let of_world: Vec<&Measured<'_>> =
            measured.iter().filter(|it| it.world == *title).collect();
        World::new(outline, place, title, &of_world)
    });
    Ok(Sweep {
        title: title(outline),
        reading: words::reading(outline),
        worlds: worlds.filter(|world| !world.overlays.is_empty()).collect(),
        cast: outline.overlays.clone(),
        notes: words::notes(outline, &measured),
        manifest: folder.manifest().clone(),
    })
}

/// A figure by which points can be placed: one that was measured less of is better.
///
/// # Errors
/// Why it cannot be.
pub fn axis(name: &str) -> Result<(), String> {
    match Shown::named(name) {
        None => Err(format!(
            "there is no figure `{name}`; write a metric and a statistic, such as {DEFAULT_Y}"
        )),
        Some(shown) if shown.metric.better == Better::Higher => Err(format!(
            "of `{name}` more is better, and a hull is of what should be little: take another figure"
        )),
        Some(_) => Ok(()),
    }
}

impl Sweep {
    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worlds.is_empty()
    }

    fn conclusions(&self) -> impl Iterator<Item = &String> {
        let swept = self.worlds.iter().flat_map(|world| &world.overlays);
        swept.map(|it| &it.conclusion).filter(|conclusion| !conclusion.is_empty())
    }
}

impl World {
    fn new(outline: &Outline, place: usize, title: &str, measured: &[&Measured<'_>]) -> Self {
        let of_overlay = |overlay: &String| {
            let its = measured.iter().copied().filter(|it| it.combination.overlay == *overlay);
            let its: Vec<&Measured<'_>> = its.collect();
            let any = its.iter().any(|it| !it.figures.records().is_empty());
            any.then(|| Swept::new(outline, title, overlay, &its))
        };
        let overlays: Vec<Swept> = outline.overlays.iter().filter_map(of_overlay).collect();
        let chart = picture::chart(outline, place, title, &overlays);
        Self { title: title.to_owned(), overlays, chart }
    }
}

impl Swept {
    fn new(outline: &Outline, world: &str, overlay: &str, measured: &[&Measured<'_>]) -> Self {
        let points: Vec<Point> = measured.iter().map(|it| it.point(outline)).collect();
        let sound = points.iter().filter(|point| point.is_sound);
        let hull = Hull::of(sound.filter_map(|point| point.place));
        Self {
            overlay: overlay.to_owned(),
            table: tables::table(outline, overlay, measured, &points, &hull),
            conclusion: words::conclusion(outline, world, overlay, &points),
            points,
            hull,
        }
    }
}

/// The runs of one combination.
struct Measured<'a> {
    combination: &'a Combination,
    /// The values of the fields that are the world's.
    world: String,
    figures: Figures<'a>,
}

impl<'a> Measured<'a> {
    fn new(
        outline: &'a Outline,
        combination: &'a Combination,
        folder: &'a RunFolder,
    ) -> Result<Self, FolderError> {
        let is_of = |record: &&RunRecord| {
            let key = &record.key;
            key.scenario == combination.scenario
                && key.overlay == combination.overlay
                && record.status == Status::Ok
        };
        let records = folder.records().iter().filter(is_of).collect();
        let figures = Figures::new(folder, records)?;
        Ok(Self { combination, world: outline.part_of_words(combination, false), figures })
    }

    /// A figure over all seeds; `None` where it was not measured.
    fn number(&self, name: &str) -> Option<f64> {
        let Shown { metric, statistic } = Shown::named(name)?;
        self.figures.figure(metric, statistic).reading.number()
    }

    fn point(&self, outline: &Outline) -> Point {
        let View { x, y, correct_at_least } = &outline.view;
        let correct = self.number(CORRECT);
        Point {
            label: outline.part_of_words(self.combination, true),
            choices: self.combination.choices.clone(),
            place: self.number(x).zip(self.number(y)),
            correct,
            is_sound: correct.is_some_and(|it| it >= *correct_at_least),
        }
    }
}

fn title(outline: &Outline) -> String {
    let many = |n: usize, what: &str| {
        format!("{} {what}{}", count(n as u64), if n == 1 { "" } else { "s" })
    };
    let driver = match outline.driver {
        Driver::Simulator => "simulator",
        Driver::Testbed => "testbed",
    };
    let (points, seeds) =
        (many(outline.points.len(), "combination"), many(outline.seeds.len(), "seed"));
    format!("{} · {driver} · {points} · {seeds}", outline.world)
}
