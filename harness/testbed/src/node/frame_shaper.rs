//! The emulated network for transports whose packets it cannot reach (QUIC): whole overlay messages
//! are stamped with the moment of their arrival by the sender, and held until then by the receiver.
//! Everything below the message goes undelayed: handshakes, acknowledgements, flow control, and the
//! end of connections.
use std::collections::BTreeMap;

use overlay_core::NodeId;

use crate::clock::Moment;
use crate::transport::Conditions;

/// Length of a stamp in bytes.
const STAMP: usize = 8;
/// Most bytes that are held: peers say when a message is due, which may be never. A quarter of a
/// minute at 100 Mbit/s.
const MOST_HELD: usize = 192 << 20;
/// Memory that a held message takes beside its bytes.
const MESSAGE_COST: usize = 128;

/// Messages on their way to one node.
#[derive(Debug, Default)]
pub(super) struct FrameShaper {
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
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
struct Held {
    from: NodeId,
    frame: Vec<u8>,
    due: Moment,
    is_arriving: bool,
}

/// What becomes of a message whose moment has come.
#[derive(Debug)]
pub(super) enum Arrival {
    /// It takes its turn on the downlink until then.
    Later(Moment),
    /// It is there.
    Now(NodeId, Vec<u8>),
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
        let cost = frame.len() + MESSAGE_COST;
        if self.held_bytes + cost > MOST_HELD {
            return Err(Refusal::NoRoom);
        }
        self.held_bytes += cost;
        let due = Moment::from_nanos(u64::from_le_bytes(*stamp));
        let number = self.next;
        self.next += 1;
        self.held.insert(number, Held { from, frame: frame.to_vec(), due, is_arriving: false });
        Ok((number, due))
    }

    /// Asks for a message at the moment given for it.
    pub(super) fn take(&mut self, number: u64, conditions: &Conditions) -> Option<Arrival> {
        let held = self.held.get_mut(&number)?;
        if !held.is_arriving {
            held.is_arriving = true;
            let through = conditions.arrive(held.due, held.frame.len());
            if through > held.due {
                held.due = through;
                return Some(Arrival::Later(through));
            }
        }
        conditions.record_lateness(Moment::now().since(held.due));
        let held = self.held.remove(&number)?;
        self.held_bytes -= held.frame.len() + MESSAGE_COST;
        Some(Arrival::Now(held.from, held.frame))
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

    #[test]
    fn messages_that_are_never_due_take_no_more_than_the_bound() {
        let (mut shaper, conditions) = (FrameShaper::default(), Conditions::unshaped(NodeId(0)));
        let stamped = |due: u64| [&due.to_le_bytes()[..], &vec![7; 1 << 20]].concat();
        let (first, _) = shaper.hold(NodeId(1), &stamped(0)).unwrap();
        let never = stamped(u64::MAX);
        let held = (0..1_000).take_while(|_| shaper.hold(NodeId(1), &never).is_ok()).count();
        assert_eq!(held, 190, "the first one, and the cost of each");
        assert_eq!(shaper.hold(NodeId(1), &never), Err(Refusal::NoRoom));
        assert!(matches!(shaper.take(first, &conditions), Some(Arrival::Now(NodeId(1), _))));
        assert!(shaper.hold(NodeId(1), &never).is_ok(), "who has gone leaves room");
    }
}
