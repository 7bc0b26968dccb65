//! Distributed hash tables: any structured overlay's **routing** with one **storage** on top.
//!
//! The joint between the two is the tier-0 interface of Dabek et al. 2003 ("Towards a common API
//! for structured peer-to-peer overlays"): [`Routing::route`] moves a request to the node
//! responsible for a key; there the request is *delivered* to [`Storage`], whose response travels
//! back; *update* upcalls tell the storage when the neighbourhood changes. A new geometry
//! implements [`Routing`] and gets publish, search, fetch and replication from here.
mod config;
mod record;
mod repairs;
mod storage;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use config::{Keep, StorageConfig};
pub use record::{MAX_HOLDERS, MAX_OFFERED, Record, StorageMessage};
pub use storage::Storage;

use crate::{
    Answer, Blob, Class, Command, Ctx, ExchangeMessage, Key, Message, NodeId, OpId, Oracle,
    Overlay, Setting, StateSize,
};

/// The context of a node that is routing and storage together.
pub type DhtCtx<'a, R> = Ctx<'a, Dht<R>>;

/// Who is responsible for a key, and how to get there.
pub trait Routing: Sized + Send + 'static {
    /// The overlay's name.
    const NAME: &'static str;
    /// The overlay's part of the scenario; contains the storage's.
    type Config: Clone + Debug + Default + DeserializeOwned + JsonSchema + Send + Serialize + Sync;
    /// What routers say to each other.
    type Message: Message;
    /// What a router asks to be reminded of.
    type Timer: Clone + Copy + Debug + Send;
    /// The global view of the ring, tree or cube.
    type Oracle: Oracle;

    /// The storage's part of the configuration.
    fn storage(config: &Self::Config) -> &StorageConfig;
    /// See [`Overlay::check`].
    ///
    /// # Errors
    /// The field and what to do about it.
    fn check(config: &Self::Config, nodes: u32) -> Result<(), (&'static str, String)>;
    /// A router before it has joined.
    fn new(cx: &mut DhtCtx<'_, Self>) -> Self;
    /// See [`Command::Found`].
    fn found(&mut self, founders: u32, cx: &mut DhtCtx<'_, Self>);
    /// See [`Command::Join`]; emits `Joined` when done.
    fn join(&mut self, op: OpId, rendezvous: NodeId, cx: &mut DhtCtx<'_, Self>);
    /// Whether this node has its place in the overlay.
    fn is_joined(&self) -> bool;
    /// Tells the neighbours good-bye.
    fn leave(&mut self, cx: &mut DhtCtx<'_, Self>);
    /// Moves a request to the node responsible for the key, where it is given to
    /// [`Storage::deliver`]; the response comes to [`Storage::on_response`] here.
    fn route(&mut self, op: OpId, key: Key, request: Request, node: At<'_, '_, Self>);
    /// A router said something.
    fn on_message(&mut self, from: NodeId, message: Self::Message, node: At<'_, '_, Self>);
    /// A timer of this router is due.
    fn on_timer(&mut self, timer: Self::Timer, node: At<'_, '_, Self>);
    /// A peer cannot be reached any more.
    fn on_peer_lost(&mut self, peer: NodeId, node: At<'_, '_, Self>);

    /// Whether this node believes itself responsible for the key.
    fn is_responsible(&self, key: &Key, config: &Self::Config) -> bool;
    /// The neighbour that is nearer to being responsible for the key than this node.
    fn heir(&self, key: &Key, config: &Self::Config) -> Option<NodeId>;
    /// The nodes next in line for the key after this one, nearest first, at most so many: where
    /// copies go.
    fn next_in_line(&self, key: &Key, most: u8, config: &Self::Config) -> SmallVec<[NodeId; 4]>;
    /// Encoded size of what the router remembers, in bytes.
    fn state_bytes(&self, config: &Self::Config) -> u64;
    /// See [`Overlay::neighbors`].
    fn neighbors(&self, config: &Self::Config) -> Vec<NodeId>;
    /// See [`Overlay::oracle`].
    fn oracle(config: &Self::Config, setting: &dyn Setting) -> Self::Oracle;
    /// See [`Overlay::settle`].
    fn settle(&mut self, oracle: &Self::Oracle, cx: &mut DhtCtx<'_, Self>);
    /// See [`Overlay::check_network`].
    ///
    /// # Errors
    /// Which invariant is broken, and where.
    fn check_network(config: &Self::Config, nodes: &[(NodeId, &Self)]) -> Result<(), String>;
    /// See [`Overlay::is_promised`].
    fn is_promised(config: &Self::Config, nodes: &[(NodeId, &Self)]) -> bool;
}

/// What a router's handler works with besides itself: the storage above it and the node's context.
pub struct At<'s, 'c, R: Routing> {
    /// The storage of this node.
    pub storage: &'s mut Storage,
    /// The node's context.
    pub cx: &'s mut DhtCtx<'c, R>,
}

impl<'c, R: Routing> At<'_, 'c, R> {
    /// The same, for a call further down.
    pub fn reborrow(&mut self) -> At<'_, 'c, R> {
        At { storage: self.storage, cx: self.cx }
    }
}

/// What is routed to the node responsible for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Who holds the item?
    Search,
    /// Remember that this node holds the item.
    PutPointer {
        /// The node.
        holder: NodeId,
    },
    /// Keep the item itself.
    PutValue {
        /// The item's bytes.
        blob: Blob,
    },
    /// Who else holds the item? Asked by a holder that wants to know others, so it is no lookup of
    /// anybody's.
    OtherHolder {
        /// The node that asks, which is not to be named.
        than: NodeId,
    },
    /// Forget that this node holds the item.
    RemovePointer {
        /// The node.
        holder: NodeId,
    },
}

impl Request {
    /// What a message that carries this request is for.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Search => Class::Lookup,
            Self::PutPointer { .. }
            | Self::PutValue { .. }
            | Self::OtherHolder { .. }
            | Self::RemovePointer { .. } => Class::Data,
        }
    }

    /// The bulk data the request carries.
    #[must_use]
    pub const fn blob(&self) -> Option<&Blob> {
        match self {
            Self::PutValue { blob } => Some(blob),
            _ => None,
        }
    }

    /// The same, to be marked by the driver.
    pub const fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::PutValue { blob } => Some(blob),
            _ => None,
        }
    }
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To a search: who holds the item, if anybody.
    Holder(Option<NodeId>),
    /// To a put or a removal.
    Stored,
    /// To a put: a bound of the responsible node was reached, or the bytes were damaged.
    Refused,
    /// To a holder that asked for another one, if there is any.
    OtherHolder(Option<NodeId>),
}

