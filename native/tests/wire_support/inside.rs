//! Some messages between supervisor and init: what mutations start from.

use atoll_box::wire::files::FileReply;
use atoll_box::wire::inside::{Ended, Facts, Finished, FromInit, Io, ToInit};

use super::{Named, all_bytes, bytes};

pub fn to_init() -> Vec<Named<ToInit>> {
    let io = Io { stdin: Some(bytes("given")), stdin_open: true, max_bytes: 1 << 20, merge: false };
    let env = all_bytes(&["A=1", "B=2"]);
    vec![
        ("run", ToInit::Run { session: 1, io, text: bytes("echo hi"), cwd: bytes("/workspace"), env }),
        ("stdin", ToInit::Stdin { bytes: bytes("more"), eof: true }),
        ("ping", ToInit::Ping),
    ]
}

pub fn from_init() -> Vec<Named<FromInit>> {
    let facts = Facts { namespaces: vec!["user".into()], seccomp: true, no_new_privs: true, capabilities: 0 };
    let finished = Finished {
        ended: Ended::Status { status: 7 },
        stdout: bytes("out"),
        stdout_dropped: 1,
        stderr: bytes("err"),
        stderr_dropped: 0,
        cpu_user_us: 100,
        cpu_system_us: 50,
        max_rss_bytes: 3 << 20,
        cwd: bytes("/workspace"),
    };
    vec![
        ("ready", FromInit::Ready { facts }),
        ("finished", FromInit::Finished { finished }),
        ("file", FromInit::File { reply: FileReply::Data { bytes: bytes("data"), eof: true } }),
        ("pong", FromInit::Pong),
    ]
}
