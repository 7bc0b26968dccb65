//! What peers and servers say to each other.
use alloc::vec::Vec;

use overlay_core::{Blob, Class, ExchangeMessage, Key, Message, NodeId};
use serde::{Deserialize, Serialize};

/// A message. A token is the asker's own number for what it waits for; the reply repeats it.
///
/// ```text
/// register:    node ── Register ──▶ server ── Registered ──▶ node
/// publish:     node ── Publish ──▶ server ── Published ──▶ node
///                                         ── Unknown ──▶ node, which registers and publishes all
/// search:      node ── Search ──▶ server ── Found ──▶ node
/// fetch:       node ── Exchange ──▶ holder ── Exchange ──▶ node
/// keep-alive:  node ── KeepAlive ──▶ server ── Alive ──▶ node
///                                           ── Unknown ──▶ node, which registers and publishes all
/// leave:       node ── Leaving ──▶ its servers;  server ── Leaving ──▶ everybody it knows
///
/// replicas:    server ── Register ──▶ each other server; then, and whenever a peer publishes,
///              server ── Copy ──▶ each other server; and when the peer is gone
///              server ── Forget ──▶ each other server, which copies what it knows if the
///              peer is registered there
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackerMessage {
    /// Know me. Answered by `Registered`.
    Register {
        /// The sender's token.
        token: u32,
        /// Whether the sender begins anew: what is known of it does not hold any more, and what it
        /// was told is gone.
        is_fresh: bool,
    },
    /// To `Register`: publish what you hold.
    Registered {
        /// The receiver's token.
        token: u32,
    },
    /// I hold these. Answered by `Published`, or by `Unknown`.
    Publish {
        /// The sender's token.
        token: u32,
        /// The items' keys.
        keys: Vec<Key>,
    },
    /// To `Publish`.
    Published {
        /// The receiver's token.
        token: u32,
        /// The places in the list of those that were refused, because a bound was reached.
        refused: Vec<u16>,
    },
    /// I am there. Answered by `Alive`, or by `Unknown`.
    KeepAlive {
        /// The sender's token.
        token: u32,
    },
    /// To `KeepAlive`: so am I.
    Alive {
        /// The receiver's token.
        token: u32,
    },
    /// To `KeepAlive` and `Publish`: I do not know you (any more).
    Unknown {
        /// The receiver's token.
        token: u32,
    },
    /// I am going.
    Leaving,
    /// Who holds the item? Answered by `Found`.
    Search {
        /// The sender's token.
        token: u32,
        /// The item's key.
        key: Key,
    },
    /// To `Search`.
    Found {
        /// The receiver's token.
        token: u32,
        /// One of its holders; `None`: nobody.
        holder: Option<NodeId>,
    },
    /// From server to server: peers that are registered here hold these.
    Copy {
        /// Who holds what.
        records: Vec<Record>,
    },
    /// From server to server: this peer is not registered here any more.
    Forget {
        /// The peer.
        holder: NodeId,
    },
    /// Between who fetches and who holds.
    Exchange(ExchangeMessage),
}

/// Who holds what: an entry of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The holder.
    pub holder: NodeId,
    /// The item's key.
    pub key: Key,
}

impl From<ExchangeMessage> for TrackerMessage {
    fn from(message: ExchangeMessage) -> Self {
        Self::Exchange(message)
    }
}

impl Message for TrackerMessage {
    fn class(&self) -> Class {
        match self {
            Self::Search { .. } | Self::Found { .. } => Class::Lookup,
            Self::Publish { .. } | Self::Published { .. } => Class::Data,
            Self::Exchange(message) => message.class(),
            _ => Class::Maintenance,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::Registered { .. } => "registered",
            Self::Publish { .. } => "publish",
            Self::Published { .. } => "published",
            Self::KeepAlive { .. } => "keep-alive",
            Self::Alive { .. } => "alive",
            Self::Unknown { .. } => "unknown",
            Self::Leaving => "leaving",
            Self::Search { .. } => "search",
            Self::Found { .. } => "found",
            Self::Copy { .. } => "copy",
            Self::Forget { .. } => "forget",
            Self::Exchange(message) => message.kind(),
        }
    }

    fn is_repair(&self) -> bool {
        matches!(self, Self::Copy { .. } | Self::Forget { .. })
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Exchange(message) => message.blob(),
            _ => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Exchange(message) => message.blob_mut(),
            _ => None,
        }
    }
}
