//! What every decoder must keep to. Run with `cargo +nightly fuzz run <target>` in `native/`.

use std::fmt::Debug;

use atoll_box::wire::frame::{HEADER_BYTES, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A body is refused, or it is a message that comes back as it was.
pub fn decodes_to_what_it_encodes<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) {
    let Ok(message) = decode::<T>(body) else { return };
    let mut frame = Vec::new();
    encode(&mut frame, 0, &message);
    let again = decode::<T>(&frame[HEADER_BYTES..]).expect("our own encoding is taken");
    assert_eq!(again, message);
}
