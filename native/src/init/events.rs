//! Readiness: one epoll, whose tokens name what became ready.

use std::io;
use std::os::fd::AsFd;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Supervisor,
    Signals,
    /// By number of the session.
    Shell(u32),
    /// By number of the command.
    Stdout(u32),
    Stderr(u32),
    Stdin(u32),
    Orphan(u32),
}

impl Token {
    fn to_data(self) -> EventData {
        let (kind, number) = match self {
            Self::Supervisor => (0, 0),
            Self::Signals => (1, 0),
            Self::Shell(number) => (2, number),
            Self::Stdout(number) => (3, number),
            Self::Stderr(number) => (4, number),
            Self::Stdin(number) => (5, number),
            Self::Orphan(number) => (6, number),
        };
        EventData::new_u64(kind << 32 | u64::from(number))
    }

    fn of_data(data: EventData) -> Self {
        let number = data.u64() as u32;
        match data.u64() >> 32 {
            0 => Self::Supervisor,
            1 => Self::Signals,
            2 => Self::Shell(number),
            3 => Self::Stdout(number),
            4 => Self::Stderr(number),
            5 => Self::Stdin(number),
            _ => Self::Orphan(number),
        }
    }
}

const EVENTS_A_TURN: usize = 64;

pub struct Events {
    epoll: std::os::fd::OwnedFd,
    ready: Vec<Event>,
}

impl Events {
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, ready: Vec::with_capacity(EVENTS_A_TURN) })
    }

    /// Until the descriptor is closed.
    pub fn watch_input(&self, fd: &impl AsFd, token: Token) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, token.to_data(), EventFlags::IN)?)
    }

    pub fn watch_output(&self, fd: &impl AsFd, token: Token) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, token.to_data(), EventFlags::OUT)?)
    }

    pub fn rename(&self, fd: &impl AsFd, token: Token) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, token.to_data(), EventFlags::IN)?)
    }

    /// Stops watching; the descriptor stays open.
    pub fn forget(&self, fd: &impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// What is ready; nothing after `timeout_us` microseconds.
    pub fn wait(&mut self, timeout_us: Option<u64>) -> io::Result<Vec<Token>> {
        let timeout = timeout_us
            .map(|us| Timespec { tv_sec: (us / 1_000_000) as i64, tv_nsec: ((us % 1_000_000) * 1_000) as i64 });
        self.ready.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.ready), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.ready.iter().map(|event| Token::of_data(event.data)).collect())
    }
}
