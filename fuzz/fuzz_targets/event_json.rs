//! Any bytes as an export of events as JSON: no panic, every byte accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::text;
use plainsight::evidence::EvidenceId;
use plainsight_fuzz::balance_log;

fuzz_target!(|bytes: &[u8]| {
    let mut events = 0;
    let summary = text::json::read(&mut { bytes }, EvidenceId(1), None, &mut |_event| events += 1).0;
    balance_log(bytes, &summary, events);
});
