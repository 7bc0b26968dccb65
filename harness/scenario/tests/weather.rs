//! The weather that a seed makes of a scenario's: whom it strikes, when, and what it does to clocks and
//! to the times of searches.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use overlay_core::{NodeId, Time};
use peerbench_scenario::{Document, Scenario, World};

fn scenario(weather: &str) -> Scenario {
    let text = format!(
        "
nodes: 100
start: converged
warm_up: 10s
network: {{uniform_round_trip: 20ms, weather: {weather}}}
workload: {{items: 8, searches: 1000, rate: 10/s}}
"
    );
    Document::parse("weather", text).unwrap().scenario().unwrap()
}

fn world(weather: &str) -> World {
    World::new(&scenario(weather), 1).unwrap()
}

fn at(seconds: f64) -> Time {
    Time::ZERO + Duration::from_secs_f64(seconds)
}

fn nodes() -> impl Iterator<Item = NodeId> + Clone {
    (0..100).map(NodeId)
}

#[test]
fn without_weather_there_is_none_and_nothing_is_written_about_it() {
    let world = world("null");
    assert!(world.weather().is_none());
    assert!(!scenario("null").to_yaml().contains("weather"));
    let written = scenario("{lost: 0.5}").to_yaml();
    let again = Document::parse("again", written).unwrap().scenario().unwrap();
    assert_eq!(again, scenario("{lost: 0.5}"));
}

#[test]
fn a_partition_cuts_between_its_sides_and_nowhere_else_while_it_lasts() {
    let world = world("{partitions: [{at: 20s, lasts: 5s, share: 0.3}]}");
    let forecast = world.weather().unwrap();
    let cut = |a, b, seconds| forecast.is_cut(a, b, at(seconds));
    let others: Vec<NodeId> = nodes().filter(|it| cut(NodeId(0), *it, 20.0)).collect();
    assert!(others.len() == 30 || others.len() == 70, "{}", others.len());
    for (a, b) in nodes().flat_map(|a| nodes().map(move |b| (a, b))) {
        let expected = others.contains(&a) != others.contains(&b);
        assert_eq!(cut(a, b, 24.9), expected);
        assert!(!cut(a, b, 19.9) && !cut(a, b, 25.0));
    }
}

#[test]
fn one_way_pairs_are_a_share_of_all_and_rarely_both_ways() {
    let world = world("{from: 20s, until: 30s, one_way: 0.2}");
    let forecast = world.weather().unwrap();
    let deaf = |a, b, seconds| forecast.is_deaf(a, b, at(seconds));
    let pairs = nodes().flat_map(|a| nodes().map(move |b| (a, b))).filter(|(a, b)| a != b);
    let struck: Vec<_> = pairs.filter(|&(a, b)| deaf(a, b, 25.0)).collect();
    let share = struck.len() as f64 / 9_900.0;
    assert!((share - 0.2).abs() < 0.02, "{share}");
    let both = struck.iter().filter(|&&(a, b)| deaf(b, a, 25.0)).count() as f64;
    assert!((both / struck.len() as f64 - 0.2).abs() < 0.03, "{both}");
    assert!(struck.iter().all(|&(a, b)| !deaf(a, b, 19.0) && !deaf(a, b, 30.0)));
}

#[test]
fn clocks_run_fast_or_slow_without_a_jump_and_timers_go_by_them() {
    let world = world("{from: 20s, until: 30s, drift: {share: 0.4, factor: 2}}");
    let forecast = world.weather().unwrap();
    let (mut fast, mut slow) = (0, 0);
    for node in nodes() {
        let shows = |seconds| forecast.clock(node, at(seconds)).as_secs_f64();
        assert_eq!(shows(20.0), 20.0);
        let gained = shows(30.0) - 30.0;
        fast += u32::from((gained - 10.0).abs() < 1e-6);
        slow += u32::from((gained + 5.0).abs() < 1e-6);
        assert!((shows(40.0) - 40.0 - gained).abs() < 1e-6, "right again, but for what was gained");
        for (from, seconds) in [(15.0, 3.0), (15.0, 9.0), (21.0, 1.0), (25.0, 60.0), (35.0, 4.0)] {
            let after = Duration::from_secs_f64(seconds);
            let due = forecast.due(node, at(from), after);
            let waited = forecast.clock(node, due).since(forecast.clock(node, at(from)));
            assert!(waited >= after && waited - after < Duration::from_micros(1), "{waited:?}");
        }
    }
    assert_eq!(fast + slow, 40);
    assert!(fast > 10 && slow > 10, "{fast} fast, {slow} slow");
}

