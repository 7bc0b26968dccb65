//! Frames to nodes of an unstructured network.
#![no_main]
use libfuzzer_sys::fuzz_target;
use overlay_flooding::Flooding;

const SCENARIO: &str = "nodes: 8";

fuzz_target!(|data: &[u8]| peerbench_fuzz::receive::<Flooding>(SCENARIO, data));
