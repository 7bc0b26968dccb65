//! What an event costs: the queue alone, and simulated Chord lookups with all metrics on. Compare
//! ratios within one run; the machine's speed varies.
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_chord::Chord;
use overlay_core::{Command, Input, Key, NodeId, OpId, Purpose, Random, Time};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::Document;
use peerbench_simulator::{Laboratory, Queue, Simulation, Unobserved, Wiring};

/// The hold model: each event taken out adds one, up to a sixth of a second later.
fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(1));
    for waiting in [1_000_u64, 100_000, 1_000_000] {
        let mut random = Random::stream(1, Purpose::Network, 0);
        let mut queue: Queue<u32> = Queue::new();
        for _ in 0..waiting {
            queue.push(random.below(160_000_000), NodeId(0), 7);
        }
        group.bench_function(BenchmarkId::new("hold", waiting), |bencher| {
            bencher.iter(|| {
                if let Some(next) = queue.pop() {
                    let after = random.below(160_000_000);
                    queue.push(next.time + after, next.target, black_box(next.item));
                }
            });
        });
    }
    group.finish();
}

/// One second of searches in a ring that has converged.
fn simulate(nodes: u32) -> Measurement {
    let yaml = format!(
        "nodes: {nodes}
start: converged
warm_up: 100ms
workload: {{items: 0, keys: random, searches: {nodes}, rate: {nodes}/s}}
overlays: {{chord: {{stabilize_every: null}}}}
"
    );
    let document = Document::parse("bench", yaml).expect("the bench's YAML is well-formed");
    let scenario = document.scenario().expect("the bench's scenario is sound");
    let config = document.overlay_config("chord").expect("the bench's configuration is sound");
    peerbench_simulator::run::<Chord>(&scenario, &config, 1, &Silent, &AtomicBool::new(false))
        .expect("the world can be drawn")
        .measurement
}

/// Whole runs, the building of the ring included.
fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chord_lookups");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for nodes in [1_000_u32, 10_000] {
        group.throughput(Throughput::Elements(u64::from(nodes)));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| simulate(nodes));
        });
    }
    group.finish();
}

/// A converged ring that keeps itself in shape, and in which a fiftieth of the nodes search in each
/// second: the same work a node, however many there are.
struct Ring<'a> {
    simulation: Simulation<'a, Chord>,
    random: Random,
    next_search: Time,
    between_searches: Duration,
    nodes: u32,
}

impl<'a> Ring<'a> {
    /// After two seconds, so that ticks and pings have found their rhythm.
    fn warm(laboratory: &'a Laboratory<Chord>) -> Self {
        let Laboratory { scenario, config, world, .. } = laboratory;
        let mut simulation = Simulation::new(world, config, 1, Wiring::of(scenario));
        simulation.settle(&laboratory.oracle(), &mut Unobserved);
        let nodes = world.nodes();
        let random = Random::stream(1, Purpose::Workload, 0);
        let between_searches = Duration::from_secs(50) / nodes;
        let mut ring =
            Self { simulation, random, next_search: Time::ZERO, between_searches, nodes };
        while ring.simulation.now() < Time::ZERO + Duration::from_secs(2) {
            ring.step();
        }
        ring
    }

    fn step(&mut self) {
        while self.simulation.next_time().is_none_or(|next| next > self.next_search) {
            self.simulation.advance_to(self.next_search);
            self.next_search = self.next_search + self.between_searches;
            let searcher = NodeId(self.random.below(self.nodes.into()) as u32);
            let key = Key::of(&self.random.below(u64::MAX).to_le_bytes());
            let search = Command::Search { op: OpId(0), key };
            self.simulation.give(searcher, Input::Command(search), &mut Unobserved);
        }
        self.simulation.step(&mut Unobserved);
    }
}

/// What an event costs where nothing begins or ends, against the number of nodes.
fn steady_state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chord_steady_state");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(1));
    for nodes in [1_000_u32, 10_000, 100_000, 1_000_000] {
        let laboratory = Laboratory::new(&format!("nodes: {nodes}\nstart: converged\n"), 1)
            .expect("the bench's scenario is sound");
        let mut ring = Ring::warm(&laboratory);
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| ring.step());
        });
    }
    group.finish();
}

criterion_group!(benches, queue, lookups, steady_state);
criterion_main!(benches);
