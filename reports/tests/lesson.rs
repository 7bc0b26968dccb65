//! What a person sees of a lesson, from made-up records.
use std::time::Duration;

use peerbench_measure::{
    Driver, GroupedBy, Key, Load, Measurement, NodeGroup, Reading, RunFolder, RunRecord, Setup,
    Status, Timeline,
};
use peerbench_reports::lesson;
use peerbench_reports::lesson::{
    Against, Outline, PartOutline, RowOutline, RunOutline, Shown, Upkeep,
};

fn folder() -> RunFolder {
    RunFolder::in_memory(Setup {
        overlays: vec!["mesh".into(), "ring".into()],
        scenario: "made-up".into(),
        scenario_yaml: String::new(),
        scenario_digest: "5be1a0c2".into(),
        command_line: Vec::new(),
        run_again: "peerbench lesson made-up".into(),
    })
}

/// A record of an overlay in the cell of this name, in which these figures were found.
fn record(overlay: &str, cell: &str, seed: u64, figures: &[(&str, f64)]) -> RunRecord {
    let key = Key {
        overlay: overlay.into(),
        scenario: cell.into(),
        driver: Driver::Simulator,
        n: 64,
        seed,
        round: 0,
    };
    let nothing = Measurement::new(Duration::from_secs(20));
    let mut record = RunRecord::new(key, "5be1a0c2".into(), Status::Ok, &nothing);
    for (name, figure) in figures {
        record.metrics.get_mut(*name).expect("the metric is there").value =
            Reading::Measured(*figure);
    }
    record
}

fn add(folder: &mut RunFolder, record: &RunRecord) {
    let nothing = Measurement::new(Duration::from_secs(20));
    folder.append(record, &nothing).expect("it is kept in memory");
}

fn shown(names: &[&str]) -> Vec<Shown> {
    names.iter().map(|name| Shown::named(name).expect("the figure is there")).collect()
}

fn row(label: &str) -> RowOutline {
    RowOutline { label: label.into(), number: label.parse().ok() }
}

/// What is run for each overlay in each row: a cell named after both.
fn runs(rows: &[&str], overlays: &[&str], faults: &[u64]) -> Vec<Vec<Option<RunOutline>>> {
    let run = |row: &str, overlay: &str| RunOutline {
        overlay: overlay.into(),
        scenario: format!("{overlay} at {row}"),
        seeds: 1,
        faults: faults.iter().map(|seconds| Duration::from_secs(*seconds)).collect(),
        upkeep: None,
    };
    rows.iter().map(|row| overlays.iter().map(|it| Some(run(row, it))).collect()).collect()
}

fn outline(part: PartOutline) -> Outline {
    Outline {
        title: "Made up".into(),
        teaches: "That figures are read as they are.".into(),
        look_for: "Where one is above the other, and a sentence that is so long that it has to be \
                   broken into two lines."
            .into(),
        source: "Nobody 1999".into(),
        parts: vec![part],
    }
}

const SIZES: [&str; 5] = ["16", "64", "256", "1024", "4096"];

/// A mesh, a ring and a star that grow: in proportion, with the logarithm, and not at all.
fn growing() -> (Outline, RunFolder) {
    let overlays = ["mesh", "ring", "star"];
    let part = PartOutline {
        title: "Against the number of nodes".into(),
        vary: "nodes".into(),
        rows: SIZES.iter().map(|size| row(size)).collect(),
        columns: overlays.iter().map(|it| (*it).to_owned()).collect(),
        runs: runs(&SIZES, &overlays, &[]),
        show: shown(&["lookup_messages", "lookup_latency_us_p99", "lookup_correct_ratio"]),
        growth: shown(&["lookup_messages"]),
        against: Some(Against {
            column: 1,
            figures: shown(&["lookup_messages", "lookup_latency_us_p99", "lookup_correct_ratio"]),
        }),
        ..PartOutline::default()
    };
    let mut folder = folder();
    for (place, size) in SIZES.iter().enumerate() {
        let nodes: f64 = size.parse().expect("sizes are numbers");
        let wave = if place % 2 == 0 { 1.5 } else { 0.5 };
        let figures = |messages: f64, latency: f64, correct: f64| {
            [
                ("lookup_messages", messages),
                ("lookup_latency_us_p99", latency),
                ("lookup_correct_ratio", correct),
            ]
        };
        let found = [
            figures(0.4 * nodes, 80_000.0 * wave, 1.0),
            figures(4.0 + nodes.log2(), 80_000.0, 1.0),
            figures(2.0 - 1.0 / nodes, 40_000.0, 0.9),
        ];
        for (overlay, figures) in overlays.iter().zip(found) {
            let mut record = record(overlay, &format!("{overlay} at {size}"), 1, &figures);
            record.key.n = nodes as u32;
            add(&mut folder, &record);
        }
    }
    (outline(part), folder)
}

