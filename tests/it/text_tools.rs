//! Events as the tools of incident responders write them, against the logs they were made from: the
//! same typed events, as far as the form carries them.
//!
//! evtx_dump's forms are made by its own library; the others are written by support/log_forms.rs from the
//! tools' documented layouts.

use crate::evtx_builder::samples;
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::ike_builder::write;
use crate::support::log_exports::records;
use crate::support::log_forms::{FORMS, Form, lines};
use crate::support::python;
use plainsight::eventlog::{AuditOutcome, LogEvent, LogSummary, evtx as reader, text};
use plainsight::evidence::{EvidenceId, Format, ProblemCode};
use plainsight::time::{Timestamp, Zone};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const ID: EvidenceId = EvidenceId(1);

fn read(file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    read_in(file, None)
}

fn read_in(mut file: &[u8], zone: Option<&Zone>) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let length = file.len() as u64;
    let format = Format::recognize(&file[..file.len().min(512)]);
    let file: &mut dyn std::io::Read = &mut file;
    let summary = match format {
        Format::EventJson => text::json::read(file, ID, zone, &mut sink).0,
        Format::EventCsv => text::csv::read(file, ID, zone, &mut sink).0,
        Format::EventXml => text::xml::read(file, ID, &mut sink),
        Format::EventList => text::listing::read(file, ID, zone, &mut sink).0,
        Format::EventObjects => text::object_xml::read(file, ID, zone, &mut sink).0,
        other => panic!("not such an export: {}", other.as_str()),
    };
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, length, "{:?}", summary.coverage);
    (summary, events)
}

/// The logs of the samples, and one made to order.
fn logs() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let names = ["psk_mismatch/FS01-Security.evtx", "service_stopped/WS01-System.evtx"];
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    names.into_iter().map(read).chain([evtx(&samples())]).collect()
}

fn events_of(mut log: &[u8]) -> Vec<LogEvent> {
    let mut events = Vec::new();
    let log: &mut dyn std::io::Read = &mut log;
    reader::read(log, ID, &mut |event| events.push(event));
    events
}

/// What every form keeps of an event.
fn kept(event: &LogEvent) -> impl PartialEq + std::fmt::Debug {
    let fields = event.fields.iter().filter(|(name, _)| name != "Binary");
    // Values without a name are called by their places, in one way or another.
    let place = |name: &str| name.trim_start_matches("param").to_owned();
    // python-evtx writes hexadecimal numbers in full length.
    let number = |value: &String| match value.strip_prefix("0x") {
        Some(digits) => format!("0x{}", digits.trim_start_matches('0')),
        None => value.clone(),
    };
    let fields: Vec<_> = fields.map(|(name, value)| (place(name), number(value))).collect();
    (
        event.event_id,
        event.reason,
        event.local(),
        event.peer(),
        event.initiator_cookie(),
        event.service(),
        fields,
    )
}

fn same(form: &str, file: &[u8], log: &[u8]) {
    let events = events_of(log);
    let (summary, exported) = read(file);
    let ids = |events: &[LogEvent]| events.iter().map(|e| e.event_id).collect::<Vec<_>>();
    assert_eq!(ids(&exported), ids(&events), "{form}: {:?}", summary.problems);
    assert_eq!(summary.problems, [], "{form}");
    for (exported, event) in exported.iter().zip(&events) {
        assert_eq!(kept(exported), kept(event), "{form}");
        assert_eq!((&exported.host, exported.record), (&event.host, event.record), "{form}");
        // Times of six digits, the last of which python-evtx's arithmetic may miss.
        let apart = exported.time.zip(event.time).map(|(shown, exact)| shown.since(exact).0.abs());
        assert!(apart.is_some_and(|apart| apart < 2_000), "{form}: {apart:?}");
    }
}

#[test]
fn evtx_dump_in_its_four_forms() {
    for log in logs() {
        let plain: Vec<Value> = records(log.clone()).into_iter().map(|(_, json)| json).collect();
        same("jsonl", &lines(plain.iter().cloned()), &log);
        let numbered = plain.iter().zip(1..).map(|(row, n)| format!("Record {n}\n{row:#}\n"));
        same("json", numbered.collect::<String>().as_bytes(), &log);
        same("array", serde_json::to_string(&plain).unwrap().as_bytes(), &log);
        let settings = ::evtx::ParserSettings::default().separate_json_attributes(true);
        let parser = ::evtx::EvtxParser::from_buffer(log.clone()).unwrap();
        let mut parser = parser.with_configuration(settings);
        let apart = parser.records_json_value().map(|record| record.unwrap().data);
        same("separate attributes", &lines(apart), &log);
    }
}

