//! Pieces of classic BPF that run one way only: down, to a return.

use std::mem::offset_of;

/// One instruction of classic BPF.
pub type SockFilter = libc::sock_filter;
/// Instructions that end in a return on every path.
pub(super) type Block = Vec<SockFilter>;

const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;

/// How a branch compares the loaded word with its constant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    Equal,
    AtLeast,
    AnyBit,
}

impl Test {
    fn code(self) -> u32 {
        let test = match self {
            Self::Equal => libc::BPF_JEQ,
            Self::AtLeast => libc::BPF_JGE,
            Self::AnyBit => libc::BPF_JSET,
        };
        libc::BPF_JMP | test | libc::BPF_K
    }
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> SockFilter {
    // Every code of classic BPF fits in 16 bits.
    SockFilter { code: code as u16, jt, jf, k }
}

pub(super) fn allow() -> Block {
    vec![instruction(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0)]
}

pub(super) fn kill() -> Block {
    vec![instruction(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0)]
}

pub(super) fn refuse(errno: i32) -> Block {
    vec![instruction(RETURN, libc::SECCOMP_RET_ERRNO | (errno as u32 & libc::SECCOMP_RET_DATA), 0, 0)]
}

fn load(offset: usize) -> SockFilter {
    instruction(LOAD, offset as u32, 0, 0)
}

pub(super) fn with_number(then: Block) -> Block {
    prefixed([load(offset_of!(libc::seccomp_data, nr))], then)
}

pub(super) fn with_architecture(then: Block) -> Block {
    prefixed([load(offset_of!(libc::seccomp_data, arch))], then)
}

/// Loads the low half of an argument: all that the kernel looks at where the argument is an `int`.
pub(super) fn with_argument(index: usize, then: Block) -> Block {
    let high_first = if cfg!(target_endian = "big") { 4 } else { 0 };
    prefixed([load(offset_of!(libc::seccomp_data, args) + 8 * index + high_first)], then)
}

/// As [`with_argument`], with only the bits of `mask`.
pub(super) fn with_masked_argument(index: usize, mask: u32, then: Block) -> Block {
    with_argument(index, prefixed([instruction(AND, mask, 0, 0)], then))
}

/// `then` where the loaded word passes the test, else `otherwise`, however long both are.
pub(super) fn branch(test: Test, k: u32, then: Block, otherwise: Block) -> Block {
    let head = match u8::try_from(otherwise.len()) {
        Ok(skip) => vec![instruction(test.code(), k, skip, 0)],
        Err(_) => vec![instruction(test.code(), k, 0, 1), instruction(JUMP, otherwise.len() as u32, 0, 0)],
    };
    [head, otherwise, then].concat()
}

/// `then` where the loaded word is one of `values`, else `otherwise`.
pub(super) fn one_of(values: &[u32], then: Block, otherwise: Block) -> Block {
    values.iter().rev().fold(otherwise, |rest, &value| branch(Test::Equal, value, then.clone(), rest))
}

fn prefixed<const N: usize>(head: [SockFilter; N], then: Block) -> Block {
    head.into_iter().chain(then).collect()
}
