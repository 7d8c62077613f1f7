//! A host's records → the bytes of its .evtx or .evt files.

use super::super::evt_builder::{Header, Record, evt};
use super::super::evtx_builder::{Body, Event, Scalar, evtx};
use super::host::{Audit, Era, FIRST_RECORD, Host, Value, Written, filetime};
use super::wire::{Nanos, SECOND};

/// One of a host's logs, as a file; `None` where it holds nothing or was not handed over.
pub(crate) fn file(host: &Host, era: Era, is_system: bool, start: Nanos) -> Option<Vec<u8>> {
    let records = host.log(is_system);
    if records.is_empty() {
        return None;
    }
    let numbered = records.into_iter().zip(FIRST_RECORD..);
    Some(match era {
        Era::Modern => evtx(&numbered.map(|(w, n)| modern(host, w, n, start)).collect::<Vec<_>>()),
        Era::Legacy => {
            let records: Vec<Record> = numbered.map(|(w, n)| legacy(host, w, n, start)).collect();
            evt(&records, Header::Clean, &[])
        }
    })
}

fn modern(host: &Host, written: &Written, record: u64, start: Nanos) -> Event {
    let provider = match written.source {
        "Security" => "Microsoft-Windows-Security-Auditing",
        other => other,
    };
    let scalar = |value: &Value| match value {
        Value::Text(text) => Scalar::Text(text.clone()),
        Value::Number(number) => Scalar::U64(*number),
        Value::Time(at) => Scalar::FileTime(filetime(*at)),
    };
    let fields = written.fields.iter().map(|(name, value)| (*name, scalar(value))).collect();
    let utf16 = |text: &String| {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    Event {
        provider,
        channel: if written.is_system { "System" } else { "Security" },
        computer: format!("{}.corp.example", host.name),
        event_id: u16::try_from(written.id & 0xffff).unwrap(),
        qualifiers: u16::try_from(written.id >> 16).ok().filter(|upper| *upper != 0),
        version: 0,
        task: 0,
        keywords: match written.audit {
            Audit::Success => 0x8020_0000_0000_0000,
            Audit::Failure => 0x8010_0000_0000_0000,
            Audit::Always if written.is_system => 0x8080_0000_0000_0000,
            Audit::Always => 0x8020_0000_0000_0000,
        },
        time: filetime(host.clock.shows(written.at, start)),
        record,
        body: Body::EventData(fields, written.binary.as_ref().map(utf16)),
    }
}

fn legacy(host: &Host, written: &Written, record: u64, start: Nanos) -> Record {
    let said = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Time(at) => (at / SECOND).to_string(),
    };
    Record {
        number: u32::try_from(record).unwrap(),
        time: u32::try_from(host.clock.shows(written.at, start) / SECOND).unwrap(),
        event_id: written.id,
        kind: match (written.is_system, written.audit) {
            (true, _) => 4,
            (false, Audit::Failure) => 16,
            (false, Audit::Success | Audit::Always) => 8,
        },
        source: written.source,
        computer: host.name,
        strings: written.fields.iter().map(|(_, value)| said(value)).collect(),
    }
}
