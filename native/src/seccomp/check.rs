//! System calls that are allowed for some arguments only.

use super::assembler::{Block, Test, allow, branch, one_of, refuse, with_argument, with_masked_argument};

/// A question about a call's arguments. What fails it gets the errno that the kernel itself would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// `clone` for processes and threads, not for namespaces (EPERM).
    NoNewNamespace,
    /// `socket` of the families that a network namespace confines, without raw access.
    ConfinedSocket,
    /// `socketpair` of local sockets (EAFNOSUPPORT).
    LocalPair,
    /// `ioctl` that neither types into a terminal nor changes its line discipline (EPERM).
    NoTerminalInjection,
    /// `personality` that is asked for, reset, or switches off address randomisation for a debugger (EPERM).
    PlainPersonality,
}

const NEW_NAMESPACE: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;
/// What `socket` takes as the type; the other bits are SOCK_NONBLOCK and SOCK_CLOEXEC.
const SOCKET_TYPE: u32 = 0xf;
const STREAM: u32 = libc::SOCK_STREAM as u32;
const DATAGRAM: u32 = libc::SOCK_DGRAM as u32;
const SEQPACKET: u32 = libc::SOCK_SEQPACKET as u32;
/// The others (SCTP, MPTCP, SMC, UDP-Lite, …) load kernel modules on demand, and nothing depends on them.
const INTERNET_PROTOCOLS: [u32; 5] =
    [0, libc::IPPROTO_TCP as u32, libc::IPPROTO_UDP as u32, libc::IPPROTO_ICMP as u32, libc::IPPROTO_ICMPV6 as u32];
const ASK: u32 = 0xffff_ffff;
const REFUSED_IOCTLS: [u32; 3] = [libc::TIOCSTI as u32, libc::TIOCLINUX as u32, libc::TIOCSETD as u32];

impl Check {
    pub(super) fn block(self) -> Block {
        match self {
            Self::NoNewNamespace => with_argument(0, branch(Test::AnyBit, NEW_NAMESPACE, refuse(libc::EPERM), allow())),
            Self::ConfinedSocket => confined_socket(),
            Self::LocalPair => with_argument(0, one_of(&[libc::AF_UNIX as u32], allow(), refuse(libc::EAFNOSUPPORT))),
            Self::NoTerminalInjection => with_argument(1, one_of(&REFUSED_IOCTLS, refuse(libc::EPERM), allow())),
            Self::PlainPersonality => {
                let plain = [0, libc::ADDR_NO_RANDOMIZE as u32, ASK];
                with_argument(0, one_of(&plain, allow(), refuse(libc::EPERM)))
            }
        }
    }

    /// The condition, to be read after "allowed: ".
    pub fn condition(self) -> &'static str {
        match self {
            Self::NoNewNamespace => "no CLONE_NEW* flag, else EPERM",
            Self::ConfinedSocket => {
                "AF_UNIX; AF_INET and AF_INET6 with TCP, UDP or ping; AF_NETLINK with NETLINK_ROUTE; \
                 raw types EPERM, other protocols EPROTONOSUPPORT, other families EAFNOSUPPORT"
            }
            Self::LocalPair => "AF_UNIX, else EAFNOSUPPORT",
            Self::NoTerminalInjection => "all but TIOCSTI, TIOCLINUX and TIOCSETD, which are EPERM",
            Self::PlainPersonality => "0, ADDR_NO_RANDOMIZE and 0xffffffff, else EPERM",
        }
    }
}

fn confined_socket() -> Block {
    let route_only = with_argument(2, one_of(&[libc::NETLINK_ROUTE as u32], allow(), refuse(libc::EPROTONOSUPPORT)));
    let other_family = refuse(libc::EAFNOSUPPORT);
    let netlink = one_of(&[libc::AF_NETLINK as u32], route_only, other_family);
    let internet = one_of(&[libc::AF_INET as u32, libc::AF_INET6 as u32], internet_socket(), netlink);
    with_argument(0, one_of(&[libc::AF_UNIX as u32], local_socket(), internet))
}

fn local_socket() -> Block {
    with_masked_argument(1, SOCKET_TYPE, one_of(&[STREAM, DATAGRAM, SEQPACKET], allow(), refuse(libc::EPERM)))
}

fn internet_socket() -> Block {
    let known_protocol = with_argument(2, one_of(&INTERNET_PROTOCOLS, allow(), refuse(libc::EPROTONOSUPPORT)));
    let kind = |then| one_of(&[STREAM, DATAGRAM], then, refuse(libc::EPERM));
    with_masked_argument(1, SOCKET_TYPE, kind(known_protocol))
}
