//! That the gate tells the truth: about equal programs, about changes of known size, and about
//! everything that keeps two runs from being compared; and what a person sees of it.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use overlay_core::{Purpose, Random};
use peerbench_measure::{
    Better, Driver, Key, Measurement, Reading, RunFolder, RunRecord, SCHEMA, Setup, Status,
};
use peerbench_reports::gate::{
    Baseline, BaselineError, Case, Gate, Row, Side, Verdict, judge, list,
};

/// What a run of a case is made of.
#[derive(Clone)]
struct Made {
    overlay: &'static str,
    scenario: &'static str,
    seed: u64,
    status: Status,
    /// What the world is.
    world: &'static str,
    trace: u64,
    figures: BTreeMap<&'static str, Reading>,
}

/// Figures of a run as a seed has them, each near to what an overlay may show.
fn made(overlay: &'static str, scenario: &'static str, seed: u64) -> Made {
    let luck = |salt: u64| ((seed * 7_919 + salt * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
    let near = |size: f64, spread: f64, salt| Reading::Measured(size * (1.0 + spread * luck(salt)));
    Made {
        overlay,
        scenario,
        seed,
        status: Status::Ok,
        world: "00000000000000aa",
        trace: seed,
        figures: [
            ("lookup_correct_ratio", Reading::Measured(1.0 - 0.001 * (seed % 3) as f64)),
            ("lookup_latency_us_p50", near(250_000.0, 0.2, 1)),
            ("lookup_latency_us_p99", near(900_000.0, 0.4, 2)),
            ("lookup_hops_mean", near(2.5, 0.02, 3)),
            ("lookup_messages", near(5.0, 0.02, 4)),
            ("lookup_bytes", near(113.0, 0.02, 5)),
            ("state_links_mean", Reading::Measured(11.5)),
            ("bandwidth_sent_mean", near(142.0, 0.03, 6)),
            ("load_sent_gini", near(0.29, 0.05, 7)),
            ("convergence_time_us", near(6_500_000.0, 0.1, 8)),
            ("recovery_time_us", Reading::NotMeasured),
            ("fetch_ratio", Reading::NotOffered),
        ]
        .into(),
    }
}

/// Two overlays in two scenarios each under sixteen seeds.
fn all() -> Vec<Made> {
    let mut runs = Vec::new();
    for overlay in ["chord", "tracker"] {
        for scenario in ["steady", "swarm"] {
            runs.extend((1..=16).map(|seed| made(overlay, scenario, seed)));
        }
    }
    runs
}

fn run(status: Option<Status>, all: &[Made]) -> RunFolder {
    run_of("nodes: 64\noverlays: {}\n", status, all)
}

fn run_of(scenario: &str, status: Option<Status>, all: &[Made]) -> RunFolder {
    let mut folder = RunFolder::in_memory(Setup {
        overlays: vec!["chord".into(), "tracker".into()],
        scenario: "baselines".into(),
        scenario_yaml: scenario.into(),
        scenario_digest: all.first().map_or("", |made| made.world).into(),
        command_line: Vec::new(),
        run_again: String::new(),
    });
    let nothing = Measurement::new(Duration::from_secs(1));
    for made in all {
        let key = Key {
            overlay: made.overlay.into(),
            scenario: made.scenario.into(),
            driver: Driver::Simulator,
            n: 64,
            seed: made.seed,
            round: 0,
        };
        let mut record = RunRecord::new(key, made.world.into(), made.status, &nothing);
        record.trace_digest = Some(format!("{:016x}", made.trace));
        for (name, reading) in &made.figures {
            record.metrics.get_mut(*name).expect("a metric").value = *reading;
        }
        folder.append(&record, &nothing).expect("memory takes everything");
    }
    if let Some(status) = status {
        folder.finish(status).expect("memory takes everything");
    }
    folder
}

fn named(name: &str, folder: &RunFolder) -> Side {
    let mut side = Side::of_run(folder);
    side.name = name.into();
    side
}

fn side(name: &str, all: &[Made]) -> Side {
    named(name, &run(Some(Status::Ok), all))
}

/// The baselines that a run becomes.
fn accepted(all: &[Made]) -> Side {
    let baselines = Baseline::all_of(&side("now", all)).expect("it is sound");
    Side::of_baselines("reports/baselines", &baselines)
}

fn judged(before: &[Made], after: &[Made]) -> Gate {
    judge(&accepted(before), &side("now", after))
}

/// The runs as a change of the program makes them: of these cases alone, with other traces.
fn changed(is_changed: impl Fn(&Made) -> bool, change: impl Fn(&mut Made)) -> Vec<Made> {
    let mut runs = all();
    for made in runs.iter_mut().filter(|made| is_changed(made)) {
        made.trace += 1_000;
        change(made);
    }
    runs
}

fn times(made: &mut Made, figure: &'static str, factor: f64) {
    let number = made.figures[figure].number().expect("it was measured");
    made.figures.insert(figure, Reading::Measured(number * factor));
}

fn case<'a>(gate: &'a Gate, overlay: &str, scenario: &str) -> &'a Case {
    let is_it = |case: &&Case| case.name.overlay == overlay && case.name.scenario == scenario;
    gate.cases.iter().find(is_it).expect("there is such a case")
}

