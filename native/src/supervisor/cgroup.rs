//! The cgroups of a node and of its sandboxes: version 2, and version 1 with a version 2 tree beside it (hybrid).
//!
//! Processes are killed through the version 2 tree, which needs no controller for that. Limits go where the
//! controllers are. A sandbox is the folder named by its slot number:
//!
//! - hybrid: `unified/…/N` holds init, `unified/…/N/K` are the leaves; `memory/…/N` and `pids/…/N` hold all, and
//!   `cpu/…/N` the commands but not init, so that a throttled sandbox still answers;
//! - version 2: `…/N` carries the limits of memory and pids, `…/N/init` init, `…/N/run` the CPU quota and the leaves.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::wire::server::SandboxSpec;

const PERIOD_US: u64 = 100_000;
/// The kernel takes no smaller quota.
const MIN_QUOTA_US: u64 = 1_000;
/// Kept for the host: the sandboxes together get the rest.
const RESERVE_BYTES: u64 = 512 * 1024 * 1024;

/// The folder of this instance in each hierarchy.
#[derive(Debug)]
pub struct Cgroups {
    v2: PathBuf,
    v1: Option<V1>,
}

#[derive(Debug)]
struct V1 {
    memory: PathBuf,
    pids: PathBuf,
    cpu: PathBuf,
}

/// What a sandbox's limits came to, read back.
#[derive(Debug)]
pub struct Applied {
    pub memory_bytes: u64,
    pub pids: u64,
    pub cpu_millis: u64,
}

impl Cgroups {
    /// Makes the folders of `instance`, after ending and removing what an earlier life of it left.
    pub fn open(instance: &str, memory_total: u64, pid_max: u64) -> io::Result<Self> {
        let found = Found::read()?;
        let v2_root = found.v2.ok_or_else(|| io::Error::other("cgroup version 2 is not mounted"))?;
        let v1 = match (found.memory, found.pids, found.cpu) {
            (Some(memory), Some(pids), Some(cpu)) => {
                Some(V1 { memory: memory.join(instance), pids: pids.join(instance), cpu: cpu.join(instance) })
            }
            _ => None,
        };
        let cgroups = Self { v2: v2_root.join(instance), v1 };
        cgroups.clear()?;
        if cgroups.v1.is_none() {
            enable(&v2_root, "+memory +pids +cpu")?;
        }
        for folder in cgroups.roots() {
            fs::create_dir(folder).or_else(allow_existing)?;
        }
        cgroups.bound(memory_total.saturating_sub(RESERVE_BYTES), pid_max / 5 * 4)?;
        Ok(cgroups)
    }

    pub fn version(&self) -> u8 {
        if self.v1.is_some() { 1 } else { 2 }
    }

    fn roots(&self) -> Vec<&Path> {
        let v1 = self.v1.iter().flat_map(|v1| [v1.memory.as_path(), v1.pids.as_path(), v1.cpu.as_path()]);
        std::iter::once(self.v2.as_path()).chain(v1).collect()
    }

    fn bound(&self, memory_bytes: u64, pids: u64) -> io::Result<()> {
        match &self.v1 {
            Some(v1) => {
                write(&v1.memory, "memory.limit_in_bytes", memory_bytes)?;
                write(&v1.pids, "pids.max", pids)
            }
            None => {
                enable(&self.v2, "+memory +pids +cpu")?;
                write(&self.v2, "memory.max", memory_bytes)?;
                write(&self.v2, "pids.max", pids)
            }
        }
    }

    /// Kills whatever an earlier supervisor of this data folder left, and removes its folders.
    fn clear(&self) -> io::Result<()> {
        if self.v2.join("cgroup.kill").exists() {
            write(&self.v2, "cgroup.kill", 1)?;
            wait_until_empty(&self.v2)?;
        }
        self.roots().into_iter().try_for_each(remove_tree)
    }

