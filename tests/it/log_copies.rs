//! Which records are one: copies in other files and in the same one, and what contradicts them; which names are of
//! one computer.

use crate::evtx_builder::AUDITING;
use crate::log_sources::{failed, sources, store, titles};
use crate::support::evtx_builder::evtx;
use crate::support::program::analyze;

/// A record as evtx_dump writes it; without a number where it is 0.
fn dumped(host: &str, number: u64, time: &str, event_id: u16, data: &str) -> String {
    let number = if number == 0 { String::new() } else { format!("\"EventRecordID\": {number}, ") };
    format!(
        "{{\"Event\": {{\"System\": {{\"Provider\": {{\"#attributes\": {{\"Name\": \"{AUDITING}\"}}}}, \"EventID\": {event_id}, \"Version\": 0, \"Keywords\": \"0x8010000000000000\", {number}\"TimeCreated\": {{\"#attributes\": {{\"SystemTime\": \"2026-11-23T{time}Z\"}}}}, \"Channel\": \"Security\", \"Computer\": \"{host}\"}}, \"EventData\": {{{data}}}}}}}\n"
    )
}

fn negotiation(peer: &str, cookie: &str, reason: &str) -> String {
    format!(
        "\"LocalAddress\": \"10.77.3.11\", \"RemoteAddress\": \"{peer}\", \"FailureReason\": \"{reason}\", \"InitiatorCookie\": \"{cookie}\", \"ResponderCookie\": \"15e7e16187511323\""
    )
}

const COOKIE: &str = "7fff978978cca0fd";
const REFUSED: &str = "IKE authentication credentials are unacceptable";
const DROP: &str = "\"RemoteAddress\": \"10.77.3.20\", \"SPI\": \"0\"";

/// An event: its number, its peer, and how many copies it has.
type Judged = (u64, Option<String>, usize);

/// The events of files with these contents: number, peer, and how many copies.
fn judged(files: &[(&str, &str)]) -> (Vec<Judged>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        store(folder.path(), name, text.as_bytes());
    }
    let report = analyze(&[folder.path()], &["--timezone", "UTC"]);
    let events = report.log_events.iter();
    let events = events.map(|e| (e.written_as, e.peer.clone(), e.copies.len())).collect();
    let problems = report.evidence.iter().flat_map(|file| &file.problems);
    (events, problems.map(|problem| problem.code.clone()).collect())
}