impl Response {
    /// What a message that carries this response is for.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Holder(_) => Class::Lookup,
            Self::Stored | Self::Refused | Self::OtherHolder(_) => Class::Data,
        }
    }
}

/// How a request came to where it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The node that answered.
    pub by: NodeId,
    /// Forward messages on the way.
    pub hops: u16,
    /// Nodes that were tried in vain.
    pub timeouts: u16,
}

impl Path {
    fn answer(self, holder: Option<NodeId>) -> Answer {
        Answer { by: self.by, holder, hops: self.hops, timeouts: self.timeouts }
    }
}

/// A message of a distributed hash table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DhtMessage<M> {
    /// Between routers.
    Routing(M),
    /// Between storages.
    Storage(StorageMessage),
    /// Between who fetches and who holds.
    Exchange(ExchangeMessage),
}

impl<M> From<ExchangeMessage> for DhtMessage<M> {
    fn from(message: ExchangeMessage) -> Self {
        Self::Exchange(message)
    }
}

impl<M: Message> Message for DhtMessage<M> {
    fn class(&self) -> Class {
        match self {
            Self::Routing(message) => message.class(),
            Self::Storage(message) => message.class(),
            Self::Exchange(message) => message.class(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Routing(message) => message.kind(),
            Self::Storage(message) => message.kind(),
            Self::Exchange(message) => message.kind(),
        }
    }

    fn is_repair(&self) -> bool {
        matches!(self, Self::Storage(_))
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Routing(message) => message.blob(),
            Self::Storage(message) => message.blob(),
            Self::Exchange(message) => message.blob(),
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Routing(message) => message.blob_mut(),
            Self::Storage(message) => message.blob_mut(),
            Self::Exchange(message) => message.blob_mut(),
        }
    }
}

/// What a node of a distributed hash table asks to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum DhtTimer<T> {
    /// The router's.
    Routing(T),
    /// Publish what this node holds once more.
    Republish,
    /// Send the next copy of an item to where it belongs.
    Repair,
    /// Offer the items this node keeps to those that are to have them, too.
    Offer,
}

/// A structured overlay: a router and the storage on top of it.
pub struct Dht<R: Routing> {
    routing: R,
    storage: Storage,
}