#[test]
fn the_slow_are_late_while_it_lasts() {
    let world = world("{until: 30s, slow: {share: 0.25, by: 300ms}}");
    let forecast = world.weather().unwrap();
    let late = |seconds| nodes().filter(move |it| !forecast.lateness(*it, at(seconds)).is_zero());
    assert_eq!(late(15.0).count(), 25);
    assert_eq!(late(9.0).count() + late(30.0).count(), 0);
}

#[test]
fn an_overload_brings_searches_closer_together_and_no_more_of_them() {
    let times = |weather: &str| -> Vec<Time> {
        let world = world(weather);
        let searches = world.timetable().filter(|due| due.at > world.searches_from());
        searches.map(|due| due.at).collect()
    };
    let (calm, busy) = (times("null"), times("{overload: {at: 20s, lasts: 5s, factor: 10}}"));
    let between =
        |times: &[Time]| times.iter().filter(|time| (at(20.0)..at(25.0)).contains(*time)).count();
    assert_eq!(calm.len(), busy.len());
    assert!(between(&calm) < 80 && between(&busy) > 400, "{}", between(&busy));
    assert!(busy.last().unwrap().as_secs_f64() < calm.last().unwrap().as_secs_f64() - 40.0);
}

#[test]
fn a_run_ends_with_its_searches_wherever_the_overload_leaves_them() {
    let fault = |overload: &str, fault_at: &str| {
        let weather = format!("network: {{weather: {{overload: {overload}}}}}");
        let text = format!(
            "nodes: 100\nstart: converged\nwarm_up: 10s\n{weather}\nworkload: {{items: 8, \
             searches: 1000, rate: 10/s, timeout: 1s}}\nfaults: [{{at: {fault_at}, nodes: [1]}}]\n"
        );
        let scenario = Document::parse("overload", text).unwrap().scenario()?;
        let last = World::new(&scenario, 1)?.last_search();
        Ok::<f64, peerbench_scenario::Error>(last.as_secs_f64())
    };
    // All that are left after a minute are due in less than a second.
    let in_it = "{at: 70s, lasts: 60s, factor: 50}";
    assert!((60.0..85.0).contains(&fault(in_it, "40s").unwrap()));
    assert!(fault(in_it, "71s").is_ok() && fault(in_it, "73s").is_err());
    // After it, 900 of them.
    let before = "{at: 10s, lasts: 1s, factor: 10}";
    assert!((85.0..120.0).contains(&fault(before, "40s").unwrap()));
    assert!(fault(before, "101s").is_ok() && fault(before, "103s").is_err());
    // Never.
    let behind = "{at: 200s, lasts: 60s, factor: 50}";
    assert!(fault(behind, "110s").is_ok() && fault(behind, "112s").is_err());
}

#[test]
fn everybody_is_back_when_churn_ends() {
    let text = "
nodes: 50
start: converged
warm_up: 10s
workload: {items: 8, searches: 600, rate: 10/s}
churn: {until: 40s, sessions: {mean: 8s}, absences: {mean: 8s}}
";
    let scenario = Document::parse("churn", text).unwrap().scenario().unwrap();
    let world = World::new(&scenario, 1).unwrap();
    assert!(world.faults().len() > 50);
    assert!(world.faults().iter().all(|fault| fault.at < at(40.0)));
    assert!(world.faults().iter().all(|fault| fault.back_at.is_some_and(|back| back <= at(40.0))));
    assert_eq!(world.returns().len(), world.faults().len());
}
