//! What a person sees of overlays side by side, as a whole, for every kind of comparison.
use std::time::Duration;

use overlay_core::units::BitRate;
use overlay_core::{Answer, Class, Conduct, NodeId, Role, StateSize, Time};
use peerbench_measure::{
    Counter, Driver, Group, Key, Measurement, NodeSample, RunFolder, RunRecord, Setup, Status,
    Traffic, Verdict,
};
use peerbench_reports::comparison::{Cell, ContrastScale, Row, Table};
use peerbench_reports::{Comparison, ComparisonError, compare};

const WINDOW: Duration = Duration::from_secs(25);

/// A made-up kind of overlay, and how it fares in the made-up world.
#[derive(Clone, Copy)]
struct Made {
    name: &'static str,
    /// Forward messages of its searches, at most.
    hops: u64,
    /// Of a thousand searches, how many are answered correctly.
    correct: u64,
    links: u32,
    messages: u32,
    /// How much of the load the first node carries: 1 is its share.
    first: u32,
}

const CHORD: Made =
    Made { name: "chord", hops: 7, correct: 1_000, links: 12, messages: 240, first: 1 };
const TRACKER: Made =
    Made { name: "tracker", hops: 1, correct: 1_000, links: 1, messages: 60, first: 60 };
const FLOODING: Made =
    Made { name: "flooding", hops: 4, correct: 912, links: 5, messages: 6_000, first: 2 };
const PASTRY: Made =
    Made { name: "pastry", hops: 7, correct: 1_000, links: 30, messages: 240, first: 1 };

fn scenario(rate: u32, overlays: &[Made]) -> String {
    let sections: String = overlays.iter().map(|it| format!("  {}: {{}}\n", it.name)).collect();
    format!(
        "name: cities\nnodes: 64\nseeds: [1]\nworkload:\n  rate: {rate}/s\n  items: 256\nfaults: \
         []\noverlays:\n{sections}"
    )
}

fn folder(overlays: &[Made], rate: u32) -> RunFolder {
    let scenario_yaml = scenario(rate, overlays);
    RunFolder::in_memory(Setup {
        overlays: overlays.iter().map(|it| it.name.to_owned()).collect(),
        scenario: "cities".into(),
        scenario_digest: format!("{:016x}", scenario_yaml.len() as u64 * 1_000 + u64::from(rate)),
        scenario_yaml,
        command_line: vec!["peerbench".into(), "bench".into()],
        run_again: "peerbench bench".into(),
    })
}

/// A little different for each seed, and `stretch` thousandths as slow.
fn measured(made: Made, seed: u64, stretch: u64) -> Measurement {
    let mut m = Measurement::new(WINDOW);
    // The world's doing, so the same for all overlays.
    let luck = (seed * 37) % 11;
    for search in 0..1_000u64 {
        let hops = 1 + (search * 3 + seed) % made.hops;
        let answer = Answer { by: NodeId(0), holder: None, hops: hops as u16, timeouts: 0 };
        let took = (hops * (52_000 + luck * 400) + search * 13) * stretch / 1_000;
        match search {
            _ if search < made.correct => {
                let done = Time::ZERO + Duration::from_micros(took);
                m.lookup(Time::ZERO, done, Verdict::Correct, &answer);
            }
            _ => m.lookup_failed(Time::ZERO),
        }
    }
    for node in 0..64 {
        m.node(&sample(made, node, luck as u32));
    }
    match made.name {
        "flooding" => m.not_offered(Group::Convergence),
        _ => m.converged(Some(Duration::from_millis(4_210 + seed)), 64, 64),
    }
    m.count(Counter::DroppedQueue, if made.name == "flooding" { 3 * seed } else { 0 });
    m
}

fn sample(made: Made, node: u32, luck: u32) -> NodeSample {
    let mut traffic = Traffic::default();
    let share = if node == 0 { made.first } else { 1 };
    for _ in 0..200 + luck {
        traffic.send(Class::Maintenance, 2 * made.links);
        traffic.receive(Class::Maintenance, 2 * made.links);
    }
    for _ in 0..made.messages * share {
        traffic.send(Class::Lookup, 31);
        traffic.receive(Class::Lookup, 30);
    }
    NodeSample {
        node: NodeId(node),
        conduct: Conduct::Contributor,
        role: Role::Peer,
        uplink: BitRate(0),
        alive: WINDOW,
        traffic,
        wire: None,
        state: StateSize { links: made.links + node % 3, entries: 4, bytes: 700 },
        resident_bytes: None,
        cpu: None,
    }
}

