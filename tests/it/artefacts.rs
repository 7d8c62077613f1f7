//! What a capture does to the truth: packets shown more than once change no count but their own.

use crate::support::ike_builder::write;
use crate::support::truth::report;
use plainsight::policy::Policy;
use plainsight::report::schema::Report;
use std::path::Path;

/// The records of a little-endian pcap file with microseconds: time and the rest of the record.
fn records(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut records = Vec::new();
    let mut rest = &file[24..];
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let (data, next) = behind.split_at(word(8) as usize);
        let time = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
        records.push((time, [&header[8..], data].concat()));
        rest = next;
    }
    records
}

/// A pcap file of records in order of time.
fn pcap(head: &[u8], mut records: Vec<(u64, Vec<u8>)>) -> Vec<u8> {
    records.sort_by_key(|(time, _)| *time);
    let mut file = head.to_vec();
    for (time, rest) in records {
        file.extend(u32::try_from(time / 1_000_000).unwrap().to_le_bytes());
        file.extend(u32::try_from(time % 1_000_000).unwrap().to_le_bytes());
        file.extend(rest);
    }
    file
}

fn report_of(file: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap");
    write(&path, file);
    report(vec![path], Policy::default())
}

/// What must not change when every packet is shown twice: all but frame numbers.
fn statements_of(report: &Report) -> Vec<String> {
    let mut reported = vec![format!("{} {:?}", report.verdict, report.totals.by_class)];
    reported.extend(report.windows.iter().map(|w| {
        let causes: Vec<_> = w.causes.iter().map(|c| c.reason.as_str()).collect();
        format!("{} {} {} {} {} {causes:?}", w.start, w.end, w.frames, w.bytes, w.mixed)
    }));
    reported.extend(report.pairs.iter().map(|p| format!("{} {} {:?}", p.a, p.b, p.by_class)));
    reported.extend(report.protected.iter().map(|p| format!("{} {}", p.start, p.frames)));
    reported.extend(
        report
            .ike_exchanges
            .iter()
            .map(|x| format!("{} {:?} {} {}", x.outcome, x.reason, x.messages, x.retransmissions)),
    );
    reported
}

#[test]
fn a_mirror_that_sees_every_packet_twice_changes_no_count_but_its_own() {
    for sample in ["healthy", "psk_mismatch", "service_stopped", "esp_null", "fail_closed"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
        let file = std::fs::read(path.join("capture.pcap")).unwrap();
        let plain = report_of(&file);
        let once = records(&file);
        // Within microseconds, and from a second port whose clock is two milliseconds ahead.
        for later in [3, 2000] {
            let again = once.iter().map(|(time, rest)| (time + later, rest.clone()));
            let twice: Vec<_> = once.iter().cloned().chain(again).collect();
            let report = report_of(&pcap(&file[..24], twice));
            assert_eq!(statements_of(&report), statements_of(&plain), "{sample}, {later} µs later");
            let copies = report.totals.artefacts["duplicate_packet"].frames;
            assert_eq!(report.totals.frames + copies, report.evidence[0].records);
        }
    }
}
