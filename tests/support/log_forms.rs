//! The forms in which events are handed over, written from the tools' documented layouts with nothing of
//! the readers they test.
//!
//! evtx_dump's forms are made by its own library (tests/it/text_tools.rs); here are those of tools that are
//! no library.

use super::property_lists::{eventlog_list, format_list, format_list_all};
use crate::support::log_exports::{message, values, wide};
use crate::support::log_languages::{LANGUAGES, Language};
use plainsight::time::{Resolution, Timestamp};
use serde_json::{Map, Value, json};

/// A form of export.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    /// Writes records, each as `log_exports::records` gives them.
    pub(crate) write: fn(&[(String, Value)]) -> Vec<u8>,
    /// The length in nanoseconds of the finest unit of time that it shows.
    pub(crate) unit: i64,
    /// It shows the message alone: values as people read them, in the order of people.
    pub(crate) shows_message: bool,
    /// It names the computer; the record's number.
    pub(crate) names_host: bool,
    pub(crate) numbers_records: bool,
    /// Its times are of a clock whose zone it does not name.
    pub(crate) is_local: bool,
}

const fn form(name: &'static str, write: fn(&[(String, Value)]) -> Vec<u8>) -> Form {
    Form {
        name,
        write,
        unit: MICRO,
        shows_message: false,
        names_host: true,
        numbers_records: true,
        is_local: false,
    }
}

/// A form for people: the message, and the time of a local clock in seconds.
const fn shown(name: &'static str, write: fn(&[(String, Value)]) -> Vec<u8>) -> Form {
    Form {
        unit: SECOND,
        shows_message: true,
        numbers_records: false,
        is_local: true,
        ..form(name, write)
    }
}

/// Every form but evtx_dump's and XML.
pub(crate) const FORMS: &[Form] = &[
    form("chainsaw hunt", chainsaw),
    form("Velociraptor parse_evtx", velociraptor),
    form("EvtxECmd --json", evtxecmd_json),
    form("EvtxECmd --csv", evtxecmd_csv),
    form("Winlogbeat 8", |records| lines(records.iter().map(|(_, it)| winlogbeat(it)))),
    form("Winlogbeat 6", |records| lines(records.iter().map(|(_, it)| winlogbeat_6(it)))),
    form("Elasticsearch, a hit a line", |records| {
        lines(records.iter().map(|(_, it)| json!({"_index": "x", "_source": winlogbeat(it)})))
    }),
    form("Elasticsearch, one answer", elasticsearch),
    Form { unit: MILLI, ..form("hayabusa, all fields", hayabusa_all_fields) },
    Form { unit: MILLI, ..form("hayabusa, details, CSV", hayabusa_csv) },
    Form { unit: SECOND, is_local: true, ..form("NXLog", nxlog) },
    form("Export-Clixml", clixml),
    Form { unit: SECOND, is_local: true, ..form("ConvertTo-Xml", convert_to_xml) },
    Form { numbers_records: true, ..shown("Export-Csv", export_csv) },
    Form { names_host: false, ..shown("Format-List", format_list) },
    Form { numbers_records: true, ..shown("Format-List *", format_list_all) },
    Form { numbers_records: true, ..shown("Get-EventLog, Format-List *", eventlog_list) },
    Form { unit: MILLI, ..shown("wevtutil text", wevtutil_text) },
    Form { unit: MICRO, is_local: false, ..shown("wevtutil text, marked times", wevtutil_utc) },
    shown("Event Viewer's copy, German", |records| copied(records, &LANGUAGES[1])),
    shown("Event Viewer's copy, Japanese", |records| copied(records, &LANGUAGES[3])),
    Form {
        names_host: false,
        ..shown("Event Viewer, US English, commas", |r| table(r, &LANGUAGES[0]))
    },
    Form {
        names_host: false,
        ..shown("Event Viewer, German, semicolons", |r| table(r, &LANGUAGES[1]))
    },
    Form {
        names_host: false,
        ..shown("Event Viewer, Greek, semicolons", |r| table(r, &LANGUAGES[2]))
    },
    Form {
        names_host: false,
        ..shown("Event Viewer, Japanese, tabs", |r| table(r, &LANGUAGES[3]))
    },
    Form { names_host: false, ..shown("Event Viewer, Thai, commas", |r| table(r, &LANGUAGES[4])) },
];

