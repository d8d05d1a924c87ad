//! Starts a process of a sandbox: into its leaf, under its user, without rights, behind the filter.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::seccomp::{self, SockFilter};
use crate::sys::clone::{self, Cloned};
use crate::sys::{caps, signals};

/// What a child may fail at between the clone and the exec. The number travels over its report pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SpawnStep {
    Clone = 1,
    EnterCgroup,
    Streams,
    Limits,
    BecomeUser,
    DropCapabilities,
    Filter,
    ChangeFolder,
    Execute,
}

impl SpawnStep {
    pub fn name(self) -> &'static str {
        match self {
            Self::Clone => "clone_command",
            Self::EnterCgroup => "enter_cgroup",
            Self::Streams => "set_streams",
            Self::Limits => "set_limits",
            Self::BecomeUser => "become_user",
            Self::DropCapabilities => "drop_capabilities",
            Self::Filter => "install_filter",
            Self::ChangeFolder => "change_folder",
            Self::Execute => "execute",
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        use SpawnStep::{
            BecomeUser, ChangeFolder, Clone, DropCapabilities, EnterCgroup, Execute, Filter, Limits, Streams,
        };
        [Clone, EnterCgroup, Streams, Limits, BecomeUser, DropCapabilities, Filter, ChangeFolder, Execute]
            .into_iter()
            .find(|step| *step as u8 == byte)
    }
}

/// All that a new process is made of.
pub struct Start<'a> {
    pub leaf: BorrowedFd<'a>,
    /// `tasks` of the v1 groups to enter; opened by the supervisor, whose rights the kernel checks.
    pub entrances: &'a [OwnedFd],
    /// With a slash: a path. Else searched in the PATH of `env`.
    pub program: &'a CStr,
    pub argv: &'a [CString],
    pub env: &'a [CString],
    pub cwd: &'a CString,
    pub uid: u32,
    pub stdio: [BorrowedFd<'a>; 3],
    /// Becomes descriptor 3.
    pub control: Option<BorrowedFd<'a>>,
    pub cpu_ms: Option<u64>,
    pub file_bytes: Option<u64>,
    pub nofile: u64,
    pub filter: &'a [SockFilter],
}

pub struct Spawned {
    pub pid: i32,
    /// Carries the failed step and its errno if the exec never came; end of file says that it did.
    pub report: OwnedFd,
}

pub fn spawn(start: &Start<'_>) -> io::Result<Spawned> {
    let (report, child_report) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    match clone::clone3(0, libc::SIGCHLD, Some(start.leaf))? {
        Cloned::Parent { pid } => Ok(Spawned { pid, report }),
        Cloned::Child => {
            let (step, error) = become_command(start, child_report.as_raw_fd());
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            let mut message = [0; 5];
            message[0] = step as u8;
            message[1..].copy_from_slice(&errno.to_le_bytes());
            let told = rustix::io::write(&child_report, &message);
            // SAFETY: _exit only ends this child; nothing of init's may run at its exit.
            unsafe { libc::_exit(if told.is_ok() { 127 } else { 126 }) }
        }
    }
}

/// The failure that a child reported, if its exec never came.
pub fn read_report(report: &OwnedFd) -> Option<(SpawnStep, i32)> {
    let mut message = [0; 5];
    match rustix::io::read(report, &mut message) {
        Ok(5) => {
            let errno = i32::from_le_bytes([message[1], message[2], message[3], message[4]]);
            SpawnStep::from_byte(message[0]).map(|step| (step, errno))
        }
        Ok(_) | Err(_) => None,
    }
}

