//! Bulk data that is bytes only on a real wire.
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What real bytes are counted in: blobs of them begin at whole numbers of this many bytes (BEP 3:
/// all current implementations ask for 2^14 at once).
pub const GRAIN: u32 = 16 * 1024;

/// The upper half of the numbers of real bytes; the lower half says where they begin.
const REAL: u64 = 1 << 63;

/// A run of content: where it comes from and how long it is. In the simulator that is all there is;
/// the network charges its true length. On a real wire the driver sends the bytes themselves behind
/// the message and the receiver checks them ([`Contents`]).
///
/// Contents are numbers. One whose upper half is `0x8000_0000` stands for the real bytes of a run,
/// those of a file: its lower half counts, in units of [`GRAIN`], where in them the blob begins.
/// The bytes of any other content follow from its number ([`Derived`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Which content.
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

    /// The first bytes of the real content.
    #[must_use]
    pub const fn real(length: u32) -> Self {
        Self::new(REAL, length)
    }

    /// Where in the real content the blob begins, in bytes; `None` if it is none of it.
    #[must_use]
    pub const fn real_offset(&self) -> Option<u64> {
        if self.content >> 32 == REAL >> 32 {
            Some((self.content as u32 as u64) * GRAIN as u64)
        } else {
            None
        }
    }

    /// A part of this blob: of real content, the bytes there; of any other, a content of its own
    /// that follows from this one's and the place, so that it can be made and verified without the
    /// rest. `offset` is in bytes, a whole number of [`GRAIN`]s.
    #[must_use]
    #[inline]
    pub const fn part(&self, offset: u32, length: u32) -> Self {
        if self.real_offset().is_some() {
            // Peers choose numbers, too: what does not fit wraps, and is nobody's.
            let grain = (self.content as u32).wrapping_add(offset / GRAIN);
            return Self::new(REAL | grain as u64, length);
        }
        Self::new(mix(self.content ^ mix(offset as u64 + 1)) & !REAL, length)
    }
}

/// Where the bytes of blobs come from, and whether what came are a blob's.
pub trait Contents {
    /// Appends the blob's bytes; inverted where the blob is not intact, so that a peer that lies in
    /// the simulator lies on the wire, too.
    fn append(&mut self, blob: &Blob, to: &mut Vec<u8>);

    /// Whether these are the blob's bytes, every one of them, as far as can be told now. Bytes that
    /// can only be verified together with others pass until those are there; then the last to come
    /// answers for all.
    ///
    /// # Errors
    /// [`NoRoom`] if they would have to be kept for that, but cannot be.
    fn verify(&mut self, blob: &Blob, bytes: &[u8]) -> Result<bool, NoRoom>;
}

/// Too many bytes wait to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// Contents whose every byte follows from the content's number and the byte's place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Derived;

impl Contents for Derived {
    fn append(&mut self, blob: &Blob, to: &mut Vec<u8>) {
        let flip = if blob.intact { 0 } else { u64::MAX };
        let words = u64::from(blob.length).div_ceil(8);
        let start = to.len();
        to.reserve(words as usize * 8);
        for place in 0..words {
            to.extend_from_slice(&(word(blob.content, place) ^ flip).to_le_bytes());
        }
        to.truncate(start + blob.length as usize);
    }

    fn verify(&mut self, blob: &Blob, bytes: &[u8]) -> Result<bool, NoRoom> {
        let is_true = |(place, chunk): (u64, &[u8])| {
            chunk == &word(blob.content, place).to_le_bytes()[..chunk.len()]
        };
        Ok(bytes.len() == blob.length as usize && (0..).zip(bytes.chunks(8)).all(is_true))
    }
}

const fn word(content: u64, place: u64) -> u64 {
    let word =
        (content ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^ (word >> 31)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_tells_true_bytes_from_false() {
        let blob = Blob::new(42, 13);
        let mut bytes = Vec::new();
        Derived.append(&blob, &mut bytes);
        assert_eq!(bytes.len(), 13);
        assert_eq!(Derived.verify(&blob, &bytes), Ok(true));
        assert_eq!(Derived.verify(&blob, &bytes[..12]), Ok(false));
        bytes[12] ^= 1;
        assert_eq!(Derived.verify(&blob, &bytes), Ok(false));

        let mut lies = Vec::new();
        Derived.append(&Blob { intact: false, ..blob }, &mut lies);
        assert_eq!(Derived.verify(&blob, &lies), Ok(false));
    }

    #[test]
    fn a_part_of_real_bytes_says_where_it_begins_and_others_are_never_taken_for_it() {
        let item = Blob::real(10 * GRAIN);
        assert_eq!(item.real_offset(), Some(0));
        let part = item.part(3 * GRAIN, GRAIN);
        assert_eq!((part.real_offset(), part.length), (Some(3 * u64::from(GRAIN)), GRAIN));
        assert_eq!(part.part(2 * GRAIN, 7).real_offset(), Some(5 * u64::from(GRAIN)));
        for content in [0, 1, 42, u64::MAX] {
            let item = Blob::new(content, u32::MAX);
            for offset in (0..1_000).map(|place| place * GRAIN) {
                assert_eq!(item.part(offset, GRAIN).real_offset(), None);
            }
        }
        let absurd = Blob::new(REAL | 0xffff_ffff, GRAIN);
        assert_eq!(absurd.part(GRAIN, GRAIN).real_offset(), Some(0));
    }
}