/// One event's parts, as every form needs them.
pub(super) struct Parts<'r> {
    pub(super) id: Value,
    pub(super) provider: &'r str,
    pub(super) channel: &'r str,
    pub(super) computer: &'r str,
    pub(super) record: u64,
    pub(super) keywords: u64,
    pub(super) version: u64,
    pub(super) time: Timestamp,
    pub(super) data: Vec<(String, Value)>,
}

pub(super) fn parts(record: &Value) -> Parts<'_> {
    let system = &record["Event"]["System"];
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

impl Parts<'_> {
    fn stamp(&self) -> String {
        self.time.rfc3339(Resolution::FILETIME)
    }

    /// Year, month, day, hour, minute, second.
    pub(super) fn numbers(&self) -> [u32; 6] {
        let text = self.time.rfc3339(Resolution::SECONDS);
        let mut numbers = text.split(['-', 'T', ':', 'Z']).filter_map(|it| it.parse().ok());
        [(); 6].map(|()| numbers.next().unwrap())
    }

    pub(super) fn is_success(&self) -> bool {
        self.keywords & (1 << 53) != 0
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

fn hexadecimal(bytes: &Value) -> String {
    let bytes = bytes.as_array().into_iter().flatten();
    bytes.map(|byte| format!("{:02X}", byte.as_u64().unwrap())).collect()
}

fn text(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn lines(rows: impl Iterator<Item = Value>) -> Vec<u8> {
    rows.map(|row| format!("{row}\n")).collect::<String>().into_bytes()
}

fn chainsaw(records: &[(String, Value)]) -> Vec<u8> {
    let rows = records.iter().map(|(_, event)| {
        json!({"group": "Sigma", "kind": "individual", "document": {"kind": "evtx", "path": "x", "data": event},
               "name": "rule", "timestamp": "2026-01-01T00:00:00+00:00"})
    });
    lines(rows)
}

fn velociraptor(records: &[(String, Value)]) -> Vec<u8> {
    let rows = records.iter().map(|(_, record)| {
        let it = parts(record);
        let seconds = format!("{}.{:09}", it.time.0 / SECOND, it.time.0 % SECOND);
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
    lines(rows)
}

fn payload(it: &Parts<'_>) -> String {
    let mut event_data = Map::new();
    let mut data = Vec::new();
    for (name, value) in &it.data {
        let text = text(value);
        match name.as_str() {
            "Binary" => drop(event_data.insert(name.clone(), hexadecimal(value).into())),
            "Data" => data.push(json!({ "#text": text })),
            _ => data.push(json!({ "@Name": name, "#text": text })),
        }
    }
    event_data.insert("Data".to_owned(), data.into());
    json!({ "EventData": event_data }).to_string()
}

fn evtxecmd_json(records: &[(String, Value)]) -> Vec<u8> {
    let rows = records.iter().map(|(_, record)| {
        let it = parts(record);
        let keywords = if it.is_success() { "Audit success" } else { "Audit failure" };
        json!({
            "PayloadData1": "x", "Channel": it.channel, "Provider": it.provider, "EventId": it.id,
            "EventRecordId": it.record.to_string(), "Computer": it.computer, "Keywords": keywords,
            "TimeCreated": it.stamp().replace('Z', "+00:00"), "Payload": payload(&it),
        })
    });
    lines(rows)
}

fn evtxecmd_csv(records: &[(String, Value)]) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header = "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,Computer,Keywords,Payload";
    writer.write_record(header.split(',')).unwrap();
    for (_, record) in records {
        let it = parts(record);
        let number = it.record.to_string();
        let time = it.stamp().replace('T', " ").replace('Z', "");
        let keywords = if it.is_success() { "Audit success" } else { "Audit failure" };
        let payload = payload(&it);
        let row = [
            number.as_str(),
            &number,
            &time,
            &it.id.to_string(),
            "Info",
            it.provider,
            it.channel,
            it.computer,
            keywords,
            &payload,
        ];
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn winlogbeat(record: &Value) -> Value {
    let it = parts(record);
    let outcome = if it.is_success() { "success" } else { "failure" };
    json!({
        "@timestamp": it.stamp(), "event": {"code": it.id.to_string(), "outcome": outcome},
        "winlog": {"event_id": it.id.to_string(), "record_id": it.record, "computer_name": it.computer,
            "channel": it.channel, "provider_name": it.provider, "event_data": named(&it.data)},
    })
}

fn winlogbeat_6(record: &Value) -> Value {
    let it = parts(record);
    json!({
        "@timestamp": it.stamp(), "event_id": it.id, "record_number": it.record.to_string(),
        "computer_name": it.computer, "log_name": it.channel, "source_name": it.provider, "event_data": named(&it.data),
    })
}

fn elasticsearch(records: &[(String, Value)]) -> Vec<u8> {
    let hits =
        records.iter().map(|(_, it)| json!({"_index": "x", "_id": "y", "_source": winlogbeat(it)}));
    let hits: Vec<Value> = hits.collect();
    let answer = json!({"took": 3, "timed_out": false, "hits": {"total": {"value": hits.len()}, "hits": hits}});
    serde_json::to_string_pretty(&answer).unwrap().into_bytes()
}

/// Abbreviations of hayabusa's config/channel_abbreviations.txt.
fn abbreviated(channel: &str) -> &str {
    match channel {
        "Security" => "Sec",
        "System" => "Sys",
        other => other,
    }
}

fn with_offset(it: &Parts<'_>) -> String {
    let local = Timestamp(it.time.0 + 3600 * SECOND).rfc3339(Resolution::MILLISECONDS);
    format!("{} +01:00", local.replace('T', " ").replace('Z', ""))
}

fn hayabusa_all_fields(records: &[(String, Value)]) -> Vec<u8> {
    let rows = records.iter().map(|(_, record)| {
        let it = parts(record);
        json!({
            "Timestamp": with_offset(&it), "RuleTitle": "x", "Level": "info", "Computer": it.computer,
            "Channel": abbreviated(it.channel), "Provider": it.provider, "EventID": it.id, "RecordID": it.record,
            "AllFieldInfo": named(&it.data),
        })
    });
    lines(rows)
}

fn hayabusa_csv(records: &[(String, Value)]) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header =
        "Timestamp,RuleTitle,Level,Computer,Channel,Provider,EventID,RecordID,AllFieldInfo";
    writer.write_record(header.split(',')).unwrap();
    for (_, record) in records {
        let it = parts(record);
        let fields = named(&it.data);
        let fields = fields.iter().map(|(name, value)| format!("{name}: {}", text(value)));
        let fields = fields.collect::<Vec<_>>().join(" \u{a6} ");
        let row = [
            with_offset(&it),
            "x".to_owned(),
            "info".to_owned(),
            it.computer.to_owned(),
            abbreviated(it.channel).to_owned(),
            it.provider.to_owned(),
            it.id.to_string(),
            it.record.to_string(),
            fields,
        ];
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn nxlog(records: &[(String, Value)]) -> Vec<u8> {
    let rows = records.iter().map(|(_, record)| {
        let it = parts(record);
        let time = it.time.rfc3339(Resolution::SECONDS).replace('T', " ").replace('Z', "");
        let mut row = json!({
            "EventTime": time, "Hostname": it.computer, "Keywords": it.keywords.cast_signed(), "EventType": "AUDIT",
            "EventID": it.id, "SourceName": it.provider, "RecordNumber": it.record, "Channel": it.channel, "Message": "text",
        });
        row.as_object_mut().unwrap().extend(named(&it.data));
        row
    });
    lines(rows)
}

fn escaped(value: &Value) -> String {
    text(value).replace('&', "&amp;").replace('<', "&lt;")
}

fn clixml(records: &[(String, Value)]) -> Vec<u8> {
    let object = |(at, (_, record)): (usize, &(String, Value))| {
        let it = parts(record);
        let value = |(_, value): &(String, Value)| {
            let value = escaped(value).replace('\r', "_x000D_").replace('\n', "_x000A_");
            format!("<Obj RefId=\"9\"><Props><S N=\"Value\">{value}</S></Props></Obj>")
        };
        let values: String =
            it.data.iter().filter(|(name, _)| name != "Binary").map(value).collect();
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
            it.stamp(),
        )
    };
    let objects: String = records.iter().enumerate().map(object).collect();
    wide(&format!(
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\r\n{objects}</Objs>"
    ))
}

fn convert_to_xml(records: &[(String, Value)]) -> Vec<u8> {
    let object = |(_, record): &(String, Value)| {
        let it = parts(record);
        let value = |(_, value): &(String, Value)| {
            format!(
                "<Property Type=\"System.Diagnostics.Eventing.Reader.EventProperty\"><Property Name=\"Value\" Type=\"System.String\">{}</Property></Property>",
                escaped(value)
            )
        };
        let values: String =
            it.data.iter().filter(|(name, _)| name != "Binary").map(value).collect();
        let property = |name: &str, value: &str| {
            format!("<Property Name=\"{name}\" Type=\"x\">{value}</Property>\r\n")
        };
        let properties: String = [
            ("Id", it.id.to_string()),
            ("Version", it.version.to_string()),
            ("Keywords", it.keywords.cast_signed().to_string()),
            ("RecordId", it.record.to_string()),
            ("ProviderName", it.provider.to_owned()),
            ("LogName", it.channel.to_owned()),
            ("MachineName", it.computer.to_owned()),
            ("TimeCreated", (LANGUAGES[0].time)(it.numbers())),
        ]
        .iter()
        .map(|(name, value)| property(name, value))
        .collect();
        format!(
            "<Object Type=\"System.Diagnostics.Eventing.Reader.EventLogRecord\">{properties}<Property Name=\"Properties\" Type=\"x\">{values}</Property></Object>\r\n"
        )
    };
    let objects: String = records.iter().map(object).collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Objects>\r\n{objects}</Objects>")
        .into_bytes()
}

pub(super) fn message_of(it: &Parts<'_>, record: &Value) -> String {
    message(it.id.as_u64().unwrap(), record, true)
}

fn export_csv(records: &[(String, Value)]) -> Vec<u8> {
    let mut text = "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\"Message\";\"Id\";\"RecordId\";\"ProviderName\";\"LogName\";\"MachineName\";\"TimeCreated\";\"Properties\"\r\n".to_owned();
    for (_, record) in records {
        let it = parts(record);
        let message = message_of(&it, record).replace('"', "\"\"");
        text.push_str(&format!(
            "\"{message}\";\"{}\";\"{}\";\"{}\";\"{}\";\"{}\";\"{}\";\"System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]\"\r\n",
            it.id, it.record, it.provider, it.channel, it.computer, (LANGUAGES[1].time)(it.numbers()),
        ));
    }
    text.into_bytes()
}

fn wevtutil(records: &[(String, Value)], time: impl Fn(&Parts<'_>) -> String) -> Vec<u8> {
    let event = |(at, (_, record)): (usize, &(String, Value))| {
        let it = parts(record);
        let keyword = if it.is_success() { "Audit Success" } else { "Audit Failure" };
        format!(
            "Event[{at}]:\r\n  Log Name: {}\r\n  Source: {}\r\n  Date: {}\r\n  Event ID: {}\r\n  Task: x\r\n  Level: Information\r\n  Opcode: Info\r\n  Keyword: {keyword}\r\n  User: N/A\r\n  User Name: N/A\r\n  Computer: {}\r\n  Description: \r\n{}\r\n\r\n",
            it.channel,
            it.provider,
            time(&it),
            it.id,
            it.computer,
            message_of(&it, record),
        )
    };
    records.iter().enumerate().map(event).collect::<String>().into_bytes()
}

fn wevtutil_text(records: &[(String, Value)]) -> Vec<u8> {
    wevtutil(records, |it| it.time.rfc3339(Resolution::MILLISECONDS).replace('Z', ""))
}

fn wevtutil_utc(records: &[(String, Value)]) -> Vec<u8> {
    wevtutil(records, |it| it.stamp())
}

fn copied(records: &[(String, Value)], language: &Language) -> Vec<u8> {
    let event = |(_, record): &(String, Value)| {
        let it = parts(record);
        let id = it.id.to_string();
        let time = (language.time)(it.numbers());
        let values = [it.channel, it.provider, &time, &id, "x", "x", "x", "x", it.computer, ""];
        let head =
            language.labels.iter().zip(values).map(|(label, value)| format!("{label}{value}\r\n"));
        head.collect::<String>() + &message(it.id.as_u64().unwrap(), record, false) + "\r\n"
    };
    records.iter().map(event).collect::<String>().into_bytes()
}

fn table(records: &[(String, Value)], language: &Language) -> Vec<u8> {
    let separator = language.separator.to_string();
    let mut text = format!("\u{feff}{}\r\n", language.columns.join(&separator));
    for (_, record) in records {
        let it = parts(record);
        let message = message(it.id.as_u64().unwrap(), record, false).replace('"', "\"\"");
        let row = ["x", &(language.time)(it.numbers()), it.provider, &it.id.to_string(), "x"];
        text.push_str(&format!("{}{separator}\"{message}\"\r\n", row.join(&separator)));
    }
    text.into_bytes()
}

const SECOND: i64 = 1_000_000_000;
const MILLI: i64 = 1_000_000;
const MICRO: i64 = 1_000;
