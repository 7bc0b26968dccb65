//! What a peer that keeps to no rules can do to a node's links: it costs the node a bounded amount of
//! memory, and no other peer anything.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod network;

use std::time::Duration;

use futures::AsyncWriteExt as _;
use libp2p::core::muxing::StreamMuxerExt as _;
use network::{Network, agreed, drive, open, rest};
use overlay_core::NodeId;
use peerbench_testbed::link::MAX_FRAME;
use peerbench_testbed::transport::socket_address;
use tokio::net::TcpStream;

/// The longest that a peer which is ended may hold its end: never reached by a test that passes.
const HOURS: Duration = Duration::from_secs(7_200);

/// Nodes 0 and 1 say something to each other, whatever else is going on.
async fn assert_honest_are_served(network: &mut Network) {
    network.swarms[1].behaviour_mut().send(NodeId(0), b"there".to_vec());
    assert_eq!(network.receive(0, 1).await, [b"there"]);
    network.swarms[0].behaviour_mut().send(NodeId(1), b"back".to_vec());
    assert_eq!(network.receive(1, 1).await, [b"back"]);
}

#[tokio::test]
async fn a_flood_of_connections_that_say_nothing_keeps_nobody_out() {
    for shaped in [None, Some(Duration::from_millis(1))] {
        let mut network = Network::of(2, shaped).await;
        let place = socket_address(&network.addresses[0]).unwrap();
        let mut silent = Vec::new();
        for number in 0..600 {
            silent.push(TcpStream::connect(place).await.unwrap());
            if number % 50 == 0 {
                network.go_on().await;
            }
        }
        assert_honest_are_served(&mut network).await;
        // 256 and one for each of the two nodes may stay.
        network.until(0, |counts| counts.strangers >= 600 - 258).await;
        let pending = network.swarms[0].network_info().connection_counters().num_pending_incoming();
        assert!(pending <= 258, "{pending} handshakes are under way");
        let counts = network.swarms[0].behaviour().counts();
        assert_eq!((counts.peers_lost, counts.dial_failures), (0, 0));
    }
}

#[tokio::test]
async fn bytes_that_are_due_at_the_end_of_time_do_not_stay_until_then() {
    let mut network = Network::of(2, Some(Duration::from_millis(1))).await;
    let place = socket_address(&network.addresses[0]).unwrap();
    // Who it says it is; then a frame of one byte that is due in 584 years.
    let words = [b"pbs1", &[1, 0, 0, 0][..], &[1, 0, 0, 0], &[0xff; 8], &[7]].concat();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(place).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &words).await.unwrap();
        drop(stream);
        network.go_on().await;
    }
    assert_honest_are_served(&mut network).await;
    network.until(0, |counts| counts.strangers >= 300 - 258).await;
}

#[tokio::test]
async fn one_peer_has_a_bounded_number_of_connections() {
    let mut network = Network::of(2, None).await;
    let players: Vec<_> = (0..30)
        .map(|_| {
            network.intrude(network.outsider.clone(), |mut muxer| async move {
                let _stream = open(&mut muxer).await;
                let _ = tokio::time::timeout(HOURS, rest(&mut muxer)).await;
            })
        })
        .collect();
    network.until(0, |counts| counts.strangers >= 22).await;
    let established = network.swarms[0].network_info().connection_counters().num_established();
    assert!((1..=8).contains(&established), "{established} connections of one peer");
    assert_honest_are_served(&mut network).await;
    players.iter().for_each(tokio::task::JoinHandle::abort);
    while network.swarms[0].network_info().connection_counters().num_established() > 1 {
        network.go_on().await;
    }
    // Its places are free again.
    let outsider = network.outsider.clone();
    network.play(outsider, vec![100, 1]).await;
    network.until(0, |counts| counts.cut_short == 1).await;
}

