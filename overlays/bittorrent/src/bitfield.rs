//! Which pieces somebody has: one bit a piece.
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// One bit for each piece of an item, and how many of them are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitfield {
    words: Box<[u64]>,
    pieces: u32,
    count: u32,
}

impl Bitfield {
    /// None of so many pieces.
    #[must_use]
    pub fn empty(pieces: u32) -> Self {
        let words = vec![0; pieces.div_ceil(64) as usize].into_boxed_slice();
        Self { words, pieces, count: 0 }
    }

    /// All of so many pieces.
    #[must_use]
    pub fn full(pieces: u32) -> Self {
        let mut field = Self::empty(pieces);
        field.fill();
        field
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if it has another length, or bits behind the
    /// last piece.
    #[must_use]
    pub fn from_bytes(pieces: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != pieces.div_ceil(8) as usize {
            return None;
        }
        let mut field = Self::empty(pieces);
        for (word, chunk) in field.words.iter_mut().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_be_bytes(eight).reverse_bits();
        }
        let behind = field.words.len() as u32 * 64 - pieces;
        let last = field.words.last().copied().unwrap_or(0);
        if behind > 0 && last >> (64 - behind) != 0 {
            return None;
        }
        field.count = field.words.iter().map(|word| word.count_ones()).sum();
        Some(field)
    }

    /// As BEP 3 sends it: the first piece is the highest bit of the first byte.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = self.words.iter().flat_map(|word| word.reverse_bits().to_be_bytes());
        words.take(self.pieces.div_ceil(8) as usize).collect()
    }

    /// Whether this piece is there; false for one that does not exist.
    #[must_use]
    #[inline]
    pub fn has(&self, piece: u32) -> bool {
        let word = self.words.get((piece / 64) as usize);
        word.is_some_and(|word| word >> (piece % 64) & 1 == 1)
    }

    /// This piece is there from now on. Whether that is news.
    ///
    /// # Panics
    /// If there is no such piece.
    #[inline]
    pub fn set(&mut self, piece: u32) -> bool {
        assert!(piece < self.pieces, "piece {piece} of {}", self.pieces);
        let word = &mut self.words[(piece / 64) as usize];
        let bit = 1 << (piece % 64);
        let is_news = *word & bit == 0;
        *word |= bit;
        self.count += u32::from(is_news);
        is_news
    }

    /// All pieces are there from now on.
    pub fn fill(&mut self) {
        self.words.fill(u64::MAX);
        let behind = self.words.len() as u32 * 64 - self.pieces;
        if let Some(last) = self.words.last_mut() {
            *last >>= behind;
        }
        self.count = self.pieces;
    }

    /// How many pieces are there.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// How many pieces there are in all.
    #[must_use]
    pub const fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Whether all pieces are there.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.count == self.pieces
    }

    /// The pieces that are there, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.words).flat_map(|(index, &word)| {
            let mut rest = word;
            core::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < 64).then(|| index * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for pieces in [0, 1, 7, 8, 63, 64, 65, 200] {
            let mut field = Bitfield::empty(pieces);
            for piece in (0..pieces).step_by(3) {
                assert!(field.set(piece));
                assert!(!field.set(piece));
            }
            assert_eq!(Bitfield::from_bytes(pieces, &field.to_bytes()), Some(field.clone()));
            assert_eq!(field.iter().count() as u32, field.count());
            assert!(field.iter().eq((0..pieces).step_by(3)));
            let full = Bitfield::full(pieces);
            assert!(full.is_full() && full.iter().eq(0..pieces));
            assert_eq!(Bitfield::from_bytes(pieces, &full.to_bytes()), Some(full));
        }
    }

    #[test]
    fn the_first_piece_is_the_highest_bit() {
        let mut field = Bitfield::empty(10);
        field.set(0);
        field.set(9);
        assert_eq!(field.to_bytes(), [0x80, 0x40]);
    }

    #[test]
    fn wrong_lengths_and_bits_behind_the_end_are_refused() {
        assert_eq!(Bitfield::from_bytes(10, &[0x80]), None);
        assert_eq!(Bitfield::from_bytes(10, &[0x80, 0x20]), None);
        assert_eq!(Bitfield::from_bytes(64, &[0xff; 9]), None);
        assert!(Bitfield::from_bytes(64, &[0xff; 8]).is_some_and(|field| field.is_full()));
    }
}
