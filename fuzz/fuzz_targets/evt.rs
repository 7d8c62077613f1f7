//! Any bytes as a .evt log: no panic, and every byte accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::evt;
use plainsight::evidence::EvidenceId;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = bytes;
    let summary = evt::read(&mut reader, EvidenceId(1), &mut |_event| {});
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, bytes.len() as u64);
});
