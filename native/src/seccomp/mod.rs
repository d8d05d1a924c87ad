//! The system-call filter of sandboxed commands, in the manner of the container engines' profiles: what is not
//! listed does not exist (ENOSYS, so that libraries fall back), what is known and dangerous is refused.
//!
//! [`table`] is the policy, one verdict a system call; [`compile`] turns it into classic BPF, a binary search over
//! ranges of numbers. The kernel tries a filter on every number when it is installed, so its depth is what it costs.

mod assembler;
mod check;
mod compile;
mod install;
mod numbers;
mod policy;
mod table;

#[cfg(test)]
mod tests;

pub use assembler::SockFilter;
pub use check::Check;
pub use install::install;
pub use table::{Entry, Verdict, table};

/// The filter of this machine's architecture. Build it once: it is the same for every sandbox.
pub fn program() -> Vec<SockFilter> {
    compile::compile(&table())
}
