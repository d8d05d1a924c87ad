//! Handing the filter to the kernel.

use std::io;

use super::SockFilter;

/// Puts the calling process, with all its threads, under `program`; there is no way back, and children inherit it.
/// Safe in a forked child before `execve`: neither allocates nor locks. The caller has set `no_new_privs`.
///
/// # Errors
/// EINVAL for a program that the kernel refuses, EACCES without `no_new_privs`, EBUSY where a thread could not follow.
pub fn install(program: &[SockFilter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let list = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: `list` names `len` readable instructions for the length of the call, and the kernel only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const list,
        )
    };
    match done {
        0 => Ok(()),
        -1 => Err(io::Error::last_os_error()),
        _thread_that_stayed_behind => Err(io::Error::from_raw_os_error(libc::EBUSY)),
    }
}
