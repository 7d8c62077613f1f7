//! Text exports against the logs they were made from: the same typed events, as far as the form
//! carries them; and damage named.

use crate::evtx_builder::samples;
use crate::support::evtx_builder::evtx;
use crate::support::log_exports::{
    bare_xml, event_viewer_csv, powershell_json, records, rooted_xml, wide,
};
use crate::support::program::{analyze, report_in, run_analyze};
use crate::support::shared;
use plainsight::catalogue::Reason;
use plainsight::eventlog::{
    AuditOutcome, LogEvent, LogSummary, Service, ServiceChange, ServiceState, evtx as reader, text,
};
use plainsight::evidence::{EvidenceId, Format, ProblemCode};
use plainsight::report::schema::Report;
use plainsight::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const ID: EvidenceId = EvidenceId(1);

fn read(file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    read_as(Format::recognize(&file[..file.len().min(512)]), file)
}

fn read_as(format: Format, mut file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let length = file.len() as u64;
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let file: &mut dyn std::io::Read = &mut file;
    let summary = match format {
        Format::EventXml => text::xml::read(file, ID, &mut sink),
        Format::EventJson => text::json::read(file, ID, None, &mut sink).0,
        Format::EventCsv => text::csv::read(file, ID, None, &mut sink).0,
        Format::NetEvents => text::netevents::read(file, ID, &mut sink),
        Format::Evtx => reader::read(file, ID, &mut sink),
        other => panic!("not an event log: {}", other.as_str()),
    };
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, length, "{:?}", summary.coverage);
    let in_bucket = |name| summary.coverage.get(name).map_or(0, |extent| extent.records);
    assert_eq!(in_bucket("records_known"), events.len() as u64);
    assert_eq!(in_bucket("records_known") + in_bucket("records_other"), summary.records);
    (summary, events)
}

/// The samples, the laboratory's logs and public ones, where they are.
fn logs() -> Vec<(PathBuf, Vec<u8>)> {
    let mut logs = vec![(PathBuf::from("made to order"), evtx(&samples()))];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")];
    folders.extend(shared("text exports of the laboratory's and public logs"));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "evtx") {
                logs.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    logs
}

/// Whether some records of a log have fewer fields than Windows writes.
fn is_shortened(path: &Path) -> bool {
    path == Path::new("made to order") || path.to_string_lossy().contains("silenced_log")
}

/// The computers that a log names, in order.
fn hosts(log: &LogSummary) -> BTreeSet<&str> {
    log.sources.iter().map(|source| source.host.as_str()).collect()
}

#[test]
fn xml_gives_the_events_of_the_log_itself() {
    for (path, log) in logs() {
        let (whole, events) = read(&log);
        let records = records(log);
        if records.is_empty() {
            continue;
        }
        let (bare, rooted) = (bare_xml(&records), rooted_xml(&records));
        for file in [bare.as_bytes(), rooted.as_bytes(), &wide(&rooted)] {
            let (summary, exported) = read(file);
            assert_eq!(summary.problems, [], "{}", path.display());
            assert_eq!(summary.records, whole.records, "{}", path.display());
            assert_eq!(hosts(&summary), hosts(&whole), "{}", path.display());
            let span = |summary: &LogSummary| (summary.first_time, summary.last_time);
            assert_eq!(span(&summary), span(&whole), "{}", path.display());
            assert_eq!(exported.len(), events.len(), "{}", path.display());
            for (exported, event) in exported.iter().zip(&events) {
                assert_eq!(exported, event, "{}", path.display());
            }
        }
    }
}

#[test]
fn json_gives_the_events_of_the_log_but_for_what_is_below_a_millisecond() {
    for (path, log) in logs() {
        let (whole, events) = read(&log);
        if whole.records == 0 || is_shortened(&path) {
            continue;
        }
        let json = powershell_json(&records(log));
        for file in [json.as_bytes(), &wide(&json)] {
            let (summary, exported) = read(file);
            assert_eq!(summary.records, whole.records, "{}", path.display());
            assert_eq!(summary.problems, [], "{}", path.display());
            assert_eq!(exported.len(), events.len(), "{}", path.display());
            for (exported, event) in exported.iter().zip(&events) {
                let time = event.time.map(|time| Timestamp(time.0 - time.0 % 1_000_000));
                let event = LogEvent { time, ..event.clone() };
                assert_eq!(*exported, event, "{}", path.display());
            }
        }
    }
}