fn row<'a>(gate: &'a Gate, figure: &str) -> &'a Row {
    let rows = &case(gate, "chord", "steady").rows;
    rows.iter().find(|row| row.figure == figure).unwrap_or_else(|| panic!("no {figure}"))
}

fn is_steady_chord(made: &Made) -> bool {
    (made.overlay, made.scenario) == ("chord", "steady")
}

/// Chord loses a hundredth more, and every lookup takes a message more; the tracker is reshuffled.
fn worse() -> Gate {
    let mut after = changed(is_steady_chord, |made| {
        times(made, "lookup_messages", 1.2);
        times(made, "lookup_correct_ratio", 0.99);
        times(made, "lookup_bytes", 1.004);
        times(made, "load_sent_gini", 0.9);
        times(made, "lookup_hops_mean", if made.seed.is_multiple_of(2) { 1.01 } else { 0.99 });
    });
    for made in after.iter_mut().filter(|made| made.overlay == "tracker") {
        made.trace += 1_000;
        times(made, "lookup_latency_us_p50", if made.seed.is_multiple_of(2) { 1.02 } else { 0.99 });
    }
    judged(&all(), &after)
}

#[test]
fn equal_runs_are_identical() {
    let gate = judged(&all(), &all());
    assert_eq!(gate.verdict, Verdict::Identical);
    assert!(gate.cases.iter().all(|case| case.verdict == Verdict::Identical && case.equal == 16));
    insta::assert_snapshot!("identical", gate.terminal(100, false));
    insta::assert_snapshot!("identical_markdown", gate.markdown());
}

#[test]
fn what_is_worse_is_named_with_its_size() {
    let gate = worse();
    assert_eq!(gate.verdict, Verdict::Worse);
    let verdict = |figure| row(&gate, figure).verdict;
    assert_eq!(verdict("lookup_messages"), Verdict::Worse);
    assert_eq!(verdict("lookup_correct_ratio"), Verdict::Worse);
    assert_eq!(verdict("lookup_bytes"), Verdict::Shifted);
    assert_eq!(verdict("load_sent_gini"), Verdict::Better);
    assert_eq!(verdict("lookup_hops_mean"), Verdict::Reshuffled);
    assert_eq!(verdict("state_links_mean"), Verdict::Identical);
    assert!((row(&gate, "lookup_messages").change.estimate - 1.2).abs() < 1e-9);
    assert_eq!(case(&gate, "tracker", "steady").verdict, Verdict::Reshuffled);
    assert_eq!(case(&gate, "chord", "swarm").verdict, Verdict::Identical);
    insta::assert_snapshot!("worse", gate.terminal(100, false));
    insta::assert_snapshot!("worse_markdown", gate.markdown());
    insta::assert_snapshot!("worse_json", gate.json());
}

