//! What the supervisor asks for, message by message.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::command::Cost;
use super::session::{Opening, Parked, run_once};
use super::shell_wire::Text;
use super::spawn::{self, SpawnStep, Start};
use super::streams::Ends;
use super::{Child, Init};
use crate::sys;
use crate::wire::inside::{Ended, FromInit, Io, Spawn, ToInit};

impl Init {
    pub(super) fn handle(&mut self, channel: u32, message: ToInit) -> io::Result<()> {
        match message {
            ToInit::OpenSession { uid, cwd, env, nofile, restore, keeps, incarnation, entrances } => {
                let (leaf, entrances) = self.take_leaf(entrances)?;
                let opening = Opening {
                    uid,
                    cwd: CString::new(cwd.into_vec())?,
                    env: spawn::c_strings(&env)?,
                    nofile,
                    restore,
                    keeps,
                    incarnation,
                    leaf,
                    entrances,
                };
                self.open_session(channel, &opening)
            }
            ToInit::CloseSession => {
                self.close_session(channel);
                Ok(())
            }
            ToInit::MoveShell => {
                let leaf = self.take_received(1)?;
                self.move_shell(channel, &leaf);
                Ok(())
            }
            ToInit::Run { session, io, text, cwd, env } => match self.begin(channel, io) {
                Ok(ends) => {
                    let known = self.run_in_session(session, Parked { command: channel, ends, text, cwd, env });
                    if known { Ok(()) } else { self.never_ran(channel) }
                }
                Err(error) => self.no_streams(channel, &error),
            },
            ToInit::Fork { session, io, text, cwd, env, entrances } => {
                let entrances = self.take_received(entrances.into())?;
                let ends = match self.begin(channel, io) {
                    Ok(ends) => ends,
                    Err(error) => return self.no_streams(channel, &error),
                };
                let text = Text { cwd: &cwd, env: &env, text: &text };
                let sent = self.fork_in_session(session, channel, &ends.streams(), &text, entrances)?;
                if sent { Ok(()) } else { self.never_ran(channel) }
            }
            ToInit::Spawn { start, io, entrances } => {
                let (leaf, entrances) = self.take_leaf(entrances)?;
                self.spawn(channel, start, io, leaf, entrances)
            }
            ToInit::Stdin { bytes, eof } => {
                self.add_stdin(channel, &bytes, eof);
                Ok(())
            }
            ToInit::Peek => self.peek(channel),
            ToInit::File { op } => {
                let reply = self.files.perform(op);
                self.tell(channel, &FromInit::File { reply })
            }
            ToInit::Ping => self.tell(channel, &FromInit::Pong),
        }
    }

    fn take_leaf(&mut self, entrances: u8) -> io::Result<(OwnedFd, Vec<OwnedFd>)> {
        let mut fds = self.take_received(1 + usize::from(entrances))?;
        let leaf = fds.remove(0);
        Ok((leaf, fds))
    }

    /// Too many commands hold descriptors; others go on.
    fn no_streams(&mut self, command: u32, error: &io::Error) -> io::Result<()> {
        let errno = sys::io_errno_name(error);
        self.tell(command, &FromInit::SpawnFailed { step: "open_streams".to_owned(), errno })
    }

    /// The session's shell was gone before the text reached it.
    fn never_ran(&mut self, command: u32) -> io::Result<()> {
        let nothing = Cost { cpu_user_us: 0, cpu_system_us: 0, max_rss_bytes: 0 };
        self.ended(command, Ended::Signalled { signal: libc::SIGKILL as u8 }, nothing, Vec::new(), false)
    }

