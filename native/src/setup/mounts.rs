//! The new root: one tmpfs that is the whole writable disk, the read-only trees moved onto it, /proc.
//!
//! Superblocks of a sandbox: this tmpfs, proc, and the mqueue of its IPC namespace.
//! Paths here are those of the zygote's stage: the new root grows at `/new`.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, chown, symlink};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind, mount_change,
    move_mount, open_tree, unmount,
};

use super::{Plan, Trees};
use crate::sys::mount::make_read_only;

const NEW: &str = "/new";

pub fn make_private() -> io::Result<()> {
    Ok(mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?)
}

pub fn mount_root(plan: &Plan) -> io::Result<()> {
    let options = CString::new(format!("size={},nr_inodes={},mode=755", plan.disk_bytes, plan.inodes))?;
    Ok(mount("sandbox", NEW, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())?)
}

/// Path, mode, and whether it belongs to the user of commands.
const FOLDERS: &[(&str, u32, bool)] = &[
    ("proc", 0o755, false),
    ("tmp", 0o1777, false),
    ("run", 0o755, false),
    ("run/shm", 0o1777, false),
    ("run/lock", 0o1777, false),
    ("var", 0o755, false),
    ("var/tmp", 0o1777, false),
    ("var/cache", 0o755, false),
    ("var/lib", 0o755, false),
    ("var/log", 0o755, false),
    ("home", 0o755, false),
    ("home/sandboxuser", 0o755, true),
    ("workspace", 0o755, true),
    ("root", 0o700, false),
    ("mnt", 0o755, false),
    ("opt", 0o755, false),
    ("srv", 0o755, false),
];

pub fn make_folders(plan: &Plan, trees: &Trees) -> io::Result<()> {
    rustix::process::umask(rustix::fs::Mode::empty());
    for (path, mode, users) in FOLDERS {
        let path = format!("{NEW}/{path}");
        std::fs::DirBuilder::new().mode(*mode).create(&path)?;
        if *users {
            chown(&path, Some(plan.uid), Some(plan.uid))?;
        }
    }
    for (target, _) in &trees.mounts {
        std::fs::DirBuilder::new().mode(0o755).create(format!("{NEW}/{target}"))?;
    }
    for (name, target) in &trees.links {
        symlink(target, format!("{NEW}/{name}"))?;
    }
    symlink("../run", format!("{NEW}/var/run"))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    Ok(())
}

pub fn mount_trees(trees: &Trees) -> io::Result<()> {
    for (target, tree) in &trees.mounts {
        move_mount(tree.as_fd(), "", CWD, format!("{NEW}/{target}"), MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    }
    Ok(())
}

/// The kernel allows it because the stage still shows a whole /proc of its own.
pub fn mount_proc() -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", "/new/proc", "proc", flags, None)?)
}

/// What a user without rights could read of the host. What only the host's root may open (kcore, kmsg,
/// timer_list, sysrq-trigger) refuses everybody inside by its owner already.
const MASKED_FILES: &[&str] = &["cmdline", "config.gz", "kallsyms", "key-users", "keys"];
const MASKED_FOLDERS: &[&str] = &["acpi", "pressure", "scsi"];

pub fn mask_proc() -> io::Result<()> {
    for name in MASKED_FILES {
        cover("/new/dev/null", name)?;
    }
    for name in MASKED_FOLDERS {
        cover("/new/dev/pts", name)?;
    }
    let sys = open_tree(CWD, "/new/proc/sys", OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    move_mount(sys.as_fd(), "", CWD, "/new/proc/sys", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    make_read_only(c"/new/proc/sys")
}

/// A kernel built without one of the entries has nothing to cover.
fn cover(source: &str, name: &str) -> io::Result<()> {
    match mount_bind(source, format!("/new/proc/{name}")) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The old root goes on top of the new one and is taken off: nothing names the stage afterwards.
pub fn pivot_root() -> io::Result<()> {
    rustix::process::chdir(NEW)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}
