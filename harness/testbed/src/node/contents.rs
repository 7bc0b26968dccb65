//! A node's bytes. Those of most blobs follow from their numbers; those of a run's real content
//! come from its files where they are sent, and are verified where they arrive by the SHA-1 of
//! whole pieces, as in BEP 3.
//!
//! Whose bytes were false, where several sent a piece, is what real clients find out when they have
//! the piece from somebody else. Here the hash of each grain tells so at once, as it is told in the
//! simulator; an overlay that is faithful makes no use of it until the piece has come.
//!
//! Nodes do not store what they have received: who serves a piece reads it from the same files as
//! the publisher. If these change during the run, that is found where the bytes arrive.
use std::collections::BTreeMap;
use std::sync::Arc;

use overlay_core::{Blob, Contents, Derived, GRAIN, NoRoom};
use peerbench_scenario::Reader;
use sha1::{Digest as _, Sha1};

use crate::control::RealItem;

/// Most bytes of pieces under way that are kept: sixteen of the largest pieces there are, and
/// hundreds of usual ones.
const MOST_KEPT: u64 = 256 << 20;

/// The contents that a node knows.
#[derive(Debug)]
pub(super) struct NodeContents {
    real: Option<Real>,
}

/// The real item, as far as it is here.
#[derive(Debug)]
struct Real {
    item: Arc<RealItem>,
    reader: Reader,
    /// Whether each piece has been here, every byte of it, and was what it should be.
    verified: Vec<bool>,
    missing: usize,
    partials: BTreeMap<u64, Partial>,
    kept: u64,
    is_publisher: bool,
}

/// A piece of which some grains are here, those being true.
#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    has: Vec<bool>,
    missing: usize,
}

impl NodeContents {
    /// Nothing is here yet.
    #[must_use]
    pub(super) fn new(item: Option<&Arc<RealItem>>) -> Self {
        let real = item.map(|item| Real {
            item: Arc::clone(item),
            reader: Reader::new(Arc::clone(&item.content)),
            verified: vec![false; item.pieces.len()],
            missing: item.pieces.len(),
            partials: BTreeMap::new(),
            kept: 0,
            is_publisher: false,
        });
        Self { real }
    }

    /// The node publishes an item: if it is the real one, the node has it without having received
    /// it.
    pub(super) fn publish(&mut self, blob: &Blob) {
        if let (Some(real), Some(_)) = (&mut self.real, blob.real_offset()) {
            real.is_publisher = true;
        }
    }

    /// Whether a blob that the overlay says is here, whole and verified, is so: real content is
    /// when every piece of it has been verified.
    #[must_use]
    pub(super) fn has_all_of(&self, blob: &Blob) -> bool {
        match (&self.real, blob.real_offset()) {
            (Some(real), Some(_)) => blob.intact && (real.is_publisher || real.missing == 0),
            _ => blob.intact,
        }
    }
}

impl Contents for NodeContents {
    fn append(&mut self, blob: &Blob, to: &mut Vec<u8>) {
        let (Some(real), Some(offset)) = (&mut self.real, blob.real_offset()) else {
            return Derived.append(blob, to);
        };
        let start = to.len();
        to.resize(start + blob.length as usize, 0);
        let bytes = &mut to[start..];
        // What cannot be read any more goes out as whatever is in the buffer: the receiver will
        // find it wrong, and that is what is counted.
        let _ = real.reader.read(offset, bytes);
        if !blob.intact {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
        }
    }

    fn verify(&mut self, blob: &Blob, bytes: &[u8]) -> Result<bool, NoRoom> {
        match (&mut self.real, blob.real_offset()) {
            (Some(real), Some(offset)) => real.verify(offset, bytes),
            _ => Derived.verify(blob, bytes),
        }
    }
}

impl Real {
    fn verify(&mut self, offset: u64, bytes: &[u8]) -> Result<bool, NoRoom> {
        let piece_length = u64::from(self.item.piece_length);
        let piece = offset / piece_length;
        let begin = piece * piece_length;
        let whole = self.item.content.length().saturating_sub(begin).min(piece_length) as usize;
        let within = (offset - begin) as usize;
        let grain = GRAIN as usize;
        let is_even = bytes.len().is_multiple_of(grain) || within + bytes.len() == whole;
        if bytes.is_empty() || within + bytes.len() > whole || !is_even {
            return Ok(false);
        }
        if bytes.len() == whole {
            return Ok(self.finish(piece, bytes));
        }
        let is_true = self.are_true(offset, bytes);
        if !is_true || self.verified[piece as usize] {
            return Ok(is_true);
        }
        if !self.partials.contains_key(&piece) && self.kept + whole as u64 > MOST_KEPT {
            return Err(NoRoom);
        }
        let partial = self.partials.entry(piece).or_insert_with(|| {
            self.kept += whole as u64;
            let grains = whole.div_ceil(grain);
            Partial { bytes: vec![0; whole], has: vec![false; grains], missing: grains }
        });
        partial.add(within, bytes);
        if partial.missing > 0 {
            return Ok(true);
        }
        let Some(partial) = self.partials.remove(&piece) else { return Ok(false) };
        self.kept -= whole as u64;
        Ok(self.finish(piece, &partial.bytes))
    }

    /// Whether each grain of the bytes from an offset on is what it should be.
    fn are_true(&self, offset: u64, bytes: &[u8]) -> bool {
        let first = (offset / u64::from(GRAIN)) as usize;
        let expected = self.item.grains.iter().skip(first);
        let mut grains = bytes.chunks(GRAIN as usize).zip(expected);
        grains.all(|(grain, hash)| hash[..] == Sha1::digest(grain)[..])
    }