#[test]
fn in_colour() {
    let text = worse().terminal(100, true);
    let tail: Vec<&str> = text.lines().filter(|line| line.contains("worse")).collect();
    insta::assert_snapshot!(tail.join("\n").replace('\u{1b}', "␛"));
}

#[test]
fn two_percent_more_bytes_are_found_and_half_a_percent_is_tolerated() {
    for (factor, expected) in [
        (1.02, Verdict::Worse),
        (1.005, Verdict::Shifted),
        (0.995, Verdict::Shifted),
        (0.98, Verdict::Better),
    ] {
        let after = changed(is_steady_chord, |made| times(made, "bandwidth_sent_mean", factor));
        let gate = judged(&all(), &after);
        assert_eq!(gate.verdict, expected, "{factor}");
        let row = row(&gate, "bandwidth_sent_mean");
        assert!((row.change.estimate - factor).abs() < 1e-9);
    }
}

#[test]
fn a_figure_that_is_no_longer_measured_is_worse() {
    let after = changed(is_steady_chord, |made| {
        if made.seed > 2 {
            made.figures.insert("convergence_time_us", Reading::NotMeasured);
        }
    });
    let gate = judged(&all(), &after);
    let row = row(&gate, "convergence_time_us measured");
    assert_eq!((row.verdict, row.base, row.head), (Verdict::Worse, 1.0, 0.125));
    assert_eq!(gate.verdict, Verdict::Worse);
}

#[test]
fn figures_that_differ_where_traces_are_equal_are_judged_all_the_same() {
    let mut after = all();
    for made in after.iter_mut().filter(|made| is_steady_chord(made)) {
        times(made, "bandwidth_sent_mean", 1.5);
    }
    let gate = judged(&all(), &after);
    assert_eq!(gate.verdict, Verdict::Worse);
    insta::assert_snapshot!(case(&gate, "chord", "steady").reason, @"figures differ where traces are equal: what is measured has changed, not what happened");
}

#[test]
fn too_few_seeds_are_inconclusive_rather_than_well() {
    let few = |runs: Vec<Made>| runs.into_iter().filter(|made| made.seed <= 4).collect::<Vec<_>>();
    let after = changed(is_steady_chord, |made| times(made, "lookup_messages", 2.0));
    let gate = judged(&few(all()), &few(after));
    assert_eq!(gate.verdict, Verdict::Inconclusive);
    assert_eq!(row(&gate, "lookup_messages").verdict, Verdict::Inconclusive);
    insta::assert_snapshot!("inconclusive", gate.terminal(80, false));
}

#[test]
fn what_keeps_runs_from_being_compared_is_told_and_never_passes() {
    let base = accepted(&all());
    let without = |is_out: &dyn Fn(&Made) -> bool| -> Vec<Made> {
        all().into_iter().filter(|made| !is_out(made)).collect()
    };
    let ok = Some(Status::Ok);
    let twice = changed(is_steady_chord, |made| made.seed = made.seed.min(15));
    let stopped = changed(is_steady_chord, |made| {
        made.status = if made.seed == 3 { Status::Timeout } else { Status::Ok };
    });
    let elsewhere = changed(is_steady_chord, |made| made.world = "00000000000000bb");
    let blank = changed(is_steady_chord, |made| {
        made.figures.values_mut().for_each(|reading| *reading = Reading::NotMeasured);
    });
    let mut more = all();
    more.extend((1..=16).map(|seed| made("tracker", "storm", seed)));
    let half = without(&|made| made.seed > 8);
    let third = without(&|made| is_steady_chord(made) && made.seed == 3);
    let heads = [
        ("a missing scenario", run(ok, &without(&is_steady_chord))),
        ("an empty run", run(ok, &[])),
        ("nothing measured in one case", run(ok, &blank)),
        ("a run that failed", run(Some(Status::Failed), &third)),
        ("a run that was killed", run(None, &without(&is_steady_chord))),
        ("a run that did not end in time", run(ok, &stopped)),
        ("other seeds", run(ok, &half)),
        ("another world", run(ok, &elsewhere)),
        ("two traces of a seed", run(ok, &twice)),
        ("no baseline of it", run(ok, &more)),
    ];
    let mut told = String::new();
    for (what, head) in &heads {
        let gate = judge(&base, &named("now", head));
        let text = gate.terminal(100, false);
        let lines = text.lines().filter(|line| !line.contains("16/16") && !line.is_empty());
        told += &format!("== {what}\n{}\n\n", lines.collect::<Vec<_>>().join("\n"));
    }
    insta::assert_snapshot!("refused", told);
}

