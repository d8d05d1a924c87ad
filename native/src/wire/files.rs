//! File operations. They travel unchanged from the server through the supervisor to init,
//! which does them inside the sandbox with the file-system ids of its user.
//!
//! Paths are absolute bytes without NUL. A failure is `Error` with one of these codes:
//! `file.not_found`, `file.not_regular`, `file.not_directory`, `file.is_directory`, `file.exists`,
//! `file.not_empty`, `file.permission_denied`, `file.no_space`, `file.path_invalid`,
//! `file.read_only`, `file.handle_unknown`, `file.too_many_open`, `file.failed` (with `errno`).

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Most bytes of content in one message.
pub const SLICE_BYTES: usize = 64 * 1024;
/// Most handles that one sandbox may hold open.
pub const MAX_HANDLES: usize = 64;
/// Most entries in one `Entries`.
pub const MAX_ENTRIES: u32 = 1000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FileOp {
    /// `Entry`. `follow`: the target of a final symlink.
    Stat {
        path: ByteBuf,
        follow: bool,
    },
    /// `Entries`, sorted by path bytes; those behind `after` (a path of an earlier answer), `limit` at most.
    /// `depth` 1 is the folder's own children. Symlinks are listed, never walked.
    List {
        path: ByteBuf,
        depth: u32,
        after: Option<ByteBuf>,
        limit: u32,
    },
    /// `Opened`. Regular files only; at most `length` bytes from `offset`.
    Open {
        path: ByteBuf,
        offset: u64,
        length: Option<u64>,
    },
    /// `Data`, the next slice of an opened file; at `eof` the handle is closed.
    Next {
        handle: u32,
    },
    /// `Put`. Writes a temporary file beside `path`, parents made; with `last` it takes the place of `path`,
    /// else a handle for `Append` is open. Onto anything but a regular file: `file.not_regular`.
    Put {
        path: ByteBuf,
        mode: Option<u32>,
        bytes: ByteBuf,
        last: bool,
    },
    Append {
        handle: u32,
        bytes: ByteBuf,
        last: bool,
    },
    /// Closes a handle; an unfinished `Put` leaves nothing behind. `Done`, unknown handles too.
    Close {
        handle: u32,
    },
    /// Closes all handles (the server that had opened them is gone). `Done`.
    CloseAll,
    /// `Done`. A folder wants `recursive` unless it is empty.
    Remove {
        path: ByteBuf,
        recursive: bool,
    },
    /// `Done`, also where the folder is there already. Parents made.
    Mkdir {
        path: ByteBuf,
        mode: Option<u32>,
    },
    /// `Done`. Without `overwrite` an existing target is `file.exists`.
    Move {
        from: ByteBuf,
        to: ByteBuf,
        overwrite: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FileReply {
    Done,
    Entry {
        entry: Entry,
    },
    Entries {
        entries: Vec<Entry>,
        more: bool,
    },
    /// `bytes` is the first slice; `handle` is there when more follows.
    Opened {
        entry: Entry,
        bytes: ByteBuf,
        handle: Option<u32>,
    },
    Data {
        bytes: ByteBuf,
        eof: bool,
    },
    /// `handle` while more is expected, `entry` when the file is in its place.
    Put {
        handle: Option<u32>,
        entry: Option<Entry>,
    },
    Error {
        code: String,
        message: String,
        errno: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub path: ByteBuf,
    pub kind: EntryKind,
    pub size_bytes: u64,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    pub modified_at_ms: i64,
    pub link_target: Option<ByteBuf>,
}

/// On the wire: the bare string, for example `"File"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    Device,
}
