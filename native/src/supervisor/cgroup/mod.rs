//! The cgroups of a node and of its sandboxes: version 2, and version 1 with a version 2 tree beside it (hybrid).
//!
//! Processes are killed through the version 2 tree, which needs no controller for that. Limits go where the
//! controllers are. A sandbox is the folder named by its slot number:
//!
//! - hybrid: `unified/…/N` holds init, `unified/…/N/K` are the leaves; `memory/…/N` and `pids/…/N` hold all, and
//!   `cpu/…/N` the commands but not init, so that a throttled sandbox still answers;
//! - version 2: `…/N` carries the limits of memory and pids, `…/N/init` init, `…/N/run` the CPU quota and the leaves.

mod group;
mod hierarchies;
mod kernel;
mod leaf;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hierarchies::Hierarchies;
use kernel::{allow_existing, enable, wait_until_empty, write};

pub use group::{Applied, Group};
pub use kernel::{read_file, remove_tree};
pub use leaf::Leaf;

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

impl Cgroups {
    /// Makes the folders of `instance`, after ending and removing what an earlier life of it left.
    pub fn open(instance: &str, memory_total: u64, pid_max: u64) -> io::Result<Self> {
        let found = Hierarchies::read()?;
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
        Group::new(self.v2.join(name), v1, init_uid)
    }
}
