//! Frames to nodes of a ring.
#![no_main]
use libfuzzer_sys::fuzz_target;
use overlay_chord::Chord;

const SCENARIO: &str = "nodes: 8\noverlays: {chord: {successors: 3}}";

fuzz_target!(|data: &[u8]| peerbench_fuzz::receive::<Chord>(SCENARIO, data));
