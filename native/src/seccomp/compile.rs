//! From verdicts to instructions: a balanced binary search over ranges of numbers with one verdict each.

use super::SockFilter;
use super::assembler::{Assembler, Label, Test};
use super::table::{Entry, Verdict};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e; // AUDIT_ARCH_X86_64
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7; // AUDIT_ARCH_AARCH64

/// The x32 calls are a second door to the same kernel functions under other numbers.
#[cfg(target_arch = "x86_64")]
const X32: Option<u32> = Some(0x4000_0000);
#[cfg(target_arch = "aarch64")]
const X32: Option<u32> = None;

/// What a tracer writes to skip a call (`strace --inject`); the kernel asks the filter about it too.
const SKIPPED_BY_TRACER: u32 = u32::MAX;

/// From `start` up to the next range's start.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u32,
    verdict: Verdict,
}

/// `entries` are sorted by number, no number twice.
pub(super) fn compile(entries: &[Entry]) -> Vec<SockFilter> {
    let mut asm = Assembler::default();
    let search = search(&mut asm, &ranges(entries));
    let kill = asm.kill();
    let search = asm.load_number(search);
    let start = asm.branch(Test::Equal, ARCHITECTURE, search, kill);
    let start = asm.load_architecture(start);
    asm.finish(start)
}

fn ranges(entries: &[Entry]) -> Vec<Range> {
    let mut ranges = vec![Range { start: 0, verdict: Verdict::UNKNOWN }];
    for entry in entries {
        ranges.pop_if(|gap| gap.start == entry.number);
        ranges.push(Range { start: entry.number, verdict: entry.verdict });
        ranges.push(Range { start: entry.number + 1, verdict: Verdict::UNKNOWN });
    }
    if let Some(start) = X32 {
        ranges.push(Range { start, verdict: Verdict::Kill });
        ranges.push(Range { start: SKIPPED_BY_TRACER, verdict: Verdict::UNKNOWN });
    }
    ranges.dedup_by(|next, previous| next.verdict == previous.verdict);
    ranges
}

fn search(asm: &mut Assembler, ranges: &[Range]) -> Label {
    match ranges {
        [] => asm.kill(),
        [only] => verdict(asm, only.verdict),
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let (then, otherwise) = (search(asm, high), search(asm, low));
            asm.branch(Test::AtLeast, high[0].start, then, otherwise)
        }
    }
}

fn verdict(asm: &mut Assembler, verdict: Verdict) -> Label {
    match verdict {
        Verdict::Allow => asm.allow(),
        Verdict::Refuse(errno) => asm.refuse(errno),
        Verdict::Kill => asm.kill(),
        Verdict::Check(check) => check.write(asm),
    }
}
