//! What the node is, and what lives on it.

use std::fs;
use std::io;

use rustix::process::{Resource, getrlimit};
use serde_bytes::ByteBuf;

use super::Supervisor;
use crate::wire::server::{CommandRecord, LivingSandbox, LivingSession, NodeStatus, Program};

pub fn memory_total() -> io::Result<u64> {
    meminfo("MemTotal:")
}

pub fn pid_max() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/sys/kernel/pid_max")?;
    text.trim().parse().map_err(io::Error::other)
}

fn meminfo(field: &str) -> io::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    kilobytes(&text, field).ok_or_else(|| io::Error::other(format!("/proc/meminfo has no {field}")))
}

/// A `Field:   123 kB` line, in bytes.
fn kilobytes(text: &str, field: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Of a text in a listing of all sandboxes: ten thousand running commands fit into one frame.
const LISTED_BYTES: usize = 512;

/// The record with its program cut: a list is one frame, and a text alone may be a quarter of what that holds.
pub fn in_short(record: &CommandRecord, bytes: usize) -> CommandRecord {
    let cut = |text: &ByteBuf| ByteBuf::from(&text[..text.len().min(bytes)]);
    let program = match &record.program {
        Program::Session { session, text } => Program::Session { session: session.clone(), text: cut(text) },
        Program::Shell { text } => Program::Shell { text: cut(text) },
        Program::Argv { argv } => {
            let mut room = bytes;
            let argv = argv.iter().map_while(|argument| {
                let shown = cut(argument);
                room = room.checked_sub(shown.len())?;
                Some(shown)
            });
            Program::Argv { argv: argv.collect() }
        }
    };
    CommandRecord { program, ..record.clone() }
}

impl Supervisor {
    pub(super) fn status(&self) -> io::Result<NodeStatus> {
        let own = fs::read_to_string("/proc/self/status")?;
        Ok(NodeStatus {
            sandboxes: self.sandboxes.len() as u32,
            memory_total_bytes: memory_total()?,
            memory_available_bytes: meminfo("MemAvailable:")?,
            pid_max: pid_max()?,
            nofile: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            uid_slots: self.slots.free(),
            spool_bytes: self.spool.bytes(),
            supervisor_rss_bytes: kilobytes(&own, "VmRSS:").unwrap_or_default(),
        })
    }

    pub(super) fn listing(&self) -> Vec<LivingSandbox> {
        self.sandboxes
            .values()
            .map(|sandbox| LivingSandbox {
                id: sandbox.id.clone(),
                spec: sandbox.spec.clone(),
                isolation: sandbox.isolation.clone(),
                sessions: sandbox
                    .sessions
                    .iter()
                    .map(|(name, session)| LivingSession { name: name.clone(), cwd: session.cwd.clone() })
                    .collect(),
                running: sandbox.running.values().map(|running| in_short(&running.record, LISTED_BYTES)).collect(),
                created_at_ms: sandbox.created_at_ms,
                last_used_at_ms: sandbox.last_used_at_ms,
            })
            .collect()
    }
}
