//! The emulated network for transports whose packets it cannot reach (QUIC): whole overlay messages
//! are stamped with the moment of their arrival by the sender, and held until then by the receiver.
//! Everything below the message goes undelayed: handshakes, acknowledgements, flow control, and the
//! end of connections.
use std::collections::BTreeMap;

use overlay_core::NodeId;

use crate::clock::Moment;
use crate::link::{Budget, Held, SMALL_TALK};
use crate::transport::Conditions;

/// Length of a stamp in bytes.
const STAMP: usize = 8;
/// Most bytes that are held: peers say when a message is due, which may be never. A quarter of a
/// minute at 100 Mbit/s. Of every peer a little is held all the same ([`SMALL_TALK`]).
const MOST_HELD: usize = 192 << 20;
/// Most bytes that are held of one peer, so that it takes a fourth of the room and not all: two of
/// the longest messages, or four seconds at 100 Mbit/s. There is no bound to how late an honest
/// message may be due: it waits for the sender's uplink behind all that its other peers are sent.
const MOST_HELD_OF_ONE: usize = MOST_HELD / 4;
/// Memory that a held message takes beside its bytes.
const MESSAGE_COST: usize = 128;

/// Messages on their way to one node.
#[derive(Debug)]
pub(super) struct FrameShaper {
    travelling: BTreeMap<u64, Travelling>,
    budget: Budget,
    /// What is held of each peer of which anything is, in bytes.
    held_of: BTreeMap<NodeId, usize>,
    next: u64,
}

/// Why a message is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has no stamp.
    Unstamped,
    /// Too many bytes are held already.
    NoRoom,
}

#[derive(Debug)]
struct Travelling {
    from: NodeId,
    frame: Vec<u8>,
    due: Moment,
    is_arriving: bool,
    held: Held,
}

/// What becomes of a message whose moment has come.
#[derive(Debug)]
pub(super) enum Arrival {
    /// It takes its turn on the downlink until then.
    Later(Moment),
    /// It is there.
    Now(NodeId, Vec<u8>),
}

impl Default for FrameShaper {
    fn default() -> Self {
        Self {
            travelling: BTreeMap::new(),
            budget: Budget::new(MOST_HELD),
            held_of: BTreeMap::new(),
            next: 0,
        }
    }
}

impl FrameShaper {
    /// A message with its stamp: its turn on the uplink, then the latency.
    pub(super) fn stamp(conditions: &Conditions, to: NodeId, frame: &[u8]) -> Vec<u8> {
        let departs = conditions.depart(Moment::now(), frame.len());
        let due = departs + conditions.one_way(to);
        let mut stamped = Vec::with_capacity(STAMP + frame.len());
        stamped.extend(due.as_nanos().to_le_bytes());
        stamped.extend_from_slice(frame);
        stamped
    }

    /// Holds a message; gives its number and when to ask for it.
    ///
    /// # Errors
    /// [`Refusal`]; it is dropped.
    pub(super) fn hold(&mut self, from: NodeId, stamped: &[u8]) -> Result<(u64, Moment), Refusal> {
        let (stamp, frame) = stamped.split_first_chunk::<STAMP>().ok_or(Refusal::Unstamped)?;
        let held = self.make_room(from, frame.len() + MESSAGE_COST).ok_or(Refusal::NoRoom)?;
        let due = Moment::from_nanos(u64::from_le_bytes(*stamp));
        let number = self.next;
        self.next += 1;
        let frame = frame.to_vec();
        self.travelling.insert(number, Travelling { from, frame, due, is_arriving: false, held });
        Ok((number, due))
    }

    fn make_room(&mut self, from: NodeId, cost: usize) -> Option<Held> {
        let of_peer = self.held_of.get(&from).copied().unwrap_or(0) + cost;
        let held = if of_peer <= SMALL_TALK {
            self.budget.take_regardless(cost)
        } else if of_peer <= MOST_HELD_OF_ONE {
            self.budget.take(cost)?
        } else {
            return None;
        };
        self.held_of.insert(from, of_peer);
        Some(held)
    }

    fn leave_room(&mut self, from: NodeId, cost: usize) {
        if let Some(of_peer) = self.held_of.get_mut(&from) {
            *of_peer = of_peer.saturating_sub(cost);
            if *of_peer == 0 {
                self.held_of.remove(&from);
            }
        }
    }

