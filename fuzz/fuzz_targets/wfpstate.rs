//! Any bytes as the filtering platform's state: no panic, every byte accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::text::state::wfpstate;
use plainsight::evidence::EvidenceId;
use plainsight_fuzz::balance_log;

fuzz_target!(|bytes: &[u8]| {
    let mut events = 0;
    let mut sink = |_event| events += 1;
    let summary = wfpstate::read(&mut { bytes }, EvidenceId(1), &mut sink);
    balance_log(bytes, &summary, events);
});
