//! What init does around a shell: starts it, frames messages, holds the other ends of its pipes.

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pipe::{PipeFlags, pipe_with};

const BUILTIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/session.so"));

pub fn spawn_bash(control: &OwnedFd) -> Child {
    let library = library();
    let raw = control.as_raw_fd();
    let mut command = Command::new("/bin/bash");
    command
        .args(["--norc", "--noprofile", "-c"])
        .arg(format!("enable -f {library} atoll_session; atoll_session 3"))
        .env_clear()
        .env("LD_PRELOAD", library)
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/tmp")
        .arg0("bash")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    // SAFETY: between fork and exec only signal, fcntl, dup2 and close_range are called, which are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            let placed = if raw == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(raw, 3) };
            libc::close_range(4, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32);
            if placed < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    command.spawn().unwrap()
}

pub fn header(tag: u32, flags: u32, cwd: &str, env: &str, text_bytes: usize) -> Vec<u8> {
    [tag, flags, cwd.len() as u32, env.len() as u32, text_bytes as u32, 0]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect()
}

pub fn send(socket: &OwnedFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(6))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(fds)));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
}

pub fn drain(pipe: OwnedFd) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        File::from(pipe).read_to_end(&mut bytes).unwrap();
        bytes
    })
}

pub fn feed(bytes: &[u8]) -> OwnedFd {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let bytes = bytes.to_vec();
    thread::spawn(move || File::from(write).write_all(&bytes));
    read
}

/// The builtin as a file that a child can name; one for all tests of this process, gone with it.
fn library() -> &'static str {
    static LIBRARY: OnceLock<(File, String)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let mut file = File::from(memfd_create("session.so", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(BUILTIN).unwrap();
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        (file, path)
    });
    path
}
