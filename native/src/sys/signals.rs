//! Signals as descriptors, and their state before an exec.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigset_t is plain data; sigemptyset makes it valid before it is read.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is ours; the signals are constants of libc.
    unsafe {
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
    }
    set
}

/// Blocks `signals` and gives the descriptor that tells of them.
pub fn descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: `set` is valid and lives through both calls; the old mask is not asked for.
    let fd = unsafe {
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just made and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes one waiting signal from the descriptor.
pub fn take(descriptor: BorrowedFd<'_>) -> Option<i32> {
    // SAFETY: signalfd_siginfo is plain data.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    // SAFETY: the buffer is as long as the count says.
    let read =
        unsafe { libc::read(descriptor.as_raw_fd(), (&raw mut info).cast(), size_of::<libc::signalfd_siginfo>()) };
    (read == size_of::<libc::signalfd_siginfo>() as isize).then_some(info.ssi_signo as i32)
}

/// Nothing blocked, every handler the default: what a command expects to start with.
pub fn reset() {
    let empty = set_of(&[]);
    // SAFETY: SIG_DFL is a valid disposition for every signal that has one (the kernel refuses the two that have
    // none), and `empty` is a valid set.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
    }
}
