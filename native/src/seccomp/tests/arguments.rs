use super::*;

/// In the upper half of an argument that the kernel takes as an `int`: it must change nothing.
const NOISE: u64 = 0xdead_beef_0000_0000;
const SOCK_PACKET: i32 = 10;

fn socket(family: i32, kind: i32, protocol: i32) -> u32 {
    let args = |noise: u64| [noise | family as u64, noise | kind as u64, noise | protocol as u64, 0, 0, 0];
    let plain = decision(number("socket"), args(0));
    assert_eq!(plain, decision(number("socket"), args(NOISE)));
    plain
}

#[test]
fn local_and_internet_sockets_are_allowed_with_any_flags() {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    for family in [libc::AF_INET, libc::AF_INET6] {
        for (kind, protocol) in [
            (libc::SOCK_STREAM, 0),
            (libc::SOCK_STREAM | flags, libc::IPPROTO_TCP),
            (libc::SOCK_DGRAM | flags, libc::IPPROTO_UDP),
            (libc::SOCK_DGRAM, libc::IPPROTO_ICMP),
            (libc::SOCK_DGRAM, libc::IPPROTO_ICMPV6),
        ] {
            assert_eq!(socket(family, kind, protocol), ALLOW, "{family} {kind} {protocol}");
        }
    }
    for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
        assert_eq!(socket(libc::AF_UNIX, kind | flags, 0), ALLOW, "{kind}");
    }
}

#[test]
fn every_other_family_is_unknown() {
    let known = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    for family in (-1..70).filter(|family| !known.contains(family)) {
        assert_eq!(socket(family, libc::SOCK_STREAM, 0), errno(libc::EAFNOSUPPORT), "{family}");
    }
}

#[test]
fn raw_and_packet_sockets_are_refused() {
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6] {
        for kind in [0, libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_DCCP, 7, SOCK_PACKET, 15] {
            assert_eq!(socket(family, kind, 0), errno(libc::EPERM), "{family} {kind}");
            assert_eq!(socket(family, kind | libc::SOCK_CLOEXEC, 0), errno(libc::EPERM), "{family} {kind}");
        }
    }
    assert_eq!(socket(libc::AF_INET, libc::SOCK_SEQPACKET, 0), errno(libc::EPERM));
}

#[test]
fn internet_protocols_that_would_load_a_module_are_unknown() {
    for protocol in [libc::IPPROTO_SCTP, libc::IPPROTO_UDPLITE, libc::IPPROTO_DCCP, libc::IPPROTO_MPTCP, 256, 255, -1] {
        assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM, protocol), errno(libc::EPROTONOSUPPORT), "{protocol}");
    }
}

#[test]
fn netlink_is_for_routes_only() {
    assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE), ALLOW);
    for protocol in 1..40 {
        assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol), errno(libc::EPROTONOSUPPORT), "{protocol}");
    }
}

#[test]
fn socket_pairs_are_local() {
    let pair = |family: i32| decision(number("socketpair"), [NOISE | family as u64, 1, 0, 0, 0, 0]);
    assert_eq!(pair(libc::AF_UNIX), ALLOW);
    for family in [libc::AF_INET, libc::AF_TIPC, libc::AF_VSOCK, 0] {
        assert_eq!(pair(family), errno(libc::EAFNOSUPPORT), "{family}");
    }
}

#[test]
fn clone_makes_processes_and_threads_and_no_namespace() {
    let clone = |flags: u64| decision(number("clone"), [flags, 0, 0, 0, 0, 0]);
    let fork = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    let vfork = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    for flags in [fork, thread, vfork, libc::CLONE_IO | libc::SIGCHLD] {
        assert_eq!(clone(flags as u32 as u64), ALLOW, "{flags:#x}");
    }
    for flag in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ] {
        for with in [0, fork, thread] {
            assert_eq!(clone((flag | with) as u32 as u64), errno(libc::EPERM), "{flag:#x}");
            assert_eq!(clone(NOISE | (flag | with) as u32 as u64), errno(libc::EPERM), "{flag:#x}");
        }
    }
}

#[test]
fn nothing_types_into_a_terminal_or_changes_its_discipline() {
    let ioctl = |noise: u64, request: u32| decision(number("ioctl"), [0, noise | u64::from(request), 0, 0, 0, 0]);
    for request in [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD].map(|request| request as u32) {
        assert_eq!(ioctl(0, request), errno(libc::EPERM), "{request:#x}");
        assert_eq!(ioctl(NOISE, request), errno(libc::EPERM), "{request:#x}");
    }
    let usual = [libc::TCGETS, libc::TCSETS, libc::TIOCGWINSZ, libc::TIOCSWINSZ, libc::TIOCSCTTY, libc::FIONREAD];
    for request in usual.map(|request| request as u32) {
        assert_eq!(ioctl(0, request), ALLOW, "{request:#x}");
    }
}

#[test]
fn nothing_leases_or_delegates_a_file_or_watches_a_folder_by_signal() {
    let fcntl = |noise: u64, command: u64| decision(number("fcntl"), [NOISE, noise | command, NOISE, 0, 0, 0]);
    let refused = [libc::F_SETLEASE, libc::F_NOTIFY, SET_DELEGATION].map(|command| command as u64);
    for command in refused {
        assert_eq!(fcntl(0, command), errno(libc::EPERM), "{command}");
        assert_eq!(fcntl(NOISE, command), errno(libc::EPERM), "{command}");
    }
    for command in (0..64).chain(1000..1100).filter(|command| !refused.contains(command)) {
        assert_eq!(fcntl(0, command), ALLOW, "{command}");
        assert_eq!(fcntl(NOISE, command), ALLOW, "{command}");
    }
}

#[test]
fn a_personality_is_asked_for_or_made_debuggable_and_nothing_else() {
    let personality = |value: u64| decision(number("personality"), [value, 0, 0, 0, 0, 0]);
    for value in [0, 0x0004_0000, 0xffff_ffff] {
        assert_eq!(personality(value), ALLOW, "{value:#x}");
    }
    for value in [0x8, 0x2_0000, 0x10_0000, 0x40_0000, 0x400_0000, 0x0014_0000] {
        assert_eq!(personality(value), errno(libc::EPERM), "{value:#x}");
    }
}
