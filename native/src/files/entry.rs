//! What there is to know about a file, as the wire tells it.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Stat, fstat, readlinkat};
use serde_bytes::ByteBuf;

use super::failure::Failure;
use super::path::is_kernel_made;
use crate::wire::files::{Entry, EntryKind};

pub fn kind_of(stat: &Stat) -> EntryKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        FileType::Fifo => EntryKind::Fifo,
        FileType::Socket => EntryKind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => EntryKind::Device,
    }
}

/// The entry for `path`, of which `stat` was taken.
pub fn from_stat(path: Vec<u8>, stat: &Stat) -> Entry {
    Entry {
        path: ByteBuf::from(path),
        kind: kind_of(stat),
        size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        modified_at_ms: stat.st_mtime.saturating_mul(1000).saturating_add(stat.st_mtime_nsec as i64 / 1_000_000),
        link_target: None,
    }
}

/// The entry for what is open, which may be a symlink itself. Those of /proc show no target: it would be what
/// init sees.
pub fn from_open(path: Vec<u8>, file: &OwnedFd) -> Result<Entry, Failure> {
    let mut entry = from_stat(path, &fstat(file)?);
    if entry.kind == EntryKind::Symlink && !is_kernel_made(file)? {
        let target = readlinkat(file, "", Vec::new())?;
        entry.link_target = Some(ByteBuf::from(target.into_bytes()));
    }
    Ok(entry)
}
