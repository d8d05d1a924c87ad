//! Classic BPF, written from its end to its start: what an instruction goes on to is there before it, so every
//! jump is known at once, and equal ends are shared. The kernel's price of a filter is its length and its depth.

use std::mem::offset_of;

/// One instruction of classic BPF.
pub type SockFilter = libc::sock_filter;

const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;
/// A branch skips 255 instructions at most; one is kept for a hop of its other side.
const REACH: usize = 254;

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

/// An instruction that has been written: how many stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Debug, Default)]
pub(super) struct Assembler {
    reversed: Vec<SockFilter>,
}

impl Assembler {
    pub fn allow(&mut self) -> Label {
        self.decide(libc::SECCOMP_RET_ALLOW)
    }

    pub fn kill(&mut self) -> Label {
        self.decide(libc::SECCOMP_RET_KILL_PROCESS)
    }

    pub fn refuse(&mut self, errno: i32) -> Label {
        self.decide(libc::SECCOMP_RET_ERRNO | (errno as u32 & libc::SECCOMP_RET_DATA))
    }

    /// Loads the call's number and goes on to `next`.
    pub fn load_number(&mut self, next: Label) -> Label {
        self.before(LOAD, offset_of!(libc::seccomp_data, nr) as u32, next)
    }

    pub fn load_architecture(&mut self, next: Label) -> Label {
        self.before(LOAD, offset_of!(libc::seccomp_data, arch) as u32, next)
    }

    /// Loads the low half of an argument: all that the kernel looks at where the argument is an `int`.
    pub fn load_argument(&mut self, index: usize, next: Label) -> Label {
        let low_half = if cfg!(target_endian = "big") { 4 } else { 0 };
        self.before(LOAD, (offset_of!(libc::seccomp_data, args) + 8 * index + low_half) as u32, next)
    }

    /// Keeps only the bits of `mask` of the loaded word.
    pub fn mask(&mut self, mask: u32, next: Label) -> Label {
        self.before(AND, mask, next)
    }

    pub fn branch(&mut self, test: Test, k: u32, then: Label, otherwise: Label) -> Label {
        let (then, otherwise) = (self.within_reach(then), self.within_reach(otherwise));
        let skip = |to: Label| (self.reversed.len() - to.0 - 1) as u8;
        let (jt, jf) = (skip(then), skip(otherwise));
        self.write(test.code(), k, jt, jf)
    }

    /// `then` where the loaded word is one of `values`.
    pub fn one_of(&mut self, values: &[u32], then: Label, otherwise: Label) -> Label {
        values.iter().rev().fold(otherwise, |rest, &value| self.branch(Test::Equal, value, then, rest))
    }

    /// The program that begins at `start`.
    pub fn finish(mut self, start: Label) -> Vec<SockFilter> {
        self.directly_before(start);
        self.reversed.reverse();
        self.reversed
    }

    fn decide(&mut self, decision: u32) -> Label {
        let near = self.reversed.len().saturating_sub(REACH);
        let same = |at: &usize| u32::from(self.reversed[*at].code) == RETURN && self.reversed[*at].k == decision;
        match (near..self.reversed.len()).find(same) {
            Some(at) => Label(at),
            None => self.write(RETURN, decision, 0, 0),
        }
    }

    /// An instruction that always goes on to `next`.
    fn before(&mut self, code: u32, k: u32, next: Label) -> Label {
        self.directly_before(next);
        self.write(code, k, 0, 0)
    }

    fn directly_before(&mut self, next: Label) {
        if next.0 + 1 != self.reversed.len() {
            self.jump(next);
        }
    }

    fn within_reach(&mut self, label: Label) -> Label {
        if self.reversed.len() - label.0 - 1 <= REACH { label } else { self.jump(label) }
    }

    fn jump(&mut self, to: Label) -> Label {
        let skip = self.reversed.len() - to.0 - 1;
        self.write(JUMP, skip as u32, 0, 0)
    }

    fn write(&mut self, code: u32, k: u32, jt: u8, jf: u8) -> Label {
        // Every code of classic BPF fits in 16 bits.
        self.reversed.push(SockFilter { code: code as u16, jt, jf, k });
        Label(self.reversed.len() - 1)
    }
}
