//! The columns of a comparison: which runs stand in which, and which of them make pairs.
use std::collections::{BTreeMap, BTreeSet};

use peerbench_measure::{Driver, FolderError, RunFolder, RunRecord, Status};

use crate::figures::Figures;

/// One overlay in one stored run.
pub(super) struct Source<'a> {
    /// The overlay's name, and the run's number if others have the overlay, too.
    pub(super) label: String,
    overlay: &'a str,
    run: &'a RunFolder,
}

/// A run among those of a column: its seed and its round.
pub(super) type Pair = (u64, u32);

/// What one driver found for one overlay.
pub(super) struct Column<'a> {
    pub(super) label: String,
    pub(super) figures: Figures<'a>,
    /// Runs that went to their end; where there is none, the others.
    pub(super) records: BTreeMap<Pair, &'a RunRecord>,
    /// Everything that was stored, in the order in which it was finished.
    pub(super) stored: Vec<&'a RunRecord>,
    /// Whether the runs went to their end.
    pub(super) is_whole: bool,
}

/// Every overlay of every run, in the order of runs and of their overlays. Those that a run should
/// have measured and did not are among them: what is missing must not look as if nobody had asked.
pub(super) fn sources(runs: &[RunFolder]) -> Vec<Source<'_>> {
    let of_run = |run| overlays(run).into_iter().map(move |overlay| (overlay, run));
    let all: Vec<(usize, (&str, &RunFolder))> = (1..)
        .zip(runs)
        .flat_map(|(number, run)| of_run(run).map(move |source| (number, source)))
        .collect();
    all.iter()
        .map(|&(number, (overlay, run))| {
            let is_alone = all.iter().filter(|(_, (other, _))| *other == overlay).count() == 1;
            let label = if is_alone { overlay.to_owned() } else { format!("{overlay} #{number}") };
            Source { label, overlay, run }
        })
        .collect()
}

fn overlays(run: &RunFolder) -> Vec<&str> {
    let recorded = run.records().iter().map(|record| &record.key.overlay);
    let mut seen = BTreeSet::new();
    run.manifest()
        .overlays
        .iter()
        .chain(recorded)
        .map(String::as_str)
        .filter(|overlay| seen.insert(*overlay))
        .collect()
}

impl<'a> Column<'a> {
    pub(super) fn new(
        source: &Source<'a>,
        (scenario, nodes): (&str, u32),
        driver: Driver,
    ) -> Result<Self, FolderError> {
        let is_of = |record: &&RunRecord| {
            let key = &record.key;
            (&*key.overlay, &*key.scenario, key.n) == (source.overlay, scenario, nodes)
                && key.driver == driver
        };
        let stored: Vec<&RunRecord> = source.run.records().iter().filter(is_of).collect();
        let whole = |record: &&&RunRecord| record.status == Status::Ok;
        let is_whole = stored.iter().any(|record| whole(&record));
        let used = stored.iter().filter(|record| !is_whole || whole(record));
        let records: BTreeMap<Pair, &RunRecord> =
            used.map(|record| ((record.key.seed, record.key.round), *record)).collect();
        Ok(Self {
            label: source.label.clone(),
            figures: Figures::new(source.run, records.values().copied().collect())?,
            records,
            stored,
            is_whole,
        })
    }

    /// The readings of a figure in the runs that both have and that went to their end: the
    /// reference's, and this column's.
    pub(super) fn pairs(&self, reference: &Self, name: &str) -> Vec<(f64, f64)> {
        let both = self.paired(reference);
        let readings = both.into_iter().map(|pair| {
            (reference.records[&pair].reading(name), self.records[&pair].reading(name))
        });
        readings.filter_map(|(one, other)| Some((one.number()?, other.number()?))).collect()
    }

    /// The seeds and rounds that both have and that went to their end.
    pub(super) fn paired(&self, reference: &Self) -> Vec<Pair> {
        if !self.is_whole || !reference.is_whole {
            return Vec::new();
        }
        let both = self.records.keys().filter(|pair| reference.records.contains_key(pair));
        both.copied().collect()
    }

    /// The seeds and rounds that this column has and another has not.
    pub(super) fn without(&self, other: &Self) -> Vec<Pair> {
        let alone = self.records.keys().filter(|pair| !other.records.contains_key(pair));
        alone.copied().collect()
    }
}
