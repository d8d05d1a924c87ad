//! The standard streams of a command: our ends of its pipes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde_bytes::ByteBuf;

use super::events::{Events, Token};
use super::shell_wire::Streams;
use super::spawn::{input_pipe, output_pipe};
use crate::output::HeadTail;

pub struct Stream {
    /// `None` at the end of file (or where there is no such stream).
    pub pipe: Option<OwnedFd>,
    pub watched: bool,
    pub kept: HeadTail,
}

pub struct Feed {
    pub pipe: OwnedFd,
    pub waiting: Vec<u8>,
    written: usize,
    pub eof: bool,
    pub watched: bool,
}

/// The ends that go to the command.
pub struct Ends {
    pub stdin: Option<OwnedFd>,
    pub stdout: OwnedFd,
    pub stderr: Option<OwnedFd>,
}

impl Ends {
    pub fn streams(&self) -> Streams<'_> {
        let stdin = self.stdin.as_ref().map(AsFd::as_fd);
        Streams { stdin, stdout: self.stdout.as_fd(), stderr: self.stderr(), gate: None }
    }

    pub fn stderr(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stderr.as_ref().unwrap_or(&self.stdout).as_fd()
    }
}

/// A pipe holds 64 KB: this empties a full one, and leaves the loop to others when it fills as fast as it is read.
const READS_A_TURN: usize = 4;

impl Stream {
    /// Ours and the command's end of a new pipe.
    pub fn open(max_bytes: usize) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = output_pipe()?;
        Ok((Self { pipe: Some(ours), watched: false, kept: HeadTail::new(max_bytes) }, theirs))
    }

    /// A stream that goes elsewhere.
    pub fn none() -> Self {
        Self { pipe: None, watched: false, kept: HeadTail::new(0) }
    }

    pub fn watch(&mut self, events: &Events, token: Token) -> io::Result<()> {
        if let Some(pipe) = self.pipe.as_ref().filter(|_| !self.watched) {
            events.watch_input(pipe, token)?;
            self.watched = true;
        }
        Ok(())
    }

    pub fn drain(&mut self, buffer: &mut [u8]) {
        for _ in 0..READS_A_TURN {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe, &mut *buffer) {
                Ok(0) => self.pipe = None,
                Ok(length) => self.kept.push(&buffer[..length]),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

impl Feed {
    pub fn open(bytes: Option<ByteBuf>, stays_open: bool) -> io::Result<(Option<Self>, Option<OwnedFd>)> {
        if bytes.is_none() && !stays_open {
            return Ok((None, None));
        }
        let (read, write) = input_pipe()?;
        let waiting = bytes.map(ByteBuf::into_vec).unwrap_or_default();
        Ok((Some(Self { pipe: write, waiting, written: 0, eof: !stays_open, watched: false }), Some(read)))
    }

    /// `false` when it is done with.
    pub fn write(&mut self) -> bool {
        while self.written < self.waiting.len() {
            match rustix::io::write(&self.pipe, &self.waiting[self.written..]) {
                Ok(length) => self.written += length,
                Err(rustix::io::Errno::AGAIN) => return true,
                Err(rustix::io::Errno::INTR) => {}
                // Nobody reads any more.
                Err(_) => return false,
            }
        }
        self.waiting.clear();
        self.written = 0;
        !self.eof
    }
}
