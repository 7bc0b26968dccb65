//! Which block to ask for next: strict priority to pieces begun, then the rarest piece, and in the
//! end game the same block from several (Cohen 2003, section 3.2).
//!
//! Untouched pieces stand in one row, ordered by how many peers have them; a piece that one peer
//! more or less has changes places with the one at the border of its level. So a change costs one
//! exchange, and a pick looks at the rarest first, from a random place of each level on.
use alloc::vec;
use alloc::vec::Vec;

use overlay_core::{NodeId, Random};

use crate::bitfield::Bitfield;
use crate::config::Picking;
use crate::metainfo::Metainfo;
use crate::suspicion::{Sender, Senders};

/// Not in the row of untouched pieces.
const ABSENT: u32 = u32::MAX;
/// State of a block that nobody was asked for; others below `RECEIVED` are how many were asked.
const FREE: u8 = 0;
/// State of a block that is there.
const RECEIVED: u8 = u8::MAX;

/// A block of a piece, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    /// The piece.
    pub piece: u32,
    /// The block's number in the piece.
    pub block: u32,
}

/// A peer that can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// Who.
    pub peer: NodeId,
    /// What it has.
    pub has: &'a Bitfield,
    /// Whether any of it is untouched: known to the caller, it saves looking.
    pub has_untouched: bool,
    /// The piece that it was last asked for, if it has not sent all of that.
    pub current: Option<u32>,
}

/// What came of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It was there already, or its piece is.
    Duplicate,
    /// More of the piece is missing.
    Block,
    /// It was the last one of its piece, and every one is as it should be.
    Piece,
    /// It was the last one of its piece, and some block was not: all must be fetched again. These
    /// had sent them.
    Corrupt(Senders),
}

/// What is known of each piece, together: a `Have` asks for both.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where in the row it is, or [`ABSENT`].
    place: u32,
    /// How many peers have it.
    availability: u16,
}

/// A piece of which blocks were asked for.
#[derive(Clone, Debug)]
struct Partial {
    piece: u32,
    blocks: Vec<u8>,
    /// Blocks that nobody was asked for.
    free: u32,
    /// Blocks that have not come.
    missing: u32,
    senders: Senders,
    /// Whether it is to come from one peer alone.
    is_exclusive: bool,
    /// Who is asked for it, if only that peer is.
    only: Option<NodeId>,
}

impl Partial {
    /// Whether this peer may be asked for blocks of it.
    fn is_for(&self, peer: NodeId) -> bool {
        self.only.is_none_or(|only| only == peer)
    }
}

/// What is still to be fetched, and how many peers have it.
#[derive(Clone, Debug)]
pub struct Picker {
    pieces: Vec<Piece>,
    /// Untouched pieces, the rarest first.
    row: Vec<u32>,
    /// Where in the row each level of availability begins.
    levels: Vec<u32>,
    partials: Vec<Partial>,
    /// Pieces that are to come from one peer alone.
    exclusive: Vec<u32>,
    /// Blocks of pieces begun that nobody was asked for.
    free: u32,
}

impl Picker {
    /// Everything is to be fetched, and nobody has it.
    #[must_use]
    pub fn new(pieces: u32) -> Self {
        Self {
            pieces: (0..pieces).map(|place| Piece { place, availability: 0 }).collect(),
            row: (0..pieces).collect(),
            levels: vec![0],
            partials: Vec::new(),
            exclusive: Vec::new(),
            free: 0,
        }
    }

    /// Nothing is to be fetched.
    #[must_use]
    pub fn finished() -> Self {
        Self::new(0)
    }

    /// One peer more has this piece.
    #[inline]
    pub fn raise(&mut self, piece: u32) {
        let Some(known) = self.pieces.get_mut(piece as usize) else { return };
        let level = usize::from(known.availability);
        known.availability += 1;
        if known.place != ABSENT {
            self.begin_levels(level + 1);
            self.raise_in_row(piece, level + 1);
        }
    }

    /// One peer less has this piece.
    pub fn lower(&mut self, piece: u32) {
        let Some(known) = self.pieces.get_mut(piece as usize) else { return };
        let level = usize::from(known.availability);
        known.availability = known.availability.saturating_sub(1);
        if level > 0 && known.place != ABSENT {
            self.lower_in_row(piece, level);
        }
    }

