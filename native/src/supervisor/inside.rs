//! What an init says. It stands on the hostile side: a frame that cannot be ends its sandbox, and nothing in it is
//! believed beyond the sandbox's own affairs.

use std::os::fd::AsFd;

use rustix::event::epoll::EventFlags;
use rustix::net::RecvFlags;

use super::Supervisor;
use crate::sys::socket;
use crate::wire::frame::{self, FrameError};
use crate::wire::inside::FromInit;

impl Supervisor {
    pub(super) fn read_init(&mut self, slot: u32, flags: EventFlags) {
        self.hear_init(slot);
        if flags.contains(EventFlags::OUT)
            && let Some(sandbox) = self.sandboxes.get_mut(&slot)
        {
            sandbox.link.flush();
        }
    }

    /// Reads what waits, a buffer full at most: a talkative sandbox does not keep others waiting.
    pub(super) fn hear_init(&mut self, slot: u32) {
        let link = match (self.sandboxes.get_mut(&slot), self.creating.get_mut(&slot)) {
            (Some(sandbox), _) => &mut sandbox.link,
            (None, Some(creating)) => &mut creating.link,
            (None, None) => return,
        };
        match socket::receive(link.socket.as_fd(), &mut self.buffer, &mut Vec::new(), RecvFlags::DONTWAIT) {
            Ok(length) if length > 0 => link.reader.push(&self.buffer[..length]),
            Err(rustix::io::Errno::AGAIN) => return,
            Ok(_) | Err(_) => return link.forget(),
        }
        loop {
            match self.next_message(slot) {
                Ok(Some((number, message))) => self.heard(slot, number, message),
                Ok(None) => return,
                Err(error) => return self.refuse_init(slot, &error),
            }
        }
    }

    fn next_message(&mut self, slot: u32) -> Result<Option<(u32, FromInit)>, FrameError> {
        let link = match (self.sandboxes.get_mut(&slot), self.creating.get_mut(&slot)) {
            (Some(sandbox), _) => &mut sandbox.link,
            (None, Some(creating)) => &mut creating.link,
            (None, None) => return Ok(None),
        };
        match link.reader.next_frame()? {
            Some(frame) => Ok(Some((frame.channel, frame::decode(frame.body)?))),
            None => Ok(None),
        }
    }

    fn refuse_init(&mut self, slot: u32, error: &FrameError) {
        if self.creating.contains_key(&slot) {
            self.create_failed(slot, "wait_for_init", "EPROTO");
        } else {
            self.lose(slot, &format!("its init broke the protocol: {error}"));
        }
    }

    fn heard(&mut self, slot: u32, number: u32, message: FromInit) {
        if self.creating.contains_key(&slot) {
            return self.heard_while_creating(slot, message);
        }
        match message {
            FromInit::SessionOpened { incarnation, .. } if self.is_present(slot, number, incarnation) => {
                self.session_opened(slot, number);
            }
            FromInit::SessionFailed { step, errno, incarnation } if self.is_present(slot, number, incarnation) => {
                self.session_failed(slot, number, &step, &errno);
            }
            FromInit::SessionEnded { incarnation } if self.is_present(slot, number, incarnation) => {
                self.session_ended(slot, number);
            }
            // Of a shell that has been replaced.
            FromInit::SessionOpened { .. } | FromInit::SessionFailed { .. } | FromInit::SessionEnded { .. } => {}
            FromInit::Started => self.started(slot, number),
            FromInit::SpawnFailed { step, errno } => self.spawn_failed(slot, number, &step, &errno),
            FromInit::Finished { finished } => self.finished(slot, number, finished),
            FromInit::Peeked { stdout, stdout_dropped, stderr, stderr_dropped } => {
                self.peeked(slot, number, (stdout, stdout_dropped), (stderr, stderr_dropped));
            }
            FromInit::File { reply } => self.file_done(slot, number, reply),
            FromInit::Pong => {}
            FromInit::Ready { .. } | FromInit::SetupFailed { .. } => self.lose(slot, "its init began a second time"),
        }
    }
}
