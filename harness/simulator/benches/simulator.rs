//! What an event costs: the queue alone, and simulated Chord lookups with all metrics on. Compare
//! ratios within one run; the machine's speed varies.
use std::cell::LazyCell;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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

fn laboratory(nodes: u32) -> Laboratory<Chord> {
    Laboratory::new(&format!("nodes: {nodes}\nstart: converged\n"), 1)
        .expect("the bench's scenario is sound")
}

/// What an event costs where nothing begins or ends, against the number of nodes: ten doublings.
fn steady_state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chord_steady_state");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(1));
    for nodes in (10..=20).map(|doublings| 1_u32 << doublings) {
        // Built only if it is measured.
        let laboratory = LazyCell::new(|| laboratory(nodes));
        let mut ring = None;
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            let ring = ring.get_or_insert_with(|| Ring::warm(&laboratory));
            bencher.iter(|| ring.step());
        });
    }
    group.finish();
}

/// How far two cores may be apart in virtual time before they wait for each other: what a message takes
/// at least between two cities of different continents is some ten times that.
const LOOKAHEAD: Duration = Duration::from_millis(5);

/// What conservative time windows (Chandy and Misra 1979) over two cores could give at best: two rings of
/// half as many nodes, one on each core, which wait for each other after each window and exchange
/// nothing. To be held against the ring of as many nodes in `chord_steady_state`.
fn two_halves(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chord_two_halves");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(1));
    for nodes in [14, 17, 20].map(|doublings| 1_u32 << doublings) {
        let half = LazyCell::new(|| laboratory(nodes / 2));
        let mut rings = None;
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            let rings = rings.get_or_insert_with(|| [Ring::warm(&half), Ring::warm(&half)]);
            bencher.iter_custom(|events| run_in_windows(rings, events));
        });
    }
    group.finish();
}

/// How long the rings took for so many events together.
fn run_in_windows(rings: &mut [Ring<'_>; 2], events: u64) -> Duration {
    let began = Instant::now();
    let (events_each, windows) = (events / 2, [AtomicU64::new(0), AtomicU64::new(0)]);
    thread::scope(|scope| {
        for (me, ring) in rings.iter_mut().enumerate() {
            let windows = &windows;
            scope.spawn(move || {
                let mut left = events_each;
                for window in 1.. {
                    let until = ring.simulation.now() + LOOKAHEAD;
                    while left > 0 && ring.simulation.now() < until {
                        ring.step();
                        left -= 1;
                    }
                    let window = if left == 0 { u64::MAX } else { window };
                    windows[me].store(window, Ordering::Release);
                    while windows[1 - me].load(Ordering::Acquire) < window && left > 0 {
                        spin_loop();
                    }
                    if left == 0 {
                        return;
                    }
                }
            });
        }
    });
    began.elapsed()
}

criterion_group!(benches, queue, lookups, steady_state, two_halves);
criterion_main!(benches);