impl<R: Routing> Dht<R> {
    /// The router, for checkers and tests.
    pub const fn routing(&self) -> &R {
        &self.routing
    }

    /// The storage, for checkers and tests.
    pub const fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Finds another holder of an item that this node holds; told as [`crate::Event::Found`], or
    /// [`crate::Event::Failed`].
    pub fn find_other(&mut self, op: OpId, key: Key, cx: &mut Ctx<'_, Self>) {
        let Self { routing, storage } = self;
        routing.route(op, key, Request::OtherHolder { than: cx.me }, At { storage, cx });
    }

    /// This node holds an item no more: tells the responsible node. Nothing comes of it that is
    /// told; where the message is lost, whoever is sent here finds out.
    pub fn withdraw(&mut self, key: Key, cx: &mut Ctx<'_, Self>) {
        self.storage.withdraw(key, &mut self.routing, cx);
    }
}

impl<R: Routing> Overlay for Dht<R> {
    const NAME: &'static str = R::NAME;
    type Config = R::Config;
    type Message = DhtMessage<R::Message>;
    type Timer = DhtTimer<R::Timer>;
    type Oracle = R::Oracle;

    fn check(config: &R::Config, nodes: u32) -> Result<(), (&'static str, String)> {
        R::check(config, nodes)
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        Self { routing: R::new(cx), storage: Storage::default() }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        let Self { routing, storage } = self;
        match command {
            Command::Found { founders } => routing.found(founders, cx),
            Command::Join { op, rendezvous } => routing.join(op, rendezvous, cx),
            Command::Publish { op, item } => storage.publish(op, item, routing, cx),
            Command::Search { op, key } => {
                routing.route(op, key, Request::Search, At { storage, cx });
            }
            Command::Fetch { op, key, holder } => storage.fetch(op, key, holder, cx),
            Command::Leave { op } => {
                storage.withdraw_all(routing, cx);
                // Good-byes first: whoever gets the records must know by then that they are its own.
                let records = storage.hand_over(routing, cx);
                routing.leave(cx);
                for (heir, record) in records {
                    cx.send(heir, DhtMessage::Storage(record));
                }
                cx.emit(crate::Event::Left { op });
            }
        }
    }

    #[inline]
    fn on_message(
        &mut self,
        from: NodeId,
        message: DhtMessage<R::Message>,
        cx: &mut Ctx<'_, Self>,
    ) {
        let Self { routing, storage } = self;
        match message {
            DhtMessage::Routing(message) => routing.on_message(from, message, At { storage, cx }),
            DhtMessage::Storage(message) => storage.on_message(from, message, routing, cx),
            DhtMessage::Exchange(message) => storage.on_exchange(from, message, cx),
        }
        if storage.has_early() && routing.is_joined() {
            storage.publish_early(routing, cx);
        }
    }

    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Ctx<'_, Self>) {
        let Self { routing, storage } = self;
        match timer {
            DhtTimer::Routing(timer) => routing.on_timer(timer, At { storage, cx }),
            DhtTimer::Republish => storage.republish(routing, cx),
            DhtTimer::Repair => storage.repair(cx),
            DhtTimer::Offer => storage.offer_all(routing, cx),
        }
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.storage.on_peer_lost(peer, cx);
        self.routing.on_peer_lost(peer, At { storage: &mut self.storage, cx });
    }

    fn state(&self, config: &R::Config) -> StateSize {
        let records = self.storage.state();
        let links = self.routing.neighbors(config).len() as u32;
        StateSize { links, bytes: self.routing.state_bytes(config) + records.bytes, ..records }
    }

    fn neighbors(&self, config: &R::Config) -> Vec<NodeId> {
        self.routing.neighbors(config)
    }

    fn holds(&self, key: &Key) -> bool {
        self.storage.holds(key)
    }

    fn oracle(config: &R::Config, setting: &dyn Setting) -> R::Oracle {
        R::oracle(config, setting)
    }

    fn settle(&mut self, oracle: &R::Oracle, cx: &mut Ctx<'_, Self>) {
        self.routing.settle(oracle, cx);
    }

    fn check_network(config: &R::Config, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        let routers: Vec<_> = nodes.iter().map(|(node, dht)| (*node, &dht.routing)).collect();
        R::check_network(config, &routers)
    }

    fn is_promised(config: &R::Config, nodes: &[(NodeId, &Self)]) -> bool {
        let routers: Vec<_> = nodes.iter().map(|(node, dht)| (*node, &dht.routing)).collect();
        R::is_promised(config, &routers)
    }
}
