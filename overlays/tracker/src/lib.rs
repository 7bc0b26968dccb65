//! Tracker: a central index. Peers tell a server what they hold, searches go to the server, bytes go
//! straight from holder to searcher.
//!
//! After Napster (1999), whose servers indexed the files of the users that were logged in; a
//! BitTorrent tracker (BEP 3) is its kin, with one item's swarm for a file. A search takes one round
//! trip and the server remembers everything: O(1) at peers, O(items) at the server, which is the
//! bottleneck and the single point of failure. Several servers divide the keys or are replicas.
//!
//! - `config.rs`: the scenario's part, and which server is whose;
//! - `message.rs`: the protocol;
//! - `client.rs`: the side that asks: registering, publishing, searching, keeping alive;
//! - `server.rs`: the side that answers; `index.rs`: who holds what;
//! - `view.rs`: the global view, and what must hold over the whole network.
//!
//! A server is a peer, too: it publishes and searches, in its own index without a message. When the
//! server sees that a peer's connection broke, the peer's records go at once; a frozen peer's go when
//! it was silent for `expire_after`, and until then searches may name it. A server that restarts
//! begins with an empty index, which its peers fill again: they notice the lost connection, or learn
//! with the next keep-alive that they are unknown.
//!
//! Of the freeloaders, `no-share` and `no-upload` are as [`Exchange`] says. `no-forward` means
//! nothing for a peer, which forwards nothing; such a server is silent when it is asked who holds an
//! item, and copies nothing to other servers.
//!
//! Differs from the common vocabulary: a node joins through its servers, whose addresses are known
//! to everybody as a tracker's is from the `.torrent` file; the rendezvous of a join is not used.
#![no_std]
extern crate alloc;

mod client;
mod config;
mod index;
mod message;
mod server;
mod view;

use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{
    Command, Ctx, DropReason, Event, Exchange, Item, Key, NodeId, OpId, Overlay, Role, Setting,
    StateSize,
};
use smallvec::SmallVec;

use client::Client;
pub use client::MOST_REQUESTS;
pub use config::{Layout, TrackerConfig};
pub use index::{Full, Index, Standing};
pub use message::{Record, TrackerMessage};
pub use server::Server;
pub use view::View;

/// What a node asks to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum Timer {
    /// Tell the servers that this node is there.
    KeepAlive,
    /// Try again to register.
    Retry {
        /// Which registration.
        index: u16,
    },
    /// See whether this was answered.
    Unanswered {
        /// The request.
        token: u32,
    },
    /// Forget who was silent.
    Expire,
}

/// A node: a peer, or a server, which is a peer, too.
#[derive(Debug)]
pub struct Tracker {
    exchange: Exchange,
    client: Client,
    server: Option<Server>,
    has_left: bool,
}

impl Tracker {
    /// What makes this node a server, if it is one; for checkers and tests.
    #[must_use]
    pub const fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The servers that have registered this node, ascending; for checkers and tests.
    pub fn registered_with(&self) -> impl Iterator<Item = NodeId> {
        self.client.registered()
    }

    /// Whether this is a server at which the node is registered.
    fn knows(&self, node: NodeId) -> bool {
        self.server.as_ref().is_some_and(|server| server.knows(node))
    }

    fn start(&mut self, op: Option<OpId>, cx: &mut Ctx<'_, Self>) {
        if self.server.is_some() {
            Server::start(cx);
        }
        self.client.start(op, cx);
    }

    fn publish(&mut self, op: OpId, item: Item, cx: &mut Ctx<'_, Self>) {
        if !self.exchange.share(op, item, cx) {
            return;
        }
        let to = self.copies_to(cx);
        match &mut self.server {
            Some(server) if cx.config.is_asked_for(cx.me, &item.key) => {
                let is_kept = server.publish(item.key, &to, cx);
                cx.emit(if is_kept { Event::Published { op } } else { Event::Failed { op } });
            }
            _ => self.client.publish(op, item.key, cx),
        }
    }

    fn search(&mut self, op: OpId, key: Key, cx: &mut Ctx<'_, Self>) {
        match &self.server {
            Some(server) if cx.config.is_asked_for(cx.me, &key) => server.search(op, key, cx),
            _ => self.client.search(op, key, cx),
        }
    }

    fn leave(&mut self, op: OpId, cx: &mut Ctx<'_, Self>) {
        self.client.leave(cx);
        if let Some(server) = &mut self.server {
            server.leave(cx);
        }
        self.has_left = true;
        cx.emit(Event::Left { op });
    }

    /// The other servers that this one copies to.
    fn copies_to(&self, cx: &Ctx<'_, Self>) -> SmallVec<[NodeId; 4]> {
        let is_replica = cx.config.is_replicated() && self.server.is_some();
        self.client.registered().filter(|_| is_replica).collect()
    }

    /// A server answered.
    fn on_reply(&mut self, from: NodeId, reply: TrackerMessage, cx: &mut Ctx<'_, Self>) {
        if !self.client.on_reply(from, reply, cx) {
            return;
        }
        match &self.server {
            Some(server) if cx.config.is_replicated() => server.copy_all(from, cx),
            _ => {
                let keys = self.exchange.items().map(|item| item.key);
                let keys: Vec<Key> = keys.filter(|key| cx.config.is_asked_for(from, key)).collect();
                self.client.publish_all(from, &keys, cx);
            }
        }
    }

