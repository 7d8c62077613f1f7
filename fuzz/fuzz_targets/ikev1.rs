//! Any bytes as a conversation of IKEv1.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight_fuzz::conversation::hold;

fuzz_target!(|data: &[u8]| hold(data, |version, exchange| {
    *version = 0x10 | (*version & 0x0f);
    // The exchange types from 243 to 246 would make it AuthIP.
    if (243..=246).contains(exchange) {
        *exchange -= 241;
    }
}));
