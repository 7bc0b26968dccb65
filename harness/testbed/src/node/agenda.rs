//! What is due at a node, and when: its timers, its part of the workload, and the driver's own
//! business with it. Equal times keep the order in which they were entered.
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use overlay_core::{Command, NodeId, Time};

/// Something due at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task<T> {
    /// The node asked for this timer back.
    Timer(T),
    /// The workload asks something.
    Command(Command),
    /// A message that is held arrives.
    Deliver(u64),
    /// The node is to learn that this peer is lost.
    Lose(NodeId),
    /// The measured window begins.
    BeginWindow,
    /// The measured window ends.
    EndWindow,
    /// The node's neighbours are compared with those of last time.
    Look,
    /// What the node remembers is written down.
    TakeInventory,
    /// The node has said its good-byes and they have had time to leave.
    Depart,
}

/// The tasks of a node by the time they are due.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    entries: BinaryHeap<Entry<T>>,
    sequence: u64,
}

impl<T> Agenda<T> {
    /// Nothing is due.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { entries: BinaryHeap::new(), sequence: 0 }
    }

    /// Enters a task.
    pub(super) fn enter(&mut self, at: Time, task: Task<T>) {
        self.entries.push(Entry { at, sequence: self.sequence, task });
        self.sequence += 1;
    }

    /// Forgets what was to be done until now and is of no use later.
    pub(super) fn miss(&mut self, now: Time) {
        let is_of_its_time = |task: &_| matches!(task, Task::Command(_) | Task::TakeInventory);
        self.entries.retain(|entry| entry.at > now || !is_of_its_time(&entry.task));
    }

    /// When the next task is due.
    #[must_use]
    pub(super) fn next_at(&self) -> Option<Time> {
        self.entries.peek().map(|entry| entry.at)
    }

    /// Takes the next task if it is due by now.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(Time, Task<T>)> {
        self.entries.peek().filter(|entry| entry.at <= now)?;
        self.entries.pop().map(|entry| (entry.at, entry.task))
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Entry<T> {
    at: Time,
    sequence: u64,
    task: Task<T>,
}

impl<T> Ord for Entry<T> {
    /// The earliest entry is the greatest: [`BinaryHeap`] gives back the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_time_and_then_in_the_order_of_entry() {
        let mut agenda = Agenda::new();
        for (at, timer) in [(20, 'c'), (10, 'a'), (20, 'd'), (10, 'b'), (30, 'e')] {
            agenda.enter(Time::from_nanos(at), Task::Timer(timer));
        }
        let due = |agenda: &mut Agenda<char>, now| {
            std::iter::from_fn(|| agenda.take_due(Time::from_nanos(now)))
                .map(|(_, task)| task)
                .collect::<Vec<_>>()
        };
        assert_eq!(due(&mut agenda, 9), []);
        assert_eq!(due(&mut agenda, 20), ['a', 'b', 'c', 'd'].map(Task::Timer));
        assert_eq!(agenda.next_at(), Some(Time::from_nanos(30)));
    }
}
