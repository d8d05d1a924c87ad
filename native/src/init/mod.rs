//! Init: PID 1 of one sandbox.
//!
//! Theory of operation: cloned by the zygote and closed in by [`crate::setup::enter`], it holds one descriptor to
//! the outside, its end of a socket pair with the supervisor. It starts shells and commands on request, gives them
//! fresh pipes, keeps head and tail of what they print, tells how they ended, does file operations as the
//! sandbox's user, and reaps whoever is left to it. It is one thread and one loop. When the socket closes it
//! exits, and the kernel takes everything else in the PID namespace with it.
//!
//! Limits are not its business: the supervisor, outside, keeps deadlines and kills by cgroup.

mod command;
mod events;
mod reap;
mod requests;
mod session;
pub mod shell_wire;
mod spawn;
mod streams;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{RecvFlags, SendFlags};

use crate::files::Files;
use crate::seccomp::SockFilter;
use crate::setup::Plan;
use crate::sys::{signals, socket};
use crate::wire::frame::{self, FrameReader};
use crate::wire::inside::{Facts, FromInit, ToInit};
use command::Command;
use events::{Events, Token};
use session::Session;

/// Longest frame from the supervisor: a command text of 8 MiB and what goes with it.
const MAX_FRAME: usize = frame::MAX_SERVER_FRAME;
const READ_BYTES: usize = 64 * 1024;

pub struct Init {
    socket: OwnedFd,
    events: Events,
    signals: OwnedFd,
    reader: FrameReader,
    /// Descriptors that came and whose message has not been read yet, in order.
    received: Vec<OwnedFd>,
    sessions: HashMap<u32, Session>,
    commands: HashMap<u32, Command>,
    /// Commands whose streams are not watched yet, and when they must be.
    fresh: VecDeque<(u64, u32)>,
    children: HashMap<i32, Child>,
    /// Outputs that processes of finished commands still hold: read and thrown away, lest those die of SIGPIPE.
    orphans: BTreeMap<u32, OwnedFd>,
    next_orphan: u32,
    files: Files,
    filter: Vec<SockFilter>,
    buffer: Vec<u8>,
}

/// Whose process a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Child {
    Shell { session: u32 },
    Main { command: u32 },
}

impl Init {
    pub fn new(socket: OwnedFd, plan: &Plan, filter: Vec<SockFilter>) -> io::Result<Self> {
        let socket = keep_only_socket(socket)?;
        let signals = signals::descriptor(&[libc::SIGCHLD])?;
        let events = Events::new()?;
        events.watch_input(&socket, Token::Supervisor)?;
        events.watch_input(&signals, Token::Signals)?;
        Ok(Self {
            socket,
            events,
            signals,
            reader: FrameReader::new(MAX_FRAME),
            received: Vec::new(),
            sessions: HashMap::new(),
            commands: HashMap::new(),
            fresh: VecDeque::new(),
            children: HashMap::new(),
            orphans: BTreeMap::new(),
            next_orphan: 0,
            files: Files::new(plan.uid, plan.uid),
            filter,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Serves until the supervisor is gone; the result is the exit status.
    pub fn run(&mut self, facts: Facts) -> i32 {
        if self.tell(0, &FromInit::Ready { facts }).is_err() {
            return 0;
        }
        loop {
            match self.turn() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return 0,
                Err(_) => return 1,
            }
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        let timeout = self.next_deadline();
        for token in self.events.wait(timeout)? {
            match token {
                Token::Supervisor => self.read_supervisor()?,
                Token::Signals => {
                    while signals::take(self.signals.as_fd()).is_some() {}
                    self.reap()?;
                }
                Token::Shell(session) => self.read_shell(session)?,
                Token::Stdout(command) | Token::Stderr(command) => self.read_outputs(command)?,
                Token::Stdin(command) => self.feed_stdin(command),
                Token::Orphan(orphan) => self.drain_orphan(orphan),
            }
        }
        self.watch_older()?;
        self.finish_overdue()
    }

    fn read_supervisor(&mut self) -> io::Result<()> {
        let read = socket::receive(self.socket.as_fd(), &mut self.buffer, &mut self.received, RecvFlags::DONTWAIT);
        match read {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => self.reader.push(&self.buffer[..length]),
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        loop {
            let (channel, message) = match self.reader.next_frame().map_err(io::Error::other)? {
                Some(frame) => (frame.channel, frame::decode::<ToInit>(frame.body).map_err(io::Error::other)?),
                None => return Ok(()),
            };
            self.handle(channel, message)?;
        }
    }

    /// Waits while the supervisor is behind: it always reads, so this ends.
    fn tell(&mut self, channel: u32, message: &FromInit) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, channel, message);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match socket::send(self.socket.as_fd(), rest, &[], SendFlags::empty()) {
                Ok(sent) => rest = &rest[sent..],
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(())
    }

    /// The `count` descriptors that belong to the message at hand.
    fn take_received(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        if self.received.len() < count {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        Ok(self.received.drain(..count).collect())
    }
}

/// Closes every descriptor but the socket; 0–2 become `/dev/null`.
fn keep_only_socket(socket: OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
    const SOCKET: i32 = 3;
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())?.into_raw_fd();
    // SAFETY: descriptor numbers only. Whatever stood at 0–3 was the zygote's, and nothing here refers to it.
    let moved = unsafe {
        let copy = libc::fcntl(socket.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 64);
        copy >= 0
            && (0..3).all(|target| libc::dup2(null, target) == target)
            && libc::dup3(copy, SOCKET, libc::O_CLOEXEC) == SOCKET
    };
    std::mem::forget(socket);
    if !moved {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: integer arguments only; every number from 4 on is closed, and no handle to any of them is used again.
    if unsafe { libc::syscall(libc::SYS_close_range, SOCKET + 1, u32::MAX, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: 3 was just made and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(SOCKET) })
}
