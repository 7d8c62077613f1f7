//! Any bytes as a conversation of IKEv2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight_fuzz::conversation::hold;

fuzz_target!(|data: &[u8]| hold(data, |version, _| *version = 0x20 | (*version & 0x0f)));
