//! Any octets as an .evtx file, from its header to the events that the catalogue knows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::evtx;
use plainsight::evidence::EvidenceId;

fuzz_target!(|data: &[u8]| {
    let mut events: u64 = 0;
    let log = evtx::read(&mut &*data, EvidenceId(1), &mut |_| events += 1);
    let covered: u64 = log.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, data.len() as u64, "every octet is accounted for once");
    let known = log.coverage.get("records_known").map_or(0, |extent| extent.records);
    assert_eq!(known, events, "every event is a known record");
    assert!(events <= log.records);
});
