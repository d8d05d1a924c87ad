//! Cgroup folders on their way out. A folder cannot be removed while a process of it still dies (EBUSY); the
//! kernel tells by its `cgroup.events` when the last one is gone.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

use super::cgroup::{read_file, remove_tree};

/// Who is told back: when the folders are gone, or when the leaf is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// By slot.
    Sandbox(u32),
    Command {
        slot: u32,
        number: u32,
    },
}

#[derive(Debug)]
pub struct Graveyard {
    inotify: OwnedFd,
    waiting: HashMap<i32, Grave>,
}

#[derive(Debug)]
struct Grave {
    events: PathBuf,
    /// Removed when they are empty.
    folders: Vec<PathBuf>,
    owner: Option<Owner>,
}

impl Graveyard {
    pub fn new() -> io::Result<Self> {
        Ok(Self { inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?, waiting: HashMap::new() })
    }

    /// Removes `folders` (the first stands in the v2 tree) now or as soon as they are empty.
    /// `true`: they are gone already; else [`Self::turn`] will name the owner.
    pub fn bury(&mut self, folders: Vec<PathBuf>, owner: Option<Owner>) -> io::Result<bool> {
        let Some(first) = folders.first() else { return Ok(true) };
        let events = first.join("cgroup.events");
        if !is_populated(&events) && remove_all(&folders).is_ok() {
            return Ok(true);
        }
        match self.wait_for(Grave { events, folders: folders.clone(), owner }) {
            // The v2 folder itself is gone: what is left stands in v1, whose last process went with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove_all(&folders).map(|()| true),
            other => other,
        }
    }

    /// `true`: nothing lives in the folder; else [`Self::turn`] will name the owner when nothing does.
    pub fn tell_when_empty(&mut self, folder: &Path, owner: Owner) -> bool {
        let grave = Grave { events: folder.join("cgroup.events"), folders: Vec::new(), owner: Some(owner) };
        // A folder that is gone is empty; any other reason is the caller's deadline's affair.
        !is_populated(&grave.events) || self.wait_for(grave).unwrap_or(false)
    }

    fn wait_for(&mut self, grave: Grave) -> io::Result<bool> {
        let watch = inotify::add_watch(&self.inotify, &grave.events, WatchFlags::MODIFY)?;
        self.waiting.insert(watch, grave);
        // It may have become empty between the look and the watch.
        Ok(self.retry(watch))
    }

    fn retry(&mut self, watch: i32) -> bool {
        let Some(grave) = self.waiting.get(&watch) else { return true };
        if is_populated(&grave.events) || remove_all(&grave.folders).is_err() {
            return false;
        }
        self.waiting.remove(&watch);
        true
    }

    /// Tries the folders of every ended sandbox, without waiting for an event. Gives those that are now gone.
    pub fn look_after(&mut self) -> Vec<Owner> {
        let owned: Vec<(i32, Owner)> =
            self.waiting.iter().filter_map(|(watch, grave)| Some((*watch, grave.owner?))).collect();
        owned.into_iter().filter(|(watch, _)| self.retry(*watch)).map(|(_, owner)| owner).collect()
    }

    /// After the descriptor became ready: the owners whose folders are now gone.
    pub fn turn(&mut self) -> Vec<Owner> {
        let mut watches = Vec::new();
        let mut space = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut space);
        while let Ok(event) = reader.next() {
            watches.push(event.wd());
        }
        let mut done = Vec::new();
        for watch in watches {
            let owner = self.waiting.get(&watch).and_then(|grave| grave.owner);
            if self.waiting.contains_key(&watch) && self.retry(watch) {
                done.extend(owner);
            }
        }
        done
    }
}

impl AsFd for Graveyard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// A look is cheap. An attempt to remove takes the lock of all cgroups of the host, which somebody may hold for
/// milliseconds.
fn is_populated(events: &Path) -> bool {
    read_file(events).is_ok_and(|text| text.contains("populated 1"))
}

fn remove_all(folders: &[PathBuf]) -> io::Result<()> {
    folders.iter().try_for_each(|folder| remove_tree(folder))
}
