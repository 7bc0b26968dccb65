//! The frames of the shaper, inside one TCP connection.
//!
//! ```text
//! dialer → listener:  preamble = magic (4 bytes) · the dialer's node (u32)
//! both directions:    frame*   = length (u32) · delivery time (u64) · `length` bytes
//! ```
//! All integers are little-endian. The delivery time is a [`Moment`]: when the frame's last byte
//! reaches the receiver's downlink.
use std::collections::VecDeque;

use overlay_core::NodeId;

use crate::clock::Moment;

/// Length of a frame's header in bytes.
pub(super) const HEADER: usize = 12;
/// Most bytes of payload in one frame. Also the grain at which capacity is shared.
pub(super) const MAX_PAYLOAD: usize = 16 * 1024;
/// Length of the preamble in bytes.
pub(super) const PREAMBLE: usize = 8;

const MAGIC: [u8; 4] = *b"pbs1";

/// The preamble by which a dialer says who it is.
pub(super) fn preamble(me: NodeId) -> [u8; PREAMBLE] {
    let mut bytes = [0; PREAMBLE];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..].copy_from_slice(&me.0.to_le_bytes());
    bytes
}

/// The header of a frame.
pub(super) fn header(payload: usize, deliver: Moment) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..4].copy_from_slice(&(payload as u32).to_le_bytes());
    bytes[4..].copy_from_slice(&deliver.as_nanos().to_le_bytes());
    bytes
}

/// A received frame: when it is to be delivered, and where its bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) deliver: Moment,
    pub(super) length: usize,
}

/// Why received bytes are not the shaper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Preamble,
    Length,
}

/// Received bytes, taken apart as far as they go.
#[derive(Debug)]
pub(super) struct Parser {
    expects_preamble: bool,
    /// An unfinished header or preamble.
    head: Vec<u8>,
    /// Bytes of the newest frame that are still to come.
    missing: usize,
    frames: VecDeque<Frame>,
    payload: VecDeque<u8>,
}

impl Parser {
    pub(super) fn new(expects_preamble: bool) -> Self {
        Self {
            expects_preamble,
            head: Vec::with_capacity(HEADER),
            missing: 0,
            frames: VecDeque::new(),
            payload: VecDeque::new(),
        }
    }

    /// Bytes of memory that what waits for delivery takes: its payload, and what is remembered about
    /// each frame, so that a peer gains nothing by cutting it into many.
    pub(super) fn buffered(&self) -> usize {
        self.payload.len() + self.frames.len() * size_of::<Frame>()
    }

    /// The oldest frame that has arrived completely.
    pub(super) fn front(&mut self) -> Option<&mut Frame> {
        let complete = self.frames.len() > usize::from(self.missing > 0);
        if complete { self.frames.front_mut() } else { None }
    }

    /// Takes bytes of the front frame, which must have arrived completely; forgets the frame when
    /// it is empty.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let Some(front) = self.frames.front_mut() else { return 0 };
        let count = front.length.min(into.len());
        let (first, second) = self.payload.as_slices();
        let split = first.len().min(count);
        into[..split].copy_from_slice(&first[..split]);
        into[split..count].copy_from_slice(&second[..count - split]);
        self.payload.drain(..count);
        front.length -= count;
        if front.length == 0 {
            self.frames.pop_front();
        }
        count
    }

    /// Takes received bytes apart; tells the dialer's node when its preamble is complete.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<Option<NodeId>, Malformed> {
        let mut dialer = None;
        while !bytes.is_empty() {
            if self.missing > 0 {
                let count = self.missing.min(bytes.len());
                self.payload.extend(&bytes[..count]);
                self.missing -= count;
                bytes = &bytes[count..];
                continue;
            }
            let wanted = if self.expects_preamble { PREAMBLE } else { HEADER };
            let count = (wanted - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            if self.head.len() < wanted {
                break;
            }
            if self.expects_preamble {
                dialer = Some(self.read_preamble()?);
            } else {
                self.read_header()?;
            }
            self.head.clear();
        }
        Ok(dialer)
    }

    fn read_preamble(&mut self) -> Result<NodeId, Malformed> {
        let (magic, node) = self.head.split_at(4);
        if magic != MAGIC {
            return Err(Malformed::Preamble);
        }
        self.expects_preamble = false;
        Ok(NodeId(u32::from_le_bytes(node.try_into().expect("a preamble ends with four bytes"))))
    }

    fn read_header(&mut self) -> Result<(), Malformed> {
        let (length, deliver) = self.head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("the first four of twelve bytes"));
        let deliver = u64::from_le_bytes(deliver.try_into().expect("the last eight of twelve"));
        let length = length as usize;
        if length == 0 || length > MAX_PAYLOAD {
            return Err(Malformed::Length);
        }
        self.missing = length;
        self.frames.push_back(Frame { deliver: Moment::from_nanos(deliver), length });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut bytes = preamble(NodeId(7)).to_vec();
        for (payload, deliver) in [(&b"hello"[..], 10), (b"world!", 20)] {
            bytes.extend(header(payload.len(), Moment::from_nanos(deliver)));
            bytes.extend(payload);
        }
        bytes
    }

    #[test]
    fn frames_survive_any_cut() {
        let bytes = stream();
        for cut in 0..=bytes.len() {
            let mut parser = Parser::new(true);
            let first = parser.push(&bytes[..cut]).unwrap();
            let second = parser.push(&bytes[cut..]).unwrap();
            assert_eq!(first.or(second), Some(NodeId(7)));

            let mut text = [0; 4];
            assert_eq!(parser.front().unwrap().deliver, Moment::from_nanos(10));
            assert_eq!(parser.take(&mut text), 4);
            assert_eq!(parser.take(&mut text), 1);
            assert_eq!(parser.front().unwrap().deliver, Moment::from_nanos(20));
            assert_eq!(parser.take(&mut [0; 16]), 6);
            assert!(parser.front().is_none());
            assert_eq!(parser.buffered(), 0);
        }
    }

    #[test]
    fn a_frame_is_in_front_only_when_it_is_complete() {
        let bytes = stream();
        let mut parser = Parser::new(true);
        parser.push(&bytes[..PREAMBLE + HEADER + 4]).unwrap();
        assert!(parser.front().is_none());
        parser.push(&bytes[PREAMBLE + HEADER + 4..][..1]).unwrap();
        assert!(parser.front().is_some());
    }

    #[test]
    fn garbage_is_told_from_frames() {
        assert_eq!(Parser::new(true).push(b"GET / HTTP/1.1"), Err(Malformed::Preamble));
        assert_eq!(Parser::new(false).push(&[0xff; HEADER]), Err(Malformed::Length));
        assert_eq!(Parser::new(false).push(&[0; HEADER]), Err(Malformed::Length));
    }
}
