//! A stream cut into frames is the same stream, however it arrives.
#![no_main]

use atoll_box::wire::frame::FrameReader;
use libfuzzer_sys::fuzz_target;

const MAX: usize = 64 * 1024;

/// Channels and bodies up to the end or the first error, and whether there was one.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<(u32, Vec<u8>)>, bool) {
    let mut reader = FrameReader::new(MAX);
    let mut frames = Vec::new();
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push((frame.channel, frame.body.to_vec())),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let at_once = cut(std::iter::once(stream));
    assert!(at_once.0.iter().all(|(_, body)| body.len() <= MAX));
    assert_eq!(cut(stream.chunks(usize::from(size) + 1)), at_once);
});
