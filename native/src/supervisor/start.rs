//! From the command line to the loop.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::event::epoll::{self, CreateFlags, EventFlags};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::cgroup::Cgroups;
use super::graveyard::Graveyard;
use super::history::Spool;
use super::status::{memory_total, pid_max};
use super::timers::{Deadline, Timers};
use super::uids::Slots;
use super::{Supervisor, Token};
use crate::sys::signals;
use crate::zygote::Zygote;

#[derive(Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// How long sandboxes outlive the last server.
    pub orphan_ttl_ms: u64,
}

/// Locks that all supervisors of a host share.
const HOST_FOLDER: &str = "/run/atoll/uids";

/// Serves until it is told to end, or has been without server and purpose for long enough.
/// `ready` is called once requests are accepted.
pub fn run(options: &Options, ready: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let folder = options.data_dir.join("box");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let _lock = lock(&folder)?;
    raise_descriptor_limit()?;
    // First of all: the zygote's memory is what every sandbox starts with.
    let zygote = Zygote::fork(&folder.join("stage"))?;
    let mut supervisor = build(options, &folder, zygote)?;
    ready()?;
    let served = supervisor.serve();
    fs::remove_file(&supervisor.socket_path).unwrap_or_default();
    supervisor.cgroups.remove();
    served
}

fn build(options: &Options, folder: &Path, zygote: Zygote) -> io::Result<Supervisor> {
    let socket_path = folder.join("supervisor.sock");
    let cgroups = Cgroups::open(&instance_name(folder), memory_total()?, pid_max()?)?;
    let listener = listen(&socket_path)?;
    let mut supervisor = Supervisor {
        epoll: Rc::new(epoll::create(CreateFlags::CLOEXEC)?),
        boot: boot_name(),
        orphan_ttl_us: options.orphan_ttl_ms.saturating_mul(1_000),
        socket_path,
        listener,
        signals: signals::descriptor(&[libc::SIGCHLD])?,
        zygote,
        cloning: VecDeque::new(),
        waiting_creates: VecDeque::new(),
        early_ends: Vec::new(),
        cgroups,
        graveyard: Graveyard::new()?,
        slots: Slots::new(PathBuf::from(HOST_FOLDER))?,
        nofile: nofile_limit(),
        spool: Spool::open(folder.join("spool"))?,
        timers: Timers::default(),
        orphaned: None,
        awaits_first_server: true,
        server: None,
        creating: HashMap::new(),
        sandboxes: HashMap::new(),
        ending: HashMap::new(),
        by_id: HashMap::new(),
        by_pid: HashMap::new(),
        shutdown: None,
        buffer: vec![0; 256 * 1024],
    };
    supervisor.watch(supervisor.listener.as_fd(), Token::Listener, EventFlags::IN)?;
    supervisor.watch(supervisor.signals.as_fd(), Token::Signals, EventFlags::IN)?;
    supervisor.watch(supervisor.zygote.as_fd(), Token::Zygote, EventFlags::IN)?;
    supervisor.watch(supervisor.graveyard.as_fd(), Token::Graveyard, EventFlags::IN)?;
    // A server that starts us and dies before it connects leaves orphans from the first moment.
    supervisor.orphaned = Some(supervisor.timers.set(supervisor.orphan_ttl_us, Deadline::Orphaned));
    Ok(supervisor)
}

/// Waits for a supervisor that is just ending. One that serves is found by its socket, and nobody starts a second.
fn lock(folder: &Path) -> io::Result<File> {
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn nofile_limit() -> u32 {
    let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    u32::try_from(hard).unwrap_or(u32::MAX)
}

fn raise_descriptor_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

/// One name per data folder, the same in every life: by it the remains of an earlier one are found.
fn instance_name(folder: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).hash(&mut hasher);
    format!("atoll-{:016x}", hasher.finish())
}

fn boot_name() -> String {
    format!("{:x}-{:x}", crate::sys::wall_clock_ms(), std::process::id())
}
