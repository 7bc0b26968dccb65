//! The libp2p transport of a node: TCP, the emulated network, Noise, Yamux.
//!
//! The emulated network sits directly on TCP, below encryption and multiplexing, so that it delays
//! handshakes and flow control, too. What TCP itself does on a long path (slow start, loss, the
//! reaction to both) is not emulated.
mod conditions;
mod frames;
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

pub use conditions::{Conditions, OneWay};
pub use stream::ConditionedStream;

use crate::clock::Alarm;

/// Who listens where, known once every node listens.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<OnceLock<BTreeMap<SocketAddr, NodeId>>>);

impl Directory {
    /// Fills the directory. The first filling stays.
    pub fn fill(&self, entries: impl IntoIterator<Item = (SocketAddr, NodeId)>) {
        let _ = self.0.set(entries.into_iter().collect());
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

/// A transport that libp2p's swarm takes.
pub type BoxedTransport = Boxed<(PeerId, StreamMuxerBox)>;

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
    Ok(conditioned
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .boxed())
}
