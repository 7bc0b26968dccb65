//! The payload encoding both drivers charge for: postcard, then the blob's bytes.
//!
//! The simulator only asks for [`length`]; the testbed puts [`encode`]'s bytes into a frame and
//! reads them back with [`decode`].
use alloc::vec::Vec;

use postcard::ser_flavors::Flavor;

use crate::{Contents, Derived, Message};

/// Why bytes from a peer were not taken for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes do not decode to a message of this overlay.
    Encoding,
    /// The message says its blob has another length than the bytes that follow it.
    BlobLength,
    /// It is one, but the bytes of its blob could not be kept until they can be verified.
    NoRoom,
}

/// Length of the encoded message in bytes, blob included.
pub fn length<M: Message>(message: &M) -> u32 {
    let header = postcard::serialize_with_flavor(message, Count(0)).unwrap_or(0);
    header + message.blob().map_or(0, |blob| blob.length)
}

/// Appends the encoded message and its blob's bytes, which follow from the content's number.
pub fn encode<M: Message>(message: &M, to: &mut Vec<u8>) {
    encode_with(message, &mut Derived, to);
}

/// Appends the encoded message and its blob's bytes.
pub fn encode_with<M: Message>(message: &M, contents: &mut impl Contents, to: &mut Vec<u8>) {
    let encoded = postcard::serialize_with_flavor(message, Append(to));
    debug_assert!(encoded.is_ok(), "messages are plain values: they always encode");
    if let Some(blob) = message.blob() {
        contents.append(blob, to);
    }
}

/// Reads a message back and checks its blob's bytes, which must be those that follow from the
/// content's number: [`decode_with`].
///
/// # Errors
/// [`Malformed`] if the bytes are not exactly one message.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<M, Malformed> {
    decode_with(bytes, &mut Derived)
}

/// Reads a message back and checks its blob's bytes: a blob whose bytes are not its content's is
/// marked as not intact, for the overlay to judge.
///
/// # Errors
/// [`Malformed`] if the bytes are not exactly one message, or its blob cannot be verified.
pub fn decode_with<M: Message>(bytes: &[u8], contents: &mut impl Contents) -> Result<M, Malformed> {
    let (mut message, rest) =
        postcard::take_from_bytes::<M>(bytes).map_err(|_| Malformed::Encoding)?;
    match message.blob_mut() {
        None if rest.is_empty() => {}
        None => return Err(Malformed::Encoding),
        Some(blob) if rest.len() != blob.length as usize => return Err(Malformed::BlobLength),
        Some(blob) => {
            blob.intact = contents.verify(blob, rest).map_err(|_| Malformed::NoRoom)?;
        }
    }
    Ok(message)
}

/// A postcard flavor that counts.
struct Count(u32);

impl Flavor for Count {
    type Output = u32;

    #[inline]
    fn try_push(&mut self, _: u8) -> postcard::Result<()> {
        self.0 += 1;
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0 += bytes.len() as u32;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<u32> {
        Ok(self.0)
    }
}

/// A postcard flavor that appends to a buffer it does not own.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
