//! Who sees what happens in a simulation.
use overlay_core::{Command, Event, Input, NodeId, Overlay, Time};

/// Sees what nodes tell the harness, and every step if it wants to.
pub trait Observer<O: Overlay> {
    /// A node told something; the command in answer, if any, is put into the node at once.
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command>;

    /// A node has sent another one a message of so many bytes.
    fn on_send(&mut self, _from: NodeId, _to: NodeId, _: Time, _: &O::Message, _bytes: u32) {}

    /// A node is about to get an input.
    fn on_input(&mut self, _: NodeId, _: Time, _: &Input<O>) {}
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl<O: Overlay> Observer<O> for Unobserved {
    fn on_event(&mut self, _: NodeId, _: Time, _: Event) -> Option<Command> {
        None
    }
}
