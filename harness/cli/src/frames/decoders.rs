//! Everything else that reads what others wrote: the frames of links and of the control channel, and
//! the files of users.
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use overlay_core::{Answer, Event, Key, NodeId, OpId, Purpose, Random, Time};
use peerbench_measure::RunRecord;
use peerbench_scenario::{Document, World, builtin};
use peerbench_testbed::control::{self, Happening, Notice, Order, Setup};
use peerbench_testbed::link;

use super::mutation::Corpus;
use super::{Epoch, Tally};
use crate::failure::Failure;

/// Something that reads bytes.
#[derive(Clone, Copy)]
pub(super) struct Decoder {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// Bytes that are as they should be.
    pub(super) samples: fn() -> Vec<Vec<u8>>,
    /// Reads some; whether they made sense.
    pub(super) read: fn(&[u8]) -> bool,
}

/// Every one of them.
pub(super) const DECODERS: &[Decoder] = &[
    Decoder { name: "link-frames", samples: link_frames, read: read_link_frames },
    Decoder {
        name: "control-notices",
        samples: notices,
        read: |bytes| is_message::<Notice>(bytes),
    },
    Decoder { name: "control-orders", samples: orders, read: |bytes| is_message::<Order>(bytes) },
    Decoder { name: "scenarios", samples: scenarios, read: is_scenario },
    Decoder { name: "records", samples: records, read: is_record },
    Decoder {
        name: "edge-lists",
        samples: || text("# a comment\n0\t7\n7 0\n\n7 9\n"),
        read: is_edge_list,
    },
    Decoder { name: "matrices", samples: matrices, read: is_matrix },
    Decoder { name: "sessions", samples: || text("a 2 0 10 20 30\nb 1 5 9.5\n"), read: is_trace },
];

/// Gives an epoch's frames to a decoder.
pub(super) fn throw(decoder: &Decoder, epoch: &Epoch<'_>) -> Result<Tally, Failure> {
    let mut random = Random::stream(epoch.seed, Purpose::Population, 0);
    let mut corpus = Corpus::default();
    for sample in (decoder.samples)() {
        corpus.keep(decoder.name, sample, &mut random);
    }
    let (mut tally, mut bytes) = (Tally::default(), Vec::new());
    while tally.frames < epoch.frames {
        corpus.make(&mut random, &mut bytes);
        tally.frames += 1;
        tally.decoded += u64::from((decoder.read)(&bytes));
        epoch.tell(tally.frames);
    }
    Ok(tally)
}

fn link_frames() -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    for length in [0, 1, 20, 127, 128, 300] {
        link::append(&vec![7; length], &mut bytes);
    }
    vec![bytes]
}

fn read_link_frames(bytes: &[u8]) -> bool {
    let (mut decoder, mut frames) = (link::Decoder::default(), Vec::new());
    // In two parts, as the network may cut them.
    let (first, second) = bytes.split_at(bytes.len() / 3);
    let is_read = [first, second].iter().all(|part| decoder.push(part, &mut frames).is_ok());
    assert!(decoder.held() <= bytes.len(), "no more is held than has arrived");
    is_read && !decoder.is_within_frame()
}

fn is_message<M: serde::de::DeserializeOwned>(bytes: &[u8]) -> bool {
    control::parse::<M>(bytes).is_ok()
}

fn notices() -> Vec<Vec<u8>> {
    let answer = Answer { by: NodeId(3), holder: Some(NodeId(4)), hops: 2, timeouts: 0 };
    let event = Event::Found { op: OpId(9), answer };
    let happening = Happening { node: NodeId(1), at: Time::ZERO, event };
    let neighbors = vec![NodeId(2), NodeId(3)];
    [
        Notice::Hello { token: [7; 32], process: 3 },
        Notice::Listening(Vec::new()),
        Notice::Ready,
        Notice::Events(vec![happening; 3]),
        Notice::Neighbors { node: NodeId(1), at: Time::ZERO, neighbors },
        Notice::Finished(Box::default()),
        Notice::Failed("no room".to_owned()),
    ]
    .iter()
    .filter_map(|notice| control::encode(notice).ok())
    .collect()
}

