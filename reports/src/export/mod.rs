//! Stored runs for other programs, one format a file. What was not measured is left out, or empty;
//! it is never 0.

mod bencher;
mod benchstat;
mod csv;
mod github_action_benchmark;

use std::collections::BTreeMap;

use peerbench_measure::{Assume, Better, METRICS, RunFolder, RunRecord, Status, Value};

use crate::gate::{judged_figures, median};

pub use github_action_benchmark::Direction;

/// A format for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Go's benchmark format, which `benchstat` compares: a line a run, with the seed in its name, so
    /// that exact figures are compared seed by seed.
    Benchstat,
    /// The arrays that github-action-benchmark reads as `customSmallerIsBetter` or
    /// `customBiggerIsBetter`: medians over runs.
    GithubActionBenchmark(Direction),
    /// Bencher Metric Format: medians over runs, between the least and the largest.
    Bencher,
    /// A table with a row a figure.
    Csv,
}

/// Which figures are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figures {
    /// Those that are judged when a change is compared to what was before.
    Judged,
    /// All.
    All,
}

/// Stored runs in a format for other programs. Ends with a line feed.
#[must_use]
pub fn export(runs: &[RunFolder], figures: Figures, format: Format) -> String {
    let exported = Exported { runs, figures };
    match format {
        Format::Benchstat => benchstat::export(&exported),
        Format::GithubActionBenchmark(direction) => {
            github_action_benchmark::export(&exported, direction)
        }
        Format::Bencher => bencher::export(&exported),
        Format::Csv => csv::export(&exported),
    }
}

/// What is to be exported.
struct Exported<'a> {
    runs: &'a [RunFolder],
    figures: Figures,
}

/// A figure of one case over its runs.
struct Sample<'a> {
    /// Overlay, scenario, driver and nodes.
    case: String,
    figure: &'a str,
    unit: &'a str,
    better: Better,
    is_exact: bool,
    /// What runs that ended well have measured, ascending; at least one.
    values: Vec<f64>,
}

impl<'a> Exported<'a> {
    /// Every record, with the folder that it is in.
    fn records(&self) -> impl Iterator<Item = (&'a RunFolder, &'a RunRecord)> {
        self.runs.iter().flat_map(|run| run.records().iter().map(move |record| (run, record)))
    }

    /// The records of runs that ended well.
    fn whole(&self) -> impl Iterator<Item = (&'a RunFolder, &'a RunRecord)> {
        self.records().filter(|(_, record)| record.status == Status::Ok)
    }

    /// The figures of a record that are meant, in the order of the table of metrics.
    fn figures(&self, record: &'a RunRecord) -> Vec<(&'a str, &'a Value)> {
        let judged: Vec<String> = judged_figures().collect();
        let is_meant = |name: &String| match self.figures {
            Figures::All => true,
            Figures::Judged => judged.contains(name),
        };
        let names = METRICS.iter().flat_map(|metric| {
            metric.statistics.iter().map(|statistic| metric.name_of(*statistic))
        });
        let entry = |name: String| record.metrics.get_key_value(&name);
        let meant = names.filter(is_meant).filter_map(entry);
        meant.map(|(name, value)| (&**name, value)).collect()
    }

    /// Every figure of every case, over the runs that ended well; cases in the order of runs.
    fn samples(&self) -> Vec<Sample<'a>> {
        let mut samples: Vec<Sample<'a>> = Vec::new();
        let mut places: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for (_, record) in self.whole() {
            for (figure, value) in self.figures(record) {
                let Some(number) = value.value.number() else { continue };
                let case = case(record);
                let place = *places.entry((case.clone(), figure)).or_insert_with(|| {
                    samples.push(Sample {
                        case,
                        figure,
                        unit: &value.unit,
                        better: value.better,
                        is_exact: value.assume == Assume::Exact,
                        values: Vec::new(),
                    });
                    samples.len() - 1
                });
                samples[place].values.push(number);
            }
        }
        samples.iter_mut().for_each(|sample| sample.values.sort_unstable_by(f64::total_cmp));
        samples
    }
}

impl Sample<'_> {
    fn median(&self) -> f64 {
        median(self.values.iter().copied()).expect("a sample has values")
    }

    /// The least and the largest, if there are several.
    fn range(&self) -> Option<(f64, f64)> {
        match self.values[..] {
            [least, .., largest] => Some((least, largest)),
            _ => None,
        }
    }
}

fn case(record: &RunRecord) -> String {
    let key = &record.key;
    format!("{}/{}/{}/{} nodes", key.overlay, key.scenario, key.driver, key.n)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peerbench_measure::{Driver, Key, Measurement, Reading, Setup};

    use super::*;

    /// Two seeds in the simulator and two rounds on the testbed; a run that failed is among them.
    pub(super) fn runs() -> Vec<RunFolder> {
        let mut folder = RunFolder::in_memory(Setup {
            overlays: vec!["ring".into()],
            scenario: "small, \"odd\"".into(),
            scenario_yaml: String::new(),
            scenario_digest: String::new(),
            command_line: Vec::new(),
            run_again: String::new(),
        });
        let nothing = Measurement::new(Duration::from_secs(1));
        let figures = |latency, correct| {
            [
                ("lookup_latency_us_p50", Reading::Measured(latency)),
                ("lookup_correct_ratio", Reading::Measured(correct)),
                ("fetch_ratio", Reading::NotOffered),
                ("recovery_time_us", Reading::NotMeasured),
            ]
        };
        for (driver, seed, round, status, latency) in [
            (Driver::Simulator, 1, 0, Status::Ok, 250_000.0),
            (Driver::Simulator, 2, 0, Status::Ok, 260_500.25),
            (Driver::Testbed, 1, 0, Status::Ok, 251_000.0),
            (Driver::Testbed, 1, 1, Status::Ok, 253_000.0),
            (Driver::Testbed, 1, 2, Status::Failed, 0.0),
        ] {
            let (overlay, scenario) = ("ring".to_owned(), "small, \"odd\"".to_owned());
            let key = Key { overlay, scenario, driver, n: 16, seed, round };
            let mut record = RunRecord::new(key, String::new(), status, &nothing);
            let known = figures(latency, 0.5 + 0.25 * seed as f64);
            record.metrics.retain(|name, _| known.iter().any(|(figure, _)| figure == name));
            for (name, reading) in known {
                record.metrics.get_mut(name).expect("a metric").value = reading;
            }
            folder.append(&record, &nothing).expect("memory takes everything");
        }
        vec![folder]
    }

    /// The export of these runs, without what differs from machine to machine.
    pub(super) fn exported(format: Format) -> String {
        let runs = runs();
        let manifest = runs[0].manifest();
        let text = export(&runs, Figures::Judged, format).replace(&manifest.id, "RUN");
        match &manifest.git {
            Some(git) => text.replace(&git.commit, "COMMIT"),
            None => text.replace("commit: \n", "commit: COMMIT\n").replace("RUN,,", "RUN,COMMIT,"),
        }
    }

    #[test]
    fn all_figures_are_more_than_those_judged() {
        let runs = runs();
        let rows = |figures| export(&runs, figures, Format::Csv).lines().count();
        assert_eq!(rows(Figures::All), rows(Figures::Judged), "the records have no others");
    }

    #[test]
    fn nothing_is_exported_of_nothing() {
        for format in [Format::Benchstat, Format::Bencher, Format::Csv] {
            assert!(export(&[], Figures::All, format).lines().count() <= 1, "{format:?}");
        }
    }
}
