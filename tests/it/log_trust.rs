//! Whether a log can be trusted: what it says of itself, what lies outside it, whose it is, and what
//! the program makes of that.

use crate::evtx_builder::{AUDITING, read as read_evtx, samples};
use crate::support::evt_builder::{Header, Record, evt};
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::program::{analyze, plainsight, run_analyze};
use plainsight::eventlog::{LogEvent, LogSummary, MarkKind, evt as reader};
use plainsight::evidence::EvidenceId;
use plainsight::time::Timestamp;
use std::io::Write as _;
use std::path::Path;

const NOON: u32 = 1_763_035_200;

fn read_evt(file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let summary = reader::read(&mut &*file, EvidenceId(1), &mut |event| events.push(event));
    (summary, events)
}

fn record(number: u32, time: u32, source: &'static str, event_id: u32, strings: &[&str]) -> Record {
    Record {
        number,
        time,
        event_id,
        kind: if matches!(event_id, 547 | 529) { 16 } else { 8 },
        source,
        computer: "SRV2003",
        strings: strings.iter().map(|text| (*text).to_owned()).collect(),
    }
}

const FILTER: &str = "Source IP Address 10.77.3.20\r\nMask 255.255.255.255\r\nDestination IP Address 10.77.3.11\r\nMask 255.255.255.255\r\nProtocol 0\r\nSource Port 0\r\nDestination Port 0\r\nIKE Local Addr 10.77.3.20\r\nIKE Peer Addr 10.77.3.11\r\n";

fn ended(number: u32, time: u32) -> Record {
    record(number, time, "Security", 543, &[FILTER])
}

