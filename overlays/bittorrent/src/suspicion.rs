//! Who has sent blocks that were not what they should be.
//!
//! Only a whole piece can be verified. If all blocks of a corrupt one came from one peer, that peer has
//! lied. If they came from several, all of them are under suspicion: the piece is asked again, of one
//! peer alone, and when it is right, what the suspects had sent is compared with it. So nobody is
//! banned who has not lied. As libtorrent's `smart_ban`, which keeps a hash of each block for that;
//! its trust points, which it had before, can run out for who often meets liars.
use alloc::collections::BTreeMap;

use overlay_core::NodeId;
use smallvec::SmallVec;

/// A peer that sent blocks of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Who.
    pub peer: NodeId,
    /// Whether all its blocks were right: known once the piece has been verified, as the hashes of
    /// the blocks that came are.
    pub is_right: bool,
}

/// All who sent blocks of a piece.
pub type Senders = SmallVec<[Sender; 2]>;

/// Pieces that are asked again, and who had sent what of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspicion {
    pieces: BTreeMap<u32, Senders>,
}

impl Suspicion {
    /// A piece was corrupt. Who has lied for certain, if anybody.
    pub(crate) fn on_corrupt(&mut self, piece: u32, senders: &Senders) -> Option<NodeId> {
        match senders[..] {
            [Sender { peer, .. }] => Some(peer),
            _ => {
                let suspects = self.pieces.entry(piece).or_default();
                for liar in senders.iter().filter(|it| !it.is_right) {
                    if !suspects.contains(liar) {
                        suspects.push(*liar);
                    }
                }
                None
            }
        }
    }

    /// A piece was right: who had lied about it.
    pub(crate) fn on_right(&mut self, piece: u32) -> Senders {
        self.pieces.remove(&piece).unwrap_or_default()
    }
}
