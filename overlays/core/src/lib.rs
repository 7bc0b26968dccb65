//! The vocabulary every overlay and every driver shares: the [`Overlay`] trait, what goes into a
//! node ([`Input`]), what comes out of it ([`Effect`]), and the plain values both are made of.
//!
//! This crate and every overlay on top of it are pure: no clock, no socket, no thread, no global,
//! no iteration in hash order. `no_std` enforces it, and a test builds them without a standard
//! library in reach.
#![no_std]
extern crate alloc;

mod blob;
mod conduct;
pub mod dht;
mod exchange;
mod graph;
mod ids;
mod key;
mod message;
mod overlay;
mod random;
mod time;
pub mod units;
pub mod wire;

pub use blob::{Blob, Contents, Derived, GRAIN, NoRoom};
pub use conduct::{Conduct, Strategy};
pub use exchange::{Exchange, ExchangeMessage, MOST_FETCHES};
pub use graph::Graph;
pub use ids::{NodeId, OpId};
pub use key::Key;
pub use message::{Class, Message};
pub use overlay::{
    Alike, Answer, Command, Ctx, DropReason, Effect, Event, Input, Item, Oracle, Overlay, Role,
    Setting, StateSize, step,
};
pub use random::{Purpose, Random};
pub use time::Time;
