//! The keys that a page of a list is put together from, and which of them need not be kept.

use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

/// A folder that is walked.
pub struct Folder {
    /// Below the top: empty, or ending in a slash.
    pub path: Vec<u8>,
    pub depth: u32,
}

/// A key is a name, or the name of a folder with a slash, which stands for what is in it.
pub struct Key {
    pub folder: Rc<Folder>,
    pub bytes: Vec<u8>,
}

pub fn is_walk(key: &[u8]) -> bool {
    key.last() == Some(&b'/')
}

impl Key {
    /// Below the top.
    pub fn path(&self) -> Vec<u8> {
        [self.folder.path.as_slice(), &self.bytes].concat()
    }
}

/// Keys still to come, and whether some behind them were left out.
#[derive(Default)]
pub struct Pending {
    keys: VecDeque<Key>,
    pub cut: bool,
}

impl Pending {
    pub fn take_first(&mut self) -> Option<Key> {
        self.keys.pop_front()
    }

    /// Puts the keys of a folder before all others. Keys that cannot get on the page any more are left out: it has
    /// room for as many names as `first` was made for.
    pub fn put_before(&mut self, folder: Folder, first: FirstKeys) {
        let folder = Rc::new(folder);
        for bytes in first.heap.into_sorted_vec().into_iter().rev() {
            self.keys.push_front(Key { folder: Rc::clone(&folder), bytes });
        }
        self.cut |= first.cut;
        let mut names = self.keys.iter().filter(|key| !is_walk(&key.bytes)).count();
        while names > first.room {
            if let Some(last) = self.keys.pop_back() {
                names -= usize::from(!is_walk(&last.bytes));
                self.cut = true;
            }
        }
    }
}

/// The least keys of a folder, as many as hold `room` names. Beside names there are at most as many folders, and
/// those that `after` is on its way through: no more than it has bytes.
pub struct FirstKeys {
    heap: BinaryHeap<Vec<u8>>,
    names: usize,
    room: usize,
    cut: bool,
}

impl FirstKeys {
    pub fn new(room: usize) -> Self {
        Self { heap: BinaryHeap::new(), names: 0, room, cut: false }
    }

    pub fn offer(&mut self, key: Vec<u8>) {
        if self.names >= self.room && self.heap.peek().is_some_and(|greatest| key > *greatest) {
            self.cut = true;
            return;
        }
        self.names += usize::from(!is_walk(&key));
        self.heap.push(key);
        while self.names > self.room {
            if let Some(greatest) = self.heap.pop() {
                self.names -= usize::from(!is_walk(&greatest));
                self.cut = true;
            }
        }
    }
}
