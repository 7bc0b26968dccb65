//! Go's benchmark format, as `benchstat` reads it: <https://go.dev/design/14313-benchmark-format> and
//! the metadata of units of `golang.org/x/perf/benchfmt`.
use std::collections::BTreeMap;

use peerbench_measure::{Assume, Better, RunRecord};

use super::Exported;

/// A line a run. The unit is the figure's name; a file has one statement about a unit, so a figure is
/// exact where it is in all runs of the file.
pub(super) fn export(exported: &Exported<'_>) -> String {
    let mut units: BTreeMap<&str, (Better, bool)> = BTreeMap::new();
    let mut order = Vec::new();
    let mut text = String::new();
    let mut configured = (String::new(), String::new());
    let mut lines = String::new();
    for (run, record) in exported.whole() {
        let mut values = String::new();
        for (figure, value) in exported.figures(record) {
            let Some(number) = value.value.number() else { continue };
            values.push_str(&format!("\t{number} {figure}"));
            let is_exact = value.assume == Assume::Exact;
            let unit = units.entry(figure).or_insert_with(|| {
                order.push(figure);
                (value.better, true)
            });
            unit.1 &= is_exact;
        }
        let commit = run.manifest().git.as_ref().map(|it| it.commit.clone()).unwrap_or_default();
        let now = (run.manifest().id.clone(), commit);
        if !values.is_empty() && now != configured {
            lines.push_str(&format!("run: {}\ncommit: {}\n\n", now.0, now.1));
            configured = now;
        }
        if !values.is_empty() {
            lines.push_str(&format!("{}\t1{values}\n", name(record)));
        }
    }
    for figure in order {
        let (better, is_exact) = units[figure];
        let assume = if is_exact { "exact" } else { "nothing" };
        match better {
            Better::Neither => text.push_str(&format!("Unit {figure} assume={assume}\n")),
            better => text.push_str(&format!("Unit {figure} assume={assume} better={better}\n")),
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text + &lines
}

/// The seed is a part of the name, as a seed is another world; a round is the same run again.
fn name(record: &RunRecord) -> String {
    let key = &record.key;
    let part = |text: &str| -> String {
        let plain = |c: char| if c.is_whitespace() || c == '/' { '_' } else { c };
        text.chars().map(plain).collect()
    };
    format!(
        "BenchmarkOverlay/overlay={}/scenario={}/driver={}/nodes={}/seed={}",
        part(&key.overlay),
        part(&key.scenario),
        key.driver,
        key.n,
        key.seed
    )
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::exported;

    #[test]
    fn the_whole_text() {
        let text = exported(Format::Benchstat);
        insta::assert_snapshot!(text, @r#"
        Unit lookup_correct_ratio assume=nothing better=higher
        Unit lookup_latency_us_p50 assume=nothing better=lower

        run: RUN
        commit: COMMIT

        BenchmarkOverlay/overlay=ring/scenario=small,_"odd"/driver=simulator/nodes=16/seed=1	1	0.75 lookup_correct_ratio	250000 lookup_latency_us_p50
        BenchmarkOverlay/overlay=ring/scenario=small,_"odd"/driver=simulator/nodes=16/seed=2	1	1 lookup_correct_ratio	260500.25 lookup_latency_us_p50
        BenchmarkOverlay/overlay=ring/scenario=small,_"odd"/driver=testbed/nodes=16/seed=1	1	0.75 lookup_correct_ratio	251000 lookup_latency_us_p50
        BenchmarkOverlay/overlay=ring/scenario=small,_"odd"/driver=testbed/nodes=16/seed=1	1	0.75 lookup_correct_ratio	253000 lookup_latency_us_p50
        "#);
    }

    /// The grammar of the format, as its design document states it.
    #[test]
    fn every_line_is_one_that_benchstat_knows() {
        let text = exported(Format::Benchstat);
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(unit) = line.strip_prefix("Unit ") {
                let mut words = unit.split(' ');
                assert!(words.next().is_some_and(|unit| !unit.contains('=')), "{line}");
                for word in words {
                    let known = ["assume=exact", "assume=nothing", "better=lower", "better=higher"];
                    assert!(known.contains(&word), "{line}");
                }
            } else if let Some(name) = line.strip_prefix("Benchmark") {
                let words: Vec<&str> = name.split_whitespace().collect();
                assert!(words[0].starts_with(|c: char| !c.is_lowercase()), "{line}");
                assert!(words[1].parse::<u64>().is_ok() && words.len().is_multiple_of(2), "{line}");
                assert!(words.len() >= 4, "at least one value: {line}");
                assert!(words[2..].chunks(2).all(|it| it[0].parse::<f64>().is_ok()), "{line}");
            } else {
                let (key, _) = line.split_once(": ").expect("a configuration line");
                assert!(key.starts_with(char::is_lowercase), "{line}");
                assert!(!key.contains(|c: char| c.is_whitespace() || c.is_uppercase()), "{line}");
            }
        }
    }
}
