//! Listing folders, a page at a time.
//!
//! Entries come in the order of the bytes of their whole paths, and a page is what follows `after` in that order.
//! In it `/a` comes before `/a-b`, and that before `/a/c`: a folder and what is in it are two places. So a folder
//! counts as two keys, its name and its name with a slash, and walking the sorted keys of each folder depth first
//! yields the order of all paths.
//!
//! Of a folder only those keys are kept that can still get on the page, so memory is bounded by the page and the
//! length of a path; time by the number of entries in the folders that the page touches.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;

use super::entry::from_open;
use super::failure::{Failure, KEEPS_CHANGING, KERNEL_MADE};
use super::list_keys::{FirstKeys, Folder, Pending, is_walk};
use super::path::{MAX_PATH, check, is_kernel_made, open_reading};
use crate::wire::files::{Entry, FileReply, MAX_ENTRIES};

/// Bytes of paths after which a page is full, whatever its limit.
const PAGE_BYTES: usize = 512 * 1024;
/// A page may find that all it was going to show is gone, and then reads on from there. Somebody who removes a
/// thousand files each time is not waited for.
const MAX_ROUNDS: u32 = 8;

/// `depth` 1 is the folder's own entries, 0 none. Symlinks are not walked, nor are file systems of the kernel's
/// making, nor folders that the user may not read. Paths too long to be asked for are left out.
pub fn list(path: &[u8], depth: u32, after: Option<&[u8]>, limit: u32) -> Result<FileReply, Failure> {
    check(path)?;
    let top = open_reading(path, OFlags::DIRECTORY)?;
    if is_kernel_made(&top)? {
        return Err(KERNEL_MADE);
    }
    let mut prefix = path[..path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1)].to_vec();
    prefix.push(b'/');
    let limit = limit.min(MAX_ENTRIES) as usize;
    let mut page =
        Page { top, prefix, depth, limit, after: after.unwrap_or_default().to_vec(), entries: Vec::new(), bytes: 0 };
    for _ in 0..MAX_ROUNDS {
        if let Some(more) = page.fill()? {
            return Ok(FileReply::Entries { entries: page.entries, more });
        }
    }
    Err(KEEPS_CHANGING)
}

struct Page {
    top: OwnedFd,
    /// Of every path of the page; ends in a slash.
    prefix: Vec<u8>,
    depth: u32,
    limit: usize,
    after: Vec<u8>,
    entries: Vec<Entry>,
    bytes: usize,
}

impl Page {
    /// Whether there is more behind the page; `None` when it must be filled on from `after`.
    fn fill(&mut self) -> Result<Option<bool>, Failure> {
        let mut pending = Pending::default();
        if self.depth > 0 {
            self.walk(Folder { path: Vec::new(), depth: 1 }, &mut pending)?;
        }
        while let Some(key) = pending.take_first() {
            if is_walk(&key.bytes) {
                self.walk(Folder { path: key.path(), depth: key.folder.depth + 1 }, &mut pending)?;
                continue;
            }
            let path = key.path();
            let full = [self.prefix.as_slice(), &path].concat();
            if let Some(entry) = self.entry(&path, &full)? {
                if self.is_full() {
                    return Ok(Some(true));
                }
                self.bytes += full.len() + entry.link_target.as_ref().map_or(0, |target| target.len());
                self.entries.push(entry);
            }
            self.after = full;
        }
        Ok(if pending.cut { None } else { Some(false) })
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.bytes >= PAGE_BYTES
    }

    fn entry(&self, path: &[u8], full: &[u8]) -> Result<Option<Entry>, Failure> {
        match self.open(path, OFlags::PATH) {
            Ok(file) => from_open(full.to_vec(), &file).map(Some),
            Err(errno) if passes_by(errno) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens something below the top without following any symlink.
    fn open(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = if path.is_empty() { b"." } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        crate::sys::open_confined(&self.top, path, flags | OFlags::NOFOLLOW, resolve)
    }

    /// Goes into a folder: its keys are the next ones.
    fn walk(&self, folder: Folder, pending: &mut Pending) -> Result<(), Failure> {
        let opened = match self.open(&folder.path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(errno) if passes_by(errno) => return Ok(()),
            opened => opened?,
        };
        if is_kernel_made(&opened)? {
            return Ok(());
        }
        // One more than fits tells whether there is more.
        let mut first = FirstKeys::new(self.limit + 1 - self.entries.len());
        self.read_keys(&opened, &folder, &mut first)?;
        pending.put_before(folder, first);
        Ok(())
    }

    fn read_keys(&self, opened: &OwnedFd, folder: &Folder, first: &mut FirstKeys) -> Result<(), Failure> {
        let begin = [self.prefix.as_slice(), &folder.path].concat();
        let after = match self.after.strip_prefix(begin.as_slice()) {
            Some(rest) => rest,
            None if begin.as_slice() > self.after.as_slice() => b"",
            None => return Ok(()),
        };
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut entries = RawDir::new(opened, &mut space);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                // The folder itself was removed.
                Err(Errno::NOENT) => return Ok(()),
                entry => entry?,
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") || begin.len() + name.len() > MAX_PATH {
                continue;
            }
            if name > after {
                first.offer(name.to_vec());
            }
            let may_be_folder = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
            if may_be_folder && folder.depth < self.depth {
                let walk = [name, b"/"].concat();
                if walk.as_slice() > after || after.starts_with(&walk) {
                    first.offer(walk);
                }
            }
        }
        Ok(())
    }
}

/// What was there a moment ago and is not, or not for this user, is passed by.
fn passes_by(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::NAMETOOLONG)
}