    /// Removes the instance's own folders, at the end of the supervisor.
    pub fn remove(&self) {
        for folder in self.roots() {
            // Nobody is left to tell: the next start clears what stays.
            let _ = remove_tree(folder);
        }
    }

    /// `init_uid` is the host user id of the sandbox's init: the kernel lets it clone into the leaves, and into
    /// nothing else.
    pub fn sandbox(&self, slot: u32, init_uid: u32) -> Group {
        let name = slot.to_string();
        let v1 = self.v1.as_ref().map(|v1| V1 {
            memory: v1.memory.join(&name),
            pids: v1.pids.join(&name),
            cpu: v1.cpu.join(&name),
        });
        Group { v2: self.v2.join(name), v1, init_uid }
    }
}

/// The cgroups of one sandbox.
#[derive(Debug)]
pub struct Group {
    v2: PathBuf,
    v1: Option<V1>,
    init_uid: u32,
}

impl Group {
    /// Makes the folders and sets the limits. On an error the caller calls [`Self::folders`] and removes.
    pub fn create(&self, spec: &SandboxSpec) -> io::Result<Applied> {
        // A tmpfs is charged to the memory of its sandbox: the hard limit is both together.
        let memory_bytes = spec.memory_bytes + spec.disk_bytes;
        let quota_us = (u64::from(spec.cpu_millis) * PERIOD_US / 1_000).max(MIN_QUOTA_US);
        fs::create_dir(&self.v2)?;
        self.let_init_enter(&self.v2)?;
        let quota_back = match &self.v1 {
            Some(v1) => {
                for folder in [&v1.memory, &v1.pids, &v1.cpu] {
                    fs::create_dir(folder)?;
                }
                write(&v1.memory, "memory.limit_in_bytes", memory_bytes)?;
                write(&v1.pids, "pids.max", spec.pids.into())?;
                write(&v1.cpu, "cpu.cfs_period_us", PERIOD_US)?;
                write(&v1.cpu, "cpu.cfs_quota_us", quota_us)?;
                read_number(&v1.cpu, "cpu.cfs_quota_us")?
            }
            None => {
                let run = self.v2.join("run");
                write(&self.v2, "memory.max", memory_bytes)?;
                write(&self.v2, "memory.swap.max", 0).or_else(allow_missing)?;
                write(&self.v2, "pids.max", spec.pids.into())?;
                enable(&self.v2, "+cpu")?;
                fs::create_dir(self.v2.join("init"))?;
                fs::create_dir(&run)?;
                fs::write(run.join("cpu.max"), format!("{quota_us} {PERIOD_US}"))?;
                read_number(&run, "cpu.max")?
            }
        };
        let (memory, pids) = match &self.v1 {
            Some(v1) => (read_number(&v1.memory, "memory.limit_in_bytes")?, read_number(&v1.pids, "pids.max")?),
            None => (read_number(&self.v2, "memory.max")?, read_number(&self.v2, "pids.max")?),
        };
        Ok(Applied {
            memory_bytes: memory.saturating_sub(spec.disk_bytes),
            pids,
            cpu_millis: quota_back * 1_000 / PERIOD_US,
        })
    }

    /// Where init is cloned into.
    pub fn init_folder(&self) -> io::Result<OwnedFd> {
        open_folder(&if self.v1.is_some() { self.v2.clone() } else { self.v2.join("init") })
    }

    /// `cgroup.procs` of the v1 groups that init enters.
    pub fn init_entrances(&self) -> io::Result<Vec<OwnedFd>> {
        self.v1.iter().flat_map(|v1| [&v1.memory, &v1.pids]).map(|folder| open_entrance(folder)).collect()
    }

    /// `cgroup.procs` of the v1 groups that a command enters besides; init's it inherits.
    pub fn command_entrances(&self) -> io::Result<Vec<OwnedFd>> {
        self.v1.iter().map(|v1| open_entrance(&v1.cpu)).collect()
    }

