//! What Chord nodes say to each other.
use alloc::sync::Arc;

use overlay_core::dht::{Path, Request, Response};
use overlay_core::{Blob, Class, Key, Message, NodeId};
use serde::{Deserialize, Serialize};

use crate::Member;

/// A message to one ring member of the receiving node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChordMessage {
    /// Which of the receiver's members is meant; 0 unless there are virtual nodes.
    pub to: u16,
    /// What is said.
    pub body: Body,
}

/// What is said. A token is the sender's own number for what it waits for; the reply repeats it.
///
/// ```text
/// recursive:  searcher ── Route ──▶ hop ── Route ──▶ … responsible
///             searcher ◀─ Answer ── hop ◀─ Answer ── … responsible
/// locate:     member ── Route ──▶ hop ── Route ──▶ … responsible ── Answer ──▶ member
/// iterative:  searcher ── FindNext ──▶ hop, ◀── Next ──, for each hop; then
///             searcher ── Route ──▶ responsible, ◀── Answer ──
/// stabilise:  member ── GetSuccessors ──▶ first successor ── Successors ──▶ member,
///             once more with its predecessor if that is nearer; then
///             member ── Notify ──▶ first successor       (which rectifies its predecessor)
/// doubt:      node ── Ping ──▶ node ── Pong ──▶
/// leave:      node ── Leaving ──▶ its neighbours; and, before it has joined (again), whoever takes it
///             for a member
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Move this towards the member responsible for the key. Answered by `Answer`.
    Route {
        /// The sender's token.
        token: u32,
        /// Where to.
        key: Key,
        /// What for.
        payload: Payload,
        /// What the sender believes the receiver to be.
        claim: Claim,
        /// Forward messages so far, this one included.
        hops: u8,
        /// Nodes tried in vain so far.
        timeouts: u8,
    },
    /// To `Route`: back along its path, or straight to who wants to locate.
    Answer {
        /// The receiver's token.
        token: u32,
        /// What came of it.
        outcome: Outcome,
        /// How the request came to where it was answered.
        path: Path,
    },
    /// Which member would you forward this to? Answered by `Next`.
    FindNext {
        /// The sender's token.
        token: u32,
        /// Where to.
        key: Key,
        /// Your choice before, which the sender found dead: name the next best.
        dead: Option<Member>,
        /// What the request behind it is for.
        class: Class,
    },
    /// To `FindNext`.
    Next {
        /// The receiver's token.
        token: u32,
        /// The next member, and what it is believed to be; one of the answering node's own if that
        /// is responsible.
        next: (Member, Claim),
        /// What the request behind it is for.
        class: Class,
    },
    /// What are your predecessor and successors? Answered by `Successors`.
    GetSuccessors {
        /// The asking member.
        asker: Member,
    },
    /// To `GetSuccessors`.
    Successors {
        /// The answering member.
        of: Member,
        /// Its predecessor, if it knows one.
        predecessor: Option<Member>,
        /// Its successor list, nearest first.
        list: Arc<[Member]>,
    },
    /// I may be your predecessor.
    Notify {
        /// The member that says so.
        candidate: Member,
    },
    /// Are you there? Answered by `Pong`.
    Ping,
    /// To `Ping`.
    Pong,
    /// I am no member of the ring, or not for longer.
    Leaving {
        /// The leaving member.
        member: Member,
        /// Its predecessor, if it knows one.
        predecessor: Option<Member>,
    },
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// The storage's.
    Request(Request),
    /// Which member is responsible? For fingers and for joining. The responsible node answers the
    /// asker itself, which it is about to be linked to: nobody in between needs to remember it.
    Locate {
        /// The node that wants to know.
        asker: NodeId,
    },
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The storage's.
    Response(Response),
    /// This member is responsible.
    Located(Member),
}

/// What the sender of a request believes its receiver to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// A step nearer to the key.
    Closer,
    /// The key's successor: responsible, unless it knows of a newer member in between.
    Successor,
    /// The key's first successor that is alive: those in between were tried in vain.
    Survivor,
}

impl Payload {
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Request(request) => request.class(),
            Self::Locate { .. } => Class::Maintenance,
        }
    }
}

impl Body {
    /// Whether this is for a member of the ring, and nobody else can do what it asks.
    pub(crate) const fn is_for_members(&self) -> bool {
        match self {
            Self::Route { .. }
            | Self::FindNext { .. }
            | Self::GetSuccessors { .. }
            | Self::Notify { .. }
            | Self::Ping => true,
            Self::Answer { .. }
            | Self::Next { .. }
            | Self::Successors { .. }
            | Self::Pong
            | Self::Leaving { .. } => false,
        }
    }
}

impl Message for ChordMessage {
    fn class(&self) -> Class {
        match &self.body {
            Body::Route { payload, .. } => payload.class(),
            Body::Answer { outcome: Outcome::Response(response), .. } => response.class(),
            Body::FindNext { class, .. } | Body::Next { class, .. } => *class,
            _ => Class::Maintenance,
        }
    }

    /// The names of the papers' procedures, where there is one.
    #[inline]
    fn kind(&self) -> &'static str {
        match &self.body {
            Body::Route { .. } => "find successor",
            Body::Answer { .. } => "successor found",
            Body::FindNext { .. } => "closest preceding node",
            Body::Next { .. } => "next node",
            Body::GetSuccessors { .. } => "get successors",
            Body::Successors { .. } => "successors",
            Body::Notify { .. } => "notify",
            Body::Ping => "ping",
            Body::Pong => "pong",
            Body::Leaving { .. } => "leaving",
        }
    }

    fn blob(&self) -> Option<&Blob> {
        match &self.body {
            Body::Route { payload: Payload::Request(request), .. } => request.blob(),
            _ => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match &mut self.body {
            Body::Route { payload: Payload::Request(request), .. } => request.blob_mut(),
            _ => None,
        }
    }
}
