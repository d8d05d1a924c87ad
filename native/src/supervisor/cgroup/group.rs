//! The cgroups of one sandbox, and its limits.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::V1;
use super::kernel::{allow_missing, enable, open_entrance, open_folder, read_number, read_oom_kills, write};
use super::leaf::Leaf;
use crate::wire::server::SandboxSpec;

const PERIOD_US: u64 = 100_000;
/// The kernel takes no smaller quota.
const MIN_QUOTA_US: u64 = 1_000;

/// What a sandbox's limits came to, read back.
#[derive(Debug)]
pub struct Applied {
    pub memory_bytes: u64,
    pub pids: u64,
    pub cpu_millis: u64,
}

/// The cgroups of one sandbox.
#[derive(Debug)]
pub struct Group {
    v2: PathBuf,
    v1: Option<V1>,
    init_uid: u32,
}

impl Group {
    pub(super) fn new(v2: PathBuf, v1: Option<V1>, init_uid: u32) -> Self {
        Self { v2, v1, init_uid }
    }

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

    /// Entrances of the v1 groups that init enters.
    pub fn init_entrances(&self) -> io::Result<Vec<OwnedFd>> {
        self.v1.iter().flat_map(|v1| [&v1.memory, &v1.pids]).map(|folder| open_entrance(folder)).collect()
    }

    /// Entrances of the v1 groups that a command enters besides; init's it inherits.
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
