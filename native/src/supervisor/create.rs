//! A sandbox on its way: cgroups, clone, set-up.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::cgroup::{Applied, Group};
use super::link::InitLink;
use super::sandbox::Sandbox;
use super::timers::{Deadline, Key};
use super::uids::{Slots, UIDS_A_SANDBOX};
use super::{Supervisor, Token};
use crate::setup::{INIT_UID, Plan};
use crate::sys::{io_errno_name, socket};
use crate::wire::inside::{Facts, FromInit};
use crate::wire::server::{Isolation, Reply, SandboxSpec};
use crate::zygote::Answer;

pub struct Creating {
    pub channel: Option<u32>,
    id: String,
    spec: SandboxSpec,
    pub group: Group,
    applied: Applied,
    pub link: InitLink,
    /// `None` until the zygote has answered.
    pub pid: Option<i32>,
    deadline: Key,
}

/// Asked of the zygote at a time. Its socket takes some hundred packets each way: were it full, the supervisor would
/// wait for the zygote and the zygote for the supervisor.
const CLONES_IN_FLIGHT: usize = 32;

/// A create that waits for the zygote.
#[derive(Debug)]
pub struct WaitingCreate {
    pub channel: u32,
    pub id: String,
    spec: SandboxSpec,
}

/// A set-up takes milliseconds; on a host so loaded that it takes this long, more sandboxes do not help.
const SETUP_LIMIT_US: u64 = 10_000_000;

impl Supervisor {
    pub(super) fn create(&mut self, channel: u32, id: String, spec: SandboxSpec) {
        if self.by_id.contains_key(&id) || self.waiting_creates.iter().any(|waiting| waiting.id == id) {
            return self.reply_error(channel, "sandbox.exists", "a sandbox of this id lives");
        }
        if spec.nofile > self.nofile {
            return self.reply_error(channel, "limit.exceeded", "this host allows no process so many descriptors");
        }
        if self.cloning.len() < CLONES_IN_FLIGHT {
            self.begin_create(WaitingCreate { channel, id, spec });
        } else {
            self.waiting_creates.push_back(WaitingCreate { channel, id, spec });
        }
    }

    fn begin_create(&mut self, WaitingCreate { channel, id, spec }: WaitingCreate) {
        let slot = match self.slots.take() {
            Ok(Some(slot)) => slot,
            Ok(None) => return self.reply_error(channel, "limit.exceeded", "every range of host user ids is taken"),
            Err(error) => return self.reply_setup_failed(channel, "take_user_ids", &error),
        };
        let group = self.cgroups.sandbox(slot, Slots::first_uid(slot) + INIT_UID);
        let begun = group.create(&spec).map_err(|error| ("create_cgroup", error)).and_then(|applied| {
            self.ask_zygote(slot, &spec, &group).map(|link| (applied, link)).map_err(|error| ("ask_zygote", error))
        });
        match begun {
            Ok((applied, link)) => {
                let deadline = self.timers.set(SETUP_LIMIT_US, Deadline::Ready { slot });
                self.by_id.insert(id.clone(), slot);
                self.cloning.push_back(slot);
                let creating = Creating { channel: Some(channel), id, spec, group, applied, link, pid: None, deadline };
                self.creating.insert(slot, creating);
            }
            Err((step, error)) => {
                let reply = setup_failed(step, &io_errno_name(&error));
                self.by_id.insert(id.clone(), slot);
                self.end(slot, id, &group, None, vec![(channel, reply)]);
            }
        }
    }

    fn ask_zygote(&self, slot: u32, spec: &SandboxSpec, group: &Group) -> io::Result<InitLink> {
        let (ours, theirs) = socket::stream_pair()?;
        let plan = Plan {
            host_uid: Slots::first_uid(slot),
            host_uids: UIDS_A_SANDBOX,
            uid: spec.uid,
            hostname: spec.hostname.clone(),
            disk_bytes: spec.disk_bytes,
            inodes: spec.inodes,
        };
        let entrances = group.init_entrances()?;
        let entrances: Vec<BorrowedFd<'_>> = entrances.iter().map(OwnedFd::as_fd).collect();
        self.zygote.ask(&plan, theirs.as_fd(), group.init_folder()?.as_fd(), &entrances)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok(InitLink::new(ours, Rc::clone(&self.epoll), Token::Init(slot).to_data()))
    }

