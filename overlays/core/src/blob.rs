//! Bulk data that is bytes only on a real wire.
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A run of content: where it comes from and how long it is. In the simulator that is all there is;
/// the network charges its true length. On a real wire the driver sends the bytes themselves behind
/// the message ([`Blob::append_bytes`]) and the receiver checks them ([`Blob::matches`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Which content: every byte follows from this number and its place.
    pub content: u64,
    /// Length in bytes.
    pub length: u32,
    /// Whether the bytes that arrived were the content's. The sender's word is not taken for it:
    /// the driver that receives real bytes overwrites it with what it found.
    pub intact: bool,
}

impl Blob {
    /// The whole of some content.
    #[must_use]
    pub const fn new(content: u64, length: u32) -> Self {
        Self { content, length, intact: true }
    }

    /// Appends the content's bytes; inverted where the blob is not intact, so that a peer that
    /// lies in the simulator lies on the wire, too.
    pub fn append_bytes(&self, to: &mut Vec<u8>) {
        let flip = if self.intact { 0 } else { u64::MAX };
        let words = (u64::from(self.length)).div_ceil(8);
        let start = to.len();
        to.reserve(words as usize * 8);
        for place in 0..words {
            to.extend_from_slice(&(self.word(place) ^ flip).to_le_bytes());
        }
        to.truncate(start + self.length as usize);
    }

    /// Whether these are the content's bytes, every one of them.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.length as usize
            && bytes
                .chunks(8)
                .zip(0..)
                .all(|(chunk, place)| chunk == &self.word(place).to_le_bytes()[..chunk.len()])
    }

    fn word(&self, place: u64) -> u64 {
        let word = (self.content ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_tells_true_bytes_from_false() {
        let blob = Blob::new(42, 13);
        let mut bytes = Vec::new();
        blob.append_bytes(&mut bytes);
        assert_eq!(bytes.len(), 13);
        assert!(blob.matches(&bytes));
        assert!(!blob.matches(&bytes[..12]));
        bytes[12] ^= 1;
        assert!(!blob.matches(&bytes));

        let mut lies = Vec::new();
        Blob { intact: false, ..blob }.append_bytes(&mut lies);
        assert!(!blob.matches(&lies));
    }
}