    /// How many peers have this piece.
    #[must_use]
    pub fn availability(&self, piece: u32) -> u16 {
        self.pieces.get(piece as usize).map_or(0, |it| it.availability)
    }

    /// Whether no block of this piece was asked for yet.
    #[must_use]
    #[inline]
    pub fn is_untouched(&self, piece: u32) -> bool {
        self.pieces.get(piece as usize).is_some_and(|it| it.place != ABSENT)
    }

    /// Whether a peer that has so many missing pieces has any untouched one: of the missing ones, those
    /// begun are not.
    #[must_use]
    pub fn has_untouched(&self, has: &Bitfield, missing: u32) -> bool {
        let missing = missing as usize;
        missing > self.partials.len()
            || missing > self.partials.iter().filter(|it| has.has(it.piece)).count()
    }

    /// Whether everything that is missing was asked for: then blocks may be asked for twice.
    #[must_use]
    pub fn is_end_game(&self) -> bool {
        self.row.is_empty() && self.free == 0
    }

    /// The next block to ask a peer for. It is of the piece that the peer was last asked for, if any
    /// of it is left; then of a piece begun, and then of an untouched one: the rarest by
    /// `Picking::RarestFirst`, a random one by `Picking::Random`.
    ///
    /// Differs from the paper: an untouched piece comes before one begun that more peers have. The
    /// seed's uplink is worth most for what nobody else has, and what is begun with others can be
    /// finished with them.
    pub fn pick(
        &mut self,
        from: Holder<'_>,
        picking: Picking,
        metainfo: &Metainfo,
        random: &mut Random,
    ) -> Option<BlockId> {
        let Holder { peer, has, has_untouched, current } = from;
        let begun = self.begun_piece(peer, has, current);
        let rarer_than = match (begun, picking) {
            (Some(piece), Picking::RarestFirst) if Some(piece) != current => {
                self.availability(piece)
            }
            (Some(_), _) => 0,
            (None, _) => u16::MAX,
        };
        let untouched = match picking {
            _ if !has_untouched || rarer_than == 0 => None,
            Picking::RarestFirst => self.rarest(has, rarer_than, random),
            Picking::Random => search_from_random(&self.row, has, random),
        };
        if let Some(piece) = untouched {
            self.begin(piece, metainfo.blocks(piece), peer);
            return Some(BlockId { piece, block: 0 });
        }
        self.next_of(begun?, peer)
    }

    /// In the end game: a block that was asked for, but did not come, from a peer that was not
    /// asked for it yet.
    pub fn pick_again(
        &mut self,
        peer: NodeId,
        has: &Bitfield,
        random: &mut Random,
        was_asked: impl Fn(BlockId) -> bool,
    ) -> Option<BlockId> {
        let count = self.partials.len();
        let start = random.below(count as u64) as usize;
        for index in (start..count).chain(0..start) {
            if !has.has(self.partials[index].piece) || !self.partials[index].is_for(peer) {
                continue;
            }
            let Partial { piece, blocks, .. } = &mut self.partials[index];
            // From the end: who was asked first sends them from the beginning.
            for (block, state) in (0..blocks.len() as u32).zip(blocks.iter_mut()).rev() {
                let id = BlockId { piece: *piece, block };
                if *state < RECEIVED - 1 && !was_asked(id) {
                    *state += 1;
                    return Some(id);
                }
            }
        }
        None
    }

    /// A block that was asked for will not come from one who was asked.
    pub fn release(&mut self, id: BlockId) {
        let Some(partial) = self.partials.iter_mut().find(|it| it.piece == id.piece) else {
            return;
        };
        let Some(state) = partial.blocks.get_mut(id.block as usize) else { return };
        if *state != RECEIVED && *state != FREE {
            *state -= 1;
            if *state == FREE {
                partial.free += 1;
                self.free += 1;
                // Nobody is asked any more: another one may be.
                let is_under_way = |state: &u8| *state != FREE && *state != RECEIVED;
                if partial.only.is_some() && !partial.blocks.iter().any(is_under_way) {
                    partial.only = None;
                }
            }
        }
    }

