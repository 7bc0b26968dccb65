//! What a person sees of freeloaders, from made-up records.
use std::time::Duration;

use peerbench_measure::{Driver, Key, Measurement, Reading, RunFolder, RunRecord, Setup, Status};
use peerbench_reports::freeloading::{Freeloading, Outline, Step, freeloading};

const SHARES: [f64; 4] = [0.0, 0.1, 0.25, 0.5];

fn setup() -> Setup {
    Setup {
        overlays: vec!["swarm".into(), "index".into()],
        scenario: "made-up".into(),
        scenario_yaml: "name: made-up".into(),
        scenario_digest: "5be1a0c2".into(),
        command_line: Vec::new(),
        run_again: "peerbench freeloaders --scenario made-up.yaml".into(),
    }
}

fn outline(seeds: usize) -> Outline {
    let step = |share: &f64| Step { share: *share, scenario: format!("made-up at {share}") };
    Outline {
        world: "made-up".into(),
        strategy: "no-upload".into(),
        nodes: 64,
        seeds,
        driver: Driver::Simulator,
        overlays: vec!["swarm".into(), "index".into()],
        steps: SHARES.iter().map(step).collect(),
        left_out: vec!["rumour does not know no-upload".into()],
    }
}

/// A record in which these figures were found.
fn record(overlay: &str, share: f64, seed: u64, figures: &[(&str, f64)]) -> RunRecord {
    let key = Key {
        overlay: overlay.into(),
        scenario: format!("made-up at {share}"),
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

/// A swarm that slows down but serves all, and freeloaders last; an index with which it is luck.
fn runs(seeds: u64) -> (Outline, RunFolder) {
    let mut folder = RunFolder::in_memory(setup());
    let nothing = Measurement::new(Duration::from_secs(20));
    for seed in 1..=seeds {
        let luck = 1.0 + 0.01 * seed as f64;
        for share in SHARES {
            let swarm = 1e6 * luck * (1.0 + share * share);
            let index = 2e6 / luck;
            for (overlay, time, penalty, fetched) in [
                ("swarm", swarm, 1.0 + 2.0 * share * luck, 1.0),
                ("index", index, 1.0 - 0.1 * share, 1.0 - share),
            ] {
                let mut figures = vec![
                    ("lookup_correct_ratio", 1.0),
                    ("fetch_ratio", fetched),
                    ("fetch_time_contributors_us_p50", time),
                    ("fetch_time_contributors_us_max", 3.0 * time),
                ];
                if share > 0.0 {
                    figures.extend([
                        ("freeloader_penalty", penalty),
                        ("fetch_time_freeloaders_us_p50", time * penalty),
                        ("free_ride", 1_000.0),
                        ("free_ride_from_publishers", 900.0),
                        ("free_ride_from_others", 100.0),
                    ]);
                }
                let mut record = record(overlay, share, seed, &figures);
                if overlay == "index" && share == 0.5 {
                    record.notes.push("somebody got stuck".into());
                }
                folder.append(&record, &nothing).expect("it is kept in memory");
            }
        }
    }
    (outline(seeds as usize), folder)
}

fn shown(seeds: u64) -> Freeloading {
    let (outline, folder) = runs(seeds);
    freeloading(&outline, &folder).expect("everything is in memory")
}

#[test]
fn tables_curves_and_conclusions() {
    insta::assert_snapshot!(shown(8).terminal(100, false));
}

#[test]
fn a_narrow_terminal_in_colour() {
    insta::assert_snapshot!(shown(8).terminal(80, true));
}

#[test]
fn one_seed_has_no_intervals() {
    insta::assert_snapshot!(shown(1).terminal(100, false));
}

#[test]
fn in_markdown_conclusions_come_first_and_the_picture_is_linked() {
    let markdown = shown(8).markdown();
    let (before, _) = markdown.split_once("<details>").expect("the circumstances are folded");
    insta::assert_snapshot!(before);
}

#[test]
fn the_picture_has_a_line_for_each_overlay_and_a_style_for_dark_paper() {
    let picture = shown(8).picture();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    for text in
        ["swarm", "index", "penalty of freeloaders", "slowdown of contributors", "freeloaders"]
    {
        assert!(picture.contains(text), "{text}");
    }
    assert!(picture.contains("prefers-color-scheme:dark"));
    assert_eq!(picture, shown(8).picture(), "the same runs, another picture");
}

#[test]
fn what_is_missing_is_said_and_what_nobody_ran_is_not_shown() {
    let (outline, _) = runs(2);
    let nothing = Measurement::new(Duration::from_secs(20));
    let mut folder = RunFolder::in_memory(setup());
    let figures = [("fetch_ratio", 0.5), ("lookup_correct_ratio", 1.0)];
    folder.append(&record("swarm", 0.0, 1, &figures), &nothing).expect("it is kept in memory");
    let shown = freeloading(&outline, &folder).expect("everything is in memory");
    insta::assert_snapshot!(shown.terminal(100, false));
    let empty = freeloading(&outline, &RunFolder::in_memory(setup()));
    assert!(empty.expect("everything is in memory").is_empty());
}

#[test]
fn an_outline_is_stored_beside_its_runs_and_read_again() {
    let runs = tempfile::tempdir().expect("there is room");
    let outline = outline(3);
    let folder = RunFolder::create(runs.path(), setup()).expect("there is room");
    assert_eq!(Outline::stored(&folder).expect("it is readable"), None);
    outline.store(&folder).expect("there is room");
    assert_eq!(Outline::stored(&folder).expect("it is readable"), Some(outline));
}