    fn leaf(&self, number: u32) -> PathBuf {
        let folder = if self.v1.is_some() { self.v2.clone() } else { self.v2.join("run") };
        folder.join(number.to_string())
    }

    pub fn make_leaf(&self, number: u32) -> io::Result<Leaf> {
        let path = self.leaf(number);
        fs::create_dir(&path)?;
        self.let_init_enter(&path)?;
        Ok(Leaf { path, memory: None })
    }

    /// A leaf with a memory limit of its own, within the sandbox's.
    pub fn make_limited_leaf(&self, number: u32, memory_bytes: u64) -> io::Result<Leaf> {
        let mut leaf = self.make_leaf(number)?;
        match &self.v1 {
            Some(v1) => {
                let folder = v1.memory.join(number.to_string());
                fs::create_dir(&folder)?;
                write(&folder, "memory.limit_in_bytes", memory_bytes)?;
                leaf.memory = Some(folder);
            }
            None => {
                enable(&self.v2, "+memory")?;
                enable(&self.v2.join("run"), "+memory")?;
                write(&leaf.path, "memory.max", memory_bytes)?;
                leaf.memory = Some(leaf.path.clone());
            }
        }
        Ok(leaf)
    }

    /// `CLONE_INTO_CGROUP` asks for the right to write both `cgroup.procs`: of the leaf, and of the folder above
    /// that it shares with init's own place.
    fn let_init_enter(&self, folder: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(folder.join("cgroup.procs"), Some(self.init_uid), None)
    }

    /// Kills every process of the sandbox, init included.
    pub fn kill(&self) -> io::Result<()> {
        write(&self.v2, "cgroup.kill", 1)
    }

    /// How often the kernel has killed in this sandbox for memory.
    pub fn oom_kills(&self) -> io::Result<u64> {
        match &self.v1 {
            Some(v1) => read_oom_kills(&v1.memory.join("memory.oom_control")),
            None => read_oom_kills(&self.v2.join("memory.events")),
        }
    }

    /// The same for a leaf with a limit of its own: version 1 counts a kill where its victim stood.
    pub fn oom_kills_of(&self, leaf: &Leaf) -> io::Result<u64> {
        let file = if self.v1.is_some() { "memory.oom_control" } else { "memory.events" };
        leaf.memory.as_ref().map_or(Ok(0), |folder| read_oom_kills(&folder.join(file)))
    }

    /// All its folders, the v2 tree first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let v1 = self.v1.iter().flat_map(|v1| [v1.memory.clone(), v1.pids.clone(), v1.cpu.clone()]);
        std::iter::once(self.v2.clone()).chain(v1).collect()
    }
}

/// What is killed together: a session's shell and its command, or one command of its own.
#[derive(Debug)]
pub struct Leaf {
    path: PathBuf,
    /// Where its own memory limit stands.
    memory: Option<PathBuf>,
}

impl Leaf {
    /// All its folders, the v2 one first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let memory = self.memory.iter().filter(|folder| **folder != self.path).cloned();
        std::iter::once(self.path.clone()).chain(memory).collect()
    }

    /// `cgroup.procs` of the v1 group that carries its own memory limit.
    pub fn memory_entrance(&self) -> io::Result<Option<OwnedFd>> {
        self.memory.iter().find(|folder| **folder != self.path).map(|folder| open_entrance(folder)).transpose()
    }

    pub fn folder(&self) -> io::Result<OwnedFd> {
        open_folder(&self.path)
    }

    pub fn entrance(&self) -> io::Result<OwnedFd> {
        open_entrance(&self.path)
    }

    /// Host process ids.
    pub fn processes(&self) -> io::Result<Vec<i32>> {
        let text = read_file(&self.path.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    pub fn kill(&self) -> io::Result<()> {
        write(&self.path, "cgroup.kill", 1)
    }

    pub fn add(&self, pid: i32) -> io::Result<()> {
        write(&self.path, "cgroup.procs", pid as u64)
    }
}

/// As `fs::read_to_string`, without asking for the size first: kernfs files have none, and this is done for every
/// command.
fn read_file(path: &Path) -> io::Result<String> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::with_capacity(512);
    loop {
        bytes.reserve(512);
        let room = bytes.capacity() - bytes.len();
        let length = rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes))?;
        // A short read of a kernfs file is its end.
        if length < room {
            return String::from_utf8(bytes).map_err(io::Error::other);
        }
    }
}

