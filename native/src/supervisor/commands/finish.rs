//! A command's end: told by init, forced by its deadline, or never told at all.

use serde_bytes::ByteBuf;

use super::super::Supervisor;
use super::super::cgroup::Leaf;
use super::super::create::setup_failed;
use super::super::graveyard::Owner;
use super::super::sandbox::{KilledBy, Place, Running, SessionState};
use super::super::timers::Deadline;
use crate::sys::monotonic_us;
use crate::wire::inside::{Ended, Finished, ToInit};
use crate::wire::server::{Outcome, Reply};

/// After a kill init tells the end within moments; a client waits 250 ms at most beyond its limit.
const LAST_WORD_US: u64 = 220_000;

impl Supervisor {
    pub(in crate::supervisor) fn spawn_failed(&mut self, slot: u32, number: u32, step: &str, errno: &str) {
        let Some(running) = self.forget_running(slot, number) else { return };
        for channel in running.channel.into_iter().chain(running.peeking) {
            self.tell(channel, &setup_failed(step, errno));
        }
        if let Place::Own(leaf) = running.place {
            self.bury_leaf(leaf);
        }
        self.free_session_of(slot, number);
    }

    fn forget_running(&mut self, slot: u32, number: u32) -> Option<Running> {
        let sandbox = self.sandboxes.get_mut(&slot)?;
        let running = sandbox.running.remove(&number)?;
        sandbox.numbers.remove(&running.record.id);
        self.timers.clear(running.deadline);
        Some(running)
    }

    pub(in crate::supervisor) fn command_timed_out(&mut self, slot: u32, number: u32) {
        self.kill_running(slot, number, KilledBy::TimeLimit);
    }

    pub(super) fn kill_running(&mut self, slot: u32, number: u32, by: KilledBy) {
        self.expect_last_word(slot, number, by);
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        // The leaf cannot be gone while its command runs. A kill that fails is repeated at the deadline.
        let _ = sandbox.leaf_of(number).map(Leaf::kill);
    }

