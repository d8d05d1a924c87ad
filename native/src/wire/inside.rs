//! Messages between the supervisor and init, over the one socket pair of a sandbox.
//!
//! Descriptors travel beside the frame of the message that names them, in the order given there.
//! What init says is treated as an attack: see [`super::frame`] for the limits.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::files::{FileOp, FileReply};

/// Supervisor → init. `channel` of the frame is the session number, the command number or the file request's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ToInit {
    /// Starts the shell of the session. Descriptors: leaf folder, then the entrances (`tasks` of v1 groups).
    /// `keeps`: a text that found no shell in this session is run by the new one; else it is dropped.
    OpenSession {
        uid: u32,
        cwd: ByteBuf,
        env: Vec<ByteBuf>,
        nofile: u64,
        restore: bool,
        keeps: bool,
        /// Comes back in what is told of this shell: an earlier one's end may be told late.
        incarnation: u32,
        entrances: u8,
    },
    /// Forgets the session; its shell has been killed or is about to be.
    CloseSession,
    /// The session's shell leaves its leaf to its background jobs. Descriptors: `cgroup.procs` of the new leaf.
    /// What is asked behind it finds the shell moved; one that cannot be moved is killed.
    MoveShell,
    /// Shell text in a session. Where the shell has just ended it waits for the next one.
    Run {
        session: u32,
        io: Io,
        text: ByteBuf,
        cwd: ByteBuf,
        env: Vec<ByteBuf>,
    },
    /// A subshell forked off a session. Descriptors: the entrances, here `cgroup.procs` of its leaf.
    Fork {
        session: u32,
        io: Io,
        text: ByteBuf,
        cwd: ByteBuf,
        env: Vec<ByteBuf>,
        entrances: u8,
    },
    /// A process of its own. Descriptors: leaf folder, then the entrances (`tasks` of v1 groups).
    Spawn {
        start: Spawn,
        io: Io,
        entrances: u8,
    },
    Stdin {
        bytes: ByteBuf,
        eof: bool,
    },
    /// What is kept of a running command's output so far.
    Peek,
    File {
        op: FileOp,
    },
    Ping,
}

/// Standard streams of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Io {
    pub stdin: Option<ByteBuf>,
    pub stdin_open: bool,
    pub max_bytes: u32,
    pub merge: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spawn {
    /// `None`: `text` in a shell of its own.
    pub argv: Option<Vec<ByteBuf>>,
    pub text: ByteBuf,
    pub uid: u32,
    pub cwd: ByteBuf,
    pub env: Vec<ByteBuf>,
    pub cpu_ms: Option<u64>,
    pub file_bytes: Option<u64>,
    pub nofile: u64,
}

/// Init → supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FromInit {
    /// The sandbox is closed behind init; `facts` are read back from the kernel.
    Ready {
        facts: Facts,
    },
    /// A step of the set-up failed; init exits.
    SetupFailed {
        step: String,
        errno: String,
    },
    SessionOpened {
        restored: bool,
        incarnation: u32,
    },
    SessionFailed {
        step: String,
        errno: String,
        incarnation: u32,
    },
    /// The shell of an idle session ended.
    SessionEnded {
        incarnation: u32,
    },
    /// A process of its own runs.
    Started,
    /// It could not be started, for a reason that is ours.
    SpawnFailed {
        step: String,
        errno: String,
    },
    Finished {
        finished: Finished,
    },
    Peeked {
        stdout: ByteBuf,
        stdout_dropped: u64,
        stderr: ByteBuf,
        stderr_dropped: u64,
    },
    File {
        reply: FileReply,
    },
    Pong,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub namespaces: Vec<String>,
    pub seccomp: bool,
    pub no_new_privs: bool,
    pub capabilities: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    pub ended: Ended,
    pub stdout: ByteBuf,
    pub stdout_dropped: u64,
    pub stderr: ByteBuf,
    pub stderr_dropped: u64,
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub max_rss_bytes: u64,
    pub cwd: ByteBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Ended {
    /// The session's shell told the status and lives on.
    Status { status: u8 },
    /// The main process (in a session: the shell) exited. The kernel says so.
    Exited { code: u8 },
    /// The main process was killed. The kernel says so.
    Signalled { signal: u8 },
}
