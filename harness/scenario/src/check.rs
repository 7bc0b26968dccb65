//! What must be true of a scenario whose every field, taken alone, could be read.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::availability::Availability;
use crate::churn::{Churn, Lasting, Law};
use crate::model::{
    Capacity, Fault, FaultAction, Freeloaders, Keys, MOST_NODES_WITH_HANDSHAKES, Scenario, Start,
    Workload,
};
use crate::network::Matrix;
use crate::weather::Overload;
use crate::world::Operations;
use crate::{Content, Document, Error, edge_list};

/// The largest item, in bytes: what one message can carry.
pub const LARGEST_ITEM: u64 = 16 * 1024 * 1024;

/// The largest item of an overlay that fetches in pieces, in bytes: what a length can count.
pub const LARGEST_IN_PIECES: u64 = u32::MAX as u64;

/// How far the shares of capacities may be from 1 in all: room for thirds written as 0.333.
const SHARES_TOLERANCE: f64 = 0.005;

/// The most departures of all nodes together, some hundred bytes of memory each.
const MOST_DEPARTURES: f64 = 2e7;

/// The most classes of access links.
const MOST_CAPACITIES: usize = 256;

type Checked = Result<(), Error>;

/// Finds the first contradiction in a scenario.
pub(crate) fn check(scenario: &Scenario, document: &Document) -> Checked {
    population(scenario, document)?;
    times(scenario, document)?;
    network(scenario, document)?;
    workload(scenario, document)?;
    for (index, fault) in scenario.faults.iter().enumerate() {
        check_fault(scenario, fault, &format!("faults[{index}]"), document)?;
    }
    if let Some(churn) = &scenario.churn {
        check_churn(scenario, churn, document)?;
    }
    if scenario.testbed.nodes_per_process == 0 {
        return Err(document.complain(
            "testbed.nodes_per_process",
            "a process must hold at least one node",
            "use 1 for the most faithful measurement, more to fit more nodes on a machine",
        ));
    }
    Ok(())
}

fn population(scenario: &Scenario, document: &Document) -> Checked {
    let nodes = &scenario.nodes;
    let founders = &scenario.founders();
    let fail = |path, message, help: &str| Err(document.complain(path, message, help));
    if *nodes == 0 {
        return fail("nodes", "a scenario needs at least one node".to_owned(), "try 64");
    }
    if *founders == 0 {
        let help = "somebody must be there to join: at least 1";
        return fail("founders", "there are no founders".to_owned(), help);
    }
    if founders > nodes {
        let message = format!("more founders ({founders}) than nodes ({nodes})");
        let help = format!("founders are some of the nodes: set `founders` to 1 up to {nodes}");
        return Err(document.complain_among(&["founders", "nodes"], message, help));
    }
    check_freeloaders(scenario, document)?;
    let through = &scenario.join.through;
    if let Some(index) = through.iter().position(|node| node >= founders) {
        let message =
            format!("node {} is no founder, so others cannot join through it", through[index]);
        let help = format!("founders are numbered 0 to {}", founders - 1);
        return Err(document.complain(&format!("join.through[{index}]"), message, help));
    }
    if scenario.seeds.is_empty() {
        return fail("seeds", "there are no seeds, so nothing to run".to_owned(), "try [1]");
    }
    let repeated =
        (1..scenario.seeds.len()).find(|&i| scenario.seeds[..i].contains(&scenario.seeds[i]));
    if let Some(index) = repeated {
        let message = format!("the seed {} is there twice", scenario.seeds[index]);
        let help = "equal seeds give equal runs: name each once";
        return fail(&format!("seeds[{index}]"), message, help);
    }
    Ok(())
}

