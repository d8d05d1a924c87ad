//! From verdicts to instructions: a balanced binary search over ranges of numbers with one verdict each.

use super::SockFilter;
use super::assembler::{Block, Test, allow, branch, kill, refuse, with_architecture, with_number};
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
    let search = with_number(tree(&ranges(entries)));
    with_architecture(branch(Test::Equal, ARCHITECTURE, search, kill()))
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

fn tree(ranges: &[Range]) -> Block {
    match ranges {
        [] => kill(),
        [only] => leaf(only.verdict),
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            branch(Test::AtLeast, high[0].start, tree(high), tree(low))
        }
    }
}

fn leaf(verdict: Verdict) -> Block {
    match verdict {
        Verdict::Allow => allow(),
        Verdict::Refuse(errno) => refuse(errno),
        Verdict::Kill => kill(),
        Verdict::Check(check) => check.block(),
    }
}
