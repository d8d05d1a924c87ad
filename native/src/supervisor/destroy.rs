//! The end of a sandbox: asked for, lost, or never completed. Whoever waits is answered when nothing is left.

use std::path::PathBuf;

use super::Supervisor;
use super::cgroup::Group;
use super::create::setup_failed;
use super::graveyard::Owner;
use super::sandbox::Sandbox;
use super::timers::Deadline;
use crate::wire::server::{Outcome, Reply};

/// The kernel's event for an emptied folder comes within its rate limit of 10 ms.
const GRAVE_CARE_US: u64 = 1_000_000;

pub struct Ending {
    id: String,
    /// Init, until it is reaped: then the kernel has taken every process of its PID namespace.
    pub pid: Option<i32>,
    folders: Vec<PathBuf>,
    pub replies: Vec<(u32, Reply)>,
}

impl Supervisor {
    pub(super) fn destroy(&mut self, channel: u32, id: &str) {
        if let Some(at) = self.waiting_creates.iter().position(|waiting| waiting.id == id) {
            if let Some(waiting) = self.waiting_creates.remove(at) {
                self.tell(waiting.channel, &setup_failed("create", "ECANCELED"));
            }
            return self.reply_done(channel);
        }
        let Some(slot) = self.by_id.get(id).copied() else {
            return self.reply_error(channel, "sandbox.not_found", "no such sandbox");
        };
        if let Some(ending) = self.ending.get_mut(&slot) {
            ending.replies.push((channel, Reply::Done));
        } else if self.creating.contains_key(&slot) {
            self.create_failed(slot, "create", "ECANCELED");
            if let Some(ending) = self.ending.get_mut(&slot) {
                ending.replies.push((channel, Reply::Done));
            } else {
                self.reply_done(channel);
            }
        } else {
            self.end_sandbox(slot, &Outcome::Killed { by: "delete".to_owned() }, vec![(channel, Reply::Done)]);
        }
    }

    /// Ends every sandbox, without anybody waiting for a single one.
    pub(super) fn end_all(&mut self) {
        for waiting in std::mem::take(&mut self.waiting_creates) {
            self.tell(waiting.channel, &setup_failed("create", "ECANCELED"));
        }
        let creating: Vec<u32> = self.creating.keys().copied().collect();
        for slot in creating {
            self.create_failed(slot, "create", "ECANCELED");
        }
        let living: Vec<u32> = self.sandboxes.keys().copied().collect();
        for slot in living {
            self.end_sandbox(slot, &Outcome::Killed { by: "shutdown".to_owned() }, Vec::new());
        }
    }

    pub(super) fn lose(&mut self, slot: u32, reason: &str) {
        let Some(id) = self.sandboxes.get(&slot).map(|sandbox| sandbox.id.clone()) else { return };
        self.end_sandbox(slot, &Outcome::Lost { reason: reason.to_owned() }, Vec::new());
        self.tell(0, &Reply::Lost { sandbox: id, reason: reason.to_owned() });
    }

    fn end_sandbox(&mut self, slot: u32, outcome: &Outcome, replies: Vec<(u32, Reply)>) {
        let numbers: Vec<u32> =
            self.sandboxes.get(&slot).map(|sandbox| sandbox.running.keys().copied().collect()).unwrap_or_default();
        for number in numbers {
            self.finish_without_word(slot, number, outcome.clone());
        }
        let Some(sandbox) = self.sandboxes.remove(&slot) else { return };
        self.answer_waiting(&sandbox);
        let Sandbox { id, group, pid, mut history, .. } = sandbox;
        history.clear(&mut self.spool);
        self.end(slot, id, &group, Some(pid), replies);
    }

    /// What was asked of the sandbox and can no longer be done.
    fn answer_waiting(&mut self, sandbox: &Sandbox) {
        let files = sandbox.file_requests.values();
        for deadline in files.clone().map(|request| request.deadline) {
            self.timers.clear(deadline);
        }
        let waiting = sandbox.sessions.values().flat_map(|session| session.waiting.iter().map(|(channel, _)| *channel));
        let opening = sandbox.sessions.values().filter_map(|session| session.opening_channel());
        let channels: Vec<u32> = files.filter_map(|request| request.channel).chain(waiting).chain(opening).collect();
        for channel in channels {
            self.reply_error(channel, "sandbox.gone", "the sandbox ended");
        }
    }

    pub(super) fn end(&mut self, slot: u32, id: String, group: &Group, pid: Option<i32>, replies: Vec<(u32, Reply)>) {
        // One that was reaped already will not be told of again.
        let pid = pid.filter(|pid| self.by_pid.contains_key(pid));
        let mut ending = Ending { id, pid, folders: group.folders(), replies };
        // Cannot be killed by its cgroup: the folder is not there, so there never was a process in it.
        if group.kill().is_err() {
            ending.pid = None;
        }
        self.ending.insert(slot, ending);
        self.try_bury(slot);
    }

    /// An init was reaped.
    pub(super) fn init_ended(&mut self, slot: u32) {
        if let Some(ending) = self.ending.get_mut(&slot) {
            ending.pid = None;
            return self.try_bury(slot);
        }
        // Its last words first: they may say which step failed.
        self.hear_init(slot);
        if let Some(creating) = self.creating.get_mut(&slot) {
            creating.pid = None;
            self.create_failed(slot, "wait_for_init", "ECHILD");
        } else if self.sandboxes.contains_key(&slot) {
            self.lose(slot, "its init ended");
        }
    }

    pub(super) fn try_bury(&mut self, slot: u32) {
        let Some(ending) = self.ending.get(&slot) else { return };
        if ending.pid.is_some() || self.cloning.contains(&slot) {
            return;
        }
        match self.graveyard.bury(ending.folders.clone(), Some(Owner::Sandbox(slot))) {
            Ok(true) => self.buried(slot),
            Ok(false) => {
                self.timers.set(GRAVE_CARE_US, Deadline::Graves);
            }
            Err(error) => {
                let message = format!("cgroup folders of an ended sandbox stay: {error}");
                // Its slot is not given back: the next start clears the folders.
                let Some(ending) = self.ending.remove(&slot) else { return };
                self.by_id.remove(&ending.id);
                for (channel, _) in ending.replies {
                    self.reply_error(channel, "runtime.residue", &message);
                }
            }
        }
    }

    /// The event says when a folder is empty; this is for the one that the kernel swallows.
    pub(super) fn look_after_graves(&mut self) {
        for owner in self.graveyard.look_after() {
            self.emptied(owner);
        }
    }

    pub(super) fn emptied(&mut self, owner: Owner) {
        match owner {
            Owner::Sandbox(slot) => self.buried(slot),
            Owner::Command { slot, number } => self.tree_gone(slot, number),
        }
    }

    /// Nothing of the sandbox is left.
    pub(super) fn buried(&mut self, slot: u32) {
        let Some(ending) = self.ending.remove(&slot) else { return };
        self.by_id.remove(&ending.id);
        self.slots.give_back(slot);
        for (channel, reply) in ending.replies {
            self.tell(channel, &reply);
        }
    }
}
