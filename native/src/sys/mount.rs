//! The mount calls of kernel 5.12 and later that rustix lacks.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

const MOUNT_ATTR_RDONLY: u64 = 0x1;
const MOUNT_ATTR_NOSUID: u64 = 0x2;
const MOUNT_ATTR_NODEV: u64 = 0x4;
const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;

/// As the kernel's `struct mount_attr`.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Whether device files of the tree may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    Allowed,
    Refused,
}

/// Makes a detached tree read-only and without set-uid, its owners translated by the map of `user_namespace`.
pub fn seal_tree(tree: BorrowedFd<'_>, user_namespace: BorrowedFd<'_>, devices: Devices) -> io::Result<()> {
    let nodev = if devices == Devices::Refused { MOUNT_ATTR_NODEV } else { 0 };
    let attr = MountAttr {
        attr_set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | nodev | MOUNT_ATTR_IDMAP,
        userns_fd: user_namespace.as_raw_fd() as u64,
        ..MountAttr::default()
    };
    set_attributes(tree.as_raw_fd(), c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, &attr)
}

/// Makes the mount at `path` read-only, and those below it.
pub fn make_read_only(path: &CStr) -> io::Result<()> {
    let attr = MountAttr { attr_set: MOUNT_ATTR_RDONLY, ..MountAttr::default() };
    set_attributes(libc::AT_FDCWD, path, libc::AT_RECURSIVE, &attr)
}

fn set_attributes(dir: i32, path: &CStr, flags: i32, attr: &MountAttr) -> io::Result<()> {
    // SAFETY: `path` is a C string and `attr` a complete mount_attr; both live through the call.
    let result =
        unsafe { libc::syscall(libc::SYS_mount_setattr, dir, path.as_ptr(), flags, attr, size_of::<MountAttr>()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
