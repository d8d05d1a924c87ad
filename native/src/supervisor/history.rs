//! What is remembered of finished commands: small records in memory, large ones in files, oldest dropped first.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::wire::server::CommandRecord;

/// Records of this size and below stay in memory.
const IN_MEMORY_BYTES: usize = 1_024;
/// For the records of one sandbox in memory.
const MEMORY_BUDGET_BYTES: usize = 64 * 1_024;
/// For the files of one sandbox.
const SANDBOX_BUDGET_BYTES: u64 = 8 * 1_024 * 1_024;
/// For the files of all.
const NODE_BUDGET_BYTES: u64 = 2 * 1_024 * 1_024 * 1_024;
/// Most commands that one sandbox remembers.
const MAX_RECORDS: usize = 1_000;

/// The folder of large records, and how full it is.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    made: u64,
    bytes: u64,
}

impl Spool {
    /// An empty folder: what an earlier supervisor kept went with its sandboxes.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir(&folder)?;
        Ok(Self { folder, made: 0, bytes: 0 })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn write(&mut self, encoded: &[u8]) -> io::Result<u64> {
        self.made += 1;
        fs::write(self.path(self.made), encoded)?;
        self.bytes += encoded.len() as u64;
        Ok(self.made)
    }

    fn read(&self, file: u64) -> Option<CommandRecord> {
        rmp_serde::from_slice(&fs::read(self.path(file)).ok()?).ok()
    }

    fn remove(&mut self, file: u64, bytes: u64) {
        // A file that cannot be removed goes with the next start.
        let _ = fs::remove_file(self.path(file));
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn path(&self, file: u64) -> PathBuf {
        self.folder.join(file.to_string())
    }
}

#[derive(Debug)]
enum Kept {
    Memory { record: Box<CommandRecord>, bytes: usize },
    File { file: u64, bytes: u64 },
}

#[derive(Debug)]
struct Entry {
    id: String,
    kept: Kept,
}

/// The finished commands of one sandbox, oldest first.
#[derive(Debug, Default)]
pub struct History {
    entries: VecDeque<Entry>,
    memory_bytes: usize,
    file_bytes: u64,
}

fn weight(record: &CommandRecord) -> usize {
    use crate::wire::server::Program;
    let program = match &record.program {
        Program::Session { text, .. } | Program::Shell { text } => text.len(),
        Program::Argv { argv } => argv.iter().map(|argument| argument.len()).sum(),
    };
    let output = [&record.stdout, &record.stderr].into_iter().flatten().map(|bytes| bytes.len()).sum::<usize>();
    size_of::<CommandRecord>() + program + output
}

impl History {
    /// Room is made by dropping the oldest outputs, then the oldest records; the newest always stays.
    pub fn add(&mut self, record: CommandRecord, spool: &mut Spool) {
        let id = record.id.clone();
        let bytes = weight(&record);
        let kept = if bytes <= IN_MEMORY_BYTES { None } else { self.spool(&record, spool) };
        let kept = kept.unwrap_or_else(|| {
            let record = if bytes <= IN_MEMORY_BYTES { record } else { without_output(record) };
            let bytes = weight(&record);
            self.memory_bytes += bytes;
            Kept::Memory { record: Box::new(record), bytes }
        });
        self.entries.push_back(Entry { id, kept });
        self.make_room(spool);
    }

    /// `None`: there is no room, on the disk or in the budget, even for this one.
    fn spool(&mut self, record: &CommandRecord, spool: &mut Spool) -> Option<Kept> {
        let encoded = rmp_serde::to_vec(record).ok()?;
        let bytes = encoded.len() as u64;
        if bytes > SANDBOX_BUDGET_BYTES || spool.bytes + bytes > NODE_BUDGET_BYTES {
            return None;
        }
        let file = spool.write(&encoded).ok()?;
        self.file_bytes += bytes;
        Some(Kept::File { file, bytes })
    }

    fn make_room(&mut self, spool: &mut Spool) {
        while self.file_bytes > SANDBOX_BUDGET_BYTES && self.drop_oldest_output(spool) {}
        while self.entries.len() > 1 && (self.entries.len() > MAX_RECORDS || self.memory_bytes > MEMORY_BUDGET_BYTES) {
            self.drop_oldest(spool);
        }
    }

    fn drop_oldest_output(&mut self, spool: &mut Spool) -> bool {
        let last = self.entries.len().saturating_sub(1);
        let found = self.entries.iter_mut().take(last).find_map(|entry| match entry.kept {
            Kept::File { file, bytes } => Some((entry, file, bytes)),
            Kept::Memory { .. } => None,
        });
        let Some((entry, file, bytes)) = found else { return false };
        let Some(record) = spool.read(file).map(without_output) else {
            spool.remove(file, bytes);
            self.file_bytes -= bytes;
            let id = entry.id.clone();
            self.entries.retain(|entry| entry.id != id);
            return true;
        };
        let memory = weight(&record);
        entry.kept = Kept::Memory { record: Box::new(record), bytes: memory };
        spool.remove(file, bytes);
        self.file_bytes -= bytes;
        self.memory_bytes += memory;
        true
    }