    /// Asks for a message at the moment given for it.
    pub(super) fn take(&mut self, number: u64, conditions: &Conditions) -> Option<Arrival> {
        let message = self.travelling.get_mut(&number)?;
        if !message.is_arriving {
            message.is_arriving = true;
            let through = conditions.arrive(message.due, message.frame.len());
            if through > message.due {
                message.due = through;
                return Some(Arrival::Later(through));
            }
        }
        conditions.record_lateness(Moment::now().since(message.due));
        let Travelling { from, frame, held, .. } = self.travelling.remove(&number)?;
        self.leave_room(from, held.bytes());
        Some(Arrival::Now(from, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::units::BitRate;
    use std::time::Duration;

    #[test]
    fn a_message_waits_for_its_stamp_and_then_for_the_downlink() {
        let way = Duration::from_millis(5);
        let (up, down) = (BitRate(8_000_000), BitRate(8_000));
        let conditions = Conditions::shaped(NodeId(0), Box::new(move |_, _| way), up, down);
        let sent = Moment::now();
        let stamped = FrameShaper::stamp(&conditions, NodeId(1), &[7; 100]);
        let mut shaper = FrameShaper::default();
        let (number, due) = shaper.hold(NodeId(1), &stamped).unwrap();
        assert!(due >= sent + way + Duration::from_micros(100), "0.1 ms on the uplink");
        let Some(Arrival::Later(through)) = shaper.take(number, &conditions) else {
            panic!("100 bytes take 0.1 s at 8 kbit/s");
        };
        assert_eq!(through, due + Duration::from_millis(100));
        let arrival = shaper.take(number, &conditions);
        assert!(matches!(arrival, Some(Arrival::Now(NodeId(1), frame)) if frame == [7; 100]));
        assert!(shaper.take(number, &conditions).is_none());
        assert!(shaper.hold(NodeId(1), &[1, 2, 3]).is_err());
    }

    fn stamped(due: u64, length: usize) -> Vec<u8> {
        [&due.to_le_bytes()[..], &vec![7; length]].concat()
    }

    /// Messages of this peer that are never due, as many as are held.
    fn fill(shaper: &mut FrameShaper, from: NodeId) -> usize {
        let never = stamped(u64::MAX, 1 << 20);
        let held = (0..1_000).take_while(|_| shaper.hold(from, &never).is_ok()).count();
        assert_eq!(shaper.hold(from, &never), Err(Refusal::NoRoom));
        held
    }

    #[test]
    fn messages_that_are_never_due_take_their_sender_s_share_and_leave_the_others_theirs() {
        let (mut shaper, conditions) = (FrameShaper::default(), Conditions::unshaped(NodeId(0)));
        let (first, _) = shaper.hold(NodeId(1), &stamped(0, 1 << 20)).unwrap();
        assert_eq!(fill(&mut shaper, NodeId(1)), 46, "the first one, and the cost of each");
        let longest = stamped(0, crate::link::MAX_FRAME - STAMP);
        let (other, _) = shaper.hold(NodeId(2), &longest).unwrap();
        assert!(matches!(shaper.take(other, &conditions), Some(Arrival::Now(NodeId(2), _))));
        assert!(matches!(shaper.take(first, &conditions), Some(Arrival::Now(NodeId(1), _))));
        let never = stamped(u64::MAX, 1 << 20);
        assert!(shaper.hold(NodeId(1), &never).is_ok(), "who has gone leaves room");
        assert!(!shaper.held_of.contains_key(&NodeId(2)), "nor is a peer kept in mind for ever");
    }

    #[test]
    fn small_talk_is_heard_whoever_has_taken_the_room() {
        let (mut shaper, conditions) = (FrameShaper::default(), Conditions::unshaped(NodeId(0)));
        for peer in 1..=8 {
            fill(&mut shaper, NodeId(peer));
        }
        assert!(shaper.budget.held() <= MOST_HELD);
        for _ in 0..1_000 {
            let (number, _) = shaper.hold(NodeId(9), &stamped(0, 1_000)).unwrap();
            assert!(matches!(shaper.take(number, &conditions), Some(Arrival::Now(NodeId(9), _))));
        }
        let long = shaper.hold(NodeId(9), &stamped(0, 1 << 20));
        assert_eq!(long, Err(Refusal::NoRoom), "long ones have to wait for those to go");
    }
}
