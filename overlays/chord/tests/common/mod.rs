//! What the tests of Chord share: worlds from a few lines of YAML.
#![allow(dead_code, reason = "each test file uses its part")]
use overlay_chord::Chord;
use peerbench_measure::Measurement;
use peerbench_simulator::Laboratory;

/// What the simulator measures.
pub(crate) fn simulate(yaml: &str, seed: u64) -> Measurement {
    laboratory(yaml, seed).measure().expect("the world can be drawn")
}

/// Nodes of Chord in a world from a few lines of YAML.
pub(crate) fn laboratory(yaml: &str, seed: u64) -> Laboratory<Chord> {
    Laboratory::new(yaml, seed).expect("the test's scenario is sound")
}
