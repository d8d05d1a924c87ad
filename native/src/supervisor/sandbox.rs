//! One living sandbox, as the supervisor knows it.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;

use serde::Serialize;
use serde_bytes::ByteBuf;

use super::cgroup::{Group, Leaf};
use super::history::History;
use super::link::InitLink;
use super::timers::Key;
use crate::sys::wall_clock_ms;
use crate::wire::inside::Finished;
use crate::wire::server::{CommandRecord, CommandSpec, Isolation, SandboxSpec, SessionStart};

pub struct Sandbox {
    pub id: String,
    pub spec: SandboxSpec,
    pub isolation: Isolation,
    pub pid: i32,
    pub group: Group,
    pub link: InitLink,
    pub sessions: HashMap<String, Session>,
    pub session_names: HashMap<u32, String>,
    pub running: HashMap<u32, Running>,
    pub numbers: HashMap<String, u32>,
    pub history: History,
    pub file_requests: HashMap<u32, FileRequest>,
    /// A handle was opened since the last server came: one that is gone may have left some.
    pub files_opened: bool,
    pub oom: OomCount,
    pub created_at_ms: u64,
    pub last_used_at_ms: u64,
    made: u32,
}

pub struct Session {
    pub number: u32,
    /// Of its shell: raised with each start.
    pub incarnation: u32,
    pub start: SessionStart,
    pub state: SessionState,
    /// While it opens, or waits to be started again.
    pub deadline: Option<Key>,
    /// Since when its shell does not come back.
    pub failing_since_us: Option<u64>,
    pub leaf: Leaf,
    /// Host process id of the shell, once it is known.
    pub shell: Option<i32>,
    pub cwd: ByteBuf,
    /// Runs that wait for the shell: its start, or the end of a command that an earlier server began.
    pub waiting: VecDeque<(u32, CommandSpec)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// For this channel, or again after its end.
    Opening {
        channel: Option<u32>,
    },
    Idle,
    Busy {
        command: u32,
    },
}

pub struct Running {
    pub record: CommandRecord,
    /// Where the answer goes; `None` since its server is gone.
    pub channel: Option<u32>,
    pub place: Place,
    pub began_us: u64,
    pub deadline: Key,
    pub limit_ms: u64,
    pub memory_limit_bytes: Option<u64>,
    pub stdin_open: bool,
    pub killed: Option<KilledBy>,
    pub oom_kills_before: u64,
    /// What init told of a killed command whose tree is still going.
    pub told: Option<Finished>,
    /// Waits for the kept output of the moment.
    pub peeking: Vec<u32>,
}

/// How often the kernel has killed here for memory, as far as we have looked.
#[derive(Debug, Default)]
pub struct OomCount {
    pub seen: u64,
    /// Something ran, or init wrote, since the last look: a kill may have happened that no command is to answer for.
    pub stale: bool,
    /// Background processes live, or have: every look is stale at once.
    pub always_stale: bool,
}

/// Where the command's processes are.
pub enum Place {
    Session { name: String, number: u32 },
    Own(Leaf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KilledBy {
    TimeLimit,
    Request(String),
}

#[derive(Debug)]
pub struct FileRequest {
    pub channel: Option<u32>,
    pub deadline: Key,
}

impl Sandbox {
    pub fn new(id: String, spec: SandboxSpec, isolation: Isolation, pid: i32, group: Group, link: InitLink) -> Self {
        let now = wall_clock_ms();
        Self {
            id,
            spec,
            isolation,
            pid,
            group,
            link,
            sessions: HashMap::new(),
            session_names: HashMap::new(),
            running: HashMap::new(),
            numbers: HashMap::new(),
            history: History::default(),
            file_requests: HashMap::new(),
            files_opened: false,
            oom: OomCount::default(),
            created_at_ms: now,
            last_used_at_ms: now,
            made: 0,
        }
    }

    /// Kills so far, before a command starts. Looks only if there can be something new: nothing runs in an idle
    /// sandbox.
    pub fn oom_kills_before(&mut self) -> u64 {
        if self.oom.stale || self.oom.always_stale || !self.running.is_empty() {
            self.look_for_oom_kills();
        }
        self.oom.seen
    }

    pub fn look_for_oom_kills(&mut self) -> u64 {
        // The file is there as long as the sandbox is.
        self.oom.seen = self.group.oom_kills().unwrap_or(self.oom.seen);
        self.oom.stale = false;
        self.oom.seen
    }

    /// A number that was never given out in this sandbox: for sessions, commands, leaves and requests alike.
    pub fn next_number(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    pub fn tell_init<T: Serialize>(&mut self, channel: u32, message: &T, fds: Vec<OwnedFd>) {
        self.link.send(channel, message, fds);
    }

    pub fn session_by_number(&mut self, number: u32) -> Option<&mut Session> {
        let name = self.session_names.get(&number)?;
        self.sessions.get_mut(name)
    }

    pub fn forget_channels(&mut self) {
        for running in self.running.values_mut() {
            running.channel = None;
            running.peeking.clear();
        }
        for request in self.file_requests.values_mut() {
            request.channel = None;
        }
        for session in self.sessions.values_mut() {
            // A text that was not started is not started: its server, which would tell its end, is gone.
            session.waiting.clear();
            if let SessionState::Opening { channel } = &mut session.state {
                *channel = None;
            }
        }
    }
}
