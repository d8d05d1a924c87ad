//! Commands from outside: where they start, how they are killed, and what their end was.

use std::io;
use std::os::fd::OwnedFd;

use serde_bytes::ByteBuf;

use super::Supervisor;
use super::sandbox::{KilledBy, Place, Running, Sandbox, SessionState};
use super::timers::Deadline;
use crate::sys::{monotonic_us, wall_clock_ms};
use crate::wire::inside::{Ended, Finished, Io, Spawn, ToInit};
use crate::wire::server::{CommandRecord, CommandSpec, Outcome, Program, Reply};

/// After a kill init tells the end within moments; a client waits 250 ms at most beyond its limit.
const LAST_WORD_US: u64 = 220_000;

fn io_of(spec: &CommandSpec) -> Io {
    Io { stdin: spec.stdin.clone(), stdin_open: spec.stdin_open, max_bytes: spec.max_bytes, merge: spec.merge }
}

fn record_of(spec: &CommandSpec) -> CommandRecord {
    CommandRecord {
        id: spec.id.clone(),
        program: spec.program.clone(),
        background: spec.background,
        outcome: None,
        oom: false,
        stdout: None,
        stderr: None,
        stdout_dropped: 0,
        stderr_dropped: 0,
        started_at_ms: wall_clock_ms(),
        duration_us: 0,
        cpu_user_us: 0,
        cpu_system_us: 0,
        max_rss_bytes: 0,
        cwd: ByteBuf::new(),
        background_left: false,
        session_restarted: false,
    }
}

