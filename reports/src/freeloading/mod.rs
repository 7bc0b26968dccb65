//! Who resists freeloaders: every overlay in one world in which a growing share of the nodes takes
//! without giving. For each a table, a curve and a conclusion, all computed from the records of the
//! runs: paired by seed with the runs in which nobody freeloads.

mod conclusions;
mod curve;
mod markdown;
mod outline;
mod picture;
mod tables;
mod terminal;

use peerbench_measure::{FolderError, Manifest, RunFolder, RunRecord, Status};

use crate::comparison::{Contrast, contrast};
use crate::figures::Figures;
use crate::lesson::Table;
use crate::numbers::count;

pub use outline::{Outline, Step};

/// The name of the picture among a run's files.
pub const PICTURE: &str = "freeloaders.svg";

/// What freeloaders did to each overlay.
#[derive(Clone, Debug)]
pub struct Freeloading {
    /// World, strategy, driver, nodes and seeds.
    pub title: String,
    /// How the figures are to be read.
    pub reading: Vec<String>,
    /// Every overlay that ran.
    pub overlays: Vec<Resistance>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
    /// The circumstances of the run.
    pub manifest: Manifest,
}

/// What freeloaders did to one overlay.
#[derive(Clone, Debug)]
pub struct Resistance {
    /// The overlay.
    pub overlay: String,
    /// How long everybody waits and what everybody gets: a row for each share of freeloaders.
    pub tables: Vec<Table>,
    /// The same as points of a curve.
    pub points: Vec<Point>,
    /// What follows, in a sentence.
    pub conclusion: String,
}

/// What a share of freeloaders did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The share, 0 to 1.
    pub share: f64,
    /// How many times as long as contributors freeloaders wait; `None` without freeloaders, or
    /// where one of the two got nothing.
    pub penalty: Option<Contrast>,
    /// How many times as long as without freeloaders contributors wait; `None` where they got
    /// nothing.
    pub slowdown: Option<Contrast>,
    /// The share of fetches that got all bytes, by the median run.
    pub verified: Option<f64>,
}

/// What the runs of an outline have shown, from the folder that they are stored in.
///
/// # Errors
/// If a file of histograms is missing or damaged.
pub fn freeloading(outline: &Outline, folder: &RunFolder) -> Result<Freeloading, FolderError> {
    let overlays = outline.overlays.iter();
    let measured: Vec<Measured<'_>> = overlays
        .map(|overlay| Measured::new(outline, overlay, folder))
        .collect::<Result<_, _>>()?;
    let resistance = |of: &Measured<'_>| {
        let points = of.points();
        Resistance {
            overlay: of.overlay.to_owned(),
            tables: tables::tables(of, &points),
            conclusion: conclusions::conclusion(of.overlay, &points),
            points,
        }
    };
    Ok(Freeloading {
        title: title(outline),
        reading: conclusions::reading(outline.seeds),
        overlays: measured.iter().filter(|of| of.runs() > 0).map(resistance).collect(),
        notes: tables::notes(outline, &measured),
        manifest: folder.manifest().clone(),
    })
}

impl Point {
    /// Whether any of its figures was.
    fn is_measured(&self) -> bool {
        self.penalty.is_some() || self.slowdown.is_some() || self.verified.is_some()
    }
}

impl Freeloading {
    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.overlays.is_empty()
    }
}

fn title(outline: &Outline) -> String {
    let Outline { world, strategy, nodes, seeds, driver, .. } = outline;
    let seeds = if *seeds == 1 { "1 seed".to_owned() } else { format!("{seeds} seeds") };
    let nodes = count(u64::from(*nodes));
    format!("freeloaders by {strategy} · {driver} · {world} · {nodes} nodes · {seeds}")
}

/// The runs of one overlay, share by share.
struct Measured<'a> {
    overlay: &'a str,
    steps: Vec<(f64, Figures<'a>)>,
}

impl<'a> Measured<'a> {
    fn new(
        outline: &'a Outline,
        overlay: &'a str,
        folder: &'a RunFolder,
    ) -> Result<Self, FolderError> {
        let step = |step: &'a Step| {
            let is_of = |record: &&RunRecord| {
                let key = &record.key;
                key.scenario == step.scenario
                    && key.overlay == overlay
                    && record.status == Status::Ok
            };
            let records = folder.records().iter().filter(is_of).collect();
            Ok((step.share, Figures::new(folder, records)?))
        };
        Ok(Self { overlay, steps: outline.steps.iter().map(step).collect::<Result<_, _>>()? })
    }

    /// How many runs there are of all shares.
    fn runs(&self) -> usize {
        self.steps.iter().map(|(_, figures)| figures.records().len()).sum()
    }

    fn points(&self) -> Vec<Point> {
        let baseline = self.steps.iter().find(|(share, _)| *share == 0.0);
        let point = |(share, figures): &(f64, Figures<'a>)| {
            let waits = |record: &RunRecord| record.reading(tables::CONTRIBUTORS).number();
            let pair = |record: &&RunRecord| {
                let without = baseline?.1.records().iter();
                let without = without.copied().find(|it| it.key.seed == record.key.seed)?;
                Some((waits(without)?, waits(record)?))
            };
            let slowdowns: Vec<(f64, f64)> = figures.records().iter().filter_map(pair).collect();
            let penalty = |record: &&RunRecord| record.reading(tables::PENALTY).number();
            let penalties = figures.records().iter().filter_map(penalty);
            let penalties: Vec<(f64, f64)> = penalties.map(|penalty| (1.0, penalty)).collect();
            Point {
                share: *share,
                penalty: contrast("times", &penalties),
                slowdown: contrast("µs", &slowdowns),
                verified: tables::number(figures, tables::VERIFIED),
            }
        };
        self.steps.iter().map(point).collect()
    }
}
