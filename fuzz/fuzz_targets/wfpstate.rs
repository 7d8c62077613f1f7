//! Any octets as the filtering platform's state: no panic, every octet accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::text::state::wfpstate;
use plainsight::evidence::EvidenceId;
use plainsight_fuzz::balance_log;

fuzz_target!(|octets: &[u8]| {
    let mut events = 0;
    let mut sink = |_event| events += 1;
    let summary = wfpstate::read(&mut { octets }, EvidenceId(1), &mut sink);
    balance_log(octets, &summary, events);
});
