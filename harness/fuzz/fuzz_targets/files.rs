//! The files of users: scenarios, records, and the edge lists, matrices and traces that scenarios name.
#![no_main]
use libfuzzer_sys::fuzz_target;
use peerbench_measure::RunRecord;
use peerbench_scenario::{Document, World};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    match kind % 5 {
        0 => drop(Document::parse("fuzzed", text).and_then(|document| document.scenario())),
        1 => drop(serde_json::from_slice::<RunRecord>(data)),
        2 => read_with(data, |path| format!("network: {{graph: {path}}}")),
        3 => read_with(data, |path| format!("nodes: 3\nnetwork: {{matrix: {path}}}")),
        _ => read_with(data, |path| format!("nodes: 8\nchurn: {{trace: {path}}}")),
    }
});

fn read_with(data: &[u8], scenario: impl FnOnce(&str) -> String) {
    let path = std::env::temp_dir().join(format!("peerbench-fuzz-{}", std::process::id()));
    std::fs::write(&path, data).expect("there is room for temporary files");
    let document = Document::parse("fuzzed", scenario(&path.to_string_lossy()));
    let scenario = document.and_then(|document| document.scenario());
    drop(scenario.and_then(|scenario| World::new(&scenario, 1)));
    let _ = std::fs::remove_file(&path);
}
