//! What runs say about themselves, where there are many of them: each kind of note once.
use std::collections::BTreeMap;

use peerbench_measure::RunRecord;

/// Notes that differ in nothing but numbers.
struct Kind<'a> {
    /// The first of them.
    example: &'a str,
    runs: usize,
    /// Whether there are others than the example.
    varies: bool,
}

/// Each kind of note, with how many of the runs have it, in the order of their words.
pub(crate) fn folded<'a>(records: impl Iterator<Item = &'a RunRecord>) -> Vec<String> {
    let mut kinds: BTreeMap<String, Kind<'a>> = BTreeMap::new();
    let mut runs = 0;
    for record in records {
        runs += 1;
        let mut of_run: Vec<String> = Vec::new();
        for note in &record.notes {
            let words = without_numbers(note);
            let kind = kinds.entry(words.clone()).or_insert(Kind {
                example: note,
                runs: 0,
                varies: false,
            });
            kind.varies |= kind.example != note;
            if !of_run.contains(&words) {
                kind.runs += 1;
                of_run.push(words);
            }
        }
    }
    let line = |Kind { example, runs: with, varies }: Kind<'_>| {
        let more = if varies { " (and more like it)" } else { "" };
        format!("{with} of {runs} runs: {example}{more}")
    };
    kinds.into_values().map(line).collect()
}

/// The note without numbers, names that have numbers in them, and what their plural ends with.
fn without_numbers(note: &str) -> String {
    let word = |word: &str| match word.contains(|it: char| it.is_ascii_digit()) {
        true => "…".to_owned(),
        false => word.trim_end_matches('s').to_owned(),
    };
    note.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peerbench_measure::{Driver, Key, Measurement, Status};

    use super::*;

    fn run(notes: &[&str]) -> RunRecord {
        let (overlay, scenario) = (String::new(), String::new());
        let key = Key { overlay, scenario, driver: Driver::Simulator, n: 1, seed: 1, round: 0 };
        let nothing = Measurement::new(Duration::from_secs(1));
        let mut record = RunRecord::new(key, String::new(), Status::Ok, &nothing);
        record.notes = notes.iter().map(|note| (*note).to_owned()).collect();
        record
    }

    #[test]
    fn notes_that_differ_in_numbers_alone_are_one() {
        let runs = [
            run(&["1 download of item 3cd9 did not finish", "the machine was overloaded"]),
            run(&[
                "7 downloads of item 09a1 did not finish",
                "2 downloads of item 1f did not finish",
            ]),
            run(&[]),
        ];
        assert_eq!(
            folded(runs.iter()),
            [
                "1 of 3 runs: the machine was overloaded",
                "2 of 3 runs: 1 download of item 3cd9 did not finish (and more like it)",
            ]
        );
        assert!(folded([].into_iter()).is_empty());
    }
}
