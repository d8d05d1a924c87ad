//! What init says to the supervisor: the words of the enemy.
#![no_main]

use atoll_box::wire::inside::FromInit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| atoll_box_fuzz::decodes_to_what_it_encodes::<FromInit>(body));
