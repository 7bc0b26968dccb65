//! Every mistake a person can make in a scenario, and what they are told: the message, the place
//! and the way out, as they see it. `INSTA_UPDATE=always cargo test -p peerbench-scenario` rewrites
//! the snapshots; the diff is what a reviewer reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;

use miette::{GraphicalReportHandler, GraphicalTheme};
use peerbench_scenario::{Document, Error, builtin};
use serde::Deserialize;

/// What a person sees, without colours.
fn rendered(error: &Error) -> String {
    rendered_within(100, error)
}

fn rendered_within(width: usize, error: &Error) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(width)
        .render_report(&mut text, error)
        .unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Each mistake's title, and what the person is told.
fn gallery<'a>(
    cases: impl IntoIterator<Item = (&'a str, &'a str)>,
    read: impl Fn(&str) -> Result<(), Error>,
) -> String {
    let mut text = String::new();
    for (title, case) in cases {
        let told = match read(case) {
            Ok(()) => "accepted\n".to_owned(),
            Err(error) => rendered(&error),
        };
        writeln!(text, "=== {title}\n{told}").unwrap();
    }
    text
}

fn read(text: &str) -> Result<(), Error> {
    Document::parse("mine.yaml", text)?.scenario().map(drop)
}

#[test]
fn mistakes_in_the_form() {
    let cases = [
        ("a typo", "nodes: 64\nworkload:\n  raet: 80/s\n"),
        ("a typo at the top", "noeds: 64\n"),
        ("a field in the wrong section", "nodes: 64\nrate: 80/s\n"),
        ("a field of nothing", "network: {flux_capacitor: 3}\n"),
        ("a typo in a list", "network:\n  capacities:\n    - share: 1\n      upp: 5Mbit/s\n"),
        ("a wrong unit", "workload:\n  rate: 80Hz\n"),
        ("a unit of something else", "# the µ before must not shift columns\nwarm_up: 12Mbit/s\n"),
        ("no unit", "workload:\n  timeout: 4\n"),
        ("no unit, as a text", "workload:\n  timeout: '4'\n"),
        ("a negative count", "nodes: -3\n"),
        ("a count too large", "nodes: 5000000000\n"),
        ("a fraction of a node", "nodes: 2.5\n"),
        ("a text for a number", "nodes: many\n"),
        ("a number for a switch", "workload: {fetch: 1}\n"),
        ("an unknown choice", "testbed:\n  transport: tpc\n"),
        ("a number for a choice", "testbed:\n  transport: 5\n"),
        ("a section for a choice", "start: {joined: 5}\n"),
        ("an unknown fault", "faults:\n  - at: 13s\n    action: murder\n    nodes: [1]\n"),
        ("a scalar for a list", "seeds: 1\n"),
        ("a scalar for a section", "network: cities\n"),
        ("a list for a section", "network:\n  - matrix: cities\n"),
        ("a wrong element", "seeds: [1, two, 3]\n"),
        ("an empty value", "workload:\n  rate:\n"),
        ("not a mapping", "- nodes\n- 64\n"),
        ("a key twice", "nodes: 64\nfounders: 3\nnodes: 128\n"),
        ("a bracket left open", "seeds: [1, 2\nnodes: 64\n"),
        ("a tab as indentation", "workload:\n\titems: 5\n"),
        ("bad indentation", "workload:\n  items: 5\n rate: 80/s\n"),
        ("a quote left open", "name: \"mine\nnodes: 64\n"),
        ("two documents", "nodes: 64\n---\nnodes: 65\n"),
        ("an unknown alias", "nodes: *n\n"),
        ("an empty section", "workload:\n#  items: 5\nnodes: 3\nfounders: 1\n"),
        ("nothing", ""),
    ];
    insta::assert_snapshot!(gallery(cases, read));
}

