//! What the server asks for, message by message.

use super::Supervisor;
use super::sandbox::Sandbox;
use crate::wire::server::{Reply, Request, VERSION};

impl Supervisor {
    pub(super) fn request(&mut self, channel: u32, request: Request) {
        let greeted = self.server.as_ref().is_some_and(|link| link.greeted);
        if !greeted && !matches!(request, Request::Hello { .. }) {
            return self.reply_error(channel, "protocol.refused", "the first frame must be Hello");
        }
        match request {
            Request::Hello { version } => self.hello(channel, version),
            Request::Create { sandbox, spec } => self.create(channel, sandbox, spec),
            Request::Destroy { sandbox } => self.destroy(channel, &sandbox),
            Request::OpenSession { sandbox, session, start } => self.open_session(channel, &sandbox, &session, start),
            Request::CloseSession { sandbox, session } => self.close_session(channel, &sandbox, &session),
            Request::Run { sandbox, command } => self.run(channel, &sandbox, command),
            Request::Kill { sandbox, command, by } => self.kill(channel, &sandbox, &command, &by),
            Request::Signal { sandbox, command, signal } => self.signal(channel, &sandbox, &command, signal),
            Request::Stdin { sandbox, command, bytes, eof } => self.stdin(channel, &sandbox, &command, bytes, eof),
            Request::Command { sandbox, command } => self.command(channel, &sandbox, &command),
            Request::Commands { sandbox } => self.commands(channel, &sandbox),
            Request::File { sandbox, op } => self.file(channel, &sandbox, op),
            Request::List => {
                let sandboxes = self.listing();
                self.tell(channel, &Reply::Listing { sandboxes });
            }
            Request::Status => match self.status() {
                Ok(status) => self.tell(channel, &Reply::Status { status }),
                Err(error) => self.reply_error(channel, "runtime.unavailable", &error.to_string()),
            },
            Request::Shutdown => {
                self.shutdown = Some(channel);
                self.end_all();
            }
        }
    }

    fn hello(&mut self, channel: u32, version: u32) {
        if version != VERSION {
            let message = format!("the supervisor speaks version {VERSION}, the server version {version}");
            return self.reply_error(channel, "protocol.version", &message);
        }
        if let Some(link) = &mut self.server {
            link.greeted = true;
        }
        let boot = self.boot.clone();
        self.tell(channel, &Reply::Hello { version: VERSION, pid: std::process::id(), boot });
    }

    /// The slot of a living sandbox, or an answer that there is none.
    pub(super) fn living_slot(&mut self, channel: u32, id: &str) -> Option<u32> {
        let slot = self.by_id.get(id).copied().filter(|slot| self.sandboxes.contains_key(slot));
        let Some(slot) = slot else {
            self.reply_error(channel, "sandbox.not_found", "no such sandbox");
            return None;
        };
        if self.sandboxes.get(&slot).is_some_and(|sandbox| sandbox.link.is_overloaded()) {
            self.reply_error(channel, "limit.exceeded", "the sandbox does not take what it is sent");
            return None;
        }
        Some(slot)
    }

    pub(super) fn living(&mut self, channel: u32, id: &str) -> Option<&mut Sandbox> {
        let slot = self.living_slot(channel, id)?;
        self.sandboxes.get_mut(&slot)
    }
}
