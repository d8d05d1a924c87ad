//! What the tests of file operations share.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod inside;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use atoll_box::files::Files;
use atoll_box::wire::files::{Entry, FileOp, FileReply};
use serde_bytes::ByteBuf;

/// A fresh folder that goes with its value.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("atoll-files-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Path of a name in it, as requests tell it.
    pub fn at(&self, name: impl AsRef<[u8]>) -> ByteBuf {
        bytes(&self.path(name))
    }

    pub fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.0.join(OsStr::from_bytes(name.as_ref()))
    }

    /// Permission bits of a file in it.
    pub fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// Names in it, sorted.
    pub fn names(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().as_bytes().to_vec()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// File operations of the user that the tests run as.
pub fn own_files() -> Files {
    Files::new(rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

pub fn bytes(path: &Path) -> ByteBuf {
    ByteBuf::from(path.as_os_str().as_bytes())
}

pub fn path(path: impl AsRef<[u8]>) -> ByteBuf {
    ByteBuf::from(path.as_ref())
}

pub fn put(files: &mut Files, path: ByteBuf, content: &[u8]) -> FileReply {
    files.perform(FileOp::Put { path, mode: None, bytes: ByteBuf::from(content), last: true })
}

pub fn open(files: &mut Files, path: ByteBuf) -> FileReply {
    files.perform(FileOp::Open { path, offset: 0, length: None })
}

pub fn remove(files: &mut Files, path: ByteBuf) -> FileReply {
    files.perform(FileOp::Remove { path, recursive: true })
}

pub fn stat(files: &mut Files, path: ByteBuf) -> FileReply {
    files.perform(FileOp::Stat { path, follow: false })
}

pub fn list(files: &mut Files, path: ByteBuf, depth: u32) -> FileReply {
    files.perform(FileOp::List { path, depth, after: None, limit: 1000 })
}

/// The code of a failure; any success is told in full.
pub fn code(reply: FileReply) -> String {
    match reply {
        FileReply::Error { code, .. } => code,
        success => format!("{success:?}"),
    }
}

pub fn entry(reply: FileReply) -> Entry {
    match reply {
        FileReply::Entry { entry } | FileReply::Put { entry: Some(entry), .. } => entry,
        other => panic!("no entry: {other:?}"),
    }
}

/// Everything of a file, by as many slices as it takes.
pub fn content(files: &mut Files, path: ByteBuf) -> Vec<u8> {
    let FileReply::Opened { bytes, handle, .. } = open(files, path) else { panic!("not opened") };
    let mut content = bytes.into_vec();
    let mut open = handle;
    while let Some(handle) = open {
        let FileReply::Data { bytes, eof } = files.perform(FileOp::Next { handle }) else { panic!("no data") };
        content.extend_from_slice(&bytes);
        open = (!eof).then_some(handle);
    }
    content
}

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// Below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

pub fn begin(files: &mut Files, path: ByteBuf, bytes: &[u8]) -> u32 {
    match files.perform(FileOp::Put { path, mode: None, bytes: ByteBuf::from(bytes), last: false }) {
        FileReply::Put { handle: Some(handle), entry: None } => handle,
        other => panic!("no handle: {other:?}"),
    }
}

pub fn append(files: &mut Files, handle: u32, bytes: &[u8], last: bool) -> FileReply {
    files.perform(FileOp::Append { handle, bytes: ByteBuf::from(bytes), last })
}

pub fn range(files: &mut Files, path: ByteBuf, offset: u64, length: Option<u64>) -> (Vec<u8>, Option<u32>) {
    match files.perform(FileOp::Open { path, offset, length }) {
        FileReply::Opened { bytes, handle, .. } => (bytes.into_vec(), handle),
        other => panic!("not opened: {other:?}"),
    }
}
