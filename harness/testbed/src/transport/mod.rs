//! The libp2p transport of a node: TCP, the emulated network, Noise, Yamux.
//!
//! The emulated network sits directly on TCP, below encryption and multiplexing, so that it delays
//! handshakes and flow control, too. What TCP itself does on a long path (slow start, loss, the
//! reaction to both) is not emulated.
mod conditions;
mod frames;
mod guard;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use libp2p::core::transport::{Boxed, upgrade};
use libp2p::core::{ConnectedPoint, Transport as _, muxing::StreamMuxerBox};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, noise, tcp, yamux};
use overlay_core::NodeId;
use peerbench_scenario::Transport as Kind;

pub use conditions::{Conditions, OneWay};
pub use stream::ConditionedStream;

use crate::Error;
use crate::clock::Alarm;
use guard::Guarded;

/// Who listens where, known once every node listens.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<OnceLock<BTreeMap<SocketAddr, NodeId>>>);

impl Directory {
    /// Fills the directory. The first filling stays.
    pub fn fill(&self, entries: impl IntoIterator<Item = (SocketAddr, NodeId)>) {
        let _ = self.0.set(entries.into_iter().collect());
    }

    /// How many they are; none as long as it is not filled.
    fn len(&self) -> usize {
        self.0.get().map_or(0, BTreeMap::len)
    }

    fn at(&self, address: &Multiaddr) -> Option<NodeId> {
        self.0.get()?.get(&socket_address(address)?).copied()
    }
}

/// The IP address and TCP or UDP port that a multiaddress begins with.
#[must_use]
pub fn socket_address(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

/// Streams that may stand on a connection. Nodes open one; yamux ends a connection that has more
/// than this, and buffers 256 KiB at most for each that nobody reads.
const STREAMS: usize = 8;

/// A transport that libp2p's swarm takes.
pub type BoxedTransport = Boxed<(PeerId, StreamMuxerBox)>;

/// The transport of a node.
///
/// # Errors
/// If this build does not have it, or the key pair cannot sign.
pub fn build(
    kind: Kind,
    key: &Keypair,
    conditions: Arc<Conditions>,
    directory: Directory,
    alarm: Alarm,
) -> Result<BoxedTransport, Error> {
    match kind {
        Kind::Tcp => Ok(tcp(key, conditions, directory, alarm)?),
        Kind::Quic => quic(key, directory),
    }
}

/// A listening address with a port of the system's choice.
#[must_use]
pub fn any_port(kind: Kind) -> Multiaddr {
    let text = match kind {
        Kind::Tcp => "/ip4/127.0.0.1/tcp/0",
        Kind::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
    };
    text.parse().expect("a constant that parses")
}

/// TCP under the given conditions, then Noise and Yamux.
///
/// # Errors
/// Noise's, if the key pair cannot sign.
pub fn tcp(
    key: &Keypair,
    conditions: Arc<Conditions>,
    directory: Directory,
    alarm: Alarm,
) -> io::Result<BoxedTransport> {
    let noise = noise::Config::new(key).map_err(io::Error::other)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS);
    let nodes = directory.clone();
    let conditioned = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true)).map(
        move |stream, point| match point {
            ConnectedPoint::Dialer { address, .. } => {
                let peer = directory.at(&address).unwrap_or(conditions.me());
                ConditionedStream::dialer(stream, conditions, &alarm, peer)
            }
            ConnectedPoint::Listener { .. } => {
                ConditionedStream::listener(stream, conditions, &alarm)
            }
        },
    );
    // V1Lazy: the dialer proposes a protocol together with its first bytes instead of waiting a
    // round trip for the answer.
    let transport =
        conditioned.upgrade(upgrade::Version::V1Lazy).authenticate(noise).multiplex(yamux).boxed();
    Ok(Guarded::new(transport, nodes).boxed())
}

/// QUIC. Its packets are not delayed: [`Conditions`] then apply to whole overlay messages, which
/// leaves out handshakes, acknowledgements, congestion control and the end of connections; bytes at
/// the socket are not counted.
#[cfg(feature = "quic")]
fn quic(key: &Keypair, directory: Directory) -> Result<BoxedTransport, Error> {
    let transport = libp2p::quic::tokio::Transport::new(libp2p::quic::Config::new(key));
    let transport = transport.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed();
    Ok(Guarded::new(transport, directory).boxed())
}

#[cfg(not(feature = "quic"))]
fn quic(_: &Keypair, _: Directory) -> Result<BoxedTransport, Error> {
    Err(Error::NoQuic)
}
