//! `clone3`, in its fork-like form: the child goes on with a copy of the memory.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// As the kernel's `struct clone_args`, version 2.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

pub const CLONE_NEWTIME: u64 = 0x80;
pub const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// The namespaces that every sandbox has of its own, but the cgroup namespace: that one is entered by
/// `unshare` once the process stands in its cgroup, which then is what it sees as the root.
pub const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS) as u64
    | CLONE_NEWTIME;

pub enum Cloned {
    Child,
    Parent { pid: i32 },
}

/// Clones the calling process, which must be single-threaded. The child starts in `cgroup` (a folder of the
/// v2 tree). With `CLONE_PARENT` in `flags` it becomes a sibling, and `exit_signal` must be 0.
pub fn clone3(flags: u64, exit_signal: i32, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let mut args = CloneArgs { flags, exit_signal: exit_signal as u64, ..CloneArgs::default() };
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: `args` is a complete clone_args that lives through the call; neither CLONE_VM nor a stack is asked
    // for, so the child runs on a copy of this memory, as after fork().
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Cloned::Child),
        pid => Ok(Cloned::Parent { pid: pid as i32 }),
    }
}
