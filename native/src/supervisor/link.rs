//! A non-blocking stream of frames out: written at once where the socket takes it, else kept until it does.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::SendFlags;
use serde::Serialize;

use crate::sys::socket;
use crate::wire::frame;

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
