//! The round trip of one 100-byte frame between two nodes of one process: over an unshaped link, and
//! over a shaped one that asks for no latency, so that the difference is what shaping costs.
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::StreamExt as _;
use libp2p::core::upgrade;
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, Swarm};
use overlay_core::NodeId;
use overlay_core::units::BitRate;
use peerbench_testbed::clock::Alarm;
use peerbench_testbed::link::{LinkEvent, Links, Peers};
use peerbench_testbed::transport::{self, Conditions, Directory, socket_address};
use tokio::runtime::{Builder, Runtime};

const FRAME: [u8; 100] = [7; 100];

async fn listen(
    node: NodeId,
    shaped: bool,
    (alarm, directory, peers): (&Alarm, &Directory, &Arc<OnceLock<Peers>>),
) -> (Swarm<Links>, Multiaddr) {
    let conditions = Arc::new(if shaped {
        Conditions::shaped(node, Box::new(|_, _| Duration::ZERO), BitRate(0), BitRate(0))
    } else {
        Conditions::unshaped(node)
    });
    let key = Keypair::generate_ed25519();
    let transport = transport::tcp(&key, conditions, directory.clone(), alarm.clone())
        .expect("a fresh key signs");
    let links = Links::new(node, StreamProtocol::new("/bench/1"), Arc::clone(peers));
    let config = Config::with_tokio_executor()
        .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy);
    let mut swarm = Swarm::new(transport, links, key.public().to_peer_id(), config);
    let any = "/ip4/127.0.0.1/tcp/0".parse().expect("a constant that parses");
    swarm.listen_on(any).expect("loopback has a port left");
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return (swarm, address);
        }
    }
}

/// Two nodes, of which the second runs by itself and sends back what it gets.
async fn pair(shaped: bool) -> Swarm<Links> {
    let alarm = Alarm::start().expect("the system has a timer left");
    let (directory, peers) = (Directory::default(), Arc::new(OnceLock::new()));
    let shared = (&alarm, &directory, &peers);
    let (here, here_at) = listen(NodeId(0), shaped, shared).await;
    let (mut there, there_at) = listen(NodeId(1), shaped, shared).await;
    let places = [&here_at, &there_at].map(socket_address);
    directory.fill(places.into_iter().flatten().zip([NodeId(0), NodeId(1)]));
    let rows = vec![(*here.local_peer_id(), here_at), (*there.local_peer_id(), there_at)];
    assert!(peers.set(Peers::new(rows)).is_ok(), "filled once");
    tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(LinkEvent::Received { from, frames }) =
                there.select_next_some().await
            {
                for frame in frames {
                    there.behaviour_mut().send(from, frame);
                }
            }
        }
    });
    here
}

async fn round_trip(here: &mut Swarm<Links>) {
    here.behaviour_mut().send(NodeId(1), FRAME.to_vec());
    while !matches!(
        here.select_next_some().await,
        SwarmEvent::Behaviour(LinkEvent::Received { .. })
    ) {}
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("one thread and one epoll")
}

fn round_trips(criterion: &mut Criterion) {
    for (name, shaped) in [("unshaped", false), ("shaped, no latency", true)] {
        let runtime = runtime();
        let mut here = runtime.block_on(pair(shaped));
        criterion.bench_function(&format!("round trip of a frame, {name}"), |bencher| {
            bencher.iter(|| runtime.block_on(round_trip(&mut here)));
        });
    }
}

criterion_group!(benches, round_trips);
criterion_main!(benches);
