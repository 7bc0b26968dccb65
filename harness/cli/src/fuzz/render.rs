//! From a sketch to the scenario that a person reads, and that any command runs again.
use std::time::Duration;

use overlay_core::units::{BitRate, Bytes, Frequency, Span};
use peerbench_scenario::{
    Capacity, Churn, Drift, Fault, FaultAction, Freeloaders, Join, Lasting, Network, Overload,
    Partition, Scenario, Slow, Start, Weather, Workload,
};
use serde_yaml::{Mapping, Value};

use super::dice::Dice;
use super::promise;
use super::sketch::{Faults, Onset, Sketch};

/// The founder that is always there. Whoever comes back must know somebody who is: nodes that know only
/// each other, and each only one, may wait for one another for ever, whatever the overlay does.
const BOOTSTRAP: u32 = 0;

/// The scenario of a sketch as YAML, without what goes without saying.
pub(super) fn yaml(sketch: &Sketch) -> String {
    let value = |scenario: &Scenario| {
        serde_yaml::to_value(scenario).expect("a scenario is mappings, sequences and scalars")
    };
    let mut written = value(&scenario(sketch));
    let mut default = Scenario::default();
    default.network.weather = scenario(sketch).network.weather.map(|_| Weather::default());
    default.churn = scenario(sketch).churn.map(|_| Churn::default());
    leave_out(&mut written, &value(&default));
    if let Value::Mapping(fields) = &mut written {
        fields.insert("overlays".into(), section(sketch));
    }
    serde_yaml::to_string(&written).expect("what was read as YAML can be written as YAML")
}

/// Leaves out what is as it is by default.
fn leave_out(value: &mut Value, default: &Value) {
    let (Value::Mapping(fields), Value::Mapping(defaults)) = (value, default) else { return };
    fields.retain(|field, value| match defaults.get(field) {
        Some(default) if value == default => false,
        Some(default) => {
            leave_out(value, default);
            true
        }
        None => true,
    });
}

/// The overlay's own section.
fn section(sketch: &Sketch) -> Value {
    let mut section = Mapping::new();
    let needs = promise::of(sketch.overlay).needs.iter().copied();
    let varied = sketch.section.iter().map(|(path, value)| (&**path, &**value));
    for (path, value) in needs.chain(varied) {
        let value: Value = serde_yaml::from_str(value).unwrap_or_else(|_| value.into());
        put(&mut section, path, value);
    }
    let mut overlays = Mapping::new();
    overlays.insert(sketch.overlay.into(), section.into());
    overlays.into()
}

