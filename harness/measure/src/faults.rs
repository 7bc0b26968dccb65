//! What faults struck in the window: for marks in plots over time.
use overlay_core::Time;
use serde::{Deserialize, Serialize};

/// Most marks: more would be a band of colour in a plot, and a run may have millions of faults.
const MOST: usize = 256;
/// Where there are more, those of one kind within so many microseconds are one; doubled as often as
/// it takes.
const WITHIN_US: u64 = 1_000;

/// A fault that struck, or several of one kind that struck at once. Where more than some hundred
/// struck, those close to each other are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultMark {
    /// When the first of them did, in microseconds since the start of the run.
    pub at_us: u64,
    /// What: `kill`, `freeze`, `leave` or `return`.
    pub action: String,
    /// How many nodes.
    pub nodes: u32,
}

/// Marks as they are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultMarks {
    /// In the order of time; two of one kind are never at one time.
    marks: Vec<FaultMark>,
    /// How far apart marks of one kind are at least; 0 as long as there are few.
    within_us: u64,
}

impl FaultMarks {
    /// This happened to one more node. In the order of time.
    pub(crate) fn add(&mut self, at: Time, action: &str) {
        self.place(FaultMark { at_us: at.as_micros(), action: action.to_owned(), nodes: 1 });
    }

    /// Adds what struck other nodes.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.within_us = self.within_us.max(other.within_us);
        self.marks.extend_from_slice(&other.marks);
        self.marks.sort_by_key(|mark| mark.at_us);
        self.compact();
    }

    /// What a record keeps.
    pub(crate) fn marks(&self) -> &[FaultMark] {
        &self.marks
    }

    fn place(&mut self, new: FaultMark) {
        let (span, of_new) = (self.within_us.max(1), new.at_us / self.within_us.max(1));
        let close = self.marks.iter_mut().rev().take_while(|mark| mark.at_us / span == of_new);
        match close.into_iter().find(|mark| mark.action == new.action) {
            Some(mark) => mark.nodes += new.nodes,
            None => self.marks.push(new),
        }
        if self.marks.len() > MOST {
            self.within_us = (2 * self.within_us).max(WITHIN_US);
            self.compact();
        }
    }

    fn compact(&mut self) {
        std::mem::take(&mut self.marks).into_iter().for_each(|mark| self.place(mark));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(marks: &FaultMarks, action: &str) -> u32 {
        let its = marks.marks().iter().filter(|mark| mark.action == action);
        its.map(|mark| mark.nodes).sum()
    }

    #[test]
    fn few_faults_are_marked_where_they_struck() {
        let mut marks = FaultMarks::default();
        let at = |micros: u64| Time::from_nanos(micros * 1_000);
        for (micros, action) in [(5, "kill"), (5, "leave"), (5, "kill"), (6, "kill")] {
            marks.add(at(micros), action);
        }
        let mark = |at_us, action: &str, nodes| FaultMark { at_us, action: action.into(), nodes };
        assert_eq!(marks.marks(), [mark(5, "kill", 2), mark(5, "leave", 1), mark(6, "kill", 1)]);
    }

    #[test]
    fn many_faults_are_marked_together_and_none_is_lost() {
        let mut marks = [FaultMarks::default(), FaultMarks::default()];
        for step in 0..50_000_u64 {
            let action = if step % 3 == 0 { "return" } else { "kill" };
            marks[(step % 2) as usize].add(Time::from_nanos(step * 7_000_000), action);
        }
        let [mut marks, others] = marks;
        marks.merge(&others);
        assert!((MOST / 4..=MOST).contains(&marks.marks().len()), "{}", marks.marks().len());
        assert!(marks.marks().is_sorted_by_key(|mark| mark.at_us));
        assert_eq!((nodes(&marks, "return"), nodes(&marks, "kill")), (16_667, 33_333));
    }
}
