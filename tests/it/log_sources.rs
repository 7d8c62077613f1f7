//! Whose records a log holds: collectors' files, renamed computers, copies, hidden records, chunks alone.

use crate::evtx_builder::{AUDITING, read, samples};
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::program::analyze;
use plainsight::evidence::{LogProblem, ProblemCode};
use plainsight::report::schema::Report;
use std::io::Write as _;
use std::path::Path;

/// 134,000,000,000,000,000 intervals of 100 ns since 1601, in July 2025.
const START: u64 = 134_000_000_000_000_000;
const SECOND: u64 = 10_000_000;

pub(crate) fn store(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// A failed negotiation that a computer logged.
pub(crate) fn failed(computer: &str, record: u64, seconds: u64) -> Event {
    let (computer, time) = (computer.to_owned(), START + seconds * SECOND);
    Event { computer, record, time, ..samples().remove(0) }
}

/// A change of auditing: the seventh sample.
fn silenced(computer: &str, record: u64, seconds: u64) -> Event {
    let (computer, time) = (computer.to_owned(), START + seconds * SECOND);
    Event { computer, record, time, ..samples().remove(6) }
}

fn renamed(old: &str, new: &str, record: u64, seconds: u64) -> Event {
    let text = |name: &str| Scalar::Text(name.to_owned());
    Event {
        provider: "EventLog",
        channel: "System",
        computer: new.to_owned(),
        event_id: 6011,
        record,
        time: START + seconds * SECOND,
        body: Body::Unnamed(vec![text(old), text(new)]),
        ..samples().remove(0)
    }
}

/// Each record gets the number of its place in the file, as a collector numbers them.
fn collected(events: &[Event]) -> Vec<u8> {
    let mut file = evtx(events);
    let mut number = 0_u64;
    for at in (4096 + 512..file.len() - 16).step_by(8) {
        if file[at..].starts_with(b"**\0\0") {
            number += 1;
            file[at + 8..at + 16].copy_from_slice(&number.to_le_bytes());
        }
    }
    file[4096 + 32..4096 + 40].copy_from_slice(&number.to_le_bytes());
    file
}

pub(crate) fn sources(report: &Report) -> Vec<(String, u64, bool, Option<String>)> {
    let files = report.evidence.iter().filter_map(|file| file.log_coverage.as_ref());
    files
        .flat_map(|log| &log.sources)
        .map(|s| (s.host.clone(), s.records, s.is_selection, s.renamed_from.clone()))
        .collect()
}

pub(crate) fn titles<'r>(report: &'r Report, code: &str) -> Vec<&'r str> {
    let found = report.findings.iter().filter(|finding| finding.code == code);
    found.map(|finding| finding.title.as_str()).collect()
}

#[test]
fn a_collector_gives_no_computer_the_record_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let events = [
        failed("FS01.corp.example", 700, 0),
        silenced("ZZ99.corp.example", 31, 10),
        failed("FS01.corp.example", 702, 90_000),
        failed("ZZ99.corp.example", 32, 90_001),
    ];
    store(folder.path(), "ForwardedEvents.evtx", &collected(&events));
    let report = analyze(&[folder.path()], &[]);
    let fs01 = ("FS01.corp.example".to_owned(), 2, true, None);
    let zz99 = ("ZZ99.corp.example".to_owned(), 2, true, None);
    assert_eq!(sources(&report), [fs01, zz99]);
    let log = report.evidence[0].log_coverage.as_ref().unwrap();
    let marks: Vec<_> = log.marks.iter().map(|m| (m.host.as_str(), m.event_id)).collect();
    assert_eq!(marks, [("ZZ99.corp.example", 4719)]);
    assert!(log.silences.is_empty(), "a day between two records of a collector is no silence");
    let numbers: Vec<_> =
        report.log_events.iter().map(|e| (e.host.as_str(), e.record, e.written_as)).collect();
    assert_eq!(
        numbers,
        [
            ("FS01.corp.example", 1, 700),
            ("FS01.corp.example", 3, 702),
            ("ZZ99.corp.example", 2, 31),
            ("ZZ99.corp.example", 4, 32),
        ]
    );
    let reduced = titles(&report, "auditing_reduced");
    assert_eq!(reduced.len(), 1);
    assert!(reduced[0].starts_with("ZZ99.corp.example: "), "{reduced:?}");
}

