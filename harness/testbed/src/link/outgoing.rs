//! What waits on one connection to be sent, until the stream has taken it.
use std::collections::VecDeque;

use super::budget::{Budget, Held, SMALL_TALK};
use super::frames;

/// Most bytes of frames that wait for the network on one connection, counted as [`Waiting::cost`]
/// counts; what comes then is dropped. It holds the longest frame and one more.
pub(super) const MAX_QUEUED: usize = 33 << 20;
/// Memory that a frame which waits takes beside its bytes.
const FRAME_COST: usize = 64;
/// Frames are put together into writes of about this many bytes.
const WRITE: usize = 64 * 1024;
/// Buffer capacity that a busy link keeps, in bytes: a write and the short frame that ended it.
const BUSY_CAPACITY: usize = 2 * WRITE;
/// Buffer capacity that an idle link keeps, in bytes.
const IDLE_CAPACITY: usize = 4 * 1024;

/// A frame that waits to be sent, and its part of the node's budget.
#[derive(Debug)]
pub struct Waiting {
    frame: Vec<u8>,
    held: Held,
}

impl Waiting {
    /// A frame for a link on which this many bytes wait already; `None` if there is no room for it.
    #[must_use]
    pub fn new(mut frame: Vec<u8>, waiting: usize, budget: &Budget) -> Option<Self> {
        let cost = frame.len() + FRAME_COST;
        let held = if waiting + cost <= SMALL_TALK {
            budget.take_regardless(cost)
        } else if waiting + cost <= MAX_QUEUED {
            budget.take(cost)?
        } else {
            return None;
        };
        if cost > SMALL_TALK {
            // A vector that grew may have twice the room it needs, which nobody has counted.
            frame.shrink_to_fit();
        }
        Some(Self { frame, held })
    }

    /// What it takes of the bounds, in bytes.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.held.bytes()
    }
}

/// The frames of one connection, in their order: a queue, and in front of it those that have been
/// put together into one write.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    queue: VecDeque<Waiting>,
    write: Vec<u8>,
    written: usize,
    /// What the frames in `write` take of the node's budget. It is given back when the stream has
    /// taken them: copying a frame does not send it.
    in_write: Vec<Held>,
    /// What frames here and there take, in bytes.
    bytes: usize,
}

impl Outgoing {
    /// Adds a frame; false, and it is dropped, if too much waits already.
    pub(super) fn push(&mut self, frame: Waiting) -> bool {
        let fits = self.bytes + frame.cost() <= MAX_QUEUED;
        if fits {
            self.bytes += frame.cost();
            self.queue.push_back(frame);
        }
        fits
    }

    /// What the stream is to take next; empty if nothing waits.
    pub(super) fn next_write(&mut self) -> &[u8] {
        if self.write.is_empty() {
            while self.write.len() < WRITE
                && let Some(Waiting { frame, held }) = self.queue.pop_front()
            {
                frames::append(&frame, &mut self.write);
                self.in_write.push(held);
            }
        }
        &self.write[self.written..]
    }

    /// The stream has taken this many bytes of it.
    pub(super) fn advance(&mut self, count: usize) {
        self.written += count;
        if self.written == self.write.len() {
            self.written = 0;
            self.write.clear();
            let is_idle = self.queue.is_empty();
            self.write.shrink_to(if is_idle { IDLE_CAPACITY } else { BUSY_CAPACITY });
            self.bytes -= self.in_write.drain(..).map(|held| held.bytes()).sum::<usize>();
            self.in_write.shrink_to(IDLE_CAPACITY / size_of::<Held>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_peers_that_do_not_read_leave_room_for_small_talk_with_all() {
        let budget = Budget::new(10 << 20);
        let long = |waiting| Waiting::new(vec![0; 1 << 20], waiting, &budget);
        let waiting: Vec<_> = std::iter::from_fn(|| long(0)).collect();
        assert_eq!(waiting.len(), 9, "the tenth and what it costs do not fit");
        assert!(Waiting::new(vec![0; 1 << 20], 0, &budget).is_none());
        assert!(Waiting::new(vec![0; 1_000], 0, &budget).is_some(), "on a link that is idle");
        drop(waiting);
        assert_eq!(budget.held(), 0);
        assert!(Waiting::new(vec![0; 1], MAX_QUEUED, &budget).is_none(), "one link has its bound");
    }

    #[test]
    fn frames_are_counted_until_the_stream_has_taken_the_last_byte() {
        let budget = Budget::new(100 << 20);
        let mut outgoing = Outgoing::default();
        let frames = [vec![1; 16 << 20], vec![2; 10], vec![3; 16 << 20]];
        let cost: usize = frames.iter().map(|frame| frame.len() + FRAME_COST).sum();
        for frame in &frames {
            assert!(outgoing.push(Waiting::new(frame.clone(), 0, &budget).unwrap()));
        }
        assert!(!outgoing.push(Waiting::new(vec![4; 1 << 20], 0, &budget).unwrap()));
        assert_eq!(budget.held(), cost, "what was refused is given back");

        let mut taken = Vec::new();
        loop {
            let bytes = outgoing.next_write();
            let count = bytes.len().min(1 << 20);
            taken.extend_from_slice(&bytes[..count]);
            if count == 0 {
                break;
            }
            // The first long frame is a write of its own; the short one goes with the second.
            let is_first = taken.len() < 16 << 20;
            assert_eq!(budget.held(), if is_first { cost } else { budget.held().max(16 << 20) });
            outgoing.advance(count);
        }
        let mut decoded = Vec::new();
        frames::Decoder::default().push(&taken, &mut decoded).unwrap();
        assert!(decoded == frames);
        assert_eq!((outgoing.bytes, budget.held()), (0, 0));
        assert!(outgoing.next_write().is_empty());
    }

    #[test]
    fn a_buffer_that_was_long_is_not_kept_by_what_comes_after() {
        let budget = Budget::new(100 << 20);
        let mut outgoing = Outgoing::default();
        for length in [16 << 20, 100, 1 << 16, 100] {
            assert!(outgoing.push(Waiting::new(vec![0; length], 0, &budget).unwrap()));
        }
        let mut capacities = Vec::new();
        while !outgoing.next_write().is_empty() {
            let length = outgoing.next_write().len();
            outgoing.advance(length);
            capacities.push(outgoing.write.capacity());
        }
        assert!(capacities[0] <= BUSY_CAPACITY, "{capacities:?}");
        assert!(capacities.last().is_some_and(|last| *last <= IDLE_CAPACITY), "{capacities:?}");
    }
}
