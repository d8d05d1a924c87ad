//! Host user ids: each sandbox has 65,536 of its own, and no two sandboxes of the host share one.
//!
//! The ids are handed out in blocks of 4,096 sandboxes; a supervisor holds a lock on each block that it uses, so
//! several supervisors on a host never meet. Ids start far above those of people and services, and above the
//! ranges that system tools give to containers by default, and end where 32-bit signed numbers do.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

pub const UIDS_A_SANDBOX: u32 = 65_536;
const FIRST_UID: u32 = 1 << 28;
const SLOTS_A_BLOCK: u32 = 4_096;
const BLOCKS: u32 = ((1 << 31) - FIRST_UID) / UIDS_A_SANDBOX / SLOTS_A_BLOCK;

#[derive(Debug)]
pub struct Slots {
    folder: PathBuf,
    /// Index of the block and its lock.
    blocks: Vec<(u32, File)>,
    free: VecDeque<u32>,
}

impl Slots {
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut slots = Self { folder, blocks: Vec::new(), free: VecDeque::new() };
        slots.claim_block()?;
        Ok(slots)
    }

    /// A slot that nobody on this host uses; `None` when all are taken.
    pub fn take(&mut self) -> io::Result<Option<u32>> {
        if self.free.is_empty() {
            self.claim_block()?;
        }
        Ok(self.free.pop_back())
    }

    /// Only when nothing of the sandbox is left.
    pub fn give_back(&mut self, slot: u32) {
        // Used again as late as possible: a straggler of the kernel's must not meet a new owner.
        self.free.push_front(slot);
    }

    pub fn free(&self) -> u32 {
        self.free.len() as u32 + (BLOCKS - self.blocks.len() as u32) * SLOTS_A_BLOCK
    }

    pub fn first_uid(slot: u32) -> u32 {
        FIRST_UID + slot * UIDS_A_SANDBOX
    }

    fn claim_block(&mut self) -> io::Result<()> {
        for block in 0..BLOCKS {
            if self.blocks.iter().any(|(held, _)| *held == block) {
                continue;
            }
            let lock = File::create(self.folder.join(format!("block-{block}")))?;
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                self.blocks.push((block, lock));
                let first = block * SLOTS_A_BLOCK;
                self.free.extend((first..first + SLOTS_A_BLOCK).rev());
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_supervisors_never_share_a_slot_and_a_freed_one_comes_back_last() {
        let folder = std::env::temp_dir().join(format!("atoll-uids-{}", std::process::id()));
        let mut one = Slots::new(folder.clone()).unwrap_or_else(|error| panic!("{error}"));
        let mut two = Slots::new(folder.clone()).unwrap_or_else(|error| panic!("{error}"));
        let (Ok(Some(first)), Ok(Some(second))) = (one.take(), two.take()) else { panic!("no slot") };
        assert_ne!(first / SLOTS_A_BLOCK, second / SLOTS_A_BLOCK);
        one.give_back(first);
        assert_ne!(one.take().ok().flatten(), Some(first));
        fs::remove_dir_all(folder).unwrap_or_default();
    }
}
