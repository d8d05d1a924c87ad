//! Sessions: a living shell each, and the shared snapshot from which a new one takes over.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use serde_bytes::ByteBuf;

use super::command::Cost;
use super::events::Token;
use super::shell_wire::{self, Answer, Done, Manner, SNAPSHOT_BYTES, Streams, Text};
use super::spawn::{self, Spawned, Start};
use super::streams::Ends;
use super::{Child, Init};
use crate::sys::socket;
use crate::wire::inside::{Ended, FromInit};

pub struct Session {
    pub shell: Option<Shell>,
    /// Written by the shell after each command; only shells ever read it.
    snapshot: OwnedFd,
    pub busy: Option<u32>,
    /// A text that found no shell.
    parked: Option<Parked>,
    /// A background command between its request and the shell's fork.
    forking: Option<Forking>,
    /// What the shell has cost so far, as its answers told.
    pub spent: (u64, u64),
}

/// A command whose streams are open and whose text waits for a shell.
pub struct Parked {
    pub command: u32,
    pub ends: Ends,
    pub text: ByteBuf,
    pub cwd: ByteBuf,
    pub env: Vec<ByteBuf>,
}

pub struct Shell {
    pub pid: i32,
    control: OwnedFd,
    report: OwnedFd,
    ready: bool,
    incarnation: u32,
}

struct Forking {
    command: u32,
    gate: OwnedFd,
    entrances: Vec<OwnedFd>,
}

/// What a session's shell is started from.
pub struct Opening {
    pub uid: u32,
    pub cwd: CString,
    pub env: Vec<CString>,
    pub nofile: u64,
    pub restore: bool,
    /// A parked text is run.
    pub keeps: bool,
    pub incarnation: u32,
    pub leaf: OwnedFd,
    pub entrances: Vec<OwnedFd>,
}

/// More wait for the next turn.
const ANSWERS_A_TURN: usize = 8;

const SHELL: &std::ffi::CStr = c"/bin/bash";
const BUILTIN: &str = "/opt/atoll/session.so";

/// The arguments of every shell of ours.
fn shell_argv() -> Vec<CString> {
    let load = format!("enable -f {BUILTIN} atoll_session; atoll_session 3");
    let owned = |text: &str| CString::new(text).unwrap_or_default();
    vec![owned("bash"), owned("--norc"), owned("--noprofile"), owned("-c"), owned(&load)]
}

fn new_snapshot() -> io::Result<OwnedFd> {
    let memfd = memfd_create("snapshot", MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&memfd, SNAPSHOT_BYTES)?;
    Ok(memfd)
}