    fn spawn(&mut self, number: u32, start: Spawn, io: Io, leaf: OwnedFd, entrances: Vec<OwnedFd>) -> io::Result<()> {
        let ends = match self.begin(number, io) {
            Ok(ends) => ends,
            Err(error) => return self.no_streams(number, &error),
        };
        if let Some(command) = self.commands.get_mut(&number) {
            let program = start.argv.as_ref().and_then(|argv| argv.first());
            command.program = program.map_or(b"bash".to_vec(), |name| name.to_vec());
            command.folder = start.cwd.to_vec();
        }
        let spawned = match start.argv {
            Some(_) => self.spawn_argv(&start, &ends, &leaf, &entrances).map(|spawned| (spawned, None)),
            None => self.spawn_shell(start, &ends, leaf, entrances).map(|(spawned, control)| (spawned, Some(control))),
        };
        match spawned {
            Ok((spawned, control)) => {
                self.children.insert(spawned.pid, Child::Main { command: number });
                if let Some(command) = self.commands.get_mut(&number) {
                    command.report = Some(spawned.report);
                    command.control = control;
                }
                self.tell(number, &FromInit::Started)
            }
            Err(error) => self.spawn_failed(number, SpawnStep::Clone, error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    fn spawn_argv(
        &self,
        start: &Spawn,
        ends: &Ends,
        leaf: &OwnedFd,
        entrances: &[OwnedFd],
    ) -> io::Result<spawn::Spawned> {
        let null = rustix::fs::open(
            "/dev/null",
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let stdin = ends.stdin.as_ref().unwrap_or(&null);
        let argv = spawn::c_strings(start.argv.as_deref().unwrap_or_default())?;
        let program = argv.first().ok_or(io::ErrorKind::InvalidInput)?;
        spawn::spawn(&Start {
            leaf: leaf.as_fd(),
            entrances,
            program,
            argv: &argv,
            env: &spawn::c_strings(&start.env)?,
            cwd: &CString::new(start.cwd.as_slice())?,
            uid: start.uid,
            stdio: [stdin.as_fd(), ends.stdout.as_fd(), ends.stderr()],
            control: None,
            cpu_ms: start.cpu_ms,
            file_bytes: start.file_bytes,
            nofile: start.nofile,
            filter: &self.filter,
        })
    }

    fn spawn_shell(
        &self,
        start: Spawn,
        ends: &Ends,
        leaf: OwnedFd,
        entrances: Vec<OwnedFd>,
    ) -> io::Result<(spawn::Spawned, OwnedFd)> {
        let opening = Opening {
            uid: start.uid,
            cwd: CString::new(start.cwd.into_vec())?,
            env: spawn::c_strings(&start.env)?,
            nofile: start.nofile,
            restore: false,
            keeps: false,
            incarnation: 0,
            leaf,
            entrances,
        };
        let (spawned, control) = self.start_shell(&opening, (start.cpu_ms, start.file_bytes))?;
        run_once(&control, &ends.streams(), &start.text)?;
        Ok((spawned, control))
    }

    /// A program that cannot be executed is an answer, as a shell gives it; any other step is our failure, and the
    /// command must not seem to have run.
    pub(super) fn spawn_failed(&mut self, number: u32, step: SpawnStep, errno: i32) -> io::Result<()> {
        match step {
            SpawnStep::Execute | SpawnStep::ChangeFolder => {
                let code = if errno == libc::ENOENT && step == SpawnStep::Execute { 127 } else { 126 };
                if let Some(command) = self.commands.get_mut(&number) {
                    let missing = if step == SpawnStep::Execute { &command.program } else { &command.folder };
                    let reason = sys::errno_text(errno);
                    let text = [b"atoll: ", missing.as_slice(), b": ", reason.as_bytes(), b"\n"].concat();
                    command.add_to_stderr(&text);
                }
                let nothing = Cost { cpu_user_us: 0, cpu_system_us: 0, max_rss_bytes: 0 };
                self.ended(number, Ended::Exited { code }, nothing, Vec::new(), false)
            }
            SpawnStep::Clone
            | SpawnStep::EnterCgroup
            | SpawnStep::Streams
            | SpawnStep::Limits
            | SpawnStep::BecomeUser
            | SpawnStep::DropCapabilities
            | SpawnStep::Filter => {
                self.commands.remove(&number);
                self.tell(
                    number,
                    &FromInit::SpawnFailed { step: step.name().to_owned(), errno: sys::errno_name(errno) },
                )
            }
        }
    }
}