#[test]
fn records_with_different_numbers_are_different_however_alike() {
    let one = dumped("WS01.corp.example", 100, "08:06:40.100", 4963, DROP);
    let other = dumped("WS01.corp.example", 101, "08:06:40.900", 4963, DROP);
    let (events, _) = judged(&[("archive.jsonl", &one), ("live.jsonl", &other)]);
    assert_eq!(events.iter().map(|e| (e.0, e.2)).collect::<Vec<_>>(), [(100, 0), (101, 0)]);
    // The same of negotiations, to the microsecond.
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let one = dumped("WS01", 7, "08:06:40.816665", 4653, &data);
    let other = dumped("WS01", 8, "08:06:40.816665", 4653, &data);
    let (events, _) = judged(&[("a.jsonl", &one), ("b.jsonl", &other)]);
    assert_eq!(events.iter().map(|e| e.0).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn a_position_in_a_file_is_no_number() {
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let full = dumped("WS01", 1, "08:06:40.816665", 4653, &data);
    // Its first record is the first of the other file by position only.
    let other_peer = negotiation("10.99.99.99", "aaaaaaaaaaaaaaaa", REFUSED);
    for contradicting in [
        dumped("WS01", 0, "08:06:40", 4653, &other_peer),
        dumped(
            "WS01",
            0,
            "08:06:40",
            4653,
            &negotiation("10.77.3.20", "cccc978978cca0fd", REFUSED),
        ),
        dumped(
            "WS01",
            0,
            "08:06:40",
            4653,
            &negotiation("10.77.3.20", COOKIE, "No response from peer."),
        ),
        dumped("WS01", 0, "08:06:40", 4654, &data),
    ] {
        let (events, problems) = judged(&[("a.jsonl", &full), ("b.jsonl", &contradicting)]);
        assert_eq!(events.len(), 2, "{contradicting}");
        assert!(problems.is_empty(), "nothing says that they are one: {problems:?}");
    }
    // The same content is the same record, once for each.
    let same = dumped("WS01", 0, "08:06:40", 4653, &data);
    let (events, _) = judged(&[("a.jsonl", &full), ("b.jsonl", &same)]);
    assert_eq!(events.iter().map(|e| e.2).collect::<Vec<_>>(), [1]);
    let (events, _) = judged(&[("a.jsonl", &full), ("b.jsonl", &same.repeat(2))]);
    assert_eq!(events.iter().map(|e| e.2).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn copies_that_contradict_each_other_are_both_kept_and_named() {
    let record = |number, id, data: &str| dumped("WS01", number, "08:06:40.816665", id, data);
    let original = record(5191, 4653, &negotiation("10.77.3.20", COOKIE, REFUSED));
    for copy in [
        record(5191, 4653, &negotiation("10.77.3.99", COOKIE, REFUSED)),
        record(5191, 4653, &negotiation("10.77.3.20", COOKIE, "No response from peer.")),
        record(5191, 4963, DROP),
    ] {
        let (events, problems) = judged(&[("a.jsonl", &original), ("b.jsonl", &copy)]);
        assert_eq!(
            (events.len(), &problems[..]),
            (2, &["record_differs".to_owned()][..]),
            "{copy}"
        );
    }
    // Whichever file says less contradicts nothing.
    let less = record(5191, 4653, "\"RemoteAddress\": \"10.77.3.20\"");
    let (events, problems) = judged(&[("a.jsonl", &original), ("b.jsonl", &less)]);
    assert_eq!((events.len(), problems.len()), (1, 0));
    // A log of Windows that an export contradicts.
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), "Security.evtx", &evtx(&[failed("WS01", 5, 0)]));
    let read = analyze(&[folder.path()], &[]);
    let time = read.log_events[0].time.clone().unwrap();
    let copy = dumped("WS01", 5, "00:00:00", 4653, &negotiation("10.1.1.1", COOKIE, REFUSED));
    let copy = copy.replace("2026-11-23T00:00:00Z", &time);
    store(folder.path(), "export.jsonl", copy.as_bytes());
    let report = analyze(&[folder.path()], &[]);
    assert_eq!(report.log_events.len(), 2);
    let problem =
        report.evidence[1].problems.iter().find(|it| it.code == "record_differs").unwrap();
    assert!(problem.text.contains("record 5 of E1"), "{}", problem.text);
}

#[test]
fn a_record_that_a_file_holds_twice_counts_once() {
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let line = dumped("WS01", 5191, "08:06:40.816665", 4653, &data);
    let (events, _) = judged(&[("sent_again.jsonl", &line.repeat(3))]);
    assert_eq!(events, [(5191, Some("10.77.3.20".to_owned()), 1)]);
    // A chunk that lies twice in a log.
    let events = [failed("WS01", 1, 0), failed("WS01", 2, 10)];
    let file = evtx(&events);
    let twice = [&file[..], &file[4096..]].concat();
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), "Security.evtx", &twice);
    let report = analyze(&[folder.path()], &[]);
    assert_eq!(report.log_events.iter().map(|e| e.record).collect::<Vec<_>>(), [1, 2]);
    let problems = &report.evidence[0].problems;
    let twice = problems.iter().find(|problem| problem.code == "numbers_twice").unwrap();
    assert!(twice.text.starts_with("2 records"), "{}", twice.text);
    // Records without numbers are as many as the file has.
    let nameless = dumped("WS01", 0, "08:06:40.816665", 4963, DROP);
    assert_eq!(judged(&[("a.jsonl", &nameless.repeat(3))]).0.len(), 3);
}

#[test]
fn the_same_record_has_its_computers_name_with_and_without_domain() {
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let of = |host| dumped(host, 5191, "08:06:40.816665", 4653, &data);
    let (full, upper, short) = (of("WS01.corp.example"), of("WS01.CORP.EXAMPLE"), of("ws01"));
    let (events, _) = judged(&[("a.jsonl", &full), ("b.jsonl", &upper), ("c.jsonl", &short)]);
    assert_eq!(events.iter().map(|e| e.2).collect::<Vec<_>>(), [2]);
    // With two full names, the short one may be either.
    let other = dumped("WS01.other.example", 9, "09:00:00", 4963, DROP);
    let (events, _) = judged(&[("a.jsonl", &full), ("b.jsonl", &other), ("c.jsonl", &short)]);
    assert_eq!(events.len(), 3);
}

