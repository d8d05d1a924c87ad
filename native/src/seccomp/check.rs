//! System calls that are allowed for some arguments only.

use super::assembler::{Assembler, Label, Test};

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
    /// `fcntl` that neither holds up what others do to a file nor watches a folder (EPERM).
    NoLease,
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
/// Delegations are leases on folders too; `libc` does not name them.
const F_SETDELEG: u32 = 1040;
/// A lease makes every open of the file wait, and files of the image are open to the host and to other sandboxes.
const REFUSED_FCNTLS: [u32; 3] = [libc::F_SETLEASE as u32, libc::F_NOTIFY as u32, F_SETDELEG];

impl Check {
    /// Writes the question, to be asked when the number is known.
    pub(super) fn write(self, asm: &mut Assembler) -> Label {
        match self {
            Self::NoNewNamespace => {
                let (allow, refuse) = (asm.allow(), asm.refuse(libc::EPERM));
                let clone = asm.branch(Test::AnyBit, NEW_NAMESPACE, refuse, allow);
                asm.load_argument(0, clone)
            }
            Self::ConfinedSocket => confined_socket(asm),
            Self::LocalPair => only(asm, 0, &[libc::AF_UNIX as u32], libc::EAFNOSUPPORT),
            Self::NoTerminalInjection => all_but(asm, 1, &REFUSED_IOCTLS, libc::EPERM),
            Self::NoLease => all_but(asm, 1, &REFUSED_FCNTLS, libc::EPERM),
            Self::PlainPersonality => only(asm, 0, &[0, libc::ADDR_NO_RANDOMIZE as u32, ASK], libc::EPERM),
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
            Self::NoLease => "all but F_SETLEASE, F_SETDELEG and F_NOTIFY, which are EPERM",
            Self::PlainPersonality => "0, ADDR_NO_RANDOMIZE and 0xffffffff, else EPERM",
        }
    }
}

/// Allowed where the argument is one of `values`.
fn only(asm: &mut Assembler, argument: usize, values: &[u32], errno: i32) -> Label {
    let (allow, refuse) = (asm.allow(), asm.refuse(errno));
    let question = asm.one_of(values, allow, refuse);
    asm.load_argument(argument, question)
}

/// Refused where the argument is one of `values`.
fn all_but(asm: &mut Assembler, argument: usize, values: &[u32], errno: i32) -> Label {
    let (allow, refuse) = (asm.allow(), asm.refuse(errno));
    let question = asm.one_of(values, refuse, allow);
    asm.load_argument(argument, question)
}

fn confined_socket(asm: &mut Assembler) -> Label {
    let netlink = only(asm, 2, &[libc::NETLINK_ROUTE as u32], libc::EPROTONOSUPPORT);
    let protocol = only(asm, 2, &INTERNET_PROTOCOLS, libc::EPROTONOSUPPORT);
    let internet = of_type(asm, &[STREAM, DATAGRAM], protocol);
    let allow = asm.allow();
    let local = of_type(asm, &[STREAM, DATAGRAM, SEQPACKET], allow);
    let unknown = asm.refuse(libc::EAFNOSUPPORT);
    let family = asm.one_of(&[libc::AF_NETLINK as u32], netlink, unknown);
    let family = asm.one_of(&[libc::AF_INET as u32, libc::AF_INET6 as u32], internet, family);
    let family = asm.one_of(&[libc::AF_UNIX as u32], local, family);
    asm.load_argument(0, family)
}

fn of_type(asm: &mut Assembler, types: &[u32], then: Label) -> Label {
    let refuse = asm.refuse(libc::EPERM);
    let kind = asm.one_of(types, then, refuse);
    let kind = asm.mask(SOCKET_TYPE, kind);
    asm.load_argument(1, kind)
}