impl Init {
    /// Starts a shell with its control socket. Its standard streams are `/dev/null` until a command gives others.
    pub(super) fn start_shell(
        &self,
        opening: &Opening,
        limits: (Option<u64>, Option<u64>),
    ) -> io::Result<(Spawned, OwnedFd)> {
        let (control, theirs) = socket::packet_pair()?;
        let null = rustix::fs::open(
            "/dev/null",
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let mut env = opening.env.clone();
        env.push(CString::new(format!("LD_PRELOAD={BUILTIN}"))?);
        let spawned = spawn::spawn(&Start {
            leaf: opening.leaf.as_fd(),
            entrances: &opening.entrances,
            program: SHELL,
            argv: &shell_argv(),
            env: &env,
            cwd: &opening.cwd,
            uid: opening.uid,
            stdio: [null.as_fd(), null.as_fd(), null.as_fd()],
            control: Some(theirs.as_fd()),
            cpu_ms: limits.0,
            file_bytes: limits.1,
            nofile: opening.nofile,
            filter: &self.filter,
        })?;
        Ok((spawned, control))
    }

    pub(super) fn open_session(&mut self, number: u32, opening: &Opening) -> io::Result<()> {
        let parked = self.forget_shell(number, opening.keeps);
        let opened = self.snapshot_of(number).and_then(|snapshot| {
            let shell = self.start_session_shell(number, &snapshot, opening);
            let (shell, failure) = match shell {
                Ok(shell) => (Some(shell), None),
                Err(error) => (None, Some(error)),
            };
            // The snapshot stays also where no shell could be started: the next attempt restores from it.
            let session = Session { shell, snapshot, busy: None, parked: None, forking: None, spent: (0, 0) };
            self.sessions.insert(number, session);
            failure.map_or(Ok(()), Err)
        });
        opened.or_else(|error| self.session_failed(number, "start_shell", &error, opening.incarnation))?;
        if let Some(parked) = parked {
            self.run_in_session(number, parked);
        }
        Ok(())
    }

    /// What stands in the way of a new shell: the end of an old one that was not heard of yet, and its command,
    /// whose answer went out without it.
    fn forget_shell(&mut self, number: u32, keeps: bool) -> Option<Parked> {
        let session = self.sessions.get_mut(&number)?;
        let parked = session.parked.take();
        let stale = session.busy.take().into_iter().chain(session.forking.take().map(|forking| forking.command));
        let stale: Vec<u32> = stale.chain(parked.iter().filter(|_| !keeps).map(|parked| parked.command)).collect();
        for command in stale {
            self.commands.remove(&command);
        }
        parked.filter(|_| keeps)
    }

    fn snapshot_of(&mut self, number: u32) -> io::Result<OwnedFd> {
        self.sessions.remove(&number).map_or_else(new_snapshot, |former| Ok(former.snapshot))
    }

    fn start_session_shell(&mut self, number: u32, snapshot: &OwnedFd, opening: &Opening) -> io::Result<Shell> {
        let (spawned, control) = self.start_shell(opening, (None, None))?;
        self.children.insert(spawned.pid, Child::Shell { session: number });
        shell_wire::send_start(control.as_fd(), snapshot.as_fd(), opening.restore)?;
        self.events.watch_input(&control, Token::Shell(number))?;
        Ok(Shell { pid: spawned.pid, control, report: spawned.report, ready: false, incarnation: opening.incarnation })
    }

    fn session_failed(&mut self, number: u32, step: &str, error: &io::Error, incarnation: u32) -> io::Result<()> {
        let errno = crate::sys::io_errno_name(error);
        self.tell(number, &FromInit::SessionFailed { step: step.to_owned(), errno, incarnation })
    }

    /// Starts a text in a session's shell, or parks it until there is one. `false`: there is no such session.
    pub(super) fn run_in_session(&mut self, number: u32, run: Parked) -> bool {
        let Some(session) = self.sessions.get_mut(&number) else { return false };
        let text = Text { cwd: &run.cwd, env: &run.env, text: &run.text };
        let streams = run.ends.streams();
        let sent = session.shell.as_ref().is_some_and(|shell| {
            shell_wire::send_run(shell.control.as_fd(), Manner::InSession, &streams, &text).is_ok()
        });
        if sent {
            session.busy = Some(run.command);
        } else {
            session.parked = Some(run);
        }
        true
    }

    pub(super) fn fork_in_session(
        &mut self,
        session: u32,
        command: u32,
        streams: &Streams<'_>,
        text: &Text<'_>,
        entrances: Vec<OwnedFd>,
    ) -> io::Result<bool> {
        let Some(session) = self.sessions.get_mut(&session) else { return Ok(false) };
        let Some(shell) = &session.shell else { return Ok(false) };
        let (gate_end, gate) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let streams = Streams { gate: Some(gate_end.as_fd()), stdin: streams.stdin, ..*streams };
        if shell_wire::send_run(shell.control.as_fd(), Manner::Background, &streams, text).is_err() {
            return Ok(false);
        }
        session.forking = Some(Forking { command, gate, entrances });
        Ok(true)
    }

    /// A shell says one thing for each that it is asked. One that talks without being asked is not ours any more.
    pub(super) fn read_shell(&mut self, number: u32) -> io::Result<()> {
        for _ in 0..ANSWERS_A_TURN {
            let Some(session) = self.sessions.get_mut(&number) else { return Ok(()) };
            let Some(shell) = &mut session.shell else { return Ok(()) };
            match shell_wire::receive(shell.control.as_fd()) {
                Ok(Some(Answer::Ready { restored })) if !shell.ready => {
                    shell.ready = true;
                    let incarnation = shell.incarnation;
                    self.tell(number, &FromInit::SessionOpened { restored, incarnation })?;
                }
                Ok(Some(Answer::Done(done))) if session.busy.is_some() => self.command_done(number, done)?,
                Ok(Some(Answer::Forked { pid })) if session.forking.is_some() => self.forked(number, pid)?,
                Ok(Some(_)) => {
                    let pid = shell.pid;
                    let _ = self.events.forget(&shell.control);
                    self.kill_shell(pid);
                    return Ok(());
                }
                Ok(None) => return Ok(()),
                // Its end closes with the shell's death, which SIGCHLD tells; a shell that talks nonsense is killed.
                Err(error) => {
                    let pid = shell.pid;
                    let _ = self.events.forget(&shell.control);
                    if error.kind() == io::ErrorKind::InvalidData {
                        self.kill_shell(pid);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn kill_shell(&self, pid: i32) {
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            // It is our child and not reaped yet, so the number is still its own.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    fn command_done(&mut self, number: u32, done: Done) -> io::Result<()> {
        let Some(session) = self.sessions.get_mut(&number) else { return Ok(()) };
        let Some(command) = session.busy.take() else { return Ok(()) };
        session.spent.0 += done.cpu_user_us;
        session.spent.1 += done.cpu_system_us;
        let cost = Cost {
            cpu_user_us: done.cpu_user_us,
            cpu_system_us: done.cpu_system_us,
            max_rss_bytes: done.max_rss_bytes,
        };
        self.ended(command, Ended::Status { status: done.status }, cost, done.cwd, done.process_substitution_left)
    }

    /// The subshell waits at its gate: it enters its leaf first, then runs.
    fn forked(&mut self, number: u32, pid: i32) -> io::Result<()> {
        let Some(forking) = self.sessions.get_mut(&number).and_then(|session| session.forking.take()) else {
            return Ok(());
        };
        // The shell may lie: a process that is already known is not its new subshell.
        let is_new = pid > 1 && !self.children.contains_key(&pid);
        let text = pid.to_string();
        let entered =
            is_new && forking.entrances.iter().all(|entrance| rustix::io::write(entrance, text.as_bytes()).is_ok());
        if entered {
            self.children.insert(pid, Child::Main { command: forking.command });
            drop(forking.gate);
            return self.tell(forking.command, &FromInit::Started);
        }
        if is_new {
            self.kill_shell(pid);
        }
        self.commands.remove(&forking.command);
        let errno = if pid < 0 { -pid } else { libc::EPERM };
        let message = FromInit::SpawnFailed { step: "fork_command".to_owned(), errno: crate::sys::errno_name(errno) };
        self.tell(forking.command, &message)
    }

    /// The shell is gone. Its last words are read first: a status that it told before is the command's end.
    pub(super) fn shell_ended(&mut self, number: u32, pid: i32, ended: Ended, total: &Cost) -> io::Result<()> {
        let shell = self.sessions.get(&number).and_then(|session| session.shell.as_ref());
        // A killed shell may end after the one that took its place has begun.
        if shell.is_none_or(|shell| shell.pid != pid) {
            return Ok(());
        }
        self.read_shell(number)?;
        let Some(session) = self.sessions.get_mut(&number) else { return Ok(()) };
        let Some(shell) = session.shell.take() else { return Ok(()) };
        if let Some(forking) = session.forking.take() {
            let nothing = Cost { cpu_user_us: 0, cpu_system_us: 0, max_rss_bytes: 0 };
            self.ended(forking.command, ended, nothing, Vec::new(), false)?;
        }
        let Some(session) = self.sessions.get_mut(&number) else { return Ok(()) };
        let spent = session.spent;
        match session.busy.take() {
            Some(command) => {
                let cost = Cost {
                    cpu_user_us: total.cpu_user_us.saturating_sub(spent.0),
                    cpu_system_us: total.cpu_system_us.saturating_sub(spent.1),
                    max_rss_bytes: total.max_rss_bytes,
                };
                self.ended(command, ended, cost, Vec::new(), true)
            }
            None if shell.ready => self.tell(number, &FromInit::SessionEnded { incarnation: shell.incarnation }),
            None => {
                let (step, errno) = spawn::read_report(&shell.report)
                    .map_or(("load_session_builtin", libc::EIO), |(step, errno)| (step.name(), errno));
                self.session_failed(number, step, &io::Error::from_raw_os_error(errno), shell.incarnation)
            }
        }
    }

    /// The write waits for a grace period of the kernel, which is why it is done here and not in the supervisor.
    pub(super) fn move_shell(&mut self, number: u32, leaf: &[OwnedFd]) {
        let Some(shell) = self.sessions.get(&number).and_then(|session| session.shell.as_ref()) else { return };
        let pid = shell.pid;
        if leaf.iter().any(|leaf| rustix::io::write(leaf, pid.to_string().as_bytes()).is_err()) {
            self.kill_shell(pid);
        }
    }

    pub(super) fn close_session(&mut self, number: u32) {
        if let Some(shell) = self.sessions.remove(&number).and_then(|session| session.shell) {
            self.children.remove(&shell.pid);
        }
    }
}

/// A shell that runs one text and exits with its status.
pub(super) fn run_once(control: &OwnedFd, streams: &Streams<'_>, text: &[u8]) -> io::Result<()> {
    let snapshot = new_snapshot()?;
    shell_wire::send_start(control.as_fd(), snapshot.as_fd(), false)?;
    let text = Text { cwd: b"", env: &[], text };
    shell_wire::send_run(control.as_fd(), Manner::Once, streams, &text)
}