/// What python-evtx writes: XML with `+00:00` behind times of six digits, and the binary part of a record in
/// base64.
#[test]
fn python_evtx_writes_the_same_events() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/evtx_to_xml.py");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("log.xml");
    for log in logs() {
        let path = folder.path().join("log.evtx");
        write(&path, &log);
        let Some(mut python) = python() else { return };
        let ran = python.arg(&script).args([&path, &out]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        same("python-evtx", &fs::read(&out).unwrap(), &log);
    }
}

/// The forms that are written here, of the logs whose events they can carry.
#[test]
fn every_form_gives_the_events_of_the_log() {
    for (place, log) in logs().into_iter().enumerate() {
        let rows = records(log.clone());
        for form in FORMS {
            // Values by place need as many as Windows writes, and only English sentences are known.
            let is_made_to_order = place == 2;
            let by_place =
                form.name.starts_with("Export-Clixml") || form.name.starts_with("ConvertTo");
            if is_made_to_order && by_place || form.shows_message && place > 0 {
                continue;
            }
            check_form(form, &(form.write)(&rows), &events_of(&log));
        }
    }
}

fn check_form(form: &Form, file: &[u8], events: &[LogEvent]) {
    let name = form.name;
    let zone = Zone::parse("+02:00");
    let (summary, exported) = read_in(file, zone.as_ref());
    let numbers = |events: &[LogEvent]| events.iter().map(|e| e.event_id).collect::<Vec<_>>();
    assert_eq!(numbers(&exported), numbers(events), "{name}: {:?}", summary.problems);
    for (exported, event) in exported.iter().zip(events) {
        let ahead = if form.is_local { 2 * 3600 * 1_000_000_000 } else { 0 };
        let cut = |time: Timestamp| time.0.div_euclid(form.unit);
        let exact = event.time.map(|time| Timestamp(time.0 - ahead));
        assert_eq!(exported.time.map(cut), exact.map(cut), "{name}");
        if form.names_host {
            assert_eq!(exported.host, event.host, "{name}");
        }
        assert_eq!(exported.is_numbered, form.numbers_records, "{name}");
        if form.numbers_records {
            assert_eq!(exported.record, event.record, "{name}");
        }
        assert_eq!(kept(exported), kept(event), "{name}");
        if form.shows_message {
            // All that the message carries is the same, value for value.
            let same = LogEvent {
                record: exported.record,
                written_as: exported.written_as,
                is_numbered: exported.is_numbered,
                time: exported.time,
                host: exported.host.clone(),
                audit: exported.audit,
                version: exported.version,
                ..event.clone()
            };
            assert_eq!(*exported, same, "{name}");
        }
    }
}

/// A value such as Windows writes in a field of that name.
fn value(name: &'static str) -> BoxedStrategy<(&'static str, Scalar)> {
    let one_of = |values: &[&str]| {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        proptest::sample::select(values).boxed()
    };
    let text = match name {
        "SubjectUserSid" => one_of(&["S-1-5-18"]),
        "SubjectLogonId" => one_of(&["0x3e7"]),
        "SubcategoryGuid" => one_of(&[
            "{0CCE9218-69AE-11D9-BED3-505054503030}",
            "{0CCE9219-69AE-11D9-BED3-505054503030}",
        ]),
        "AuditPolicyChanges" => one_of(&["%%8448", "%%8448, %%8450", "%%8449, %%8451", "%%8451"]),
        "FailureReason" => one_of(&[
            "No response from peer.\r\n",
            "IKE authentication credentials are unacceptable\r\n",
            "Negotiation timed out\r\n",
        ]),
        "FailurePoint" => one_of(&["%%8199", "%%8200"]),
        "Role" => one_of(&["%%8205", "%%8206"]),
        "KeyModName" => one_of(&["%%8222", "%%8223", "%%8244"]),
        "MMAuthMethod" => one_of(&["%%8192", "%%8193"]),
        "State" => one_of(&["%%8202", "%%8203", "%%8204"]),
        name if name.ends_with("Cookie") => "[0-9a-f]{16}".boxed(),
        name if name.ends_with("Mask") => one_of(&["255.255.255.255", "255.255.255.0"]),
        name if name.ends_with("Address") || name.ends_with("Endpoint") => prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(|it| it.to_string()),
            any::<std::net::Ipv6Addr>().prop_map(|it| it.to_string()),
        ]
        .boxed(),
        name if name.ends_with("Name") || name.ends_with("CA") || name.ends_with("Hash") => {
            "p-[a-zäλ中0-9]{1,8}( [a-z]{1,8})?".boxed()
        }
        _ => (1_u32..65_536).prop_map(|number| number.to_string()).boxed(),
    };
    text.prop_map(move |text| (name, Scalar::Text(text))).boxed()
}