fn check_freeloaders(scenario: &Scenario, document: &Document) -> Checked {
    let Freeloaders { nodes, share, .. } = &scenario.freeloaders;
    if !(0.0..=1.0).contains(share) {
        let message = match *share > 1.0 {
            true => format!("more freeloaders ({share} × {}) than nodes", scenario.nodes),
            false => format!("{share} is not a share of the nodes"),
        };
        let help = "a share is 0 to 1: 0.25 is every fourth node";
        return Err(document.complain("freeloaders.share", message, help));
    }
    let path = "freeloaders.nodes";
    nodes_exist(nodes, scenario.nodes, path, document)?;
    listed_once(nodes, path, "a node freeloads or does not: list it once", document)?;
    let publishers = &scenario.workload.publishers;
    match nodes.iter().position(|node| publishers.contains(node)) {
        Some(index) => Err(document.complain(
            &format!("{path}[{index}]"),
            format!("node {} is listed in `workload.publishers`, too", nodes[index]),
            "who publishes gives what it has: take it off one of the two lists",
        )),
        None => Ok(()),
    }
}

fn times(scenario: &Scenario, document: &Document) -> Checked {
    if scenario.forms_by_joining() && scenario.warm_up < scenario.join.over {
        return Err(document.complain_among(
            &["warm_up", "join.over"],
            format!(
                "the warm-up ({}) is over before the joins are ({})",
                scenario.warm_up, scenario.join.over
            ),
            "make `warm_up` longer than `join.over`, with time for publications and for settling",
        ));
    }
    Ok(())
}

fn network(scenario: &Scenario, document: &Document) -> Checked {
    let network = &scenario.network;
    if network.uniform_round_trip.is_some_and(|span| span.0.is_zero()) {
        return Err(document.complain(
            "network.uniform_round_trip",
            "a round trip of 0 would let answers arrive before they were asked for",
            "write a time above 0; `testbed.shaped: false` is for the machine's own speed",
        ));
    }
    capacities(&network.capacities, scenario.nodes, document)?;
    if let Some(round_trips) = network.handshake_round_trips {
        let path = "network.handshake_round_trips";
        if !round_trips.is_finite() || round_trips < 0.0 {
            let message = format!("a handshake cannot take {round_trips} round trips");
            return Err(document.complain(path, message, "write a number, 0 or more"));
        }
        if round_trips > 0.0 && scenario.nodes > MOST_NODES_WITH_HANDSHAKES {
            return Err(document.complain_among(
                &[path, "nodes"],
                format!("connections are not modelled above {MOST_NODES_WITH_HANDSHAKES} nodes"),
                format!("set it to 0, or `nodes` to {MOST_NODES_WITH_HANDSHAKES} or fewer"),
            ));
        }
    }
    graph(scenario, document)?;
    if let Some(weather) = &network.weather {
        weather.check(expected_end(scenario), scenario, document)?;
    }
    Matrix::of(network).map(drop).map_err(|bad| match bad.position {
        Some(_) => bad.into(),
        None => document.complain("network.matrix", bad.message, bad.help),
    })
}

fn graph(scenario: &Scenario, document: &Document) -> Checked {
    let Some(path) = &scenario.network.graph else { return Ok(()) };
    let known = edge_list::read(path).map_err(|bad| match bad.position {
        Some(_) => bad.into(),
        None => document.complain("network.graph", bad.message, bad.help),
    })?;
    if known.nodes() != scenario.nodes {
        let (nodes, known) = (scenario.nodes, known.nodes());
        return Err(document.complain_among(
            &["nodes", "network.graph"],
            format!("the graph has {known} nodes, the scenario {nodes}"),
            format!("leave `nodes` out, or set it to {known}"),
        ));
    }
    if scenario.start == Start::Joined {
        let message = "nodes that join one by one do not grow into a given graph";
        let help = "use `start: converged`, or leave `network.graph` out";
        return Err(document.complain_among(&["start", "network.graph"], message, help));
    }
    Ok(())
}