#[test]
fn csv_gives_what_messages_carry_in_two_languages() {
    for (path, log) in logs() {
        if path.to_string_lossy().contains("System") || is_shortened(&path) {
            continue;
        }
        let (whole, events) = read(&log);
        if whole.records == 0 {
            continue;
        }
        for is_english in [true, false] {
            let csv = event_viewer_csv(&records(log.clone()), is_english);
            let (summary, exported) = read(csv.as_bytes());
            let codes: Vec<_> = summary.problems.iter().map(|problem| problem.code()).collect();
            assert_eq!(
                codes,
                [ProblemCode::LocalTime],
                "{}: {:?}",
                path.display(),
                summary.problems
            );
            assert_eq!(exported.len(), events.len(), "{}", path.display());
            for (exported, event) in exported.iter().zip(&events) {
                let event = LogEvent {
                    // The columns show no record number.
                    record: exported.record,
                    written_as: exported.written_as,
                    is_numbered: false,
                    time: event.time.map(|time| Timestamp(time.0 - time.0 % 1_000_000_000)),
                    host: String::new(),
                    audit: exported.audit,
                    // The columns show no version.
                    version: 0,
                    ..event.clone()
                };
                assert_eq!(*exported, event, "{}", path.display());
            }
        }
    }
}

#[test]
fn messages_of_services_are_read_in_english_and_named_in_other_languages() {
    let text = |message: &str| {
        format!(
            "Level,Date and Time,Source,Event ID,Task Category\r\nInformation,2026-11-23 08:04:14,Service Control Manager,7036,None,{message}\r\n"
        )
    };
    let english = "The IKE and AuthIP IPsec Keying Modules service entered the stopped state.";
    let (_, events) = read(text(english).as_bytes());
    assert_eq!(
        events[0].service(),
        Some(ServiceChange { service: Service::Ikeext, state: ServiceState::Stopped })
    );
    assert_eq!(events[0].reason, Some(Reason::ServiceStopped));
    let german = "Dienst \"\"IKE\"\" befindet sich jetzt im Status \"\"Beendet\"\".";
    let (summary, events) = read(text(&format!("\"{german}\"")).as_bytes());
    assert_eq!((events.len(), summary.records), (0, 1));
    assert!(has(&summary, ProblemCode::FieldsMissing), "{:?}", summary.problems);
}

#[test]
fn values_that_no_layout_has_are_named() {
    // The records made to order have fewer fields than Windows writes.
    let (summary, events) = read(powershell_json(&records(evtx(&samples()))).as_bytes());
    assert_eq!(events.len(), 7);
    assert!(has(&summary, ProblemCode::FieldsMissing), "{:?}", summary.problems);
}

fn has(summary: &LogSummary, code: ProblemCode) -> bool {
    summary.problems.iter().any(|problem| problem.code() == code)
}

#[test]
fn a_row_whose_quotation_mark_is_missing_costs_no_other() {
    let row = |id: u32, message: &str| {
        format!(
            "Information,11/{id}/2026 8:04:14 AM,Microsoft-Windows-Security-Auditing,5479,x,{message}\r\n"
        )
    };
    let lost = row(22, "\"The service was\r\nstopped.");
    let text = format!(
        "Level,Date and Time,Source,Event ID,Task Category\r\n{}{lost}{}{}",
        row(21, "\"It was\r\nstopped.\""),
        row(23, "\"It was \"\"stopped\"\",\r\nInformation,11/1/2026 8:04:14 AM,x,5479,x,forged\""),
        row(24, "It was stopped.")
    );
    let (summary, events) = read(text.as_bytes());
    assert_eq!(events.len(), 3, "{:?}", summary.problems);
    let first = &summary.problems[0];
    let place = text.find(&lost).unwrap() as u64;
    assert_eq!((first.code(), first.offset), (ProblemCode::Skipped, Some(place)));
    let time = Timestamp::from_rfc3339("2026-11-24T08:04:14Z");
    assert_eq!((events[2].time, summary.last_time), (time, time));
}

