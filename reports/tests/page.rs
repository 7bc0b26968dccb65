//! The page for a browser: its charts show what the record says, its text says what a person needs,
//! and it asks for nothing from anywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod small;

use std::collections::BTreeMap;

use peerbench_measure::{Driver, METRICS, RunFolder, RunRecord, Status, Timeline};
use peerbench_reports::page::{Page, arranged};
use small::{NODES, SEEDS, comparison};

type Points = Vec<Vec<f64>>;

/// Every series of a page: the chart's name, the series' name and its points.
fn series(html: &str) -> BTreeMap<(String, String), Points> {
    let mut found = BTreeMap::new();
    for figure in html.split("<figure ").skip(1) {
        let figure = figure.split("</figure>").next().unwrap();
        let chart = attribute(figure, "id");
        for series in figure.split("<g class=\"series who-").skip(1) {
            let opening = series.split('>').next().unwrap();
            if !opening.contains("data-points") {
                continue;
            }
            let numbers = |point: &str| point.split(',').map(|it| it.parse().unwrap()).collect();
            let points = attribute(opening, "data-points");
            let points = points.split(' ').filter(|it| !it.is_empty()).map(numbers).collect();
            let name = attribute(opening, "data-name");
            found.insert((chart.clone(), name), points);
        }
    }
    found
}

fn attribute(tag: &str, name: &str) -> String {
    let from = tag.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {tag}"));
    tag[from..].split('"').nth(1).unwrap().to_owned()
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 2e-5 * one.abs().max(other.abs())
}

fn records<'a>(folder: &'a RunFolder, overlay: &str) -> Vec<&'a RunRecord> {
    folder
        .records()
        .iter()
        .filter(|it| it.key.overlay == overlay && it.key.driver == Driver::Simulator)
        .collect()
}

fn sum(records: &[&RunRecord], name: &str) -> f64 {
    records.iter().filter_map(|record| record.reading(name).number()).sum()
}

/// All values of a metric, over all runs of an overlay, ascending, with how often each was counted.
fn values(folder: &RunFolder, overlay: &str, metric: &str) -> Vec<(f64, u64)> {
    let scale = METRICS.iter().find(|it| it.name == metric).unwrap().scale as f64;
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for record in records(folder, overlay) {
        for (value, count) in
            folder.histogram(record, metric).unwrap().iter().flat_map(|it| it.iter())
        {
            *counts.entry(value).or_default() += count;
        }
    }
    counts.into_iter().map(|(value, count)| (value as f64 / scale, count)).collect()
}

const OVERLAYS: [&str; 4] = ["tracker", "flooding", "chord", "bittorrent"];

#[test]
fn curves_of_distributions_are_those_of_the_histograms() {
    let folder = comparison(NODES);
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    let shown = series(&html);
    for (chart, metric) in
        [("latency-simulator-1", "lookup_latency_us"), ("load-simulator-1", "bandwidth_sent")]
    {
        for overlay in OVERLAYS {
            let values = values(&folder, overlay, metric);
            let counted: u64 = values.iter().map(|(_, count)| count).sum();
            let all = match metric {
                "lookup_latency_us" => sum(&records(&folder, overlay), "lookup_count"),
                _ => counted as f64,
            };
            let points = &shown[&(chart.to_owned(), overlay.to_owned())];
            assert!(points.len() > 2 && points.len() <= 203, "{} points", points.len());
            for point in &points[1..] {
                let below = values.iter().filter(|(value, _)| *value <= point[0] * 1.001);
                let below: u64 = below.map(|(_, count)| count).sum();
                let least = values.iter().filter(|(value, _)| *value <= point[0] * 0.999);
                let least: u64 = least.map(|(_, count)| count).sum();
                let (low, high) = (least as f64 / all - 1e-5, below as f64 / all + 1e-5);
                assert!(
                    (low..=high).contains(&point[1]),
                    "{chart} {overlay} {point:?} {low} {high}"
                );
            }
            let end = points.last().unwrap()[1];
            assert!(is_near(end, counted as f64 / all), "{chart} of {overlay} ends at {end}");
        }
    }
}

