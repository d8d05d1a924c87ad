//! A host bash with the builtin in it, spoken to as `shell/wire.h` says, and what tests ask of it.

mod outside;

use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use outside::{drain, feed, header, send, spawn_bash};

const SNAPSHOT_BYTES: u64 = 64 * 1024 * 1024;
const INLINE_BYTES: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(20);

const START: u32 = 1;
const RUN: u32 = 2;
const RESTORE: u32 = 1;
const HAS_STDIN: u32 = 2;
const BODY_IN_MEMFD: u32 = 4;
const ONCE: u32 = 8;
const BACKGROUND: u32 = 16;

const READY: u32 = 1;
const DONE: u32 = 2;
const FORKED: u32 = 3;

pub const PROCSUB_LEFT: u32 = 1;
pub const STATE_TOO_LARGE: u32 = 2;

/// One message of the shell.
#[derive(Debug)]
pub struct Answer {
    pub tag: u32,
    pub flags: u32,
    pub status: i32,
    pub cpu_us: u64,
    pub max_rss_bytes: u64,
    pub cwd: String,
}

/// What a command in the session gave.
#[derive(Debug)]
pub struct Done {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub answer: Answer,
}

impl Done {
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The short form of `Done`.
pub struct Answered {
    pub status: i32,
    pub stdout: Vec<u8>,
}

/// A command's own env, cwd and standard input.
#[derive(Default, Clone, Copy)]
pub struct With<'a> {
    pub cwd: &'a str,
    pub env: &'a [&'a str],
    pub stdin: Option<&'a [u8]>,
}

pub struct Shell {
    control: OwnedFd,
    child: Child,
    snapshot: File,
}

impl Shell {
    pub fn start() -> Self {
        let snapshot = File::from(memfd_create("snapshot", MemfdFlags::CLOEXEC).unwrap());
        ftruncate(&snapshot, SNAPSHOT_BYTES).unwrap();
        let (shell, ready) = Self::start_with(snapshot, 0);
        assert_eq!(ready.status, 0);
        shell
    }

    /// Lets the state of the last command be saved, then kills and restarts. `$?` stays.
    pub fn restart(self) -> Self {
        self.run_inline("(exit $?)");
        self.kill_and_restart()
    }

    /// Kills this shell as a time-out does, and starts another from its snapshot.
    pub fn kill_and_restart(mut self) -> Self {
        self.kill();
        let (shell, ready) = Self::start_with(self.snapshot.try_clone().unwrap(), RESTORE);
        assert_eq!(ready.status, 1, "the snapshot was not taken");
        shell
    }

    pub fn start_from(snapshot: File) -> (Self, Answer) {
        Self::start_with(snapshot, RESTORE)
    }

