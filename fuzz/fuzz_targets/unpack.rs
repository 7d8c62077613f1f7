//! Any bytes as a compressed file: what comes out is counted, and a failure is reported once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::evidence::{Format, Unpacking};
use std::io::Read as _;

fuzz_target!(|data: &[u8]| {
    let Format::Packed(packing) = Format::recognize(data) else { return };
    let mut unpacking = Unpacking::new(packing, data);
    let mut content = Vec::new();
    let read = unpacking.by_ref().take(ENOUGH).read_to_end(&mut content);
    assert_eq!(read.expect("a failure is an end"), content.len());
    if content.len() as u64 == ENOUGH {
        return;
    }
    let behind = unpacking.read(&mut [0; 16]).expect("a failure is an end");
    assert_eq!(behind, 0, "nothing comes behind the end");
    if let Some(problem) = unpacking.into_failure() {
        assert_eq!(problem.offset, Some(content.len() as u64));
    }
});

/// Small inputs unpack to a gigabyte; this much shows a fault as well, in less time.
const ENOUGH: u64 = 4 << 20;
