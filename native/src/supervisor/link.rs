//! Sockets to others. Frames out are written at once where the socket takes them, else kept until it does.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::SendFlags;
use serde::Serialize;

use crate::sys::socket;
use crate::wire::frame::{self, FrameReader, MAX_INSIDE_FRAME};

/// What may wait for one init.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
const MAX_WAITING_FDS: usize = 128;

/// The socket to one init.
pub struct InitLink {
    pub socket: OwnedFd,
    pub reader: FrameReader,
    out: Outgoing,
    epoll: Rc<OwnedFd>,
    data: EventData,
    /// Something waits for the socket to become writable.
    stuffed: bool,
}

impl InitLink {
    pub fn new(socket: OwnedFd, epoll: Rc<OwnedFd>, data: EventData) -> Self {
        let reader = FrameReader::new(MAX_INSIDE_FRAME);
        Self { socket, reader, out: Outgoing::new(), epoll, data, stuffed: false }
    }

    pub fn watch(&self) -> io::Result<()> {
        Ok(epoll::add(&*self.epoll, &self.socket, self.data, EventFlags::IN)?)
    }

    /// After the end of the stream: the end of init itself comes by SIGCHLD.
    pub fn forget(&self) {
        let _ = epoll::delete(&*self.epoll, &self.socket);
    }

    /// What the socket does not take now waits. A dead init is told by SIGCHLD.
    pub fn send<T: Serialize>(&mut self, channel: u32, message: &T, fds: Vec<OwnedFd>) {
        self.out.push(channel, message, fds);
        if !self.stuffed {
            self.flush();
        }
    }

    /// An init that does not read keeps neither memory nor descriptors of the node.
    pub fn is_overloaded(&self) -> bool {
        let bytes: usize = self.out.waiting.iter().map(|packet| packet.bytes.len()).sum();
        let fds: usize = self.out.waiting.iter().map(|packet| packet.fds.len()).sum();
        bytes > MAX_WAITING_BYTES || fds > MAX_WAITING_FDS
    }

    pub fn flush(&mut self) {
        let waits = matches!(self.out.flush(self.socket.as_fd()), Ok(false));
        if waits != self.stuffed {
            let interest = if waits { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            let _ = epoll::modify(&*self.epoll, &self.socket, self.data, interest);
            self.stuffed = waits;
        }
    }
}

#[derive(Debug)]
pub struct Outgoing {
    waiting: VecDeque<Packet>,
}

#[derive(Debug)]
struct Packet {
    bytes: Vec<u8>,
    sent: usize,
    /// Travel with the first byte.
    fds: Vec<OwnedFd>,
}

impl Outgoing {
    pub fn new() -> Self {
        Self { waiting: VecDeque::new() }
    }

    pub fn push<T: Serialize>(&mut self, channel: u32, message: &T, fds: Vec<OwnedFd>) {
        if fds.is_empty()
            && let Some(last) = self.waiting.back_mut()
            && last.fds.is_empty()
        {
            frame::encode(&mut last.bytes, channel, message);
            return;
        }
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, channel, message);
        self.waiting.push_back(Packet { bytes, sent: 0, fds });
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes what the socket takes. `Ok(false)`: more waits until it is writable.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        while let Some(packet) = self.waiting.front_mut() {
            let fds: Vec<BorrowedFd<'_>> = packet.fds.iter().map(AsFd::as_fd).collect();
            match socket::send(socket, &packet.bytes[packet.sent..], &fds, SendFlags::DONTWAIT) {
                Ok(sent) => {
                    packet.sent += sent;
                    packet.fds.clear();
                    if packet.sent == packet.bytes.len() {
                        self.waiting.pop_front();
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}