    /// All of a piece is here: whether it is what it should be.
    fn finish(&mut self, piece: u64, bytes: &[u8]) -> bool {
        let piece = piece as usize;
        let is_true = self.item.pieces[piece][..] == Sha1::digest(bytes)[..];
        if is_true && !std::mem::replace(&mut self.verified[piece], true) {
            self.missing -= 1;
        }
        is_true
    }
}

impl Partial {
    /// Takes what is new.
    fn add(&mut self, within: usize, bytes: &[u8]) {
        let grain = GRAIN as usize;
        for (index, chunk) in (within / grain..).zip(bytes.chunks(grain)) {
            if !std::mem::replace(&mut self.has[index], true) {
                self.missing -= 1;
                self.bytes[index * grain..][..chunk.len()].copy_from_slice(chunk);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerbench_scenario::Content;
    use std::io::Write as _;

    /// Five and a half grains in pieces of two.
    const LENGTH: u32 = GRAIN * 11 / 2;

    fn item(piece_length: u32) -> (tempfile::NamedTempFile, Arc<RealItem>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..LENGTH).map(|place| ((place * 31) >> 7) as u8).collect();
        file.write_all(&bytes).unwrap();
        let content = Content::open(file.path().to_str().unwrap()).unwrap();
        let hashes = |length| content.piece_hashes(length).collect::<Result<_, _>>().unwrap();
        let (pieces, grains) = (hashes(piece_length), hashes(GRAIN));
        let content = Arc::new(content);
        (file, Arc::new(RealItem { content, piece_length, pieces, grains }))
    }

    fn part(grain: u32) -> Blob {
        let offset = grain * GRAIN;
        Blob::real(LENGTH).part(offset, GRAIN.min(LENGTH - offset))
    }

    fn bytes_of(contents: &mut NodeContents, blob: &Blob) -> Vec<u8> {
        let mut bytes = Vec::new();
        contents.append(blob, &mut bytes);
        bytes
    }

    #[test]
    fn everything_is_here_when_every_piece_has_been_verified() {
        let (_file, item) = item(2 * GRAIN);
        let (mut from, mut to) = (NodeContents::new(Some(&item)), NodeContents::new(Some(&item)));
        let lie = Blob { intact: false, ..part(3) };
        let mut send = |blob: &Blob| {
            let bytes = bytes_of(&mut from, blob);
            (to.verify(blob, &bytes), to.has_all_of(&Blob::real(LENGTH)))
        };
        for grain in [0, 1, 4, 4] {
            assert_eq!(send(&part(grain)), (Ok(true), false));
        }
        assert_eq!(send(&lie), (Ok(false), false));
        assert_eq!(send(&part(2)), (Ok(true), false), "who sent this has not lied");
        assert_eq!(send(&part(5)), (Ok(true), false));
        assert_eq!(send(&part(3)), (Ok(true), true));
        assert_eq!(send(&lie), (Ok(false), true), "what is here stays here");
        assert!(!from.has_all_of(&Blob::real(LENGTH)));
        from.publish(&Blob::real(LENGTH));
        assert!(from.has_all_of(&Blob::real(LENGTH)));
    }

    #[test]
    fn an_item_in_one_message_is_one_piece() {
        let (_file, item) = item(LENGTH);
        let mut contents = NodeContents::new(Some(&item));
        let whole = Blob::real(LENGTH);
        let mut bytes = bytes_of(&mut contents, &whole);
        assert_eq!(contents.verify(&whole, &bytes), Ok(true));
        assert!(contents.has_all_of(&whole));
        bytes[7] ^= 1;
        assert_eq!(contents.verify(&whole, &bytes), Ok(false), "each is checked for itself");
    }

    #[test]
    fn what_does_not_fit_the_pieces_is_false() {
        let (_file, item) = item(2 * GRAIN);
        let mut contents = NodeContents::new(Some(&item));
        let whole = Blob::real(LENGTH);
        let across = (whole.part(GRAIN, 2 * GRAIN), 2 * GRAIN);
        let uneven = (whole.part(0, 5), 5);
        let beyond = (whole.part(8 * GRAIN, GRAIN), GRAIN);
        let empty = (whole.part(0, 0), 0);
        let absurd = (Blob::real(1).part(u32::MAX, GRAIN), GRAIN);
        for (blob, length) in [across, uneven, beyond, empty, absurd] {
            assert_eq!(contents.verify(&blob, &vec![0; length as usize]), Ok(false), "{blob:?}");
        }
    }

    #[test]
    fn a_file_that_changes_is_found_where_its_bytes_arrive() {
        let (file, item) = item(2 * GRAIN);
        let (mut from, mut to) = (NodeContents::new(Some(&item)), NodeContents::new(Some(&item)));
        file.as_file().set_len(u64::from(GRAIN)).unwrap();
        let mut send = |blob: &Blob| {
            let bytes = bytes_of(&mut from, blob);
            to.verify(blob, &bytes)
        };
        assert_eq!(send(&part(0)), Ok(true));
        assert_eq!(send(&part(1)), Ok(false));
    }

    #[test]
    fn contents_without_files_are_as_everywhere() {
        let mut contents = NodeContents::new(None);
        for blob in [Blob::new(42, 100), Blob::real(100)] {
            let bytes = bytes_of(&mut contents, &blob);
            assert_eq!(contents.verify(&blob, &bytes), Ok(true));
            assert!(contents.has_all_of(&blob));
        }
    }
}