#[test]
fn each_obstacle_has_its_verdict() {
    let base = accepted(&all());
    let verdict = |status, all: &[Made]| judge(&base, &named("now", &run(status, all))).verdict;
    let ok = Some(Status::Ok);
    let without = |seeds: std::ops::RangeInclusive<u64>| -> Vec<Made> {
        all().into_iter().filter(|it| !is_steady_chord(it) || !seeds.contains(&it.seed)).collect()
    };
    assert_eq!(verdict(ok, &without(1..=16)), Verdict::Missing);
    assert_eq!(verdict(ok, &without(9..=16)), Verdict::NotComparable);
    assert_eq!(verdict(ok, &[]), Verdict::Empty);
    assert_eq!(verdict(Some(Status::Failed), &[]), Verdict::Failed);
    assert_eq!(verdict(Some(Status::Failed), &without(3..=3)), Verdict::Failed);
    assert_eq!(verdict(Some(Status::Failed), &all()), Verdict::Failed, "something else failed");
    assert_eq!(verdict(None, &all()), Verdict::Failed);
    let twice = changed(is_steady_chord, |made| made.seed = made.seed.min(15));
    assert_eq!(verdict(ok, &twice), Verdict::Invalid);
    let again: Vec<Made> = [all(), all()].concat();
    assert_eq!(verdict(ok, &again), Verdict::Identical, "the same run again is the same run");
}

#[test]
fn another_number_of_nodes_is_another_world() {
    let baselines = Baseline::all_of(&side("now", &all())).expect("it is sound");
    let mut others = baselines.clone();
    others[0].nodes = 32;
    let side = |all: &[Baseline]| Side::of_baselines("reports/baselines", all);
    let gate = judge(&side(&baselines), &side(&others));
    assert_eq!(gate.verdict, Verdict::NotComparable);
    let reasons: Vec<&str> = gate.cases.iter().map(|case| &*case.reason).collect();
    assert_eq!(reasons[..2], ["the base has it with 64 nodes", "the head has it with 32 nodes"]);
}

#[test]
fn two_stored_runs_are_compared_and_what_is_new_passes() {
    let before: Vec<Made> = all().into_iter().filter(|it| it.overlay == "chord").collect();
    let gate = judge(&side("before", &before), &side("after", &all()));
    assert_eq!(gate.verdict, Verdict::New);
    assert_eq!(case(&gate, "tracker", "swarm").verdict, Verdict::New);
    assert!(!gate.terminal(100, false).contains("baseline"));
    let gate = judge(&side("before", &all()), &side("after", &before));
    assert_eq!(gate.verdict, Verdict::Missing);
}

