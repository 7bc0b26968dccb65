//! Freeloaders as a person meets them: strategies, mistakes, a small run from the command line to the
//! picture; and the worlds in which overlays that fetch are at home.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use program::{folder_with, peerbench, records, transcript, transcripts};
use serde_json::Value;

/// A world in which fetching takes a while, for overlays that need no knowledge of what each is.
const SMALL: &str = "
name: small
nodes: 20
start: converged
warm_up: 2s
network:
  uniform_round_trip: 40ms
  capacities: [{share: 1.0, up: 1MB/s, down: 4MB/s}]
workload:
  items: 8
  item_size: 100kB
  copies: 2
  searches: 60
  rate: 10/s
  fetch: true
";

#[test]
fn what_there_is_to_try() {
    let folder = folder_with("small.yaml", SMALL);
    assert_snapshot!(transcripts(
        folder.path(),
        &[&["freeloaders", "--help"], &["list", "strategies"]]
    ));
}

#[test]
fn mistakes() {
    let folder = folder_with("small.yaml", SMALL);
    let small = ["freeloaders", "--scenario", "small.yaml"];
    let with = |more: &[&str]| transcript(folder.path(), &[&small[..], more].concat());
    assert_snapshot!(
        [
            with(&["cord"]),
            with(&["chord", "chord"]),
            with(&["--share", "0,150"]),
            with(&["--share", "ten"]),
            with(&["--strategy", "no-uplod"]),
            with(&["chord", "--strategy", "large-view"]),
            with(&["chord", "--set", "workload.item_size=64MiB"]),
            with(&["--set", "freeloaders.nodes=[7]"]),
            with(&["--set", "workload.publishers=[7]", "--set", "freeloaders.nodes=[7]"]),
            with(&["--set", "workload.rate=fast"]),
        ]
        .concat()
    );
}

#[test]
fn a_small_world_is_run_shown_drawn_and_reported_again() {
    let folder = folder_with("small.yaml", SMALL);
    let arguments =
        ["freeloaders", "tracker", "chord", "--scenario", "small.yaml", "--share", "25,50"];
    let output = peerbench(folder.path(), &[&arguments[..], &["--seeds", "1..6"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!("small_world", shown);
    assert_eq!(records(folder.path()).len(), 2 * 3 * 6, "overlays, shares with none, seeds");
    let latest = folder.path().join("reports/runs/latest");
    let summary = fs::read_to_string(latest.join("summary.md")).unwrap();
    assert!(summary.contains("](freeloaders.svg)"), "{summary}");
    assert!(fs::read_to_string(latest.join("freeloaders.svg")).unwrap().contains("chord"));
    let again = peerbench(folder.path(), &["report"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), shown);
    let details = String::from_utf8(peerbench(folder.path(), &["report", "--details"]).stdout);
    assert!(details.unwrap().contains("small with 25 % freeloaders"));
}

#[test]
fn every_overlay_is_run_if_none_is_named_and_who_is_left_out_is_named() {
    let folder = folder_with("small.yaml", SMALL);
    let large = "workload.item_size=17MiB";
    let arguments = ["freeloaders", "--scenario", "small.yaml", "--share", "50", "--seeds", "1"];
    let more = ["--set", large, "--set", "workload.items=1", "--set", "workload.searches=2"];
    let output = peerbench(folder.path(), &[&arguments[..], &more].concat());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("left out: tracker cannot fetch items of 17MiB"), "{shown}");
    assert!(records(folder.path()).iter().all(|it| it["key"]["overlay"] != "tracker"));
}

/// The scenario and the item's length that this command line runs.
fn ran(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = peerbench(folder, &[&["bench", "--driver", "simulator"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = fs::read_to_string(folder.join("reports/runs/latest/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let yaml = manifest["scenario_yaml"].as_str().unwrap();
    let size = yaml.lines().find_map(|line| line.trim().strip_prefix("item_size: ")).unwrap();
    (records(folder)[0]["key"]["scenario"].as_str().unwrap().to_owned(), size.to_owned())
}

#[test]
fn overlays_are_measured_where_they_are_at_home_unless_somebody_says_where() {
    let folder = folder_with("small.yaml", SMALL);
    let path = folder.path();
    let short = ["--nodes", "5", "--set", "workload.item_size=1MiB", "--seeds", "1"];
    let swarm = |more: &[&str]| ran(path, &[more, &short].concat()).0;
    assert_eq!(swarm(&["bittorrent"]), "swarm");
    assert_eq!(swarm(&["chord"]), "default");
    assert_eq!(swarm(&["bittorrent", "chord"]), "default");
    assert_eq!(swarm(&["bittorrent", "--scenario", "swarm-staggered"]), "swarm-staggered");
}

#[test]
fn a_file_or_a_folder_is_what_everybody_downloads() {
    let folder = folder_with("small.yaml", SMALL);
    let path = folder.path();
    fs::create_dir(path.join("an album: live")).unwrap();
    for (name, length) in [("one", 300_000), ("two", 100_000)] {
        fs::write(path.join("an album: live").join(name), vec![7; length]).unwrap();
    }
    let nodes = ["--nodes", "5"];
    let album = ran(path, &[&["bittorrent", "--content", "an album: live"], &nodes[..]].concat());
    assert_eq!(album, ("swarm".to_owned(), "400000B".to_owned()));
    let two = ["chord", "--scenario", "small.yaml", "--content", "an album: live/two"];
    assert_eq!(ran(path, &two), ("small".to_owned(), "100000B".to_owned()));
    assert_snapshot!(transcripts(path, &[&["bench", "bittorrent", "--content", "nowhere"]]));
}