fn capacities(classes: &[Capacity], nodes: u32, document: &Document) -> Checked {
    let mut listed = BTreeSet::new();
    for (index, class) in classes.iter().enumerate() {
        let path = format!("network.capacities[{index}]");
        nodes_exist(&class.nodes, nodes, &format!("{path}.nodes"), document)?;
        if let Some(place) = class.nodes.iter().position(|node| !listed.insert(*node)) {
            let message = format!("node {} is listed twice", class.nodes[place]);
            let help = "every node has exactly one kind of link: list it once";
            return Err(document.complain(&format!("{path}.nodes[{place}]"), message, help));
        }
        if !(0.0..=1.0).contains(&class.share) {
            return Err(document.complain(
                &format!("{path}.share"),
                format!("{} is not a share of the nodes", class.share),
                "a share is 0 to 1: 0.25 is every fourth node",
            ));
        }
    }
    if classes.len() > MOST_CAPACITIES {
        return Err(document.complain(
            "network.capacities",
            format!("{} classes of capacity are more than {MOST_CAPACITIES}", classes.len()),
            "merge classes that are alike",
        ));
    }
    let sum: f64 = classes.iter().map(Capacity::drawn_share).sum();
    let is_any_drawn = listed.len() < nodes as usize;
    if !classes.is_empty() && is_any_drawn && (sum - 1.0).abs() > SHARES_TOLERANCE {
        return Err(document.complain(
            "network.capacities",
            format!("the shares of the capacities add up to {sum:.3}, not to 1"),
            "every node has exactly one kind of link: make the shares add up to 1",
        ));
    }
    Ok(())
}

fn workload(scenario: &Scenario, document: &Document) -> Checked {
    let Workload { items, item_size, copies, searches, rate, timeout, .. } = scenario.workload;
    let fail = |field: &str, message: String, help: &str| {
        Err(document.complain(&format!("workload.{field}"), message, help))
    };
    content(scenario, document)?;
    if item_size.0 > LARGEST_IN_PIECES {
        let message = format!("items of {item_size} are larger than can be fetched in pieces");
        return fail("item_size", message, "less than 4GiB; at most 16MiB for most overlays");
    }
    publishers(scenario, document)?;
    let exponent = scenario.workload.popularity_exponent;
    if !exponent.is_finite() || exponent < 0.0 {
        let message = format!("{exponent} is not an exponent of Zipf's law");
        return fail("popularity_exponent", message, "0 (all alike) or more; 0.8 is usual");
    }
    if items > 0 && (copies == 0 || copies > scenario.nodes) {
        let message = format!("{copies} of {} nodes cannot publish an item", scenario.nodes);
        let help = "each copy is published by another node: 1 up to `nodes`";
        return Err(document.complain_among(&["workload.copies", "nodes"], message, help));
    }
    let downloads = scenario.workload.downloads.is_some();
    if downloads && !scenario.workload.fetch {
        let message = "downloads without fetches are searches only".to_owned();
        let paths = ["workload.downloads", "workload.fetch"];
        return Err(document.complain_among(&paths, message, "set `fetch: true`"));
    }
    if searches > 0 && !downloads && rate.0 == 0 {
        let message = format!("at a rate of 0, {searches} searches are never due");
        return fail("rate", message, "write a rate above 0, such as 80/s, or `searches: 0`");
    }
    if searches > 0 && items == 0 && scenario.workload.keys == Keys::Published {
        let help = "publish some items, or search for `keys: random`";
        return fail("items", "there is nothing to search for".to_owned(), help);
    }
    if scenario.workload.fetch && scenario.workload.keys == Keys::Random {
        let help = "use `keys: published`, or `fetch: false`";
        return fail("fetch", "nobody holds what random keys stand for".to_owned(), help);
    }
    if timeout.0.is_zero() {
        let message = "with a timeout of 0 every search has failed before it began".to_owned();
        return fail("timeout", message, "write a time above 0, such as 4s");
    }
    if Operations::of(scenario).is_none() {
        let message = "there are more operations than can be numbered".to_owned();
        return fail(
            "searches",
            message,
            "joins, publications, searches and fetches: at most 2^32",
        );
    }
    Ok(())
}