/// Sets a field at a path such as `storage.replicas`.
fn put(fields: &mut Mapping, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(fields.insert(path.into(), value)),
        Some((step, rest)) => {
            let inner = fields.entry(step.into()).or_insert_with(|| Mapping::new().into());
            if let Value::Mapping(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn scenario(sketch: &Sketch) -> Scenario {
    Scenario {
        name: format!("world-{}", sketch.seed),
        nodes: sketch.nodes as u32,
        seeds: vec![sketch.seed],
        start: Start::Joined,
        join: Join { over: span(sketch.joins()), through: vec![BOOTSTRAP] },
        warm_up: span(sketch.warm_up()),
        network: Network {
            uniform_round_trip: (sketch.round_trip > 0).then(|| span(sketch.round_trip)),
            capacities: match sketch.uplink {
                0 => Vec::new(),
                uplink => {
                    let rate = BitRate(1_000 * uplink);
                    vec![Capacity { up: rate, down: rate, ..Capacity::default() }]
                }
            },
            handshake_round_trips: if sketch.handshakes { None } else { Some(0.0) },
            weather: sketch.faults.are_weather().then(|| weather(sketch)),
            ..Network::default()
        },
        workload: workload(sketch),
        freeloaders: match sketch.freeloaders {
            Some((share, strategy)) => Freeloaders { share, strategy, ..Freeloaders::default() },
            None => Freeloaders::default(),
        },
        faults: faults(sketch),
        churn: churn(sketch),
        ..Scenario::default()
    }
}

/// All publishers share what they publish: freeloaders are drawn from the others.
fn workload(sketch: &Sketch) -> Workload {
    let publishers = sketch.freeloaders.map_or(0, |_| sketch.copies as u32);
    Workload {
        items: sketch.items as u32,
        item_size: Bytes(sketch.item_bytes),
        copies: sketch.copies as u32,
        publishers: (0..publishers).collect(),
        searches: sketch.searches(),
        rate: Frequency(1_000_000 * sketch.rate),
        fetch: sketch.fetch,
        timeout: span(sketch.timeout),
        ..Workload::default()
    }
}

fn faults(sketch: &Sketch) -> Vec<Fault> {
    // A node that is killed before it has joined is asked to twice: by its join, and as one that is back.
    let earliest = if sketch.onset == Onset::First { sketch.joins() } else { 0 };
    let fault = sketch.faults.crash.map(|crash| Fault {
        at: span(sketch.begins() + crash.after.max(earliest)),
        action: FaultAction::Kill,
        nodes: struck(sketch.nodes as u32, sketch.seed, crash.share),
        back_after: Some(span(crash.away)),
        ..Fault::default()
    });
    fault.into_iter().collect()
}

/// A share of the nodes, but for the one that is always there.
fn struck(nodes: u32, seed: u64, share: f64) -> Vec<u32> {
    let dice = Dice::new(seed);
    let others = (0..nodes).filter(|node| *node != BOOTSTRAP);
    let mut ranked: Vec<(u64, u32)> = others
        .map(|node| (dice.within(&format!("crash {node}"), 0..=u64::MAX - 1), node))
        .collect();
    ranked.sort_unstable();
    let count = (share * f64::from(nodes)).round() as usize;
    let mut struck: Vec<u32> =
        ranked.into_iter().take(count.max(1)).map(|(_, node)| node).collect();
    struck.sort_unstable();
    struck
}

fn churn(sketch: &Sketch) -> Option<Churn> {
    let churn = sketch.faults.churn?;
    let lasting = |mean| Lasting { mean: span(mean), ..Lasting::default() };
    Some(Churn {
        share: churn.share,
        spared: vec![BOOTSTRAP],
        from: Some(span(sketch.begins())),
        until: Some(span(sketch.begins() + sketch.storm)),
        departure: churn.departure,
        sessions: lasting(churn.sessions),
        absences: lasting(churn.absences),
        ..Churn::default()
    })
}

fn weather(sketch: &Sketch) -> Weather {
    let begins = sketch.begins();
    let Faults { slow, drift, overload, .. } = sketch.faults;
    Weather {
        from: Some(span(begins)),
        until: Some(span(begins + sketch.storm)),
        lost: sketch.faults.lost,
        duplicated: sketch.faults.duplicated,
        corrupted: sketch.faults.corrupted,
        delayed: sketch.faults.delayed,
        reordered: sketch.faults.reordered,
        delay: span(sketch.faults.delay),
        one_way: sketch.faults.one_way,
        partitions: sketch.faults.partitions.iter().map(|it| partition(begins, it)).collect(),
        slow: slow.map_or_else(Slow::default, |(share, by)| Slow { share, by: span(by) }),
        drift: drift.map_or_else(Drift::default, |(share, tenths)| Drift {
            share,
            factor: tenths as f64 / 10.0,
        }),
        overload: overload.map(|(after, lasts, factor)| Overload {
            at: span(begins + after),
            lasts: span(lasts),
            factor: factor as f64,
        }),
    }
}

fn partition(begins: u64, it: &super::sketch::Partition) -> Partition {
    Partition { at: span(begins + it.after), lasts: span(it.lasts), share: it.share }
}

fn span(milliseconds: u64) -> Span {
    Span(Duration::from_millis(milliseconds))
}
