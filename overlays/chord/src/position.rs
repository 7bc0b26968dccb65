//! Places on the identifier ring and the distances between them.
//!
//! Rings of m < 160 bits live in the top m bits of a 160-bit ring: the arithmetic wraps at the same
//! place, and one code serves every m.
use overlay_core::{Key, NodeId};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::ChordConfig;

/// A member of the ring. A node is one member, or `virtual_nodes` of them (SIGCOMM 2001, section
/// 6.2): member `node × virtual_nodes + index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member(pub u32);

impl Member {
    /// The node behind this member.
    #[must_use]
    #[inline]
    pub fn node(self, config: &ChordConfig) -> NodeId {
        match config.virtual_nodes {
            0 | 1 => NodeId(self.0),
            several => NodeId(self.0 / u32::from(several)),
        }
    }

    /// Which of its node's members this is.
    #[must_use]
    #[inline]
    pub fn index(self, config: &ChordConfig) -> u16 {
        match config.virtual_nodes {
            0 | 1 => 0,
            several => (self.0 % u32::from(several)) as u16,
        }
    }

    /// The member of this node with this index.
    #[must_use]
    pub fn of(node: NodeId, index: u16, config: &ChordConfig) -> Self {
        Self(node.0 * u32::from(config.virtual_nodes.max(1)) + u32::from(index))
    }
}

/// A place on the ring, most significant word first; the lowest 32 bits are always 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position([u64; 3]);

/// How far it is from one place to another, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance([u64; 3]);

/// Bits of the ring that every smaller ring is embedded in.
const WIDTH: u8 = 160;

impl Position {
    /// Where a member stands: the SHA-1 of its number, or as the configuration says.
    #[must_use]
    pub fn of_member(member: Member, config: &ChordConfig) -> Self {
        match config.positions.get(member.0 as usize) {
            Some(&position) => Self::from_number(position, config.bits),
            None => Self::of_key(&Key(Sha1::digest(member.0.to_be_bytes()).into()), config.bits),
        }
    }

    /// Where a key stands: its first `bits` bits.
    #[must_use]
    #[inline]
    pub fn of_key(key: &Key, bits: u8) -> Self {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&key.0[at..at + 8]);
            u64::from_be_bytes(bytes)
        };
        let place = Self([word(0), word(8), word(12) << 32]);
        if bits == WIDTH { place } else { place.truncated(bits) }
    }

    /// The place with this number on a ring of at most 64 bits.
    #[must_use]
    pub fn from_number(number: u64, bits: u8) -> Self {
        Self([number << (64 - bits.clamp(1, 64)), 0, 0])
    }

    /// The key that stands exactly here.
    #[must_use]
    pub fn to_key(self) -> Key {
        let mut key = [0; 20];
        key[..8].copy_from_slice(&self.0[0].to_be_bytes());
        key[8..16].copy_from_slice(&self.0[1].to_be_bytes());
        key[16..].copy_from_slice(&self.0[2].to_be_bytes()[..4]);
        Key(key)
    }

    /// How far round the ring it is from place 0: from 0 up to but not 1.
    #[must_use]
    pub fn turn(self) -> f64 {
        // As many bits as the fraction of a double holds, so that nothing is rounded up to 1.
        (self.0[0] >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn truncated(self, bits: u8) -> Self {
        let bits = u32::from(bits);
        let keep = |word: u32| match bits.saturating_sub(64 * word) {
            0 => 0,
            kept if kept >= 64 => u64::MAX,
            kept => u64::MAX << (64 - kept),
        };
        Self([self.0[0] & keep(0), self.0[1] & keep(1), self.0[2] & keep(2)])
    }

    /// How far it is clockwise from `from` to here.
    #[must_use]
    #[inline]
    pub fn since(self, from: Self) -> Distance {
        let (low, borrow) = self.0[2].overflowing_sub(from.0[2]);
        let (middle, under) = self.0[1].overflowing_sub(from.0[1]);
        let (middle, more) = middle.overflowing_sub(u64::from(borrow));
        let high = self.0[0].wrapping_sub(from.0[0]).wrapping_sub(u64::from(under | more));
        Distance([high, middle, low])
    }

    /// The place this far clockwise from here.
    #[must_use]
    pub fn plus(self, distance: Distance) -> Self {
        let (low, carry) = self.0[2].overflowing_add(distance.0[2]);
        let (middle, over) = self.0[1].overflowing_add(distance.0[1]);
        let (middle, more) = middle.overflowing_add(u64::from(carry));
        let high = self.0[0].wrapping_add(distance.0[0]).wrapping_add(u64::from(over | more));
        Self([high, middle, low])
    }
}

impl Distance {
    /// No distance at all.
    pub const ZERO: Self = Self([0; 3]);

    /// 2^octave on a ring of `bits` bits, for an octave below `bits`.
    #[must_use]
    pub fn power(octave: u8, bits: u8) -> Self {
        let place = u32::from(bits - 1 - octave);
        let mut words = [0; 3];
        words[(place / 64) as usize] = 1 << (63 - place % 64);
        Self(words)
    }

    /// The octave this distance is in, on a ring of `bits` bits: the largest i with 2^i ≤ this.
    /// `None` for no distance.
    #[must_use]
    pub fn octave(self, bits: u8) -> Option<u8> {
        let zeros = match self.0 {
            [0, 0, 0] => return None,
            [0, 0, low] => 128 + low.leading_zeros(),
            [0, middle, _] => 64 + middle.leading_zeros(),
            [high, ..] => high.leading_zeros(),
        };
        bits.checked_sub(1 + zeros as u8)
    }

    /// The first 32 bits: enough to order distances nearly always.
    #[must_use]
    #[inline]
    pub const fn prefix(self) -> u32 {
        (self.0[0] >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::from_number(number, 3)
    }

    #[test]
    fn distances_wrap() {
        assert_eq!(at(1).since(at(6)), at(3).since(at(0)));
        assert_eq!(at(6).plus(at(3).since(at(0))), at(1));
        assert_eq!(at(4).since(at(4)), Distance::ZERO);
    }

    #[test]
    fn borrows_and_carries_cross_words() {
        let bits = 160;
        let low = Position::of_key(&Key([0; 20]), bits).plus(Distance::power(0, bits));
        let zero = Position::of_key(&Key([0; 20]), bits);
        assert_eq!(zero.since(low).octave(bits), Some(159));
        assert_eq!(low.plus(zero.since(low)), zero);
        assert_eq!(low.to_key().0[19], 1);
    }

    #[test]
    fn octaves_are_powers_of_two() {
        for bits in [3, 64, 65, 130, 160] {
            for octave in 0..bits {
                assert_eq!(Distance::power(octave, bits).octave(bits), Some(octave), "{bits}");
            }
        }
        assert_eq!(Distance::ZERO.octave(160), None);
    }

    #[test]
    fn a_turn_is_less_than_one() {
        assert_eq!([0, 2, 7].map(|number| at(number).turn()), [0.0, 0.25, 0.875]);
        let last = Position::of_key(&Key([0xff; 20]), 160).turn();
        assert!(last < 1.0 && last > 0.999_999, "{last}");
    }

    #[test]
    fn a_key_keeps_its_first_bits() {
        let key = Key([0xff; 20]);
        assert_eq!(Position::of_key(&key, 3), at(7));
        assert_eq!(Position::of_key(&key, 160).to_key(), key);
        assert_eq!(Position::of_key(&key, 100).to_key().0[12], 0xf0);
    }
}