#[test]
fn legacy_messages_hold_the_nested_texts() {
    let message = "IKE security association negotiation failed.\r\n Mode: \r\nKey Exchange Mode (Main Mode)\r\n\r\n Filter: \r\nSource IP Address 10.0.0.5\r\nSource IP Address Mask 255.255.255.255\r\nDestination IP Address 10.0.0.9\r\nDestination IP Address Mask 255.255.255.255\r\nProtocol 0\r\nSource Port 0\r\nDestination Port 0\r\nIKE Local Addr 10.0.0.5\r\nIKE Peer Addr 10.0.0.9\r\n\r\n Peer Identity: \r\nPreshared key ID.\r\nPeer IP Address: 10.0.0.9\r\n\r\n Failure Point: \r\nMe\r\n\r\n Failure Reason: \r\nNo response from peer\r\n\r\n Extra Status: \r\nSent first (SA) payload\r\n";
    let text = format!(
        "Keywords,Date and Time,Source,Event ID,Task Category\r\nAudit Failure,23.11.2026 08:04:14,Security,547,Logon,\"{message}\"\r\n"
    );
    let (_, events) = read(text.as_bytes());
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.reason, Some(Reason::NoResponse));
    assert_eq!(event.peer(), Some("10.0.0.9".parse().unwrap()));
    assert_eq!(event.audit, AuditOutcome::Failure);
}

#[test]
fn the_program_reads_an_export_as_a_log() {
    let records = records(evtx(&samples()));
    let report = analysis_of(&wide(&bare_xml(&records)));
    assert_eq!(report.evidence[0].format, "event_xml");
    assert_eq!(report.evidence[0].kind, "log");
    assert_eq!(report.log_events.len(), 7);
    let report = analysis_of(event_viewer_csv(&records, true).as_bytes());
    assert_eq!(report.evidence[0].format, "event_csv");
    assert!(report.evidence[0].problems.iter().any(|problem| problem.code == "local_time"));
    let report = analysis_of(NET_EVENTS);
    assert_eq!(report.evidence[0].format, "netevents_xml");
    let reported: Vec<_> =
        report.log_events.iter().map(|e| (e.event_id, e.reason.as_deref())).collect();
    assert_eq!(reported, [(4653, Some("authentication_failed"))]);
}

/// One failure as `netsh wfp show netevents` writes it.
const NET_EVENTS: &[u8] = br#"<?xml version="1.0"?>
<netEvents numItems="1">
  <item>
    <header>
      <timeStamp>2026-11-23T08:04:14.070Z</timeStamp>
      <flags numItems="1"><item>FWPM_NET_EVENT_FLAG_LOCAL_ADDR_SET</item></flags>
      <ipVersion>FWP_IP_VERSION_V4</ipVersion>
      <localAddrV4>10.0.0.1</localAddrV4>
      <remoteAddrV4>10.0.0.2</remoteAddrV4>
    </header>
    <type>FWPM_NET_EVENT_TYPE_IKEEXT_MM_FAILURE</type>
    <ikeMmFailure>
      <failureErrorCode>13801</failureErrorCode>
      <failurePoint>IPSEC_FAILURE_PEER</failurePoint>
      <keyingModuleType>IKEEXT_KEY_MODULE_IKEV2</keyingModuleType>
      <mmState>IKEEXT_MM_SA_STATE_SA_SENT</mmState>
      <saRole>IKEEXT_SA_ROLE_INITIATOR</saRole>
    </ikeMmFailure>
  </item>
</netEvents>
"#;

fn analysis_of(export: &[u8]) -> Report {
    let mut file = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    file.write_all(export).unwrap();
    analyze(&[file.path()], &[])
}