#[test]
fn a_curve_of_latency_ends_at_the_share_of_correct_lookups() {
    let folder = comparison(NODES);
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    for overlay in OVERLAYS {
        let records = records(&folder, overlay);
        let correct: f64 = records
            .iter()
            .map(|it| {
                it.reading("lookup_correct_ratio").number().unwrap()
                    * it.reading("lookup_count").number().unwrap()
            })
            .sum();
        let points = &series(&html)[&("latency-simulator-1".to_owned(), overlay.to_owned())];
        let end = points.last().unwrap()[1];
        assert!(is_near(end, correct / sum(&records, "lookup_count")), "{overlay}: {end}");
    }
}

#[test]
fn bars_and_lines_are_the_record_s_numbers() {
    let folder = comparison(NODES);
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    let shown = series(&html);
    for overlay in OVERLAYS {
        let hops = values(&folder, overlay, "lookup_hops");
        let all: u64 = hops.iter().map(|(_, count)| count).sum();
        let bars = &shown[&("hops-simulator-1".to_owned(), overlay.to_owned())];
        let expected = hops.iter().map(|(hops, count)| (*hops, *count as f64 / all as f64));
        assert!(
            bars.iter()
                .zip(expected)
                .all(|(bar, (hops, share))| bar[0] == hops && is_near(bar[1], share))
        );

        let records = records(&folder, overlay);
        let timelines: Vec<_> = records.iter().filter_map(|it| it.timeline.as_ref()).collect();
        are_shares_of(&shown, overlay, &timelines);

        let kinds: Vec<&Vec<f64>> = shown
            .iter()
            .filter(|((chart, name), _)| {
                chart == "kinds-simulator-1" && name.starts_with(&format!("{overlay}: "))
            })
            .flat_map(|(_, points)| points)
            .collect();
        let messages: u64 =
            records.iter().flat_map(|it| &it.lookup_kinds).map(|it| it.messages).sum();
        let drawn: f64 = kinds.iter().map(|point| point[0] - point[2]).sum();
        let each = messages as f64 / sum(&records, "lookup_count");
        assert!((drawn - each).abs() < 1e-3 * each.max(1.0), "{overlay}: {drawn} against {each}");

        let lorenz = &records[0].load_lorenz;
        if let Some(points) = shown.get(&("load-lorenz-simulator-1".to_owned(), overlay.to_owned()))
        {
            let same = points
                .iter()
                .zip(lorenz)
                .all(|(point, (x, y))| is_near(point[0], *x) && is_near(point[1], *y));
            assert!(same && points.len() == lorenz.len());
        }
    }
}

/// Lines over time are shares of the searches of all runs, each way to end for itself; one that is not
/// drawn counted nothing.
fn are_shares_of(
    shown: &BTreeMap<(String, String), Points>,
    overlay: &str,
    timelines: &[&Timeline],
) {
    type List = fn(&Timeline) -> &Vec<u64>;
    let endings: [(&str, List); 3] = [
        ("outcomes-simulator-1", |it| &it.correct),
        ("outcomes-incorrect-simulator-1", |it| &it.incorrect),
        ("outcomes-failed-simulator-1", |it| &it.failed),
    ];
    let first = timelines[0];
    for (chart, list) in endings {
        let Some(line) = shown.get(&(chart.to_owned(), overlay.to_owned())) else {
            assert!(timelines.iter().all(|it| list(it).iter().all(|bin| *bin == 0)), "{chart}");
            continue;
        };
        let of = |list: List, bin: usize| -> f64 {
            timelines.iter().filter_map(|it| list(it).get(bin)).sum::<u64>() as f64
        };
        for point in line {
            let bin = ((point[0] - first.from_s as f64) / first.width_s as f64).floor() as usize;
            let all: f64 = endings.iter().map(|(_, list)| of(*list, bin)).sum();
            assert!(is_near(point[1], of(list, bin) / all), "{chart} of {overlay} {point:?}");
        }
        let bins = 0..timelines.iter().map(|it| it.correct.len()).max().unwrap_or_default();
        let due = bins.filter(|bin| endings.iter().any(|(_, list)| of(*list, *bin) > 0.0));
        assert_eq!(line.len(), due.count(), "{chart} of {overlay}");
    }
}

