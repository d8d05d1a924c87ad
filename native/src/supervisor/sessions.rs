//! Sessions from outside: their leaf, their shell's process, and its return after an end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use serde_bytes::ByteBuf;

use super::Supervisor;
use super::cgroup::{Group, Leaf};
use super::create::setup_failed;
use super::sandbox::{KilledBy, Sandbox, Session, SessionState};
use super::timers::Deadline;
use crate::sys::monotonic_us;
use crate::wire::inside::ToInit;
use crate::wire::server::{Outcome, SandboxSpec, SessionStart};

impl Session {
    pub fn opening_channel(&self) -> Option<u32> {
        match self.state {
            SessionState::Opening { channel } => channel,
            SessionState::Idle | SessionState::Busy { .. } => None,
        }
    }
}

/// A start takes milliseconds.
const OPENING_LIMIT_US: u64 = 5_000_000;
/// The processes of a killed tree are gone well within this.
const RESTART_PAUSE_US: u64 = 20_000;
/// How long a shell that does not come back is tried.
const FAILING_LIMIT_US: u64 = 10_000_000;

/// `again`: the incarnation of the shell that takes over, and whether it finds a text to run.
fn opening(
    spec: &SandboxSpec,
    group: &Group,
    leaf: &Leaf,
    start: &SessionStart,
    again: Option<(u32, bool)>,
) -> io::Result<(ToInit, Vec<OwnedFd>)> {
    let (incarnation, keeps) = again.unwrap_or_default();
    let entrances = group.command_entrances()?;
    let message = ToInit::OpenSession {
        uid: spec.uid,
        cwd: start.cwd.clone(),
        env: start.env.clone(),
        nofile: u64::from(spec.nofile),
        restore: again.is_some(),
        keeps,
        incarnation,
        entrances: entrances.len() as u8,
    };
    let fds = std::iter::once(leaf.folder()?).chain(entrances).collect();
    Ok((message, fds))
}

impl Sandbox {
    fn begin_session(&mut self, name: &str, start: SessionStart, channel: u32) -> io::Result<()> {
        let number = self.next_number();
        let leaf = self.group.make_leaf(number)?;
        let (message, fds) = opening(&self.spec, &self.group, &leaf, &start, None)?;
        let session = Session {
            number,
            incarnation: 0,
            cwd: start.cwd.clone(),
            start,
            state: SessionState::Opening { channel: Some(channel) },
            deadline: None,
            failing_since_us: None,
            leaf,
            shell: None,
            waiting: VecDeque::new(),
        };
        self.session_names.insert(number, name.to_owned());
        self.sessions.insert(name.to_owned(), session);
        self.tell_init(number, &message, fds);
        Ok(())
    }

    /// A new shell in a new leaf, from the state of the last snapshot. Gives the old leaf. In a busy session the
    /// shell had ended before its command reached it: the new one runs it.
    fn begin_again(&mut self, name: &str) -> io::Result<Option<Leaf>> {
        let leaf_number = self.next_number();
        let Some(session) = self.sessions.get_mut(name) else { return Ok(None) };
        let leaf = self.group.make_leaf(leaf_number)?;
        let busy = matches!(session.state, SessionState::Busy { .. });
        let incarnation = session.incarnation + 1;
        let (message, fds) = opening(&self.spec, &self.group, &leaf, &session.start, Some((incarnation, busy)))?;
        let number = session.number;
        let old = std::mem::replace(&mut session.leaf, leaf);
        session.shell = None;
        session.incarnation = incarnation;
        if !busy {
            session.state = SessionState::Opening { channel: None };
        }
        self.tell_init(number, &message, fds);
        Ok(Some(old))
    }
}

impl Supervisor {
    pub(super) fn open_session(&mut self, channel: u32, id: &str, name: &str, start: SessionStart) {
        let Some(sandbox) = self.living(channel, id) else { return };
        if sandbox.sessions.contains_key(name) {
            return self.reply_error(channel, "session.exists", "a session of this name lives");
        }
        match sandbox.begin_session(name, start, channel) {
            Ok(()) => self.expect_opening(id, name),
            Err(error) => self.reply_setup_failed(channel, "open_session", &error),
        }
    }

