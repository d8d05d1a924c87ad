//! Atoll's native half: the supervisor of a node, the zygote that clones sandboxes, and PID 1 of each.
//! ARCHITECTURE.md follows one request through all of it.

pub mod etc;
pub mod files;
pub mod init;
pub mod output;
pub mod seccomp;
pub mod setup;
pub mod supervisor;
pub mod sys;
pub mod wire;
pub mod zygote;
