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
    /// How long in the window it was gone before.
    away: Duration,
    ended: bool,
}

/// What a node counts all the time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    /// Its traffic.
    pub(super) traffic: Traffic,
    /// Bytes sent and received at the socket.
    pub(super) wire: (u64, u64),
    /// How often it looked into what it knows for a search.
    pub(super) visited: u64,
}

#[derive(Debug)]
struct Begin {
    at: Time,
    counters: Counters,
}

/// What falls into the window.
#[derive(Debug)]
pub(super) struct Span {
    /// How long the node was alive within it.
    pub(super) alive: Duration,
    /// What was counted in it.
    pub(super) counters: Counters,
}

impl Window {
    /// The window begins, with these counters.
    pub(super) fn begin(&mut self, at: Time, counters: Counters) {
        self.begun = Some(Begin { at, counters });
    }

    /// The node goes: what follows is not its life.
    pub(super) fn leave(&mut self, at: Time) {
        self.left.get_or_insert(at);
    }

    /// The node goes on after all.
    pub(super) fn go_on(&mut self, at: Time) {
        if let Some(left) = self.left.take() {
            let begin = self.begun.as_ref().map_or(at, |begin| begin.at);
            self.away += at.since(left.max(begin));
        }
    }

    /// The window ends, with these counters; false if it had ended before. One that had not begun is
    /// empty.
    pub(super) fn end(&mut self, at: Time, counters: Counters) -> bool {
        self.begun.get_or_insert(Begin { at, counters });
        !std::mem::replace(&mut self.ended, true)
    }

    /// What falls into the window up to now; `None` before it begins.
    #[must_use]
    pub(super) fn span(&self, now: Time, counters: &Counters) -> Option<Span> {
        let Begin { at, counters: earlier } = self.begun.as_ref()?;
        let wire = (counters.wire.0 - earlier.wire.0, counters.wire.1 - earlier.wire.1);
        Some(Span {
            alive: self.left.unwrap_or(now).since(*at) - self.away,
            counters: Counters {
                traffic: counters.traffic.since(&earlier.traffic),
                wire,
                visited: counters.visited - earlier.visited,
            },
        })
    }
}
