//! What peers say to each other, and to the tracker.
use alloc::vec::Vec;

use overlay_core::{Blob, Class, Key, Message, NodeId};
use serde::{Deserialize, Serialize};

use crate::account::PeerId;
use crate::metainfo::Metainfo;

/// Which swarm a message belongs to: the first bytes of the item's key. It stands for BEP 3's TCP
/// connection, of which there is one for each swarm. Of two items with the same tag a node serves
/// the one it met first; the handshake has the whole key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// The tag of the item with this key.
    #[must_use]
    pub const fn of(key: &Key) -> Self {
        let [a, b, c, d, ..] = key.0;
        Self([a, b, c, d])
    }
}

/// Why a node announces itself (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// To say that it is still there, or only to ask.
    Regular,
    /// It has begun to take part.
    Started,
    /// It has all pieces.
    Completed,
    /// It takes part no more.
    Stopped,
}

/// A message: BEP 3's, under its names, one for one.
///
/// ```text
/// search, publish:  node ── Announce ──▶ tracker ── Peers ──▶ node
/// connect:          peer ── Handshake ──▶ peer ── Handshake, Bitfield ──▶ peer ── Bitfield ──▶ peer
///                                              ── Close ▶      no room, or not in this swarm
/// interest:         peer ── Interested | NotInterested ──▶ peer ── Unchoke | Choke ──▶ peer
/// peer exchange:    peer ── Pex ──▶ its peers, and whom it refuses
/// fetch:            peer ── Request ──▶ peer ── Piece ──▶ peer ── Have ──▶ all its peers
///                        ── Cancel ──▶     the block came from somebody else
/// done:             peer ── HaveAll ──▶ all its peers;   ── Announce{Completed} ──▶ tracker
/// leave:            peer ── Close ──▶ all its peers;   ── Announce{Stopped} ──▶ tracker
/// ```
///
/// `Pex` is BEP 11's. `Close` stands for closing the TCP connection; `HaveAll` is BEP 6's, and here also what takes the
/// place of the `Have`s that were left out because the receiver had the piece itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BittorrentMessage {
    /// Name me peers. Answered by `Peers`, unless its reason is `Stopped`.
    Announce {
        /// The item's key: BEP 3's `info_hash`.
        key: Key,
        /// Why.
        reason: Reason,
        /// How many bytes the node still needs.
        left: u32,
        /// What the item is. `None`: the node only asks, and is not to be named to others.
        metainfo: Option<Metainfo>,
    },
    /// To `Announce`.
    Peers {
        /// The item's key.
        key: Key,
        /// Why the node had announced itself.
        reason: Reason,
        /// Others who take part, drawn at random; a seed in front, if one was drawn.
        peers: Vec<NodeId>,
        /// How many of all who take part have everything.
        seeds: u32,
        /// What the item is: it stands for the `.torrent` file. `None`: nobody has told.
        metainfo: Option<Metainfo>,
    },
    /// Let us exchange pieces of this item.
    Handshake {
        /// The item's key: BEP 3's `info_hash`.
        key: Key,
        /// What the sender calls itself: BEP 3's `peer_id`.
        name: PeerId,
        /// Whether it answers the receiver's: known from TCP, where one end has opened the
        /// connection.
        is_reply: bool,
    },
    /// The connection is closed, or was refused.
    Close {
        /// The swarm.
        tag: Tag,
    },
    /// I have these pieces; the first message after the handshake.
    Bitfield {
        /// The swarm.
        tag: Tag,
        /// One bit a piece, the first one highest.
        bits: Vec<u8>,
    },
    /// I have this piece now.
    Have {
        /// The swarm.
        tag: Tag,
        /// The piece.
        piece: u32,
    },
    /// I have everything.
    HaveAll {
        /// The swarm.
        tag: Tag,
    },
    /// Requests will not be served any more; those that wait are dropped.
    Choke {
        /// The swarm.
        tag: Tag,
    },
    /// Requests will be served.
    Unchoke {
        /// The swarm.
        tag: Tag,
    },
    /// You have what I want.
    Interested {
        /// The swarm.
        tag: Tag,
    },
    /// You have nothing that I want.
    NotInterested {
        /// The swarm.
        tag: Tag,
    },
    /// Send me this block. Answered by `Piece`, or dropped with the next `Choke`.
    Request {
        /// The swarm.
        tag: Tag,
        /// The piece.
        piece: u32,
        /// Where in the piece the block begins, in bytes.
        begin: u32,
        /// The block's length in bytes.
        length: u32,
    },
    /// To `Request`: here it is.
    Piece {
        /// The swarm.
        tag: Tag,
        /// The piece.
        piece: u32,
        /// Where in the piece the block begins, in bytes.
        begin: u32,
        /// The block.
        block: Blob,
    },
    /// I do not need this block any more.
    Cancel {
        /// The swarm.
        tag: Tag,
        /// The piece.
        piece: u32,
        /// Where in the piece the block begins, in bytes.
        begin: u32,
        /// The block's length in bytes.
        length: u32,
    },
    /// I am connected to these peers, and to these no more (BEP 11).
    Pex {
        /// The swarm.
        tag: Tag,
        /// New ones since I last said so, at most [`crate::MOST_NAMED`].
        added: Vec<NodeId>,
        /// Former ones since then, at most as many.
        dropped: Vec<NodeId>,
    },
}

impl Message for BittorrentMessage {
    fn class(&self) -> Class {
        match self {
            Self::Announce { reason, .. } | Self::Peers { reason, .. } => match reason {
                Reason::Regular => Class::Lookup,
                Reason::Started | Reason::Completed | Reason::Stopped => Class::Data,
            },
            Self::Bitfield { .. }
            | Self::Have { .. }
            | Self::HaveAll { .. }
            | Self::Request { .. }
            | Self::Piece { .. }
            | Self::Cancel { .. } => Class::Data,
            Self::Handshake { .. }
            | Self::Close { .. }
            | Self::Choke { .. }
            | Self::Unchoke { .. }
            | Self::Interested { .. }
            | Self::NotInterested { .. }
            | Self::Pex { .. } => Class::Maintenance,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Announce { .. } => "announce",
            Self::Peers { .. } => "peers",
            Self::Handshake { .. } => "handshake",
            Self::Close { .. } => "close",
            Self::Bitfield { .. } => "bitfield",
            Self::Have { .. } => "have",
            Self::HaveAll { .. } => "have all",
            Self::Choke { .. } => "choke",
            Self::Unchoke { .. } => "unchoke",
            Self::Interested { .. } => "interested",
            Self::NotInterested { .. } => "not interested",
            Self::Request { .. } => "request",
            Self::Piece { .. } => "piece",
            Self::Cancel { .. } => "cancel",
            Self::Pex { .. } => "peer exchange",
        }
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Piece { block, .. } => Some(block),
            _ => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Piece { block, .. } => Some(block),
            _ => None,
        }
    }
}
