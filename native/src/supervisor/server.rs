//! The one server: its connection, and what it is told.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, EventFlags};
use rustix::net::RecvFlags;

use super::link::Outgoing;
use super::timers::Deadline;
use super::{Supervisor, Token};
use crate::sys::socket;
use crate::wire::files::FileOp;
use crate::wire::frame::{self, FrameReader, MAX_SERVER_FRAME};
use crate::wire::server::{Reply, Request};

/// Several slices of files.
const KEEP_BYTES: usize = 1024 * 1024;

pub struct ServerLink {
    socket: OwnedFd,
    reader: FrameReader,
    out: Outgoing,
    /// Waits for the socket to become writable.
    stuffed: bool,
    /// Of what was read, whether the first frame was a `Hello` of our version.
    pub greeted: bool,
}

impl Supervisor {
    pub(super) fn accept(&mut self) -> io::Result<()> {
        let Ok((stream, _)) = self.listener.accept() else { return Ok(()) };
        let socket = OwnedFd::from(stream);
        let peer = rustix::net::sockopt::socket_peercred(&socket);
        if !peer.is_ok_and(|peer| peer.uid == rustix::process::geteuid()) {
            return Ok(());
        }
        if rustix::io::ioctl_fionbio(&socket, true).is_err() {
            return Ok(());
        }
        if self.server.is_some() {
            refuse(&socket, "supervisor.busy", "another server is connected");
            return Ok(());
        }
        if self.watch(socket.as_fd(), Token::Server, EventFlags::IN).is_err() {
            return Ok(());
        }
        self.awaits_first_server = false;
        if let Some(key) = self.orphaned.take() {
            self.timers.clear(key);
        }
        let reader = FrameReader::new(MAX_SERVER_FRAME).keeping(KEEP_BYTES);
        self.server = Some(ServerLink { socket, reader, out: Outgoing::new(), stuffed: false, greeted: false });
        Ok(())
    }

    pub(super) fn read_server(&mut self) {
        if let Some(link) = &mut self.server {
            link.stuffed = false;
        }
        let mut filled = true;
        while filled {
            let Some(link) = &mut self.server else { return };
            let read = socket::receive(link.socket.as_fd(), &mut self.buffer, &mut Vec::new(), RecvFlags::DONTWAIT);
            match read {
                Ok(length) if length > 0 => {
                    link.reader.push(&self.buffer[..length]);
                    filled = length == self.buffer.len();
                }
                Err(rustix::io::Errno::AGAIN) => return,
                Ok(_) | Err(_) => return self.server_gone(),
            }
            while let Some(link) = &mut self.server {
                let request = match link.reader.next_frame() {
                    Ok(Some(frame)) => frame::decode::<Request>(frame.body).map(|request| (frame.channel, request)),
                    Ok(None) => break,
                    Err(error) => Err(error),
                };
                match request {
                    Ok((channel, request)) => self.request(channel, request),
                    Err(error) => {
                        refuse(&link.socket, "protocol.refused", &error.to_string());
                        return self.server_gone();
                    }
                }
            }
        }
    }

    /// The sandboxes stay; what only the server's connection kept open is closed.
    pub(super) fn server_gone(&mut self) {
        let Some(link) = self.server.take() else { return };
        let _ = epoll::delete(&*self.epoll, &link.socket);
        self.orphaned = Some(self.timers.set(self.orphan_ttl_us, Deadline::Orphaned));
        self.waiting_creates.clear();
        for creating in self.creating.values_mut() {
            creating.channel = None;
        }
        for ending in self.ending.values_mut() {
            ending.replies.clear();
        }
        let slots: Vec<u32> = self.sandboxes.keys().copied().collect();
        for slot in slots {
            let Some(sandbox) = self.sandboxes.get_mut(&slot) else { continue };
            sandbox.forget_channels();
            if std::mem::take(&mut sandbox.files_opened) {
                self.pass_file(slot, None, FileOp::CloseAll);
            }
        }
    }

    pub(super) fn tell(&mut self, channel: u32, reply: &Reply) {
        if let Some(link) = &mut self.server {
            link.out.push(channel, reply, Vec::new());
        }
    }

    pub(super) fn reply_done(&mut self, channel: u32) {
        self.tell(channel, &Reply::Done);
    }

    pub(super) fn reply_error(&mut self, channel: u32, code: &str, message: &str) {
        self.tell(channel, &error(code, message));
    }

    /// Once a turn: what was said in it goes out in as few writes as possible.
    pub(super) fn flush_server(&mut self) {
        let Some(link) = &mut self.server else { return };
        if link.stuffed || link.out.is_empty() {
            return;
        }
        let data = Token::Server.to_data();
        match link.out.flush(link.socket.as_fd()) {
            Ok(true) => {}
            Ok(false) => {
                link.stuffed =
                    epoll::modify(&*self.epoll, &link.socket, data, EventFlags::IN | EventFlags::OUT | EventFlags::ET)
                        .is_ok();
            }
            Err(_) => self.server_gone(),
        }
    }
}

pub fn error(code: &str, message: &str) -> Reply {
    Reply::Error { code: code.to_owned(), message: message.to_owned(), step: None, errno: None }
}

fn refuse(socket: &OwnedFd, code: &str, message: &str) {
    let mut bytes = Vec::new();
    frame::encode(&mut bytes, 0, &error(code, message));
    // The connection is closed next: a peer that takes no more loses only the reason.
    let _ = socket::send(socket.as_fd(), &bytes, &[], rustix::net::SendFlags::DONTWAIT);
}