#[test]
fn a_renamed_computer_is_one_and_its_heir_of_the_name_another() {
    let folder = tempfile::tempdir().unwrap();
    let own = [
        failed("WIN-ABC", 1, 0),
        failed("WIN-ABC", 2, 10),
        failed("FS01", 3, 20),
        failed("FS01", 4, 30),
    ];
    store(folder.path(), "Security.evtx", &evtx(&own));
    store(folder.path(), "System.evtx", &evtx(&[renamed("WIN-ABC", "FS01", 9, 15)]));
    let report = analyze(&[folder.path()], &[]);
    let renamed_from: Vec<_> = sources(&report).into_iter().map(|s| (s.0, s.2, s.3)).collect();
    let win = ("WIN-ABC".to_owned(), false, None);
    let fs01 = ("FS01".to_owned(), false, Some("WIN-ABC".to_owned()));
    assert_eq!(renamed_from, [win, fs01, ("FS01".to_owned(), false, None)]);
    // One computer: its address is claimed by nobody else.
    assert!(titles(&report, "address_ambiguous").is_empty());
    // Another machine takes the old name over afterwards: it is not this one.
    store(folder.path(), "heir.evtx", &evtx(&[failed("WIN-ABC", 77, 5_000)]));
    let report = analyze(&[folder.path()], &[]);
    assert_eq!(titles(&report, "address_ambiguous").len(), 1);
}

#[test]
fn a_record_in_several_files_counts_once_and_names_its_copies() {
    let folder = tempfile::tempdir().unwrap();
    let live: Vec<Event> = (1..=4).map(|n| failed("WS01", n, n * 60)).collect();
    store(folder.path(), "Security.evtx", &evtx(&live));
    store(folder.path(), "vss/Security.evtx", &evtx(&live[..3]));
    store(
        folder.path(),
        "collector.evtx",
        &collected(&[failed("WS01", 2, 120), failed("DC", 9, 1)]),
    );
    let report = analyze(&[folder.path()], &[]);
    let reported: Vec<_> = report
        .log_events
        .iter()
        .map(|e| {
            let copies: Vec<_> = e.copies.iter().map(|c| (&*c.evidence, c.record)).collect();
            (&*e.host, &*e.evidence, e.written_as, copies)
        })
        .collect();
    assert_eq!(
        reported,
        [
            ("WS01", "E1", 1, vec![("E3", 1)]),
            ("WS01", "E1", 2, vec![("E2", 1), ("E3", 2)]),
            ("WS01", "E1", 3, vec![("E3", 3)]),
            ("WS01", "E1", 4, vec![]),
            ("DC", "E2", 9, vec![]),
        ]
    );
    // The same number of another time is another record: the log was cleared between.
    store(folder.path(), "vss/Security.evtx", &evtx(&[failed("WS01", 1, 7_000)]));
    let report = analyze(&[folder.path()], &[]);
    assert_eq!(report.log_events.iter().filter(|e| e.written_as == 1).count(), 2);
}

/// The file with the record at this place inside the one before it.
fn hiding(events: &[Event], place: usize) -> Vec<u8> {
    let mut file = evtx(events);
    let starts: Vec<usize> = (4096 + 512..file.len() - 16)
        .step_by(8)
        .filter(|at| file[*at..].starts_with(b"**\0\0"))
        .collect();
    let end = starts.get(place + 1).copied().unwrap();
    let size = u32::try_from(end - starts[place - 1]).unwrap().to_le_bytes();
    file[starts[place - 1] + 4..][..4].copy_from_slice(&size);
    file[end - 4..end].copy_from_slice(&size);
    file
}