fn orders() -> Vec<Vec<u8>> {
    let scenario = "nodes: 3".to_owned();
    let setup = Setup { scenario, seed: 7, nodes: vec![NodeId(0)], real: None, back: None };
    [
        Order::Setup(setup),
        Order::Echo,
        Order::Table(Vec::new()),
        Order::Look,
        Order::End(Time::ZERO),
    ]
    .iter()
    .filter_map(|order| control::encode(order).ok())
    .collect()
}

fn text(text: &str) -> Vec<Vec<u8>> {
    vec![text.as_bytes().to_vec()]
}

fn scenarios() -> Vec<Vec<u8>> {
    let texts = peerbench_scenario::builtin_names().filter_map(|name| builtin(name).ok());
    let mut texts: Vec<_> = texts.map(|document| document.text().as_bytes().to_vec()).collect();
    texts.extend(text("nodes: 8\nnetwork: {uniform_round_trip: 4ms}\nfaults: [{at: 2s}]\n"));
    texts
}

fn is_scenario(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    Document::parse("fuzzed", text).and_then(|document| document.scenario()).is_ok()
}

fn records() -> Vec<Vec<u8>> {
    let key = peerbench_measure::Key {
        overlay: "chord".to_owned(),
        scenario: "default".to_owned(),
        driver: peerbench_measure::Driver::Simulator,
        n: 8,
        seed: 1,
        round: 0,
    };
    let measurement = peerbench_measure::Measurement::new(std::time::Duration::from_secs(1));
    let status = peerbench_measure::Status::Ok;
    let record = RunRecord::new(key, String::new(), status, &measurement);
    serde_json::to_vec(&record).into_iter().collect()
}

fn is_record(bytes: &[u8]) -> bool {
    serde_json::from_slice::<RunRecord>(bytes).is_ok()
}

fn matrices() -> Vec<Vec<u8>> {
    text("a b c\n- 10 20\n10 - 30\n20 30 -\n")
}

fn is_edge_list(bytes: &[u8]) -> bool {
    is_world(bytes, |path| format!("network: {{graph: {path}}}"))
}

fn is_matrix(bytes: &[u8]) -> bool {
    is_world(bytes, |path| format!("nodes: 3\nnetwork: {{matrix: {path}}}"))
}

fn is_trace(bytes: &[u8]) -> bool {
    is_world(bytes, |path| format!("nodes: 8\nchurn: {{trace: {path}}}"))
}

/// Whether a file with these bytes makes a world, named in a scenario as this says.
fn is_world(bytes: &[u8], scenario: impl FnOnce(&str) -> String) -> bool {
    let path = scratch();
    let is_written = fs::File::create(&*path).and_then(|mut file| file.write_all(bytes)).is_ok();
    let document = Document::parse("fuzzed", scenario(&path));
    let scenario = document.and_then(|document| document.scenario());
    is_written && scenario.and_then(|scenario| World::new(&scenario, 1)).is_ok()
}

/// A file of this thread's own, in memory where there is such a place; removed with the thread.
fn scratch() -> Arc<str> {
    struct Scratch(Arc<str>);
    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&*self.0);
        }
    }
    thread_local! {
        static SCRATCH: Scratch = Scratch({
            let memory = std::path::Path::new("/dev/shm");
            let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
            let own = Key::of(format!("{:?}", std::thread::current().id()).as_bytes());
            let name = format!("peerbench-frames-{}-{:02x}{:02x}", std::process::id(), own.0[0], own.0[1]);
            folder.join(name).to_string_lossy().into()
        });
    }
    SCRATCH.with(|scratch| Arc::clone(&scratch.0))
}