    fn start_with(snapshot: File, flags: u32) -> (Self, Answer) {
        let (control, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let child = spawn_bash(&theirs);
        drop(theirs);
        let shell = Self { control, child, snapshot };
        send(&shell.control, &header(START, flags, "", "", 0), &[shell.snapshot.as_fd()]);
        let ready = shell.receive();
        assert_eq!(ready.tag, READY);
        (shell, ready)
    }

    pub fn snapshot(&self) -> File {
        self.snapshot.try_clone().unwrap()
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn run(&self, text: &str) -> Done {
        self.run_with(text, With::default())
    }

    pub fn run_with(&self, text: &str, with: With<'_>) -> Done {
        let running = self.send_run(text.as_bytes(), with, 0);
        let answer = self.receive();
        assert_eq!(answer.tag, DONE);
        let (stdout, stderr) = running.collect();
        Done { status: answer.status, stdout, stderr, answer }
    }

    /// Sends the text and leaves its answer for later.
    pub fn begin(&self, text: &str) -> Running {
        self.send_run(text.as_bytes(), With::default(), 0)
    }

    /// Runs a text that leaves a job behind with the pipes in its hands.
    pub fn run_leaving(&self, text: &str) -> (Answer, Running) {
        let running = self.begin(text);
        (self.receive(), running)
    }

    pub fn finish(&self, running: Running) -> Done {
        let answer = self.receive();
        assert_eq!(answer.tag, DONE);
        let (stdout, stderr) = running.collect();
        Done { status: answer.status, stdout, stderr, answer }
    }

    /// Runs the text as the shell's last one.
    pub fn once(mut self, text: &str, with: With<'_>) -> (ExitStatus, String, String) {
        let running = self.send_run(text.as_bytes(), with, ONCE);
        let status = self.child.wait().unwrap();
        let (stdout, stderr) = running.collect();
        (status, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// Forks a subshell off; it runs when `Background::open` is called.
    pub fn background(&self, text: &str, with: With<'_>) -> Background {
        let (gate, ours) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let running = self.send_gated(text.as_bytes(), with, BACKGROUND, Some(gate));
        let answer = self.receive();
        assert_eq!(answer.tag, FORKED);
        assert!(answer.status > 1, "{answer:?}");
        Background { pid: answer.status, gate: Some(ours), running }
    }

    fn send_run(&self, text: &[u8], with: With<'_>, flags: u32) -> Running {
        self.send_gated(text, with, flags, None)
    }

    fn send_gated(&self, text: &[u8], with: With<'_>, mut flags: u32, gate: Option<OwnedFd>) -> Running {
        let (out_read, out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (err_read, err) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let stdin = with.stdin.map(feed);
        let mut fds: Vec<BorrowedFd<'_>> = Vec::new();
        if let Some(stdin) = &stdin {
            flags |= HAS_STDIN;
            fds.push(stdin.as_fd());
        }
        fds.extend([out.as_fd(), err.as_fd()]);
        fds.extend(gate.as_ref().map(AsFd::as_fd));
        let env: String = with.env.iter().map(|entry| format!("{entry}\0")).collect();
        let mut body = [with.cwd.as_bytes(), env.as_bytes(), text].concat();
        let memfd = (body.len() > INLINE_BYTES).then(|| File::from(memfd_create("body", MemfdFlags::CLOEXEC).unwrap()));
        if let Some(mut file) = memfd.as_ref() {
            file.write_all(&body).unwrap();
            body.clear();
            flags |= BODY_IN_MEMFD;
        }
        fds.extend(memfd.as_ref().map(AsFd::as_fd));
        let mut message = header(RUN, flags, with.cwd, &env, text.len());
        message.extend(body);
        send(&self.control, &message, &fds);
        Running { stdout: drain(out_read), stderr: drain(err_read) }
    }

    /// `run` without a thread: for output that fits into a pipe.
    pub fn run_inline(&self, text: &str) -> Answered {
        let (out_read, out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (_err_read, err) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut message = header(RUN, 0, "", "", text.len());
        message.extend(text.as_bytes());
        send(&self.control, &message, &[out.as_fd(), err.as_fd()]);
        drop((out, err));
        let answer = self.receive();
        let mut stdout = Vec::new();
        File::from(out_read).read_to_end(&mut stdout).unwrap();
        Answered { status: answer.status, stdout }
    }

    pub fn receive(&self) -> Answer {
        let bytes = self.receive_bytes();
        assert!(bytes.len() >= 40, "the shell ended or sent {} bytes", bytes.len());
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(word(12) as usize, bytes.len() - 40);
        Answer {
            tag: word(0),
            flags: word(4),
            status: word(8) as i32,
            cpu_us: long(16) + long(24),
            max_rss_bytes: long(32),
            cwd: String::from_utf8_lossy(&bytes[40..]).into_owned(),
        }
    }

    fn receive_bytes(&self) -> Vec<u8> {
        let wait = rustix::time::Timespec::try_from(PATIENCE).unwrap();
        let mut polled = [PollFd::new(&self.control, PollFlags::IN)];
        assert_eq!(poll(&mut polled, Some(&wait)).unwrap(), 1, "the shell does not answer");
        let mut buffer = vec![0; 100_000];
        let mut ancillary = RecvAncillaryBuffer::default();
        let got = recvmsg(&self.control, &mut [IoSliceMut::new(&mut buffer)], &mut ancillary, RecvFlags::empty());
        buffer.truncate(got.map_or(0, |message| message.bytes));
        buffer
    }

    /// How the shell's process ended after a text that ends it.
    pub fn wait_end(&mut self) -> ExitStatus {
        assert!(self.receive_bytes().is_empty(), "an answer came instead of the end");
        self.child.wait().unwrap()
    }

    pub fn kill(&mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// Init is gone: closes its end.
    pub fn hang_up(mut self) -> ExitStatus {
        let (_, control) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        drop(std::mem::replace(&mut self.control, control));
        self.child.wait().unwrap()
    }

    pub fn send_nonsense(&self, bytes: &[u8]) {
        send(&self.control, bytes, &[]);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Running {
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Running {
    /// Everything until the last holder of the pipes is gone.
    pub fn collect(self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.join().unwrap(), self.stderr.join().unwrap())
    }
}

pub struct Background {
    pub pid: i32,
    gate: Option<OwnedFd>,
    running: Running,
}

impl Background {
    /// Lets it run and gives its wait status and standard output. The test process is its reaper.
    pub fn open(mut self) -> (ExitStatus, String) {
        drop(self.gate.take());
        let mut status = 0;
        // SAFETY: waitpid writes one integer, which outlives the call.
        assert_eq!(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }, self.pid);
        let (stdout, _) = self.running.collect();
        (ExitStatus::from_raw(status), String::from_utf8(stdout).unwrap())
    }
}

/// Orphans become children of this process, as in a sandbox they become init's.
pub fn adopt_orphans() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
}
