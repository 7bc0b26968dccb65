//! What Gnutella nodes say to each other.
use alloc::boxed::Box;

use overlay_core::{Blob, Class, ExchangeMessage, Key, Message, NodeId};
use serde::{Deserialize, Serialize};

/// Which search a message belongs to.
///
/// Differs from Gnutella: there it is 16 random bytes, so that nobody can tell who searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryId {
    /// The searcher.
    pub origin: NodeId,
    /// Its own count of searches.
    pub sequence: u32,
}

/// How far a query has come, and how far it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Forward messages it may still take, this one included.
    pub ttl: u8,
    /// Forward messages so far, this one included.
    pub hops: u8,
    /// Which ring of an expanding ring this is, from 0.
    pub round: u8,
}

/// What Gnutella nodes say to each other.
///
/// ```text
/// link:    node ── Connect ──▶ node ── Accept ──▶ node        both are linked
///                                   ── Refuse ──▶ node        try these instead
///          node ── Bye ──▶ its links                          not any more
/// upkeep:  node ── Ping ──▶ its links ── Pong ──▶ node        alive, and if asked: has heard of these
/// flood:   searcher ── Query ──▶ all links ── Query ──▶ all links but the one it came from …
///          searcher ◀── QueryHit ── … ◀── QueryHit ── node    back the way the query came
/// walk:    searcher ── Walk ──▶ a link ── Walk ──▶ one of its links …
///          searcher ◀── CheckBack ── node                     every few steps: go on?
///          searcher ── Continue ──▶ node ── Walk ──▶ …        or silence, and the walker ends
///          searcher ◀── QueryHit ── node                      straight
/// leaf:    leaf ── Share ──▶ its super-peers                  what it holds
/// fetch:   Exchange, straight between fetcher and holder
/// ```
///
/// In memory it is 32 bytes, because floods move it by the hundred million; what is large is boxed.
///
/// Differs from Gnutella 0.4: pings go one hop and are answered from the host cache, as in 0.6, with hosts only if they are
/// asked for; and
/// connections, headers and hosts to try are messages rather than lines of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FloodingMessage {
    /// Be linked with me. Answered by `Accept` or `Refuse`.
    Connect {
        /// Whether the sender wants to be a leaf rather than a peer.
        leaf: bool,
    },
    /// To `Connect`: we are linked.
    Accept {
        /// Others that the sender has heard of (0.6: X-Try).
        hosts: Box<[NodeId]>,
    },
    /// To `Connect`: there is no room, or the sender is itself a leaf.
    Refuse {
        /// Others to try.
        hosts: Box<[NodeId]>,
    },
    /// We are not linked, or not any more.
    Bye,
    /// Are you there? From a link; answered by `Pong`.
    Ping {
        /// Whether to name others, too, because the sender's host cache has room.
        wants_hosts: bool,
    },
    /// To `Ping`.
    Pong {
        /// Others that the sender has heard of, if it was asked.
        hosts: Box<[NodeId]>,
    },
    /// From a leaf to its super-peers: it shares the items with these keys.
    Share {
        /// The keys.
        keys: Box<[Key]>,
    },
    /// Who holds the item? To all links. Answered by `QueryHit` from those who know.
    Query {
        /// The search.
        id: QueryId,
        /// The item's key.
        key: Key,
        /// How far it goes.
        spread: Spread,
    },
    /// To `Query`, back along its path; to `Walk`, straight to the searcher.
    QueryHit {
        /// The search.
        id: QueryId,
        /// The node that answers.
        by: NodeId,
        /// Who holds the item: that node, or one of its leaves.
        holder: NodeId,
        /// Forward messages that the query took to that node.
        hops: u16,
        /// Messages that the hit may still take, this one included.
        ttl: u8,
    },
    /// Who holds the item? A walker, to one link.
    Walk {
        /// The search.
        id: QueryId,
        /// The item's key.
        key: Key,
        /// Steps so far, this one included.
        hops: u16,
    },
    /// From where a walker stands to the searcher: shall it go on? Answered by `Continue`, or by
    /// nothing if it shall not.
    CheckBack {
        /// The searcher's count of searches.
        sequence: u32,
        /// Where the walker came from.
        previous: NodeId,
        /// Steps so far.
        hops: u16,
    },
    /// To `CheckBack`: go on. It brings all that the walker is, so that nobody in between needs to
    /// remember it.
    Continue {
        /// The searcher's count of searches.
        sequence: u32,
        /// The item's key.
        key: Key,
        /// Where the walker came from.
        previous: NodeId,
        /// Steps so far.
        hops: u16,
    },
    /// A fetch.
    Exchange(Box<ExchangeMessage>),
}

impl From<ExchangeMessage> for FloodingMessage {
    fn from(message: ExchangeMessage) -> Self {
        Self::Exchange(Box::new(message))
    }
}

impl Message for FloodingMessage {
    #[inline]
    fn class(&self) -> Class {
        match self {
            Self::Query { .. }
            | Self::QueryHit { .. }
            | Self::Walk { .. }
            | Self::CheckBack { .. }
            | Self::Continue { .. } => Class::Lookup,
            Self::Share { .. } | Self::Exchange(_) => Class::Data,
            _ => Class::Maintenance,
        }
    }

    #[inline]
    fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Accept { .. } => "accept",
            Self::Refuse { .. } => "refuse",
            Self::Bye => "bye",
            Self::Ping { .. } => "ping",
            Self::Pong { .. } => "pong",
            Self::Share { .. } => "share",
            Self::Query { .. } => "query",
            Self::QueryHit { .. } => "query hit",
            Self::Walk { .. } => "walker",
            Self::CheckBack { .. } => "check back",
            Self::Continue { .. } => "continue",
            Self::Exchange(message) => message.kind(),
        }
    }

    #[inline]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_small() {
        assert_eq!(size_of::<FloodingMessage>(), 32);
    }
}
