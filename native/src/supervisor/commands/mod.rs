//! Commands from outside: what a server may ask of them.

mod begin;
mod finish;
mod signal;

use serde_bytes::ByteBuf;

use super::Supervisor;
use super::sandbox::{KilledBy, SessionState};
use super::status::in_short;
use crate::sys::{monotonic_us, wall_clock_ms};
use crate::wire::inside::ToInit;
use crate::wire::server::{CommandRecord, CommandSpec, Program, Reply};

/// Of a text in the list of one sandbox's commands, of which there are at most some thousand.
const LISTED_BYTES: usize = 4_096;

impl Supervisor {
    pub(in crate::supervisor) fn run(&mut self, channel: u32, id: &str, spec: CommandSpec) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        sandbox.last_used_at_ms = wall_clock_ms();
        let Program::Session { session: name, .. } = &spec.program else {
            return self.begin_own(slot, channel, &spec);
        };
        let name = name.clone();
        let Some(session) = sandbox.sessions.get_mut(&name) else {
            return self.reply_error(channel, "session.not_found", "no such session");
        };
        if session.state == SessionState::Idle {
            self.begin_in_session(slot, &name, channel, spec);
        } else {
            session.waiting.push_back((channel, spec));
        }
    }

    pub(in crate::supervisor) fn kill(&mut self, channel: u32, id: &str, command: &str, by: &str) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        self.kill_running(slot, number, KilledBy::Request(by.to_owned()));
        self.reply_done(channel);
    }

    pub(in crate::supervisor) fn signal(&mut self, channel: u32, id: &str, command: &str, signal: u8) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        let Some(sandbox) = self.sandboxes.get(&slot) else { return };
        match sandbox.signal_command(number, signal) {
            Ok(()) => self.reply_done(channel),
            Err(error) => self.reply_setup_failed(channel, "signal_command", &error),
        }
    }

    pub(in crate::supervisor) fn stdin(&mut self, channel: u32, id: &str, command: &str, bytes: ByteBuf, eof: bool) {
        let Some((slot, number)) = self.running_command(channel, id, command) else { return };
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        if !running.stdin_open {
            return self.reply_error(channel, "command.stdin_closed", "standard input is closed");
        }
        running.stdin_open = !eof;
        sandbox.tell_init(number, &ToInit::Stdin { bytes, eof }, Vec::new());
        self.reply_done(channel);
    }

    /// A running command is asked for its output of the moment; a finished one is remembered.
    pub(in crate::supervisor) fn command(&mut self, channel: u32, id: &str, command: &str) {
        let Some(sandbox) = self.living(channel, id) else { return };
        if let Some(number) = sandbox.numbers.get(command).copied() {
            if let Some(running) = sandbox.running.get_mut(&number) {
                running.peeking.push(channel);
            }
            return sandbox.tell_init(number, &ToInit::Peek, Vec::new());
        }
        let Some(slot) = self.by_id.get(id).copied() else { return };
        let found = self.sandboxes.get(&slot).and_then(|sandbox| sandbox.history.find(command, &self.spool));
        match found {
            Some(command) => self.tell(channel, &Reply::Command { command }),
            None => self.reply_error(channel, "command.not_found", "no such command"),
        }
    }

    pub(in crate::supervisor) fn peeked(
        &mut self,
        slot: u32,
        number: u32,
        stdout: (ByteBuf, u64),
        stderr: (ByteBuf, u64),
    ) {
        let Some(sandbox) = self.sandboxes.get_mut(&slot) else { return };
        let Some(running) = sandbox.running.get_mut(&number) else { return };
        let channels = std::mem::take(&mut running.peeking);
        let mut record = running.record.clone();
        (record.stdout, record.stdout_dropped) = (Some(stdout.0), stdout.1);
        (record.stderr, record.stderr_dropped) = (Some(stderr.0), stderr.1);
        record.duration_us = monotonic_us().saturating_sub(running.began_us);
        for channel in channels {
            self.tell(channel, &Reply::Command { command: record.clone() });
        }
    }

    pub(in crate::supervisor) fn commands(&mut self, channel: u32, id: &str) {
        let Some(slot) = self.living_slot(channel, id) else { return };
        let Some(sandbox) = self.sandboxes.get(&slot) else { return };
        let mut commands = sandbox.history.list(&self.spool);
        let mut running: Vec<CommandRecord> = sandbox.running.values().map(|running| running.record.clone()).collect();
        running.sort_by_key(|record| record.started_at_ms);
        commands.append(&mut running);
        let commands = commands.iter().map(|record| in_short(record, LISTED_BYTES)).collect();
        self.tell(channel, &Reply::Commands { commands });
    }

    fn running_command(&mut self, channel: u32, id: &str, command: &str) -> Option<(u32, u32)> {
        let slot = self.living_slot(channel, id)?;
        let sandbox = self.sandboxes.get(&slot)?;
        if let Some(number) = sandbox.numbers.get(command) {
            return Some((slot, *number));
        }
        if sandbox.history.contains(command) {
            self.reply_error(channel, "command.finished", "the command has ended");
        } else {
            self.reply_error(channel, "command.not_found", "no such command");
        }
        None
    }
}
