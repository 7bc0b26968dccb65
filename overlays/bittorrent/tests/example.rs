//! The protocol as it is spoken: a seed, which is the tracker, and a leecher, 50 ms apart.
mod common;

use std::time::Duration;

use common::Setting;
use overlay_core::Time;

const TWO: &str = "
nodes: 2
start: converged
warm_up: 2s
network:
  uniform_round_trip: 100ms
  handshake_round_trips: 0.0
  capacities: [{share: 1.0, up: 1MB/s, down: 10MB/s}]
workload:
  items: 1
  item_size: 100kB
  publishers: [0]
  downloads: {over: 0s}
  fetch: true
overlays:
  bittorrent: {piece_length: 32KiB}
";

#[test]
fn a_download_from_the_first_word_to_the_last() {
    let setting = Setting::new(TWO, 1);
    let mut network = setting.network();
    network.told.transcript = Some(String::new());
    network.run_until(Time::ZERO + Duration::from_secs(30));
    insta::assert_snapshot!(network.told.transcript.expect("it was written"));
}
