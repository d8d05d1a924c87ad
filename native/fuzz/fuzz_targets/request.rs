//! What a server says to the supervisor.
#![no_main]

use atoll_box::wire::server::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| atoll_box_fuzz::decodes_to_what_it_encodes::<Request>(body));
