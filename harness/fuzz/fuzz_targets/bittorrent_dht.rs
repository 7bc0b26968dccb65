//! Frames to nodes of a swarm without a tracker.
#![no_main]
use libfuzzer_sys::fuzz_target;
use overlay_bittorrent::Trackerless;
use overlay_chord::Router;

const SCENARIO: &str = "nodes: 8";

fuzz_target!(|data: &[u8]| peerbench_fuzz::receive::<Trackerless<Router>>(SCENARIO, data));
