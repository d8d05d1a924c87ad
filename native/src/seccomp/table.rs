//! The policy as data: every system call with its name, its number here, and its verdict.

use std::fmt;

use super::check::Check;
use super::policy;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Fails with this errno, without reaching the kernel.
    Refuse(i32),
    /// Ends the process with SIGSYS.
    Kill,
    /// Depends on the arguments.
    Check(Check),
}

impl Verdict {
    /// The verdict on numbers that the table does not name: as on a kernel that does not have them.
    pub const UNKNOWN: Self = Self::Refuse(libc::ENOSYS);
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Allow => f.write_str("allowed"),
            Self::Refuse(libc::EPERM) => f.write_str("EPERM"),
            Self::Refuse(libc::ENOSYS) => f.write_str("ENOSYS"),
            Self::Refuse(errno) => write!(f, "errno {errno}"),
            Self::Kill => f.write_str("killed"),
            Self::Check(check) => write!(f, "allowed: {}", check.condition()),
        }
    }
}

/// One system call of this architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    pub number: u32,
    pub verdict: Verdict,
}

/// Every system call that the policy names, sorted by number. All others have [`Verdict::UNKNOWN`].
pub fn table() -> Vec<Entry> {
    let allowed = policy::ALLOWED.iter().copied().flatten().map(|&call| entry(call, Verdict::Allow));
    let refused = policy::REFUSED.iter().copied().flatten().map(|&call| entry(call, Verdict::Refuse(libc::EPERM)));
    let absent = policy::ABSENT.iter().map(|&call| entry(call, Verdict::UNKNOWN));
    let checked = policy::CHECKED.iter().map(|&(call, check)| entry(call, Verdict::Check(check)));
    let mut entries: Vec<Entry> = allowed.chain(refused).chain(absent).chain(checked).collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}

fn entry((name, number): policy::Call, verdict: Verdict) -> Entry {
    Entry { name: name.trim_start_matches("SYS_"), number: number as u32, verdict }
}
