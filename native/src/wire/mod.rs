//! Everything that crosses a process boundary of ours.
//!
//! One frame is `u32 length | u32 channel | body` (little endian; `length` counts what follows
//! it). The body is one MessagePack value: a tagged message of [`server`] (server ↔ supervisor)
//! or [`inside`] (supervisor ↔ init). Message `Name { a, b }` is the map `{"Name": [a, b]}`,
//! `Name` alone is the string `"Name"`. A tag or a field that is not known is refused.
//!
//! `channel` pairs a request with its one reply; channel 0 carries events that nobody asked for.

pub mod files;
pub mod frame;
pub mod inside;
pub mod server;