fn add(run: &mut RunFolder, made: Made, driver: Driver, seed: u64, m: &Measurement) {
    add_as(run, made, driver, (seed, 0), Status::Ok, m);
}

fn add_as(
    run: &mut RunFolder,
    made: Made,
    driver: Driver,
    (seed, round): (u64, u32),
    status: Status,
    m: &Measurement,
) {
    let scenario = "cities".into();
    let key = Key { overlay: made.name.into(), scenario, driver, n: 64, seed, round };
    let record = RunRecord::new(key, run.manifest().scenario_digest.clone(), status, m);
    run.append(&record, m).expect("memory takes everything");
}

fn simulated(overlays: &[Made], seeds: impl Iterator<Item = u64> + Clone) -> RunFolder {
    let mut run = folder(overlays, 80);
    for made in overlays {
        for seed in seeds.clone() {
            add(&mut run, *made, Driver::Simulator, seed, &measured(*made, seed, 1_000));
        }
    }
    run
}

/// What `bench` makes of three overlays: one seed on the testbed, sixteen in the simulator.
fn three() -> RunFolder {
    let overlays = [CHORD, TRACKER, FLOODING];
    let mut run = simulated(&overlays, 1..=16);
    for made in overlays {
        let mut m = measured(made, 1, 1_030);
        if made.name == "flooding" {
            m.note("overloaded: deliveries were up to 3.4 ms late at p99, which is more than 3 ms");
        }
        add(&mut run, made, Driver::Testbed, 1, &m);
    }
    run
}

fn of(run: RunFolder) -> Comparison {
    compare(&[run], None).expect("one world, and memory reads back")
}

fn row<'a>(table: &'a Table, title: &str, label: &str) -> &'a Row {
    let block = table.blocks.iter().find(|block| block.title == title);
    let row = block.and_then(|block| block.rows.iter().find(|row| row.label == label));
    row.unwrap_or_else(|| panic!("no row {title}, {label}"))
}

#[test]
fn three_overlays_on_both_drivers() {
    insta::assert_snapshot!(of(three()).terminal(100, false));
}

#[test]
fn three_overlays_in_markdown() {
    insta::assert_snapshot!(of(three()).markdown());
}

#[test]
fn four_overlays_fit_a_terminal_with_intervals_below() {
    let run = simulated(&[CHORD, TRACKER, FLOODING, PASTRY], 1..=16);
    insta::assert_snapshot!(of(run).terminal(100, false));
}

#[test]
fn too_many_overlays_for_a_terminal_are_several_tables() {
    let run = simulated(&[CHORD, TRACKER, FLOODING, PASTRY], 1..=6);
    let text = of(run).terminal(60, false);
    let headers: Vec<&str> = text.lines().filter(|line| line.contains("chord  ")).collect();
    assert_eq!(headers.len(), 3, "{text}");
}

#[test]
fn in_colour() {
    let text = of(simulated(&[CHORD, TRACKER], 1..=6)).terminal(100, true);
    let head: Vec<&str> = text.lines().take(9).collect();
    insta::assert_snapshot!(head.join("\n").replace('\u{1b}', "␛"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let several = simulated(&[CHORD, TRACKER, FLOODING, PASTRY], 1..=16);
    for comparison in [of(three()), of(several)] {
        for width in [60, 80, 100, 200] {
            let text = comparison.terminal(width, false);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.min(100)), "{widest:?} in {width}\n{text}");
        }
    }
}

#[test]
fn a_ratio_is_paired_by_seed_and_has_an_interval() {
    let comparison = of(simulated(&[CHORD, TRACKER], 1..=16));
    let latency = row(&comparison.tables[0], "lookup latency", "p99");
    let [reference, tracker] = &latency.cells[..] else { panic!("two columns") };
    assert_eq!((reference.contrast, &*reference.against), (None, ""));
    let contrast = tracker.contrast.expect("both measured it");
    assert_eq!((contrast.scale, contrast.pairs), (ContrastScale::Ratio, 16));
    let interval = contrast.interval.expect("sixteen pairs are enough");
    // A seventh, the luck of the seed having cancelled out, and what does not depend on hops.
    assert!(interval.low > 0.14 && interval.high < 0.19, "{interval:?}");
    assert!((0.95..0.96).contains(&interval.confidence), "{interval:?}");
    assert!(!contrast.tie);
}

