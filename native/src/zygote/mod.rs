//! The zygote: a small single-threaded process that is forked off the supervisor before any sandbox exists and
//! never sees a sandbox's data. It clones itself once per sandbox; the clone closes the sandbox around itself
//! ([`crate::setup::enter`]) and goes on as init. Its last exec, the supervisor's, happened outside every
//! sandbox's user namespace, so nobody inside may look into its memory, root inside included.
//!
//! A request is one packet: the [`Plan`], and beside it init's end of the socket pair, the sandbox's folder in the
//! v2 tree, and the `tasks` files of its v1 groups. The answer is the clone's process id: the clone is
//! a sibling, so its end is told to the supervisor.

pub mod stage;

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{RecvFlags, SendFlags};
use serde::{Deserialize, Serialize};

use crate::init;
use crate::setup::{self, At, NamespaceIds, Plan, SetupError, Step, Trees};
use crate::sys::clone::{self, Cloned};
use crate::sys::{self, socket};
use crate::wire::{frame, inside::FromInit};
use stage::Stage;

/// Longest packet between supervisor and zygote.
const PACKET_BYTES: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Cloned {
        pid: i32,
    },
    /// Nothing was left.
    Failed {
        step: String,
        errno: String,
    },
}

/// The supervisor's handle. Dropping it ends the zygote, not the sandboxes.
#[derive(Debug)]
pub struct Zygote {
    socket: OwnedFd,
    pub pid: i32,
}

impl Zygote {
    /// Forks the zygote. Called before anything else of the supervisor exists.
    /// On return the stage stands, or the error tells what it lacks.
    pub fn fork(stage_folder: &std::path::Path) -> io::Result<Self> {
        let (ours, theirs) = socket::packet_pair()?;
        match clone::clone3(0, libc::SIGCHLD, None)? {
            Cloned::Child => {
                drop(ours);
                std::process::exit(serve(stage_folder, theirs));
            }
            Cloned::Parent { pid } => {
                drop(theirs);
                let zygote = Self { socket: ours, pid };
                match zygote.answer()? {
                    Answer::Cloned { .. } => Ok(zygote),
                    Answer::Failed { step, errno } => Err(io::Error::other(format!("{step}: {errno}"))),
                }
            }
        }
    }

    /// Asks for one sandbox; [`Self::answer`] tells, in the order of the requests.
    /// `entrances` are the `tasks` files of the v1 groups to enter.
    pub fn ask(
        &self,
        plan: &Plan,
        init_end: BorrowedFd<'_>,
        cgroup: BorrowedFd<'_>,
        entrances: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let packet = rmp_serde::to_vec(plan).map_err(io::Error::other)?;
        let fds: Vec<BorrowedFd<'_>> = [init_end, cgroup].into_iter().chain(entrances.iter().copied()).collect();
        socket::send(self.socket.as_fd(), &packet, &fds, SendFlags::empty())?;
        Ok(())
    }

    /// Waits for the next answer.
    pub fn answer(&self) -> io::Result<Answer> {
        let mut packet = [0; PACKET_BYTES];
        let length = socket::receive(self.socket.as_fd(), &mut packet, &mut Vec::new(), RecvFlags::empty())?;
        if length == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the zygote ended"));
        }
        rmp_serde::from_slice(&packet[..length]).map_err(io::Error::other)
    }
}

