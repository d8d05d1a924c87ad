//! Which system calls have which verdict, and why. What no list names does not exist inside (ENOSYS).

use super::check::Check;
use super::numbers::*;

/// Name (as `libc` spells it) and number.
pub(super) type Call = (&'static str, c_long);

macro_rules! calls {
    ($($name:ident)*) => { &[$((stringify!($name), $name)),*] };
}

/// Everything that the kernel itself confines to the caller's own processes, files, memory and namespaces.
pub(super) const ALLOWED: &[&[Call]] = &[
    FILES, FOLDERS, ATTRIBUTES, WAITING, MEMORY, PROCESSES, IDENTITY, SCHEDULING, SIGNALS, TIME, SOCKETS, SHARING, HERE,
];

const FILES: &[Call] = calls![
    SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2 SYS_pwritev2
    SYS_openat SYS_openat2 SYS_close SYS_close_range SYS_lseek SYS_dup SYS_dup3 SYS_flock SYS_pipe2
    SYS_ftruncate SYS_truncate SYS_fallocate SYS_fadvise64 SYS_readahead SYS_cachestat
    SYS_fsync SYS_fdatasync SYS_sync SYS_syncfs SYS_sync_file_range
    SYS_sendfile SYS_splice SYS_tee SYS_vmsplice SYS_copy_file_range
    SYS_io_setup SYS_io_destroy SYS_io_submit SYS_io_cancel SYS_io_getevents SYS_io_pgetevents
];

const FOLDERS: &[Call] = calls![
    SYS_chdir SYS_fchdir SYS_getcwd SYS_getdents64 SYS_mkdirat SYS_mknodat SYS_unlinkat SYS_symlinkat SYS_linkat
    SYS_renameat2 SYS_readlinkat SYS_faccessat SYS_faccessat2 SYS_statx SYS_fstat SYS_newfstatat SYS_statfs SYS_fstatfs
    SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat SYS_umask SYS_utimensat
    SYS_inotify_init1 SYS_inotify_add_watch SYS_inotify_rm_watch SYS_fanotify_mark
];

const ATTRIBUTES: &[Call] = calls![
    SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_getxattr SYS_lgetxattr SYS_fgetxattr SYS_listxattr SYS_llistxattr
    SYS_flistxattr SYS_removexattr SYS_lremovexattr SYS_fremovexattr
    SYS_setxattrat SYS_getxattrat SYS_listxattrat SYS_removexattrat
];

const WAITING: &[Call] = calls![
    SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_pselect6 SYS_ppoll SYS_eventfd2
    SYS_futex SYS_futex_waitv SYS_futex_wake SYS_futex_wait SYS_futex_requeue
    SYS_set_robust_list SYS_get_robust_list SYS_rseq SYS_membarrier
];

const MEMORY: &[Call] = calls![
    SYS_brk SYS_mmap SYS_munmap SYS_mremap SYS_mprotect SYS_madvise SYS_mincore SYS_msync SYS_mseal
    SYS_mlock SYS_mlock2 SYS_mlockall SYS_munlock SYS_munlockall SYS_remap_file_pages SYS_memfd_create
    SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_map_shadow_stack
];

/// Tracing and reading of other processes' memory too: PID 1 runs under another uid and is not dumpable,
/// so it reaches the caller's own processes only, and debuggers work.
const PROCESSES: &[Call] = calls![
    SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_set_tid_address SYS_restart_syscall
    SYS_getpid SYS_getppid SYS_gettid SYS_getpgid SYS_setpgid SYS_getsid SYS_setsid
    SYS_pidfd_open SYS_pidfd_send_signal SYS_process_mrelease
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev
    SYS_prctl SYS_seccomp SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    SYS_getrlimit SYS_setrlimit SYS_prlimit64 SYS_getrusage SYS_uname SYS_sysinfo SYS_getrandom
];

const IDENTITY: &[Call] = calls![
    SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid SYS_getgroups
    SYS_setuid SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid
    SYS_capget SYS_capset
];

const SCHEDULING: &[Call] = calls![
    SYS_sched_yield SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_getattr SYS_sched_setattr
    SYS_sched_getparam SYS_sched_setparam SYS_sched_getscheduler SYS_sched_setscheduler
    SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_rr_get_interval
    SYS_getpriority SYS_setpriority SYS_ioprio_get SYS_ioprio_set SYS_getcpu
];

const SIGNALS: &[Call] = calls![
    SYS_kill SYS_tkill SYS_tgkill SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigpending SYS_rt_sigqueueinfo
    SYS_rt_tgsigqueueinfo SYS_rt_sigreturn SYS_rt_sigsuspend SYS_rt_sigtimedwait SYS_sigaltstack SYS_signalfd4
];

const TIME: &[Call] = calls![
    SYS_clock_gettime SYS_clock_getres SYS_clock_nanosleep SYS_nanosleep SYS_gettimeofday SYS_times
    SYS_getitimer SYS_setitimer SYS_timer_create SYS_timer_delete SYS_timer_getoverrun SYS_timer_gettime
    SYS_timer_settime SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime
];

const SOCKETS: &[Call] = calls![
    SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_shutdown SYS_getsockname SYS_getpeername
    SYS_getsockopt SYS_setsockopt SYS_sendto SYS_sendmsg SYS_sendmmsg SYS_recvfrom SYS_recvmsg SYS_recvmmsg
];

/// System V and POSIX; the IPC namespace is the sandbox's own.
const SHARING: &[Call] = calls![
    SYS_shmget SYS_shmat SYS_shmdt SYS_shmctl SYS_semget SYS_semop SYS_semtimedop SYS_semctl
    SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl
    SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive SYS_mq_notify SYS_mq_getsetattr
];

/// Older spellings of the above, and what only this architecture has.
#[cfg(target_arch = "x86_64")]
const HERE: &[Call] = calls![
    SYS_open SYS_creat SYS_stat SYS_lstat SYS_access SYS_getdents SYS_mkdir SYS_rmdir SYS_mknod SYS_unlink SYS_symlink
    SYS_link SYS_rename SYS_renameat SYS_readlink SYS_chmod SYS_chown SYS_lchown SYS_utime SYS_utimes SYS_futimesat
    SYS_dup2 SYS_pipe SYS_poll SYS_select SYS_epoll_create SYS_epoll_wait SYS_eventfd SYS_signalfd SYS_inotify_init
    SYS_fork SYS_vfork SYS_getpgrp SYS_pause SYS_alarm SYS_time SYS_arch_prctl SYS_set_thread_area SYS_get_thread_area
    SYS_uretprobe SYS_uprobe
];
#[cfg(target_arch = "aarch64")]
const HERE: &[Call] = calls![SYS_renameat];

/// Known, and not for sandboxed code: EPERM, as without the capability.
pub(super) const REFUSED: &[&[Call]] = &[NAMESPACES_AND_MOUNTS, MACHINE, OTHERS, REFUSED_HERE];

const NAMESPACES_AND_MOUNTS: &[Call] = calls![
    SYS_unshare SYS_setns SYS_chroot SYS_pivot_root SYS_mount SYS_umount2 SYS_fsopen SYS_fsconfig SYS_fsmount SYS_fspick
    SYS_open_tree SYS_open_tree_attr SYS_move_mount SYS_mount_setattr SYS_quotactl SYS_quotactl_fd
    SYS_name_to_handle_at SYS_open_by_handle_at SYS_fanotify_init
];

const MACHINE: &[Call] = calls![
    SYS_bpf SYS_perf_event_open SYS_syslog SYS_acct SYS_reboot SYS_swapon SYS_swapoff SYS_kexec_load
    SYS_init_module SYS_finit_module SYS_delete_module SYS_sethostname SYS_setdomainname SYS_vhangup
    SYS_settimeofday SYS_clock_settime SYS_adjtimex SYS_clock_adjtime
];

/// Into other processes, beyond what debuggers need, and memory policy, as the engines have it.
const OTHERS: &[Call] = calls![
    SYS_kcmp SYS_pidfd_getfd SYS_process_madvise
    SYS_move_pages SYS_migrate_pages SYS_mbind SYS_get_mempolicy SYS_set_mempolicy SYS_set_mempolicy_home_node
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[Call] = calls![SYS_iopl SYS_ioperm SYS_modify_ldt SYS_kexec_file_load];
#[cfg(target_arch = "aarch64")]
const REFUSED_HERE: &[Call] = calls![SYS_kexec_file_load];

/// Refused as if the kernel had none of it, because libraries then take another way. `clone3` hides its flags
/// behind a pointer that a filter cannot follow; `io_uring` does work that no filter sees; keys have no namespace.
pub(super) const ABSENT: &[Call] = calls![
    SYS_clone3 SYS_io_uring_setup SYS_io_uring_enter SYS_io_uring_register SYS_add_key SYS_request_key SYS_keyctl
    SYS_userfaultfd SYS_memfd_secret SYS_statmount SYS_listmount
];

pub(super) const CHECKED: &[(Call, Check)] = &[
    (("SYS_clone", SYS_clone), Check::NoNewNamespace),
    (("SYS_socket", SYS_socket), Check::ConfinedSocket),
    (("SYS_socketpair", SYS_socketpair), Check::LocalPair),
    (("SYS_ioctl", SYS_ioctl), Check::NoTerminalInjection),
    (("SYS_fcntl", SYS_fcntl), Check::NoLease),
    (("SYS_personality", SYS_personality), Check::PlainPersonality),
];
