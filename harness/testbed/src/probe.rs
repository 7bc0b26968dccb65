//! The control measurements: the round trip of one plain libp2p stream over TCP between two processes,
//! with no emulated network, no swarm and no overlay; and what a node takes that only stands. By them
//! the figures of a run can be judged.
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::Swarm;
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt as _, SubstreamBox};
use libp2p::core::transport::{DialOpts, ListenerId, PortUse, TransportEvent};
use libp2p::core::{Endpoint, Multiaddr, Transport as _};
use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::PeerCondition;
use libp2p::swarm::{Config, SwarmEvent, dummy};
use overlay_core::NodeId;
use peerbench_scenario::Transport as Kind;

use crate::Error;
use crate::clock::{Alarm, Moment};
use crate::control::{Address, Notice, RoundTrips, Standing};
use crate::node::{Controller, memory, processor_time};
use crate::transport::{self, BoxedTransport, Conditions, Directory};

/// Length of what goes to and fro, in bytes.
const FRAME: usize = 100;
/// Round trips before those that count.
const WARM_UP: u32 = 100;
/// Round trips with a pause before each, and the pause.
const PACED: u32 = 100;
const PAUSE: Duration = Duration::from_millis(3);
/// How long it is left alone before it is looked at, and how long its connections may idle.
const SETTLES: Duration = Duration::from_millis(300);
const STANDS: Duration = Duration::from_secs(60);

/// The end that sends back what it gets, until the connection ends.
pub(crate) async fn echo(controller: &mut Controller) -> Result<(), Error> {
    let (mut transport, key) = plain(Kind::Tcp)?;
    let address = listen(&mut transport).await?;
    let address = Address::new(&key.public().to_peer_id(), &address);
    controller.tell(&Notice::Listening(vec![address])).await?;
    let mut muxer = accept(&mut transport).await?;
    let stream = std::future::poll_fn(|cx| {
        if let Poll::Ready(stream) = muxer.poll_inbound_unpin(cx) {
            return Poll::Ready(stream);
        }
        while muxer.poll_unpin(cx)?.is_ready() {}
        Poll::Pending
    });
    let stream = stream.await?;
    // The asking end hangs up when it has its answer.
    let _ = drive(&mut muxer, send_back(stream)).await;
    Ok(())
}

/// The end that asks, and reports the median.
pub(crate) async fn ask(
    address: &Address,
    times: u32,
    controller: &mut Controller,
) -> Result<(), Error> {
    let (mut transport, _) = plain(Kind::Tcp)?;
    let (_, address) = address.parse().ok_or(Error::Table)?;
    let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
    let dial = transport.dial(address, opts).map_err(|error| Error::Control(error.to_string()))?;
    let (_, mut muxer) = dial.await?;
    let stream = std::future::poll_fn(|cx| {
        if let Poll::Ready(stream) = muxer.poll_outbound_unpin(cx) {
            return Poll::Ready(stream);
        }
        while muxer.poll_unpin(cx)?.is_ready() {}
        Poll::Pending
    });
    let stream = stream.await?;
    let taken = drive(&mut muxer, both(stream, times, &Alarm::start()?)).await?;
    controller.tell(&Notice::RoundTrips(taken)).await
}

/// A libp2p node that only stands: it listens, has so many connections with the other one, which the
/// second dials, over the transport of the run, and says what that takes.
pub(crate) async fn stand(
    peer: Option<&Address>,
    wanted: u32,
    kind: Kind,
    controller: &mut Controller,
) -> Result<(), Error> {
    let (transport, key) = plain(kind)?;
    let config = Config::with_tokio_executor().with_idle_connection_timeout(STANDS);
    let mut swarm = Swarm::new(transport, dummy::Behaviour, key.public().to_peer_id(), config);
    swarm.listen_on(transport::any_port(kind)).map_err(|error| Error::Listen(error.to_string()))?;
    let (mut stands_at, mut connections) = (None, 0);
    while stands_at.is_none() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => match peer {
                None => {
                    let address = Address::new(swarm.local_peer_id(), &address);
                    controller.tell(&Notice::Listening(vec![address])).await?;
                }
                Some(peer) => dial(&mut swarm, peer, wanted)?,
            },
            SwarmEvent::ConnectionEstablished { .. } => connections += 1,
            SwarmEvent::OutgoingConnectionError { error, .. } => {
                return Err(Error::Control(error.to_string()));
            }
            _ => {}
        }
        if connections == wanted {
            stands_at = Some(processor_time());
        }
    }
    // What the handshakes took is given back.
    let settled = tokio::time::timeout(SETTLES, async {
        loop {
            swarm.select_next_some().await;
        }
    });
    let _: Result<std::convert::Infallible, _> = settled.await;
    let processor = stands_at.unwrap_or_default().as_nanos() as u64;
    let standing = Standing { own_bytes: memory().own, processor };
    controller.tell(&Notice::Standing(standing)).await?;
    // The other one is still looking at it.
    let _ = controller.orders.recv().await;
    Ok(())
}

