//! Messages between the server (TypeScript) and the supervisor.
//!
//! Its other half is `packages/server/src/drivers/namespaces/protocol.ts`; the frames in
//! `spec/box-protocol/` are decoded by the tests of both.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::files::{FileOp, FileReply};

/// Raised with every change of a message; a server and a supervisor that differ refuse each other.
pub const VERSION: u32 = 1;

/// Server → supervisor. Each is answered by exactly one [`Reply`] on its channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Request {
    /// The first frame of a connection.
    Hello { version: u32 },
    /// Answered by `Created` when PID 1 of the sandbox answers; on `Error` nothing is left of it.
    Create { sandbox: String, spec: SandboxSpec },
    /// Answered by `Done` when no process, mount, cgroup or folder of the sandbox is left.
    /// `Error sandbox.not_found` when there is none.
    Destroy { sandbox: String },
    /// Starts a shell; `Done`, or `Error session.exists`.
    OpenSession { sandbox: String, session: String, start: SessionStart },
    /// Kills the shell and its running command; background jobs of earlier commands live on.
    CloseSession { sandbox: String, session: String },
    /// Foreground: `Finished` at its end. Background: `Started` at once, then an event `Finished`.
    Run { sandbox: String, command: CommandSpec },
    /// Kills the whole tree of a running command; its outcome becomes `Killed { by }`.
    Kill { sandbox: String, command: String, by: String },
    /// Sends one signal to the processes of a running command.
    Signal { sandbox: String, command: String, signal: u8 },
    /// Feeds a background command that was started with `stdin_open`.
    Stdin { sandbox: String, command: String, bytes: ByteBuf, eof: bool },
    /// `Command`, with the kept output. `Error command.not_found`.
    Command { sandbox: String, command: String },
    /// `Commands`: all that are remembered, oldest first, without output.
    Commands { sandbox: String },
    /// `File`, or `Error` with a code of [`super::files`].
    File { sandbox: String, op: FileOp },
    /// `Listing`: what lives, for the adoption by a new server.
    List,
    /// `Status`.
    Status,
    /// `Done` when everything that the supervisor started is gone; then it exits.
    Shutdown,
}

/// Supervisor → server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reply {
    /// `boot` names this life of the supervisor: another value means that all sandboxes of the earlier one are lost.
    Hello {
        version: u32,
        pid: u32,
        boot: String,
    },
    Created {
        isolation: Isolation,
    },
    Done,
    Started,
    Finished {
        sandbox: String,
        command: CommandRecord,
    },
    Command {
        command: CommandRecord,
    },
    Commands {
        commands: Vec<CommandRecord>,
    },
    File {
        reply: FileReply,
    },
    Listing {
        sandboxes: Vec<LivingSandbox>,
    },
    Status {
        status: NodeStatus,
    },
    /// Event: a sandbox ended without being asked to.
    Lost {
        sandbox: String,
        reason: String,
    },
    /// The request was refused or failed; `step` and `errno` where a step of ours did. Channel 0: the connection ends.
    Error {
        code: String,
        message: String,
        step: Option<String>,
        errno: Option<String>,
    },
}

/// What a sandbox is made of. All limits are hard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxSpec {
    /// User id inside that commands and file operations run as: 1000 (`sandboxuser`) or 0 (root in the namespace).
    pub uid: u32,
    pub hostname: String,
    /// Memory of all processes together; the writable disk is counted apart.
    pub memory_bytes: u64,
    /// Size of everything writable.
    pub disk_bytes: u64,
    /// Number of files that may be made.
    pub inodes: u64,
    /// Processes and threads together.
    pub pids: u32,
    /// Thousandths of a CPU.
    pub cpu_millis: u32,
    /// Open descriptors of one process.
    pub nofile: u32,
}

/// How a session's shell begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionStart {
    pub cwd: ByteBuf,
    /// `NAME=value`, complete: nothing is added but what bash itself sets.
    pub env: Vec<ByteBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Program {
    /// Shell text, evaluated in the named session (which must be open).
    Session { session: String, text: ByteBuf },
    /// Shell text in a shell of its own.
    Shell { text: ByteBuf },
    /// No shell: the program by name (searched in PATH of `env`) and its arguments.
    Argv { argv: Vec<ByteBuf> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    pub id: String,
    pub program: Program,
    /// `Session`: for this command only, put back afterwards. Else: where it runs.
    pub cwd: Option<ByteBuf>,
    /// `Session`: added for this command only. Else: the complete environment.
    pub env: Vec<ByteBuf>,
    pub stdin: Option<ByteBuf>,
    /// Background only: standard input stays open for `Stdin`.
    pub stdin_open: bool,
    pub timeout_ms: u64,
    /// Kept of each stream: half as head, half as tail.
    pub max_bytes: u32,
    /// stderr goes where stdout goes.
    pub merge: bool,
    pub background: bool,
    /// Only for `Shell` and `Argv`; in a session they are `None`.
    pub uid: Option<u32>,
    pub cpu_ms: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub file_bytes: Option<u64>,
    pub nofile: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Outcome {
    Exited { exit_code: u8 },
    Signalled { signal: u8 },
    TimedOut { limit_ms: u64 },
    OutOfMemory { limit_bytes: u64 },
    Killed { by: String },
    Lost { reason: String },
}

/// One command, as the supervisor remembers it. `outcome` is `None` while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandRecord {
    pub id: String,
    pub program: Program,
    pub background: bool,
    pub outcome: Option<Outcome>,
    /// The kernel killed something of the sandbox for memory while this command ran.
    pub oom: bool,
    /// Head and tail, joined; `None` where the output was dropped for want of room.
    pub stdout: Option<ByteBuf>,
    pub stderr: Option<ByteBuf>,
    /// Bytes dropped between head and tail.
    pub stdout_dropped: u64,
    pub stderr_dropped: u64,
    pub started_at_ms: u64,
    pub duration_us: u64,
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub max_rss_bytes: u64,
    /// Of the session (or of the shell) after the command; empty for `Argv`.
    pub cwd: ByteBuf,
    /// Processes of the command live on.
    pub background_left: bool,
    pub session_restarted: bool,
}

/// What was really applied, read back from the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// First of the sandbox's host user ids, and their number.
    pub host_uid: u32,
    pub host_uids: u32,
    /// Namespaces that differ from the host's: `cgroup ipc mnt net pid time user uts`.
    pub namespaces: Vec<String>,
    pub seccomp: bool,
    pub no_new_privs: bool,
    /// Capability sets of a command, all together; 0 is none.
    pub capabilities: u64,
    /// `1` (also on hybrid hosts) or `2`.
    pub cgroup_version: u8,
    pub memory_bytes: u64,
    pub pids: u64,
    pub cpu_millis: u64,
    /// `tmpfs`
    pub disk: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivingSandbox {
    pub id: String,
    pub spec: SandboxSpec,
    pub isolation: Isolation,
    pub sessions: Vec<LivingSession>,
    /// Commands that run now.
    pub running: Vec<CommandRecord>,
    pub created_at_ms: u64,
    pub last_used_at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivingSession {
    pub name: String,
    pub cwd: ByteBuf,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeStatus {
    pub sandboxes: u32,
    pub memory_total_bytes: u64,
    pub memory_available_bytes: u64,
    pub pid_max: u64,
    pub nofile: u64,
    pub uid_slots: u32,
    pub spool_bytes: u64,
    pub supervisor_rss_bytes: u64,
}
