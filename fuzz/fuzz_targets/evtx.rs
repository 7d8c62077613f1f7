//! Any bytes as an .evtx file, from its header to the events that the catalogue knows; the scan and the
//! `evtx` crate alone must give the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::evtx;
use plainsight::evidence::EvidenceId;

fuzz_target!(|data: &[u8]| {
    let mut reported = Vec::new();
    let log = evtx::read(&mut &*data, EvidenceId(1), &mut |event| reported.push(event));
    let mut rendered = Vec::new();
    let by_crate =
        evtx::read_by_crate(&mut &*data, EvidenceId(1), &mut |event| rendered.push(event));
    assert!(log == by_crate && reported == rendered, "the scan reads what the crate reads");
    let events = reported.iter().filter(|event| !event.recovered).count() as u64;
    let covered: u64 = log.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, data.len() as u64, "every byte is accounted for once");
    let known = log.coverage.get("records_known").map_or(0, |extent| extent.records);
    assert_eq!(known, events, "every live event is a known record");
    assert!(events <= log.records);
});
