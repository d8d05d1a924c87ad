//! Capabilities: init keeps three, a command none.

use std::io;

pub const CAP_KILL: u32 = 5;
pub const CAP_SETGID: u32 = 6;
pub const CAP_SETUID: u32 = 7;

/// `_LINUX_CAPABILITY_VERSION_3`
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Keeps just `mask` as permitted and effective; inheritable becomes empty, and with it ambient.
pub fn keep_only(mask: u64) -> io::Result<()> {
    let header = Header { version: VERSION, pid: 0 };
    let half = |bits: u64| Sets { effective: bits as u32, permitted: bits as u32, inheritable: 0 };
    let sets = [half(mask), half(mask >> 32)];
    // SAFETY: version 3 reads one header and two sets; both live through the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Empties the bounding set: no exec gains a capability from then on.
pub fn drop_bounding_set() -> io::Result<()> {
    for capability in 0..64 {
        match prctl(libc::PR_CAPBSET_DROP, capability) {
            Ok(()) => {}
            // EINVAL: the kernel knows no capability of this number, nor any above it.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

const SECBIT_NOROOT: u64 = 1 << 0;
const SECBIT_NO_SETUID_FIXUP: u64 = 1 << 2;
const SECBIT_NO_CAP_AMBIENT_RAISE: u64 = 1 << 6;

/// User id 0 means nothing to exec, a change of user ids leaves the capabilities as they are (we set them
/// ourselves), and none can be made ambient. Each is locked: the bit beside it.
pub fn lock_securebits() -> io::Result<()> {
    let bits = SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE;
    prctl(libc::PR_SET_SECUREBITS, bits | bits << 1)
}

pub fn no_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Nobody but the kernel may look into this process: neither /proc nor ptrace.
pub fn undumpable() -> io::Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// Dies with its parent.
pub fn die_with_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)
}

fn prctl(option: i32, argument: u64) -> io::Result<()> {
    // SAFETY: each option used here reads integer arguments and no memory of ours.
    let result = unsafe { libc::prctl(option, argument, 0u64, 0u64, 0u64) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Becomes `uid` and `gid` in all of real, effective, saved and file-system ids.
/// Raw calls: this process is single-threaded, and libc's wrappers would signal threads.
pub fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: integer arguments only.
    let gid_set = unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) };
    if gid_set != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: integer arguments only.
    let uid_set = unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) };
    if uid_set != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Leaves every supplementary group.
pub fn leave_groups() -> io::Result<()> {
    // SAFETY: a count of 0 makes the kernel read no list.
    let result = unsafe { libc::syscall(libc::SYS_setgroups, 0usize, std::ptr::null::<u32>()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
