#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

mod arguments;
mod interpreter;
mod kernel;
mod numbers;

use super::{Check, Entry, Verdict, program, table};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// `F_SETDELEG`.
const SET_DELEGATION: i32 = 1040;

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

/// What the filter says to a call of this architecture.
fn decision(number: u32, args: [u64; 6]) -> u32 {
    interpreter::run(&program(), &data(ARCHITECTURE, number, args)).decision
}

fn data(arch: u32, number: u32, args: [u64; 6]) -> libc::seccomp_data {
    libc::seccomp_data { nr: number as i32, arch, instruction_pointer: 0, args }
}

fn number(name: &str) -> u32 {
    table().iter().find(|entry| entry.name == name).unwrap().number
}

fn verdict(name: &str) -> Verdict {
    table().iter().find(|entry| entry.name == name).map_or(Verdict::UNKNOWN, |entry| entry.verdict)
}