#[test]
fn an_export_that_rounds_or_drops_seconds_holds_the_same_record() {
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let exact = dumped("WS01", 5191, "08:06:40.999700", 4653, &data);
    for (time, copies) in [("08:06:41.000", 1), ("08:06:40", 1), ("08:06:42", 0)] {
        let rounded = dumped("WS01", 5191, time, 4653, &data);
        let (events, _) = judged(&[("a.jsonl", &exact), ("b.jsonl", &rounded)]);
        assert_eq!(events[0].2, copies, "{time}");
    }
    // A spreadsheet shows no seconds.
    let saved = |number: u64, time: &str, peer: &str| {
        format!(
            "RecordId,Id,ProviderName,LogName,MachineName,TimeCreated,Message\r\n{number},4653,{AUDITING},Security,WS01,{time},\"An IPsec main mode negotiation failed.\n\nLocal Endpoint:\n\tLocal Principal Name:\t-\n\tNetwork Address:\t10.77.3.11\n\tKeying Module Port:\t500\n\nRemote Endpoint:\n\tPrincipal Name:\t-\n\tNetwork Address:\t{peer}\n\tKeying Module Port:\t500\n\nAdditional Information:\n\tKeying Module Name:\tIKEv1\n\tAuthentication Method:\tPreshared key\n\tRole:\tInitiator\n\tImpersonation State:\tNot enabled\n\tMain Mode Filter ID:\t66063\n\nFailure Information:\n\tFailure Point:\tRemote computer\n\tFailure Reason:\t{REFUSED}\n\n\tState:\tSent second (KE) payload\n\tInitiator Cookie:\t{COOKIE}\n\tResponder Cookie:\t15e7e16187511323\n\"\r\n"
        )
    };
    let kept = |text: &str| judged(&[("a.jsonl", &exact), ("excel.csv", text)]).0.len();
    assert_eq!(kept(&saved(5191, "11/23/2026 08:06", "10.77.3.20")), 1);
    assert_eq!(kept(&saved(5191, "11/23/2026 08:08", "10.77.3.20")), 2);
    assert_eq!(kept(&saved(5192, "11/23/2026 08:06", "10.77.3.20")), 2);
    assert_eq!(kept(&saved(5191, "11/23/2026 08:06", "10.77.3.21")), 2);
}

#[test]
fn an_export_proves_no_rename() {
    let data =
        |local: &str| negotiation("10.77.3.20", COOKIE, REFUSED).replace("10.77.3.11", local);
    let line = |host, number, time, local| dumped(host, number, time, 4653, &data(local));
    for (hosts, numbers) in [
        (["WS01.corp.example", "FS01.corp.example"], [5190, 5191]),
        (["WS01.a.example", "WS01.b.example"], [5190, 6191]),
        (["", "WS01.corp.example"], [5190, 5191]),
    ] {
        let text = line(hosts[0], numbers[0], "08:06:40", "10.77.3.11")
            + &line(hosts[1], numbers[1], "08:07:40", "10.77.3.12");
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), "x.jsonl", text.as_bytes());
        let report = analyze(&[folder.path()], &[]);
        let all = sources(&report);
        assert!(all.iter().all(|source| source.3.is_none() && source.2), "{all:?}");
        let log = report.evidence[0].log_coverage.as_ref().unwrap();
        let of = |place: usize| log.sources[place].addresses.iter().map(|a| &*a.address);
        assert_eq!(of(0).collect::<Vec<_>>(), ["10.77.3.11"]);
        assert_eq!(of(1).collect::<Vec<_>>(), ["10.77.3.12"]);
    }
}

#[test]
fn a_log_file_proves_a_rename_only_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let later = [failed("FS01", 1, 500), failed("WS01", 2, 10)];
    store(folder.path(), "Security.evtx", &evtx(&later));
    let all = sources(&analyze(&[folder.path()], &[]));
    assert!(all.iter().all(|source| source.3.is_none() && source.2), "{all:?}");
    // Two domains, and numbers that leave a gap.
    let domains = [failed("WS01.a.example", 1, 0), failed("WS01.b.example", 9, 10)];
    store(folder.path(), "Security.evtx", &evtx(&domains));
    assert!(sources(&analyze(&[folder.path()], &[])).iter().all(|s| s.3.is_none() && s.2));
}

#[test]
fn a_name_that_comes_back_proves_no_rename() {
    let folder = tempfile::tempdir().unwrap();
    let own = [failed("WS01", 1, 0), failed("WS02", 2, 10), failed("WS01", 3, 30)];
    store(folder.path(), "Security.evtx", &evtx(&own));
    let all = sources(&analyze(&[folder.path()], &[]));
    assert!(all.iter().all(|source| source.2 && source.3.is_none()), "{all:?}");
}

#[test]
fn records_that_name_no_computer_claim_no_address_for_another_one() {
    let data = negotiation("10.77.3.20", COOKIE, REFUSED);
    let named = dumped("WS01", 5191, "08:06:40", 4653, &data);
    let nameless = dumped("", 77, "10:06:40", 4653, &data);
    let other = dumped("DC01", 12, "09:00:00", 4653, &data);
    let ambiguous = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| store(folder.path(), name, text.as_bytes()));
        titles(&analyze(&[folder.path()], &[]), "address_ambiguous").len()
    };
    assert_eq!(ambiguous(&[("a.jsonl", &named), ("b.jsonl", &nameless)]), 0);
    assert_eq!(ambiguous(&[("a.jsonl", &named), ("c.jsonl", &other)]), 1);
}