    /// A peer serves no more: what only it was asked for, others may be. Whether there is any such.
    pub fn give_up(&mut self, peer: NodeId) -> bool {
        let mut is_any = false;
        for partial in self.partials.iter_mut().filter(|it| it.only == Some(peer)) {
            partial.only = None;
            is_any = true;
        }
        is_any
    }

    /// Whether any piece is to come from one peer alone: then the others may have nothing to do for
    /// now, and must be asked again later.
    #[must_use]
    pub fn has_exclusive(&self) -> bool {
        !self.exclusive.is_empty()
    }

    /// A block came from a peer. After `Receipt::Corrupt` its piece is untouched again.
    pub fn receive(&mut self, id: BlockId, peer: NodeId, is_right: bool) -> Receipt {
        let Some(index) = self.partials.iter().position(|it| it.piece == id.piece) else {
            return Receipt::Duplicate;
        };
        let partial = &mut self.partials[index];
        let Some(state) = partial.blocks.get_mut(id.block as usize) else {
            return Receipt::Duplicate;
        };
        match *state {
            RECEIVED => return Receipt::Duplicate,
            FREE => {
                partial.free -= 1;
                self.free -= 1;
            }
            _ => {}
        }
        *state = RECEIVED;
        partial.missing -= 1;
        match partial.senders.iter_mut().find(|it| it.peer == peer) {
            Some(sender) => sender.is_right &= is_right,
            None => partial.senders.push(Sender { peer, is_right }),
        }
        if partial.missing > 0 {
            return Receipt::Block;
        }
        let Partial { senders, is_exclusive, .. } = self.partials.remove(index);
        let is_piece = senders.iter().all(|it| it.is_right);
        if is_piece {
            if is_exclusive {
                self.exclusive.retain(|it| *it != id.piece);
            }
            return Receipt::Piece;
        }
        if !is_exclusive {
            self.exclusive.push(id.piece);
        }
        self.restore(id.piece);
        Receipt::Corrupt(senders)
    }

    /// Whether a block was asked for and has not come.
    #[must_use]
    pub fn is_awaited(&self, id: BlockId) -> bool {
        let partial = self.partials.iter().find(|it| it.piece == id.piece);
        let state = partial.and_then(|partial| partial.blocks.get(id.block as usize));
        state.is_some_and(|&state| state != RECEIVED)
    }

