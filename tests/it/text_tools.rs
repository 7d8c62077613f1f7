//! Events as the tools of incident responders write them, against the logs they were made from: the
//! same typed events, as far as the form carries them.
//!
//! evtx_dump's forms are made by its own library; the others are written here from the tools'
//! documented layouts, with nothing of the readers they test.

use crate::evtx_builder::samples;
use crate::support::evtx_builder::evtx;
use crate::support::log_exports::{records, values, wide};
use plainsight::eventlog::{AuditOutcome, LogEvent, LogSummary, evtx as reader, text};
use plainsight::evidence::{EvidenceId, Format, ProblemCode};
use plainsight::time::{Resolution, Timestamp};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

const ID: EvidenceId = EvidenceId(1);

fn read(mut file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let length = file.len() as u64;
    let format = Format::of(&file[..file.len().min(512)]);
    let file: &mut dyn std::io::Read = &mut file;
    let summary = match format {
        Format::EventJson => text::json::read(file, ID, &mut sink).0,
        Format::EventCsv => text::csv::read(file, ID, &mut sink).0,
        Format::EventObjects => text::object_xml::read(file, ID, &mut sink).0,
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

/// One event's parts, as every form needs them.
struct Parts<'r> {
    id: Value,
    provider: &'r str,
    channel: &'r str,
    computer: &'r str,
    record: u64,
    keywords: u64,
    version: u64,
    time: Timestamp,
    data: Vec<(String, Value)>,
}

fn parts(record: &Value) -> Parts<'_> {
    let system = &record["Event"]["System"];
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().len();
    assert!(text(&system["Channel"]) > 0);
    let keywords = system["Keywords"].as_str().unwrap().trim_start_matches("0x");
    let time = system["TimeCreated"]["#attributes"]["SystemTime"].as_str().unwrap();
    Parts {
        id: system["EventID"].get("#text").unwrap_or(&system["EventID"]).clone(),
        provider: system["Provider"]["#attributes"]["Name"].as_str().unwrap(),
        channel: system["Channel"].as_str().unwrap(),
        computer: system["Computer"].as_str().unwrap(),
        record: system["EventRecordID"].as_u64().unwrap(),
        keywords: u64::from_str_radix(keywords, 16).unwrap(),
        version: system["Version"].as_u64().unwrap(),
        time: Timestamp::from_rfc3339(time).unwrap(),
        data: values(record),
    }
}

/// Values under their names; those without are `param1`, `param2`, …
fn named(data: &[(String, Value)]) -> Map<String, Value> {
    let mut places = 0;
    let mut named = Map::new();
    for (name, value) in data {
        if name == "Binary" {
            named.insert(name.clone(), hexadecimal(value).into());
            continue;
        }
        let nameless = name == "Data";
        places += usize::from(nameless);
        let name = if nameless { format!("param{places}") } else { name.clone() };
        named.insert(name, value.clone());
    }
    named
}

