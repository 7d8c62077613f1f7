//! Any bytes as an export of events as XML and as net events: no panic, every byte accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::text;
use plainsight::evidence::EvidenceId;
use plainsight_fuzz::balance_log;

fuzz_target!(|bytes: &[u8]| {
    let mut events = 0;
    let summary = text::xml::read(&mut { bytes }, EvidenceId(1), &mut |_event| events += 1);
    balance_log(bytes, &summary, events);
    let mut events = 0;
    let summary = text::netevents::read(&mut { bytes }, EvidenceId(1), &mut |_event| events += 1);
    balance_log(bytes, &summary, events);
});
