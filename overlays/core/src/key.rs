//! Keys of items.
use core::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// The key of an item: 160 bits, big-endian, the SHA-1 of the item's name (Chord, SIGCOMM 2001,
/// section 4.1: consistent hashing with SHA-1 as the base hash function).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub [u8; 20]);

impl Key {
    /// The key of the item with this name.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        Self(Sha1::digest(name).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Key {
    /// The first eight hexadecimal digits: enough to tell keys apart in a transcript.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
