//! Chord: a ring of identifiers on which each node finds the successor of any key in O(log N) hops
//! with O(log N) state.
//!
//! After Stoica et al., "Chord: a scalable peer-to-peer lookup service for internet applications"
//! (SIGCOMM 2001; IEEE/ACM ToN 2003), with the maintenance of Zave, "Reasoning about identifier
//! spaces: how to make Chord correct" (IEEE TSE 2017), because that of the paper is not correct.
//!
//! - `position.rs`: the ring's arithmetic;
//! - `links.rs`: successor list and fingers of one ring member;
//! - `member.rs`: one ring member: routing decisions and what stabilisation does to its links;
//! - `pending.rs`: requests on their way through a node;
//! - `lookup.rs`: what happens to a request at a node;
//! - `bootstrap.rs`: finding the ring, at first and when everybody is lost;
//! - `router.rs`: stabilising, leaving: the protocol's other messages;
//! - `invariant.rs`: what must hold over the whole ring at every step;
//! - `ring.rs`: the global view, for checkers, for founders, and to start from a converged ring.
//!
//! Publish, search and fetch stand on top, in [`overlay_core::dht`].
#![no_std]
extern crate alloc;

mod bootstrap;
mod config;
mod invariant;
mod links;
mod lookup;
mod member;
mod message;
mod pending;
mod position;
mod ring;
mod router;

pub use config::{ChordConfig, LookupStyle};
pub use member::RingMember;
pub use message::{Body, ChordMessage, Claim, Outcome, Payload};
pub use position::{Distance, Member, Position};
pub use ring::Ring;
pub use router::{Router, Timer};

/// The overlay: Chord's routing with storage on top.
pub type Chord = overlay_core::dht::Dht<Router>;
