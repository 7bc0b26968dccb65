//! Nodes with links in one process, and somebody to play a peer that does as it likes.
#![allow(dead_code, reason = "each test file uses its part")]
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use futures::{AsyncWriteExt as _, StreamExt as _};
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt as _, SubstreamBox};
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::{Endpoint, Multiaddr, Transport as _, upgrade};
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, SwarmEvent};
use libp2p::{StreamProtocol, Swarm, noise, tcp, yamux};
use overlay_core::NodeId;
use overlay_core::units::BitRate;
use peerbench_testbed::clock::Alarm;
use peerbench_testbed::link::{LinkCounts, LinkEvent, Links, Peers};
use peerbench_testbed::transport::{self, Conditions, Directory, socket_address};
use tokio::task::JoinHandle;

/// The longest that a peer which is ended may hold its end: never reached by a test that passes.
pub(crate) const HOURS: Duration = Duration::from_secs(7_200);
const PROTOCOL: &str = "/peerbench/test/1";
/// How many peers a test may play besides one.
pub(crate) const CROWD: u32 = 24;

/// Nodes that know each other.
pub(crate) struct Network {
    pub(crate) swarms: Vec<Swarm<Links>>,
    pub(crate) addresses: Vec<Multiaddr>,
    /// The row of the table after the nodes': a peer without a swarm, for the test to play.
    pub(crate) outsider: Keypair,
    /// The last rows of the table: more of them.
    pub(crate) crowd: Vec<Keypair>,
    one_way: Option<Duration>,
    alarm: Alarm,
}

impl Network {
    pub(crate) async fn of(nodes: u32, one_way: Option<Duration>) -> Self {
        let alarm = Alarm::start().unwrap();
        let (directory, peers) = (Directory::default(), Arc::new(OnceLock::new()));
        let (mut swarms, mut addresses, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for node in (0..nodes).map(NodeId) {
            let conditions = conditions(node, one_way);
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
        let crowd: Vec<_> = (0..CROWD).map(|_| Keypair::generate_ed25519()).collect();
        for key in [&outsider].into_iter().chain(&crowd) {
            rows.push((key.public().to_peer_id(), "/ip4/127.0.0.1/tcp/1".parse().unwrap()));
        }
        let places = addresses.iter().map(|address| socket_address(address).unwrap());
        directory.fill(places.zip((0..).map(NodeId)));
        peers.set(Peers::new(rows)).unwrap();
        Self { swarms, addresses, outsider, crowd, one_way, alarm }
    }

    /// The next event of any node.
    pub(crate) async fn next(&mut self) -> (usize, LinkEvent) {
        std::future::poll_fn(|cx| {
            for (node, swarm) in self.swarms.iter_mut().enumerate() {
                while let Poll::Ready(Some(event)) = swarm.poll_next_unpin(cx) {
                    if let SwarmEvent::Behaviour(event) = event {
                        return Poll::Ready((node, event));
                    }
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Lets the nodes go on until what a node has counted is as wanted.
    pub(crate) async fn until(&mut self, node: usize, wanted: impl Fn(LinkCounts) -> bool) {
        while !wanted(self.swarms[node].behaviour().counts()) {
            self.go_on().await;
        }
    }

    /// The frames that this node has received when it has this many.
    pub(crate) async fn receive(&mut self, at: usize, count: usize) -> Vec<Vec<u8>> {
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

    /// Connects to node 0 as this peer and does something with the connection.
    pub(crate) fn intrude<F>(
        &self,
        key: Keypair,
        act: impl FnOnce(StreamMuxerBox) -> F + Send + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send,
    {
        // libp2p as it comes, without the bounds that nodes keep to; and where the network is emulated,
        // as nodes dial.
        let mut transport = match self.one_way {
            None => tcp::tokio::Transport::default()
                .upgrade(upgrade::Version::V1Lazy)
                .authenticate(noise::Config::new(&key).unwrap())
                .multiplex(yamux::Config::default())
                .boxed(),
            Some(_) => {
                let conditions = conditions(NodeId(self.swarms.len() as u32), self.one_way);
                let alarm = self.alarm.clone();
                transport::tcp(&key, conditions, Directory::default(), alarm).unwrap()
            }
        };
        let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let dial = transport.dial(self.addresses[0].clone(), opts).unwrap();
        tokio::spawn(async move {
            if let Ok((_, muxer)) = dial.await {
                act(muxer).await;
            }
        })
    }

    /// Connects to node 0 as this peer, opens a stream, and looks at nothing any more.
    pub(crate) fn ignore(&self, key: Keypair) -> JoinHandle<()> {
        self.intrude(key, |mut muxer| async move {
            let mut stream = open(&mut muxer).await;
            let words = async { stream.write_all(&agreed()).await.and(stream.flush().await) };
            let _ = drive(&mut muxer, words).await;
            tokio::time::sleep(HOURS).await;
        })
    }

    /// Connects to node 0 as this peer, opens a stream, and says this; then hangs up.
    pub(crate) async fn play(&mut self, key: Keypair, bytes: Vec<u8>) {
        let player = self.intrude(key, |mut muxer| async move {
            let mut stream = open(&mut muxer).await;
            let mut words = agreed();
            words.extend(bytes);
            let speech = async move {
                stream.write_all(&words).await?;
                stream.flush().await?;
                stream.close().await
            };
            let _: std::io::Result<()> = drive(&mut muxer, speech).await;
            let _ = tokio::time::timeout(Duration::from_millis(300), rest(&mut muxer)).await;
        });
        self.until_done(&player).await;
    }

    /// Lets the nodes go on until somebody has done what he does.
    pub(crate) async fn until_done(&mut self, player: &JoinHandle<()>) {
        while !player.is_finished() {
            self.go_on().await;
        }
    }

    /// Lets the nodes go on for a moment.
    pub(crate) async fn go_on(&mut self) {
        let _ = tokio::time::timeout(Duration::from_millis(10), self.next()).await;
    }
}

fn conditions(node: NodeId, one_way: Option<Duration>) -> Arc<Conditions> {
    Arc::new(match one_way {
        None => Conditions::unshaped(node),
        Some(way) => Conditions::shaped(node, Box::new(move |_, _| way), BitRate(0), BitRate(0)),
    })
}

/// The words by which a stream agrees on the protocol, as its opener says them.
pub(crate) fn agreed() -> Vec<u8> {
    let words = ["/multistream/1.0.0\n", "/peerbench/test/1\n"];
    words.iter().flat_map(|word| [&[word.len() as u8], word.as_bytes()].concat()).collect()
}

/// Opens a stream.
pub(crate) async fn open(muxer: &mut StreamMuxerBox) -> SubstreamBox {
    std::future::poll_fn(|cx| muxer.poll_outbound_unpin(cx)).await.unwrap()
}

/// Does something with a stream while its connection is kept moving.
pub(crate) async fn drive<T>(muxer: &mut StreamMuxerBox, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        let done = work.as_mut().poll(cx);
        while let Poll::Ready(Ok(_)) = muxer.poll_unpin(cx) {}
        done
    })
    .await
}

/// Keeps a connection moving until the other side ends it.
pub(crate) async fn rest(muxer: &mut StreamMuxerBox) {
    std::future::poll_fn(|cx| {
        while let Poll::Ready(event) = muxer.poll_unpin(cx) {
            if event.is_err() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
}
