//! Cuts a byte stream into frames, and makes frames.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// `length` and `channel`.
pub const HEADER_BYTES: usize = 8;
/// Longest frame on the server's link: a command text of 8 MiB and what goes with it.
pub const MAX_SERVER_FRAME: usize = 32 * 1024 * 1024;
/// Longest frame from init: two streams of 4 MiB kept output and what goes with them.
pub const MAX_INSIDE_FRAME: usize = 9 * 1024 * 1024;

#[derive(Debug, Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes is longer than allowed")]
    TooLong(usize),
    #[error("a frame of {0} bytes is too short")]
    TooShort(usize),
    #[error("message refused: {0}")]
    Message(#[from] rmp_serde::decode::Error),
}

/// One frame cut from the stream; `body` is not decoded yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub channel: u32,
    pub body: &'a [u8],
}

/// Collects bytes as they come and gives whole frames. Memory grows with what has arrived, never with a length that was only claimed.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    start: usize,
    max: usize,
}

/// What an idle reader keeps allocated, at most.
const KEEP_BYTES: usize = 64 * 1024;

impl FrameReader {
    pub fn new(max: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, max }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            if self.buffer.capacity() > KEEP_BYTES {
                self.buffer.shrink_to(KEEP_BYTES);
            }
        } else if self.start > KEEP_BYTES {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, `None` until more bytes have come.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let pending = &self.buffer[self.start..];
        let Some((length, rest)) = split_u32(pending) else { return Ok(None) };
        let length = length as usize;
        if length > self.max {
            return Err(FrameError::TooLong(length));
        }
        if length < 4 {
            return Err(FrameError::TooShort(length));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let begin = self.start + HEADER_BYTES;
        let end = self.start + 4 + length;
        let channel = split_u32(rest).map_or(0, |(channel, _)| channel);
        self.start = end;
        Ok(Some(Frame { channel, body: &self.buffer[begin..end] }))
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head), rest))
}

/// Decodes a body; bytes behind the message are refused.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    let mut rest = body;
    let message = T::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))?;
    if rest.is_empty() {
        Ok(message)
    } else {
        Err(FrameError::Message(rmp_serde::decode::Error::Syntax("bytes behind the message".into())))
    }
}

/// Appends one frame to `out`.
pub fn encode<T: Serialize>(out: &mut Vec<u8>, channel: u32, message: &T) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    // Writing into a Vec cannot fail, and no message of ours has a type that MessagePack lacks.
    rmp_serde::encode::write(out, message).expect("our messages are encodable");
    let length = (out.len() - begin - 4) as u32;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    out[begin + 4..begin + 8].copy_from_slice(&channel.to_le_bytes());
}
