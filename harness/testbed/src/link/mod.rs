//! Links: one long-lived framed stream to every neighbour, as a libp2p behaviour.
//!
//! A node that has something to say to a peer dials it, opens one stream and keeps it. Two nodes
//! that dial each other at once end with two connections; both then use the one that the node with
//! the smaller number dialled, send what is queued on the other and finish it. At no time does a
//! node send on both. Finished connections close after the swarm's idle timeout
//! ([`FINISHED_AFTER`]); others never are idle.
mod budget;
mod frames;
mod handler;
mod outgoing;
mod peers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler,
    THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{PeerId, StreamProtocol};
use overlay_core::NodeId;

pub use budget::{Budget, Held, SMALL_TALK};
pub use frames::{Decoder, MAX_FRAME, TooLong, append};
pub use handler::{Fault, Handler, Order, Report};
pub use outgoing::Waiting;
pub use peers::Peers;

use crate::clock::Moment;

/// Most bytes of frames that wait on all links of a node, until their streams have taken them: eight
/// links on which as much waits as may. Peers that do not read take no more than this, but for
/// [`SMALL_TALK`] on every link and what streams hold themselves: a window of Yamux, which is 256 KiB
/// until a peer reads, and a buffer of the emulated network.
const OUTGOING: usize = 8 * outgoing::MAX_QUEUED;
/// Most bytes of unfinished frames on all links of a node: sixteen of the longest. A frame may take
/// as long as its sender's uplink needs, so that a slow sender is not ended, but bounded.
const INCOMING: usize = 256 << 20;
/// Connections that one peer may have dialled and not closed. An honest one has two where it has
/// given up the first, and one for each life of the last [`FINISHED_AFTER`].
const CONNECTIONS: u32 = 8;

/// How long a finished connection stays open, so that the peer can read the last of it. To be
/// given to the swarm as its idle timeout.
pub const FINISHED_AFTER: Duration = Duration::from_secs(5);

/// What links tell the node.
#[derive(Debug)]
pub enum LinkEvent {
    /// These frames arrived from this peer, in this order.
    Received {
        /// Who sent them.
        from: NodeId,
        /// The frames, without their lengths.
        frames: Vec<Vec<u8>>,
    },
    /// There is a connection to this peer now.
    Connected(NodeId),
    /// This peer cannot be reached any more, or at all. What waited to be sent to it is dropped.
    Lost {
        /// The peer.
        peer: NodeId,
        /// When it was dialled, if that is what failed.
        dialed: Option<Moment>,
    },
}

/// What went wrong on a node's links, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkCounts {
    /// Connections that stood, duplicates of simultaneous dials included.
    pub connections: u64,
    /// Dials that failed.
    pub dial_failures: u64,
    /// Connections that were lost.
    pub peers_lost: u64,
    /// Frames dropped because a queue was full or the peer was lost.
    pub dropped: u64,
    /// Incoming connections that did not get through the handshake, came from nobody of this run, or
    /// were more than one peer may have.
    pub strangers: u64,
    /// Streams that announced a frame too long.
    pub too_long: u64,
    /// Streams that ended within a frame.
    pub cut_short: u64,
    /// Connections whose peer did not keep to the protocol otherwise.
    pub protocol: u64,
}

impl LinkCounts {
    /// Adds another node's counts.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.dial_failures += other.dial_failures;
        self.peers_lost += other.peers_lost;
        self.dropped += other.dropped;
        self.strangers += other.strangers;
        self.too_long += other.too_long;
        self.cut_short += other.cut_short;
        self.protocol += other.protocol;
    }
}

/// The links of one node.
#[derive(Debug)]
pub struct Links {
    me: NodeId,
    protocol: StreamProtocol,
    peers: Arc<OnceLock<Peers>>,
    links: BTreeMap<NodeId, Link>,
    /// Connections that a peer dialled, where there are any.
    incoming: BTreeMap<NodeId, u32>,
    budgets: Budgets,
    /// Links with something new in their queue.
    ready: Vec<NodeId>,
    events: VecDeque<ToSwarm<LinkEvent, Order>>,
    counts: LinkCounts,
    waker: Option<Waker>,
}

