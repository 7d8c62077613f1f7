//! Any octets as objects of PowerShell in XML: no panic, every octet accounted for, every event known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::{LogSummary, text};
use plainsight::evidence::EvidenceId;
use plainsight::time::Zone;

fuzz_target!(|octets: &[u8]| {
    let mut events = 0;
    let zone = Zone::parse("Europe/Berlin");
    let mut sink = |_event| events += 1;
    let summary = text::object_xml::read(&mut { octets }, EvidenceId(1), zone.as_ref(), &mut sink).0;
    check(octets, &summary, events);
});

fn check(octets: &[u8], summary: &LogSummary, events: u64) {
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, octets.len() as u64);
    let records = |bucket| summary.coverage.get(bucket).map_or(0, |extent| extent.records);
    assert_eq!(records("records_known"), events);
    assert_eq!(records("records_known") + records("records_other"), summary.records);
}