const FORMATS: [Format; 4] =
    [Format::EventXml, Format::EventJson, Format::EventCsv, Format::NetEvents];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        FORMATS.iter().for_each(|format| drop(read_as(*format, &bytes)));
    }

    #[test]
    fn marks_in_any_order_are_accounted_for(text in "([\"<>{}\\[\\],:\n\r ]|</?Event>|<item><header>|</item>|<!--|\\{\"Id\":1|a,1.1.2026 1:1:1,b,1,\"?){0,80}") {
        FORMATS.iter().for_each(|format| drop(read_as(*format, text.as_bytes())));
    }

    #[test]
    fn an_export_cut_and_changed_anywhere_is_accounted_for(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let records = records(evtx(&samples()));
        let files = [
            (Format::EventXml, bare_xml(&records).into_bytes()),
            (Format::EventXml, wide(&rooted_xml(&records))),
            (Format::EventJson, powershell_json(&records).into_bytes()),
            (Format::EventCsv, event_viewer_csv(&records, true).into_bytes()),
        ];
        for (format, mut file) in files {
            for (place, byte) in &changes {
                let place = place.index(file.len());
                file[place] = *byte;
            }
            file.truncate(cut.index(file.len()));
            read_as(format, &file);
        }
    }
}

/// The same two records in three forms, with this text as the time of each.
fn dated(date: &str) -> [(&'static str, String); 3] {
    let viewer =
        format!("Information,{date},Microsoft-Windows-Security-Auditing,4608,x,\"Start.\"\r\n");
    let named =
        format!("\"Start.\",\"4608\",\"Microsoft-Windows-Security-Auditing\",\"{date}\"\r\n");
    let object = format!(
        r#"{{"Id":4608,"ProviderName":"Microsoft-Windows-Security-Auditing","LogName":"Security","TimeCreated":"{date}","Message":"Start.","Properties":[]}}"#
    );
    [
        ("a.csv", format!("Level,Date and Time,Source,Event ID,Task Category\r\n{viewer}{viewer}")),
        ("b.csv", format!("\"Message\",\"Id\",\"ProviderName\",\"TimeCreated\"\r\n{named}{named}")),
        ("c.json", format!("[{object},\n{object}]")),
    ]
}

#[test]
fn dates_that_no_calendar_or_another_one_has_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let dates = [
        // Hijri, Persian, Hijri in Arabic digits; a day, a month and a year that there are not.
        ("23/11/1448 9:06:40 AM", true),
        ("1405/09/02 9:06:40", true),
        ("\u{661}\u{664}\u{664}\u{668}/11/23 09:06:40", true),
        ("31/02/2026 09:06:40", false),
        ("13/13/2026 09:06:40", false),
        ("2026-02-30 09:06:40", false),
    ];
    for (date, is_of_another_calendar) in dates {
        for (name, text) in dated(date) {
            let path = folder.path().join(name);
            fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            let (output, out) = run_analyze(&[&path], &["--timezone", "UTC"]);
            assert_eq!(output.status.code(), Some(3), "{date} {name}");
            let report: Report = report_in(&out.path().join("report"));
            let problems = &report.evidence[0].problems;
            let times = problems.iter().filter(|problem| problem.code == "bad_time");
            assert_eq!(
                times.count(),
                2 + usize::from(is_of_another_calendar),
                "{date} {name}: {problems:?}"
            );
            let calendar = problems.iter().any(|problem| problem.text.contains("calendar"));
            assert_eq!(calendar, is_of_another_calendar, "{date} {name}: {problems:?}");
            assert!(
                problems.iter().any(|problem| problem.code == "fields_missing"),
                "{date} {name}"
            );
            assert_eq!(report.log_events.len(), 2, "{date} {name}");
            assert!(report.log_events.iter().all(|event| event.time.is_none()), "{date} {name}");
        }
    }
}

#[test]
fn a_date_that_there_is_not_decides_nothing_for_the_others() {
    let row = |date: &str| {
        format!("Information,{date},Microsoft-Windows-Security-Auditing,4608,x,\"Start.\"\r\n")
    };
    let header = "Level,Date and Time,Source,Event ID,Task Category\r\n";
    let dates = ["02/11/2026 09:06:40", "31/02/2026 09:06:40", "02/25/2026 09:06:40"];
    let file = format!("{header}{}", dates.map(row).concat());
    let (summary, events) = read(file.as_bytes());
    let times: Vec<_> = events.iter().map(|event| event.time).collect();
    let month_first = ["2026-02-11T09:06:40Z", "2026-02-25T09:06:40Z"].map(Timestamp::from_rfc3339);
    assert_eq!(times, [month_first[0], None, month_first[1]]);
    let doubts = summary.problems.iter().filter(|problem| problem.code() == ProblemCode::BadTime);
    assert_eq!(doubts.count(), 1, "{:?}", summary.problems);
}
