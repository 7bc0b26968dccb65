//! What a peer that keeps to no rules can do to a node's links: it costs the node a bounded amount of
//! memory, and no other peer anything.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod network;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::core::muxing::StreamMuxerExt as _;
use libp2p::identity::Keypair;
use network::{CROWD, HOURS, Network, agreed, drive, open, rest};
use overlay_core::NodeId;
use peerbench_testbed::link::{Decoder, MAX_FRAME};
use peerbench_testbed::transport::socket_address;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

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
async fn a_flood_of_complete_handshakes_of_unknown_peers_leaves_nothing_behind() {
    for shaped in [None, Some(Duration::from_millis(1))] {
        let mut network = Network::of(2, shaped).await;
        assert_honest_are_served(&mut network).await;
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let mut players = Vec::new();
        for number in 1..=400 {
            // It shows who it is, and then holds its end and looks at nothing any more.
            players.push(network.ignore(Keypair::generate_ed25519()));
            if number % 50 == 0 {
                assert_honest_are_served(&mut network).await;
            }
        }
        network.until(0, |counts| counts.strangers >= 400).await;
        let counters = network.swarms[0].network_info().connection_counters().clone();
        assert_eq!((counters.num_established(), counters.num_pending_incoming()), (1, 0));
        let counts = network.swarms[0].behaviour().counts();
        assert_eq!((counts.connections, counts.peers_lost, counts.strangers), (1, 0, 400));
        // Not even the tasks that end their connections stay.
        let holding = |players: &[JoinHandle<()>]| {
            players.iter().filter(|player| !player.is_finished()).count()
        };
        while tasks() > before + holding(&players) {
            network.go_on().await;
        }
        assert!(holding(&players) > 0, "they have not gone by themselves");
        assert_honest_are_served(&mut network).await;
        players.iter().for_each(JoinHandle::abort);
    }
}

