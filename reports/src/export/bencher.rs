//! Bencher Metric Format: a benchmark a case, a measure a figure.
//! <https://bencher.dev/docs/reference/bencher-metric-format>
use std::collections::BTreeMap;

use serde::Serialize;

use super::Exported;

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The median over runs, between the least and the largest.
pub(super) fn export(exported: &Exported<'_>) -> String {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
    for sample in exported.samples() {
        let range = sample.range();
        let metric = Metric {
            value: sample.median(),
            lower_value: range.map(|(least, _)| least),
            upper_value: range.map(|(_, largest)| largest),
        };
        // A measure is found by its slug, which has no underscores.
        let measure = sample.figure.replace('_', "-");
        benchmarks.entry(sample.case).or_default().insert(measure, metric);
    }
    let text = serde_json::to_string_pretty(&benchmarks);
    text.expect("numbers and texts encode") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::{exported, runs};
    use super::super::{Figures, Format, export};

    #[test]
    fn the_whole_file() {
        insta::assert_snapshot!(exported(Format::Bencher), @r#"
        {
          "ring/small, \"odd\"/simulator/16 nodes": {
            "lookup-correct-ratio": {
              "value": 0.875,
              "lower_value": 0.75,
              "upper_value": 1.0
            },
            "lookup-latency-us-p50": {
              "value": 255250.125,
              "lower_value": 250000.0,
              "upper_value": 260500.25
            }
          },
          "ring/small, \"odd\"/testbed/16 nodes": {
            "lookup-correct-ratio": {
              "value": 0.75,
              "lower_value": 0.75,
              "upper_value": 0.75
            },
            "lookup-latency-us-p50": {
              "value": 252000.0,
              "lower_value": 251000.0,
              "upper_value": 253000.0
            }
          }
        }
        "#);
    }

    /// Objects of objects of metrics, whose values are numbers; names short enough to be found by.
    #[test]
    fn it_is_of_the_published_schema() {
        let text = export(&runs(), Figures::All, Format::Bencher);
        let benchmarks: Value = serde_json::from_str(&text).expect("it is JSON");
        for (name, measures) in benchmarks.as_object().expect("an object of benchmarks") {
            assert!(!name.is_empty() && name.len() <= 1_024);
            for (measure, metric) in measures.as_object().expect("an object of measures") {
                let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(measure.chars().all(is_slug) && measure.len() <= 64, "{measure}");
                let metric = metric.as_object().expect("a metric");
                assert!(metric["value"].is_number());
                assert!(metric.values().all(Value::is_number));
            }
        }
    }

    #[test]
    fn the_names_of_all_figures_are_short_enough() {
        for metric in peerbench_measure::METRICS {
            for statistic in metric.statistics {
                assert!(metric.name_of(*statistic).len() <= 64);
            }
        }
    }
}
