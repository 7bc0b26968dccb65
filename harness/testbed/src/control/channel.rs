//! Messages on the control channel: a length (u32, little-endian), then the postcard encoding.
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest message in bytes: the address table of some 100,000 nodes.
pub const MAX_MESSAGE: u32 = 16 << 20;
/// Longest first message in bytes: before it, nobody has shown a token.
pub const MAX_HELLO: u32 = 256;

/// Why nothing more can be read from a control connection.
#[derive(Debug, Error)]
pub enum Broken {
    /// The connection ended or failed.
    #[error("the control connection ended: {0}")]
    Io(#[from] io::Error),
    /// A message is announced as longer than allowed.
    #[error("a control message of {0} bytes was announced, more than is allowed")]
    TooLong(u32),
    /// A message does not decode.
    #[error("a control message does not decode: {0}")]
    Malformed(#[from] postcard::Error),
}

/// Writes one message.
///
/// # Errors
/// [`Broken`]; the connection is of no more use.
pub async fn write<M: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &M,
) -> Result<(), Broken> {
    let bytes = encode(message)?;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if length > MAX_MESSAGE {
        return Err(Broken::TooLong(length));
    }
    // In one piece: two writes would be two packets.
    Ok(to.write_all(&[&length.to_le_bytes(), &bytes[..]].concat()).await?)
}

/// A message's bytes, without their length.
///
/// # Errors
/// [`Broken::Malformed`], if there is a message that has none.
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, Broken> {
    Ok(postcard::to_stdvec(message)?)
}

/// The message that these bytes are.
///
/// # Errors
/// [`Broken::Malformed`] if they are none.
pub fn parse<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, Broken> {
    Ok(postcard::from_bytes(bytes)?)
}

/// Reads one message of at most `limit` bytes.
///
/// # Errors
/// [`Broken`]; the connection is of no more use.
pub async fn read<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    limit: u32,
) -> Result<M, Broken> {
    let length = from.read_u32_le().await?;
    if length > limit {
        return Err(Broken::TooLong(length));
    }
    let mut bytes = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    parse(&bytes)
}

#[cfg(test)]
mod tests {
    use super::super::{Notice, Order, Setup};
    use super::*;

    #[tokio::test]
    async fn a_message_comes_back_as_it_was() {
        let setup = Setup {
            scenario: "nodes: 3".into(),
            seed: 7,
            nodes: Vec::new(),
            real: None,
            back: None,
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &Order::Setup(setup.clone())).await.unwrap();
        let read: Order = read(&mut &bytes[..], MAX_MESSAGE).await.unwrap();
        assert!(matches!(read, Order::Setup(read) if read == setup));
    }

    #[tokio::test]
    async fn cut_long_and_meaningless_messages_are_told_apart() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Notice::Failed("x".repeat(100))).await.unwrap();
        let cut = read::<Notice>(&mut &bytes[..50], MAX_MESSAGE).await;
        assert!(matches!(cut, Err(Broken::Io(_))));
        let long = read::<Notice>(&mut &bytes[..], 50).await;
        assert!(matches!(long, Err(Broken::TooLong(_))));
        let garbage = read::<Notice>(&mut &[1, 0, 0, 0, 0xff][..], MAX_MESSAGE).await;
        assert!(matches!(garbage, Err(Broken::Malformed(_))));
    }
}