/// Memory that all links have together.
#[derive(Debug)]
struct Budgets {
    outgoing: Budget,
    incoming: Budget,
}

#[derive(Debug, Default)]
struct Link {
    connection: Option<Connection>,
    dialed: Option<Moment>,
    queue: Vec<Waiting>,
    queued_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    id: ConnectionId,
    dialer: NodeId,
}

impl Links {
    /// No links yet. Peers become known when the table is filled; until then all are strangers.
    #[must_use]
    pub fn new(me: NodeId, protocol: StreamProtocol, peers: Arc<OnceLock<Peers>>) -> Self {
        Self {
            me,
            protocol,
            peers,
            links: BTreeMap::new(),
            incoming: BTreeMap::new(),
            budgets: Budgets { outgoing: Budget::new(OUTGOING), incoming: Budget::new(INCOMING) },
            ready: Vec::new(),
            events: VecDeque::new(),
            counts: LinkCounts::default(),
            waker: None,
        }
    }

    /// Sends a frame, after dialling if need be. Never blocks: beyond the bounds, frames are
    /// dropped and counted.
    pub fn send(&mut self, to: NodeId, frame: Vec<u8>) {
        let link = self.links.entry(to).or_default();
        let fits = frame.len() <= MAX_FRAME;
        let waiting = fits.then(|| Waiting::new(frame, link.queued_bytes, &self.budgets.outgoing));
        let Some(waiting) = waiting.flatten() else {
            self.counts.dropped += 1;
            return;
        };
        link.queued_bytes += waiting.cost();
        link.queue.push(waiting);
        if link.connection.is_some() {
            if link.queue.len() == 1 {
                self.ready.push(to);
            }
        } else if link.dialed.is_none() {
            link.dialed = Some(Moment::now());
            self.dial(to);
        }
        self.wake();
    }

    /// What went wrong so far.
    #[must_use]
    pub const fn counts(&self) -> LinkCounts {
        self.counts
    }