fn read_oom_kills(file: &Path) -> io::Result<u64> {
    let text = read_file(file)?;
    let count =
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other("the kernel tells no oom_kill"))
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn open_entrance(folder: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(folder.join("cgroup.procs"), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn write(folder: &Path, file: &str, value: u64) -> io::Result<()> {
    let path = folder.join(file);
    let fd = rustix::fs::open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&fd, value.to_string().as_bytes())?;
    Ok(())
}

fn read_number(folder: &Path, file: &str) -> io::Result<u64> {
    let text = fs::read_to_string(folder.join(file))?;
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("{file} says {text:?}")))
}

fn enable(folder: &Path, controllers: &str) -> io::Result<()> {
    fs::write(folder.join("cgroup.subtree_control"), controllers).map_err(|error| {
        let folder = folder.display();
        io::Error::new(error.kind(), format!("{controllers} cannot be enabled in {folder}: {error}"))
    })
}

fn allow_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// A kernel without swap accounting has no such file, and then no swap to limit.
fn allow_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Waits for `populated 0`, as the kernel announces it.
fn wait_until_empty(folder: &Path) -> io::Result<()> {
    use rustix::fs::inotify;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let events = folder.join("cgroup.events");
    inotify::add_watch(&watch, &events, inotify::WatchFlags::MODIFY)?;
    while !fs::read_to_string(&events)?.contains("populated 0") {
        rustix::io::read(&watch, &mut [0; 4096])?;
    }
    Ok(())
}

/// Removes a folder of cgroups and those below it; they must be empty of processes.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Where this process stands in each hierarchy.
#[derive(Debug, Default)]
struct Found {
    v2: Option<PathBuf>,
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    cpu: Option<PathBuf>,
}

impl Found {
    fn read() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/cgroup")?, &fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// On pure version 2 the root is used, as container engines do: only there may controllers be enabled while
    /// processes stand beside.
    fn parse(membership: &str, mounts: &str) -> Self {
        let mut found = Self::default();
        for line in membership.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            for controller in controllers.split(',') {
                let slot = match controller {
                    "" => &mut found.v2,
                    "memory" => &mut found.memory,
                    "pids" => &mut found.pids,
                    "cpu" => &mut found.cpu,
                    _ => continue,
                };
                *slot = mount_of(mounts, controller).map(|mount| mount.join(path.trim_start_matches('/')));
            }
        }
        if found.memory.is_none() {
            found.v2 = mount_of(mounts, "");
        }
        found
    }
}

/// Mount point of the hierarchy with this controller; `""` is version 2.
fn mount_of(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        let (kind, _, options) = (after.next()?, after.next()?, after.next()?);
        let matches = match controller {
            "" => kind == "cgroup2",
            name => kind == "cgroup" && options.split(',').any(|option| option == name),
        };
        matches.then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 20 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
31 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 20 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
33 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_hybrid_host_gives_its_own_place_in_each_hierarchy() {
        let found = Found::parse("4:memory:/a/b\n3:pids:/\n1:cpu:/\n0::/c\n", HYBRID);
        assert_eq!(found.memory.as_deref(), Some(Path::new("/sys/fs/cgroup/memory/a/b")));
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/c")));
        assert!(found.pids.is_some() && found.cpu.is_some());
    }

    #[test]
    fn a_version_2_host_gives_the_root() {
        let mounts = "24 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let found = Found::parse("0::/user.slice\n", mounts);
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup")));
        assert!(found.memory.is_none());
    }
}
