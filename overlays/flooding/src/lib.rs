//! Gnutella: nodes keep a few links to others, and a search floods over them until its TTL is spent.
//!
//! After the Gnutella 0.4 protocol and the 0.6 draft (Klingberg and Manfredi 2002), with the search
//! strategies of Lv et al., "Search and replication in unstructured peer-to-peer networks" (ICS
//! 2002), and super-peers as in Gnutella 0.6 (ultrapeers) and KaZaA (Liang et al. 2006).
//!
//! - `message.rs`: what nodes say, and the protocol in a picture;
//! - `node.rs`: a node: commands, messages, timers; `query.rs`: what it does with searches;
//! - `links.rs`: whom a node is linked to, and how it keeps it so; `hosts.rs`: whom it has heard of;
//! - `seen.rs`: which queries have passed, and where each came from;
//! - `search.rs`: the searches a node has under way, and in which rounds each goes out;
//! - `super_peer.rs`: what the leaves of a super-peer share;
//! - `topology.rs`: the global view: given graphs and grown ones.
#![no_std]
extern crate alloc;

mod config;
mod hosts;
mod links;
mod message;
mod node;
mod query;
mod search;
mod seen;
mod super_peer;
mod topology;

pub use config::{FloodingConfig, SearchStyle, SuperPeers};
pub use message::{FloodingMessage, QueryId, Spread};
pub use node::{Flooding, Timer};
pub use topology::Topology;
