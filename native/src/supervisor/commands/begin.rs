//! A command's way to init.

use std::io;
use std::os::fd::OwnedFd;

use serde_bytes::ByteBuf;

use super::super::Supervisor;
use super::super::sandbox::{Place, Running, Sandbox, SessionState};
use super::super::timers::Deadline;
use crate::sys::{monotonic_us, wall_clock_ms};
use crate::wire::inside::{Io, Spawn, ToInit};
use crate::wire::server::{CommandRecord, CommandSpec, Program, Reply};

/// A command that was handed to init.
struct Begun {
    number: u32,
    place: Place,
    oom_kills_before: u64,
}

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
    pub(in crate::supervisor) fn begin_in_session(&mut self, slot: u32, name: &str, channel: u32, spec: CommandSpec) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let begun =
            if spec.background { sandbox.fork_from_session(name, &spec) } else { sandbox.run_in_session(name, &spec) };
        match begun {
            Ok(begun) => self.began(slot, begun, channel, &spec),
            Err(error) => self.reply_setup_failed(channel, "start_command", &error),
        }
    }

    pub(super) fn begin_own(&mut self, slot: u32, channel: u32, spec: &CommandSpec) {
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
            stdin_open: spec.stdin_open,
            killed: None,
            oom_kills_before,
            told: None,
            peeking: Vec::new(),
        };
        sandbox.numbers.insert(spec.id.clone(), number);
        sandbox.running.insert(number, running);
    }

    /// A process of its own runs. A background command is answered now, and its session is free.
    pub(in crate::supervisor) fn started(&mut self, slot: u32, number: u32) {
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

    pub(super) fn free_session_of(&mut self, slot: u32, number: u32) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let busy = SessionState::Busy { command: number };
        let found = sandbox.sessions.iter_mut().find(|(_, session)| session.state == busy);
        if let Some((name, session)) = found {
            session.state = SessionState::Idle;
            let name = name.clone();
            self.start_waiting(slot, &name);
        }
    }
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
}

fn text_of(program: &Program) -> ByteBuf {
    match program {
        Program::Session { text, .. } | Program::Shell { text } => text.clone(),
        Program::Argv { .. } => ByteBuf::new(),
    }
}
