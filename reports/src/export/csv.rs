//! A tidy table as RFC 4180 writes it: a row a figure, with everything that it is about. What was not
//! measured is empty; what the overlay does not offer is `n/a`. Runs that did not end well are in it,
//! with how they ended.
use peerbench_measure::{Assume, Reading};

use super::Exported;

const HEADER: &str =
    "run,commit,overlay,scenario,driver,nodes,seed,round,status,figure,unit,better,assume,value\n";

pub(super) fn export(exported: &Exported<'_>) -> String {
    let mut text = HEADER.to_owned();
    for (run, record) in exported.records() {
        let manifest = run.manifest();
        let key = &record.key;
        let common = [
            manifest.id.clone(),
            manifest.git.as_ref().map(|git| git.commit.clone()).unwrap_or_default(),
            key.overlay.clone(),
            key.scenario.clone(),
            key.driver.to_string(),
            key.n.to_string(),
            key.seed.to_string(),
            key.round.to_string(),
            record.status.to_string(),
        ];
        for (figure, value) in exported.figures(record) {
            let assume = match value.assume {
                Assume::Exact => "exact",
                Assume::Noisy => "noisy",
            };
            let found = match value.value {
                Reading::Measured(number) => number.to_string(),
                Reading::NotMeasured => String::new(),
                Reading::NotOffered => "n/a".to_owned(),
            };
            let own = [figure, &value.unit, &value.better.to_string(), assume, &found];
            let fields = common.iter().map(String::as_str).chain(own);
            let fields: Vec<String> = fields.map(field).collect();
            text.push_str(&fields.join(","));
            text.push('\n');
        }
    }
    text
}

/// In quotes where it would be taken for something else.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::exported;

    #[test]
    fn the_whole_table() {
        insta::assert_snapshot!(exported(Format::Csv), @r#"
        run,commit,overlay,scenario,driver,nodes,seed,round,status,figure,unit,better,assume,value
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,1,0,ok,lookup_correct_ratio,ratio,higher,exact,0.75
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,1,0,ok,lookup_latency_us_p50,µs,lower,exact,250000
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,1,0,ok,fetch_ratio,ratio,higher,exact,n/a
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,1,0,ok,recovery_time_us,µs,lower,exact,
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,2,0,ok,lookup_correct_ratio,ratio,higher,exact,1
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,2,0,ok,lookup_latency_us_p50,µs,lower,exact,260500.25
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,2,0,ok,fetch_ratio,ratio,higher,exact,n/a
        RUN,COMMIT,ring,"small, ""odd""",simulator,16,2,0,ok,recovery_time_us,µs,lower,exact,
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,0,ok,lookup_correct_ratio,ratio,higher,noisy,0.75
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,0,ok,lookup_latency_us_p50,µs,lower,noisy,251000
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,0,ok,fetch_ratio,ratio,higher,noisy,n/a
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,0,ok,recovery_time_us,µs,lower,noisy,
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,1,ok,lookup_correct_ratio,ratio,higher,noisy,0.75
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,1,ok,lookup_latency_us_p50,µs,lower,noisy,253000
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,1,ok,fetch_ratio,ratio,higher,noisy,n/a
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,1,ok,recovery_time_us,µs,lower,noisy,
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,2,failed,lookup_correct_ratio,ratio,higher,noisy,0.75
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,2,failed,lookup_latency_us_p50,µs,lower,noisy,0
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,2,failed,fetch_ratio,ratio,higher,noisy,n/a
        RUN,COMMIT,ring,"small, ""odd""",testbed,16,1,2,failed,recovery_time_us,µs,lower,noisy,
        "#);
    }
}