fn content(scenario: &Scenario, document: &Document) -> Checked {
    let Workload { items, item_size, content, .. } = &scenario.workload;
    let Some(path) = content else { return Ok(()) };
    let found = Content::find(path)
        .map_err(|bad| document.complain("workload.content", bad.message, bad.help))?;
    let fail = |field, message: String, help: &str| {
        Err(document.complain_among(&[field, "workload.content"], message, help))
    };
    if *items != 1 {
        let message = format!("the content is one item, not {items}");
        return fail("workload.items", message, "set `workload.items` to 1");
    }
    if item_size.0 != found.length() {
        let message = format!("the content has {} bytes, not {}", found.length(), item_size.0);
        return fail("workload.item_size", message, "leave `item_size` out: it follows");
    }
    Ok(())
}

fn publishers(scenario: &Scenario, document: &Document) -> Checked {
    let publishers = &scenario.workload.publishers;
    nodes_exist(publishers, scenario.nodes, "workload.publishers", document)?;
    let help = "a node publishes an item once: list it once";
    listed_once(publishers, "workload.publishers", help, document)
}

fn listed_once(listed: &[u32], path: &str, help: &str, document: &Document) -> Checked {
    let mut seen = BTreeSet::new();
    match listed.iter().position(|node| !seen.insert(*node)) {
        Some(index) => {
            let message = format!("node {} is listed twice", listed[index]);
            Err(document.complain(&format!("{path}[{index}]"), message, help))
        }
        None => Ok(()),
    }
}

fn nodes_exist(listed: &[u32], nodes: u32, path: &str, document: &Document) -> Checked {
    match listed.iter().position(|node| *node >= nodes) {
        Some(index) => {
            let message = format!("there is no node {}", listed[index]);
            let help = format!("nodes are numbered 0 to {}", nodes.saturating_sub(1));
            Err(document.complain(&format!("{path}[{index}]"), message, help))
        }
        None => Ok(()),
    }
}

fn check_fault(scenario: &Scenario, fault: &Fault, path: &str, document: &Document) -> Checked {
    let fail = |field: &str, message: String, help: String| {
        Err(document.complain(&format!("{path}{field}"), message, help))
    };
    nodes_exist(&fault.nodes, scenario.nodes, &format!("{path}.nodes"), document)?;
    if !(0.0..=1.0).contains(&fault.share) {
        let message = format!("{} is not a share of the nodes", fault.share);
        return fail(".share", message, "a share is 0 to 1: 0.5 is every second node".to_owned());
    }
    if fault.nodes.is_empty() && fault.share == 0.0 {
        let help = "list `nodes`, or give a `share` above 0".to_owned();
        return fail("", "this fault strikes nobody".to_owned(), help);
    }
    let end = expected_end(scenario);
    if fault.at.0 > end {
        let message = format!("this fault at {} comes after the run's end", fault.at);
        return fail(".at", message, format!("the run ends at about {:.0}s", end.as_secs_f64()));
    }
    check_return(fault, &format!("{path}.back_after"), end, document)
}

fn check_return(fault: &Fault, path: &str, end: Duration, document: &Document) -> Checked {
    let fail = |message: String, help: String| Err(document.complain(path, message, help));
    let Some(after) = fault.back_after else { return Ok(()) };
    if fault.action == FaultAction::Leave {
        let message = "a node that left with notice does not come back".to_owned();
        let help = "use `action: kill` or `freeze`, or leave `back_after` out";
        return fail(message, help.to_owned());
    }
    if after.0.is_zero() {
        let message = "a node that is back at once was not away".to_owned();
        return fail(message, "write a time above 0, such as 5s".to_owned());
    }
    if fault.at.0.saturating_add(after.0) > end {
        let message = format!("nodes that come back {after} after {} miss the run's end", fault.at);
        return fail(message, format!("the run ends at about {:.0}s", end.as_secs_f64()));
    }
    Ok(())
}

