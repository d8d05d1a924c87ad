//! What init and a session's shell say to each other: the Rust half of `native/shell/wire.h`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{RecvFlags, SendFlags};

use crate::sys::socket;

const TAG_START: u32 = 1;
const TAG_RUN: u32 = 2;

const TAG_READY: u32 = 1;
const TAG_DONE: u32 = 2;
const TAG_FORKED: u32 = 3;

const FLAG_RESTORE: u32 = 1;
const FLAG_HAS_STDIN: u32 = 2;
const FLAG_BODY_IN_MEMFD: u32 = 4;
const FLAG_ONCE: u32 = 8;
const FLAG_BACKGROUND: u32 = 16;

const ANSWER_PROCSUB_LEFT: u32 = 1;

const INLINE_BYTES: usize = 100_000;
pub const SNAPSHOT_BYTES: u64 = 64 * 1024 * 1024;

const REQUEST_BYTES: usize = 24;
const ANSWER_BYTES: usize = 40;
/// A cwd is at most a path long; a longer answer is refused.
const MAX_ANSWER_BYTES: usize = ANSWER_BYTES + 64 * 1024;

/// How a shell runs a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    InSession,
    /// The shell exits with the text's status.
    Once,
    /// In a subshell that waits for its gate.
    Background,
}

pub struct Text<'a> {
    pub cwd: &'a [u8],
    pub env: &'a [serde_bytes::ByteBuf],
    pub text: &'a [u8],
}

/// The descriptors of one text. They are the shell's from then on.
pub struct Streams<'a> {
    pub stdin: Option<BorrowedFd<'a>>,
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
    pub gate: Option<BorrowedFd<'a>>,
}

pub fn send_start(control: BorrowedFd<'_>, snapshot: BorrowedFd<'_>, restore: bool) -> io::Result<()> {
    let flags = if restore { FLAG_RESTORE } else { 0 };
    let header = header(TAG_START, flags, 0, 0, 0);
    socket::send(control, &header, &[snapshot], SendFlags::empty())?;
    Ok(())
}

pub fn send_run(control: BorrowedFd<'_>, manner: Manner, streams: &Streams<'_>, text: &Text<'_>) -> io::Result<()> {
    let env_bytes: usize = text.env.iter().map(|entry| entry.len() + 1).sum();
    let body_bytes = text.cwd.len() + env_bytes + text.text.len();
    let mut flags = match manner {
        Manner::InSession => 0,
        Manner::Once => FLAG_ONCE,
        Manner::Background => FLAG_BACKGROUND,
    };
    let mut fds: Vec<BorrowedFd<'_>> = Vec::with_capacity(5);
    if let Some(stdin) = streams.stdin {
        flags |= FLAG_HAS_STDIN;
        fds.push(stdin);
    }
    fds.extend([streams.stdout, streams.stderr]);
    fds.extend(streams.gate);

    let mut body = Vec::with_capacity(REQUEST_BYTES + body_bytes);
    let in_memfd = body_bytes > INLINE_BYTES;
    if in_memfd {
        flags |= FLAG_BODY_IN_MEMFD;
    }
    let header = header(TAG_RUN, flags, text.cwd.len(), env_bytes, text.text.len());
    if !in_memfd {
        body.extend_from_slice(&header);
    }
    body.extend_from_slice(text.cwd);
    for entry in text.env {
        body.extend_from_slice(entry);
        body.push(0);
    }
    body.extend_from_slice(text.text);
    if in_memfd {
        let memfd = memfd_of(&body)?;
        fds.push(memfd.as_fd());
        socket::send(control, &header, &fds, SendFlags::empty())?;
    } else {
        socket::send(control, &body, &fds, SendFlags::empty())?;
    }
    Ok(())
}

fn memfd_of(body: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("command", MemfdFlags::CLOEXEC)?);
    file.write_all(body)?;
    Ok(file)
}

fn header(tag: u32, flags: u32, cwd: usize, env: usize, text: usize) -> [u8; REQUEST_BYTES] {
    let mut bytes = [0; REQUEST_BYTES];
    for (slot, value) in bytes.chunks_exact_mut(4).zip([tag, flags, cwd as u32, env as u32, text as u32, 0]) {
        slot.copy_from_slice(&value.to_ne_bytes());
    }
    bytes
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Ready { restored: bool },
    Done(Done),
    Forked { pid: i32 },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub status: u8,
    pub process_substitution_left: bool,
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub max_rss_bytes: u64,
    pub cwd: Vec<u8>,
}

/// What the shell says next. Its end of the pair is in reach of the code that runs in it, so every answer is an
/// attack until it is read: `Err(InvalidData)` for one that cannot be. `Ok(None)`: nothing is waiting.
pub fn receive(control: BorrowedFd<'_>) -> io::Result<Option<Answer>> {
    let mut bytes = [0; MAX_ANSWER_BYTES];
    let mut fds: Vec<OwnedFd> = Vec::new();
    let length = match socket::receive(control, &mut bytes, &mut fds, RecvFlags::DONTWAIT) {
        Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        Ok(length) => length,
        Err(rustix::io::Errno::AGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    parse(&bytes[..length]).map(Some).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (header, rest) = bytes.split_at_checked(ANSWER_BYTES)?;
    let word = |at: usize| Some(u32::from_ne_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let (tag, flags, status, cwd_bytes) = (word(0)?, word(4)?, word(8)? as i32, word(12)? as usize);
    match tag {
        TAG_READY => Some(Answer::Ready { restored: status == 1 }),
        TAG_FORKED => Some(Answer::Forked { pid: status }),
        TAG_DONE => Some(Answer::Done(Done {
            status: status as u8,
            process_substitution_left: flags & ANSWER_PROCSUB_LEFT != 0,
            cpu_user_us: long(16)?,
            cpu_system_us: long(24)?,
            max_rss_bytes: long(32)?,
            cwd: rest.get(..cwd_bytes)?.to_vec(),
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_claims_a_longer_cwd_than_it_carries_is_refused() {
        let mut bytes = [0u8; ANSWER_BYTES + 3];
        bytes[..4].copy_from_slice(&TAG_DONE.to_ne_bytes());
        bytes[12..16].copy_from_slice(&4u32.to_ne_bytes());
        assert_eq!(parse(&bytes), None);
        bytes[12..16].copy_from_slice(&3u32.to_ne_bytes());
        assert!(matches!(parse(&bytes), Some(Answer::Done(done)) if done.cwd == [0, 0, 0]));
    }

    #[test]
    fn a_short_answer_and_an_unknown_tag_are_refused() {
        assert_eq!(parse(&[0; ANSWER_BYTES - 1]), None);
        assert_eq!(parse(&[9; ANSWER_BYTES]), None);
    }
}
