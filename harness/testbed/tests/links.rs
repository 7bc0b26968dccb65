//! Links between libp2p nodes in one process: what arrives, what is refused, what is counted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::{AsyncWriteExt as _, StreamExt as _};
use libp2p::core::muxing::StreamMuxerExt as _;
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::{Endpoint, Multiaddr, Transport as _, upgrade};
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, SwarmEvent};
use libp2p::{PeerId, StreamProtocol, Swarm};
use overlay_core::NodeId;
use overlay_core::units::BitRate;
use peerbench_testbed::clock::{Alarm, Moment};
use peerbench_testbed::link::{LinkCounts, LinkEvent, Links, Peers};
use peerbench_testbed::transport::{self, Conditions, Directory, socket_address};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const PROTOCOL: &str = "/peerbench/test/1";

/// Nodes that know each other.
struct Network {
    swarms: Vec<Swarm<Links>>,
    addresses: Vec<Multiaddr>,
    /// The last row of the table: a peer without a swarm, for the test to play.
    outsider: Keypair,
}

impl Network {
    async fn of(nodes: u32, one_way: Option<Duration>) -> Self {
        let alarm = Alarm::start().unwrap();
        let (directory, peers) = (Directory::default(), Arc::new(OnceLock::new()));
        let (mut swarms, mut addresses, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for node in (0..nodes).map(NodeId) {
            let conditions = Arc::new(match one_way {
                None => Conditions::unshaped(node),
                Some(way) => {
                    Conditions::shaped(node, Box::new(move |_, _| way), BitRate(0), BitRate(0))
                }
            });
            let key = Keypair::generate_ed25519();
            let transport =
                transport::tcp(&key, conditions, directory.clone(), alarm.clone()).unwrap();
            let links = Links::new(node, StreamProtocol::new(PROTOCOL), Arc::clone(&peers));
            let config = Config::with_tokio_executor()
                .with_idle_connection_timeout(Duration::from_secs(1))
                .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy);
            let mut swarm = Swarm::new(transport, links, key.public().to_peer_id(), config);
            swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
            let address = loop {
                if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                    break address;
                }
            };
            rows.push((*swarm.local_peer_id(), address.clone()));
            addresses.push(address);
            swarms.push(swarm);
        }
        let outsider = Keypair::generate_ed25519();
        rows.push((outsider.public().to_peer_id(), "/ip4/127.0.0.1/tcp/1".parse().unwrap()));
        let places = addresses.iter().map(|address| socket_address(address).unwrap());
        directory.fill(places.zip((0..).map(NodeId)));
        peers.set(Peers::new(rows)).unwrap();
        Self { swarms, addresses, outsider }
    }

    /// The next event of any node.
    async fn next(&mut self) -> (usize, LinkEvent) {
        std::future::poll_fn(|cx| {
            for (node, swarm) in self.swarms.iter_mut().enumerate() {
                while let std::task::Poll::Ready(Some(event)) = swarm.poll_next_unpin(cx) {
                    if let SwarmEvent::Behaviour(event) = event {
                        return std::task::Poll::Ready((node, event));
                    }
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Lets the nodes go on until what a node has counted is as wanted.
    async fn until(&mut self, node: usize, wanted: impl Fn(LinkCounts) -> bool) {
        while !wanted(self.swarms[node].behaviour().counts()) {
            let _ = tokio::time::timeout(Duration::from_millis(10), self.next()).await;
        }
    }

    /// The frames that this node has received when it has this many.
    async fn receive(&mut self, at: usize, count: usize) -> Vec<Vec<u8>> {
        let mut received = Vec::new();
        while received.len() < count {
            if let (node, LinkEvent::Received { frames, .. }) = self.next().await
                && node == at
            {
                received.extend(frames);
            }
        }
        received
    }

    /// Connects to node 0 as this peer, opens a stream, and says this; then hangs up.
    async fn play(&mut self, key: Keypair, bytes: Vec<u8>) {
        let alarm = Alarm::start().unwrap();
        let conditions = Arc::new(Conditions::unshaped(NodeId(9)));
        let mut transport = transport::tcp(&key, conditions, Directory::default(), alarm).unwrap();
        let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let dial = transport.dial(self.addresses[0].clone(), opts).unwrap();
        let player = tokio::spawn(async move {
            let Ok((_, mut muxer)) = dial.await else { return };
            let stream = std::future::poll_fn(|cx| muxer.poll_outbound_unpin(cx));
            let mut stream = stream.await.unwrap();
            let mut words = Vec::new();
            for word in ["/multistream/1.0.0\n", "/peerbench/test/1\n"] {
                words.push(word.len() as u8);
                words.extend(word.as_bytes());
            }
            words.extend(bytes);
            let mut speech = Box::pin(async move {
                stream.write_all(&words).await?;
                stream.flush().await?;
                stream.close().await
            });
            let _ = std::future::poll_fn(|cx| {
                let spoken = speech.as_mut().poll(cx);
                while let std::task::Poll::Ready(Ok(_)) = muxer.poll_unpin(cx) {}
                spoken
            })
            .await;
            let rest = std::future::poll_fn(|cx| {
                while let std::task::Poll::Ready(event) = muxer.poll_unpin(cx) {
                    if event.is_err() {
                        return std::task::Poll::Ready(());
                    }
                }
                std::task::Poll::Pending
            });
            let _ = tokio::time::timeout(Duration::from_millis(300), rest).await;
        });
        while !player.is_finished() {
            let _ = tokio::time::timeout(Duration::from_millis(10), self.next()).await;
        }
    }
}

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
