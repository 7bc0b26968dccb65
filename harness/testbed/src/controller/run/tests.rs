//! What a process of a run can say, and what is made of it.
use overlay_core::{Conduct, Key, Role, StateSize, units::BitRate};
use peerbench_measure::{Driver, NodeSample, RunRecord, Silent, Status, Traffic};
use peerbench_scenario::Document;
use tokio::net::TcpStream;

use super::*;
use crate::control::{self, Address, Token};

const TOKEN: Token = [7; 32];

/// Nobody is responsible for anything.
struct Nobody;

impl Oracle for Nobody {
    fn set_alive(&mut self, _: NodeId, _: bool) {}

    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        Vec::new()
    }

    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        Some(Vec::new())
    }
}

/// A run of two nodes, a process each, that do nothing; the test says what they say.
async fn run_of_two() -> (Run<Nobody>, [TcpStream; 2]) {
    let scenario =
        Document::parse("test", "nodes: 2").and_then(|text| text.scenario()).expect("a scenario");
    let world = Arc::new(World::new(&scenario, 7).expect("a world"));
    let hub = Hub::open(TOKEN, 2).await.expect("a loopback port");
    let control = hub.address();
    let (executable, arguments) = ("sleep".into(), vec!["600".into()]);
    let launcher = Launcher { executable, arguments, control, token: TOKEN };
    let mut processes = Processes::default();
    for node in [0, 1] {
        processes.start(&launcher, vec![NodeId(node)]).expect("there is `sleep`");
    }
    let (executable, arguments) = (launcher.executable.clone(), launcher.arguments.clone());
    let plan = Plan { scenario, seed: 7, executable, arguments };
    let run = Run::new(&plan, (world, None), (Nobody, None), hub, (launcher, processes));
    let mut streams = Vec::new();
    for process in [0, 1] {
        let mut stream = TcpStream::connect(control).await.expect("the hub listens");
        control::write(&mut stream, &Notice::Hello { token: TOKEN, process }).await.expect("sent");
        streams.push(stream);
    }
    (run, streams.try_into().expect("there are two"))
}

fn address(node: u8) -> Address {
    Address { multiaddress: format!("/ip4/127.0.0.1/tcp/{node}"), peer: vec![node] }
}

fn report_of(node: u32) -> Box<ProcessReport> {
    let sample = NodeSample {
        node: NodeId(node),
        conduct: Conduct::default(),
        role: Role::default(),
        uplink: BitRate(0),
        alive: Duration::from_secs(1),
        traffic: Traffic::default(),
        wire: None,
        state: StateSize::default(),
        resident_bytes: None,
        cpu: None,
    };
    Box::new(ProcessReport { nodes: vec![sample], ..ProcessReport::default() })
}

/// Nodes that are there, as the run sees it.
fn present(run: &Run<Nobody>) -> Option<u32> {
    run.convergence.as_ref().map(|convergence| convergence.result().2)
}

#[tokio::test]
async fn what_was_recorded_of_another_process_is_nonsense() {
    let (mut run, _streams) = run_of_two().await;
    let said_by = |node: u32| {
        let (node, at) = (NodeId(node), Time::ZERO);
        let event = Event::Left { op: overlay_core::OpId(0) };
        [
            Notice::Hello { token: TOKEN, process: node.0 },
            Notice::Listening(vec![address(0)]),
            Notice::Ready,
            Notice::Events(vec![Happening { node, at, event }]),
            Notice::Neighbors { node, at, neighbors: vec![NodeId(1)] },
            Notice::Checkpoint(report_of(node.0)),
            Notice::Finished(report_of(node.0)),
        ]
    };
    for notice in said_by(0) {
        run.on_notice(1, notice);
    }
    assert!(run.reports.is_empty(), "who has not reported is still waited for");
    assert_eq!(present(&run), Some(2), "nobody has left");
    for notice in said_by(0) {
        run.on_notice(0, notice);
    }
    assert!(run.reports[&0].1 && run.reports.len() == 1);
    assert_eq!(present(&run), Some(1));
    // An earlier report that is sent again does not take the place of the last.
    run.on_notice(0, Notice::Checkpoint(Box::default()));
    assert_eq!(run.reports[&0].0.nodes.len(), 1);

    let key = peerbench_measure::Key {
        overlay: "nobody".into(),
        scenario: "test".into(),
        driver: Driver::Testbed,
        n: 2,
        seed: 7,
        round: 0,
    };
    let record = RunRecord::new(key, String::new(), Status::Ok, &run.measurement);
    let nonsense = record.reading("losses_dropped_nonsense").number();
    assert_eq!(nonsense, Some(7.0 + 3.0), "all of the other's, and of its own what is out of turn");
}

/// How a run begins in which the two processes say this, once they are connected.
async fn begin(said: [&[Notice]; 2]) -> Result<bool, Error> {
    let (mut run, mut streams) = run_of_two().await;
    for (stream, notices) in streams.iter_mut().zip(said) {
        for notice in notices {
            control::write(stream, notice).await.expect("sent");
        }
    }
    run.prepare(&Silent, &AtomicBool::new(false)).await
}

#[tokio::test]
async fn a_start_with_the_words_of_another_process_is_none() {
    let listening = |node| Notice::Listening(vec![address(node)]);
    let both = Notice::Listening(vec![address(1), address(2)]);
    for (said, why) in [
        (listening(0), "another node's address"),
        (both, "out of turn"),
        (Notice::Ready, "out of turn"),
        (Notice::Hello { token: TOKEN, process: 0 }, "out of turn"),
    ] {
        // The order in which the two are heard does not matter, only the steps.
        let outcome = begin([&[listening(0)], &[said]]).await;
        let error = outcome.expect_err("it is not what the step asks for").to_string();
        assert!(error.contains("n1") && error.contains(why), "{error}");
    }
}