/// The child's way to its exec; it returns only with the step that failed.
fn become_command(start: &Start<'_>, report: RawFd) -> (SpawnStep, io::Error) {
    let steps: [(SpawnStep, &dyn Fn() -> io::Result<()>); 7] = [
        (SpawnStep::EnterCgroup, &|| enter_groups(start.entrances)),
        (SpawnStep::Streams, &|| set_streams(start, report)),
        (SpawnStep::Limits, &|| set_limits(start)),
        (SpawnStep::BecomeUser, &|| caps::become_user(start.uid, start.uid)),
        (SpawnStep::DropCapabilities, &|| caps::keep_only(0)),
        (SpawnStep::ChangeFolder, &|| Ok(rustix::process::chdir(start.cwd.as_c_str())?)),
        // Last before the exec: nothing of ours needs a call that it refuses.
        (SpawnStep::Filter, &|| install_filter(start.filter)),
    ];
    signals::reset();
    for (step, act) in steps {
        if let Err(error) = act() {
            return (step, error);
        }
    }
    (SpawnStep::Execute, execute(start.program, start.argv, start.env))
}

fn enter_groups(entrances: &[OwnedFd]) -> io::Result<()> {
    for entrance in entrances {
        rustix::io::write(entrance, b"0")?;
    }
    Ok(())
}

/// 0–2 (and 3 for a shell's control) stay, all else closes at the exec.
fn set_streams(start: &Start<'_>, report: RawFd) -> io::Result<()> {
    rustix::process::setsid()?;
    // Above all targets first: a source may itself be one of the numbers to be overwritten.
    let above = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 16);
    let mut sources = Vec::with_capacity(4);
    for stream in start.stdio.iter().chain(start.control.iter()) {
        sources.push(above(*stream)?);
    }
    if report < 4 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    for (target, source) in sources.iter().enumerate() {
        // SAFETY: plain descriptor numbers; the targets 0..=3 are nobody's RAII handle in this child any more.
        if unsafe { libc::dup2(source.as_raw_fd(), target as RawFd) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let first = sources.len() as u32;
    // SAFETY: integer arguments only.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if marked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn set_limits(start: &Start<'_>) -> io::Result<()> {
    let fixed = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Nofile, fixed(start.nofile))?;
    if let Some(cpu_ms) = start.cpu_ms {
        let seconds = cpu_ms.div_ceil(1000);
        // SIGXCPU at the soft limit, SIGKILL a second later for who ignores it.
        setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 1) })?;
    }
    if let Some(bytes) = start.file_bytes {
        setrlimit(Resource::Fsize, fixed(bytes))?;
    }
    Ok(())
}

fn install_filter(filter: &[SockFilter]) -> io::Result<()> {
    seccomp::install(filter)?;
    // SAFETY: integer arguments only. 2 is SECCOMP_MODE_FILTER.
    if unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) } == 2 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EPERM))
    }
}

const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// As execvpe does: a name without a slash is searched in the PATH of the new environment.
fn execute(name: &CStr, argv: &[CString], env: &[CString]) -> io::Error {
    if name.to_bytes().contains(&b'/') {
        return exec(name, argv, env);
    }
    let path = env.iter().find_map(|entry| entry.as_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
    let mut found = io::Error::from_raw_os_error(libc::ENOENT);
    for folder in path.split(|byte| *byte == b':') {
        let folder = if folder.is_empty() { b"." } else { folder };
        let Ok(candidate) = CString::new([folder, b"/", name.to_bytes()].concat()) else { continue };
        let error = exec(&candidate, argv, env);
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => {}
            Some(libc::EACCES) => found = error,
            _ => return error,
        }
    }
    found
}

fn exec(program: &CStr, argv: &[CString], env: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists end with a null pointer and their strings live through the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// `NAME=value` entries as C strings; one with a NUL cannot be and is refused.
pub fn c_strings(list: &[serde_bytes::ByteBuf]) -> io::Result<Vec<CString>> {
    list.iter().map(|bytes| Ok(CString::new(bytes.as_slice())?)).collect()
}

/// A pipe whose read end (ours) does not block. Init makes it, the command's user shall be able to open it by name
/// (`/dev/stdout`): only who may look into the process finds that name.
pub fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = open_pipe()?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}

/// The same for input: the write end is ours.
pub fn input_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = open_pipe()?;
    rustix::io::ioctl_fionbio(&write, true)?;
    Ok((read, write))
}

fn open_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::fs::fchmod(&pipe.0, rustix::fs::Mode::from_raw_mode(0o666))?;
    Ok(pipe)
}