fn event() -> impl Strategy<Value = Event> {
    let numbers: &[(u16, usize)] = &[
        (4650, 17),
        (4651, 23),
        (4652, 22),
        (4653, 16),
        (4654, 19),
        (4654, 21),
        (4655, 4),
        (4719, 8),
        (4963, 2),
        (4976, 3),
    ];
    let day = 864_000_000_000_u64;
    (proptest::sample::select(numbers), any::<bool>(), 0..5 * day, 1..1_000_000_u64).prop_flat_map(
        move |((event_id, count), is_success, time, record)| {
            let names = plainsight::catalogue::field_names(event_id, count).unwrap();
            let values: Vec<_> = names.into_iter().map(value).collect();
            values.prop_map(move |values| Event {
                provider: "Microsoft-Windows-Security-Auditing",
                channel: "Security",
                computer: "WS01.corp.example".to_owned(),
                event_id,
                qualifiers: None,
                version: 0,
                task: 12_547,
                keywords: if is_success { 0x8020_0000_0000_0000 } else { 0x8010_0000_0000_0000 },
                // From 2026-11-23 on: days that are no months.
                time: 134_083_296_000_000_000 + time / 10 * 10,
                record,
                body: Body::EventData(values, None),
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_events_in_every_form_and_language(events in proptest::collection::vec(event(), 1..6)) {
        let log = evtx(&events);
        let (rows, events) = (records(log.clone()), events_of(&log));
        for form in FORMS {
            check_form(form, &(form.write)(&rows), &events);
        }
    }
}

#[test]
fn a_selection_of_properties_in_a_table_with_semicolons() {
    let message = "An IPsec Main Mode security association ended.\r\n\r\nLocal Network Address:\t\t10.0.0.1\r\nRemote Network Address:\t10.0.0.2\r\nKeying Module Name:\t\tIKEv2\r\nMain Mode SA ID:\t\t77";
    let table = |message: &str, time: &str| {
        format!(
            "#TYPE Selected.System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\"TimeCreated\";\"Id\";\"ProviderName\";\"MachineName\";\"Message\"\r\n\"{time}\";\"4655\";\"Microsoft-Windows-Security-Auditing\";\"FS01\";\"{message}\"\r\n\"{time}\";\"4655\";\"x\"\r\n"
        )
    };
    let (summary, events) = read(table(message, "23.11.2026 08:04:14").as_bytes());
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.main_mode_sa(), event.host.as_str()), (Some(77), "FS01"));
    assert_eq!(event.time, Timestamp::from_rfc3339("2026-11-23T08:04:14Z"));
    assert_eq!(event.audit, AuditOutcome::NotAudit);
    assert!(summary.problems.iter().any(|problem| problem.code() == ProblemCode::Skipped));
    // A mark that no table has: an event without a time, and a problem.
    let (summary, events) = read(table(message, "11/23/2026 8:04:14 xyz").as_bytes());
    assert_eq!(events[0].time, None);
    assert!(summary.problems.iter().any(|problem| problem.code() == ProblemCode::BadTime));
}

#[test]
fn an_event_of_another_program_with_the_same_number_is_not_taken() {
    let row = |provider: &str, message: &str| {
        json!([{"Id": 4653, "LevelDisplayName": "Error", "ProviderName": provider, "TimeCreated": "/Date(1763885054258)/", "Message": message}]).to_string()
    };
    for (provider, message) in
        [("", "The database is full."), ("Exchange", "Mailbox:\t10.0.0.1"), ("", "")]
    {
        let (summary, events) = read(row(provider, message).as_bytes());
        assert_eq!(events.len(), 0, "{provider} {message}");
        assert!(
            summary.problems.iter().any(|problem| problem.code() == ProblemCode::FieldsMissing),
            "{provider}"
        );
    }
}
