//! What a person sees of a grid of parameters, from made-up records.
use std::time::Duration;

use peerbench_measure::{Driver, Key, Measurement, Reading, RunFolder, RunRecord, Setup, Status};
use peerbench_reports::sweep::{
    Combination, DEFAULT_X, DEFAULT_Y, Field, Outline, View, axis, sweep,
};
use peerbench_reports::{Page, Sweep};

const LINKS: [&str; 3] = ["4", "8", "16"];
const PERIODS: [&str; 2] = ["1s", "4s"];
const NODES: [&str; 2] = ["64", "256"];

fn setup() -> Setup {
    Setup {
        overlays: vec!["ring".into(), "rumour".into()],
        scenario: "made-up".into(),
        scenario_yaml: "name: made-up".into(),
        scenario_digest: "5be1a0c2".into(),
        command_line: Vec::new(),
        run_again: "peerbench sweep ring rumour --nodes 64,256".into(),
    }
}

fn outline() -> Outline {
    let field = |path: &str, overlay: Option<&str>, values: &[&str]| Field {
        path: path.into(),
        label: path.rsplit('.').next().unwrap_or(path).into(),
        overlay: overlay.map(str::to_owned),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let fields = vec![
        field("overlays.ring.links", Some("ring"), &LINKS),
        field("overlays.ring.period", Some("ring"), &PERIODS),
        field("nodes", None, &NODES),
    ];
    let mut outline = Outline {
        world: "made-up".into(),
        driver: Driver::Simulator,
        seeds: vec![1, 2, 3],
        overlays: vec!["ring".into(), "rumour".into()],
        fields,
        points: Vec::new(),
        view: View { x: DEFAULT_X.into(), y: DEFAULT_Y.into(), correct_at_least: 0.99 },
    };
    for nodes in 0..NODES.len() {
        for links in 0..LINKS.len() {
            for period in 0..PERIODS.len() {
                add(&mut outline, "ring", vec![Some(links), Some(period), Some(nodes)]);
            }
        }
        add(&mut outline, "rumour", vec![None, None, Some(nodes)]);
    }
    outline
}

fn add(outline: &mut Outline, overlay: &str, choices: Vec<Option<usize>>) {
    let digest = format!("{choices:?}");
    let point = Combination { overlay: overlay.into(), scenario: String::new(), digest, choices };
    let scenario = format!("made-up with {}", outline.words(&point));
    outline.points.push(Combination { scenario, ..point });
}

/// What is found at a combination: more links cost more and help; a long period costs less, and with
/// few links too much is wrong.
fn figures(point: &Combination, seed: u64) -> [(&'static str, f64); 4] {
    let luck = 1.0 + 0.01 * seed as f64;
    let nodes = [1.0, 1.4][point.choices[2].unwrap_or(0)];
    let [cost, latency, correct, links] = match (point.choices[0], point.choices[1]) {
        (Some(links), Some(period)) => {
            let many = [4.0, 8.0, 16.0][links];
            let correct = if (links, period) == (0, 1) { 0.97 } else { 1.0 };
            [50.0 + many * [6.0, 2.0][period], 9e5 / many + 4e5, correct, many + 5.0]
        }
        _ => [900.0, 3e5, 0.995, 18.0],
    };
    [
        (DEFAULT_X, cost * nodes),
        (DEFAULT_Y, latency * nodes * luck),
        ("lookup_correct_ratio", correct),
        ("state_links_mean", links),
    ]
}

/// The runs of a grid, all but those that are left out.
fn folder(outline: &Outline, is_done: impl Fn(&Combination, u64) -> bool) -> RunFolder {
    let mut folder = RunFolder::in_memory(setup());
    let nothing = Measurement::new(Duration::from_secs(20));
    for point in &outline.points {
        for seed in outline.seeds.iter().copied().filter(|seed| is_done(point, *seed)) {
            let key = Key {
                overlay: point.overlay.clone(),
                scenario: point.scenario.clone(),
                driver: Driver::Simulator,
                n: 64,
                seed,
                round: 0,
            };
            let mut record = RunRecord::new(key, point.digest.clone(), Status::Ok, &nothing);
            for (name, figure) in figures(point, seed) {
                record.metrics.get_mut(name).expect("the metric is there").value =
                    Reading::Measured(figure);
            }
            folder.append(&record, &nothing).expect("it is kept in memory");
        }
    }
    folder
}

fn all() -> (Outline, Sweep) {
    let outline = outline();
    let found = sweep(&outline, &folder(&outline, |_, _| true)).expect("it is in memory");
    (outline, found)
}

#[test]
fn pictures_tables_and_conclusions() {
    let (outline, found) = all();
    insta::assert_snapshot!(found.terminal(&outline, 100, false));
}

#[test]
fn a_grid_in_markdown() {
    let markdown = all().1.markdown();
    // What follows is of the machine that runs this.
    let shown = markdown.split("<details>").next();
    insta::assert_snapshot!(shown.expect("there is something before everything"));
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_shown() {
    let outline = outline();
    let folder = folder(&outline, |point, seed| point.overlay == "ring" && seed < 3);
    let found = sweep(&outline, &folder).expect("it is in memory");
    assert_eq!(found.notes, ["24 of 42 runs were finished; the others are missing"]);
    assert!(found.worlds.iter().all(|world| world.overlays.len() == 1));
    let nothing = sweep(&outline, &RunFolder::in_memory(setup())).expect("it is in memory");
    assert!(nothing.is_empty());
    assert_eq!(nothing.terminal(&outline, 80, false), "Nothing was measured.\n");
}

#[test]
fn hollow_points_are_no_part_of_a_hull_and_worlds_are_apart() {
    let (_, found) = all();
    assert_eq!(found.worlds.len(), 2);
    for world in &found.worlds {
        let ring = &world.overlays[0];
        let hollow: Vec<_> = ring.points.iter().filter(|point| !point.is_sound).collect();
        assert_eq!(hollow.len(), 1);
        let place = hollow[0].place.expect("it was measured");
        assert!(!ring.hull.has(place), "the cheapest of all, and wrong too often");
        for point in ring.points.iter().filter(|point| point.is_sound) {
            let (cost, latency) = point.place.expect("it was measured");
            assert!(ring.hull.height(cost).is_some_and(|height| latency >= height - 1e-9));
        }
    }
}

#[test]
fn the_picture_and_the_page_hold_the_points() {
    let (outline, found) = all();
    let page = Page::of_sweep(&outline, &folder(&outline, |_, _| true)).expect("it is in memory");
    let html = page.html();
    for world in &found.worlds {
        let points = world.overlays.iter().flat_map(|it| &it.points);
        let drawn = world.chart.series.iter().filter(|series| series.name != "ring: best choices");
        let drawn: usize = drawn.map(|series| series.points.len()).sum();
        assert_eq!(drawn, points.clone().count());
        for (x, _) in points.filter_map(|point| point.place) {
            assert!(found.picture().contains(&format!("{:.1},", x).replace(".0,", ",")), "{x}");
            assert!(html.contains(&format!("{:.1},", x).replace(".0,", ",")), "{x}");
        }
    }
    assert!(html.contains("matters most"));
}

#[test]
fn grids_differ_by_what_is_run_and_not_by_how_it_is_shown() {
    let one = outline();
    let mut other = outline();
    other.view.correct_at_least = 0.5;
    assert_eq!(one.difference(&other), None);
    other.seeds.push(4);
    let seeds = "the seeds are 1, 2, 3 there and 1, 2, 3, 4 here";
    assert_eq!(one.difference(&other).as_deref(), Some(seeds));
    other.fields[1].values.pop();
    let values = "the values of overlays.ring.period are 1s, 4s there and 1s here";
    assert_eq!(one.difference(&other).as_deref(), Some(values));
    let mut other = outline();
    other.points[0].digest.push('x');
    let fields = "other fields of the scenario have other values";
    assert_eq!(one.difference(&other).as_deref(), Some(fields));
}

#[test]
fn only_figures_of_which_less_is_better_are_axes() {
    assert_eq!(axis("lookup_latency_us_p99"), Ok(()));
    assert!(axis("lookup_correct_ratio").is_err() && axis("lookup_latency_us").is_err());
}
