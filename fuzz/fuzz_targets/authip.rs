//! Any bytes as a conversation of AuthIP.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight_fuzz::conversation::hold;

fuzz_target!(|data: &[u8]| hold(data, |version, exchange| {
    *version = 0x10;
    *exchange = 243 + (*exchange & 3);
}));
