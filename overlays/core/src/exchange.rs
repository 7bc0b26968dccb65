//! The exchange: how an item's bytes get from who holds it to who fetches it. The same in every
//! overlay that fetches items whole, so it is written here once.
use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    Blob, Class, Ctx, DropReason, Event, Item, Key, Message, NodeId, OpId, Overlay, Strategy,
};

/// Most fetches under way at one node; the oldest is given up for one more. Far beyond what a
/// workload asks for, unless holders are silent.
pub const MOST_FETCHES: usize = 4_096;

/// Between who wants an item and who holds it.
///
/// ```text
/// fetcher ── Fetch ──▶ holder ── Data ──▶ fetcher
///                             ── Missing ▶    the holder does not have it (any more)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExchangeMessage {
    /// Send me the item. Answered by `Data` or `Missing`, or not at all by a freeloader.
    Fetch {
        /// The operation.
        op: OpId,
        /// The item's key.
        key: Key,
    },
    /// To `Fetch`: here it is.
    Data {
        /// The operation.
        op: OpId,
        /// The item's bytes.
        blob: Blob,
    },
    /// To `Fetch`: I do not have it.
    Missing {
        /// The operation.
        op: OpId,
    },
}

impl Message for ExchangeMessage {
    fn class(&self) -> Class {
        Class::Data
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Fetch { .. } => "fetch",
            Self::Data { .. } => "data",
            Self::Missing { .. } => "missing",
        }
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Data { blob, .. } => Some(blob),
            Self::Fetch { .. } | Self::Missing { .. } => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Data { blob, .. } => Some(blob),
            Self::Fetch { .. } | Self::Missing { .. } => None,
        }
    }
}

/// One node's part in exchanges: the items it shares, and what it waits for.
///
/// An overlay gives it the commands and messages that concern it; it sends and tells the rest
/// itself. Where a node can serve more than the items it shares, such as values it keeps for others,
/// the overlay says so with `besides`; `|_| None` if there is nothing.
///
/// Of the freeloaders, `no-share` shares nothing, and its publications fail; `no-upload` is silent
/// when it is asked.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    held: BTreeMap<Key, Blob>,
    /// Fetches under way and who was asked, the oldest first.
    fetching: SmallVec<[(OpId, NodeId); 1]>,
}

impl Exchange {
    /// To be called first for every publication: this node holds the item from now on. False for a
    /// node that shares nothing: then the operation has failed, and there is nothing more to do.
    pub fn share<O: Overlay>(&mut self, op: OpId, item: Item, cx: &mut Ctx<'_, O>) -> bool {
        let shares = !cx.conduct.is(Strategy::NoShare);
        if shares {
            self.held.insert(item.key, item.blob);
        } else {
            cx.emit(Event::Failed { op });
        }
        shares
    }

    /// This node shares an item no more.
    pub fn withdraw(&mut self, key: &Key) {
        self.held.remove(key);
    }

    /// Whether this node shares the item with this key.
    #[must_use]
    pub fn holds(&self, key: &Key) -> bool {
        self.held.contains_key(key)
    }

    /// The items this node shares, in the order of keys.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        self.held.iter().map(|(&key, &blob)| Item { key, blob })
    }

    /// Gets an item's bytes from a holder, which may be this node itself.
    pub fn fetch<O: Overlay<Message: From<ExchangeMessage>>>(
        &mut self,
        op: OpId,
        key: Key,
        holder: NodeId,
        besides: impl FnOnce(&Key) -> Option<Blob>,
        cx: &mut Ctx<'_, O>,
    ) {
        if holder == cx.me {
            let blob = self.held.get(&key).copied().or_else(|| besides(&key));
            return cx.emit(blob.map_or(Event::Failed { op }, |blob| Event::Fetched { op, blob }));
        }
        if self.fetching.len() >= MOST_FETCHES {
            let (oldest, _) = self.fetching.remove(0);
            cx.emit(Event::Failed { op: oldest });
        }
        self.fetching.push((op, holder));
        cx.send(holder, ExchangeMessage::Fetch { op, key }.into());
    }

    /// A peer asked for an item, or answered. Bytes that were damaged fail the fetch; what nobody
    /// asked for is dropped and counted.
    pub fn on_message<O: Overlay<Message: From<ExchangeMessage>>>(
        &mut self,
        from: NodeId,
        message: ExchangeMessage,
        besides: impl FnOnce(&Key) -> Option<Blob>,
        cx: &mut Ctx<'_, O>,
    ) {
        let (op, event) = match message {
            ExchangeMessage::Fetch { .. } if cx.conduct.is(Strategy::NoUpload) => return,
            ExchangeMessage::Fetch { op, key } => {
                let blob = self.held.get(&key).copied().or_else(|| besides(&key));
                let missing = ExchangeMessage::Missing { op };
                let reply = blob.map_or(missing, |blob| ExchangeMessage::Data { op, blob });
                return cx.send(from, reply.into());
            }
            ExchangeMessage::Data { op, blob } if blob.intact => (op, Event::Fetched { op, blob }),
            ExchangeMessage::Data { op, .. } | ExchangeMessage::Missing { op } => {
                (op, Event::Failed { op })
            }
        };
        match self.fetching.iter().position(|&fetch| fetch == (op, from)) {
            Some(index) => {
                self.fetching.remove(index);
                cx.emit(event);
            }
            None => cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
    }

    /// Fetches from a peer that cannot be reached any more have failed.
    pub fn on_peer_lost<O: Overlay>(&mut self, peer: NodeId, cx: &mut Ctx<'_, O>) {
        self.fetching.retain(|&mut (op, holder)| {
            if holder == peer {
                cx.emit(Event::Failed { op });
            }
            holder != peer
        });
    }
}