#[test]
fn figures_against_nodes_are_the_medians_of_runs_and_a_fit_is_printed() {
    let runs: Vec<RunFolder> = [16, 32, 48].map(comparison).into_iter().collect();
    let page = Page::of(&arranged(runs), None).unwrap();
    let html = page.html();
    let points = &series(&html)[&("growth-state_links-simulator-1".to_owned(), "chord".to_owned())];
    assert_eq!(points.iter().map(|it| it[0]).collect::<Vec<_>>(), [16.0, 32.0, 48.0]);
    let folder = comparison(32);
    let mut links: Vec<f64> = records(&folder, "chord")
        .iter()
        .filter_map(|it| it.reading("state_links_mean").number())
        .collect();
    links.sort_by(f64::total_cmp);
    assert!(is_near(points[1][1], f64::midpoint(links[2], links[3])));
    assert!(html.contains("·log2 N (R² "));
}

#[test]
fn a_page_asks_for_nothing_and_says_everything() {
    let folder = comparison(NODES);
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    for text in [
        "Side by side",
        "How it works",
        "All figures",
        "How it was measured",
        "Run it again",
        "peerbench bench tracker flooding chord bittorrent --scenario small.yaml",
        "uniform_round_trip: 40ms",
        "What the numbers mean",
        "how the swarm fills",
        "the ring, and searches on it",
        "how a search spreads",
    ] {
        assert!(html.contains(text), "{text}");
    }
    for tag in html.split('<').filter_map(|it| it.split('>').next()) {
        assert!(tag.matches(" class=\"").count() <= 1, "only the first counts: {tag}");
    }
    let ids: Vec<&str> =
        html.split(" id=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "two elements of one name");
    for link in html.split("href=\"#").skip(1).filter_map(|it| it.split('"').next()) {
        assert!(ids.contains(&link), "{link} leads nowhere");
    }
    assert_eq!(html, Page::of(std::slice::from_ref(&folder), None).unwrap().html());
}

#[test]
fn what_is_missing_is_said_first() {
    let mut folder = RunFolder::in_memory(small::setup(NODES));
    small::add::<overlay_tracker::Tracker>(&mut folder, NODES, SEEDS[0], Status::Ok);
    small::add::<overlay_chord::Chord>(&mut folder, NODES, SEEDS[0], Status::Interrupted);
    folder.finish(Status::Interrupted).unwrap();
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    let alarm = html.split("role=\"alert\"").nth(1).unwrap().split("</div>").next().unwrap();
    insta::assert_snapshot!(text(alarm));
    let nothing = RunFolder::in_memory(small::setup(NODES));
    let html = Page::of(&[nothing], None).unwrap().html();
    assert!(html.contains("nothing was measured") && html.contains("Partial: "));
}

#[test]
fn what_can_be_said_at_a_glance() {
    let folder = comparison(NODES);
    let html = Page::of(std::slice::from_ref(&folder), None).unwrap().html();
    let glance =
        html.split("<section class=\"glance").nth(1).unwrap().split("</section>").next().unwrap();
    insta::assert_snapshot!(text(glance));
}

/// The words of some HTML, a line for each element that has some.
fn text(html: &str) -> String {
    let mut lines = Vec::new();
    for part in html.split('<') {
        let words = part.split_once('>').map_or("", |(_, words)| words).trim();
        if !words.is_empty() {
            lines.push(words.replace("&amp;", "&"));
        }
    }
    lines.join("\n")
}