#[test]
fn mistakes_in_the_meaning() {
    let cases = [
        ("no nodes", "nodes: 0\n"),
        ("no founders", "founders: 0\n"),
        ("more founders than nodes", "nodes: 4\nfounders: 9\n"),
        ("more freeloaders than nodes", "freeloaders:\n  share: 1.5\n  strategy: no-upload\n"),
        ("a negative share", "freeloaders: {share: -0.1}\n"),
        ("not a number", "freeloaders: {share: .nan}\n"),
        ("a freeloader who does not exist", "freeloaders:\n  nodes: [3, 64]\n"),
        ("a freeloader twice", "freeloaders:\n  nodes: [3, 4, 3]\n"),
        (
            "a freeloader who publishes",
            "workload:\n  publishers: [0, 3]\nfreeloaders:\n  nodes: [2, 3]\n",
        ),
        ("no seeds", "seeds: []\n"),
        ("a seed twice", "seeds: [1, 2, 1]\n"),
        ("joins longer than the warm-up", "join: {over: 1min}\nwarm_up: 30s\n"),
        ("a round trip of nothing", "network: {uniform_round_trip: 0ms}\n"),
        (
            "shares that do not add up",
            "network:\n  capacities:\n    - {share: 0.5, up: 1Mbit/s, down: 1Mbit/s}\n    \
             - {share: 0.4, up: 9Mbit/s, down: 9Mbit/s}\n",
        ),
        ("handshakes among too many", "nodes: 100000\nnetwork:\n  handshake_round_trips: 2\n"),
        ("a matrix that is not there", "network:\n  matrix: atlantis.csv\n"),
        ("a link for a stranger", "network:\n  capacities:\n    - {nodes: [0, 64], up: 1MB/s}\n"),
        (
            "a node with two links",
            "network:\n  capacities:\n    - {nodes: [0, 1], up: 1MB/s}\n    \
             - {nodes: [1], up: 2MB/s}\n",
        ),
        ("links for some", "network:\n  capacities:\n    - {nodes: [0, 1], up: 1MB/s}\n"),
        ("items too large", "workload: {item_size: 4GiB}\n"),
        ("a publisher who does not exist", "workload:\n  publishers: [3, 64]\n"),
        ("a publisher twice", "workload:\n  publishers: [3, 3]\n"),
        ("downloads that are not fetched", "workload:\n  downloads: {arrivals: poisson}\n"),
        ("joins longer than the warm-up, which is not written", "join:\n  over: 1min\n"),
        ("a negative exponent", "workload: {popularity_exponent: -1}\n"),
        ("no copies", "workload: {copies: 0}\n"),
        ("more copies than nodes", "workload: {copies: 65}\n"),
        ("a rate of 0", "workload:\n  rate: 0/s\n"),
        ("nothing to search for", "workload: {items: 0}\n"),
        ("fetching what nobody has", "workload: {keys: random, fetch: true}\n"),
        ("no time", "workload: {timeout: 0s}\n"),
        ("too many searches", "workload: {searches: 5000000000, rate: 1000000/s}\n"),
        ("no room in a process", "testbed:\n  nodes_per_process: 0\n"),
        ("a join through no founder", "join: {through: [0, 60]}\n"),
    ];
    insta::assert_snapshot!(gallery(cases, read));
}

