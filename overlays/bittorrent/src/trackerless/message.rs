//! What the nodes of trackerless swarms say to each other.
use overlay_core::{Blob, Class, Key, Message};
use serde::{Deserialize, Serialize};

use crate::message::BittorrentMessage;
use crate::metainfo::Metainfo;

/// A message of a trackerless swarm.
///
/// ```text
/// search, publish, announce:  Dht, as the table has it
/// fetch:   node ── AskMetainfo ──▶ peer ── Metainfo ──▶ node
/// then:    Swarm, as with a tracker, but without what goes to the tracker and comes from there
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum TrackerlessMessage<M> {
    /// Of the distributed hash table.
    Dht(M),
    /// Between peers.
    Swarm(BittorrentMessage),
    /// What is the item that you take part in? Answered by `Metainfo`.
    AskMetainfo {
        /// The item's key.
        key: Key,
    },
    /// To `AskMetainfo`.
    Metainfo {
        /// The item's key.
        key: Key,
        /// What it is; `None`: the sender does not take part.
        metainfo: Option<Metainfo>,
    },
}

impl<M: Message> Message for TrackerlessMessage<M> {
    fn class(&self) -> Class {
        match self {
            Self::Dht(message) => message.class(),
            Self::Swarm(message) => message.class(),
            Self::AskMetainfo { .. } | Self::Metainfo { .. } => Class::Data,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Dht(message) => message.kind(),
            Self::Swarm(message) => message.kind(),
            Self::AskMetainfo { .. } => "ask metainfo",
            Self::Metainfo { .. } => "metainfo",
        }
    }

    fn is_repair(&self) -> bool {
        matches!(self, Self::Dht(message) if message.is_repair())
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Dht(message) => message.blob(),
            Self::Swarm(message) => message.blob(),
            Self::AskMetainfo { .. } | Self::Metainfo { .. } => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Dht(message) => message.blob_mut(),
            Self::Swarm(message) => message.blob_mut(),
            Self::AskMetainfo { .. } | Self::Metainfo { .. } => None,
        }
    }
}
