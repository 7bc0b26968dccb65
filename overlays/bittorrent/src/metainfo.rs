//! What a `.torrent` file says of an item: how it is cut into pieces, and those into blocks.
use overlay_core::{Blob, GRAIN};
use serde::{Deserialize, Serialize};

/// What is asked for and sent at once, in bytes (BEP 3: all current implementations use 2^14).
pub const BLOCK: u32 = GRAIN;

/// The longest piece, in bytes: 1,024 blocks.
pub const LONGEST_PIECE: u32 = 1024 * BLOCK;

/// What a `.torrent` file says of an item.
///
/// A block is a part of the item's content ([`Blob::part`]). A piece counts as verified when all its
/// blocks are what they should be, as the driver says. Where items are real bytes, that is what it
/// finds by the SHA-1 of the piece: the hashes of pieces, which a `.torrent` file has too, are the
/// driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metainfo {
    /// Which content.
    pub content: u64,
    /// The item's length in bytes.
    pub length: u32,
    /// The length in bytes of every piece but the last one, which may be shorter.
    pub piece_length: u32,
}

impl Metainfo {
    /// Whether pieces are whole numbers of blocks, at least one and at most [`LONGEST_PIECE`].
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        let length = self.piece_length;
        length > 0 && length <= LONGEST_PIECE && length.is_multiple_of(BLOCK)
    }

    /// The item itself.
    #[must_use]
    pub const fn item(&self) -> Blob {
        Blob::new(self.content, self.length)
    }

    /// How many pieces there are.
    #[must_use]
    pub const fn pieces(&self) -> u32 {
        self.length.div_ceil(self.piece_length)
    }

    /// How many blocks a piece has.
    #[must_use]
    pub const fn blocks(&self, piece: u32) -> u32 {
        let begin = piece as u64 * self.piece_length as u64;
        let rest = (self.length as u64).saturating_sub(begin);
        let length = if rest < self.piece_length as u64 { rest as u32 } else { self.piece_length };
        length.div_ceil(BLOCK)
    }

    /// A block of a piece; `None` if there is no such block.
    #[must_use]
    pub fn block(&self, piece: u32, block: u32) -> Option<Blob> {
        if piece >= self.pieces() || block >= self.blocks(piece) {
            return None;
        }
        let begin = piece * self.piece_length + block * BLOCK;
        Some(self.item().part(begin, (self.length - begin).min(BLOCK)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_blocks_add_up_to_the_item() {
        for length in [1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 10 * BLOCK + 7, 1 << 20] {
            let metainfo = Metainfo { content: 5, length, piece_length: 4 * BLOCK };
            let blocks = (0..metainfo.pieces())
                .flat_map(|piece| (0..metainfo.blocks(piece)).map(move |block| (piece, block)));
            let lengths = blocks.map(|(piece, block)| metainfo.block(piece, block).unwrap().length);
            assert_eq!(lengths.sum::<u32>(), length);
            assert_eq!(metainfo.block(metainfo.pieces(), 0), None);
            assert_eq!(metainfo.block(0, 4), None);
        }
    }

    #[test]
    fn the_largest_item_has_a_last_block() {
        let metainfo = Metainfo { content: 5, length: u32::MAX, piece_length: BLOCK };
        let last = metainfo.pieces() - 1;
        assert_eq!(metainfo.block(last, 0).map(|block| block.length), Some(BLOCK - 1));
    }

    #[test]
    fn blocks_differ() {
        let metainfo = Metainfo { content: 0, length: 8 * BLOCK, piece_length: 4 * BLOCK };
        let other = Metainfo { content: 1, ..metainfo };
        let content = |of: Metainfo, piece, block| of.block(piece, block).unwrap().content;
        assert_ne!(content(metainfo, 0, 0), content(metainfo, 0, 1));
        assert_ne!(content(metainfo, 0, 0), content(metainfo, 1, 0));
        assert_ne!(content(metainfo, 0, 0), content(other, 0, 0));
    }
}