fn check_churn(scenario: &Scenario, churn: &Churn, document: &Document) -> Checked {
    let fail = |field: &str, message: String, help: &str| {
        Err(document.complain(&format!("churn.{field}"), message, help))
    };
    nodes_exist(&churn.spared, scenario.nodes, "churn.spared", document)?;
    if !(0.0..=1.0).contains(&churn.share) {
        let message = format!("{} is not a share of the nodes", churn.share);
        return fail("share", message, "a share is 0 to 1: 0.5 is every second node");
    }
    let (begins, end) = (churn.begins(scenario), expected_end(scenario));
    if begins < scenario.joined_by() {
        let message =
            format!("nodes begin to go before all have joined, at {}", scenario.join.over);
        return fail("from", message, "let it begin later, or leave it out");
    }
    if begins >= end {
        let message = "it begins when the run is over".to_owned();
        return fail("from", message, "let it begin sooner, or leave it out");
    }
    if let Some(until) = churn.until
        && !(begins < until.0 && until.0 < end)
    {
        let message = format!(
            "they come and go until {until}, and begin to after that, or the run ends before"
        );
        return fail("until", message, "write a time in between, or leave it out");
    }
    if !(churn.trace_speed.is_finite() && churn.trace_speed > 0.0) {
        let message = format!("a trace does not pass {} times as fast", churn.trace_speed);
        return fail("trace_speed", message, "write a number above 0, such as 1000");
    }
    if let Some(path) = &churn.trace {
        return Availability::read(path).map(drop).map_err(|bad| match bad.position {
            Some(_) => bad.into(),
            None => document.complain("churn.trace", bad.message, bad.help),
        });
    }
    for (field, lasting) in [("sessions", &churn.sessions), ("absences", &churn.absences)] {
        check_lasting(lasting, &format!("churn.{field}"), document)?;
    }
    let each = churn.sessions.mean.0.saturating_add(churn.absences.mean.0);
    let until = churn.until.map_or(end, Into::into);
    let times = (until - begins).as_secs_f64() / each.as_secs_f64();
    if times * f64::from(scenario.nodes) * churn.share > MOST_DEPARTURES {
        let message =
            format!("nodes go and come back some {times:.0} times each, too often in all");
        return fail("sessions.mean", message, "let sessions and absences last longer");
    }
    Ok(())
}

fn check_lasting(lasting: &Lasting, path: &str, document: &Document) -> Checked {
    if lasting.mean.0 < Duration::from_millis(1) {
        let message = format!("{} is too short for anything to happen", lasting.mean);
        return Err(document.complain(&format!("{path}.mean"), message, "write 1ms or more"));
    }
    let fewest = if lasting.law == Law::Pareto { 1.0 } else { 0.0 };
    match lasting.shape {
        Some(shape) if lasting.law == Law::Exponential || !(shape > fewest && shape <= 100.0) => {
            let message = format!("{shape} is not the shape of such a law");
            let help = "pareto: above 1; weibull: above 0; at most 100; exponential has none";
            Err(document.complain(&format!("{path}.shape"), message, help))
        }
        _ => Ok(()),
    }
}

/// When the last search is expected to have timed out; the seed decides when exactly.
fn expected_end(scenario: &Scenario) -> Duration {
    let workload = &scenario.workload;
    let searching = match (&workload.downloads, workload.searches) {
        (Some(downloads), _) => downloads.over.0.as_secs_f64(),
        (None, 0) => 0.0,
        (None, searches) => {
            let (searches, rate) = (searches as f64, workload.rate.per_second());
            let overload = Overload::of(scenario);
            overload.map_or(searches / rate, |it| it.time_for(searches, rate, scenario.warm_up.0))
        }
    };
    let searching = Duration::try_from_secs_f64(searching).unwrap_or(Duration::MAX);
    scenario.warm_up.0.saturating_add(searching).saturating_add(workload.timeout.0)
}