    /// From now on the command has only so long.
    pub(in crate::supervisor) fn expect_last_word(&mut self, slot: u32, number: u32, by: KilledBy) {
        let deadline = self.timers.set(LAST_WORD_US, Deadline::Killed { slot, command: number });
        let running = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.running.get_mut(&number));
        let Some(running) = running else { return self.timers.clear(deadline) };
        self.timers.clear(running.deadline);
        running.deadline = deadline;
        // Who killed first is who killed.
        running.killed.get_or_insert(by);
    }

    /// The time for the last word is over. What init told goes out although the tree is not all gone; where it told
    /// nothing, the answer goes out without its output.
    pub(in crate::supervisor) fn killed_without_word(&mut self, slot: u32, number: u32) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        if let Some(told) = running.told.take() {
            return self.conclude(slot, number, told);
        }
        let outcome = match &running.killed {
            Some(KilledBy::Request(by)) => Outcome::Killed { by: by.clone() },
            Some(KilledBy::TimeLimit) | None => Outcome::TimedOut { limit_ms: running.limit_ms },
        };
        // Once more: a shell that init was late to move stands in its leaf only now. What cannot be killed cannot be
        // kept: its whole sandbox goes.
        if sandbox.leaf_of(number).is_some_and(|leaf| leaf.kill().is_err()) {
            return self.lose(slot, "a command of it cannot be killed");
        }
        // The one that waits for this command: it runs in the session, or was to be forked off it.
        let busy = SessionState::Busy { command: number };
        let session = sandbox.sessions.iter().find(|(_, session)| session.state == busy);
        let name = session.map(|(name, session)| {
            // A shell that this does not reach is replaced all the same, and goes with its sandbox.
            let _ = session.leaf.kill();
            name.clone()
        });
        self.finish_without_word(slot, number, outcome);
        if let Some(name) = name {
            self.replace_shell(slot, &name);
        }
    }

    /// A new shell, which finds no command to run: the session's has been answered.
    fn replace_shell(&mut self, slot: u32, name: &str) {
        let session = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.sessions.get_mut(name));
        if let Some(session) = session {
            session.state = SessionState::Opening { channel: None };
        }
        self.restart_session(slot, name);
    }

    pub(in crate::supervisor) fn finish_without_word(&mut self, slot: u32, number: u32, outcome: Outcome) {
        let Some(mut running) = self.forget_running(slot, number) else { return };
        running.record.outcome = Some(outcome);
        running.record.duration_us = monotonic_us().saturating_sub(running.began_us);
        running.record.session_restarted = matches!(running.place, Place::Session { .. });
        running.record.stdout = Some(ByteBuf::new());
        running.record.stderr = Some(ByteBuf::new());
        self.settle(slot, running);
    }

    /// A killed command has ended when nothing of its tree is left.
    pub(in crate::supervisor) fn finished(&mut self, slot: u32, number: u32, finished: Finished) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let killed = sandbox.running.get(&number).is_some_and(|running| running.killed.is_some());
        if killed && let Some(leaf) = sandbox.leaf_of(number) {
            let owner = Owner::Command { slot, number };
            if !self.graveyard.tell_when_empty(leaf.path(), owner) {
                if let Some(running) = sandbox.running.get_mut(&number) {
                    running.told = Some(finished);
                }
                return;
            }
        }
        self.conclude(slot, number, finished);
    }

    pub(in crate::supervisor) fn tree_gone(&mut self, slot: u32, number: u32) {
        let running = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.running.get_mut(&number));
        if let Some(told) = running.and_then(|running| running.told.take()) {
            self.conclude(slot, number, told);
        }
    }

    fn conclude(&mut self, slot: u32, number: u32, finished: Finished) {
        let Some(mut running) = self.forget_running(slot, number) else {
            // Its answer went out without it; the shell that it may have freed was restarted then.
            return;
        };
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let own_kills = match &running.place {
            Place::Own(leaf) => sandbox.group.oom_kills_of(leaf).unwrap_or_default(),
            Place::Session { .. } => 0,
        };
        let oom = own_kills > 0 || sandbox.look_for_oom_kills() > running.oom_kills_before;
        let limit_bytes = running.memory_limit_bytes.filter(|_| own_kills > 0).unwrap_or(sandbox.spec.memory_bytes);

        let record = &mut running.record;
        record.oom = oom;
        record.outcome = Some(outcome(running.killed.as_ref(), running.limit_ms, finished.ended, oom, limit_bytes));
        record.stdout = Some(finished.stdout);
        record.stderr = Some(finished.stderr);
        record.stdout_dropped = finished.stdout_dropped;
        record.stderr_dropped = finished.stderr_dropped;
        record.cpu_user_us = finished.cpu_user_us;
        record.cpu_system_us = finished.cpu_system_us;
        record.max_rss_bytes = finished.max_rss_bytes;
        record.cwd = finished.cwd;
        record.duration_us = monotonic_us().saturating_sub(running.began_us);
        self.place_freed(slot, number, &mut running, finished.ended);
        if let Some(sandbox) = self.sandboxes.get_mut(&slot) {
            sandbox.oom.always_stale |= running.record.background_left || running.record.background;
        }
        self.settle(slot, running);
        self.free_session_of(slot, number);
    }

    fn is_busy_with(&self, slot: u32, name: &str, number: u32) -> bool {
        let session = self.sandboxes.get(&slot).and_then(|sandbox| sandbox.sessions.get(name));
        session.is_some_and(|session| session.state == SessionState::Busy { command: number })
    }

    /// What the end means for the session, or for the command's own leaf.
    fn place_freed(&mut self, slot: u32, number: u32, running: &mut Running, ended: Ended) {
        match &running.place {
            Place::Session { name, number: session } => {
                let (name, session) = (name.clone(), *session);
                let sandbox = self.sandboxes.get_mut(&slot);
                if let Some(sandbox) = sandbox.filter(|sandbox| !sandbox.session_names.contains_key(&session)) {
                    // The session was closed under the command.
                    sandbox.tell_init(session, &ToInit::CloseSession, Vec::new());
                } else if !self.is_busy_with(slot, &name, number) {
                    // Its shell has been replaced already.
                } else if matches!(ended, Ended::Status { .. }) && running.killed.is_none() {
                    self.remember_cwd(slot, &name, &running.record.cwd);
                    running.record.background_left = self.leave_leaf_to_jobs(slot, &name).unwrap_or(false);
                } else {
                    running.record.session_restarted = true;
                    // It goes on where it stood when the command began.
                    running.record.cwd = self.cwd_of(slot, &name);
                    self.replace_shell(slot, &name);
                }
            }
            Place::Own(leaf) => {
                running.record.background_left = leaf.processes().is_ok_and(|processes| !processes.is_empty());
            }
        }
    }

    /// Remembers the command and tells its end.
    fn settle(&mut self, slot: u32, running: Running) {
        let Running { record, channel, place, peeking, .. } = running;
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let sandbox_id = sandbox.id.clone();
        let background = record.background;
        let reply = Reply::Finished { sandbox: sandbox_id, command: record };
        let channel = match channel {
            // It ended before it was told to have started.
            Some(channel) if background => {
                self.tell(channel, &Reply::Started);
                None
            }
            other => other,
        };
        // Channel 0: nobody waits for it by a channel, so it is an event.
        self.tell(channel.unwrap_or(0), &reply);
        let Reply::Finished { command: record, .. } = reply else { return };
        for channel in peeking {
            self.tell(channel, &Reply::Command { command: record.clone() });
        }
        if let Some(sandbox) = self.sandboxes.get_mut(&slot) {
            sandbox.history.add(record, &mut self.spool);
        }
        if let Place::Own(leaf) = place {
            self.bury_leaf(leaf);
        }
    }
}

/// `TimedOut` only when our timer fired first, `OutOfMemory` only where the main process was the kernel's victim.
fn outcome(killed: Option<&KilledBy>, limit_ms: u64, ended: Ended, oom: bool, limit_bytes: u64) -> Outcome {
    match (killed, ended) {
        (Some(KilledBy::TimeLimit), _) => Outcome::TimedOut { limit_ms },
        (Some(KilledBy::Request(by)), _) => Outcome::Killed { by: by.clone() },
        (None, Ended::Status { status: exit_code } | Ended::Exited { code: exit_code }) => {
            Outcome::Exited { exit_code }
        }
        (None, Ended::Signalled { signal }) if oom && i32::from(signal) == libc::SIGKILL => {
            Outcome::OutOfMemory { limit_bytes }
        }
        (None, Ended::Signalled { signal }) => Outcome::Signalled { signal },
    }
}