impl Supervisor {
    pub(super) fn run(&mut self, channel: u32, id: &str, spec: CommandSpec) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        sandbox.last_used_at_ms = wall_clock_ms();
        let Program::Session { session: name, .. } = &spec.program else {
            return self.begin_own(slot, channel, &spec);
        };
        let name = name.clone();
        let Some(session) = sandbox.sessions.get_mut(&name) else {
            return self.reply_error(channel, "session.not_found", "no such session");
        };
        if session.state == SessionState::Idle {
            self.begin_in_session(slot, &name, channel, spec);
        } else {
            session.waiting.push_back((channel, spec));
        }
    }

    pub(super) fn begin_in_session(&mut self, slot: u32, name: &str, channel: u32, spec: CommandSpec) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let begun =
            if spec.background { sandbox.fork_from_session(name, &spec) } else { sandbox.run_in_session(name, &spec) };
        match begun {
            Ok(begun) => self.began(slot, begun, channel, &spec),
            Err(error) => self.reply_setup_failed(channel, "start_command", &error),
        }
    }

    fn begin_own(&mut self, slot: u32, channel: u32, spec: &CommandSpec) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        match sandbox.spawn_own(spec) {
            Ok(begun) => self.began(slot, begun, channel, spec),
            Err(error) => self.reply_setup_failed(channel, "start_command", &error),
        }
    }

    fn began(&mut self, slot: u32, begun: Begun, channel: u32, spec: &CommandSpec) {
        let Begun { number, place, oom_kills_before } = begun;
        let deadline =
            self.timers.set(spec.timeout_ms.saturating_mul(1_000), Deadline::Command { slot, command: number });
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let running = Running {
            record: record_of(spec),
            channel: Some(channel),
            place,
            began_us: monotonic_us(),
            deadline,
            limit_ms: spec.timeout_ms,
            memory_limit_bytes: spec.memory_bytes,
            killed: None,
            oom_kills_before,
            peeking: Vec::new(),
        };
        sandbox.numbers.insert(spec.id.clone(), number);
        sandbox.running.insert(number, running);
    }

    /// A process of its own runs. A background command is answered now, and its session is free.
    pub(super) fn started(&mut self, slot: u32, number: u32) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        if !running.record.background {
            return;
        }
        let channel = running.channel.take();
        if let Some(channel) = channel {
            self.tell(channel, &Reply::Started);
        }
        self.free_session_of(slot, number);
    }

    fn free_session_of(&mut self, slot: u32, number: u32) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let busy = SessionState::Busy { command: number };
        let found = sandbox.sessions.iter_mut().find(|(_, session)| session.state == busy);
        if let Some((name, session)) = found {
            session.state = SessionState::Idle;
            let name = name.clone();
            self.start_waiting(slot, &name);
        }
    }

    pub(super) fn spawn_failed(&mut self, slot: u32, number: u32, step: &str, errno: &str) {
        let Some(running) = self.forget_running(slot, number) else { return };
        if let Some(channel) = running.channel {
            self.tell(channel, &super::create::setup_failed(step, errno));
        }
        if let Place::Own(leaf) = running.place {
            self.bury_leaf(leaf);
        }
    }

    fn forget_running(&mut self, slot: u32, number: u32) -> Option<Running> {
        let sandbox = self.sandboxes.get_mut(&slot)?;
        let running = sandbox.running.remove(&number)?;
        sandbox.numbers.remove(&running.record.id);
        self.timers.clear(running.deadline);
        Some(running)
    }

    pub(super) fn command_timed_out(&mut self, slot: u32, number: u32) {
        self.kill_running(slot, number, KilledBy::TimeLimit);
    }

    pub(super) fn kill(&mut self, channel: u32, id: &str, command: &str, by: &str) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        self.kill_running(slot, number, KilledBy::Request(by.to_owned()));
        self.reply_done(channel);
    }

    fn kill_running(&mut self, slot: u32, number: u32, by: KilledBy) {
        let deadline = self.timers.set(LAST_WORD_US, Deadline::Killed { slot, command: number });
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        self.timers.clear(running.deadline);
        running.deadline = deadline;
        // Who killed first is who killed.
        running.killed.get_or_insert(by);
        // The leaf cannot be gone while its command runs. Without a word from init the deadline above ends it.
        let _ = sandbox.leaf_of(number).map(super::cgroup::Leaf::kill);
    }

    /// Init did not tell in time: the answer goes out without its output.
    pub(super) fn killed_without_word(&mut self, slot: u32, number: u32) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get(&number) else { return };
        let outcome = match &running.killed {
            Some(KilledBy::Request(by)) => Outcome::Killed { by: by.clone() },
            Some(KilledBy::TimeLimit) | None => Outcome::TimedOut { limit_ms: running.limit_ms },
        };
        let session = match &running.place {
            Place::Session { name, .. } => Some(name.clone()),
            Place::Own(_) => None,
        };
        self.finish_without_word(slot, number, outcome);
        if let Some(name) = session {
            self.restart_session(slot, &name);
        }
    }

    pub(super) fn finish_without_word(&mut self, slot: u32, number: u32, outcome: Outcome) {
        let Some(mut running) = self.forget_running(slot, number) else { return };
        running.record.outcome = Some(outcome);
        running.record.duration_us = monotonic_us().saturating_sub(running.began_us);
        running.record.session_restarted = matches!(running.place, Place::Session { .. });
        running.record.stdout = Some(ByteBuf::new());
        running.record.stderr = Some(ByteBuf::new());
        self.settle(slot, running);
    }

    pub(super) fn finished(&mut self, slot: u32, number: u32, finished: Finished) {
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

    /// What the end means for the session, or for the command's own leaf.
    fn place_freed(&mut self, slot: u32, number: u32, running: &mut Running, ended: Ended) {
        match &running.place {
            Place::Session { name, number: session } => {
                let (name, session) = (name.clone(), *session);
                let still_open = self
                    .sandboxes
                    .get(&slot)
                    .and_then(|sandbox| sandbox.sessions.get(&name))
                    .is_some_and(|found| found.state == SessionState::Busy { command: number });
                if !still_open {
                    // The session was closed under the command.
                    if let Some(sandbox) = self.sandboxes.get_mut(&slot) {
                        sandbox.tell_init(session, &ToInit::CloseSession, Vec::new());
                    }
                } else if let Ended::Status { .. } = ended {
                    self.remember_cwd(slot, &name, &running.record.cwd);
                    running.record.background_left = self.leave_leaf_to_jobs(slot, &name).unwrap_or(false);
                } else {
                    running.record.session_restarted = true;
                    self.restart_session(slot, &name);
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
        let reply = Reply::Finished { sandbox: sandbox_id, command: record };
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

    pub(super) fn signal(&mut self, channel: u32, id: &str, command: &str, signal: u8) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        let Some(sandbox) = self.sandboxes.get(&slot) else { return };
        match sandbox.signal_command(number, signal) {
            Ok(()) => self.reply_done(channel),
            Err(error) => self.reply_setup_failed(channel, "signal_command", &error),
        }
    }

    pub(super) fn stdin(&mut self, channel: u32, id: &str, command: &str, bytes: ByteBuf, eof: bool) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        if let Some(sandbox) = self.sandboxes.get_mut(&slot) {
            sandbox.tell_init(number, &ToInit::Stdin { bytes, eof }, Vec::new());
        }
        self.reply_done(channel);
    }

    /// A running command is asked for its output of the moment; a finished one is remembered.
    pub(super) fn command(&mut self, channel: u32, id: &str, command: &str) {
        let Some(sandbox) = self.living(channel, id) else { return };
        if let Some(number) = sandbox.numbers.get(command).copied() {
            if let Some(running) = sandbox.running.get_mut(&number) {
                running.peeking.push(channel);
            }
            return sandbox.tell_init(number, &ToInit::Peek, Vec::new());
        }
        let Some(slot) = self.by_id.get(id).copied() else { return };
        let found = self.sandboxes.get(&slot).and_then(|sandbox| sandbox.history.find(command, &self.spool));
        match found {
            Some(command) => self.tell(channel, &Reply::Command { command }),
            None => self.reply_error(channel, "command.not_found", "no such command"),
        }
    }

    pub(super) fn peeked(&mut self, slot: u32, number: u32, stdout: (ByteBuf, u64), stderr: (ByteBuf, u64)) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        let channels = std::mem::take(&mut running.peeking);
        let mut record = running.record.clone();
        (record.stdout, record.stdout_dropped) = (Some(stdout.0), stdout.1);
        (record.stderr, record.stderr_dropped) = (Some(stderr.0), stderr.1);
        record.duration_us = monotonic_us().saturating_sub(running.began_us);
        for channel in channels {
            self.tell(channel, &Reply::Command { command: record.clone() });
        }
    }

    pub(super) fn commands(&mut self, channel: u32, id: &str) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        let Some(sandbox) = self.sandboxes.get(&slot) else { return };
        let mut commands = sandbox.history.list(&self.spool);
        let mut running: Vec<CommandRecord> = sandbox.running.values().map(|running| running.record.clone()).collect();
        running.sort_by_key(|record| record.started_at_ms);
        commands.append(&mut running);
        self.tell(channel, &Reply::Commands { commands });
    }

    fn running_command(&mut self, channel: u32, id: &str, command: &str) -> Option<(u32, u32)> {
        let slot = self.living_slot(channel, id)?;
        let sandbox = self.sandboxes.get(&slot)?;
        if let Some(number) = sandbox.numbers.get(command) {
            return Some((slot, *number));
        }
        if sandbox.history.contains(command) {
            self.reply_error(channel, "command.finished", "the command has ended");
        } else {
            self.reply_error(channel, "command.not_found", "no such command");
        }
        None
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

/// A command that was handed to init.
struct Begun {
    number: u32,
    place: Place,
    oom_kills_before: u64,
}

impl Sandbox {
    fn run_in_session(&mut self, name: &str, spec: &CommandSpec) -> io::Result<Begun> {
        let oom_kills_before = self.oom_kills_before();
        let number = self.next_number();
        let Some(session) = self.sessions.get_mut(name) else { return Err(io::ErrorKind::NotFound.into()) };
        session.state = SessionState::Busy { command: number };
        let session = session.number;
        let message = ToInit::Run {
            session,
            io: io_of(spec),
            text: text_of(&spec.program),
            cwd: spec.cwd.clone().unwrap_or_default(),
            env: spec.env.clone(),
        };
        self.tell_init(number, &message, Vec::new());
        Ok(Begun { number, oom_kills_before, place: Place::Session { name: name.to_owned(), number: session } })
    }

    fn fork_from_session(&mut self, name: &str, spec: &CommandSpec) -> io::Result<Begun> {
        let oom_kills_before = self.oom_kills_before();
        let number = self.next_number();
        let leaf = self.group.make_leaf(number)?;
        let entrance = leaf.entrance()?;
        let Some(session) = self.sessions.get_mut(name) else { return Err(io::ErrorKind::NotFound.into()) };
        session.state = SessionState::Busy { command: number };
        let message = ToInit::Fork {
            session: session.number,
            io: io_of(spec),
            text: text_of(&spec.program),
            cwd: spec.cwd.clone().unwrap_or_default(),
            env: spec.env.clone(),
            entrances: 1,
        };
        self.tell_init(number, &message, vec![entrance]);
        Ok(Begun { number, oom_kills_before, place: Place::Own(leaf) })
    }

    fn spawn_own(&mut self, spec: &CommandSpec) -> io::Result<Begun> {
        let oom_kills_before = self.oom_kills_before();
        let number = self.next_number();
        let leaf = match spec.memory_bytes {
            Some(bytes) => self.group.make_limited_leaf(number, bytes)?,
            None => self.group.make_leaf(number)?,
        };
        let entrances: Vec<OwnedFd> =
            self.group.command_entrances()?.into_iter().chain(leaf.memory_entrance()?).collect();
        let argv = match &spec.program {
            Program::Argv { argv } => Some(argv.clone()),
            Program::Shell { .. } | Program::Session { .. } => None,
        };
        let start = Spawn {
            argv,
            text: text_of(&spec.program),
            uid: spec.uid.unwrap_or(self.spec.uid),
            cwd: spec.cwd.clone().unwrap_or_else(|| ByteBuf::from(b"/".as_slice())),
            env: spec.env.clone(),
            cpu_ms: spec.cpu_ms,
            file_bytes: spec.file_bytes,
            nofile: u64::from(spec.nofile.unwrap_or(self.spec.nofile).min(self.spec.nofile)),
        };
        let message = ToInit::Spawn { start, io: io_of(spec), entrances: entrances.len() as u8 };
        let fds = std::iter::once(leaf.folder()?).chain(entrances).collect();
        self.tell_init(number, &message, fds);
        Ok(Begun { number, oom_kills_before, place: Place::Own(leaf) })
    }

    fn leaf_of(&self, number: u32) -> Option<&super::cgroup::Leaf> {
        match &self.running.get(&number)?.place {
            Place::Session { name, .. } => self.sessions.get(name).map(|session| &session.leaf),
            Place::Own(leaf) => Some(leaf),
        }
    }

    /// To every process of the command; to a session's shell only when it runs the command itself.
    fn signal_command(&self, number: u32, signal: u8) -> io::Result<()> {
        let Some(leaf) = self.leaf_of(number) else { return Ok(()) };
        if i32::from(signal) == libc::SIGKILL
            && matches!(self.running.get(&number).map(|running| &running.place), Some(Place::Own(_)))
        {
            return leaf.kill();
        }
        let shell = match self.running.get(&number).map(|running| &running.place) {
            Some(Place::Session { name, .. }) => self.sessions.get(name).and_then(|session| session.shell),
            Some(Place::Own(_)) | None => None,
        };
        let processes = leaf.processes()?;
        let others: Vec<i32> = processes.iter().copied().filter(|pid| Some(*pid) != shell).collect();
        let targets = if others.is_empty() { processes } else { others };
        targets.into_iter().try_for_each(|pid| signal_member(leaf, pid, signal))
    }
}

/// By a descriptor that is checked against the leaf once more: a number alone may have become somebody else's.
fn signal_member(leaf: &super::cgroup::Leaf, pid: i32, signal: u8) -> io::Result<()> {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let (Some(process), Some(signal)) = (Pid::from_raw(pid), Signal::from_named_raw(i32::from(signal))) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    let sent = pidfd_open(process, PidfdFlags::empty()).and_then(|descriptor| {
        if leaf.processes().is_ok_and(|processes| processes.contains(&pid)) {
            pidfd_send_signal(descriptor, signal)
        } else {
            Err(rustix::io::Errno::SRCH)
        }
    });
    match sent {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn text_of(program: &Program) -> ByteBuf {
    match program {
        Program::Session { text, .. } | Program::Shell { text } => text.clone(),
        Program::Argv { .. } => ByteBuf::new(),
    }
}
