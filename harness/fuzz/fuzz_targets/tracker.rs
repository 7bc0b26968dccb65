//! Frames to nodes of a tracker.
#![no_main]
use libfuzzer_sys::fuzz_target;
use overlay_tracker::Tracker;

const SCENARIO: &str = "nodes: 8";

fuzz_target!(|data: &[u8]| peerbench_fuzz::receive::<Tracker>(SCENARIO, data));
