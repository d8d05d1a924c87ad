//! Cgroup files and folders, as the kernel wants them read and written.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// As `fs::read_to_string`, without asking for the size first: kernfs files have none, and this is done for every
/// command.
pub fn read_file(path: &Path) -> io::Result<String> {
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

pub(super) fn read_oom_kills(file: &Path) -> io::Result<u64> {
    let text = read_file(file)?;
    let count =
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other("the kernel tells no oom_kill"))
}

pub(super) fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// `tasks` of a v1 group: a thread that writes `0` there moves itself. That takes 0.03 ms; every other way, by
/// `cgroup.procs` or for somebody else, waits for a grace period of the whole kernel, 7 to 11 ms (measured).
pub(super) fn open_entrance(folder: &Path) -> io::Result<OwnedFd> {
    open_to_write(folder, "tasks")
}

pub(super) fn open_to_write(folder: &Path, file: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(folder.join(file), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?)
}

pub(super) fn write(folder: &Path, file: &str, value: u64) -> io::Result<()> {
    rustix::io::write(open_to_write(folder, file)?, value.to_string().as_bytes())?;
    Ok(())
}

pub(super) fn read_number(folder: &Path, file: &str) -> io::Result<u64> {
    let text = fs::read_to_string(folder.join(file))?;
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("{file} says {text:?}")))
}

pub(super) fn enable(folder: &Path, controllers: &str) -> io::Result<()> {
    fs::write(folder.join("cgroup.subtree_control"), controllers).map_err(|error| {
        let folder = folder.display();
        io::Error::new(error.kind(), format!("{controllers} cannot be enabled in {folder}: {error}"))
    })
}

pub(super) fn allow_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// A kernel without swap accounting has no such file, and then no swap to limit.
pub(super) fn allow_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Waits for `populated 0`, as the kernel announces it.
pub(super) fn wait_until_empty(folder: &Path) -> io::Result<()> {
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
    match fs::remove_dir(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // It has folders below it, or processes.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
        Err(error) => return Err(error),
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