fn dial(swarm: &mut Swarm<dummy::Behaviour>, peer: &Address, wanted: u32) -> Result<(), Error> {
    let (peer, address) = peer.parse().ok_or(Error::Table)?;
    for _ in 0..wanted {
        let opts = libp2p::swarm::dial_opts::DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(vec![address.clone()])
            .allocate_new_port()
            .build();
        swarm.dial(opts).map_err(|error| Error::Control(error.to_string()))?;
    }
    Ok(())
}

fn plain(kind: Kind) -> Result<(BoxedTransport, Keypair), Error> {
    let key = Keypair::generate_ed25519();
    let conditions = Arc::new(Conditions::unshaped(NodeId(0)));
    let (nobody, alarm) = (Directory::default(), Alarm::start()?);
    let transport = transport::build(kind, &key, conditions, nobody, alarm)?;
    Ok((transport, key))
}

async fn listen(transport: &mut BoxedTransport) -> Result<Multiaddr, Error> {
    let any = "/ip4/127.0.0.1/tcp/0".parse().expect("a constant that parses");
    transport
        .listen_on(ListenerId::next(), any)
        .map_err(|error| Error::Listen(error.to_string()))?;
    loop {
        let event = std::future::poll_fn(|cx| Pin::new(&mut *transport).poll(cx)).await;
        if let TransportEvent::NewAddress { listen_addr, .. } = event {
            return Ok(listen_addr);
        }
    }
}

async fn accept(transport: &mut BoxedTransport) -> Result<StreamMuxerBox, Error> {
    loop {
        let event = std::future::poll_fn(|cx| Pin::new(&mut *transport).poll(cx)).await;
        if let TransportEvent::Incoming { upgrade, .. } = event {
            return Ok(upgrade.await?.1);
        }
    }
}

/// Does something with a stream while its connection is kept moving.
async fn drive<T>(muxer: &mut StreamMuxerBox, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // A connection that fails fails its streams, which wakes the work.
        while let Poll::Ready(Ok(_)) = muxer.poll_unpin(cx) {}
        Poll::Pending
    })
    .await
}

async fn send_back(mut stream: SubstreamBox) -> std::io::Result<()> {
    let mut bytes = [0; FRAME];
    loop {
        stream.read_exact(&mut bytes).await?;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
}

async fn both(mut stream: SubstreamBox, times: u32, alarm: &Alarm) -> std::io::Result<RoundTrips> {
    round_trips(&mut stream, WARM_UP, None).await?;
    let busy = round_trips(&mut stream, times, None).await?;
    let paced = round_trips(&mut stream, PACED, Some(alarm)).await?;
    Ok(RoundTrips { busy, paced })
}

/// The median round trip in nanoseconds; with an alarm, each comes after a pause.
async fn round_trips(
    stream: &mut SubstreamBox,
    times: u32,
    alarm: Option<&Alarm>,
) -> std::io::Result<u64> {
    let mut bytes = [7; FRAME];
    let mut taken = Vec::with_capacity(times as usize);
    for _ in 0..times {
        if let Some(alarm) = alarm {
            alarm.sleep_until(Moment::now() + PAUSE).await;
        }
        let start = Moment::now();
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        stream.read_exact(&mut bytes).await?;
        taken.push(Moment::now().since(start).as_nanos() as u64);
    }
    taken.sort_unstable();
    Ok(taken.get(taken.len() / 2).copied().unwrap_or(0))
}