/// What every form keeps of an event.
fn kept(event: &LogEvent) -> impl PartialEq + std::fmt::Debug {
    let fields = event.fields.iter().filter(|(name, _)| name != "Binary");
    // Values without a name are called by their places, in one way or another.
    let place = |name: &str| name.trim_start_matches("param").to_owned();
    let fields: Vec<_> = fields.map(|(name, value)| (place(name), value.clone())).collect();
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

fn same(form: &str, file: &[u8], log: &[u8], seconds_only: bool) {
    let events = events_of(log);
    let (summary, exported) = read(file);
    assert_eq!(exported.len(), events.len(), "{form}: {:?}", summary.problems);
    for (exported, event) in exported.iter().zip(&events) {
        assert_eq!(kept(exported), kept(event), "{form}");
        assert_eq!((&exported.host, exported.record), (&event.host, event.record), "{form}");
        let unit = if seconds_only { 1_000_000_000 } else { 1_000 };
        let cut = |time: Option<Timestamp>| time.map(|time| time.0.div_euclid(unit));
        assert_eq!(cut(exported.time), cut(event.time), "{form}");
    }
}

fn lines(rows: impl Iterator<Item = Value>) -> Vec<u8> {
    rows.map(|row| format!("{row}\n")).collect::<String>().into_bytes()
}

#[test]
fn evtx_dump_in_its_four_forms() {
    for log in logs() {
        let plain: Vec<Value> = records(log.clone()).into_iter().map(|(_, json)| json).collect();
        same("jsonl", &lines(plain.iter().cloned()), &log, false);
        let numbered = plain.iter().zip(1..).map(|(row, n)| format!("Record {n}\n{row:#}\n"));
        same("json", numbered.collect::<String>().as_bytes(), &log, false);
        same("array", serde_json::to_string(&plain).unwrap().as_bytes(), &log, false);
        let settings = ::evtx::ParserSettings::default().separate_json_attributes(true);
        let parser = ::evtx::EvtxParser::from_buffer(log.clone()).unwrap();
        let mut parser = parser.with_configuration(settings);
        let apart = parser.records_json_value().map(|record| record.unwrap().data);
        same("separate attributes", &lines(apart), &log, false);
    }
}

#[test]
fn chainsaw_wraps_the_event() {
    for log in logs() {
        let rows = records(log.clone()).into_iter().map(|(_, event)| {
            json!({"group": "Sigma", "kind": "individual", "document": {"kind": "evtx", "path": "x", "data": event},
                   "name": "rule", "timestamp": "2026-01-01T00:00:00+00:00"})
        });
        same("chainsaw hunt", &lines(rows), &log, false);
    }
}

#[test]
fn velociraptor_counts_seconds() {
    for log in logs() {
        let rows = records(log.clone());
        let rows = rows.iter().map(|(_, record)| {
            let it = parts(record);
            let seconds = format!("{}.{:09}", it.time.0 / 1_000_000_000, it.time.0 % 1_000_000_000);
            let seconds: Value = serde_json::from_str(&seconds[..seconds.len() - 3]).unwrap();
            json!({
                "System": {
                    "Provider": {"Name": it.provider}, "EventID": {"Value": it.id}, "Version": it.version,
                    "Keywords": it.keywords, "TimeCreated": {"SystemTime": seconds},
                    "EventRecordID": it.record, "Channel": it.channel, "Computer": it.computer,
                },
                "EventData": record["Event"].get("EventData").cloned().unwrap_or(Value::Null),
                "UserData": record["Event"].get("UserData").cloned().unwrap_or(Value::Null),
            })
        });
        same("velociraptor", &lines(rows), &log, false);
    }
}

fn hexadecimal(octets: &Value) -> String {
    let octets = octets.as_array().into_iter().flatten();
    octets.map(|octet| format!("{:02X}", octet.as_u64().unwrap())).collect()
}

fn payload(record: &Value) -> String {
    let mut event_data = Map::new();
    let mut data = Vec::new();
    for (name, value) in values(record) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = if value.is_null() { String::new() } else { text };
        match name.as_str() {
            "Binary" => drop(event_data.insert(name, hexadecimal(&value).into())),
            "Data" => data.push(json!({ "#text": text })),
            _ => data.push(json!({ "@Name": name, "#text": text })),
        }
    }
    event_data.insert("Data".to_owned(), data.into());
    json!({ "EventData": event_data }).to_string()
}

#[test]
fn evtxecmd_writes_utc_without_a_mark() {
    for log in logs() {
        let rows = records(log.clone());
        let row = |record: &Value| {
            let it = parts(record);
            json!({
                "PayloadData1": "x", "Channel": it.channel, "Provider": it.provider, "EventId": it.id,
                "EventRecordId": it.record.to_string(), "Computer": it.computer, "Keywords": "Audit failure",
                "TimeCreated": it.time.rfc3339(Resolution::FILETIME).replace('Z', "+00:00"), "Payload": payload(record),
            })
        };
        same("EvtxECmd --json", &lines(rows.iter().map(|(_, record)| row(record))), &log, false);
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let header = [
            "RecordNumber",
            "EventRecordId",
            "TimeCreated",
            "EventId",
            "Level",
            "Provider",
            "Channel",
            "Computer",
            "Keywords",
            "Payload",
        ];
        writer.write_record(header).unwrap();
        for (_, record) in &rows {
            let it = parts(record);
            let time = it.time.rfc3339(Resolution::FILETIME).replace('T', " ").replace('Z', "");
            let number = it.record.to_string();
            writer
                .write_record([
                    &number,
                    &number,
                    &time,
                    &it.id.to_string(),
                    "Info",
                    it.provider,
                    it.channel,
                    it.computer,
                    "Audit success",
                    &payload(record),
                ])
                .unwrap();
        }
        same("EvtxECmd --csv", &writer.into_inner().unwrap(), &log, false);
    }
}