fn store(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn remnants_of_a_legacy_log_are_recovered_and_kept_apart() {
    let live = [ended(50, NOON), ended(51, NOON + 5)];
    let (summary, events) = read_evt(&evt(&live, Header::Dirty, &[ended(3, NOON - 9_000)]));
    assert_eq!((summary.records, summary.recovered), (2, 1));
    let reported: Vec<_> = events.iter().map(|e| (e.record.record, e.recovered)).collect();
    assert_eq!(reported, [(50, false), (51, false), (3, true)]);
    // What the log shows of its auditing rests on the live records alone.
    assert_eq!(summary.sources[0].trust.negotiations.len(), 2);
}

#[test]
fn records_behind_the_live_ones_of_a_chunk_are_recovered() {
    let events: Vec<Event> =
        (1..=3).map(|record| Event { record, ..samples().remove(0) }).collect();
    let whole = evtx(&events);
    let starts: Vec<usize> = (4096 + 512..whole.len())
        .step_by(8)
        .filter(|at| whole[*at..].starts_with(b"**\0\0"))
        .collect();
    // As if the third record were left over: the free space begins where it does.
    let mut file = whole.clone();
    let free = u32::try_from(starts[2] - 4096).unwrap();
    file[4096 + 32..4096 + 40].copy_from_slice(&2u64.to_le_bytes());
    file[4096 + 48..4096 + 52].copy_from_slice(&free.to_le_bytes());
    let (summary, found) = read_evtx(&file);
    assert_eq!((summary.records, summary.recovered), (2, 1));
    let reported: Vec<_> = found.iter().map(|e| (e.record.record, e.recovered)).collect();
    assert_eq!(reported, [(1, false), (2, false), (3, true)]);
    assert_eq!(read_evtx(&whole).0.recovered, 0);
}

#[test]
fn a_log_shows_its_gaps_silences_and_marks() {
    let changed = ["-", "-", "+", "-", "+", "+"].map(str::to_owned).to_vec();
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let log = [
        record(7, NOON, "Security", 612, &changed),
        record(8, NOON + 10, "Security", 540, &["eve"]),
        record(9, NOON + 7_300, "Security", 540, &["eve"]),
        record(15, NOON + 7_400, "Security", 516, &["4"]),
        record(16, NOON + 7_500, "Security", 517, &["SYSTEM"]),
        record(17, NOON + 7_600, "Security", 520, &["4"]),
        record(18, NOON + 7_000, "Security", 540, &["eve"]),
    ];
    let (summary, _) = read_evt(&evt(&log, Header::Clean, &[]));
    let at = |second: u32| Timestamp::from_seconds((NOON + second).into(), 0);
    let [gap] = &summary.gaps[..] else { panic!("{:?}", summary.gaps) };
    assert_eq!((gap.first, gap.last), (10, 14));
    assert_eq!((gap.after, gap.before), (at(7_300), at(7_400)));
    let [silence] = &summary.sources[0].trust.silences[..] else {
        panic!("{:?}", summary.sources[0].trust.silences)
    };
    assert_eq!((Some(silence.from), Some(silence.to)), (at(10), at(7_300)));
    let kinds: Vec<_> =
        summary.sources[0].trust.marks.iter().map(|m| (m.record, m.kind.as_str())).collect();
    assert_eq!(
        kinds,
        [(7, "audit_changed"), (15, "events_lost"), (16, "cleared"), (17, "clock_set")]
    );
    let [back] = &summary.sources[0].trust.setbacks[..] else {
        panic!("{:?}", summary.sources[0].trust.setbacks)
    };
    assert_eq!((back.record, Some(back.from), Some(back.to)), (18, at(7_600), at(7_000)));
    assert_eq!(summary.sources[0].trust.marks[3].kind, MarkKind::ClockSet(None));
    assert_eq!(summary.sources[0].trust.logons.len(), 2);
    assert!(summary.sources[0].trust.is_legacy);
}

#[test]
fn outgoing_connections_show_the_hosts_addresses() {
    let connection = |record: u64, direction: &str, source: &str| {
        let said = |text: &str| Scalar::Text(text.to_owned());
        let fields = vec![
            ("Direction", said(direction)),
            ("SourceAddress", said(source)),
            ("DestAddress", said("10.9.9.9")),
        ];
        let body = Body::EventData(fields, None);
        Event { record, event_id: 5156, provider: AUDITING, body, ..samples().remove(0) }
    };
    let log = [
        connection(1, "%%14593", "10.0.0.5"),
        connection(2, "%%14592", "10.0.0.6"),
        connection(3, "%%14593", "127.0.0.1"),
    ];
    let (summary, events) = read_evtx(&evtx(&log));
    assert_eq!((summary.records, events.len()), (3, 0));
    let own: Vec<String> =
        summary.sources[0].trust.connection_addresses.iter().map(ToString::to_string).collect();
    assert_eq!(own, ["10.0.0.5"]);
}

/// A Server 2003 that starts twice, audits no failures, and leaves remnants.
fn server_2003(folder: &Path) {
    let system = [
        record(1, NOON, "IPSec", 0x4000_10C7, &[""]),
        record(2, NOON + 26, "IPSec", 0x4000_10C6, &[""]),
        record(3, NOON + 9_000, "IPSec", 0x4000_10C7, &[""]),
    ];
    store(folder, "SysEvent.evt", &evt(&system, Header::Clean, &[]));
    let mut policy = vec!["-"; 18];
    policy[2] = "+";
    let security = [
        record(30, NOON, "Security", 612, &policy),
        ended(31, NOON + 60),
        record(32, NOON + 61, "Security", 540, &["eve"]),
        ended(33, NOON + 9_000),
    ];
    let file = evt(&security, Header::Clean, &[ended(5, NOON - 90_000)]);
    store(folder, "SecEvent.evt", &file);
    store(folder, "LocaleMetaData/SecEvent_1033.MTA", &[0, 1, 2, 3, 0xff, 0xfe, 9]);
}

#[test]
fn starts_auditing_and_remnants_of_server_2003_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    server_2003(folder.path());
    let (output, out) = run_analyze(&[folder.path()], &[]);
    // Rendered messages beside a log are no loss.
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = crate::support::program::report_in(&out.path().join("report"));
    let spans: Vec<_> = report
        .bypass_spans
        .iter()
        .map(|s| (s.first_record, s.last_record, s.seconds.as_ref().map(|n| n.get().to_owned())))
        .collect();
    assert_eq!(spans, [(1, Some(2), Some("26.0".to_owned())), (3, None, None)]);
    let coverage = |name: &str| {
        let file = report.evidence.iter().find(|file| file.path.ends_with(name)).unwrap();
        file.log_coverage.clone().unwrap()
    };
    let security = coverage("SecEvent.evt");
    let audit = security.audit.unwrap();
    assert_eq!(audit.state, "auditing_off", "{}", audit.why);
    assert!(audit.why.contains("failures of audit_logon_events since record 30"), "{}", audit.why);
    assert_eq!(audit.evidence[0].records, Some(vec![30]));
    let addresses: Vec<_> =
        security.addresses.iter().map(|a| (a.address.as_str(), a.sources.join(" "))).collect();
    assert_eq!(addresses, [("10.77.3.20", "event".to_owned())]);
    assert!(coverage("SysEvent.evt").audit.is_none());
    let recovered: Vec<_> = report.log_events.iter().filter(|e| e.recovered).collect();
    let [remnant] = &recovered[..] else { panic!("{recovered:?}") };
    assert_eq!((remnant.record, remnant.event_id), (5, 543));
    let advice = |code: &str| {
        let finding = report.findings.iter().find(|f| f.code == code);
        finding.unwrap_or_else(|| panic!("{code}")).advice.join("\n")
    };
    assert!(advice("auditing_off").contains("DisableIKEAudits /t REG_DWORD /d 0"));
    assert!(advice("auditing_off").contains("net stop policyagent"));
    assert!(advice("driver_bypass_span").contains("bootmode"));
    assert!(advice("recovered_records").contains("by hand"));
}

