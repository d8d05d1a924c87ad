//! One running command: its streams, and what is known of its end.

use std::io;
use std::os::fd::OwnedFd;

use serde_bytes::ByteBuf;

use super::events::Token;
use super::streams::{Ends, Feed, Stream};
use super::{Child, Init};
use crate::sys::monotonic_us;
use crate::wire::inside::{Ended, Finished, FromInit, Io};

/// How long output may still come after the end: of a process substitution, or of a tree that is being killed.
const LINGER_US: u64 = 100_000;

/// Most commands at a time: with five descriptors each they leave init enough to serve.
const MAX_COMMANDS: usize = 2_000;
/// Most outputs of finished commands that are drained; beyond it the eldest is closed.
const MAX_ORPHANS: usize = 1_000;

/// Most commands end within this time: watching their pipes would cost them more than reading them once at the end.
const FRESH_US: u64 = 1_000;

pub struct Command {
    stdout: Stream,
    stderr: Stream,
    /// stderr goes where stdout goes.
    merged: bool,
    stdin: Option<Feed>,
    /// Of a spawned process: why its exec never came.
    pub report: Option<OwnedFd>,
    /// Of a shell that runs one text: its end stays open as long as the shell may listen.
    pub control: Option<OwnedFd>,
    /// Of a spawned process: what it executes and where, to tell what of it is not there.
    pub program: Vec<u8>,
    pub folder: Vec<u8>,
    end: Option<End>,
}

struct End {
    cost: Finished,
    finish_by_us: u64,
}

pub struct Cost {
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub max_rss_bytes: u64,
}

impl Command {
    fn new(io: Io) -> io::Result<(Self, Ends)> {
        let max_bytes = io.max_bytes as usize;
        let (stdout, stdout_end) = Stream::open(max_bytes)?;
        let (stderr, stderr_end) = if io.merge {
            (Stream::none(), None)
        } else {
            let (ours, theirs) = Stream::open(max_bytes)?;
            (ours, Some(theirs))
        };
        let (stdin, stdin_end) = Feed::open(io.stdin, io.stdin_open)?;
        let command = Self {
            stdout,
            stderr,
            merged: io.merge,
            stdin,
            report: None,
            control: None,
            program: Vec::new(),
            folder: Vec::new(),
            end: None,
        };
        Ok((command, Ends { stdin: stdin_end, stdout: stdout_end, stderr: stderr_end }))
    }

    /// Takes what waits in the pipes. A flood is read a few buffers at a time, so that others get their turn.
    fn drain(&mut self, buffer: &mut [u8]) {
        self.stdout.drain(buffer);
        self.stderr.drain(buffer);
    }

    pub fn add_to_stderr(&mut self, text: &[u8]) {
        let stream = if self.merged { &mut self.stdout } else { &mut self.stderr };
        stream.kept.push(text);
    }

    fn is_drained(&self) -> bool {
        self.stdout.pipe.is_none() && self.stderr.pipe.is_none()
    }
}