    fn expect_opening(&mut self, id: &str, name: &str) {
        let Some(slot) = self.by_id.get(id).copied() else { return };
        let Some(session) = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.sessions.get_mut(name)) else {
            return;
        };
        let number = session.number;
        // One at a time: a deadline of an earlier start would end the shell that has taken its place.
        if let Some(key) = session.deadline.take() {
            self.timers.clear(key);
        }
        let deadline = Deadline::Opening { slot, session: number };
        session.deadline = Some(self.timers.set(OPENING_LIMIT_US, deadline));
    }

    /// A shell that reads a start file of its user's may never become ready.
    pub(super) fn opening_overdue(&mut self, slot: u32, number: u32) {
        let Some(session) = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.session_by_number(number)) else {
            return;
        };
        session.deadline = None;
        // What is left of it is init's to reap; nobody waits for that.
        let _ = session.leaf.kill();
        self.session_failed(slot, number, "start_shell", "ETIMEDOUT");
    }

    /// Whether what was told is of the shell that the session has now.
    pub(super) fn is_present(&mut self, slot: u32, number: u32, incarnation: u32) -> bool {
        let session = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.session_by_number(number));
        session.is_some_and(|session| session.incarnation == incarnation)
    }

    fn clear_deadline(&mut self, slot: u32, number: u32) {
        let session = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.session_by_number(number));
        if let Some(key) = session.and_then(|session| session.deadline.take()) {
            self.timers.clear(key);
        }
    }

    pub(super) fn close_session(&mut self, channel: u32, id: &str, name: &str) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(session) = sandbox.sessions.remove(name) else {
            return self.reply_error(channel, "session.not_found", "no such session");
        };
        sandbox.session_names.remove(&session.number);
        let deadline = session.deadline;
        match session.state {
            // Init tells the command's end, and is told of the session's end then.
            SessionState::Busy { command } if sandbox.running.contains_key(&command) => {
                self.expect_last_word(slot, command, KilledBy::Request("session_close".to_owned()));
            }
            SessionState::Busy { .. } | SessionState::Idle | SessionState::Opening { .. } => {
                sandbox.tell_init(session.number, &ToInit::CloseSession, Vec::new());
            }
        }
        let killed = session.leaf.kill();
        if let Some(key) = deadline {
            self.timers.clear(key);
        }
        let waiting: Vec<u32> =
            session.waiting.iter().map(|(channel, _)| *channel).chain(session.opening_channel()).collect();
        for waiting in waiting {
            self.reply_error(waiting, "session.not_found", "the session was closed");
        }
        self.bury_leaf(session.leaf);
        match killed {
            Ok(()) => self.reply_done(channel),
            Err(error) => self.reply_setup_failed(channel, "kill_session", &error),
        }
    }

    pub(super) fn session_opened(&mut self, slot: u32, number: u32) {
        self.clear_deadline(slot, number);
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(session) = sandbox.session_by_number(number) else { return };
        // The eldest: the shell comes before what it starts.
        session.shell = session.leaf.processes().ok().and_then(|processes| processes.into_iter().min());
        session.failing_since_us = None;
        let SessionState::Opening { channel } = session.state else { return };
        session.state = SessionState::Idle;
        let name = sandbox.session_names.get(&number).cloned().unwrap_or_default();
        if let Some(channel) = channel {
            self.reply_done(channel);
        }
        self.start_waiting(slot, &name);
    }

    /// A shell could not be started. One that had lived is tried again for a while: after a fork bomb, say, its
    /// processes are still going when it comes back.
    pub(super) fn session_failed(&mut self, slot: u32, number: u32, step: &str, errno: &str) {
        self.clear_deadline(slot, number);
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        if let Some(session) = sandbox.session_by_number(number)
            && session.opening_channel().is_none()
            && monotonic_us() < *session.failing_since_us.get_or_insert_with(monotonic_us) + FAILING_LIMIT_US
        {
            session.deadline = Some(self.timers.set(RESTART_PAUSE_US, Deadline::Restart { slot, session: number }));
            return;
        }
        let Some(name) = sandbox.session_names.remove(&number) else { return };
        let Some(session) = sandbox.sessions.remove(&name) else { return };
        if let SessionState::Busy { command } = session.state {
            self.finish_without_word(slot, command, Outcome::Lost { reason: "its shell cannot be started".to_owned() });
        }
        let opening = session.opening_channel();
        let channels: Vec<u32> =
            opening.into_iter().chain(session.waiting.iter().map(|(channel, _)| *channel)).collect();
        for channel in channels {
            self.tell(channel, &setup_failed(step, errno));
        }
        self.bury_leaf(session.leaf);
    }

    pub(super) fn session_ended(&mut self, slot: u32, number: u32) {
        let name = self.sandboxes.get(&slot).and_then(|sandbox| sandbox.session_names.get(&number).cloned());
        if let Some(name) = name {
            self.restart_session(slot, &name);
        }
    }

    pub(super) fn restart_session(&mut self, slot: u32, name: &str) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        sandbox.oom.stale = true;
        match sandbox.begin_again(name) {
            Ok(Some(old)) => {
                let id = sandbox.id.clone();
                self.bury_leaf(old);
                self.expect_opening(&id, name);
            }
            Ok(None) => {}
            Err(error) => {
                let number = sandbox.sessions.get(name).map(|session| session.number).unwrap_or_default();
                let errno = crate::sys::io_errno_name(&error);
                self.session_failed(slot, number, "restart_session", &errno);
            }
        }
    }

    pub(super) fn start_waiting(&mut self, slot: u32, name: &str) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(session) = sandbox.sessions.get_mut(name) else { return };
        if session.state != SessionState::Idle {
            return;
        }
        if let Some((channel, spec)) = session.waiting.pop_front() {
            self.begin_in_session(slot, name, channel, spec);
        }
    }

    /// The leaf rule: a shell that is no longer alone leaves its leaf to the background jobs. `true`: it did.
    pub(super) fn leave_leaf_to_jobs(&mut self, slot: u32, name: &str) -> io::Result<bool> {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return Ok(false) };
        let Some(session) = sandbox.sessions.get(name) else { return Ok(false) };
        let Some(shell) = session.shell else { return Ok(false) };
        if session.leaf.processes()?.iter().all(|pid| *pid == shell) {
            return Ok(false);
        }
        let number = sandbox.next_number();
        let leaf = sandbox.group.make_leaf(number)?;
        let entrance = leaf.entrance()?;
        let Some(session) = sandbox.sessions.get_mut(name) else { return Ok(false) };
        let session_number = session.number;
        let old = std::mem::replace(&mut session.leaf, leaf);
        sandbox.tell_init(session_number, &ToInit::MoveShell, vec![entrance]);
        self.bury_leaf(old);
        Ok(true)
    }

    /// It goes when its last process does. One that cannot be watched goes with its sandbox.
    pub(super) fn bury_leaf(&mut self, leaf: Leaf) {
        let _ = self.graveyard.bury(leaf.folders(), None);
    }

    pub(super) fn cwd_of(&self, slot: u32, name: &str) -> ByteBuf {
        let session = self.sandboxes.get(&slot).and_then(|sandbox| sandbox.sessions.get(name));
        session.map(|session| session.cwd.clone()).unwrap_or_default()
    }

    pub(super) fn remember_cwd(&mut self, slot: u32, name: &str, cwd: &[u8]) {
        if let Some(session) = self.sandboxes.get_mut(&slot).and_then(|sandbox| sandbox.sessions.get_mut(name)) {
            session.cwd = ByteBuf::from(cwd);
        }
    }
}
