use super::*;
use crate::seccomp::SockFilter;
use crate::seccomp::compile::compile;

fn expected(verdict: Verdict) -> Option<u32> {
    match verdict {
        Verdict::Allow => Some(ALLOW),
        Verdict::Refuse(number) => Some(errno(number)),
        Verdict::Kill => Some(KILL),
        Verdict::Check(_) => None,
    }
}

fn decisions(program: &[SockFilter], number: u32) -> u32 {
    interpreter::run(program, &data(ARCHITECTURE, number, [0; 6])).decision
}

#[test]
fn no_call_is_named_twice_and_the_table_is_sorted() {
    let table = table();
    assert!(table.windows(2).all(|pair| pair[0].number < pair[1].number));
    let mut names: Vec<&str> = table.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), table.len());
}

#[test]
fn the_program_gives_every_number_the_verdict_of_the_table() {
    let (program, table) = (program(), table());
    for number in 0..1100 {
        let verdict = table.iter().find(|entry| entry.number == number).map_or(Verdict::UNKNOWN, |entry| entry.verdict);
        if let Some(expected) = expected(verdict) {
            assert_eq!(decisions(&program, number), expected, "{number}");
        }
    }
}

#[test]
fn a_number_that_no_kernel_had_yet_does_not_exist() {
    let program = program();
    let last = table().iter().map(|entry| entry.number).max().unwrap();
    for number in (last + 1..1100).chain([4096, 0x3fff_ffff]) {
        assert_eq!(decisions(&program, number), errno(libc::ENOSYS), "{number}");
    }
}

#[test]
fn another_architecture_is_killed_whatever_it_calls() {
    for arch in [0x4000_0003, 0x4000_0028, 0xc000_00f3, 0, ARCHITECTURE ^ 0x4000_0000] {
        for number in [0, 20, 39, u32::MAX] {
            assert_eq!(interpreter::run(&program(), &data(arch, number, [0; 6])).decision, KILL, "{arch:#x} {number}");
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_x32_door_is_shut() {
    for number in [0x4000_0000, 0x4000_0027, 0x4000_0200, 0x8000_0000, u32::MAX - 1] {
        assert_eq!(decisions(&program(), number), KILL, "{number:#x}");
    }
}

#[test]
fn a_call_that_a_tracer_skips_is_not_taken_for_an_attack() {
    assert_eq!(decisions(&program(), u32::MAX), errno(libc::ENOSYS));
}

#[test]
fn calls_that_change_the_machine_or_its_namespaces_are_refused() {
    let dangerous = "bpf perf_event_open kexec_load kexec_file_load init_module finit_module delete_module reboot \
        swapon swapoff acct quotactl quotactl_fd syslog settimeofday clock_settime adjtimex clock_adjtime sethostname \
        setdomainname mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree open_tree_attr \
        move_mount mount_setattr setns unshare name_to_handle_at open_by_handle_at fanotify_init kcmp pidfd_getfd \
        process_madvise move_pages mbind";
    for name in dangerous.split_whitespace() {
        assert_eq!(verdict(name), Verdict::Refuse(libc::EPERM), "{name}");
    }
}

#[test]
fn calls_that_libraries_can_do_without_do_not_exist() {
    let absent = "clone3 io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl userfaultfd \
        memfd_secret statmount listmount";
    for name in absent.split_whitespace() {
        assert_eq!(verdict(name), Verdict::Refuse(libc::ENOSYS), "{name}");
    }
}

#[test]
fn what_languages_and_tools_need_is_allowed() {
    let needed = "rseq membarrier memfd_create pidfd_open pidfd_send_signal close_range openat2 statx faccessat2 \
        fchmodat2 futex futex_waitv sched_setaffinity sched_setattr seccomp prctl landlock_create_ruleset \
        landlock_add_rule landlock_restrict_self ptrace process_vm_readv process_vm_writev epoll_pwait2 \
        copy_file_range getrandom io_setup io_submit mq_open shmget semget signalfd4 timerfd_create inotify_init1 \
        mknodat setuid setgroups capget pkey_mprotect mseal execveat sendmmsg renameat2 splice";
    for name in needed.split_whitespace() {
        assert_eq!(verdict(name), Verdict::Allow, "{name}");
    }
}

#[test]
fn six_calls_depend_on_their_arguments() {
    let checked: Vec<_> = table()
        .iter()
        .filter_map(|&Entry { name, verdict, .. }| match verdict {
            Verdict::Check(check) => Some((name, check)),
            Verdict::Allow | Verdict::Refuse(_) | Verdict::Kill => None,
        })
        .collect();
    assert_eq!(checked.len(), 6);
    for pair in [
        ("clone", Check::NoNewNamespace),
        ("socket", Check::ConfinedSocket),
        ("socketpair", Check::LocalPair),
        ("ioctl", Check::NoTerminalInjection),
        ("fcntl", Check::NoLease),
        ("personality", Check::PlainPersonality),
    ] {
        assert!(checked.contains(&pair), "{pair:?}");
    }
}

#[test]
fn every_verdict_reads_as_a_cell_of_a_table() {
    assert_eq!(verdict("read").to_string(), "allowed");
    assert_eq!(verdict("bpf").to_string(), "EPERM");
    assert_eq!(verdict("keyctl").to_string(), "ENOSYS");
    assert_eq!(verdict("socketpair").to_string(), "allowed: AF_UNIX, else EAFNOSUPPORT");
}

#[test]
fn the_filter_is_short_and_no_call_takes_more_than_twenty_five_steps_of_it() {
    let program = program();
    let steps = |number| interpreter::run(&program, &data(ARCHITECTURE, number, [0; 6])).steps;
    assert!((0..1100).map(steps).max().unwrap() <= 25);
    assert!(program.len() <= 160, "{}", program.len());
}

#[test]
fn a_program_longer_than_a_branch_can_skip_still_finds_every_number() {
    let entry = |number| Entry { name: "long", number, verdict: Verdict::Refuse(1 + number as i32) };
    let program = compile(&(0..700).map(entry).collect::<Vec<_>>());
    assert!(program.len() > 1400);
    for number in 0..700 {
        assert_eq!(decisions(&program, number), errno(1 + number as i32), "{number}");
    }
    assert_eq!(decisions(&program, 700), errno(libc::ENOSYS));
}
