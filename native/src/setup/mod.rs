//! What closes a sandbox: the ordered list of steps between the clone and the first command.
//!
//! The process that runs [`enter`] was cloned by the zygote into new namespaces, stands in its cgroups and holds
//! all capabilities of its own user namespace, and none outside. When `enter` returns it is init: inside the new
//! root, under a user of its own, with the three capabilities that it works with.

mod identity;
mod mounts;
mod readback;

use std::io;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

pub use readback::{NamespaceIds, namespace_ids};

use crate::wire::inside::Facts;

/// The user that init runs as inside: neither the user of commands nor root.
pub const INIT_UID: u32 = 65_533;

/// What the zygote is told to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// First host user id; inside it is 0.
    pub host_uid: u32,
    pub host_uids: u32,
    /// Owner of the working folders: the user of commands.
    pub uid: u32,
    pub hostname: String,
    pub disk_bytes: u64,
    pub inodes: u64,
}

/// Detached trees of the read-only parts, owners translated: made by the zygote, which has the rights to.
#[derive(Debug)]
pub struct Trees {
    /// In the order of [`crate::zygote::stage::TREES`].
    pub mounts: Vec<(&'static str, OwnedFd)>,
    /// `/bin -> usr/bin` and its like, as the host has them.
    pub links: Vec<(String, String)>,
}

/// A step that failed, under the name that clients see.
#[derive(Debug)]
pub struct SetupError {
    pub step: Step,
    pub source: io::Error,
}

/// The names of the steps are part of the protocol (`runtime.setup_failed {step, errno}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    EnterCgroups,
    ReceiveTrees,
    EnterCgroupNamespace,
    BecomeRootInside,
    LeaveGroups,
    MakeMountsPrivate,
    MountRoot,
    MakeFolders,
    MountTrees,
    MountProc,
    LockUserNamespaces,
    MaskProc,
    PivotRoot,
    SetHostname,
    RaiseLoopback,
    SetLimits,
    LockSecurebits,
    DropBoundingSet,
    BecomeInit,
    DropCapabilities,
    NoNewPrivileges,
    Undumpable,
    ReadBack,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Self::EnterCgroups => "enter_cgroups",
            Self::ReceiveTrees => "receive_trees",
            Self::EnterCgroupNamespace => "enter_cgroup_namespace",
            Self::BecomeRootInside => "become_root_inside",
            Self::LeaveGroups => "leave_groups",
            Self::MakeMountsPrivate => "make_mounts_private",
            Self::MountRoot => "mount_root",
            Self::MakeFolders => "make_folders",
            Self::MountTrees => "mount_trees",
            Self::MountProc => "mount_proc",
            Self::LockUserNamespaces => "lock_user_namespaces",
            Self::MaskProc => "mask_proc",
            Self::PivotRoot => "pivot_root",
            Self::SetHostname => "set_hostname",
            Self::RaiseLoopback => "raise_loopback",
            Self::SetLimits => "set_limits",
            Self::LockSecurebits => "lock_securebits",
            Self::DropBoundingSet => "drop_bounding_set",
            Self::BecomeInit => "become_init",
            Self::DropCapabilities => "drop_capabilities",
            Self::NoNewPrivileges => "no_new_privileges",
            Self::Undumpable => "undumpable",
            Self::ReadBack => "read_back",
        }
    }
}

/// Puts the step's name to a failure.
pub trait At<T> {
    fn at(self, step: Step) -> Result<T, SetupError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step) -> Result<T, SetupError> {
        self.map_err(|source| SetupError { step, source: source.into() })
    }
}

/// Closes the sandbox behind us. The order is the security argument: nothing after `drop_capabilities` needs one,
/// nothing of the host is reachable after `pivot_root`, and no step is left out.
pub fn enter(plan: &Plan, trees: Trees, host: &NamespaceIds) -> Result<Facts, SetupError> {
    // From here on /proc/self/cgroup tells paths from this cgroup on.
    identity::enter_cgroup_namespace().at(Step::EnterCgroupNamespace)?;
    identity::become_root_inside().at(Step::BecomeRootInside)?;
    crate::sys::caps::leave_groups().at(Step::LeaveGroups)?;

    mounts::make_private().at(Step::MakeMountsPrivate)?;
    mounts::mount_root(plan).at(Step::MountRoot)?;
    mounts::make_folders(plan, &trees).at(Step::MakeFolders)?;
    mounts::mount_trees(&trees).at(Step::MountTrees)?;
    mounts::mount_proc().at(Step::MountProc)?;
    // While /proc/sys is still writable: the kernel then refuses nested user namespaces, besides the filter.
    identity::lock_user_namespaces().at(Step::LockUserNamespaces)?;
    mounts::mask_proc().at(Step::MaskProc)?;
    mounts::pivot_root().at(Step::PivotRoot)?;

    identity::set_hostname(&plan.hostname).at(Step::SetHostname)?;
    identity::raise_loopback().at(Step::RaiseLoopback)?;
    identity::set_limits().at(Step::SetLimits)?;

    crate::sys::caps::lock_securebits().at(Step::LockSecurebits)?;
    crate::sys::caps::drop_bounding_set().at(Step::DropBoundingSet)?;
    crate::sys::caps::become_user(INIT_UID, INIT_UID).at(Step::BecomeInit)?;
    identity::drop_capabilities().at(Step::DropCapabilities)?;
    crate::sys::caps::no_new_privileges().at(Step::NoNewPrivileges)?;
    crate::sys::caps::undumpable().at(Step::Undumpable)?;
    readback::facts(host).at(Step::ReadBack)
}