    /// How many pieces are begun.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.partials.len()
    }

    /// A piece with blocks that nobody was asked for: this one, or else the one begun first.
    fn begun_piece(&self, peer: NodeId, has: &Bitfield, current: Option<u32>) -> Option<u32> {
        if self.free == 0 {
            return None;
        }
        let open = || self.partials.iter().filter(|it| it.free > 0 && it.is_for(peer));
        let is_open = |piece: &u32| open().any(|it| it.piece == *piece);
        let first = || open().map(|it| it.piece).find(|&piece| has.has(piece));
        current.filter(is_open).or_else(first)
    }

    /// The first block of a piece begun that nobody was asked for.
    fn next_of(&mut self, piece: u32, peer: NodeId) -> Option<BlockId> {
        let partial = self.partials.iter_mut().find(|it| it.piece == piece)?;
        partial.only = partial.is_exclusive.then_some(peer);
        let block = partial.blocks.iter().position(|&state| state == FREE)?;
        partial.blocks[block] = 1;
        partial.free -= 1;
        self.free -= 1;
        Some(BlockId { piece, block: block as u32 })
    }

    /// The rarest untouched piece of a peer, if fewer than so many have it.
    fn rarest(&self, has: &Bitfield, rarer_than: u16, random: &mut Random) -> Option<u32> {
        let levels = 1..self.levels.len().min(usize::from(rarer_than));
        let mut levels = levels.map(|level| &self.row[self.level(level)]);
        levels.find_map(|pieces| search_from_random(pieces, has, random))
    }

    /// Takes an untouched piece and asks for its first block.
    fn begin(&mut self, piece: u32, count: u32, peer: NodeId) {
        let next_level = usize::from(self.pieces[piece as usize].availability) + 1;
        for level in next_level..self.levels.len() {
            self.raise_in_row(piece, level);
        }
        let last = self.row.len() - 1;
        self.exchange(self.pieces[piece as usize].place as usize, last);
        self.row.pop();
        self.pieces[piece as usize].place = ABSENT;
        let mut blocks = vec![FREE; count as usize];
        blocks[0] = 1;
        let free = count - 1;
        self.free += free;
        let is_exclusive = self.exclusive.contains(&piece);
        let only = is_exclusive.then_some(peer);
        let senders = Senders::new();
        let missing = count;
        self.partials.push(Partial { piece, blocks, free, missing, senders, is_exclusive, only });
    }

    /// Puts a piece back among the untouched.
    fn restore(&mut self, piece: u32) {
        let own_level = usize::from(self.pieces[piece as usize].availability);
        self.begin_levels(own_level);
        self.pieces[piece as usize].place = self.row.len() as u32;
        self.row.push(piece);
        for level in (own_level + 1..self.levels.len()).rev() {
            self.lower_in_row(piece, level);
        }
    }

    /// Where in the row the pieces of a level are.
    fn level(&self, level: usize) -> core::ops::Range<usize> {
        let end = self.levels.get(level + 1).copied().unwrap_or(self.row.len() as u32);
        self.levels[level] as usize..end as usize
    }

    /// There are levels up to this one.
    fn begin_levels(&mut self, level: usize) {
        while self.levels.len() <= level {
            self.levels.push(self.row.len() as u32);
        }
    }

    /// From the level below this one to this one.
    fn raise_in_row(&mut self, piece: u32, level: usize) {
        self.levels[level] -= 1;
        self.exchange(self.pieces[piece as usize].place as usize, self.levels[level] as usize);
    }

    /// From this level to the one below it.
    fn lower_in_row(&mut self, piece: u32, level: usize) {
        self.exchange(self.pieces[piece as usize].place as usize, self.levels[level] as usize);
        self.levels[level] += 1;
    }

    #[inline]
    fn exchange(&mut self, a: usize, b: usize) {
        self.row.swap(a, b);
        self.pieces[self.row[a] as usize].place = a as u32;
        self.pieces[self.row[b] as usize].place = b as u32;
    }
}

