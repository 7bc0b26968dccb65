//! The digest of a run's event trace.

/// A running 64-bit digest: every event's time, node, kind and size go in, in order. Multiplication
/// and rotation of whole words, so that it costs a nanosecond or two an event; it detects changes,
/// it does not withstand forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceDigest(u64);

impl Default for TraceDigest {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl TraceDigest {
    /// Takes in one word.
    #[inline]
    pub fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.0 = mixed ^ (mixed >> 29);
    }

    /// The digest of everything taken in so far.
    #[must_use]
    pub fn value(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(words: &[u64]) -> u64 {
        let mut digest = TraceDigest::default();
        words.iter().for_each(|&word| digest.add(word));
        digest.value()
    }

    #[test]
    fn order_length_and_every_bit_matter() {
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_ne!(digest(&[]), digest(&[0]));
        for bit in 0..64 {
            assert_ne!(digest(&[7, 1 << bit, 9]), digest(&[7, 0, 9]), "bit {bit}");
        }
    }
}