#[test]
fn what_grows_and_from_where_on_it_is_more() {
    let (outline, folder) = growing();
    let lesson = lesson(&outline, &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.terminal(100, false));
}

#[test]
fn in_markdown() {
    let (outline, folder) = growing();
    let lesson = lesson(&outline, &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.markdown());
}

#[test]
fn in_colour_on_a_narrow_terminal() {
    let (outline, folder) = growing();
    let lesson = lesson(&outline, &folder).expect("there are no files");
    insta::assert_debug_snapshot!(lesson.terminal(60, true).lines().take(14).collect::<Vec<_>>());
}

/// A course of twenty seconds, of ten searches each, of which so many are right.
fn course(correct: impl Fn(u64) -> u64) -> Option<Timeline> {
    let correct: Vec<u64> = (0..20).map(correct).collect();
    Some(Timeline {
        from_s: 10,
        width_s: 1,
        incorrect: vec![0; 20],
        failed: correct.iter().map(|correct| 10 - correct).collect(),
        correct,
    })
}

#[test]
fn what_a_fault_does_over_time() {
    let rows = ["killed for good", "back after 5 s"];
    let part = PartOutline {
        title: "One is killed".into(),
        rows: rows.iter().map(|label| row(label)).collect(),
        columns: vec!["star".into(), "ring".into()],
        runs: runs(&rows, &["star", "ring"], &[15, 20]),
        timeline: true,
        ..PartOutline::default()
    };
    let mut folder = folder();
    for (label, back) in rows.iter().zip([20, 10]) {
        let dip = move |second| if (5..back).contains(&second) { 0 } else { 10 };
        let mut star = record(
            "star",
            &format!("star at {label}"),
            1,
            &[("correct_before_fault", 1.0), ("correct_lowest_after_fault", 0.0)],
        );
        star.timeline = course(dip);
        if back < 20 {
            let recovery = star.metrics.get_mut("recovery_time_us").expect("it is a metric");
            recovery.value = Reading::Measured(5e6);
        }
        add(&mut folder, &star);
        let mut ring = record(
            "ring",
            &format!("ring at {label}"),
            1,
            &[
                ("correct_before_fault", 1.0),
                ("correct_lowest_after_fault", 0.9),
                ("recovery_time_us", 0.0),
            ],
        );
        ring.timeline = course(|second| if second == 5 { 9 } else { 10 });
        add(&mut folder, &ring);
    }
    let lesson = lesson(&outline(part), &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.terminal(100, false));
}

fn group(name: &str, nodes: u64, mean: f64, max: f64) -> NodeGroup {
    let load = |factor: f64| Some(Load { mean: mean * factor, max: max * factor });
    NodeGroup {
        by: GroupedBy::Uplink,
        name: name.into(),
        nodes,
        bytes_sent: load(1.0),
        bytes_received: load(1.0),
        messages: load(0.01),
        entries: None,
        links: load(0.005),
        uplink_utilisation: (name != "unlimited").then_some(Load { mean: 0.25, max: 1.125 }),
        cpu_ms_per_second: None,
    }
}

