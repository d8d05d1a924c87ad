//! The zygote's own small root: what every sandbox's root is made of, and a whole /proc.
//!
//! A new mount namespace copies every mount of its maker, so there are few here. All that is shown inside a
//! sandbox lies on one tmpfs (but /usr): its mount table then names no path of the host.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    open_tree, unmount,
};

use crate::etc;
use crate::seccomp::{self, SockFilter};
use crate::sys::mount::{Devices, seal_tree};

/// The loadable builtin of the sessions' bash (GPL-3.0-or-later, `native/shell/`), carried as data.
const SESSION_BUILTIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/session.so"));

/// Where a merged-/usr host has links; an older one has folders, which become trees of their own.
const ROOT_LINKS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

#[derive(Debug)]
pub struct Stage {
    /// Folders of the stage that are moved into each sandbox under the same name.
    pub trees: Vec<&'static str>,
    pub links: Vec<(String, String)>,
    /// What commands may ask of the kernel: compiled once, installed by each command before its exec.
    pub filter: Vec<SockFilter>,
}

impl Stage {
    /// Leaves the host's mount namespace and makes the stage this process' root.
    pub fn build(folder: &Path) -> io::Result<Self> {
        // SAFETY: integer argument only; this process is single-threaded.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            return Err(io::Error::last_os_error());
        }
        mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
        fs::create_dir_all(folder)?;
        mount("stage", folder, "tmpfs", MountFlags::NOSUID, Some(c"mode=755"))?;
        for name in ["new", "proc", "usr", "dev"] {
            fs::create_dir(folder.join(name))?;
        }
        mount_bind_recursive("/usr", folder.join("usr"))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("proc", folder.join("proc"), "proc", flags, None)?;
        etc::generate(Path::new("/"), &folder.join("etc")).map_err(io::Error::other)?;
        make_devices(&folder.join("dev"))?;
        fs::create_dir_all(folder.join("opt/atoll"))?;
        let builtin = folder.join("opt/atoll/session.so");
        fs::write(&builtin, SESSION_BUILTIN)?;
        fs::set_permissions(&builtin, fs::Permissions::from_mode(0o444))?;
        let (links, folders) = root_links(folder)?;

        rustix::process::chdir(folder)?;
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")?;
        let trees = ["usr", "etc", "dev", "opt/atoll"].into_iter().chain(folders).collect();
        Ok(Self { trees, links, filter: seccomp::program() })
    }

    /// A detached copy of each tree, read-only, its owners translated for one sandbox.
    pub fn translated_trees(&self, user_namespace: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        self.trees
            .iter()
            .map(|name| {
                let tree = open_tree(CWD, format!("/{name}"), flags)?;
                let devices = if *name == "dev" { Devices::Allowed } else { Devices::Refused };
                seal_tree(std::os::fd::AsFd::as_fd(&tree), user_namespace, devices)?;
                Ok(tree)
            })
            .collect()
    }
}

/// Name, major, minor. All may be opened by everybody.
const DEVICES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const DEVICE_LINKS: [(&str, &str); 6] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    // A folder of the sandbox's own disk: /dev is shared and read-only.
    ("shm", "/run/shm"),
];

fn make_devices(folder: &Path) -> io::Result<()> {
    for (name, major, minor) in DEVICES {
        let path = folder.join(name);
        mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(major, minor))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, folder.join(name))?;
    }
    fs::create_dir(folder.join("pts"))
}

type Links = Vec<(String, String)>;

fn root_links(folder: &Path) -> io::Result<(Links, Vec<&'static str>)> {
    let mut links = Vec::new();
    let mut folders = Vec::new();
    for name in ROOT_LINKS {
        let host = Path::new("/").join(name);
        match fs::symlink_metadata(&host) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&host)?.to_string_lossy().trim_start_matches('/').to_owned();
                symlink(&target, folder.join(name))?;
                links.push((name.to_owned(), target));
            }
            Ok(_) => {
                fs::create_dir(folder.join(name))?;
                mount_bind_recursive(&host, folder.join(name))?;
                folders.push(name);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok((links, folders))
}