#[test]
fn inspect_shows_the_picture_of_a_log() {
    let folder = tempfile::tempdir().unwrap();
    server_2003(folder.path());
    let mut command = plainsight();
    command.current_dir(folder.path()).args(["inspect", "SecEvent.evt", "SysEvent.evt"]);
    let output = command.args(["--progress", "never"]).output().unwrap();
    insta::assert_snapshot!("inspect_log", String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_window_says_whether_its_hosts_would_have_logged_the_negotiation() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch/capture.pcap");
    let alone = analyze(&[&capture], &[]);
    for audit in &alone.windows[0].audits {
        assert_eq!(audit.audit.state, "not_covered");
        assert!(audit.hosts.is_empty() && audit.audit.clock_known.is_none());
    }
    assert!(alone.findings.iter().all(|f| f.code != "log_not_covering"));
    // A log of one of them that holds logons and no negotiation.
    let folder = tempfile::tempdir().unwrap();
    let window = Timestamp::from_rfc3339(&alone.windows[0].start).unwrap();
    let start = u32::try_from(window.0 / 1_000_000_000).unwrap();
    let log: Vec<Record> =
        (0..40).map(|n| record(n + 1, start - 600 + n * 60, "Security", 529, &["eve"])).collect();
    store(folder.path(), "SecEvent.evt", &evt(&log, Header::Clean, &[]));
    let policy = folder.path().join("policy.toml");
    let text = "[hosts]\n\"SRV2003\" = [\"10.77.3.20\"]\n";
    std::fs::File::create(&policy).unwrap().write_all(text.as_bytes()).unwrap();
    let log = folder.path().join("SecEvent.evt");
    let report = analyze(
        &[&capture, &log],
        &["--policy", policy.to_str().unwrap(), "--protect", "10.77.3.11=10.77.3.20"],
    );
    let states: Vec<_> = report.windows[0]
        .audits
        .iter()
        .map(|a| (a.address.as_str(), a.audit.state.as_str(), a.audit.clock_known))
        .collect();
    assert_eq!(
        states,
        [
            ("10.77.3.11", "not_covered", None),
            ("10.77.3.20", "disable_ike_audits_suspected", Some(false)),
        ]
    );
    let suspected =
        report.findings.iter().find(|f| f.code == "disable_ike_audits_suspected").unwrap();
    assert_eq!(suspected.confidence, "medium");
    assert_eq!(suspected.windows, ["W1"]);
    let reg =
        "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\Audit\" /v DisableIKEAudits";
    assert!(suspected.advice.iter().any(|line| line.starts_with(reg)), "{:?}", suspected.advice);
    assert!(report.findings.iter().any(|f| f.code == "log_not_covering"));
}

#[test]
fn a_log_that_goes_on_from_another_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (name, numbers) in [("Archive", 1..=2), ("Security", 3..=4)] {
        let events: Vec<Event> = numbers
            .map(|record| Event { record, time: samples()[0].time + record, ..samples().remove(0) })
            .collect();
        store(folder.path(), &format!("{name}.evtx"), &evtx(&events));
    }
    let report = analyze(&[folder.path()], &[]);
    let continues: Vec<_> = report
        .evidence
        .iter()
        .map(|file| file.log_coverage.as_ref().and_then(|c| c.continues.as_deref()))
        .collect();
    assert_eq!(continues, [None, Some("E1")]);
}

#[test]
fn an_address_that_two_computers_claim_is_said_to_be_ambiguous() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["WS01", "WS02"] {
        let event = Event { computer: name.to_owned(), ..samples().remove(0) };
        store(folder.path(), &format!("{name}.evtx"), &evtx(&[event]));
    }
    let report = analyze(&[folder.path()], &[]);
    let claims: Vec<_> = report
        .evidence
        .iter()
        .flat_map(|file| file.log_coverage.iter().flat_map(|c| &c.addresses))
        .map(|known| (known.address.as_str(), known.claimed_by.join(" ")))
        .collect();
    assert_eq!(claims, [("fe80::1", "ws02".to_owned()), ("fe80::1", "ws01".to_owned())]);
    assert!(report.findings.iter().any(|f| f.code == "address_ambiguous"));
}