#[test]
fn winlogbeat_old_and_new_and_elasticsearch() {
    for log in logs() {
        let rows = records(log.clone());
        let new = |record: &Value| {
            let it = parts(record);
            json!({
                "@timestamp": it.time.rfc3339(Resolution::FILETIME), "event": {"code": it.id.to_string(), "outcome": "failure"},
                "winlog": {"event_id": it.id.to_string(), "record_id": it.record, "computer_name": it.computer,
                    "channel": it.channel, "provider_name": it.provider, "event_data": named(&it.data)},
            })
        };
        let old = |record: &Value| {
            let it = parts(record);
            json!({
                "@timestamp": it.time.rfc3339(Resolution::FILETIME), "event_id": it.id, "record_number": it.record.to_string(),
                "computer_name": it.computer, "log_name": it.channel, "source_name": it.provider, "event_data": named(&it.data),
            })
        };
        same("winlogbeat 8", &lines(rows.iter().map(|(_, record)| new(record))), &log, false);
        same("winlogbeat 6", &lines(rows.iter().map(|(_, record)| old(record))), &log, false);
        let inside = rows.iter().map(|(_, record)| json!({"_index": "x", "_source": new(record)}));
        same("elasticsearch", &lines(inside), &log, false);
    }
}

#[test]
fn nxlog_puts_the_data_beside_the_record() {
    let log = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch/FS01-Security.evtx"),
    )
    .unwrap();
    let rows = records(log.clone());
    let row = |record: &Value| {
        let it = parts(record);
        let mut row = json!({
            "EventTime": it.time.rfc3339(Resolution::SECONDS).replace('T', " ").replace('Z', ""), "Hostname": it.computer,
            "Keywords": it.keywords.cast_signed(), "EventType": "AUDIT_FAILURE", "EventID": it.id,
            "SourceName": it.provider, "RecordNumber": it.record, "Channel": it.channel, "Message": "text",
        });
        row.as_object_mut().unwrap().extend(named(&it.data));
        row
    };
    let file = lines(rows.iter().map(|(_, record)| row(record)));
    same("nxlog", &file, &log, true);
    assert!(read(&file).0.problems.iter().any(|problem| problem.code == ProblemCode::LocalTime));
}

#[test]
fn powershells_objects_in_xml() {
    for log in logs() {
        let rows = records(log.clone());
        let escape = |value: &Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = if value.is_null() { String::new() } else { text };
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('\r', "_x000D_")
                .replace('\n', "_x000A_")
        };
        let object = |(at, (_, record)): (usize, &(String, Value))| {
            let it = parts(record);
            let plain = it.data.iter().filter(|(name, _)| name != "Binary");
            let values: String = plain
                .map(|(_, value)| {
                    format!(
                        "<Obj RefId=\"9\"><Props><S N=\"Value\">{}</S></Props></Obj>",
                        escape(value)
                    )
                })
                .collect();
            format!(
                "<Obj RefId=\"{at}\"><TN RefId=\"0\"><T>System.Diagnostics.Eventing.Reader.EventLogRecord</T></TN><Props>\
                 <I32 N=\"Id\">{}</I32><By N=\"Version\">{}</By><S N=\"ProviderName\">{}</S><S N=\"LogName\">{}</S>\
                 <S N=\"MachineName\">{}</S><I64 N=\"RecordId\">{}</I64><I64 N=\"Keywords\">{}</I64><DT N=\"TimeCreated\">{}</DT>\
                 <Obj N=\"Bookmark\" RefId=\"1\"><Props /></Obj><Obj N=\"Properties\" RefId=\"2\"><LST>{values}</LST></Obj></Props></Obj>\r\n",
                it.id,
                it.version,
                it.provider,
                it.channel,
                it.computer,
                it.record,
                it.keywords.cast_signed(),
                it.time.rfc3339(Resolution::FILETIME),
            )
        };
        let objects: String = rows.iter().enumerate().map(object).collect();
        let text = format!(
            "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\r\n{objects}</Objs>"
        );
        // Values by place need as many as Windows writes; and octets have a form of their own here.
        if log == evtx(&samples()) {
            continue;
        }
        same("Export-Clixml", &wide(&text), &log, false);
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
    assert!(summary.problems.iter().any(|problem| problem.code == ProblemCode::Skipped));
    // A mark that no table has: an event without a time, and a problem.
    let (summary, events) = read(table(message, "11/23/2026 8:04:14 xyz").as_bytes());
    assert_eq!(events[0].time, None);
    assert!(summary.problems.iter().any(|problem| problem.code == ProblemCode::BadTime));
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
            summary.problems.iter().any(|problem| problem.code == ProblemCode::FieldsMissing),
            "{provider}"
        );
    }
}
