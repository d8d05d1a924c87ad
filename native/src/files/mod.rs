//! File operations, done by PID 1 inside the sandbox with the file-system ids of its user.
//!
//! Theory of operation: the sandbox's root is the root of this process, so the kernel itself resolves every path
//! to something inside ([`path`]). Ids change for the length of one operation ([`identity`]). Nothing here waits
//! for another process: opens do not block, and only regular files are read or written. Rights are those of the
//! user alone; user 0 in the namespace has no capability over the files of others here.

mod entry;
mod failure;
mod handles;
mod identity;
mod list;
mod list_keys;
mod path;
mod put;
mod read;
mod remove;

use rustix::fs::{OFlags, RenameFlags, renameat, renameat_with};
use rustix::io::Errno;

use crate::wire::files::{FileOp, FileReply};
use failure::{EXISTS, Failure};
use handles::{Handle, Handles};
use identity::ActingAs;
use put::{GRANTABLE_MODE, PutFile};
use read::ReadFile;

/// The file operations of one sandbox, with the files that are open between them.
#[derive(Debug)]
pub struct Files {
    uid: u32,
    gid: u32,
    handles: Handles,
}

impl Files {
    /// `uid` and `gid`: who operations run as. The process must have these ids or CAP_SETUID and CAP_SETGID.
    pub fn new(uid: u32, gid: u32) -> Self {
        Self { uid, gid, handles: Handles::default() }
    }

    /// Performs one operation. Every failure is the reply `Error`; the ids of the process are its own afterwards.
    pub fn perform(&mut self, op: FileOp) -> FileReply {
        let done = ActingAs::new(self.uid, self.gid).and_then(|_guard| self.dispatch(op));
        done.unwrap_or_else(FileReply::from)
    }

    fn dispatch(&mut self, op: FileOp) -> Result<FileReply, Failure> {
        match op {
            FileOp::Stat { path, follow } => stat(&path, follow),
            FileOp::List { path, depth, after, limit } => {
                list::list(&path, depth, after.as_ref().map(|after| after.as_slice()), limit)
            }
            FileOp::Open { path, offset, length } => self.open(&path, offset, length),
            FileOp::Next { handle } => self.next(handle),
            FileOp::Put { path, mode, bytes, last } => self.put(&path, mode, &bytes, last),
            FileOp::Append { handle, bytes, last } => self.append(handle, &bytes, last),
            FileOp::Close { handle } => {
                self.handles.close(handle);
                Ok(FileReply::Done)
            }
            FileOp::CloseAll => {
                self.handles.close_all();
                Ok(FileReply::Done)
            }
            FileOp::Remove { path, recursive } => remove::remove(&path, recursive).map(|()| FileReply::Done),
            FileOp::Mkdir { path, mode } => make_folder(&path, mode),
            FileOp::Move { from, to, overwrite } => rename(&from, &to, overwrite),
        }
    }

    fn open(&mut self, path: &[u8], offset: u64, length: Option<u64>) -> Result<FileReply, Failure> {
        let (mut file, entry) = ReadFile::open(path, offset, length)?;
        let (bytes, eof) = file.next_slice()?;
        let handle = if eof { None } else { Some(self.handles.keep(Handle::Read(file))?) };
        Ok(FileReply::Opened { entry, bytes, handle })
    }

    /// A handle whose file cannot be read on is closed.
    fn next(&mut self, handle: u32) -> Result<FileReply, Failure> {
        let slice = self.handles.reading(handle)?.next_slice();
        if !matches!(slice, Ok((_, false))) {
            self.handles.close(handle);
        }
        slice.map(|(bytes, eof)| FileReply::Data { bytes, eof })
    }

    fn put(&mut self, path: &[u8], mode: Option<u32>, bytes: &[u8], last: bool) -> Result<FileReply, Failure> {
        if !last {
            self.handles.room()?;
        }
        let mut file = PutFile::create(path, mode)?;
        file.append(bytes)?;
        if last {
            return placed(file);
        }
        let handle = self.handles.keep(Handle::Put(file))?;
        Ok(FileReply::Put { handle: Some(handle), entry: None })
    }

    /// A handle whose file cannot be written on is closed, and nothing of the file is left.
    fn append(&mut self, handle: u32, bytes: &[u8], last: bool) -> Result<FileReply, Failure> {
        let mut file = self.handles.take_put(handle)?;
        file.append(bytes)?;
        if last {
            return placed(file);
        }
        self.handles.put_back(handle, file);
        Ok(FileReply::Put { handle: Some(handle), entry: None })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Unfinished files are removed by who has made them.
        self.perform(FileOp::CloseAll);
    }
}

fn placed(file: PutFile) -> Result<FileReply, Failure> {
    Ok(FileReply::Put { handle: None, entry: Some(file.finish()?) })
}

fn stat(path: &[u8], follow: bool) -> Result<FileReply, Failure> {
    path::check(path)?;
    let flags = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let file = path::open_path(path, flags)?;
    Ok(FileReply::Entry { entry: entry::from_open(path.to_vec(), &file)? })
}

fn make_folder(path: &[u8], mode: Option<u32>) -> Result<FileReply, Failure> {
    path::check(path)?;
    let mode = mode.unwrap_or(path::FOLDER_MODE) & GRANTABLE_MODE;
    match path::open_or_make(path, mode) {
        Ok(_) => Ok(FileReply::Done),
        // The path itself, or one above it?
        Err(failure) if failure.errno == Some(Errno::NOTDIR) => {
            Err(if path::open_path(path, OFlags::NOFOLLOW).is_ok() { EXISTS } else { failure })
        }
        Err(failure) => Err(failure),
    }
}

fn rename(from: &[u8], to: &[u8], overwrite: bool) -> Result<FileReply, Failure> {
    let (from, to) = (path::locate(from)?, path::locate(to)?);
    let (old, new) = (from.name.as_slice(), to.name.as_slice());
    if overwrite {
        renameat(&from.folder, old, &to.folder, new)?;
    } else {
        renameat_with(&from.folder, old, &to.folder, new, RenameFlags::NOREPLACE)?;
    }
    Ok(FileReply::Done)
}