    fn drop_oldest(&mut self, spool: &mut Spool) {
        match self.entries.pop_front().map(|entry| entry.kept) {
            Some(Kept::Memory { bytes, .. }) => self.memory_bytes -= bytes,
            Some(Kept::File { file, bytes }) => {
                spool.remove(file, bytes);
                self.file_bytes -= bytes;
            }
            None => {}
        }
    }

    pub fn contains(&self, id: &str) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    pub fn find(&self, id: &str, spool: &Spool) -> Option<CommandRecord> {
        self.entries.iter().rev().find(|entry| entry.id == id).and_then(|entry| entry.record(spool))
    }

    /// Oldest first, without output.
    pub fn list(&self, spool: &Spool) -> Vec<CommandRecord> {
        self.entries.iter().filter_map(|entry| entry.record(spool)).map(without_output).collect()
    }

    pub fn clear(&mut self, spool: &mut Spool) {
        while !self.entries.is_empty() {
            self.drop_oldest(spool);
        }
    }
}

impl Entry {
    fn record(&self, spool: &Spool) -> Option<CommandRecord> {
        match &self.kept {
            Kept::Memory { record, .. } => Some((**record).clone()),
            Kept::File { file, .. } => spool.read(*file),
        }
    }
}

fn without_output(record: CommandRecord) -> CommandRecord {
    CommandRecord { stdout: None, stderr: None, ..record }
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;

    use super::*;
    use crate::wire::server::{Outcome, Program};

    fn record(id: &str, output: usize) -> CommandRecord {
        CommandRecord {
            id: id.to_owned(),
            program: Program::Shell { text: ByteBuf::from(b"true".as_slice()) },
            background: false,
            outcome: Some(Outcome::Exited { exit_code: 0 }),
            oom: false,
            stdout: Some(ByteBuf::from(vec![b'x'; output])),
            stderr: Some(ByteBuf::new()),
            stdout_dropped: 0,
            stderr_dropped: 0,
            started_at_ms: 0,
            duration_us: 0,
            cpu_user_us: 0,
            cpu_system_us: 0,
            max_rss_bytes: 0,
            cwd: ByteBuf::new(),
            background_left: false,
            session_restarted: false,
        }
    }

    struct Room(PathBuf);

    impl Room {
        fn new(name: &str) -> (Self, Spool) {
            let folder = std::env::temp_dir().join(format!("atoll-history-{name}-{}", std::process::id()));
            let spool = Spool::open(folder.clone()).unwrap_or_else(|error| panic!("{error}"));
            (Self(folder), spool)
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).map_or(0, Iterator::count)
        }
    }

    impl Drop for Room {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap_or_default();
        }
    }

    #[test]
    fn a_large_output_lies_in_a_file_and_comes_back_whole() {
        let (room, mut spool) = Room::new("large");
        let mut history = History::default();
        history.add(record("large", 1_000_000), &mut spool);
        assert_eq!(room.files(), 1);
        assert_eq!(history.find("large", &spool), Some(record("large", 1_000_000)));
        assert_eq!(history.list(&spool)[0].stdout, None);
    }

    #[test]
    fn beyond_the_budget_the_oldest_output_goes_first_and_its_record_stays() {
        let (_room, mut spool) = Room::new("budget");
        let mut history = History::default();
        for number in 0..10 {
            history.add(record(&number.to_string(), 1_000_000), &mut spool);
        }
        assert!(spool.bytes() <= SANDBOX_BUDGET_BYTES);
        let oldest = history.find("0", &spool).unwrap_or_else(|| panic!("the record is gone"));
        assert_eq!((oldest.stdout, oldest.outcome), (None, Some(Outcome::Exited { exit_code: 0 })));
        assert!(history.find("9", &spool).is_some_and(|newest| newest.stdout.is_some()));
    }

    #[test]
    fn a_hundred_thousand_small_commands_do_not_grow_the_memory() {
        let (_room, mut spool) = Room::new("small");
        let mut history = History::default();
        for number in 0..100_000 {
            history.add(record(&number.to_string(), 10), &mut spool);
        }
        assert!(history.memory_bytes <= MEMORY_BUDGET_BYTES);
        assert!(history.contains("99999") && !history.contains("0"));
    }

    #[test]
    fn a_cleared_history_leaves_no_file() {
        let (room, mut spool) = Room::new("clear");
        let mut history = History::default();
        for number in 0..20 {
            history.add(record(&number.to_string(), 100_000), &mut spool);
        }
        history.clear(&mut spool);
        assert_eq!((room.files(), spool.bytes()), (0, 0));
    }
}
