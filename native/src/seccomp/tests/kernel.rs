//! The same questions to the real kernel: a forked child takes the filter and makes one call.

use std::ffi::{CString, c_long};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use super::*;
use crate::seccomp::{SockFilter, install};

/// How the child's call ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Done,
    Errno(i32),
    Killed(i32),
    Invalid,
    NotInstalled,
}

const NOT_INSTALLED: i32 = 255;
const INVALID: i32 = 254;

fn take_filter(program: &[SockFilter]) -> std::io::Result<()> {
    // SAFETY: PR_SET_NO_NEW_PRIVS reads its integer arguments and no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    install(program)
}

/// `call` answers as a system call does; it runs in a forked child, so it must not allocate or lock.
fn under_filter(call: impl Fn() -> c_long) -> Ended {
    under(&program(), call)
}

fn under(program: &[SockFilter], call: impl Fn() -> c_long) -> Ended {
    // SAFETY: the child makes system calls only, and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let status = match take_filter(program) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => INVALID,
            Err(_) => NOT_INSTALLED,
            Ok(()) if call() == -1 => std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
            Ok(()) => 0,
        };
        // SAFETY: ends the child without the parent's exit handlers.
        unsafe { libc::_exit(status) }
    }
    let mut status = 0;
    // SAFETY: waits for our own child and writes into `status`.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        return Ended::Killed(libc::WTERMSIG(status));
    }
    match libc::WEXITSTATUS(status) {
        0 => Ended::Done,
        INVALID => Ended::Invalid,
        NOT_INSTALLED => Ended::NotInstalled,
        errno => Ended::Errno(errno),
    }
}

fn call(number: c_long, args: [c_long; 4]) -> Ended {
    // SAFETY: every call made here takes integers, or pointers that are null.
    under_filter(|| unsafe { libc::syscall(number, args[0], args[1], args[2], args[3]) })
}

#[test]
fn the_kernel_takes_the_program_and_common_calls_work_under_it() {
    assert_eq!(call(libc::SYS_getpid, [0; 4]), Ended::Done);
    assert_eq!(call(libc::SYS_memfd_create, [c"x".as_ptr() as c_long, 0, 0, 0]), Ended::Done);
    assert_eq!(call(libc::SYS_personality, [0xffff_ffff, 0, 0, 0]), Ended::Done);
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK] {
        assert_eq!(call(libc::SYS_socket, [family.into(), libc::SOCK_DGRAM.into(), 0, 0]), Ended::Done, "{family}");
    }
}

#[test]
fn a_user_namespace_cannot_be_made() {
    assert_eq!(call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0]), Ended::Errno(libc::EPERM));
    let flags = c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    assert_eq!(call(libc::SYS_clone, [flags, 0, 0, 0]), Ended::Errno(libc::EPERM));
}

#[test]
fn clone3_keys_and_io_uring_do_not_exist() {
    for number in [libc::SYS_clone3, libc::SYS_keyctl, libc::SYS_io_uring_setup, libc::SYS_userfaultfd, 1023] {
        assert_eq!(call(number, [0; 4]), Ended::Errno(libc::ENOSYS), "{number}");
    }
}

#[test]
fn a_vsock_cannot_reach_the_hypervisor() {
    let args = [libc::AF_VSOCK.into(), libc::SOCK_STREAM.into(), 0, 0];
    assert_eq!(call(libc::SYS_socket, args), Ended::Errno(libc::EAFNOSUPPORT));
}

#[test]
fn a_terminal_of_ones_own_takes_no_typed_input_from_its_processes() {
    let args = [0, c_long::try_from(libc::TIOCSTI).unwrap(), 0, 0];
    assert_eq!(call(libc::SYS_ioctl, args), Ended::Errno(libc::EPERM));
}

/// `fcntl` on a file of the child's own that nobody else has open.
fn fcntl(program: &[SockFilter], command: c_long, argument: c_long) -> Ended {
    let folder = CString::new(std::env::temp_dir().into_os_string().into_vec()).unwrap();
    // SAFETY: the path is a string with its end, and no command asked here takes a pointer.
    under(program, || unsafe {
        let file = libc::open(folder.as_ptr(), libc::O_TMPFILE | libc::O_RDWR, 0o600);
        libc::syscall(libc::SYS_fcntl, file, command, argument)
    })
}

#[test]
fn a_lease_that_the_kernel_would_give_is_refused() {
    let everything = [SockFilter { code: 0x06, jt: 0, jf: 0, k: ALLOW }];
    for command in [libc::F_SETLEASE.into(), c_long::from(libc::F_SETLEASE) | 1 << 32] {
        assert_eq!(fcntl(&everything, command, libc::F_WRLCK.into()), Ended::Done, "{command:#x}");
        assert_eq!(fcntl(&program(), command, libc::F_WRLCK.into()), Ended::Errno(libc::EPERM), "{command:#x}");
    }
    for command in [libc::F_NOTIFY, SET_DELEGATION] {
        assert_eq!(fcntl(&program(), command.into(), 0), Ended::Errno(libc::EPERM), "{command}");
    }
}

#[test]
fn descriptors_are_still_asked_about_changed_and_doubled() {
    for command in [libc::F_GETFD, libc::F_GETFL, libc::F_GETLEASE, libc::F_DUPFD_CLOEXEC] {
        assert_eq!(fcntl(&program(), command.into(), 0), Ended::Done, "{command}");
    }
    assert_eq!(fcntl(&program(), libc::F_SETFL.into(), libc::O_NONBLOCK.into()), Ended::Done);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn int_0x80_kills_the_process() {
    let getpid = || {
        let mut answer: c_long = 20;
        // SAFETY: getpid by the 32-bit door touches no memory; the kernel may clear r8 to r11.
        unsafe {
            std::arch::asm!("int 0x80", inlateout("rax") answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        answer
    };
    assert_eq!(under_filter(getpid), Ended::Killed(libc::SIGSYS));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn an_x32_number_kills_the_process() {
    assert_eq!(call(0x4000_0000 + libc::SYS_getpid, [0; 4]), Ended::Killed(libc::SIGSYS));
}

#[test]
fn a_program_that_the_kernel_refuses_is_an_error() {
    for broken in [vec![], program()[..3].to_vec(), program().repeat(400)] {
        assert_eq!(under(&broken, || 0), Ended::Invalid);
    }
}

#[test]
fn a_shell_with_pipes_jobs_and_threads_works_under_the_filter() {
    let program = program();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "sleep 0 & wait; printf 'b\\na\\n' | sort | (read -r line; echo \"$line\"); kill -TERM $$"]);
    // SAFETY: taking the filter neither allocates nor locks.
    unsafe { shell.pre_exec(move || take_filter(&program)) };
    let output = shell.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a\n");
    assert_eq!(output.status.signal(), Some(libc::SIGTERM));
}
