//! Writing a file, whole or not at all.
//!
//! The bytes go to a temporary file in the same folder. With the last of them it takes the place of the target by
//! rename, so a reader sees the old content or the new, and a hard link or a file in use elsewhere keeps the old.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, fchmod, fstat, openat2, renameat, unlinkat};
use rustix::io::{Errno, retry_on_intr, write};
use rustix::rand::{GetRandomFlags, getrandom};

use super::entry::{from_stat, kind_of};
use super::failure::{Failure, IS_DIRECTORY, NOT_REGULAR, SLICE_TOO_LONG};
use super::path::{Place, locate_making};
use crate::wire::files::{Entry, EntryKind, SLICE_BYTES};

const FILE_MODE: u32 = 0o644;
/// No set-user-id, set-group-id or sticky bit is ever given.
pub const GRANTABLE_MODE: u32 = 0o777;

/// A file that is being written. Dropped unfinished it leaves nothing behind.
#[derive(Debug)]
pub struct PutFile {
    path: Vec<u8>,
    target: Place,
    mode: u32,
    temporary: Temporary,
}

impl PutFile {
    /// Makes the folders above `path` and the temporary file.
    pub fn create(path: &[u8], mode: Option<u32>) -> Result<Self, Failure> {
        if path.ends_with(b"/") {
            return Err(IS_DIRECTORY);
        }
        let target = locate_making(path)?;
        let old = mode_of_replaced(&target)?;
        let mode = mode.or(old).unwrap_or(FILE_MODE) & GRANTABLE_MODE;
        let temporary = Temporary::beside(&target)?;
        Ok(Self { path: path.to_vec(), target, mode, temporary })
    }

    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() > SLICE_BYTES {
            return Err(SLICE_TOO_LONG);
        }
        while !bytes.is_empty() {
            let written = retry_on_intr(|| write(&self.temporary.file, bytes))?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<Entry, Failure> {
        fchmod(&self.temporary.file, Mode::from_raw_mode(self.mode))?;
        let entry = from_stat(std::mem::take(&mut self.path), &fstat(&self.temporary.file)?);
        // Once more: the first look may be minutes ago. What slips in now is replaced, never followed.
        mode_of_replaced(&self.target)?;
        renameat(
            &self.target.folder,
            self.temporary.name.as_slice(),
            &self.target.folder,
            self.target.name.as_slice(),
        )?;
        self.temporary.placed = true;
        Ok(entry)
    }
}

impl Drop for PutFile {
    fn drop(&mut self) {
        if !self.temporary.placed {
            // Whoever has taken it away already has done what is wanted here.
            let _ = unlinkat(&self.target.folder, self.temporary.name.as_slice(), AtFlags::empty());
        }
    }
}

/// The mode of the regular file at the target, `None` where nothing is; anything else is refused.
fn mode_of_replaced(target: &Place) -> Result<Option<u32>, Failure> {
    let stat = match target.stat() {
        Err(Errno::NOENT) => return Ok(None),
        found => found?,
    };
    match kind_of(&stat) {
        EntryKind::File => Ok(Some(stat.st_mode)),
        EntryKind::Directory => Err(IS_DIRECTORY),
        EntryKind::Symlink | EntryKind::Fifo | EntryKind::Socket | EntryKind::Device => Err(NOT_REGULAR),
    }
}

#[derive(Debug)]
struct Temporary {
    file: OwnedFd,
    name: Vec<u8>,
    placed: bool,
}

impl Temporary {
    fn beside(target: &Place) -> Result<Self, Failure> {
        let name = random_name()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let private = Mode::RUSR | Mode::WUSR;
        let file = openat2(&target.folder, name.as_slice(), flags, private, ResolveFlags::NO_SYMLINKS)?;
        Ok(Self { file, name, placed: false })
    }
}

fn random_name() -> Result<Vec<u8>, Failure> {
    let mut random = [0; 16];
    retry_on_intr(|| getrandom(&mut random, GetRandomFlags::empty()))?;
    Ok(format!(".atoll-{:032x}", u128::from_ne_bytes(random)).into_bytes())
}
