//! Reading a regular file in slices.

use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fstat};
use rustix::io::{pread, retry_on_intr};
use serde_bytes::ByteBuf;

use super::entry::{from_stat, kind_of};
use super::failure::{Failure, IS_DIRECTORY, NOT_REGULAR};
use super::path::{check, is_kernel_made, open_path, open_reading};
use crate::wire::files::{Entry, EntryKind, SLICE_BYTES};

/// A file that is being read. Its end is where the file ended when it was opened: one that grows meanwhile does
/// not, and one that shrinks ends early.
#[derive(Debug)]
pub struct ReadFile {
    file: OwnedFd,
    position: u64,
    end: u64,
}

impl ReadFile {
    pub fn open(path: &[u8], offset: u64, length: Option<u64>) -> Result<(Self, Entry), Failure> {
        check(path)?;
        // Looked at before it is opened for reading: that would wake a writer that waits at a FIFO.
        refuse_irregular(&open_path(path, OFlags::empty())?)?;
        let file = open_reading(path, OFlags::empty())?;
        refuse_irregular(&file)?;
        let entry = from_stat(path.to_vec(), &fstat(&file)?);
        let end = length.map_or(entry.size_bytes, |length| entry.size_bytes.min(offset.saturating_add(length)));
        Ok((Self { file, position: offset, end }, entry))
    }

    /// The next slice, and whether it is the last.
    pub fn next_slice(&mut self) -> Result<(ByteBuf, bool), Failure> {
        let wanted = self.end.saturating_sub(self.position).min(SLICE_BYTES as u64) as usize;
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while filled < wanted {
            let at = self.position + filled as u64;
            let count = retry_on_intr(|| pread(&self.file, &mut bytes[filled..], at))?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        bytes.truncate(filled);
        self.position += filled as u64;
        Ok((ByteBuf::from(bytes), filled < wanted || self.position >= self.end))
    }
}

fn refuse_irregular(file: &OwnedFd) -> Result<(), Failure> {
    match kind_of(&fstat(file)?) {
        EntryKind::File if !is_kernel_made(file)? => Ok(()),
        EntryKind::Directory => Err(IS_DIRECTORY),
        EntryKind::File | EntryKind::Symlink | EntryKind::Fifo | EntryKind::Socket | EntryKind::Device => {
            Err(NOT_REGULAR)
        }
    }
}
