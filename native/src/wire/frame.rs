//! Cuts a byte stream into frames, and makes frames.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// `length` and `channel`.
pub const HEADER_BYTES: usize = 8;
const CHANNEL_BYTES: usize = 4;
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

/// Collects bytes as they come and gives whole frames. Memory grows with what has arrived, never with a length that
/// was only claimed. Frames are to be taken until there is none: that is when their memory is given back.
/// After an error the stream cannot be read on.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    start: usize,
    max: usize,
    keep: usize,
}

/// What an idle reader keeps allocated, at most: there is one for each of ten thousand sandboxes.
const KEEP_BYTES: usize = 16 * 1024;

impl FrameReader {
    pub fn new(max: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, max, keep: KEEP_BYTES }
    }

    /// For the one busy link: memory that is given back and taken again costs a millisecond a megabyte.
    pub fn keeping(self, bytes: usize) -> Self {
        Self { keep: bytes, ..self }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, `None` until more bytes have come.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let pending = &self.buffer[self.start..];
        let Some((length, rest)) = split_u32(pending) else {
            self.reclaim();
            return Ok(None);
        };
        let length = length as usize;
        if length > self.max {
            return Err(FrameError::TooLong(length));
        }
        if length < CHANNEL_BYTES {
            return Err(FrameError::TooShort(length));
        }
        if rest.len() < length {
            self.reclaim();
            return Ok(None);
        }
        let begin = self.start + HEADER_BYTES;
        let end = begin - CHANNEL_BYTES + length;
        let channel = split_u32(rest).map_or(0, |(channel, _)| channel);
        self.start = end;
        Ok(Some(Frame { channel, body: &self.buffer[begin..end] }))
    }

    /// Takes the read frames out of the buffer, once for all that came together.
    fn reclaim(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() <= self.keep {
            self.buffer.shrink_to(self.keep);
        }
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
    let length = (out.len() - begin - CHANNEL_BYTES) as u32;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    out[begin + 4..begin + HEADER_BYTES].copy_from_slice(&channel.to_le_bytes());
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn frame(channel: u32, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, channel, &text);
        bytes
    }

    fn taken(reader: &mut FrameReader) -> Vec<(u32, String)> {
        let mut all = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            all.push((frame.channel, decode(frame.body).unwrap()));
        }
        all
    }

    #[test]
    fn frames_come_whole_however_the_stream_is_cut() {
        let stream = [frame(1, "one"), frame(u32::MAX, ""), frame(3, &"x".repeat(300))].concat();
        for size in 1..stream.len() {
            let mut reader = FrameReader::new(1000);
            let mut all = Vec::new();
            for piece in stream.chunks(size) {
                reader.push(piece);
                all.extend(taken(&mut reader));
            }
            assert_eq!(all, [(1, "one".to_owned()), (u32::MAX, String::new()), (3, "x".repeat(300))]);
        }
    }

    #[test]
    fn a_frame_of_just_the_longest_length_is_taken_and_one_byte_more_is_refused_before_it_comes() {
        let longest = frame(0, &"x".repeat(100));
        let mut reader = FrameReader::new(longest.len() - 4);
        reader.push(&longest);
        assert_eq!(taken(&mut reader).len(), 1);
        let mut reader = FrameReader::new(longest.len() - 5);
        reader.push(&longest[..4]);
        assert!(matches!(reader.next_frame(), Err(FrameError::TooLong(length)) if length == longest.len() - 4));
    }

    #[test]
    fn a_length_without_room_for_the_channel_is_refused() {
        for length in 0..4u32 {
            let mut reader = FrameReader::new(100);
            reader.push(&length.to_le_bytes());
            assert!(matches!(reader.next_frame(), Err(FrameError::TooShort(_))));
        }
    }

    #[test]
    fn an_empty_body_is_a_frame_but_no_message() {
        let mut reader = FrameReader::new(100);
        reader.push(&[4, 0, 0, 0, 9, 0, 0, 0]);
        assert_eq!(reader.next_frame().unwrap(), Some(Frame { channel: 9, body: &[] }));
        assert!(decode::<String>(&[]).is_err());
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut reader = FrameReader::new(MAX_SERVER_FRAME);
        reader.push(&(MAX_SERVER_FRAME as u32).to_le_bytes());
        assert!(reader.next_frame().unwrap().is_none());
        assert!(reader.buffer.capacity() < 100);
    }

    #[test]
    fn a_reader_gives_the_memory_of_a_long_frame_back_when_it_has_been_taken() {
        let mut reader = FrameReader::new(MAX_SERVER_FRAME);
        reader.push(&frame(1, &"x".repeat(1 << 20)));
        reader.push(&frame(2, "next")[..6]);
        assert_eq!(taken(&mut reader).len(), 1);
        assert!(reader.buffer.capacity() <= KEEP_BYTES);
        reader.push(&frame(2, "next")[6..]);
        assert_eq!(taken(&mut reader), [(2, "next".to_owned())]);
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        let mut body = frame(0, "text").split_off(HEADER_BYTES);
        assert_eq!(decode::<String>(&body).unwrap(), "text");
        body.push(0xc0);
        assert!(decode::<String>(&body).is_err());
    }
}
