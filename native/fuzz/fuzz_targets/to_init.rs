//! What the supervisor says to init.
#![no_main]

use atoll_box::wire::inside::ToInit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| atoll_box_fuzz::decodes_to_what_it_encodes::<ToInit>(body));
