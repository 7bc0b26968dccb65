//! A node of a process before the run starts: its identity, its swarm, and where it listens.
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::core::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, SwarmEvent};
use libp2p::{StreamProtocol, Swarm, core::upgrade};
use overlay_core::{NodeId, Overlay};
use peerbench_scenario::Transport;
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::clock::Alarm;
use crate::control::{Address, Token};
use crate::link::{FINISHED_AFTER, Links, Peers};
use crate::transport::{self, Conditions, Directory};

/// How long a node that is back tries to listen where it did, and how often.
const LISTEN_WITHIN: Duration = Duration::from_secs(10);
const LISTEN_EVERY: Duration = Duration::from_millis(20);

/// Streams of one connection that may be agreeing on a protocol; nodes open one.
const NEGOTIATING: usize = 2;

/// A node that waits for the run to start.
pub(super) struct Member {
    pub(super) node: NodeId,
    pub(super) swarm: Swarm<Links>,
    pub(super) conditions: Arc<Conditions>,
}

impl Member {
    /// Does not listen yet.
    ///
    /// # Errors
    /// If this build does not have the transport.
    pub(super) fn new<O: Overlay>(
        node: NodeId,
        token: &Token,
        kind: Transport,
        conditions: Arc<Conditions>,
        (directory, peers, alarm): (Directory, Arc<OnceLock<Peers>>, Alarm),
    ) -> Result<Self, Error> {
        let key = key(token, node);
        let transport = transport::build(kind, &key, Arc::clone(&conditions), directory, alarm)?;
        let protocol = StreamProtocol::try_from_owned(format!("/peerbench/{}/1", O::NAME))
            .expect("it begins with a slash");
        let config = Config::with_tokio_executor()
            .with_idle_connection_timeout(FINISHED_AFTER)
            .with_max_negotiating_inbound_streams(NEGOTIATING)
            .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy);
        let links = Links::new(node, protocol, peers);
        let swarm = Swarm::new(transport, links, key.public().to_peer_id(), config);
        Ok(Self { node, swarm, conditions })
    }

    /// Listens.
    ///
    /// # Errors
    /// If the address is not to be had.
    pub(super) async fn listen(&mut self, at: Multiaddr) -> Result<(), Error> {
        self.swarm.listen_on(at).map_err(|error| Error::Listen(error.to_string()))?;
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { .. } => return Ok(()),
                SwarmEvent::ListenerClosed { reason, .. } => {
                    return Err(Error::Listen(format!("{reason:?}")));
                }
                _ => {}
            }
        }
    }

    /// Listens where the node did before. The port may be in somebody's use for a while, because
    /// the system took it for free.
    ///
    /// # Errors
    /// If that lasts.
    pub(super) async fn listen_again(&mut self, at: Option<&String>) -> Result<(), Error> {
        let at: Multiaddr = at.and_then(|text| text.parse().ok()).ok_or(Error::Table)?;
        let deadline = Instant::now() + LISTEN_WITHIN;
        loop {
            match self.listen(at.clone()).await {
                Err(Error::Listen(_)) if Instant::now() < deadline => sleep(LISTEN_EVERY).await,
                outcome => return outcome,
            }
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<Address> {
        Some(Address::new(self.swarm.local_peer_id(), self.swarm.listeners().next()?))
    }
}

/// A node's identity: the same in each of its lives, and nobody's who does not know the token.
fn key(token: &Token, node: NodeId) -> Keypair {
    let mut secret = *token;
    for (byte, own) in secret.iter_mut().zip(node.0.to_le_bytes()) {
        *byte ^= own;
    }
    Keypair::ed25519_from_bytes(secret).expect("any 32 bytes are a secret key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_node_s_own_and_stays_the_same() {
        let of = |token, node| key(&token, NodeId(node)).public();
        assert_eq!(of([7; 32], 3), of([7; 32], 3));
        assert_ne!(of([7; 32], 3), of([7; 32], 4));
        assert_ne!(of([7; 32], 3), of([8; 32], 3));
    }
}