impl Init {
    /// Opens the streams of a command. They are watched only if it lives longer than moments.
    pub(super) fn begin(&mut self, number: u32, io: Io) -> io::Result<Ends> {
        if self.commands.len() >= MAX_COMMANDS {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let (command, ends) = Command::new(io)?;
        self.fresh.push_back((monotonic_us() + FRESH_US, number));
        self.commands.insert(number, command);
        self.feed_stdin(number);
        Ok(ends)
    }

    /// Watches the streams of commands that are no longer fresh.
    pub(super) fn watch_older(&mut self) -> io::Result<()> {
        let now = monotonic_us();
        while let Some((watch_at, number)) = self.fresh.front().copied() {
            if watch_at > now {
                return Ok(());
            }
            self.fresh.pop_front();
            if let Some(command) = self.commands.get_mut(&number) {
                command.stdout.watch(&self.events, Token::Stdout(number))?;
                command.stderr.watch(&self.events, Token::Stderr(number))?;
            }
        }
        Ok(())
    }

    pub(super) fn feed_stdin(&mut self, number: u32) {
        let Some(command) = self.commands.get_mut(&number) else { return };
        let Some(feed) = &mut command.stdin else { return };
        if !feed.write() {
            command.stdin = None;
        } else if !feed.waiting.is_empty() && !feed.watched {
            feed.watched = self.events.watch_output(&feed.pipe, Token::Stdin(number)).is_ok();
        } else if feed.waiting.is_empty() && feed.watched {
            // An empty pipe is always writable: it is watched only while something waits.
            feed.watched = self.events.forget(&feed.pipe).is_err();
        }
    }

    pub(super) fn add_stdin(&mut self, number: u32, bytes: &[u8], eof: bool) {
        if let Some(feed) = self.commands.get_mut(&number).and_then(|command| command.stdin.as_mut()) {
            feed.waiting.extend_from_slice(bytes);
            feed.eof |= eof;
            self.feed_stdin(number);
        }
    }

    pub(super) fn read_outputs(&mut self, number: u32) -> io::Result<()> {
        let Some(command) = self.commands.get_mut(&number) else { return Ok(()) };
        command.drain(&mut self.buffer);
        if command.end.is_some() && command.is_drained() { self.finish(number) } else { Ok(()) }
    }

    /// The end is known; the output may still be on its way.
    pub(super) fn ended(
        &mut self,
        number: u32,
        ended: Ended,
        cost: Cost,
        cwd: Vec<u8>,
        lingers: bool,
    ) -> io::Result<()> {
        let Some(command) = self.commands.get_mut(&number) else { return Ok(()) };
        let finish_by_us = if lingers { monotonic_us() + LINGER_US } else { 0 };
        let cost = Finished {
            ended,
            stdout: ByteBuf::new(),
            stdout_dropped: 0,
            stderr: ByteBuf::new(),
            stderr_dropped: 0,
            cpu_user_us: cost.cpu_user_us,
            cpu_system_us: cost.cpu_system_us,
            max_rss_bytes: cost.max_rss_bytes,
            cwd: ByteBuf::from(cwd),
        };
        command.end = Some(End { cost, finish_by_us });
        command.drain(&mut self.buffer);
        if command.is_drained() || !lingers {
            return self.finish(number);
        }
        command.stdout.watch(&self.events, Token::Stdout(number))?;
        command.stderr.watch(&self.events, Token::Stderr(number))
    }

    fn finish(&mut self, number: u32) -> io::Result<()> {
        let Some(mut command) = self.commands.remove(&number) else { return Ok(()) };
        let Some(end) = command.end.take() else { return Ok(()) };
        self.fresh.retain(|(_, fresh)| *fresh != number);
        self.adopt_orphan(&mut command.stdout);
        self.adopt_orphan(&mut command.stderr);
        let (stdout, stdout_dropped) = command.stdout.kept.finish();
        let (stderr, stderr_dropped) = command.stderr.kept.finish();
        let finished = Finished {
            stdout: ByteBuf::from(stdout),
            stdout_dropped,
            stderr: ByteBuf::from(stderr),
            stderr_dropped,
            ..end.cost
        };
        self.children.retain(|_, child| *child != Child::Main { command: number });
        self.tell(number, &FromInit::Finished { finished })
    }

    fn adopt_orphan(&mut self, stream: &mut Stream) {
        let Some(pipe) = stream.pipe.take() else { return };
        self.next_orphan = self.next_orphan.wrapping_add(1);
        let token = Token::Orphan(self.next_orphan);
        let adopted =
            if stream.watched { self.events.rename(&pipe, token) } else { self.events.watch_input(&pipe, token) };
        // A pipe that cannot be watched is closed: its writers get SIGPIPE, which is what is left.
        if adopted.is_ok() {
            self.orphans.insert(self.next_orphan, pipe);
            if self.orphans.len() > MAX_ORPHANS {
                self.orphans.pop_first();
            }
        }
    }

    pub(super) fn drain_orphan(&mut self, number: u32) {
        let Some(pipe) = self.orphans.get(&number) else { return };
        match rustix::io::read(pipe, &mut self.buffer) {
            Ok(length) if length > 0 => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => drop(self.orphans.remove(&number)),
        }
    }

    /// Microseconds until a command's streams must be watched, or a lingering one finished.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let fresh = self.fresh.front().map(|(watch_at, _)| *watch_at);
        let lingering = self.commands.values().filter_map(|command| command.end.as_ref()).map(|end| end.finish_by_us);
        let first = lingering.chain(fresh).min()?;
        Some(first.saturating_sub(monotonic_us()))
    }

    pub(super) fn finish_overdue(&mut self) -> io::Result<()> {
        if self.commands.values().all(|command| command.end.is_none()) {
            return Ok(());
        }
        let now = monotonic_us();
        let overdue = |(number, command): (&u32, &Command)| {
            command.end.as_ref().is_some_and(|end| end.finish_by_us <= now).then_some(*number)
        };
        let numbers: Vec<u32> = self.commands.iter().filter_map(overdue).collect();
        numbers.into_iter().try_for_each(|number| self.finish(number))
    }

    pub(super) fn peek(&mut self, number: u32) -> io::Result<()> {
        let (stdout, stderr) = match self.commands.get_mut(&number) {
            Some(command) => {
                command.drain(&mut self.buffer);
                (command.stdout.kept.snapshot(), command.stderr.kept.snapshot())
            }
            None => ((Vec::new(), 0), (Vec::new(), 0)),
        };
        let message = FromInit::Peeked {
            stdout: ByteBuf::from(stdout.0),
            stdout_dropped: stdout.1,
            stderr: ByteBuf::from(stderr.0),
            stderr_dropped: stderr.1,
        };
        self.tell(number, &message)
    }
}
