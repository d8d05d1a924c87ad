//! What the server asks of the supervisor.

use atoll_box::wire::files::FileOp;
use atoll_box::wire::server::{CommandSpec, Program, Request, SandboxSpec, SessionStart, VERSION};

use super::{Named, all_bytes, bytes};

const SANDBOX: &str = "sbx_0123456789abcdefghij";
const COMMAND: &str = "cmd_0123456789abcdefghij";

pub fn spec() -> SandboxSpec {
    SandboxSpec {
        uid: 1000,
        hostname: "sandbox".into(),
        memory_bytes: 512 << 20,
        disk_bytes: 8 << 30,
        inodes: 65_536,
        pids: 256,
        cpu_millis: 1500,
        nofile: 1024,
    }
}

fn session_command() -> CommandSpec {
    CommandSpec {
        id: COMMAND.into(),
        program: Program::Session { session: "main".into(), text: bytes("echo hi") },
        cwd: None,
        env: Vec::new(),
        stdin: None,
        stdin_open: false,
        timeout_ms: 60_000,
        max_bytes: 1 << 20,
        merge: false,
        background: false,
        uid: None,
        cpu_ms: None,
        memory_bytes: None,
        file_bytes: None,
        nofile: None,
    }
}

fn shell_command() -> CommandSpec {
    CommandSpec {
        program: Program::Shell { text: bytes("cat; printf '\\n'") },
        cwd: Some(bytes("/workspace")),
        env: all_bytes(&["PATH=/usr/bin:/bin", "EMPTY=", "LANG=C.UTF-8"]),
        stdin: Some(bytes("given")),
        merge: true,
        ..session_command()
    }
}

fn argv_command() -> CommandSpec {
    CommandSpec {
        program: Program::Argv { argv: vec![bytes("grep"), bytes("-r"), bytes(b"\xff\xfe")] },
        cwd: Some(bytes("/")),
        stdin_open: true,
        background: true,
        uid: Some(0),
        cpu_ms: Some(1000),
        memory_bytes: Some(1 << 32),
        file_bytes: Some(0),
        nofile: Some(64),
        ..session_command()
    }
}

pub fn requests() -> Vec<Named<Request>> {
    let sandbox = || SANDBOX.to_owned();
    let command = || COMMAND.to_owned();
    let start = SessionStart { cwd: bytes("/workspace"), env: all_bytes(&["HOME=/home/sandboxuser", "A=1"]) };
    let bare_start = SessionStart { cwd: bytes("/"), env: Vec::new() };
    let run = |command| Request::Run { sandbox: SANDBOX.into(), command };
    let mut all = vec![
        ("hello", Request::Hello { version: VERSION }),
        ("create", Request::Create { sandbox: sandbox(), spec: spec() }),
        ("destroy", Request::Destroy { sandbox: sandbox() }),
        ("open session", Request::OpenSession { sandbox: sandbox(), session: "main".into(), start }),
        (
            "open session with an empty environment",
            Request::OpenSession { sandbox: sandbox(), session: "größer".into(), start: bare_start },
        ),
        ("close session", Request::CloseSession { sandbox: sandbox(), session: "main".into() }),
        ("run in a session", run(session_command())),
        ("run in a shell of its own", run(shell_command())),
        ("run an argv in the background with every limit", run(argv_command())),
        ("kill", Request::Kill { sandbox: sandbox(), command: command(), by: "client".into() }),
        ("signal", Request::Signal { sandbox: sandbox(), command: command(), signal: 15 }),
        (
            "stdin",
            Request::Stdin { sandbox: sandbox(), command: command(), bytes: bytes(b"\0\x7f\x80\xff"), eof: false },
        ),
        ("end of stdin", Request::Stdin { sandbox: sandbox(), command: command(), bytes: bytes(""), eof: true }),
        ("command", Request::Command { sandbox: sandbox(), command: command() }),
        ("commands", Request::Commands { sandbox: sandbox() }),
        ("list", Request::List),
        ("status", Request::Status),
        ("shutdown", Request::Shutdown),
    ];
    all.extend(file_ops().into_iter().map(|(name, op)| (name, Request::File { sandbox: sandbox(), op })));
    all
}

fn file_ops() -> Vec<Named<FileOp>> {
    let file = || bytes("/workspace/file");
    vec![
        ("stat a file", FileOp::Stat { path: file(), follow: true }),
        ("stat a name that is no UTF-8", FileOp::Stat { path: bytes(b"/workspace/\xff\xfe"), follow: false }),
        ("list a folder", FileOp::List { path: bytes("/workspace"), depth: 1, after: None, limit: 1000 }),
        ("list what follows", FileOp::List { path: bytes("/"), depth: u32::MAX, after: Some(file()), limit: 100 }),
        ("open a file", FileOp::Open { path: file(), offset: 0, length: None }),
        ("open a range", FileOp::Open { path: file(), offset: (1 << 53) - 1, length: Some(65_536) }),
        ("next slice", FileOp::Next { handle: 1 }),
        ("put a whole file", FileOp::Put { path: file(), mode: Some(0o755), bytes: bytes("all"), last: true }),
        ("begin to put", FileOp::Put { path: file(), mode: None, bytes: bytes([0; 300]), last: false }),
        ("append", FileOp::Append { handle: u32::MAX, bytes: bytes("more"), last: false }),
        ("append the last", FileOp::Append { handle: 65_536, bytes: bytes(""), last: true }),
        ("close a handle", FileOp::Close { handle: 256 }),
        ("close all handles", FileOp::CloseAll),
        ("remove a tree", FileOp::Remove { path: bytes("/workspace/tree"), recursive: true }),
        ("make a folder", FileOp::Mkdir { path: bytes("/workspace/a/b"), mode: None }),
        ("make a folder with a mode", FileOp::Mkdir { path: bytes("/workspace/a"), mode: Some(0o700) }),
        ("move", FileOp::Move { from: file(), to: bytes("/workspace/other"), overwrite: false }),
    ]
}
