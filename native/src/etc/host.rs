//! Reading the host's tree, confined to its root folder.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, RawMode, ResolveFlags, fstat, open, readlinkat};
use rustix::io::Errno;

use crate::sys::open_confined;

use super::{At, EtcError};

/// All paths given to its methods are relative to its root.
#[derive(Debug)]
pub(super) struct Host {
    root: OwnedFd,
    /// As the kernel names it.
    path: PathBuf,
}

/// Something of the host that was found at a path, before it is opened for reading.
#[derive(Debug)]
pub(super) struct Found {
    fd: OwnedFd,
    pub kind: FileType,
    mode: RawMode,
}

impl Found {
    /// Everyone may read the file, or list and enter the folder.
    pub fn is_public(&self) -> bool {
        let needed = if self.kind == FileType::Directory { 0o005 } else { 0o004 };
        self.mode & needed == needed
    }

    pub fn is_executable(&self) -> bool {
        self.mode & 0o001 != 0
    }
}

impl Host {
    pub fn open(root: &Path) -> Result<Self, EtcError> {
        let fd = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).at(root)?;
        let path = path_of(&fd).at(root)?;
        Ok(Self { root: fd, path })
    }

    /// What is at `path`, with no symlink followed; `None` where nothing is.
    pub fn find(&self, path: &Path) -> Result<Option<Found>, EtcError> {
        self.look(path, OFlags::PATH | OFlags::NOFOLLOW, ResolveFlags::NO_SYMLINKS)
    }

    /// A regular file, opened for reading. `None` where it is another kind by now, or not public.
    pub fn read(&self, path: &Path) -> Result<Option<(File, Found)>, EtcError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(found) = self.look(path, flags, ResolveFlags::NO_SYMLINKS)? else { return Ok(None) };
        if found.kind != FileType::RegularFile || !found.is_public() {
            return Ok(None);
        }
        let file = File::from(found.fd.try_clone().at(path)?);
        Ok(Some((file, found)))
    }

    /// The names in a folder, sorted.
    pub fn list(&self, path: &Path) -> Result<Vec<OsString>, EtcError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = open_confined(&self.root, path, flags, ResolveFlags::NO_SYMLINKS).at(path)?;
        let mut names = Vec::new();
        for entry in Dir::new(fd).at(path)? {
            let entry = entry.at(path)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The text of a symlink.
    pub fn link_text(&self, link: &Found, path: &Path) -> Result<PathBuf, EtcError> {
        let text = readlinkat(&link.fd, c"", Vec::new()).at(path)?;
        Ok(OsString::from_vec(text.into_bytes()).into())
    }

    /// Where `path` ends when all symlinks are followed as inside the root, if everyone of the host may read that.
    pub fn resolve(&self, path: &Path) -> Result<Option<(PathBuf, Found)>, EtcError> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let Some(found) = self.look(path, OFlags::PATH, resolve)? else { return Ok(None) };
        let absolute = path_of(&found.fd).at(path)?;
        let Ok(inside) = absolute.strip_prefix(&self.path) else { return Ok(None) };
        let public = found.is_public() && self.is_reachable(inside)?;
        Ok(public.then(|| (inside.to_owned(), found)))
    }

    /// Everyone may enter all folders above `path`.
    fn is_reachable(&self, path: &Path) -> Result<bool, EtcError> {
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            if self.find(folder)?.is_none_or(|found| found.mode & 0o001 == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn look(&self, path: &Path, flags: OFlags, resolve: ResolveFlags) -> Result<Option<Found>, EtcError> {
        match open_confined(&self.root, path, flags, resolve) {
            Ok(fd) => {
                let stat = fstat(&fd).at(path)?;
                Ok(Some(Found { fd, kind: FileType::from_raw_mode(stat.st_mode), mode: stat.st_mode }))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::ACCESS | Errno::NXIO) => Ok(None),
            Err(error) => Err(error).at(path),
        }
    }
}

fn path_of(fd: &impl AsFd) -> rustix::io::Result<PathBuf> {
    let name = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let text = readlinkat(rustix::fs::CWD, name, Vec::new())?;
    Ok(OsString::from_vec(text.into_bytes()).into())
}