#[test]
fn who_carries_the_load_over_all_seeds() {
    let part = PartOutline {
        title: "Who carries it".into(),
        rows: vec![row("")],
        columns: vec!["mesh".into(), "star".into()],
        runs: runs(&[""], &["mesh", "star"], &[]),
        breakdown: Some(GroupedBy::Uplink),
        ..PartOutline::default()
    };
    let mut folder = folder();
    for (seed, nodes) in [(1, 10), (2, 30)] {
        let mut mesh = record("mesh", "mesh at ", seed, &[]);
        mesh.breakdown = vec![
            group("128kbit/s", nodes, seed as f64 * 1_000.0, 12_345.0),
            group("unlimited", 64 - nodes, 800.0, 900.0),
        ];
        add(&mut folder, &mesh);
    }
    let mut star = record("star", "star at ", 1, &[]);
    star.breakdown = vec![group("unlimited", 64, 12.0, 480.0)];
    add(&mut folder, &star);
    let lesson = lesson(&outline(part), &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.terminal(100, false));
}

#[test]
fn change_from_row_to_row_and_what_is_missing() {
    let rows = ["uniform", "measured", "far"];
    let mut part = PartOutline {
        title: "Where nodes are".into(),
        rows: rows.iter().map(|label| row(label)).collect(),
        columns: vec!["mesh".into(), "ring".into()],
        runs: runs(&rows, &["mesh", "ring"], &[]),
        show: shown(&["lookup_latency_us_p50", "fetch_ratio"]),
        change: shown(&["lookup_latency_us_p50"]),
        ..PartOutline::default()
    };
    part.runs[2][0] = None;
    let mut folder = folder();
    for (label, latency) in [("uniform", 100_000.0), ("measured", 123_456.0)] {
        let found = [("lookup_latency_us_p50", latency)];
        let mut ring = record("ring", &format!("ring at {label}"), 1, &found);
        ring.metrics.get_mut("fetch_ratio").expect("it is a metric").value = Reading::NotOffered;
        ring.notes = vec!["connections are not modelled".into()];
        add(&mut folder, &ring);
        let found = [("lookup_latency_us_p50", latency * latency / 1e4)];
        add(&mut folder, &record("mesh", &format!("mesh at {label}"), 1, &found));
    }
    let mut partial = record("ring", "ring at far", 1, &[("lookup_latency_us_p50", 1.0)]);
    partial.status = Status::Interrupted;
    add(&mut folder, &partial);
    let lesson = lesson(&outline(part), &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.terminal(100, false));
}

/// Half of what was to be repaired in one cell; as much as the formula has, and some more, in others.
#[test]
fn repair_beside_the_formula_and_what_uplinks_carry() {
    let (rows, columns) = (["1 minute", "1 hour"], ["small", "large"]);
    let mut part = PartOutline {
        title: "By how long nodes stay".into(),
        rows: rows.iter().map(|label| row(label)).collect(),
        columns: columns.iter().map(|it| (*it).to_owned()).collect(),
        runs: runs(&rows, &columns, &[]),
        show: shown(&["upkeep_repair_sent"]),
        repair: true,
        ..PartOutline::default()
    };
    let mut folder = folder();
    for (row, stay) in [60.0, 3_600.0].into_iter().enumerate() {
        for (column, item_bytes) in [1e3, 1e5].into_iter().enumerate() {
            let uplink = (column == 1).then_some(125_000.0);
            let upkeep =
                Upkeep { copies: 5.0, items: 1_000.0, item_bytes, nodes: 100.0, stay, uplink };
            let run = part.runs[row][column].as_mut().expect("all are run");
            run.upkeep = Some(upkeep);
            let factor = if row == 0 && column == 1 { 0.5 } else { 1.0 + 0.1 * row as f64 };
            let sent = [
                ("upkeep_repair_sent", factor * upkeep.formula()),
                ("state_entries_mean", factor.min(1.0) * 50.0),
            ];
            let cell = format!("{} at {}", columns[column], rows[row]);
            add(&mut folder, &record(columns[column], &cell, 1, &sent));
        }
    }
    let lesson = lesson(&outline(part), &folder).expect("there are no files");
    insta::assert_snapshot!(lesson.terminal(100, false));
}

#[test]
fn nothing_measured_is_nothing_shown() {
    let (outline, _) = growing();
    assert!(lesson(&outline, &folder()).expect("there are no files").is_empty());
}
