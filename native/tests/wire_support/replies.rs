//! What the supervisor answers.

use atoll_box::wire::files::{Entry, EntryKind, FileReply};
use atoll_box::wire::server::{
    CommandRecord, Isolation, LivingSandbox, LivingSession, NodeStatus, Outcome, Program, Reply, VERSION,
};

use super::requests::spec;
use super::{Named, all_bytes, bytes};

const SANDBOX: &str = "sbx_0123456789abcdefghij";

fn isolation() -> Isolation {
    Isolation {
        host_uid: 655_360,
        host_uids: 65_536,
        namespaces: ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"].map(str::to_owned).to_vec(),
        seccomp: true,
        no_new_privs: true,
        capabilities: 0,
        cgroup_version: 2,
        memory_bytes: 512 << 20,
        pids: 256,
        cpu_millis: 1500,
        disk: "tmpfs".into(),
    }
}

fn record() -> CommandRecord {
    CommandRecord {
        id: "cmd_0123456789abcdefghij".into(),
        program: Program::Session { session: "main".into(), text: bytes("echo hi") },
        background: false,
        outcome: Some(Outcome::Exited { exit_code: 0 }),
        oom: false,
        stdout: Some(bytes("hi\n")),
        stderr: Some(bytes("")),
        stdout_dropped: 0,
        stderr_dropped: 0,
        started_at_ms: 1_763_000_000_000,
        duration_us: 250,
        cpu_user_us: 100,
        cpu_system_us: 50,
        max_rss_bytes: 3 << 20,
        cwd: bytes("/workspace"),
        background_left: false,
        session_restarted: false,
    }
}

fn finished(outcome: Outcome) -> Reply {
    Reply::Finished { sandbox: SANDBOX.into(), command: CommandRecord { outcome: Some(outcome), ..record() } }
}

fn running() -> CommandRecord {
    let program = Program::Argv { argv: all_bytes(&["sleep", "60"]) };
    CommandRecord { program, background: true, outcome: None, stdout: None, stderr: None, cwd: bytes(""), ..record() }
}

fn flooded() -> CommandRecord {
    CommandRecord {
        program: Program::Shell { text: bytes("yes") },
        outcome: Some(Outcome::TimedOut { limit_ms: 60_000 }),
        oom: true,
        stdout: Some(bytes([b'y'; 300])),
        stdout_dropped: (1 << 53) - 1,
        background_left: true,
        session_restarted: true,
        ..record()
    }
}

fn listing() -> Reply {
    let living = LivingSandbox {
        id: SANDBOX.into(),
        spec: spec(),
        isolation: isolation(),
        sessions: vec![LivingSession { name: "main".into(), cwd: bytes("/workspace") }],
        running: vec![running()],
        created_at_ms: 1_763_000_000_000,
        last_used_at_ms: 1_763_000_000_001,
    };
    Reply::Listing { sandboxes: vec![living] }
}

fn status() -> Reply {
    let status = NodeStatus {
        sandboxes: 3,
        memory_total_bytes: 8 << 30,
        memory_available_bytes: 1 << 30,
        pid_max: 4_194_304,
        nofile: 1_048_576,
        uid_slots: 65_535,
        spool_bytes: 0,
        supervisor_rss_bytes: 9_000_000,
    };
    Reply::Status { status }
}

pub fn replies() -> Vec<Named<Reply>> {
    let sandbox = || SANDBOX.to_owned();
    let error = |code: &str, step: Option<&str>, errno: Option<&str>| Reply::Error {
        code: code.into(),
        message: "in words".into(),
        step: step.map(str::to_owned),
        errno: errno.map(str::to_owned),
    };
    // A controller tells "no limit" as the greatest number.
    let unlimited = Isolation { memory_bytes: u64::MAX, pids: u64::MAX, cgroup_version: 1, ..isolation() };
    let mut all = vec![
        ("hello", Reply::Hello { version: VERSION, pid: 4711, boot: "5f0c1d2e".into() }),
        ("created", Reply::Created { isolation: isolation() }),
        ("created without limits", Reply::Created { isolation: unlimited }),
        ("done", Reply::Done),
        ("started", Reply::Started),
        ("finished: exited", finished(Outcome::Exited { exit_code: 255 })),
        ("finished: signalled", finished(Outcome::Signalled { signal: 9 })),
        ("finished: timed out", finished(Outcome::TimedOut { limit_ms: 60_000 })),
        ("finished: out of memory", finished(Outcome::OutOfMemory { limit_bytes: 512 << 20 })),
        ("finished: killed", finished(Outcome::Killed { by: "client".into() })),
        ("finished: lost", finished(Outcome::Lost { reason: "init died".into() })),
        ("command that runs", Reply::Command { command: running() }),
        ("command with dropped output", Reply::Command { command: flooded() }),
        ("commands", Reply::Commands { commands: vec![record(), running()] }),
        ("no commands", Reply::Commands { commands: Vec::new() }),
        ("listing", listing()),
        ("status", status()),
        ("lost", Reply::Lost { sandbox: sandbox(), reason: "init died".into() }),
        ("error", error("sandbox.not_found", None, None)),
        ("error of a step", error("runtime.setup_failed", Some("pivot_root"), Some("EINVAL"))),
    ];
    all.extend(file_replies().into_iter().map(|(name, reply)| (name, Reply::File { reply })));
    all
}

fn entry() -> Entry {
    Entry {
        path: bytes("/workspace/file"),
        kind: EntryKind::File,
        size_bytes: 5,
        mode: 0o644,
        modified_at_ms: 1_763_000_000_000,
        link_target: None,
    }
}

/// One of each kind; times before 1970 among them.
fn entries() -> Vec<Entry> {
    let of = |kind, path: &[u8]| Entry { kind, path: bytes(path), ..entry() };
    vec![
        of(EntryKind::File, b"/workspace/\xff\xfe"),
        Entry { mode: 0o1777, size_bytes: 4096, ..of(EntryKind::Directory, b"/tmp") },
        Entry { link_target: Some(bytes("../target")), ..of(EntryKind::Symlink, b"/workspace/link") },
        Entry { modified_at_ms: -1500, ..of(EntryKind::Fifo, b"/workspace/fifo") },
        Entry { modified_at_ms: -1, ..of(EntryKind::Socket, b"/workspace/socket") },
        Entry { size_bytes: 0, modified_at_ms: 0, ..of(EntryKind::Device, b"/dev/null") },
    ]
}

fn file_replies() -> Vec<Named<FileReply>> {
    let error = |code: &str, errno: Option<&str>| FileReply::Error {
        code: code.into(),
        message: "in words".into(),
        errno: errno.map(str::to_owned),
    };
    vec![
        ("file done", FileReply::Done),
        ("file entry", FileReply::Entry { entry: entry() }),
        ("file entries", FileReply::Entries { entries: entries(), more: true }),
        ("no file entries", FileReply::Entries { entries: Vec::new(), more: false }),
        ("file opened", FileReply::Opened { entry: entry(), bytes: bytes("hello"), handle: None }),
        ("file opened, more follows", FileReply::Opened { entry: entry(), bytes: bytes([7; 300]), handle: Some(1) }),
        ("file data", FileReply::Data { bytes: bytes(b"\0\xff"), eof: false }),
        ("end of file data", FileReply::Data { bytes: bytes(""), eof: true }),
        ("put begun", FileReply::Put { handle: Some(1), entry: None }),
        ("put done", FileReply::Put { handle: None, entry: Some(entry()) }),
        ("file error", error("file.handle_unknown", None)),
        ("file error of the kernel", error("file.no_space", Some("ENOSPC"))),
    ]
}