#[test]
fn a_record_hidden_in_the_one_before_is_named_and_read() {
    let events = [failed("WS01", 1, 0), silenced("WS01", 2, 5), failed("WS01", 3, 9)];
    let file = hiding(&events, 1);
    let (summary, found) = read(&file);
    let hidden: Vec<_> =
        summary.problems.iter().filter(|problem| problem.code() == ProblemCode::Hidden).collect();
    let [problem] = &hidden[..] else { panic!("{:?}", summary.problems) };
    let at = usize::try_from(problem.offset.unwrap()).unwrap();
    assert!(file[at..at + 24].windows(4).any(|mark| mark == b"**\0\0"), "{at}");
    let reported: Vec<_> =
        found.iter().map(|e| (e.record.record, e.event_id, e.hidden_in)).collect();
    assert_eq!(reported, [(1, 4653, None), (3, 4653, None), (2, 4719, Some(1))]);
    assert_eq!((summary.records, summary.recovered), (2, 1));
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, file.len() as u64);
    assert!(summary.coverage.contains_key("records_hidden"));
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), "Security.evtx", &file);
    let report = analyze(&[folder.path()], &[]);
    assert_eq!(
        titles(&report, "hidden_records"),
        ["WS01: 1 record hidden inside other records (E1)"]
    );
    assert!(titles(&report, "auditing_reduced").is_empty(), "nothing is concluded from it");
}

#[test]
fn a_record_hidden_in_one_that_is_not_interpreted_is_found_too() {
    let other = Event { event_id: 4624, ..failed("WS01", 1, 0) };
    let events = [other, silenced("WS01", 2, 5), failed("WS01", 3, 9)];
    let (_, found) = read(&hiding(&events, 1));
    let reported: Vec<_> = found.iter().map(|e| (e.event_id, e.hidden_in)).collect();
    assert_eq!(reported, [(4653, None), (4719, Some(1))]);
}

#[test]
fn chunks_without_the_header_of_a_file_are_read() {
    let events = [failed("WS01", 1, 0), failed("WS01", 2, 5)];
    let file = evtx(&events);
    let (summary, found) = read(&file[4096..]);
    assert_eq!(found.len(), 2);
    let codes: Vec<_> = summary.problems.iter().map(|problem| problem.code()).collect();
    assert_eq!(codes, [ProblemCode::Headless]);
    assert_eq!(summary.truncated_at, None);
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), "carved.bin", &file[4096..]);
    assert_eq!(analyze(&[folder.path()], &[]).log_events.len(), 2);
}

#[test]
fn the_end_of_a_file_is_reported_in_numbers_that_can_be() {
    let file = evtx(&[failed("WS01", 1, 0)]);
    let last = |file: &[u8]| read(file).0.problems.pop().unwrap().kind;
    let more = [&file[..], &[7; 100]].concat();
    assert_eq!(last(&more), LogProblem::ChunkCut(1).into());
    let missing = LogProblem::ChunksMissing { whole: 0, declared: 1 };
    assert_eq!(last(&file[..4096 + 70]), missing.into());
}

#[test]
fn changes_of_rules_are_read_under_the_numbers_of_windows_11() {
    const FIREWALL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security";
    const RULES: &str =
        "Microsoft-Windows-Windows Firewall With Advanced Security/ConnectionSecurity";
    const RULES_OF_ALL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
    let ids = [2053, 2058, 2061, 2067, 2075, 2080];
    for channel in [RULES, RULES_OF_ALL] {
        let event = |(id, record): (&u16, u64)| Event {
            provider: FIREWALL,
            channel,
            event_id: *id,
            body: Body::Unnamed(vec![]),
            ..failed("WS11", record, record)
        };
        let events: Vec<Event> = ids.iter().zip(1..).map(event).collect();
        let reported: Vec<u16> = read(&evtx(&events)).1.iter().map(|e| e.event_id).collect();
        assert_eq!(reported, ids, "{channel}");
    }
    let listed = Event { provider: AUDITING, event_id: 2053, ..failed("WS11", 1, 0) };
    assert!(read(&evtx(&[listed])).1.is_empty(), "the number alone says nothing");
}