#[test]
fn an_overlay_s_settings_are_compared_and_named_and_the_world_must_be_the_same() {
    let runs = |scenario: &str, world| {
        let mut runs = all();
        runs.iter_mut().for_each(|made| made.world = world);
        Side::of_run(&run_of(scenario, Some(Status::Ok), &runs))
    };
    let eight = runs("nodes: 64\noverlays: {chord: {successors: 8}}\n", "00000000000000aa");
    let four = runs("nodes: 64\noverlays: {chord: {successors: 4}}\n", "00000000000000bb");
    let gate = judge(&eight, &four);
    assert_eq!(gate.verdict, Verdict::Identical, "{:?}", gate.cases[0].reason);
    assert_eq!(gate.notes, ["settings differ: overlays.chord.successors: 8 against 4"]);
    let other = runs("nodes: 32\noverlays: {chord: {successors: 8}}\n", "00000000000000cc");
    let gate = judge(&eight, &other);
    assert_eq!(gate.verdict, Verdict::NotComparable);
    assert_eq!(gate.cases[0].reason, "nodes: 64 against 32");
}

#[test]
fn runs_of_the_testbed_are_not_judged() {
    let mut folder = run(Some(Status::Ok), &all());
    let mut record = folder.records()[0].clone();
    record.key.driver = Driver::Testbed;
    folder.append(&record, &Measurement::new(Duration::from_secs(1))).expect("memory takes it");
    let gate = judge(&accepted(&all()), &Side::of_run(&folder));
    assert_eq!(gate.verdict, Verdict::Identical);
    assert_eq!(gate.notes.len(), 1, "{:?}", gate.notes);
}

/// Whole comparisons in which nothing has shifted: every figure of every run of every overlay is a
/// little different, as if messages had been sent in another order, in ways that fall one way as
/// often as the other. Differences of figures of one run go together, some are rounded so that many
/// are tied or nothing, and of some figures they are larger than what is tolerated.
#[test]
fn a_hundred_reshuffles_of_everything_are_no_alarm() {
    let base = Baseline::all_of(&side("now", &all())).expect("it is sound");
    let accepted = Side::of_baselines("before", &base);
    for round in 0..100 {
        let mut random = Random::stream(round, Purpose::Workload, 0);
        let mut after = base.clone();
        for baseline in &mut after {
            reshuffle(baseline, &mut random);
        }
        let gate = judge(&accepted, &Side::of_baselines("after", &after));
        assert_eq!(gate.verdict, Verdict::Reshuffled, "{round}\n{}", gate.terminal(100, false));
    }
}

fn reshuffle(baseline: &mut Baseline, random: &mut Random) {
    for trace in &mut baseline.trace_digests {
        *trace = format!("{:016x}", random.next_u64());
    }
    let together: Vec<f64> = baseline.seeds.iter().map(|_| noise(random)).collect();
    for (place, (name, readings)) in baseline.figures.iter_mut().enumerate() {
        for (reading, together) in readings.iter_mut().zip(&together) {
            let Reading::Measured(number) = reading else { continue };
            let apart = 0.6 * together + 0.4 * noise(random);
            *number += match &**name {
                "lookup_correct_ratio" => (apart * 3.0).round() * 0.001,
                "state_links_mean" => (apart * 1.5).round(),
                "lookup_latency_us_p99" => *number * 0.1 * apart,
                _ if place % 2 == 0 => *number * (apart * 10.0).round() * 0.005,
                _ => *number * 0.02 * apart,
            };
        }
    }
}

/// Between −1 and 1, one way as often as the other, small more often than large.
fn noise(random: &mut Random) -> f64 {
    random.unit() + random.unit() - 1.0
}

