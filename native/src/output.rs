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
