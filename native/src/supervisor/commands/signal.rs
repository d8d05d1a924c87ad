//! Signals to a running command.

use std::io;

use super::super::cgroup::Leaf;
use super::super::sandbox::{Place, Sandbox};

impl Sandbox {
    pub(super) fn leaf_of(&self, number: u32) -> Option<&Leaf> {
        match &self.running.get(&number)?.place {
            // Another session may have the name by now.
            Place::Session { name, number } => {
                self.sessions.get(name).filter(|session| session.number == *number).map(|session| &session.leaf)
            }
            Place::Own(leaf) => Some(leaf),
        }
    }

    /// To every process of the command; to a session's shell only when it runs the command itself.
    pub(super) fn signal_command(&self, number: u32, signal: u8) -> io::Result<()> {
        let Some(leaf) = self.leaf_of(number) else { return Ok(()) };
        if i32::from(signal) == libc::SIGKILL
            && matches!(self.running.get(&number).map(|running| &running.place), Some(Place::Own(_)))
        {
            return leaf.kill();
        }
        let shell = match self.running.get(&number).map(|running| &running.place) {
            Some(Place::Session { name, .. }) => self.sessions.get(name).and_then(|session| session.shell),
            Some(Place::Own(_)) | None => None,
        };
        let processes = leaf.processes()?;
        let others: Vec<i32> = processes.iter().copied().filter(|pid| Some(*pid) != shell).collect();
        let targets = if others.is_empty() { processes } else { others };
        targets.into_iter().try_for_each(|pid| signal_member(leaf, pid, signal))
    }
}

/// By a descriptor that is checked against the leaf once more: a number alone may have become somebody else's.
fn signal_member(leaf: &Leaf, pid: i32, signal: u8) -> io::Result<()> {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let (Some(process), Some(signal)) = (Pid::from_raw(pid), Signal::from_named_raw(i32::from(signal))) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    let sent = pidfd_open(process, PidfdFlags::empty()).and_then(|descriptor| {
        if leaf.processes().is_ok_and(|processes| processes.contains(&pid)) {
            pidfd_send_signal(descriptor, signal)
        } else {
            Err(rustix::io::Errno::SRCH)
        }
    });
    match sent {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
