//! Leaves: what is killed together.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::kernel::{open_entrance, open_folder, open_to_write, read_file, write};

/// What is killed together: a session's shell and its command, or one command of its own.
#[derive(Debug)]
pub struct Leaf {
    pub(super) path: PathBuf,
    /// Where its own memory limit stands.
    pub(super) memory: Option<PathBuf>,
}

impl Leaf {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All its folders, the v2 one first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let memory = self.memory.iter().filter(|folder| **folder != self.path).cloned();
        std::iter::once(self.path.clone()).chain(memory).collect()
    }

    /// The entrance of the v1 group that carries its own memory limit.
    pub fn memory_entrance(&self) -> io::Result<Option<OwnedFd>> {
        self.memory.iter().find(|folder| **folder != self.path).map(|folder| open_entrance(folder)).transpose()
    }

    pub fn folder(&self) -> io::Result<OwnedFd> {
        open_folder(&self.path)
    }

    /// `cgroup.procs`: for init, to move a shell or a subshell in.
    pub fn entrance(&self) -> io::Result<OwnedFd> {
        open_to_write(&self.path, "cgroup.procs")
    }

    /// Host process ids.
    pub fn processes(&self) -> io::Result<Vec<i32>> {
        let text = read_file(&self.path.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    pub fn kill(&self) -> io::Result<()> {
        write(&self.path, "cgroup.kill", 1)
    }
}
