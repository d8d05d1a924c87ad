//! Deadlines on the monotonic clock.

use std::collections::BTreeMap;

use crate::sys::monotonic_us;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Init of the slot has not answered since its clone.
    Ready { slot: u32 },
    /// The command's time is up.
    Command { slot: u32, command: u32 },
    /// Init has not told the end of a command that was killed.
    Killed { slot: u32, command: u32 },
    /// The session's shell has not become ready.
    Opening { slot: u32, session: u32 },
    /// The session's shell, which could not be started again, is tried once more.
    Restart { slot: u32, session: u32 },
    /// A file operation is overdue.
    File { slot: u32, request: u32 },
    /// Folders of an ended sandbox are still there.
    Graves,
    /// No server for too long.
    Orphaned,
}

/// Names one deadline, to clear it.
pub type Key = (u64, u64);

#[derive(Debug, Default)]
pub struct Timers {
    deadlines: BTreeMap<Key, Deadline>,
    made: u64,
}

impl Timers {
    pub fn set(&mut self, after_us: u64, deadline: Deadline) -> Key {
        self.made += 1;
        let key = (monotonic_us().saturating_add(after_us), self.made);
        self.deadlines.insert(key, deadline);
        key
    }

    pub fn clear(&mut self, key: Key) {
        self.deadlines.remove(&key);
    }

    /// Microseconds until the first.
    pub fn wait_us(&self) -> Option<u64> {
        let (first, _) = self.deadlines.keys().next()?;
        Some(first.saturating_sub(monotonic_us()))
    }

    /// The first that is due.
    pub fn take_due(&mut self) -> Option<Deadline> {
        let entry = self.deadlines.first_entry()?;
        (entry.key().0 <= monotonic_us()).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_their_order_and_cleared_ones_never() {
        let mut timers = Timers::default();
        let first = timers.set(0, Deadline::Orphaned);
        timers.set(60_000_000, Deadline::Ready { slot: 7 });
        timers.set(0, Deadline::Graves);
        timers.clear(first);
        assert_eq!(timers.take_due(), Some(Deadline::Graves));
        assert_eq!(timers.take_due(), None);
        assert!(timers.wait_us().is_some_and(|wait| wait > 50_000_000));
    }
}
