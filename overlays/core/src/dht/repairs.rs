//! Copies of items on their way to where they belong, at half the pace of the uplink.
//!
//! A node that goes makes its neighbours send everything it kept. If they did so at once, their pings
//! and answers would wait behind it, others would take them for dead and begin repairs of their own,
//! which delay more pings: the collapse by positive feedback that Rhea et al. 2004 saw ("Handling churn
//! in a DHT", section 4.1).
use alloc::collections::VecDeque;

use super::{DhtCtx, DhtMessage, DhtTimer, Routing, StorageMessage};
use crate::{DropReason, Event, NodeId, wire};

/// Most copies that wait; what comes then is not sent. The next change of the neighbourhood offers it
/// again.
const MOST_WAITING: usize = 65_536;

/// What a node has to send to repair, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    waiting: VecDeque<(NodeId, StorageMessage)>,
    /// Whether a timer says when the uplink is free for the next one.
    is_timed: bool,
}

impl Repairs {
    /// Sends a copy, when it is its turn. What carries no bytes of an item does not wait.
    pub(super) fn send<R: Routing>(
        &mut self,
        to: NodeId,
        message: StorageMessage,
        cx: &mut DhtCtx<'_, R>,
    ) {
        if message.blob().is_none() || cx.uplink.0 == 0 {
            cx.send(to, DhtMessage::Storage(message));
        } else if self.waiting.len() >= MOST_WAITING {
            cx.emit(Event::Dropped(DropReason::Bound));
        } else {
            self.waiting.push_back((to, message));
            if !self.is_timed {
                self.send_next(cx);
            }
        }
    }

    /// It is the next one's turn. The uplink is left to others for as long as it takes.
    pub(super) fn send_next<R: Routing>(&mut self, cx: &mut DhtCtx<'_, R>) {
        let next = self.waiting.pop_front();
        self.is_timed = next.is_some();
        if let Some((to, message)) = next {
            let message = DhtMessage::Storage(message);
            let takes = cx.uplink.time_for(wire::length(&message).into());
            cx.send(to, message);
            cx.set_timer(2 * takes, DhtTimer::Repair);
        }
    }

    /// Nobody is there any more to send them to.
    pub(super) fn forget(&mut self, peer: NodeId) {
        self.waiting.retain(|(to, _)| *to != peer);
    }

    /// What was not sent so far: this node is leaving.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (NodeId, StorageMessage)> {
        self.waiting.drain(..)
    }
}
