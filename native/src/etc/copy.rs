//! The walk over the host's `/etc`, and the folder that is being made.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::allow::{Reach, reach};
use super::host::{Found, Host};
use super::link::{Fate, fate};
use super::{At, EtcError, MAX_BYTES, MAX_ENTRIES};

/// The new folder, with what may still go into it. Paths are relative to it.
#[derive(Debug)]
pub(super) struct Output {
    root: PathBuf,
    bytes_left: u64,
    entries_left: u32,
}

impl Output {
    /// Makes the folder; it must not exist.
    pub fn create(root: &Path) -> Result<Self, EtcError> {
        let mut out = Self { root: root.to_owned(), bytes_left: MAX_BYTES, entries_left: MAX_ENTRIES };
        out.folder(Path::new(""))?;
        Ok(out)
    }

    /// A folder whose parent is there already.
    pub fn folder(&mut self, path: &Path) -> Result<(), EtcError> {
        let place = self.place(path)?;
        fs::create_dir(&place).at(&place)?;
        fs::set_permissions(&place, Permissions::from_mode(0o755)).at(&place)
    }

    pub fn file(&mut self, path: &Path, content: impl Read, executable: bool) -> Result<(), EtcError> {
        let place = self.place(path)?;
        let mut file = File::create_new(&place).at(&place)?;
        let copied = io::copy(&mut content.take(self.bytes_left + 1), &mut file).at(&place)?;
        self.bytes_left = self.bytes_left.checked_sub(copied).ok_or(EtcError::TooLarge { path: path.to_owned() })?;
        file.set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 })).at(&place)?;
        file.flush().at(&place)
    }

    pub fn link(&mut self, path: &Path, text: &Path) -> Result<(), EtcError> {
        let place = self.place(path)?;
        symlink(text, &place).at(&place)
    }

    /// Takes an entry from the budget.
    fn place(&mut self, path: &Path) -> Result<PathBuf, EtcError> {
        self.entries_left =
            self.entries_left.checked_sub(1).ok_or_else(|| EtcError::TooLarge { path: path.to_owned() })?;
        Ok(self.root.join(path))
    }
}

/// Copies what is on the allow-list and public.
pub(super) fn public_files(host: &Host, out: &mut Output) -> Result<(), EtcError> {
    folder(host, Path::new(""), out)
}

/// `path`, here and below, is relative to `/etc`.
fn folder(host: &Host, path: &Path, out: &mut Output) -> Result<(), EtcError> {
    for name in host.list(&in_host(path))? {
        let path = path.join(name);
        let reach = reach(&path);
        if reach == Reach::Outside {
            continue;
        }
        let Some(found) = host.find(&in_host(&path))? else { continue };
        if found.kind == FileType::Directory && found.is_public() {
            out.folder(&path)?;
            folder(host, &path, out)?;
        } else if found.kind == FileType::RegularFile && reach == Reach::Covered {
            file(host, &in_host(&path), &path, out)?;
        } else if found.kind == FileType::Symlink && reach == Reach::Covered {
            link(host, &found, &path, out)?;
        }
    }
    Ok(())
}

fn file(host: &Host, from: &Path, path: &Path, out: &mut Output) -> Result<(), EtcError> {
    match host.read(from)? {
        Some((content, found)) => out.file(path, content, found.is_executable()),
        None => Ok(()),
    }
}

fn link(host: &Host, found: &Found, path: &Path, out: &mut Output) -> Result<(), EtcError> {
    match fate(host, found, &in_host(path))? {
        Fate::Keep(text) => out.link(path, &text),
        Fate::Copy(end) => file(host, &end, path, out),
        Fate::Drop => Ok(()),
    }
}

fn in_host(path: &Path) -> PathBuf {
    Path::new("etc").join(path)
}
