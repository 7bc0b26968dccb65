//! Length-framing of overlay messages: an unsigned varint (LEB128), then that many bytes.

/// Longest frame in bytes: the largest item (16 MiB) and a message around it.
pub const MAX_FRAME: usize = (16 << 20) + (64 << 10);

/// Room that is set aside for a frame before its bytes are there: a peer's word alone does not
/// make a node allocate more.
const RESERVED: usize = 64 * 1024;

/// Appends a frame: its length and its bytes.
pub fn append(frame: &[u8], to: &mut Vec<u8>) {
    let mut rest = frame.len();
    while rest >= 0x80 {
        to.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    to.push(rest as u8);
    to.extend_from_slice(frame);
}

/// A frame is announced as longer than [`MAX_FRAME`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Puts frames together from what arrives.
#[derive(Debug, Default)]
pub struct Decoder {
    length: usize,
    shift: u32,
    frame: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes bytes in; complete frames are appended to `to`.
    ///
    /// # Errors
    /// [`TooLong`]; nothing that follows can be understood.
    pub fn push(&mut self, mut bytes: &[u8], to: &mut Vec<Vec<u8>>) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if self.frame.is_none() {
                self.push_length(bytes[0])?;
                bytes = &bytes[1..];
            }
            let Some(frame) = &mut self.frame else { continue };
            let count = (self.length - frame.len()).min(bytes.len());
            frame.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            if frame.len() == self.length {
                to.extend(self.frame.take());
                (self.length, self.shift) = (0, 0);
            }
        }
        Ok(())
    }

    /// Bytes of the frame that has begun and is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        self.frame.as_ref().map_or(0, Vec::len)
    }

    /// Whether a frame has begun that is not complete.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        self.frame.is_some() || self.shift > 0
    }

    fn push_length(&mut self, byte: u8) -> Result<(), TooLong> {
        self.length |= usize::from(byte & 0x7f) << self.shift;
        self.shift += 7;
        if self.length > MAX_FRAME || self.shift > 28 {
            return Err(TooLong);
        }
        if byte < 0x80 {
            self.frame = Some(Vec::with_capacity(self.length.min(RESERVED)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let frames = [b"".to_vec(), b"x".to_vec(), vec![7; 300]];
        let mut bytes = Vec::new();
        for frame in &frames {
            append(frame, &mut bytes);
        }
        for cut in 0..=bytes.len() {
            let (mut decoder, mut received) = (Decoder::default(), Vec::new());
            decoder.push(&bytes[..cut], &mut received).unwrap();
            decoder.push(&bytes[cut..], &mut received).unwrap();
            assert_eq!(received, frames);
            assert!(!decoder.is_within_frame());
        }
    }

    #[test]
    fn a_cut_frame_is_noticed() {
        let mut bytes = Vec::new();
        append(&[1; 200], &mut bytes);
        for cut in 1..bytes.len() {
            let mut decoder = Decoder::default();
            decoder.push(&bytes[..cut], &mut Vec::new()).unwrap();
            assert!(decoder.is_within_frame(), "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_however_it_is_written() {
        let refused = |bytes: &[u8]| Decoder::default().push(bytes, &mut Vec::new()).is_err();
        assert!(refused(&[0xff, 0xff, 0xff, 0xff]));
        assert!(refused(&[0x80, 0x80, 0x80, 0x80, 0x80]), "a varint without end");
        assert!(!refused(&[0x80, 0x80, 0x80, 0x01]), "2 MiB are announced");
    }

    #[test]
    fn an_empty_frame_at_the_end_of_a_batch_is_delivered() {
        let mut received = Vec::new();
        Decoder::default().push(&[0], &mut received).unwrap();
        assert_eq!(received, [Vec::<u8>::new()]);
    }
}
