//! What an event costs: the queue alone, and simulated Chord lookups with all metrics on. Compare
//! ratios within one run; the machine's speed varies.
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_chord::Chord;
use overlay_core::{NodeId, Purpose, Random};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::Document;
use peerbench_simulator::Queue;

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

criterion_group!(benches, queue, lookups);
criterion_main!(benches);
