//! A transport whose handshakes are bounded, in number and in time.
//!
//! libp2p's swarm takes every connection in and waits for its handshake as long as it lasts; and a
//! peer that has not shown who it is says when its bytes are due, so that few are held for it.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use tokio::time::{Sleep, sleep};

use super::stream::at_the_door;
use super::{BoxedTransport, Directory};
use crate::gate::{Gate, Ticket};

/// Incoming handshakes that a node has under way besides one with each other node of the run, which
/// is as many as these begin: what strangers can take of its memory, at some 30 KB each, and 120 KB
/// where the network is emulated and their bytes are never due.
const STRANGERS: usize = 256;
/// How long a handshake may take, incoming or not. The slowest honest ones were those of 2,048 nodes
/// that started at once on two cores: 15 s.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(60);

type Output = <BoxedTransport as Transport>::Output;

/// A transport and the door to it.
pub(super) struct Guarded {
    inner: BoxedTransport,
    gate: Gate,
    directory: Directory,
}

/// A handshake under way.
pub(super) struct Handshake {
    inner: <BoxedTransport as Transport>::Dial,
    /// Of an incoming one.
    ticket: Option<Ticket>,
    time_is_up: Pin<Box<Sleep>>,
}

impl Guarded {
    pub(super) fn new(inner: BoxedTransport, directory: Directory) -> Self {
        Self { inner, gate: Gate::default(), directory }
    }
}

impl Handshake {
    fn new(inner: <BoxedTransport as Transport>::Dial, ticket: Option<Ticket>) -> Self {
        Self { inner, ticket, time_is_up: Box::pin(sleep(HANDSHAKE_WITHIN)) }
    }
}

impl Future for Handshake {
    type Output = io::Result<Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(outcome) = at_the_door(|| self.inner.as_mut().poll(cx)) {
            return Poll::Ready(outcome);
        }
        if let Some(ticket) = &mut self.ticket
            && ticket.poll_sent_away(cx).is_ready()
        {
            let why = "too many handshakes are under way, and this one was the oldest";
            return Poll::Ready(Err(io::Error::other(why)));
        }
        let late = self.time_is_up.as_mut().poll(cx);
        late.map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the handshake takes too long")))
    }
}

impl Transport for Guarded {
    type Output = Output;
    type Error = io::Error;
    type ListenerUpgrade = Handshake;
    type Dial = Handshake;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<Self::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        opts: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        Ok(Handshake::new(self.inner.dial(address, opts)?, None))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        let places = STRANGERS + self.directory.len();
        let gate = self.gate.clone();
        Pin::new(&mut self.inner).poll(cx).map(|event| {
            event.map_upgrade(|upgrade| Handshake::new(upgrade, Some(gate.enter(places))))
        })
    }
}
