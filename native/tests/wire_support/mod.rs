//! Messages of every kind, and how fixtures show them.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod inside;
pub mod readable;
pub mod refused;
pub mod replies;
pub mod requests;

use serde_bytes::ByteBuf;

pub fn bytes(content: impl AsRef<[u8]>) -> ByteBuf {
    ByteBuf::from(content.as_ref())
}

pub fn all_bytes(contents: &[&str]) -> Vec<ByteBuf> {
    contents.iter().map(bytes).collect()
}

/// A name in plain words, and the message.
pub type Named<T> = (&'static str, T);

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
