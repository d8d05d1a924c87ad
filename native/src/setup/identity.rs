//! Who init is: ids, name, network, limits, capabilities.

use std::io;
use std::os::fd::AsRawFd;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::sys::caps::{CAP_KILL, CAP_SETGID, CAP_SETUID, become_user, keep_only};

pub fn enter_cgroup_namespace() -> io::Result<()> {
    // SAFETY: integer argument only; this process is single-threaded.
    let result = unsafe { libc::unshare(libc::CLONE_NEWCGROUP) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub fn become_root_inside() -> io::Result<()> {
    become_user(0, 0)
}

pub fn lock_user_namespaces() -> io::Result<()> {
    std::fs::write("/new/proc/sys/user/max_user_namespaces", "0")
}

pub fn set_hostname(name: &str) -> io::Result<()> {
    Ok(rustix::system::sethostname(name.as_bytes())?)
}

/// `lo` up; there is no other link.
pub fn raise_loopback() -> io::Result<()> {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)?;
    // SAFETY: ifreq is plain data, all zero is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Hard limits that every process inside inherits; that of descriptors each command gets at its start, since init
/// needs more of them than one command. Cgroups bound memory, pids and CPU.
pub fn set_limits() -> io::Result<()> {
    let fixed = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Core, fixed(0))?;
    setrlimit(Resource::Memlock, fixed(8 * 1024 * 1024))?;
    setrlimit(Resource::Msgqueue, fixed(819_200))?;
    setrlimit(Resource::Rtprio, fixed(0))?;
    setrlimit(Resource::Nice, fixed(0))?;
    Ok(())
}

pub fn drop_capabilities() -> io::Result<()> {
    keep_only(1 << CAP_SETUID | 1 << CAP_SETGID | 1 << CAP_KILL)
}
