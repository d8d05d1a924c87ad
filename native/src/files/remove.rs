//! Removing files and whole trees.
//!
//! A tree is walked by descriptors, one open at a time: down by name without following symlinks or crossing mounts,
//! up by `..`, which must lead to the very folder that was come from. No names are kept: after each way up the
//! folder is read again from its start, where the emptied child now is one that can go. So neither the depth nor
//! the width of a tree costs more than eight bytes a level.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, fstat, openat2, unlinkat};
use rustix::io::Errno;

use super::failure::{Failure, MOUNT_POINT, MOVED_AWAY, TAKES_TOO_LONG};
use super::path::locate;
use crate::sys::monotonic_us;

/// Init serves nobody else meanwhile, and whoever fills the tree as fast as it empties could keep it for ever.
/// A million files go in two seconds.
const LIMIT_US: u64 = 10_000_000;

/// Removes what `path` names; a symlink itself, not its target. A folder that is not empty wants `recursive`.
/// Stops at the first failure. What was removed until then stays removed.
pub fn remove(path: &[u8], recursive: bool) -> Result<(), Failure> {
    let place = locate(path)?;
    match remove_one(&place.folder, &place.name, None)? {
        Removed::Gone => Ok(()),
        Removed::NotEmpty if recursive => {
            empty(enter(&place.folder, &place.name)?)?;
            Ok(unlinkat(&place.folder, place.name.as_slice(), AtFlags::REMOVEDIR)?)
        }
        Removed::NotEmpty => Err(Errno::NOTEMPTY.into()),
    }
}

enum Removed {
    Gone,
    NotEmpty,
}

/// A name that is gone already, in a tree that is being removed, is what was wanted.
fn remove_one(folder: &OwnedFd, name: &[u8], kind: Option<FileType>) -> Result<Removed, Failure> {
    if kind != Some(FileType::Directory) {
        match unlinkat(folder, name, AtFlags::empty()) {
            Ok(()) => return Ok(Removed::Gone),
            Err(Errno::NOENT) if kind.is_some() => return Ok(Removed::Gone),
            Err(Errno::ISDIR) => {}
            Err(Errno::BUSY) => return Err(MOUNT_POINT),
            Err(other) => return Err(other.into()),
        }
    }
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(Removed::Gone),
        Err(Errno::NOENT) if kind.is_some() => Ok(Removed::Gone),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Removed::NotEmpty),
        Err(Errno::BUSY) => Err(MOUNT_POINT),
        Err(other) => Err(other.into()),
    }
}

fn enter(folder: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Failure> {
    let stay = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    open(folder, name, stay)
}

fn leave(folder: &OwnedFd) -> Result<OwnedFd, Failure> {
    open(folder, b"..", ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS)
}

fn open(folder: &OwnedFd, name: &[u8], resolve: ResolveFlags) -> Result<OwnedFd, Failure> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat2(folder, name, flags, Mode::empty(), resolve) {
        Err(Errno::XDEV) => Err(MOUNT_POINT),
        opened => Ok(opened?),
    }
}

/// Removes everything in a folder.
fn empty(top: OwnedFd) -> Result<(), Failure> {
    let until = monotonic_us() + LIMIT_US;
    let mut here = top;
    let mut above = Vec::new();
    loop {
        match remove_until_full_child(&here, until)? {
            Some(child) => {
                above.push(fstat(&here)?.st_ino);
                here = child;
            }
            None => {
                let Some(inode) = above.pop() else { return Ok(()) };
                here = leave(&here)?;
                if fstat(&here)?.st_ino != inode {
                    return Err(MOVED_AWAY);
                }
            }
        }
    }
}

/// Removes entries of a folder up to the first that is itself a folder with something in it, which it opens.
fn remove_until_full_child(folder: &OwnedFd, until: u64) -> Result<Option<OwnedFd>, Failure> {
    loop {
        rustix::fs::seek(folder, rustix::fs::SeekFrom::Start(0))?;
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut entries = RawDir::new(folder, &mut space);
        let mut found = false;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if monotonic_us() > until {
                return Err(TAKES_TOO_LONG);
            }
            found = true;
            if let Removed::NotEmpty = remove_one(folder, name, Some(entry.file_type()))? {
                return enter(folder, name).map(Some);
            }
        }
        // Once more until nothing is seen: entries that go may hide others from a reader on its way.
        if !found {
            return Ok(None);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_that_turned_into_a_symlink_since_it_was_seen_is_not_entered() {
        let path = std::env::temp_dir().join(format!("atoll-enter-{}", std::process::id()));
        std::fs::create_dir_all(path.join("folder/child")).unwrap();
        symlink("folder", path.join("link")).unwrap();
        symlink("/", path.join("folder/root")).unwrap();
        let folder = OwnedFd::from(std::fs::File::open(&path).unwrap());
        let entered = ["folder", "link", "folder/root", ".."].map(|name| enter(&folder, name.as_bytes()).is_ok());
        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!(entered, [true, false, false, false]);
    }
}