#[test]
fn mistakes_in_what_goes_wrong() {
    let cases = [
        ("a fault at nobody", "faults:\n  - at: 20s\n"),
        ("a fault at a stranger", "faults:\n  - {at: 20s, nodes: [1, 64]}\n"),
        ("a fault at too many", "faults:\n  - {at: 20s, share: 2}\n"),
        (
            "a node that left and comes back",
            "faults:\n  - {at: 20s, share: 0.5, action: leave, back_after: 5s}\n",
        ),
        ("a return at once", "faults:\n  - {at: 20s, share: 0.5, back_after: 0s}\n"),
        ("a return after the end", "faults:\n  - {at: 20s, share: 0.5, back_after: 1h}\n"),
        ("a fault after the end", "faults:\n  - {at: 20s, share: 0.5}\n  - {at: 1h, share: 0.5}\n"),
        ("churn of too many", "churn: {share: 1.5}\n"),
        ("churn of a stranger", "churn: {spared: [64]}\n"),
        ("churn that burns", "churn: {departure: burn}\n"),
        ("churn before all are there", "churn: {from: 10ms}\n"),
        ("churn after the end", "churn: {from: 1h}\n"),
        ("churn too fast", "churn: {sessions: {mean: 0s}}\n"),
        (
            "churn too often",
            "nodes: 100000\nchurn: {sessions: {mean: 1ms}, absences: {mean: 1ms}}\n",
        ),
        ("a law without a mean", "churn: {absences: {law: pareto, shape: 1.0}}\n"),
        ("a shape of nothing", "churn: {sessions: {shape: 2.0}}\n"),
        ("a trace that is not there", "churn: {trace: nowhere.avt}\n"),
        ("a trace that stands still", "churn: {trace: nowhere.avt, trace_speed: 0}\n"),
        ("churn until before it begins", "churn: {until: 5s}\n"),
        ("more than all lost", "network: {weather: {lost: 1.5}}\n"),
        ("a partition of too many", "network:\n  weather:\n    partitions: [{share: 2}]\n"),
        ("weather before it begins", "network: {weather: {until: 5s}}\n"),
        ("weather after the end", "network: {weather: {from: 1h}}\n"),
        ("a clock that runs backwards", "network: {weather: {drift: {factor: -1}}}\n"),
        ("an overload of less", "network: {weather: {overload: {at: 20s, factor: 1}}}\n"),
        ("an overload of nothing", "network: {weather: {overload: {at: 5s}}}\n"),
    ];
    insta::assert_snapshot!(gallery(cases, read));
}

#[test]
fn mistakes_on_the_command_line() {
    let cases = [
        ("no value", "nodes"),
        ("no path", "=5"),
        ("a gap in the path", "workload..rate=5/s"),
        ("not YAML", "seeds=[1, 2"),
        ("a typo", "workload.raet=100/s"),
        ("a typo in the section", "wrokload.rate=100/s"),
        ("a wrong unit", "workload.rate=100ms"),
        ("a wrong type", "nodes=many"),
        ("an empty value", "nodes="),
        ("through a number", "nodes.count=5"),
        ("an element of no list", "workload[0]=5"),
        ("an element too far", "network.capacities[7].share=0.5"),
        ("no number of an element", "seeds[x]=5"),
        ("an element not closed", "seeds[0=5"),
        ("a contradiction with the file", "founders=65"),
        ("shares that no longer add up", "network.capacities[0].share=0.9"),
        ("more freeloaders than nodes", "freeloaders.share=1.1"),
        ("a whole section with a typo inside", "workload={itmes: 5}"),
        ("more copies than nodes", "workload.copies=65"),
        ("a new fault, appended", "faults[0].at=1h"),
    ];
    insta::assert_snapshot!(gallery(cases, |assignment| {
        let mut document = builtin("default")?;
        document.set(assignment)?;
        document.scenario().map(drop)
    }));
}

/// An overlay's configuration, as an overlay would declare it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RingConfig {
    #[allow(dead_code)]
    successors: u32,
    #[allow(dead_code)]
    stabilize: overlay_core::units::Span,
}

#[test]
fn mistakes_in_an_overlays_section() {
    let cases = [
        ("an unknown overlay", "overlays:\n  chrod: {successors: 4}\n"),
        ("a typo", "overlays:\n  chord:\n    succesors: 4\n"),
        ("a wrong type", "overlays:\n  chord:\n    successors: four\n"),
        ("a wrong unit", "overlays:\n  chord:\n    stabilize: 5\n"),
        ("what only the overlay knows", "overlays:\n  chord:\n    successors: 0\n"),
        ("not a section", "overlays: {chord: 4}\n"),
        ("an empty section", "overlays:\n  chord:\n"),
    ];
    insta::assert_snapshot!(gallery(cases, |text| {
        let document = Document::parse("mine.yaml", text)?;
        document.scenario()?;
        document.check_overlays(&["chord", "flooding", "tracker"])?;
        let config: RingConfig = document.overlay_config("chord")?;
        if text.contains("successors: 0") && config.successors == 0 {
            return Err(document.complain(
                "overlays.chord.successors",
                "a ring without successors falls apart",
                "at least 1",
            ));
        }
        Ok(())
    }));
}

