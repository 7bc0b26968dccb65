//! What the tests of Chord share: worlds from a few lines of YAML.
#![allow(dead_code, reason = "each test file uses its part")]
use std::sync::atomic::AtomicBool;

use overlay_chord::{Chord, ChordConfig};
use peerbench_measure::{Measurement, Silent};
use peerbench_scenario::{Document, Scenario};
use peerbench_simulator::Laboratory;

/// A scenario and Chord's part of it.
pub(crate) fn scenario(yaml: &str) -> (Scenario, ChordConfig) {
    let document = Document::parse("test", yaml).expect("the test's YAML is well-formed");
    let scenario = document.scenario().expect("the test's scenario is sound");
    let config = document.overlay_config("chord").expect("the test's configuration is sound");
    (scenario, config)
}

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    let (scenario, config) = scenario(yaml);
    let stop = AtomicBool::new(false);
    peerbench_simulator::run::<Chord>(&scenario, &config, seed, &Silent, &stop)
        .expect("the world can be drawn")
        .measurement
}

/// Nodes of Chord in a world from a few lines of YAML.
pub(crate) fn laboratory(yaml: &str, seed: u64) -> Laboratory<Chord> {
    Laboratory::new(yaml, seed).expect("the test's scenario is sound")
}
