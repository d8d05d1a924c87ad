//! From a path of a request to a descriptor. The kernel resolves every path, from the root of this process.
//!
//! That root is the sandbox's, so `..` and symlinks end inside whatever they say. The links of /proc that jump to
//! open files are refused, since they would be those of init. What is then done happens relative to the opened
//! folder, so that nothing can be swapped between a check and its use.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, fchmod, fstatfs, mkdirat, openat2, statat};
use rustix::io::Errno;

use super::failure::{Failure, NAMES_NO_ENTRY, PATH_INVALID};

/// Longest path; the kernel takes as much.
pub const MAX_PATH: usize = 4095;
/// Longest name in a folder.
pub const MAX_NAME: usize = 255;
/// Mode of folders that nobody asked for by name.
pub const FOLDER_MODE: u32 = 0o755;

/// A name in an opened folder.
#[derive(Debug)]
pub struct Place {
    pub folder: OwnedFd,
    pub name: Vec<u8>,
}

impl Place {
    /// What is there, symlinks not followed.
    pub fn stat(&self) -> rustix::io::Result<Stat> {
        statat(&self.folder, self.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
    }
}

/// Absolute, without NUL, and no longer than the kernel takes.
pub fn check(path: &[u8]) -> Result<(), Failure> {
    let fits = path.first() == Some(&b'/')
        && path.len() <= MAX_PATH
        && !path.contains(&0)
        && path.split(|byte| *byte == b'/').all(|name| name.len() <= MAX_NAME);
    if fits { Ok(()) } else { Err(PATH_INVALID) }
}

/// Folder and last name. `/`, and what ends in `.` or `..`, has no name that could be taken away or put there.
pub fn split(path: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    check(path)?;
    let end = path.iter().rposition(|byte| *byte != b'/').ok_or(NAMES_NO_ENTRY)? + 1;
    let start = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    match &path[start..end] {
        b"." | b".." => Err(NAMES_NO_ENTRY),
        name => Ok((&path[..start], name)),
    }
}

/// The place that `path` names; its folder must be there.
pub fn locate(path: &[u8]) -> Result<Place, Failure> {
    let (folder, name) = split(path)?;
    Ok(Place { folder: open_folder(folder)?, name: name.to_vec() })
}

/// As [`locate`], but missing folders are made.
pub fn locate_making(path: &[u8]) -> Result<Place, Failure> {
    let (folder, name) = split(path)?;
    Ok(Place { folder: open_or_make(folder, FOLDER_MODE)?, name: name.to_vec() })
}

/// Opens without reading or writing: neither blocks nor has an effect, whatever is there.
pub fn open_path(path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
}

pub fn open_folder(path: &[u8]) -> rustix::io::Result<OwnedFd> {
    open_path(path, OFlags::DIRECTORY)
}

/// Opens for reading. Never blocks; the caller checks what it has got.
pub fn open_reading(path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
}

/// The folder, made where it is missing: itself with `mode`, those above it with [`FOLDER_MODE`].
pub fn open_or_make(path: &[u8], mode: u32) -> Result<OwnedFd, Failure> {
    match open_folder(path) {
        Err(Errno::NOENT) => {}
        found => return Ok(found?),
    }
    let mut here = open_folder(b"/")?;
    let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        let mode = if names.peek().is_some() { FOLDER_MODE } else { mode };
        here = enter_or_make(&here, name, mode)?;
    }
    Ok(here)
}

fn enter_or_make(folder: &OwnedFd, name: &[u8], mode: u32) -> rustix::io::Result<OwnedFd> {
    let enter = |flags| openat2(folder, name, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    match enter(OFlags::PATH | OFlags::DIRECTORY) {
        Err(Errno::NOENT) => {}
        found => return found,
    }
    match mkdirat(folder, name, Mode::RWXU) {
        Ok(()) => {
            // The exact mode, which the umask must not touch.
            let made = enter(OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW)?;
            fchmod(&made, Mode::from_raw_mode(mode))?;
            Ok(made)
        }
        // Made by somebody else in between; or a symlink to nowhere, and then it is not found again.
        Err(Errno::EXIST) => enter(OFlags::PATH | OFlags::DIRECTORY),
        Err(other) => Err(other),
    }
}

const PROC: u64 = libc::PROC_SUPER_MAGIC as u64;
const SYSFS: u64 = 0x6265_6572;
const CGROUP: u64 = libc::CGROUP_SUPER_MAGIC as u64;
const CGROUP2: u64 = libc::CGROUP2_SUPER_MAGIC as u64;

/// Whether the kernel makes up what is read there according to who reads: init may look into itself
/// (`/proc/1/maps`), its clients may not.
pub fn is_kernel_made(file: impl AsFd) -> rustix::io::Result<bool> {
    Ok(matches!(fstatfs(file)?.f_type as u64, PROC | SYSFS | CGROUP | CGROUP2))
}