#[test]
fn mistakes_in_a_matrix_file() {
    let cases = [
        ("empty", ""),
        ("not a number", "city,Oslo,Rome\nOslo,0,fast\nRome,40,0\n"),
        ("negative", "0\t10\n10\t-1\n"),
        ("infinite", "0\tinf\n10\t0\n"),
        ("a row too short", "0\t10\t20\n10\t0\n20\t30\t0\n"),
        ("a row too long", "city,Oslo,Rome\nOslo,0,40,7\nRome,40,0\n"),
        ("rows missing", "0\t10\t20\n10\t0\t30\n"),
        ("rows too many", "0\t10\n10\t0\n20\t30\n"),
        ("rows in another order", "city,Oslo,Rome\nRome,0,40\nOslo,40,0\n"),
        ("a pair nobody can measure", "city,Oslo,Rome\nOslo,0,\nRome,nan,0\n"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("mine.yaml");
    std::fs::write(&scenario, "network: {matrix: matrix.csv}\n").unwrap();
    let mut shown = String::new();
    for (title, matrix) in cases {
        std::fs::write(folder.path().join("matrix.csv"), matrix).unwrap();
        let error = Document::read(&scenario).unwrap().scenario().unwrap_err();
        // The folder's name differs from run to run, so no line may break because of its length.
        let told = rendered_within(1_000, &error);
        writeln!(shown, "=== {title}\n{told}").unwrap();
    }
    insta::assert_snapshot!(shown.replace(&*folder.path().to_string_lossy(), "FOLDER"));
}

#[test]
fn mistakes_in_names() {
    let told = rendered(&builtin("defualt").unwrap_err());
    let missing = Document::read("nowhere/mine.yaml").unwrap_err();
    insta::assert_snapshot!(format!("{told}\n{}", rendered(&missing)));
}

#[test]
fn a_mistake_has_a_line_and_a_column() {
    let document = Document::parse("mine.yaml", "# µ\nworkload:\n  rate: 80Hz\n").unwrap();
    let error = document.scenario().unwrap_err();
    let position = error.position().unwrap();
    assert_eq!((position.name.as_str(), position.line, position.column), ("mine.yaml", 3, 9));
}

/// A file with a scenario in it, and assignments to that.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(rename = "scenario")]
    _scenario: serde_yaml::Value,
    set: Vec<String>,
}

/// Reads the scenario of a sheet with its assignments.
fn read_sheet(text: &str) -> Result<(), Error> {
    let document = Document::parse_kind("sheet", "sheet.yaml", text)?;
    let sheet: Sheet = document.read_as()?;
    let mut scenario = document.section("scenario");
    for (index, assignment) in sheet.set.iter().enumerate() {
        scenario.set_from(&document, &format!("set[{index}]"), assignment)?;
    }
    scenario.scenario().map(drop)
}

#[test]
fn mistakes_in_a_file_with_scenarios_in_it() {
    let cases = [
        ("nothing", "scenario: {nodes: 16}\nset: [warm_up=9s]\n"),
        ("a typo at the top", "scenery: {}\n"),
        ("a typo in the scenario", "scenario:\n  nodes: 16\n  wram_up: 9s\nset: []\n"),
        ("a wrong unit in it", "scenario: {nodes: 16, warm_up: 9kB}\nset: []\n"),
        ("a wrong unit in an assignment", "scenario: {}\nset:\n  - warm_up=9kB\n"),
        ("an assignment to nothing", "scenario: {}\nset:\n  - workload.raet=9/s\n"),
        ("no assignment", "scenario: {}\nset: [warm_up]\n"),
        ("an assignment in quotes", "scenario: {nodes: 8}\nset: ['warm_up=9kB']\n"),
        ("values that contradict each other", "scenario: {nodes: 8}\nset: [founders=9]\n"),
    ];
    insta::assert_snapshot!(gallery(cases, read_sheet));
}
