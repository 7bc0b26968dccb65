//! What github-action-benchmark reads: an array of results whose values are all better when smaller,
//! or all better when bigger. <https://github.com/benchmark-action/github-action-benchmark>
use peerbench_measure::Better;
use serde::Serialize;

use super::Exported;

/// Which results are in a file: it can have those of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// For its tool `customSmallerIsBetter`.
    Smaller,
    /// For its tool `customBiggerIsBetter`.
    Bigger,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: String,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Smaller, Self::Bigger];

    /// As files are named by it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smaller => "smaller",
            Self::Bigger => "bigger",
        }
    }

    const fn better(self) -> Better {
        match self {
            Self::Smaller => Better::Lower,
            Self::Bigger => Better::Higher,
        }
    }
}

/// A result a figure and case: the median over its runs, and from where to where they go.
pub(super) fn export(exported: &Exported<'_>, direction: Direction) -> String {
    let samples = exported.samples();
    let meant = samples.iter().filter(|sample| sample.better == direction.better());
    let entries: Vec<Entry> = meant
        .map(|sample| Entry {
            name: format!("{} · {}", sample.case, sample.figure),
            unit: sample.unit.to_owned(),
            value: sample.median(),
            range: sample.range().map(|(least, largest)| format!("{least} to {largest}")),
            extra: format!(
                "median of {}, {}",
                sample.values.len(),
                if sample.is_exact { "exact" } else { "noisy" }
            ),
        })
        .collect();
    let text = serde_json::to_string_pretty(&entries);
    text.expect("numbers and texts encode") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::exported;
    use super::*;

    #[test]
    fn the_whole_file_of_what_should_be_small() {
        let text = exported(Format::GithubActionBenchmark(Direction::Smaller));
        insta::assert_snapshot!(text, @r#"
        [
          {
            "name": "ring/small, \"odd\"/simulator/16 nodes · lookup_latency_us_p50",
            "unit": "µs",
            "value": 255250.125,
            "range": "250000 to 260500.25",
            "extra": "median of 2, exact"
          },
          {
            "name": "ring/small, \"odd\"/testbed/16 nodes · lookup_latency_us_p50",
            "unit": "µs",
            "value": 252000.0,
            "range": "251000 to 253000",
            "extra": "median of 2, noisy"
          }
        ]
        "#);
    }

    #[test]
    fn the_whole_file_of_what_should_be_big() {
        let text = exported(Format::GithubActionBenchmark(Direction::Bigger));
        insta::assert_snapshot!(text, @r#"
        [
          {
            "name": "ring/small, \"odd\"/simulator/16 nodes · lookup_correct_ratio",
            "unit": "ratio",
            "value": 0.875,
            "range": "0.75 to 1",
            "extra": "median of 2, exact"
          },
          {
            "name": "ring/small, \"odd\"/testbed/16 nodes · lookup_correct_ratio",
            "unit": "ratio",
            "value": 0.75,
            "range": "0.75 to 0.75",
            "extra": "median of 2, noisy"
          }
        ]
        "#);
    }
}
