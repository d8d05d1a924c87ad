//! The supervisor: one per node. It owns the sandboxes and outlives the server.
//!
//! Theory of operation: it is one thread and one loop over its descriptors. Requests come from the one server over
//! a unix socket; each sandbox's init is at the other end of a socket pair; the zygote clones; SIGCHLD tells that
//! an init ended (clones are its siblings' children: ours); one inotify tells that cgroups became empty. It keeps
//! every deadline and kills by cgroup, from outside. What init says is treated as an attack.
//!
//! When the server goes away the sandboxes stay, for `orphan_ttl`. When the supervisor dies, every init reads the
//! end of its socket and exits.

mod cgroup;
mod commands;
mod create;
mod destroy;
mod files;
mod graveyard;
mod history;
mod inside;
mod link;
mod requests;
mod sandbox;
mod server;
mod sessions;
mod start;
mod status;
mod timers;
mod uids;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};

use crate::sys::signals;
use crate::zygote::Zygote;
use cgroup::Cgroups;
use create::{Creating, WaitingCreate};
use destroy::Ending;
use graveyard::Graveyard;
use history::Spool;
use sandbox::Sandbox;
use server::ServerLink;
use timers::{Deadline, Key, Timers};
use uids::Slots;

pub use start::{Options, run};

/// What became ready. The number of a sandbox is its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Listener,
    Server,
    Zygote,
    Signals,
    Graveyard,
    Init(u32),
}

impl Token {
    fn to_data(self) -> EventData {
        let (kind, number) = match self {
            Self::Listener => (0, 0),
            Self::Server => (1, 0),
            Self::Zygote => (2, 0),
            Self::Signals => (3, 0),
            Self::Graveyard => (4, 0),
            Self::Init(slot) => (5, slot),
        };
        EventData::new_u64(kind << 32 | u64::from(number))
    }

    fn of_data(data: EventData) -> Self {
        match data.u64() >> 32 {
            0 => Self::Listener,
            1 => Self::Server,
            2 => Self::Zygote,
            3 => Self::Signals,
            4 => Self::Graveyard,
            _ => Self::Init(data.u64() as u32),
        }
    }
}

const EVENTS_A_TURN: usize = 256;

pub struct Supervisor {
    epoll: Rc<OwnedFd>,
    boot: String,
    orphan_ttl_us: u64,
    socket_path: PathBuf,
    listener: UnixListener,
    signals: OwnedFd,
    zygote: Zygote,
    /// Asked of the zygote and not answered yet, in order.
    cloning: VecDeque<u32>,
    waiting_creates: VecDeque<WaitingCreate>,
    /// Ends of clones that came before the zygote's answer named them.
    early_ends: Vec<i32>,
    cgroups: Cgroups,
    graveyard: Graveyard,
    slots: Slots,
    /// Most descriptors of one process on this host.
    nofile: u32,
    spool: Spool,
    timers: Timers,
    /// Since the last server went away, or before the first came.
    orphaned: Option<Key>,
    /// The server that started us has not connected yet: having no sandbox is no reason to end.
    awaits_first_server: bool,
    server: Option<ServerLink>,
    creating: HashMap<u32, Creating>,
    sandboxes: HashMap<u32, Sandbox>,
    ending: HashMap<u32, Ending>,
    by_id: HashMap<String, u32>,
    by_pid: HashMap<i32, u32>,
    /// The channel of a `Shutdown` that waits for the last sandbox.
    shutdown: Option<u32>,
    buffer: Vec<u8>,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Continue,
    Exit,
}

impl Supervisor {
    fn serve(&mut self) -> io::Result<()> {
        let mut ready: Vec<Event> = Vec::with_capacity(EVENTS_A_TURN);
        loop {
            let timeout = self
                .timers
                .wait_us()
                .map(|us| Timespec { tv_sec: (us / 1_000_000) as i64, tv_nsec: ((us % 1_000_000) * 1_000) as i64 });
            ready.clear();
            match epoll::wait(&*self.epoll, rustix::buffer::spare_capacity(&mut ready), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &ready {
                self.dispatch(Token::of_data(event.data), event.flags)?;
            }
            while let Some(deadline) = self.timers.take_due() {
                self.due(deadline)?;
            }
            self.flush_server();
            if self.is_over() == Turn::Exit {
                return Ok(());
            }
        }
    }

    fn dispatch(&mut self, token: Token, flags: EventFlags) -> io::Result<()> {
        match token {
            Token::Listener => self.accept(),
            Token::Server => {
                self.read_server();
                Ok(())
            }
            Token::Zygote => self.read_zygote(),
            Token::Signals => {
                self.reap();
                Ok(())
            }
            Token::Graveyard => {
                for owner in self.graveyard.turn() {
                    self.emptied(owner);
                }
                Ok(())
            }
            Token::Init(slot) => {
                self.read_init(slot, flags);
                Ok(())
            }
        }
    }

    fn due(&mut self, deadline: Deadline) -> io::Result<()> {
        match deadline {
            Deadline::Ready { slot } => self.create_failed(slot, "wait_for_init", "ETIMEDOUT"),
            Deadline::Command { slot, command } => self.command_timed_out(slot, command),
            Deadline::Killed { slot, command } => self.killed_without_word(slot, command),
            Deadline::Opening { slot, session } => self.opening_overdue(slot, session),
            Deadline::Restart { slot, session } => self.session_ended(slot, session),
            Deadline::File { slot, request } => self.file_overdue(slot, request),
            Deadline::Graves => self.look_after_graves(),
            Deadline::Orphaned => {
                self.awaits_first_server = false;
                self.end_all();
            }
        }
        Ok(())
    }

    /// An orphan without sandboxes has nothing to keep; a `Shutdown` ends with the last one.
    fn is_over(&mut self) -> Turn {
        let begun = self.creating.len() + self.waiting_creates.len() + self.ending.len();
        if begun + self.sandboxes.len() > 0 {
            return Turn::Continue;
        }
        if let Some(channel) = self.shutdown {
            self.reply_done(channel);
            self.flush_server();
            return Turn::Exit;
        }
        if self.server.is_none() && !self.awaits_first_server { Turn::Exit } else { Turn::Continue }
    }

    fn reap(&mut self) {
        while signals::take(self.signals.as_fd()).is_some() {}
        loop {
            let mut status = 0;
            // SAFETY: `status` is a live i32; no usage is asked for.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
            if pid <= 0 {
                return;
            }
            match self.by_pid.remove(&pid) {
                Some(slot) => self.init_ended(slot),
                None if self.cloning.is_empty() => {}
                None => self.early_ends.push(pid),
            }
        }
    }

    fn watch(&self, fd: BorrowedFd<'_>, token: Token, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&*self.epoll, fd, token.to_data(), flags)?)
    }
}
