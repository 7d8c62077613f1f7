//! Any bytes as the log of a gateway's IKE daemon: no panic, every byte accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::text;
use plainsight::evidence::EvidenceId;
use plainsight::time::Zone;
use plainsight_fuzz::balance_log;

fuzz_target!(|bytes: &[u8]| {
    let mut events = 0;
    let zone = Zone::parse("Europe/Berlin");
    let mut sink = |_event| events += 1;
    let summary = text::gateway::read(&mut { bytes }, EvidenceId(1), zone.as_ref(), &mut sink).0;
    balance_log(bytes, &summary, events);
});