#[test]
fn overlays_that_fare_alike_are_tied() {
    let comparison = of(simulated(&[CHORD, PASTRY], 1..=16));
    let table = &comparison.tables[0];
    assert_eq!(row(table, "lookup latency", "p50").cells[1].against, "~");
    assert_eq!(row(table, "lookup outcome", "correct").cells[1].against, "~");
    assert!(row(table, "state of a node", "links, mean").cells[1].against.starts_with('×'));
}

#[test]
fn fewer_than_six_seeds_give_no_interval() {
    for seeds in [1, 5] {
        let comparison = of(simulated(&[CHORD, TRACKER], 1..=seeds));
        let table = &comparison.tables[0];
        let cell = &row(table, "hops", "mean").cells[1];
        assert_eq!((&*cell.against, &*cell.interval), ("×0.25", ""), "{seeds}");
        insta::allow_duplicates! {
            let reading = table.reading[0].replace("5 paired seeds", "1 paired seed");
            insta::assert_snapshot!(reading, @"vs chord: ratio (×) or difference over 1 paired seed; 6 or more give an interval; ~ none told");
        }
    }
}

#[test]
fn latencies_of_different_searches_are_marked() {
    let comparison = of(simulated(&[CHORD, FLOODING, TRACKER], 1..=6));
    let table = &comparison.tables[0];
    let marked = |title, label| -> Vec<bool> {
        row(table, title, label).cells.iter().map(|cell| cell.against.ends_with('†')).collect()
    };
    assert_eq!(marked("lookup latency", "p50"), [false, true, false]);
    assert_eq!(marked("hops", "mean"), [false, true, false]);
    assert_eq!(marked("per lookup", "messages"), [false, false, false]);
    insta::assert_snapshot!(table.reading.join("\n"), @"
    vs chord: ratio (×) or difference over 6 paired seeds [96.9 % interval]; ~ none told
    † of different searches: flooding answered 91.20 % correctly, chord 100.00 %
    ");
}

#[test]
fn what_is_not_offered_or_was_not_measured_has_no_ratio() {
    let comparison = of(three());
    let convergence = row(&comparison.tables[0], "convergence", "all right after");
    assert_eq!(convergence.cells[2].value, "n/a");
    assert_eq!(convergence.cells[2].contrast, None);

    let mut run = folder(&[CHORD, TRACKER], 80);
    add(&mut run, CHORD, Driver::Testbed, 1, &measured(CHORD, 1, 1_000));
    let comparison = of(run);
    let table = &comparison.tables[0];
    let missing = Cell {
        value: "–".into(),
        number: None,
        contrast: None,
        against: String::new(),
        interval: String::new(),
    };
    assert_eq!(row(table, "lookup latency", "p50").cells[1], missing);
    assert_eq!(table.notes, ["tracker: nothing was measured"]);
}

#[test]
fn runs_that_were_cut_short_are_not_compared() {
    let mut run = folder(&[CHORD, TRACKER], 80);
    for seed in 1..=7 {
        add(&mut run, CHORD, Driver::Simulator, seed, &measured(CHORD, seed, 1_000));
        let status = if seed == 7 { Status::Interrupted } else { Status::Ok };
        let m = measured(TRACKER, seed, 1_000);
        add_as(&mut run, TRACKER, Driver::Simulator, (seed, 0), status, &m);
    }
    let comparison = of(run);
    let table = &comparison.tables[0];
    let contrast = row(table, "hops", "mean").cells[1].contrast.expect("six are whole");
    assert_eq!(contrast.pairs, 6);
    insta::assert_snapshot!(table.notes.join("\n"), @"
    not paired, only for chord: seed 7
    tracker, seed 7: interrupted, not in the table
    ");
}

#[test]
fn rounds_of_a_seed_are_pairs_too() {
    let mut run = folder(&[CHORD, TRACKER], 80);
    for round in 0..6 {
        for made in [CHORD, TRACKER] {
            let m = measured(made, 1, 1_000 + u64::from(round));
            add_as(&mut run, made, Driver::Testbed, (1, round), Status::Ok, &m);
        }
    }
    let comparison = of(run);
    let table = &comparison.tables[0];
    assert_eq!(table.title, "testbed · cities · 64 nodes · seed 1 · 6 rounds");
    assert!(table.reading[0].contains("over 6 paired runs [96.9 % interval]"));
}

#[test]
fn the_reference_is_the_first_unless_another_is_named() {
    let runs = [three()];
    let columns = |reference| {
        compare(&runs, reference).map(|comparison| comparison.tables[0].columns.clone())
    };
    assert_eq!(columns(None).expect("it is there"), ["chord", "tracker", "flooding"]);
    assert_eq!(columns(Some("flooding")).expect("it is there"), ["flooding", "chord", "tracker"]);
    let error = columns(Some("pastry")).expect_err("nobody measured it");
    insta::assert_snapshot!(error, @"the reference `pastry` is not among what was measured: chord, tracker, flooding");
}

#[test]
fn stored_runs_of_one_world_are_compared() {
    let mut second = folder(&[TRACKER, CHORD], 80);
    for seed in 3..=10 {
        add(&mut second, TRACKER, Driver::Simulator, seed, &measured(TRACKER, seed, 1_000));
        add(&mut second, CHORD, Driver::Simulator, seed, &measured(CHORD, seed, 1_100));
    }
    let runs = [simulated(&[CHORD], 1..=8), second];
    let comparison = compare(&runs, None).expect("one world");
    let table = &comparison.tables[0];
    assert_eq!(table.columns, ["chord #1", "tracker", "chord #2"]);
    insta::assert_snapshot!(table.notes.join("\n"), @"
    not paired, only for chord #1: seeds 1, 2
    not paired, only for tracker: seeds 9, 10
    not paired, only for chord #2: seeds 9, 10
    ");
    assert_eq!(comparison.sources.len(), 2);
    assert!(comparison.sources[1].starts_with(&format!("#2 {}", runs[1].manifest().id)));
    let slower = row(table, "lookup latency", "p50").cells[2].contrast.expect("six pairs");
    assert_eq!(slower.pairs, 6);
    assert!((slower.estimate - 1.1).abs() < 0.005, "{slower:?}");
}

#[test]
fn runs_of_different_worlds_are_refused_with_what_differs() {
    let mut other = folder(&[TRACKER], 100);
    add(&mut other, TRACKER, Driver::Simulator, 1, &measured(TRACKER, 1, 1_000));
    let error = compare(&[simulated(&[CHORD], 1..=2), other], None).expect_err("two worlds");
    let ComparisonError::Worlds { differences, .. } = &error else { panic!("{error}") };
    assert_eq!(differences, &["workload.rate: 80/s against 100/s"]);
    assert!(
        error
            .to_string()
            .ends_with("\n  workload.rate: 80/s against 100/s\nMeasure both in one scenario")
    );
}

#[test]
fn the_same_seed_with_another_trace_is_invalid() {
    let mut run = simulated(&[CHORD], 1..=1);
    for digest in [1, 2] {
        let mut m = measured(TRACKER, 1, 1_000);
        m.trace_digest(digest);
        add(&mut run, TRACKER, Driver::Simulator, 1, &m);
    }
    let notes = &of(run).tables[0].notes;
    assert_eq!(notes, &["tracker, seed 1: invalid, it gave different traces"]);
}

#[test]
fn one_overlay_alone_is_no_comparison() {
    let comparison = of(simulated(&[CHORD], 1..=2));
    assert!(comparison.is_empty());
    assert_eq!(comparison.terminal(100, false), "There is nothing to compare.\n");
    assert!(of(folder(&[CHORD, TRACKER], 80)).is_empty(), "nothing was measured");
}

#[test]
fn one_driver_can_be_kept() {
    let mut comparison = of(three());
    assert_eq!((comparison.tables.len(), comparison.agreements.len()), (2, 1));
    comparison.keep_driver(Driver::Simulator);
    assert_eq!((comparison.tables.len(), comparison.agreements.len()), (1, 0));
    assert_eq!(comparison.tables[0].driver, Driver::Simulator);
}
