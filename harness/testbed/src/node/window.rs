//! The measured window of one node: what it had counted when the window began, and how long it was
//! there.
use std::time::Duration;

use overlay_core::Time;
use peerbench_measure::Traffic;

/// Where a node is in its window.
#[derive(Debug, Default)]
pub(super) struct Window {
    begun: Option<Begin>,
    left: Option<Time>,
    ended: bool,
}

#[derive(Debug)]
struct Begin {
    at: Time,
    traffic: Traffic,
    wire: (u64, u64),
}

/// What falls into the window.
#[derive(Debug)]
pub(super) struct Span {
    /// How long the node was alive within it.
    pub(super) alive: Duration,
    /// Its traffic.
    pub(super) traffic: Traffic,
    /// Bytes sent and received at the socket.
    pub(super) wire: (u64, u64),
}

impl Window {
    /// The window begins, with these counters.
    pub(super) fn begin(&mut self, at: Time, traffic: Traffic, wire: (u64, u64)) {
        self.begun = Some(Begin { at, traffic, wire });
    }

    /// The node goes: what follows is not its life.
    pub(super) fn leave(&mut self, at: Time) {
        self.left.get_or_insert(at);
    }

    /// The window ends; false if it had ended before. One that had not begun is empty.
    pub(super) fn end(&mut self, at: Time) -> bool {
        self.begun.get_or_insert(Begin { at, traffic: Traffic::default(), wire: (0, 0) });
        !std::mem::replace(&mut self.ended, true)
    }

    /// What falls into the window up to now; `None` before it begins.
    #[must_use]
    pub(super) fn span(&self, now: Time, traffic: Traffic, wire: (u64, u64)) -> Option<Span> {
        let begin = self.begun.as_ref()?;
        Some(Span {
            alive: self.left.unwrap_or(now).since(begin.at),
            traffic: traffic.since(&begin.traffic),
            wire: (wire.0 - begin.wire.0, wire.1 - begin.wire.1),
        })
    }
}