#[tokio::test]
async fn a_second_stream_costs_its_opener_the_connection() {
    let mut network = Network::of(2, None).await;
    let player = network.intrude(network.outsider.clone(), |mut muxer| async move {
        let mut streams = [open(&mut muxer).await, open(&mut muxer).await];
        for stream in &mut streams {
            let words = async { stream.write_all(&agreed()).await.and(stream.flush().await) };
            let _ = drive(&mut muxer, words).await;
        }
        let _ = tokio::time::timeout(HOURS, rest(&mut muxer)).await;
    });
    network.until(0, |counts| counts.protocol == 1 && counts.peers_lost == 1).await;
    network.until_done(&player).await;
    assert_honest_are_served(&mut network).await;
}

#[tokio::test]
async fn many_streams_cost_their_opener_the_connection() {
    let mut network = Network::of(2, None).await;
    let player = network.intrude(network.outsider.clone(), |mut muxer| async move {
        let mut streams = Vec::new();
        for _ in 0..100 {
            let opened = async {
                let mut stream = std::future::poll_fn(|cx| muxer.poll_outbound_unpin(cx)).await?;
                let _ = drive(&mut muxer, stream.write_all(b"?")).await;
                Ok::<_, std::io::Error>(stream)
            };
            match tokio::time::timeout(Duration::from_millis(200), opened).await {
                Ok(Ok(stream)) => streams.push(stream),
                _ => break,
            }
        }
        let _ = tokio::time::timeout(HOURS, rest(&mut muxer)).await;
    });
    network.until_done(&player).await;
    network.until(0, |counts| counts.peers_lost == 1).await;
    assert_honest_are_served(&mut network).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_takes_a_bounded_amount_of_memory() {
    let mut network = Network::of(2, None).await;
    let player = network.intrude(network.outsider.clone(), |mut muxer| async move {
        let mut stream = open(&mut muxer).await;
        let words = async { stream.write_all(&agreed()).await.and(stream.flush().await) };
        let _ = drive(&mut muxer, words).await;
        // It holds the connection and looks at nothing any more.
        tokio::time::sleep(HOURS).await;
    });
    network.until(0, |counts| counts.connections == 1).await;
    for _ in 0..100 {
        network.swarms[0].behaviour_mut().send(NodeId(2), vec![7; 1 << 20]);
        network.go_on().await;
    }
    let (waiting, _) = network.swarms[0].behaviour().held();
    assert!((30 << 20..=66 << 20).contains(&waiting), "{waiting} bytes wait for it");
    network.until(0, |counts| counts.dropped >= 30).await;
    assert_honest_are_served(&mut network).await;
    // Words of no length take memory, too.
    for _ in 0..2_000_000 {
        network.swarms[0].behaviour_mut().send(NodeId(2), Vec::new());
    }
    assert!(network.swarms[0].behaviour().held().0 <= 66 << 20);
    player.abort();
    network.until(0, |counts| counts.peers_lost == 1).await;
    while network.swarms[0].behaviour().held().0 > 0 {
        network.go_on().await;
    }
}

#[tokio::test]
async fn a_frame_that_does_not_end_takes_no_more_than_has_arrived_of_it() {
    let mut network = Network::of(2, None).await;
    let player = network.intrude(network.outsider.clone(), |mut muxer| async move {
        let mut stream = open(&mut muxer).await;
        let mut words = agreed();
        let mut length = MAX_FRAME;
        while length >= 0x80 {
            words.push(length as u8 | 0x80);
            length >>= 7;
        }
        words.push(length as u8);
        words.extend(vec![7; 1 << 20]);
        let speech = async {
            stream.write_all(&words).await?;
            stream.flush().await?;
            tokio::time::sleep(HOURS).await;
            std::io::Result::Ok(())
        };
        let _ = drive(&mut muxer, speech).await;
    });
    while network.swarms[0].behaviour().held().1 < (1 << 20) - (64 << 10) {
        network.go_on().await;
    }
    assert!(network.swarms[0].behaviour().held().1 <= 1 << 20);
    assert_honest_are_served(&mut network).await;
    player.abort();
    network.until(0, |counts| counts.cut_short == 1).await;
    assert_eq!(network.swarms[0].behaviour().held(), (0, 0));
}