    /// A node asked this server for something.
    fn on_request(&mut self, from: NodeId, request: TrackerMessage, cx: &mut Ctx<'_, Self>) {
        let to = self.copies_to(cx);
        match &mut self.server {
            Some(server) => {
                if server.on_message(from, request, &to, cx) {
                    self.client.register_anew(from, cx);
                }
            }
            None => cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
    }

    /// A node is gone.
    fn on_gone(&mut self, node: NodeId, cx: &mut Ctx<'_, Self>) {
        self.client.on_server_gone(node, cx);
        let to = self.copies_to(cx);
        if let Some(server) = &mut self.server {
            server.on_gone(node, &to, cx);
        }
    }
}

impl Overlay for Tracker {
    const NAME: &'static str = "tracker";
    type Config = TrackerConfig;
    type Message = TrackerMessage;
    type Timer = Timer;
    type Oracle = View;

    fn check(config: &TrackerConfig, nodes: u32) -> Result<(), (&'static str, String)> {
        config.check(nodes)
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        Self {
            exchange: Exchange::default(),
            client: Client::default(),
            server: cx.config.is_server(cx.me).then(Server::default),
            has_left: false,
        }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        match command {
            Command::Found { .. } => self.start(None, cx),
            Command::Join { op, .. } => self.start(Some(op), cx),
            Command::Publish { op, item } => self.publish(op, item, cx),
            Command::Search { op, key } => self.search(op, key, cx),
            Command::Fetch { op, key, holder } => {
                self.exchange.fetch(op, key, holder, |_| None, cx);
            }
            Command::Leave { op } => self.leave(op, cx),
        }
    }

    fn on_message(&mut self, from: NodeId, message: TrackerMessage, cx: &mut Ctx<'_, Self>) {
        match message {
            TrackerMessage::Exchange(message) => {
                self.exchange.on_message(from, message, |_| None, cx);
            }
            _ if self.has_left => {}
            TrackerMessage::Registered { .. }
            | TrackerMessage::Published { .. }
            | TrackerMessage::Alive { .. }
            | TrackerMessage::Unknown { .. }
            | TrackerMessage::Found { .. } => self.on_reply(from, message, cx),
            TrackerMessage::Leaving if self.server.is_some() || cx.config.is_server(from) => {
                self.on_gone(from, cx);
            }
            _ => self.on_request(from, message, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Ctx<'_, Self>) {
        if self.has_left {
            return;
        }
        match timer {
            Timer::KeepAlive => self.client.keep_alive(cx),
            Timer::Retry { index } => self.client.on_retry(index, cx),
            Timer::Unanswered { token } => self.client.on_unanswered(token, cx),
            Timer::Expire => {
                let to = self.copies_to(cx);
                if let Some(server) = &mut self.server {
                    server.expire(&to, cx);
                }
            }
        }
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.exchange.on_peer_lost(peer, cx);
        self.on_gone(peer, cx);
    }

    fn state(&self, _: &TrackerConfig) -> StateSize {
        let index = self.server.as_ref().map(Server::index);
        let known: Vec<NodeId> = index.map_or(Vec::new(), |index| index.others().collect());
        let servers = self.client.servers().filter(|it| known.binary_search(it).is_err());
        let links = (servers.count() + known.len()) as u32;
        StateSize {
            links,
            entries: index.map_or(0, Index::records),
            bytes: 4 * u64::from(links) + index.map_or(0, Index::bytes),
        }
    }

    fn neighbors(&self, _: &TrackerConfig) -> Vec<NodeId> {
        let mut neighbors: Vec<NodeId> = self.client.registered().collect();
        if let Some(server) = &self.server {
            neighbors.extend(server.index().registered_here());
            neighbors.sort_unstable();
            neighbors.dedup();
        }
        neighbors
    }

    fn holds(&self, key: &Key) -> bool {
        self.exchange.holds(key)
    }

    fn role(&self) -> Role {
        if self.server.is_some() { Role::Server } else { Role::Peer }
    }

    fn oracle(config: &TrackerConfig, setting: &dyn Setting) -> View {
        View::new(config, setting.nodes())
    }

    fn settle(&mut self, view: &View, cx: &mut Ctx<'_, Self>) {
        self.client.settle(view.home(cx.me), cx);
        if let Some(server) = &mut self.server {
            let is_replicated = cx.config.is_replicated();
            let replicas = view.other_servers(cx.me).filter(|_| is_replicated);
            server.settle(view.registered_with(cx.me), replicas, cx);
        }
    }

    fn check_network(config: &TrackerConfig, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        view::check_network(config, nodes)
    }

    /// Who is registered with a server does not know at once that it has failed, nor that it has
    /// forgotten everybody when it is back.
    fn is_promised(config: &TrackerConfig, nodes: &[(NodeId, &Self)]) -> bool {
        let is_live = |server| nodes.binary_search_by_key(&server, |&(node, _)| node).is_ok();
        config.servers().all(is_live) && Self::check_network(config, nodes).is_ok()
    }
}
