//! The protocol as it is spoken: a server and three peers, 50 ms apart.
mod common;

use common::{Laboratory, item, span};
use overlay_core::NodeId;
use overlay_tracker::TrackerConfig;

const SERVER: NodeId = NodeId(0);
const ANN: NodeId = NodeId(1);
const BOB: NodeId = NodeId(2);
const EVE: NodeId = NodeId(3);

/// A chapter of the transcript.
fn chapter(laboratory: &mut Laboratory, title: &str) {
    laboratory.transcript.push_str(&format!("\n{title}\n"));
}

#[test]
fn a_tracker_s_day() {
    let config = TrackerConfig {
        keep_alive_every: span(10),
        expire_after: span(25),
        ..TrackerConfig::default()
    };
    let mut lab = Laboratory::new(4, config);
    chapter(&mut lab, "the server starts; Ann publishes two items, joins, and publishes another");
    lab.found(SERVER);
    lab.publish(ANN, item(1));
    lab.publish(ANN, item(2));
    lab.join(ANN);
    lab.wait(0.5);
    lab.publish(ANN, item(3));
    lab.wait(0.5);

    chapter(&mut lab, "Bob joins, finds and fetches item 1, and does not find item 9");
    lab.join(BOB);
    lab.wait(0.5);
    lab.begin_search(BOB, item(1).key);
    lab.wait(0.5);
    lab.begin_fetch(BOB, item(1).key, ANN);
    lab.begin_search(BOB, item(9).key);
    lab.wait(0.5);

    chapter(&mut lab, "the server searches for itself, and keep-alives come in");
    lab.begin_search(SERVER, item(2).key);
    lab.wait(9.0);

    chapter(&mut lab, "the server is killed; whoever searches hears so at once");
    lab.kill(SERVER);
    lab.wait(0.2);
    lab.begin_search(BOB, item(1).key);
    lab.wait(2.0);

    chapter(&mut lab, "it starts anew, and its peers publish again");
    lab.restart(SERVER);
    lab.join(SERVER);
    lab.wait(6.0);
    lab.begin_search(BOB, item(1).key);
    lab.wait(0.2);

    chapter(&mut lab, "Eve comes and goes");
    lab.join(EVE);
    lab.wait(0.2);
    lab.leave(EVE);
    lab.wait(0.2);

    chapter(&mut lab, "Ann freezes, and is forgotten after a while");
    lab.freeze(ANN);
    lab.begin_search(BOB, item(1).key);
    lab.wait(36.0);
    lab.begin_search(BOB, item(1).key);
    lab.wait(0.5);
    insta::assert_snapshot!(lab.transcript);
}

#[test]
fn two_replicas_tell_each_other() {
    let config = TrackerConfig {
        servers: 2,
        layout: overlay_tracker::Layout::Replicated,
        ..TrackerConfig::default()
    };
    let mut lab = Laboratory::new(4, config);
    chapter(&mut lab, "both servers start, and two peers, each at a home of its own");
    [SERVER, NodeId(1), BOB, EVE].into_iter().for_each(|node| lab.found(node));
    lab.wait(0.5);
    chapter(&mut lab, "n2 publishes at n0, and n3 finds it at n1");
    lab.publish(BOB, item(1));
    lab.wait(0.5);
    lab.begin_search(EVE, item(1).key);
    lab.wait(0.5);
    chapter(&mut lab, "n0 is killed while n2 searches there");
    lab.begin_search(BOB, item(1).key);
    lab.kill(SERVER);
    lab.wait(0.5);
    chapter(&mut lab, "n0 starts anew");
    lab.restart(SERVER);
    lab.join(SERVER);
    lab.wait(2.0);
    insta::assert_snapshot!(lab.transcript);
}
