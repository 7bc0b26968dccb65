//! Who may stand at a door without having shown who he is: so many at once, and when one more comes,
//! whoever has stood there longest is sent away.
//!
//! Turning the newcomer away instead would let anybody who says nothing keep everybody else out.
//! Peers of the run need milliseconds at the door, so those who have stood there longest are the
//! others.
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// A door, shared by all who stand at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// By the order of their coming; dropping a sender sends the one away.
    inside: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place at the door, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Gate,
    number: u64,
    sent_away: oneshot::Receiver<()>,
}

impl Gate {
    /// Takes a place at a door that has this many.
    pub(crate) fn enter(&self, places: usize) -> Ticket {
        let mut waiting = self.waiting();
        while waiting.inside.len() >= places.max(1) {
            waiting.inside.pop_first();
        }
        let number = waiting.next;
        waiting.next += 1;
        let (sender, sent_away) = oneshot::channel();
        waiting.inside.insert(number, sender);
        drop(waiting);
        Ticket { gate: self.clone(), number, sent_away }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Ready once its holder has to go.
    pub(crate) fn poll_sent_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.sent_away).poll(cx).map(|_| ())
    }

    /// Completes once its holder has to go.
    pub(crate) async fn sent_away(&mut self) {
        std::future::poll_fn(|cx| self.poll_sent_away(cx)).await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.waiting().inside.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_longest_standing_makes_room_and_who_goes_leaves_it() {
        let gate = Gate::default();
        let is_away = |ticket: &mut Ticket| ticket.sent_away().now_or_never().is_some();
        let (mut first, second) = (gate.enter(2), gate.enter(2));
        assert!(!is_away(&mut first));
        drop(second);
        let mut third = gate.enter(2);
        assert!(!is_away(&mut first) && !is_away(&mut third));
        let mut fourth = gate.enter(2);
        assert!(is_away(&mut first) && !is_away(&mut third) && !is_away(&mut fourth));
        drop(first);
        assert_eq!(gate.waiting().inside.len(), 2);
    }
}
