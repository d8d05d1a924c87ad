//! What is kept of a stream of output.

/// Head and tail of a stream: the first half of what may be kept stays, the other half is always the latest.
/// Nothing is dropped before the whole is full. Memory is taken as data comes, and never more than `max` bytes.
#[derive(Debug, Default)]
pub struct HeadTail {
    head: Vec<u8>,
    head_max: usize,
    /// A ring once it is full; `oldest` is where it begins.
    tail: Vec<u8>,
    tail_max: usize,
    oldest: usize,
    dropped: u64,
}

impl HeadTail {
    /// Keeps at most `max` bytes.
    pub fn new(max: usize) -> Self {
        let tail_max = max / 2;
        Self { head_max: max - tail_max, tail_max, ..Self::default() }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = append(&mut self.head, bytes, self.head_max);
        if bytes.len() > self.tail_max {
            self.replace_tail(bytes);
            return;
        }
        let bytes = append(&mut self.tail, bytes, self.tail_max);
        self.overwrite_oldest(bytes);
    }

    /// Head and tail, joined, and how many bytes between them were dropped.
    pub fn finish(mut self) -> (Vec<u8>, u64) {
        let (newer, older) = self.tail.split_at(self.oldest);
        self.head.reserve_exact(self.tail.len());
        self.head.extend_from_slice(older);
        self.head.extend_from_slice(newer);
        (self.head, self.dropped)
    }

    /// As [`HeadTail::finish`] would give it now.
    pub fn snapshot(&self) -> (Vec<u8>, u64) {
        let (newer, older) = self.tail.split_at(self.oldest);
        ([self.head.as_slice(), older, newer].concat(), self.dropped)
    }

    /// More came at once than the tail holds.
    fn replace_tail(&mut self, bytes: &[u8]) {
        let (passed, kept) = bytes.split_at(bytes.len() - self.tail_max);
        self.dropped += (self.tail.len() + passed.len()) as u64;
        self.tail.clear();
        self.oldest = 0;
        append(&mut self.tail, kept, self.tail_max);
    }

    /// `bytes` are no more than the tail holds, and none unless it is full.
    fn overwrite_oldest(&mut self, bytes: &[u8]) {
        let to_end = bytes.len().min(self.tail_max - self.oldest);
        let (first, second) = bytes.split_at(to_end);
        self.tail[self.oldest..self.oldest + to_end].copy_from_slice(first);
        self.tail[..second.len()].copy_from_slice(second);
        self.dropped += bytes.len() as u64;
        self.oldest = match self.oldest + bytes.len() {
            next if next < self.tail_max => next,
            next => next - self.tail_max,
        };
    }
}

/// Appends what fits below `max` and gives the rest. Room doubles, as a vector's own does, but not beyond `max`.
fn append<'a>(kept: &mut Vec<u8>, bytes: &'a [u8], max: usize) -> &'a [u8] {
    let (fits, rest) = bytes.split_at(bytes.len().min(max - kept.len()));
    let needed = kept.len() + fits.len();
    if needed > kept.capacity() {
        let capacity = needed.max(kept.capacity() * 2).min(max);
        kept.reserve_exact(capacity - kept.len());
    }
    kept.extend_from_slice(fits);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is to be kept of a whole stream.
    fn expected(stream: &[u8], max: usize) -> (Vec<u8>, u64) {
        if stream.len() <= max {
            return (stream.to_vec(), 0);
        }
        let tail = &stream[stream.len() - max / 2..];
        ([&stream[..max - max / 2], tail].concat(), (stream.len() - max) as u64)
    }

    #[test]
    fn any_cut_of_any_stream_keeps_its_head_and_tail() {
        let mut state = 1u64;
        let mut roll = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % sides
        };
        for _ in 0..2000 {
            let max = roll(40);
            let mut kept = HeadTail::new(max);
            let mut stream = Vec::new();
            for _ in 0..roll(12) {
                let piece: Vec<u8> = (0..roll(30)).map(|_| roll(256) as u8).collect();
                kept.push(&piece);
                stream.extend_from_slice(&piece);
                assert_eq!(kept.snapshot(), expected(&stream, max));
            }
            assert_eq!(kept.finish(), expected(&stream, max));
        }
    }

    #[test]
    fn no_more_memory_is_taken_than_may_be_kept_and_none_before_data_comes() {
        let max = 1 << 20;
        let mut kept = HeadTail::new(max);
        assert_eq!(kept.head.capacity() + kept.tail.capacity(), 0);
        kept.push(b"short");
        assert!(kept.head.capacity() + kept.tail.capacity() < 100);
        for _ in 0..100 {
            kept.push(&[7; 30_000]);
            assert!(kept.head.capacity() + kept.tail.capacity() <= max);
        }
        let (bytes, dropped) = kept.finish();
        assert_eq!((bytes.len(), bytes.capacity(), dropped), (max, max, 3_000_005 - max as u64));
    }
}
