//! What a flood costs: queries over 60,000 nodes whose degrees are spread as in the crawl of August
//! 2002, in the simulator. Compare ratios within one run; the machine's speed varies.
use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overlay_core::{Command, Input, Key, NodeId, OpId, Overlay as _, Purpose, Random};
use overlay_flooding::{Flooding, FloodingConfig};
use peerbench_scenario::{Document, World};
use peerbench_simulator::{Simulation, Unobserved, Wiring};

/// Links, and how many of a thousand nodes have so many in the crawl of August 2002: 6.6 on average,
/// and more than a quarter have only one.
const DEGREES: [(u32, u32); 14] = [
    (1, 277),
    (2, 139),
    (3, 88),
    (4, 59),
    (5, 35),
    (6, 27),
    (7, 32),
    (9, 13),
    (10, 30),
    (11, 80),
    (12, 68),
    (14, 116),
    (19, 22),
    (60, 14),
];

/// A graph with these degrees, link ends paired at random (the configuration model).
fn edges(nodes: u32, random: &mut Random) -> Vec<(u32, u32)> {
    let mut ends = Vec::new();
    for node in 0..nodes {
        let drawn = random.below(1_000) as usize;
        let mut shares =
            DEGREES.iter().flat_map(|&(degree, share)| (0..share).map(move |_| degree));
        let degree = shares.nth(drawn).expect("the shares add up to a thousand");
        ends.extend((0..degree).map(|_| node));
    }
    for place in (1..ends.len()).rev() {
        ends.swap(place, random.below(place as u64 + 1) as usize);
    }
    ends.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// A settled network, and one flood after the other over it.
fn floods(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flood");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for nodes in [6_000_u32, 60_000] {
        let mut random = Random::stream(1, Purpose::Network, 9);
        let mut file = tempfile::NamedTempFile::new().expect("there is room for a file");
        for (from, to) in edges(nodes, &mut random) {
            writeln!(file, "{from}\t{to}").expect("there is room for a file");
        }
        let yaml = format!(
            "{{network: {{graph: {}}}, overlays: {{flooding: {{ttl: 20, ping_every: null}}}}}}",
            file.path().display()
        );
        let document = Document::parse("bench", &yaml).expect("the bench's YAML is well-formed");
        let scenario = document.scenario().expect("the bench's scenario is sound");
        let config: FloodingConfig = document.overlay_config("flooding").expect("it is sound");
        let world = World::new(&scenario, 1).expect("the world can be drawn");
        let mut simulation = Simulation::<Flooding>::new(&world, &config, 1, Wiring::default());
        simulation.settle(&Flooding::oracle(&config, &world), &mut Unobserved);
        let mut operations = 0;
        let mut flood = |searches: u64| {
            let before = simulation.delivered();
            for _ in 0..searches {
                let searcher = NodeId(random.below(world.nodes().into()) as u32);
                let search = Command::Search { op: OpId(operations), key: Key::of(b"nothing") };
                operations += 1;
                simulation.give(searcher, Input::Command(search), &mut Unobserved);
            }
            while simulation.step(&mut Unobserved) {}
            simulation.delivered() - before
        };
        let messages = flood(20) / 20;
        group.throughput(Throughput::Elements(messages));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
            bencher.iter(|| black_box(flood(1)));
        });
    }
    group.finish();
}

criterion_group!(benches, floods);
criterion_main!(benches);
