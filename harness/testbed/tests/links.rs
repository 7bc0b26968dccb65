//! Links between libp2p nodes in one process: what arrives, what is refused, what is counted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod network;

use std::time::Duration;

use libp2p::PeerId;
use libp2p::identity::Keypair;
use network::Network;
use overlay_core::NodeId;
use peerbench_testbed::clock::Moment;
use peerbench_testbed::link::{LinkCounts, LinkEvent};
use peerbench_testbed::transport::socket_address;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

fn frame(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn frames_arrive_in_order_and_both_ways() {
    let mut network = Network::of(2, None).await;
    let sent: Vec<Vec<u8>> = (0..1_000_u32).map(|n| n.to_le_bytes().to_vec()).collect();
    for frame in &sent {
        network.swarms[0].behaviour_mut().send(NodeId(1), frame.clone());
    }
    assert_eq!(network.receive(1, sent.len()).await, sent);
    network.swarms[1].behaviour_mut().send(NodeId(0), frame("back"));
    assert_eq!(network.receive(0, 1).await, [frame("back")]);
    let counts = network.swarms[0].behaviour().counts();
    assert_eq!(counts, LinkCounts { connections: 1, ..LinkCounts::default() });
}

#[tokio::test]
async fn the_longest_frame_arrives() {
    let mut network = Network::of(2, None).await;
    let long: Vec<u8> =
        (0..peerbench_testbed::link::MAX_FRAME).map(|index| (index % 251) as u8).collect();
    network.swarms[0].behaviour_mut().send(NodeId(1), long.clone());
    assert!(network.receive(1, 1).await == [long]);
    network.swarms[0]
        .behaviour_mut()
        .send(NodeId(1), vec![0; peerbench_testbed::link::MAX_FRAME + 1]);
    assert_eq!(network.swarms[0].behaviour().counts().dropped, 1);
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_at_once_lose_nothing_and_keep_one_connection() {
    for round in 0..8_u32 {
        let way = (round % 2 == 1).then(|| Duration::from_millis(2));
        let mut network = Network::of(2, way).await;
        for n in 0..10_u32 {
            network.swarms[0].behaviour_mut().send(NodeId(1), n.to_le_bytes().to_vec());
            network.swarms[1].behaviour_mut().send(NodeId(0), n.to_le_bytes().to_vec());
        }
        let mut received = [Vec::new(), Vec::new()];
        while received.iter().any(|frames| frames.len() < 10) {
            match network.next().await {
                (node, LinkEvent::Received { frames, .. }) => received[node].extend(frames),
                (_, LinkEvent::Lost { peer, .. }) => panic!("round {round}: {peer} lost"),
                _ => {}
            }
        }
        for frames in &received {
            let mut sorted = frames.clone();
            sorted.sort();
            let sent: Vec<_> = (0..10_u32).map(|n| n.to_le_bytes().to_vec()).collect();
            assert_eq!(sorted, sent, "round {round}");
        }
        while network
            .swarms
            .iter()
            .any(|swarm| swarm.network_info().connection_counters().num_established() != 1)
        {
            let _ = tokio::time::timeout(Duration::from_millis(10), network.next()).await;
        }
        for swarm in &network.swarms {
            assert_eq!(swarm.behaviour().counts().peers_lost, 0, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_message_takes_as_long_as_the_emulated_network_asks() {
    let way = Duration::from_millis(20);
    let mut network = Network::of(2, Some(way)).await;
    let dialed = Moment::now();
    network.swarms[0].behaviour_mut().send(NodeId(1), frame("first"));
    network.receive(1, 1).await;
    assert!(Moment::now().since(dialed) >= 5 * way, "two round trips of handshakes, one way");
    let sent = Moment::now();
    network.swarms[0].behaviour_mut().send(NodeId(1), frame("second"));
    network.receive(1, 1).await;
    assert!(Moment::now().since(sent) >= way);
}

#[tokio::test]
async fn the_end_of_a_peer_is_news_that_travels() {
    let way = Duration::from_millis(30);
    let mut network = Network::of(2, Some(way)).await;
    network.swarms[0].behaviour_mut().send(NodeId(1), frame("hello"));
    network.receive(1, 1).await;
    let died = Moment::now();
    drop(network.swarms.pop());
    loop {
        if let (0, LinkEvent::Lost { peer, dialed: None }) = network.next().await {
            assert_eq!(peer, NodeId(1));
            break;
        }
    }
    assert!(Moment::now().since(died) >= way);
}

#[tokio::test]
async fn who_cannot_be_dialed_is_lost_and_what_waited_is_counted() {
    let mut network = Network::of(1, None).await;
    network.swarms[0].behaviour_mut().send(NodeId(1), frame("anybody?"));
    network.swarms[0].behaviour_mut().send(NodeId(1), frame("nobody."));
    let (_, event) = network.next().await;
    assert!(matches!(event, LinkEvent::Lost { peer: NodeId(1), dialed: Some(_) }));
    network.swarms[0].behaviour_mut().send(NodeId(77), frame("no such row"));
    let (_, event) = network.next().await;
    assert!(matches!(event, LinkEvent::Lost { peer: NodeId(77), .. }));
    let counts = network.swarms[0].behaviour().counts();
    assert_eq!((counts.dial_failures, counts.dropped), (1, 3));
}

#[tokio::test]
async fn a_frame_that_is_too_long_costs_its_sender_the_connection() {
    let mut network = Network::of(1, None).await;
    let outsider = network.outsider.clone();
    network.play(outsider, vec![0xff; 100]).await;
    network.until(0, |counts| counts.too_long == 1 && counts.peers_lost == 1).await;
}

#[tokio::test]
async fn a_frame_that_is_cut_short_is_counted() {
    let mut network = Network::of(1, None).await;
    let outsider = network.outsider.clone();
    network.play(outsider, vec![100, 1, 2, 3]).await;
    network.until(0, |counts| counts.cut_short == 1 && counts.peers_lost == 1).await;
}

#[tokio::test]
async fn strangers_are_turned_away() {
    for shaped in [None, Some(Duration::from_millis(1))] {
        let mut network = Network::of(1, shaped).await;
        let place = socket_address(&network.addresses[0]).unwrap();
        let mut garbage = TcpStream::connect(place).await.unwrap();
        garbage.write_all(&[0xa5; 4096]).await.unwrap();
        network.until(0, |counts| counts.strangers == 1).await;
        let mut short = TcpStream::connect(place).await.unwrap();
        short.write_all(b"pb").await.unwrap();
        drop(short);
        network.until(0, |counts| counts.strangers == 2).await;
    }
    let mut network = Network::of(1, None).await;
    network.play(Keypair::generate_ed25519(), vec![1, 1]).await;
    network.until(0, |counts| counts.strangers == 1).await;
    let unknown: PeerId = *network.swarms[0].local_peer_id();
    assert_eq!(network.swarms[0].behaviour().connected(), 0, "{unknown} has no links");
}
