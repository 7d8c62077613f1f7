//! Any octets as an export of events as CSV: no panic, every octet accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::{LogSummary, text};
use plainsight::evidence::EvidenceId;

fuzz_target!(|octets: &[u8]| {
    let mut events = 0;
    let summary = text::csv::read(&mut { octets }, EvidenceId(1), None, &mut |_event| events += 1).0;
    check(octets, &summary, events);
});

fn check(octets: &[u8], summary: &LogSummary, events: u64) {
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, octets.len() as u64);
    let records = |bucket| summary.coverage.get(bucket).map_or(0, |extent| extent.records);
    assert_eq!(records("records_known"), events);
    assert_eq!(records("records_known") + records("records_other"), summary.records);
}