    /// Bytes that wait to be sent on all links, and bytes of unfinished frames that have arrived on
    /// them: what peers that do not read, or do not end, take of this node's memory.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.budgets.outgoing.held(), self.budgets.incoming.held())
    }

    /// How many peers there is a connection to.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.links.values().filter(|link| link.connection.is_some()).count()
    }

    fn dial(&mut self, to: NodeId) {
        let row = self.peers.get().and_then(|peers| peers.row(to));
        let Some((peer, address)) = row else {
            self.lose(to);
            return;
        };
        let opts = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(vec![address])
            .allocate_new_port()
            .build();
        self.events.push_back(ToSwarm::Dial { opts });
    }

    /// Forgets a link and says so.
    fn lose(&mut self, peer: NodeId) {
        if let Some(link) = self.links.remove(&peer) {
            self.counts.dropped += link.queue.len() as u64;
            self.tell(LinkEvent::Lost { peer, dialed: link.dialed });
        }
    }

    fn node(&self, peer: &PeerId) -> Option<NodeId> {
        self.peers.get()?.node(peer)
    }

    fn on_established(&mut self, node: NodeId, peer: PeerId, new: Connection) {
        self.counts.connections += 1;
        let link = self.links.entry(node).or_default();
        link.dialed = None;
        let retired = match link.connection {
            None => {
                link.connection = Some(new);
                if !link.queue.is_empty() {
                    self.ready.push(node);
                }
                self.tell(LinkEvent::Connected(node));
                return;
            }
            // Of two that one node dialled, it has given up the older.
            Some(old) if new.dialer <= old.dialer => {
                link.connection = Some(new);
                old
            }
            Some(_) => new,
        };
        self.notify(peer, retired.id, Order::Finish);
    }

    fn forget_incoming(&mut self, node: NodeId) {
        if let Some(count) = self.incoming.get_mut(&node) {
            *count -= 1;
            if *count == 0 {
                self.incoming.remove(&node);
            }
        }
    }

    fn on_closed(&mut self, node: NodeId, id: ConnectionId) {
        let connection = self.links.get(&node).and_then(|link| link.connection);
        if connection.is_some_and(|connection| connection.id == id) {
            self.counts.peers_lost += 1;
            self.lose(node);
        }
    }

    fn on_dial_failure(&mut self, node: NodeId) {
        self.counts.dial_failures += 1;
        if self.links.get(&node).is_some_and(|link| link.connection.is_none()) {
            self.lose(node);
        }
    }

    fn count(&mut self, fault: Fault) {
        match fault {
            Fault::TooLong => self.counts.too_long += 1,
            Fault::NoRoom => self.counts.dropped += 1,
            Fault::CutShort => self.counts.cut_short += 1,
            Fault::Protocol => self.counts.protocol += 1,
            Fault::Failed => {}
        }
    }

    fn notify(&mut self, peer_id: PeerId, id: ConnectionId, event: Order) {
        let handler = NotifyHandler::One(id);
        self.events.push_back(ToSwarm::NotifyHandler { peer_id, handler, event });
    }

    fn tell(&mut self, event: LinkEvent) {
        self.events.push_back(ToSwarm::GenerateEvent(event));
    }

    fn handler(&self, peer: &PeerId, dialed: bool) -> Result<Handler, ConnectionDenied> {
        match self.node(peer) {
            Some(node) if node != self.me => {
                if !dialed && self.incoming.get(&node).is_some_and(|count| *count >= CONNECTIONS) {
                    return Err(ConnectionDenied::new(format!("{node} has too many connections")));
                }
                Ok(Handler::new(self.protocol.clone(), dialed, &self.budgets.incoming))
            }
            _ => Err(ConnectionDenied::new(format!("{peer} is no other node of this run"))),
        }
    }

    /// Hands the queue of the next ready link to its connection.
    fn next_batch(&mut self) -> Option<ToSwarm<LinkEvent, Order>> {
        while let Some(node) = self.ready.pop() {
            let Some(link) = self.links.get_mut(&node) else { continue };
            let Some(connection) = link.connection.filter(|_| !link.queue.is_empty()) else {
                continue;
            };
            let Some(peer_id) = self.peers.get().and_then(|peers| peers.peer(node)) else {
                continue;
            };
            link.queued_bytes = 0;
            return Some(ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::One(connection.id),
                event: Order::Send(std::mem::take(&mut link.queue)),
            });
        }
        None
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl NetworkBehaviour for Links {
    type ConnectionHandler = Handler;
    type ToSwarm = LinkEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(&peer, false)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(&peer, true)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                if let Some(node) = self.node(&established.peer_id) {
                    let dialer = if established.endpoint.is_dialer() { self.me } else { node };
                    if dialer == node {
                        *self.incoming.entry(node).or_default() += 1;
                    }
                    let connection = Connection { id: established.connection_id, dialer };
                    self.on_established(node, established.peer_id, connection);
                }
            }
            FromSwarm::ConnectionClosed(closed) => {
                if let Some(node) = self.node(&closed.peer_id) {
                    if closed.endpoint.is_listener() {
                        self.forget_incoming(node);
                    }
                    self.on_closed(node, closed.connection_id);
                }
            }
            FromSwarm::DialFailure(failure) => {
                if let Some(node) = failure.peer_id.and_then(|peer| self.node(&peer)) {
                    self.on_dial_failure(node);
                }
            }
            FromSwarm::ListenFailure(_) => self.counts.strangers += 1,
            _ => {}
        }
        self.wake();
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        report: THandlerOutEvent<Self>,
    ) {
        match report {
            Report::Received(frames) => {
                if let Some(from) = self.node(&peer) {
                    self.tell(LinkEvent::Received { from, frames });
                }
            }
            Report::Dropped(frames) => self.counts.dropped += frames,
            // The connection is left to close as an idle one: at once would be too soon, because
            // libp2p drops what the peer has received but not read yet.
            Report::Finished => {
                if let Some(node) = self.node(&peer) {
                    self.on_closed(node, id);
                }
            }
            Report::Broken(fault) => {
                self.count(fault);
                let connection = CloseConnection::One(id);
                self.events.push_back(ToSwarm::CloseConnection { peer_id: peer, connection });
            }
        }
        self.wake();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<LinkEvent, THandlerInEvent<Self>>> {
        if let Some(event) = self.events.pop_front().or_else(|| self.next_batch()) {
            return Poll::Ready(event);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
