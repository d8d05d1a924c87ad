//! The user that a file operation runs as: the file-system ids of this thread, changed and put back.

use super::failure::{Failure, WRONG_USER};
use crate::sys::caps::undumpable;

/// While it lives, the kernel checks files against another user. The old ids come back when it is dropped.
#[derive(Debug)]
pub struct ActingAs {
    before: Ids,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    uid: u32,
    gid: u32,
}

impl ActingAs {
    /// Takes the ids, or fails and has changed nothing. Rights do not grow: the capabilities over files that come
    /// with user 0 are not among those that init may have.
    pub fn new(uid: u32, gid: u32) -> Result<Self, Failure> {
        let before = Ids::now();
        let guard = Self { before };
        if (Ids { uid, gid }).take() { Ok(guard) } else { Err(WRONG_USER) }
    }
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        if !self.before.take() {
            // The kernel always grants the ids that a process has anyway. One that goes on under the wrong ids
            // would do all later operations as somebody else.
            std::process::abort();
        }
    }
}

impl Ids {
    fn now() -> Self {
        Self { uid: set(libc::SYS_setfsuid, u32::MAX), gid: set(libc::SYS_setfsgid, u32::MAX) }
    }

    fn take(self) -> bool {
        if Self::now() == self {
            return true;
        }
        set(libc::SYS_setfsgid, self.gid);
        set(libc::SYS_setfsuid, self.uid);
        // A change of ids makes the process as dumpable as the host's `fs.suid_dumpable` says.
        undumpable().is_ok() && Self::now() == self
    }
}

/// Gives the id from before the call. The largest id is nobody's and changes nothing.
fn set(call: libc::c_long, id: u32) -> u32 {
    // SAFETY: an integer argument only. The raw call: it concerns this thread alone and cannot fail.
    unsafe { libc::syscall(call, id) as u32 }
}