#[tokio::test]
async fn a_flood_of_handshakes_that_lack_the_last_word_keeps_nobody_out() {
    let mut network = Network::of(2, None).await;
    let mut players = Vec::new();
    for number in 1..=400 {
        // It has shown who it is, and does not propose how to share the connection.
        players.push(network.intrude(Keypair::generate_ed25519(), |muxer| async move {
            tokio::time::sleep(HOURS).await;
            drop(muxer);
        }));
        if number % 50 == 0 {
            network.go_on().await;
        }
    }
    assert_honest_are_served(&mut network).await;
    network.until(0, |counts| counts.strangers >= 400 - 258).await;
    let pending = network.swarms[0].network_info().connection_counters().num_pending_incoming();
    assert!(pending <= 258, "{pending} handshakes are under way");
    players.iter().for_each(JoinHandle::abort);
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
    players.iter().for_each(JoinHandle::abort);
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
    let player = network.ignore(network.outsider.clone());
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
async fn a_frame_counts_until_the_stream_has_taken_it() {
    let mut network = Network::of(2, None).await;
    let player = network.ignore(network.outsider.clone());
    network.until(0, |counts| counts.connections == 1).await;
    // Alone, so that it is copied for the stream as soon as it is there.
    network.swarms[0].behaviour_mut().send(NodeId(2), vec![7; 16 << 20]);
    for _ in 0..20 {
        network.go_on().await;
        assert!(network.swarms[0].behaviour().held().0 >= 16 << 20);
    }
    player.abort();
    network.until(0, |counts| counts.peers_lost == 1).await;
    while network.swarms[0].behaviour().held().0 > 0 {
        network.go_on().await;
    }
}

#[tokio::test]
async fn many_peers_that_do_not_read_take_no_more_than_the_bound_for_all() {
    let mut network = Network::of(2, None).await;
    let players: Vec<_> = network.crowd.iter().map(|key| network.ignore(key.clone())).collect();
    network.until(0, |counts| counts.connections == u64::from(CROWD)).await;
    for _ in 0..2 {
        for peer in (3..3 + CROWD).map(NodeId) {
            network.swarms[0].behaviour_mut().send(peer, vec![7; 16 << 20]);
            network.go_on().await;
        }
    }
    // As much as may wait on eight links.
    let bound = 8 * (33 << 20);
    let (waiting, _) = network.swarms[0].behaviour().held();
    assert!((bound - (16 << 20)..=bound).contains(&waiting), "{waiting} bytes wait for them");
    let dropped = network.swarms[0].behaviour().counts().dropped;
    assert_eq!(dropped, u64::from(2 * CROWD) - 16, "the others of 16 MiB each");
    assert_honest_are_served(&mut network).await;
    // A little may be said to everybody all the same.
    for _ in 0..100 {
        for peer in (3..3 + CROWD).map(NodeId) {
            network.swarms[0].behaviour_mut().send(peer, vec![7; 1_000]);
        }
    }
    network.go_on().await;
    let (waiting, _) = network.swarms[0].behaviour().held();
    assert!(waiting <= bound + CROWD as usize * (128 << 10), "{waiting} bytes wait for them");
    players.iter().for_each(JoinHandle::abort);
    network.until(0, |counts| counts.peers_lost == u64::from(CROWD)).await;
    while network.swarms[0].behaviour().held().0 > 0 {
        network.go_on().await;
    }
}

#[tokio::test]
async fn a_peer_that_reads_a_trickle_takes_a_bounded_amount_of_memory_and_loses_nothing_else() {
    let mut network = Network::of(2, None).await;
    let hurry = Arc::new(AtomicBool::new(false));
    let (sender, outcome) = tokio::sync::oneshot::channel();
    let is_urgent = Arc::clone(&hurry);
    let player = network.intrude(network.outsider.clone(), |mut muxer| async move {
        let mut stream = open(&mut muxer).await;
        let reading = async {
            stream.write_all(&agreed()).await?;
            stream.flush().await?;
            // What the node says to agree on the protocol is as long as what it heard.
            stream.read_exact(&mut vec![0; agreed().len()]).await?;
            let (mut bytes, mut decoder, mut frames) =
                (vec![0; 1 << 16], Decoder::default(), vec![]);
            while frames.last().is_none_or(|last: &Vec<u8>| !last.is_empty()) {
                let is_urgent = is_urgent.load(Ordering::Relaxed);
                if !is_urgent {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let count =
                    stream.read(&mut bytes[..if is_urgent { 1 << 16 } else { 4_096 }]).await?;
                decoder.push(&bytes[..count], &mut frames).unwrap();
            }
            std::io::Result::Ok(frames.len())
        };
        let _ = sender.send(drive(&mut muxer, reading).await.unwrap());
        rest(&mut muxer).await;
    });
    network.until(0, |counts| counts.connections == 1).await;
    let mut most = 0;
    for number in 0..100 {
        network.swarms[0].behaviour_mut().send(NodeId(2), vec![7; 1 << 20]);
        network.go_on().await;
        let (waiting, _) = network.swarms[0].behaviour().held();
        // It has read 4 KiB at a time, and Yamux and the sockets hold what they may.
        assert!(
            waiting + (8 << 20) >= (number + 1).min(33) << 20,
            "{waiting} bytes after {number}"
        );
        most = most.max(waiting);
    }
    assert!(most <= 66 << 20, "{most} bytes waited for it");
    let dropped = network.swarms[0].behaviour().counts().dropped;
    assert!(dropped >= 30, "{dropped} frames were dropped");
    assert_honest_are_served(&mut network).await;
    hurry.store(true, Ordering::Relaxed);
    while network.swarms[0].behaviour().held().0 > 0 {
        network.go_on().await;
    }
    network.swarms[0].behaviour_mut().send(NodeId(2), Vec::new());
    let mut outcome = outcome;
    let frames = loop {
        network.go_on().await;
        if let Ok(frames) = outcome.try_recv() {
            break frames;
        }
    };
    assert_eq!(frames as u64, 100 - dropped + 1);
    player.abort();
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