    /// Without a zygote there is no clean memory to clone: the supervisor ends, and its server starts another.
    pub(super) fn read_zygote(&mut self) -> io::Result<()> {
        let answer = self.zygote.answer()?;
        let Some(slot) = self.cloning.pop_front() else { return Ok(()) };
        match answer {
            Answer::Cloned { pid } => self.cloned(slot, pid),
            // It was given up between the request and the answer; a clone that there was has been killed.
            Answer::Failed { .. } if self.ending.contains_key(&slot) => self.try_bury(slot),
            Answer::Failed { step, errno } => self.create_failed(slot, &step, &errno),
        }
        while self.cloning.len() < CLONES_IN_FLIGHT
            && let Some(next) = self.waiting_creates.pop_front()
        {
            self.begin_create(next);
        }
        if self.cloning.is_empty() {
            self.early_ends.clear();
        }
        Ok(())
    }

    fn cloned(&mut self, slot: u32, pid: i32) {
        let ended_already = self.early_ends.contains(&pid);
        if !ended_already {
            self.by_pid.insert(pid, slot);
        }
        if let Some(ending) = self.ending.get_mut(&slot) {
            // It was deleted between the request and the answer.
            ending.pid = Some(pid).filter(|_| !ended_already);
            return self.try_bury(slot);
        }
        let Some(creating) = self.creating.get_mut(&slot) else { return };
        creating.pid = Some(pid);
        if let Err(error) = creating.link.watch() {
            return self.create_failed(slot, "watch_init", &io_errno_name(&error));
        }
        if ended_already {
            self.init_ended(slot);
        }
    }

    pub(super) fn heard_while_creating(&mut self, slot: u32, message: FromInit) {
        match message {
            FromInit::Ready { facts } => self.created(slot, facts),
            FromInit::SetupFailed { step, errno } => self.create_failed(slot, &step, &errno),
            FromInit::SessionOpened { .. }
            | FromInit::SessionFailed { .. }
            | FromInit::SessionEnded { .. }
            | FromInit::Started
            | FromInit::SpawnFailed { .. }
            | FromInit::Finished { .. }
            | FromInit::Peeked { .. }
            | FromInit::File { .. }
            | FromInit::Pong => self.create_failed(slot, "wait_for_init", "EPROTO"),
        }
    }

    fn created(&mut self, slot: u32, facts: Facts) {
        let Some(creating) = self.creating.remove(&slot) else { return };
        let Some(pid) = creating.pid else { return };
        self.timers.clear(creating.deadline);
        let isolation = Isolation {
            host_uid: Slots::first_uid(slot),
            host_uids: UIDS_A_SANDBOX,
            namespaces: facts.namespaces,
            seccomp: facts.seccomp,
            no_new_privs: facts.no_new_privs,
            capabilities: facts.capabilities,
            cgroup_version: self.cgroups.version(),
            memory_bytes: creating.applied.memory_bytes,
            pids: creating.applied.pids,
            cpu_millis: creating.applied.cpu_millis,
            disk: "tmpfs".to_owned(),
        };
        let sandbox = Sandbox::new(creating.id, creating.spec, isolation.clone(), pid, creating.group, creating.link);
        self.sandboxes.insert(slot, sandbox);
        if let Some(channel) = creating.channel {
            self.tell(channel, &Reply::Created { isolation });
        }
    }

    /// The answer waits until nothing is left.
    pub(super) fn create_failed(&mut self, slot: u32, step: &str, errno: &str) {
        let Some(creating) = self.creating.remove(&slot) else { return };
        self.timers.clear(creating.deadline);
        let replies = creating.channel.map(|channel| (channel, setup_failed(step, errno))).into_iter().collect();
        self.end(slot, creating.id, &creating.group, creating.pid, replies);
    }

    pub(super) fn reply_setup_failed(&mut self, channel: u32, step: &str, error: &io::Error) {
        self.tell(channel, &setup_failed(step, &io_errno_name(error)));
    }
}

pub fn setup_failed(step: &str, errno: &str) -> Reply {
    Reply::Error {
        code: "runtime.setup_failed".to_owned(),
        message: format!("{step} failed: {errno}"),
        step: Some(step.to_owned()),
        errno: Some(errno.to_owned()),
    }
}