#[test]
fn markdown_stays_below_what_a_comment_holds_and_says_what_it_left_out() {
    let steady: Vec<Made> = all().into_iter().filter(is_steady_chord).collect();
    let change = |made: &mut Made| {
        times(made, "lookup_latency_us_p50", 1.5);
        times(made, "lookup_bytes", if made.seed.is_multiple_of(2) { 1.01 } else { 0.99 });
    };
    let after = changed(is_steady_chord, change).into_iter().filter(is_steady_chord);
    let two_hundred = |name: &str, runs: &[Made]| {
        let one = Baseline::all_of(&side(name, runs)).expect("it is sound").remove(0);
        let worlds =
            (0..200).map(|number| Baseline { scenario: format!("w{number}"), ..one.clone() });
        Side::of_baselines(name, &worlds.collect::<Vec<_>>())
    };
    let before = two_hundred("before", &steady);
    let markdown = judge(&before, &two_hundred("after", &after.collect::<Vec<_>>())).markdown();
    assert!(markdown.len() < 60_000, "{}", markdown.len());
    assert!(markdown.starts_with("**"), "{markdown}");
    assert!(
        markdown.trim_end().ends_with("more tables do not fit here; `--json` has all of them.")
    );
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 100] {
        let text = worse().terminal(width, false);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{widest:?} in {width}\n{text}");
    }
}

#[test]
fn a_baseline_is_a_line_a_figure_and_reads_back_the_same() {
    let few: Vec<Made> =
        all().into_iter().filter(|it| is_steady_chord(it) && it.seed < 4).collect();
    let baselines = Baseline::all_of(&side("now", &few)).expect("it is sound");
    let [baseline] = &baselines[..] else { panic!("one case") };
    assert_eq!(baseline.file_name(), "chord-steady.json");
    let text = baseline.to_json();
    insta::assert_snapshot!("baseline", text);
    let path = Path::new("reports/baselines/chord-steady.json");
    assert_eq!(&Baseline::parse(path, &text).expect("it was just written"), baseline);
}

#[test]
fn baselines_are_stored_read_and_listed() {
    let folder = tempfile::tempdir().expect("a folder for tests");
    let stored = Baseline::all_of(&side("now", &all())).expect("it is sound");
    for (again, expected) in [(false, false), (true, true)] {
        for baseline in &stored {
            assert_eq!(baseline.store(folder.path()).expect("it is stored"), expected, "{again}");
        }
    }
    std::fs::write(folder.path().join("steady.yaml"), "no baseline").expect("it is stored");
    let read = Baseline::read_all(folder.path()).expect("they were just stored");
    assert_eq!(read, stored);
    assert!(Baseline::read_all(&folder.path().join("nowhere")).expect("none").is_empty());
    insta::assert_snapshot!("list", list(&read, 100, false));
}

#[test]
fn a_damaged_or_foreign_baseline_is_refused_with_its_place() {
    let sound = Baseline::all_of(&side("now", &all())).expect("it is sound")[0].to_json();
    let path = Path::new("reports/baselines/chord-steady.json");
    let error = |text: &str| Baseline::parse(path, text).expect_err("it is damaged");
    let other = sound.replacen(&format!("\"schema\": {SCHEMA}"), "\"schema\": 0", 1);
    assert!(matches!(error(&other), BaselineError::Schema { found: 0, .. }));
    let fewer = sound.replacen("15, 16]", "15]", 1);
    assert!(matches!(error(&fewer), BaselineError::Malformed { .. }), "{}", error(&fewer));
    assert!(matches!(error("{"), BaselineError::Malformed { .. }));
}

#[test]
fn what_is_unsound_is_not_accepted() {
    let twice = changed(is_steady_chord, |made| made.seed = made.seed.min(15));
    let stopped = changed(is_steady_chord, |made| made.status = Status::Interrupted);
    for (status, runs) in [(Status::Ok, twice), (Status::Ok, stopped), (Status::Failed, all())] {
        let refused = Baseline::all_of(&named("now", &run(Some(status), &runs)));
        assert!(matches!(refused, Err(BaselineError::Unsound { .. })));
    }
}

#[test]
fn the_json_says_which_direction_is_good() {
    let gate = worse();
    assert_eq!(row(&gate, "lookup_messages").better, Better::Lower);
    assert!(gate.json().contains("\"better\": \"lower\""));
}
