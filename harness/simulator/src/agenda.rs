//! What will happen, and when: the queue's small entries, and what they stand for beside them.
//!
//! An occurrence is written once, into a place that was left empty lately and so is in the cache, and
//! read once. Timers, of which every node has one that waits for long, take the few bytes that they
//! need instead of as many as a message.
use overlay_core::{Input, NodeId, Overlay};

use crate::Queue;
use crate::memory::prefetch;
use crate::simulation::Occurrence;

/// How many events ahead an occurrence's memory is asked for: about as long as memory takes.
const AHEAD: usize = 16;

/// What will happen.
pub(crate) struct Agenda<O: Overlay> {
    queue: Queue<Ticket>,
    occurrences: Shelf<Occurrence<O>>,
    timers: Shelf<O::Timer>,
}

/// Where an occurrence is: the place on one of the shelves, and in the first bit on which.
#[derive(Clone, Copy, Debug, Default)]
struct Ticket(u32);

const TIMER: u32 = 1 << 31;

/// An event whose turn has come, without what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// When, in nanoseconds.
    pub(crate) time: u64,
    /// Its number among all events that were ever added.
    pub(crate) sequence: u64,
    /// The node it is for.
    pub(crate) target: NodeId,
}

impl<O: Overlay> Agenda<O> {
    pub(crate) fn new() -> Self {
        Self { queue: Queue::new(), occurrences: Shelf::new(), timers: Shelf::new() }
    }

    /// Adds what happens to a node at a time in nanoseconds.
    #[inline]
    pub(crate) fn push(&mut self, time: u64, target: NodeId, occurrence: Occurrence<O>) {
        match occurrence {
            Occurrence::Input(Input::Timer(timer)) => self.push_timer(time, target, timer),
            other => {
                let place = self.occurrences.put(other);
                debug_assert!(place < TIMER, "so many do not fit into memory");
                self.queue.push(time, target, Ticket(place));
            }
        }
    }

    /// Adds a timer of a node.
    #[inline]
    pub(crate) fn push_timer(&mut self, time: u64, target: NodeId, timer: O::Timer) {
        let place = self.timers.put(timer);
        self.queue.push(time, target, Ticket(place | TIMER));
    }

    /// Puts the next occurrence in place of `into`, which has to be `Void`; when it is, and for whom.
    /// In place, and by exchange, because that moves whole words: returned by value, an occurrence is
    /// taken apart by what it may be, and copied from odd addresses (see [`Occurrence`]).
    #[inline]
    pub(crate) fn pop_into(&mut self, into: &mut Occurrence<O>) -> Option<Due> {
        let popped = self.queue.pop()?;
        if let Some((_, soon)) = self.queue.ahead(AHEAD) {
            match soon.0 & TIMER {
                0 => self.occurrences.prefetch(soon.0),
                _ => self.timers.prefetch(soon.0 & !TIMER),
            }
        }
        let Ticket(place) = popped.item;
        if place & TIMER == 0 {
            std::mem::swap(into, self.occurrences.give_up(place));
        } else {
            *into = Occurrence::Input(Input::Timer(*self.timers.give_up(place & !TIMER)));
        }
        Some(Due { time: popped.time, sequence: popped.sequence, target: popped.target })
    }

    /// The node that an event some events ahead is for, if that is soon: whose memory will be needed.
    #[inline]
    pub(crate) fn target_ahead(&self, events: usize) -> Option<NodeId> {
        self.queue.ahead(events).map(|(target, _)| target)
    }

    /// The time of the next event.
    #[inline]
    pub(crate) fn next_time(&mut self) -> Option<u64> {
        self.queue.next_time()
    }

    /// The number that the next event to be added will have: those that wait have smaller ones.
    pub(crate) const fn next_sequence(&self) -> u64 {
        self.queue.next_sequence()
    }

    /// How many events wait.
    pub(crate) const fn len(&self) -> usize {
        self.queue.len()
    }
}

/// Values in places by number. Who gives up a place last is followed first.
struct Shelf<T> {
    values: Vec<T>,
    free: Vec<u32>,
}

impl<T> Shelf<T> {
    const fn new() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }

    #[inline]
    fn put(&mut self, value: T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.values[place as usize] = value;
            return place;
        }
        self.values.push(value);
        (self.values.len() - 1) as u32
    }

    /// The place is free, and what is in it is the caller's to take.
    #[inline]
    fn give_up(&mut self, place: u32) -> &mut T {
        self.free.push(place);
        &mut self.values[place as usize]
    }

    #[inline]
    fn prefetch(&self, place: u32) {
        prefetch(&self.values[place as usize]);
    }
}
