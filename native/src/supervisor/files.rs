//! File operations pass through to init, with a deadline that is kept out here.

use super::Supervisor;
use super::sandbox::FileRequest;
use super::timers::Deadline;
use crate::wire::files::{FileOp, FileReply};
use crate::wire::inside::ToInit;
use crate::wire::server::Reply;

/// One operation is at most a slice of a regular file, or one page of a listing.
const FILE_LIMIT_US: u64 = 30_000_000;

impl Supervisor {
    pub(super) fn file(&mut self, channel: u32, id: &str, op: FileOp) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        self.pass_file(slot, Some(channel), op);
    }

    pub(super) fn pass_file(&mut self, slot: u32, channel: Option<u32>, op: FileOp) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let number = sandbox.next_number();
        let deadline = self.timers.set(FILE_LIMIT_US, Deadline::File { slot, request: number });
        sandbox.last_used_at_ms = crate::sys::wall_clock_ms();
        sandbox.oom.stale = true;
        sandbox.file_requests.insert(number, FileRequest { channel, deadline });
        sandbox.tell_init(number, &ToInit::File { op }, Vec::new());
    }

    pub(super) fn file_done(&mut self, slot: u32, number: u32, reply: FileReply) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(request) = sandbox.file_requests.remove(&number) else { return };
        sandbox.files_opened |=
            matches!(&reply, FileReply::Opened { handle: Some(_), .. } | FileReply::Put { handle: Some(_), .. });
        self.timers.clear(request.deadline);
        if let Some(channel) = request.channel {
            self.tell(channel, &Reply::File { reply });
        }
    }

    pub(super) fn file_overdue(&mut self, slot: u32, number: u32) {
        let reply = FileReply::Error {
            code: "file.failed".to_owned(),
            message: "the operation took too long".to_owned(),
            errno: Some("ETIMEDOUT".to_owned()),
        };
        self.file_done(slot, number, reply);
    }
}
