//! Frames to nodes of a swarm.
#![no_main]
use libfuzzer_sys::fuzz_target;
use overlay_bittorrent::Bittorrent;

const SCENARIO: &str = "nodes: 8";

fuzz_target!(|data: &[u8]| peerbench_fuzz::receive::<Bittorrent>(SCENARIO, data));
