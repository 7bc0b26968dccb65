//! A connection to one peer of a swarm, with both sides' choking and interest.
use alloc::collections::VecDeque;

use overlay_core::{NodeId, Time};

use crate::account::{Account, PeerId};
use crate::bitfield::Bitfield;
use crate::conduct::Bargain;
use crate::picker::BlockId;
use crate::policy::Share;
use crate::rate::{Pipeline, Rate};

/// A block that a peer has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The piece.
    pub piece: u32,
    /// Where in the piece the block begins, in bytes.
    pub begin: u32,
    /// The block's length in bytes.
    pub length: u32,
}

/// One node's end of a connection. It begins choked and not interested, on both sides (BEP 3).
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: NodeId,
    /// How many pieces it has that are missing here.
    pub useful: u32,
    /// Whether the handshake has been answered.
    pub is_open: bool,
    /// Whether the peer has something that is missing here, and knows.
    pub am_interested: bool,
    /// Whether the peer may ask for blocks.
    pub am_choking: bool,
    /// Whether the peer wants something.
    pub is_interested: bool,
    /// Whether the peer serves requests.
    pub is_choking: bool,
    /// Whether it has owed blocks for long and sent none: until it sends one.
    pub is_snubbing: bool,
    /// Whether it is in the row of those to send to.
    pub is_in_row: bool,
    /// Whether a seed has unchoked it only to see what becomes of it.
    pub(crate) is_on_trial: bool,
    /// What the peer has, as far as it told.
    pub has: Bitfield,
    /// What it calls itself; `None` until it has said so.
    pub(crate) name: Option<PeerId>,
    /// Blocks that it was asked for and has not sent, the oldest first.
    pub asked: VecDeque<BlockId>,
    /// When it last sent a block, or began to owe one.
    pub last_block: Time,
    /// How many requests to have under way.
    pub pipeline: Pipeline,
    /// What comes from it.
    pub download: Rate,
    /// What goes to it.
    pub upload: Rate,
    /// Blocks that it has asked for and that were not sent, the oldest first.
    pub waiting: VecDeque<Wanted>,
    /// Bytes sent to it since it was last unchoked.
    pub turn_bytes: u64,
    /// When it was last choked or unchoked; `None`: it never had a slot.
    pub slot_changed: Option<Time>,
    /// When this end was opened.
    pub since: Time,
    /// When it last choked us, or the connection was opened.
    pub(crate) choked_since: Time,
    /// What both have done for each other.
    pub(crate) account: Account,
    /// Its share of the uplink, where turns are unequal.
    pub(crate) share: Share,
    /// What it is worth to a strategic client.
    pub(crate) bargain: Bargain,
}

impl Connection {
    /// A connection that is opened now, in a swarm of so many pieces.
    #[must_use]
    pub fn new(peer: NodeId, pieces: u32, is_open: bool, since: Time) -> Self {
        Self {
            peer,
            name: None,
            is_open,
            since,
            has: Bitfield::empty(pieces),
            useful: 0,
            am_interested: false,
            am_choking: true,
            is_interested: false,
            is_choking: true,
            asked: VecDeque::new(),
            last_block: since,
            is_snubbing: false,
            pipeline: Pipeline::default(),
            download: Rate::default(),
            upload: Rate::default(),
            slot_changed: None,
            waiting: VecDeque::new(),
            is_in_row: false,
            turn_bytes: 0,
            account: Account::default(),
            share: Share::default(),
            bargain: Bargain::default(),
            is_on_trial: false,
            choked_since: since,
        }
    }

    /// Whether the peer holds one of the slots.
    #[must_use]
    pub const fn has_slot(&self) -> bool {
        !self.am_choking && self.is_interested
    }
}