impl AsFd for Zygote {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn tell(socket: BorrowedFd<'_>, answer: &Answer) -> io::Result<()> {
    let packet = rmp_serde::to_vec(answer).map_err(io::Error::other)?;
    socket::send(socket, &packet, &[], SendFlags::empty())?;
    Ok(())
}

fn failed(step: &str, error: &io::Error) -> Answer {
    Answer::Failed { step: step.to_owned(), errno: sys::io_errno_name(error) }
}

/// The zygote's whole life; the result is its exit status.
fn serve(stage_folder: &std::path::Path, socket: OwnedFd) -> i32 {
    let prepared = sys::caps::die_with_parent()
        .and_then(|()| Stage::build(stage_folder))
        .and_then(|stage| sys::name::forget_origin(c"atoll-init").map(|()| stage));
    let host = setup::namespace_ids();
    let (stage, host) = match (prepared, host) {
        (Ok(stage), Ok(host)) => (stage, host),
        (Err(error), _) | (_, Err(error)) => {
            let answer = Answer::Failed { step: "build_stage".to_owned(), errno: error.to_string() };
            return tell(socket.as_fd(), &answer).map_or(1, |()| 1);
        }
    };
    if tell(socket.as_fd(), &Answer::Cloned { pid: 0 }).is_err() {
        return 1;
    }
    loop {
        let mut packet = [0; PACKET_BYTES];
        let mut fds = Vec::new();
        match socket::receive(socket.as_fd(), &mut packet, &mut fds, RecvFlags::empty()) {
            Ok(0) | Err(_) => return 0,
            Ok(length) => {
                let answer = match rmp_serde::from_slice::<Plan>(&packet[..length]) {
                    Ok(plan) => make(&stage, &host, &plan, fds).unwrap_or_else(|error| failed(error.0, &error.1)),
                    Err(error) => Answer::Failed { step: "read_plan".to_owned(), errno: error.to_string() },
                };
                if tell(socket.as_fd(), &answer).is_err() {
                    return 1;
                }
            }
        }
    }
}

type NamedError = (&'static str, io::Error);

/// Clones one sandbox and gives it what only the outside can: its cgroups, its user map, its trees.
fn make(stage: &Stage, host: &NamespaceIds, plan: &Plan, mut fds: Vec<OwnedFd>) -> Result<Answer, NamedError> {
    if fds.len() < 2 {
        return Err(("read_plan", io::Error::from_raw_os_error(libc::EBADF)));
    }
    let entrances = fds.split_off(2);
    let (Some(cgroup), Some(init_end)) = (fds.pop(), fds.pop()) else {
        return Err(("read_plan", io::Error::from_raw_os_error(libc::EBADF)));
    };
    let (ours, theirs) = socket::packet_pair().map_err(|error| ("make_socket", error))?;
    let flags = clone::NAMESPACES | libc::CLONE_PARENT as u64;
    match clone::clone3(flags, 0, Some(cgroup.as_fd())).map_err(|error| ("clone", error))? {
        Cloned::Child => {
            // What the clone must not keep: everything of the zygote, the zygote's own end of its socket included.
            drop((ours, cgroup));
            become_init(stage, host, plan, &theirs, (init_end, &entrances))
        }
        Cloned::Parent { pid } => {
            drop((theirs, init_end));
            // On a failure the clone reads the end of its socket instead of its trees, and exits.
            hand_over(stage, plan, pid, &ours)?;
            Ok(Answer::Cloned { pid })
        }
    }
}

fn hand_over(stage: &Stage, plan: &Plan, pid: i32, socket: &OwnedFd) -> Result<(), NamedError> {
    let map = format!("0 {} {}\n", plan.host_uid, plan.host_uids);
    write_once(pid, "uid_map", &map).map_err(|error| ("map_users", error))?;
    write_once(pid, "gid_map", &map).map_err(|error| ("map_groups", error))?;
    let user_namespace =
        fs::File::open(format!("/proc/{pid}/ns/user")).map_err(|error| ("open_user_namespace", error))?;
    let trees = stage.translated_trees(user_namespace.as_fd()).map_err(|error| ("translate_trees", error))?;
    let fds: Vec<BorrowedFd<'_>> = trees.iter().map(|tree| tree.as_fd()).collect();
    socket::send(socket.as_fd(), b"t", &fds, SendFlags::empty()).map_err(|error| ("hand_over_trees", error.into()))?;
    Ok(())
}

/// The kernel takes a map in one write.
fn write_once(pid: i32, file: &str, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(format!("/proc/{pid}/{file}"))?.write_all(text.as_bytes())
}

/// In the clone.
fn become_init(
    stage: &Stage,
    host: &NamespaceIds,
    plan: &Plan,
    setup_socket: &OwnedFd,
    (init_end, entrances): (OwnedFd, &[OwnedFd]),
) -> ! {
    let entered = enter_cgroups(entrances)
        .at(Step::EnterCgroups)
        .and_then(|()| receive_trees(stage, setup_socket).at(Step::ReceiveTrees))
        .and_then(|trees| setup::enter(plan, trees, host));
    match entered {
        Ok(facts) => {
            let status = match init::Init::new(init_end, plan, stage.filter.clone()) {
                Ok(mut init) => init.run(facts),
                Err(_) => 1,
            };
            std::process::exit(status)
        }
        Err(error) => {
            report(&init_end, &error);
            std::process::exit(1)
        }
    }
}

/// First of all: what the set-up takes is charged to the sandbox.
fn enter_cgroups(entrances: &[OwnedFd]) -> io::Result<()> {
    for entrance in entrances {
        rustix::io::write(entrance, b"0")?;
    }
    Ok(())
}

fn receive_trees(stage: &Stage, setup_socket: &OwnedFd) -> io::Result<Trees> {
    let mut fds = Vec::new();
    let length = socket::receive(setup_socket.as_fd(), &mut [0; 1], &mut fds, RecvFlags::empty())?;
    if length == 0 || fds.len() != stage.trees.len() {
        return Err(io::Error::from_raw_os_error(libc::EPIPE));
    }
    Ok(Trees { mounts: stage.trees.iter().copied().zip(fds).collect(), links: stage.links.clone() })
}

fn report(init_end: &OwnedFd, error: &SetupError) {
    let mut bytes = Vec::new();
    let message =
        FromInit::SetupFailed { step: error.step.name().to_owned(), errno: sys::io_errno_name(&error.source) };
    frame::encode(&mut bytes, 0, &message);
    // Nobody is left to tell if the supervisor is gone.
    let _ = socket::send(init_end.as_fd(), &bytes, &[], SendFlags::empty());
}