/// The first of these pieces that is there, from a random one on.
fn search_from_random(pieces: &[u32], has: &Bitfield, random: &mut Random) -> Option<u32> {
    let (after, before) = match pieces {
        [] => return None,
        _ => pieces.split_at(random.below(pieces.len() as u64) as usize),
    };
    before.iter().chain(after).copied().find(|&piece| has.has(piece))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metainfo::BLOCK;
    use alloc::collections::BTreeSet;
    use overlay_core::Purpose;
    use proptest::prelude::*;

    const PEER: NodeId = NodeId(7);

    fn metainfo(pieces: u32, blocks: u32) -> Metainfo {
        Metainfo { content: 1, length: pieces * blocks * BLOCK, piece_length: blocks * BLOCK }
    }

    fn random() -> Random {
        Random::stream(1, Purpose::Node, 0)
    }

    fn holder(has: &Bitfield) -> Holder<'_> {
        Holder { peer: PEER, has, has_untouched: true, current: None }
    }

    fn of(pieces: u32, some: &[u32]) -> Bitfield {
        let mut field = Bitfield::empty(pieces);
        for &piece in some {
            field.set(piece);
        }
        field
    }

    #[test]
    fn the_rarest_piece_comes_first_and_is_finished_before_others() {
        let (metainfo, mut random) = (metainfo(4, 2), random());
        let mut picker = Picker::new(4);
        for piece in [0, 0, 0, 1, 1, 2, 3, 3, 3] {
            picker.raise(piece);
        }
        let has = of(4, &[0, 1, 3]);
        let mut pick = |picker: &mut Picker| {
            let picking = Picking::RarestFirst;
            picker.pick(holder(&has), picking, &metainfo, &mut random)
        };
        let id = |piece, block| Some(BlockId { piece, block });
        assert_eq!(pick(&mut picker), id(1, 0));
        assert_eq!(pick(&mut picker), id(1, 1));
        picker.release(BlockId { piece: 1, block: 0 });
        assert_eq!(pick(&mut picker), id(1, 0), "strict priority");
        assert_ne!(pick(&mut picker).map(|it| it.piece), Some(2), "the peer does not have it");
    }

    #[test]
    fn the_end_game_asks_several_for_a_block_and_takes_the_first() {
        let (metainfo, mut random) = (metainfo(1, 2), random());
        let mut picker = Picker::new(1);
        picker.raise(0);
        let has = Bitfield::full(1);
        for _ in 0..2 {
            assert!(!picker.is_end_game());
            picker.pick(holder(&has), Picking::RarestFirst, &metainfo, &mut random).unwrap();
        }
        assert!(picker.is_end_game());
        let first = BlockId { piece: 0, block: 0 };
        let again = picker.pick_again(PEER, &has, &mut random, |id| id != first);
        assert_eq!(again, Some(first));
        picker.release(first);
        assert!(picker.is_end_game(), "somebody else was asked for it, too");
        assert_eq!(picker.receive(first, PEER, true), Receipt::Block);
        assert_eq!(picker.receive(first, PEER, true), Receipt::Duplicate);
        assert_eq!(picker.receive(BlockId { piece: 0, block: 1 }, PEER, true), Receipt::Piece);
        assert_eq!(picker.receive(first, PEER, true), Receipt::Duplicate);
    }

    #[test]
    fn a_piece_with_a_corrupt_block_is_fetched_again() {
        let (metainfo, mut random) = (metainfo(1, 2), random());
        let mut picker = Picker::new(1);
        picker.raise(0);
        let has = Bitfield::full(1);
        for round in [false, true] {
            for block in 0..2 {
                let pick = picker.pick(holder(&has), Picking::Random, &metainfo, &mut random);
                let id = BlockId { piece: 0, block };
                assert_eq!(pick, Some(id));
            }
            assert_eq!(picker.receive(BlockId { piece: 0, block: 0 }, PEER, round), Receipt::Block);
            let liars = Senders::from_slice(&[Sender { peer: PEER, is_right: false }]);
            let expected = if round { Receipt::Piece } else { Receipt::Corrupt(liars) };
            assert_eq!(picker.receive(BlockId { piece: 0, block: 1 }, PEER, true), expected);
        }
    }

    proptest! {
        /// The row is always ordered by availability, has every untouched piece once, and a pick is
        /// the rarest that there is.
        #[test]
        fn the_row_stays_in_order(deeds in proptest::collection::vec((0..4_u8, 0..20_u32), 1..200)) {
            let (metainfo, mut random) = (metainfo(20, 1), random());
            let mut picker = Picker::new(20);
            let mut taken = BTreeSet::new();
            for (deed, piece) in deeds {
                match deed {
                    0 | 1 => picker.raise(piece),
                    2 => picker.lower(piece),
                    _ => {
                        let has = of(20, &[piece, (piece * 7 + 3) % 20]);
                        let open = has.iter().filter(|it| !taken.contains(it));
                        let least = open.map(|it| picker.availability(it)).filter(|&it| it > 0).min();
                        let picking = Picking::RarestFirst;
                        let pick = picker.pick(holder(&has), picking, &metainfo, &mut random);
                        prop_assert_eq!(pick.map(|it| picker.availability(it.piece)), least);
                        if let Some(id) = pick {
                            taken.insert(id.piece);
                            if piece % 2 == 0 {
                                let receipt = picker.receive(id, PEER, false);
                                prop_assert!(matches!(receipt, Receipt::Corrupt(_)));
                                taken.remove(&id.piece);
                            }
                        }
                    }
                }
                let levels: Vec<u16> = picker.row.iter().map(|&it| picker.availability(it)).collect();
                prop_assert!(levels.is_sorted());
                for level in 0..picker.levels.len() {
                    prop_assert!(levels[picker.level(level)].iter().all(|&it| usize::from(it) == level));
                }
                prop_assert_eq!(picker.row.len() + taken.len(), 20);
                prop_assert!((0..20).all(|it| picker.is_untouched(it) != taken.contains(&it)));
            }
        }
    }
}
