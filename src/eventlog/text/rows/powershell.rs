//! `Get-WinEvent` as PowerShell's ConvertTo-Json, Export-Csv, Export-Clixml and ConvertTo-Xml write it: the
//! properties of an EventLogRecord, values by position.
//!
//! Source: EventLogRecord of System.Diagnostics.Eventing.Reader; output of Windows PowerShell 5.1 and
//! PowerShell 7.

use super::{Filled, Node, Row, event_id, is_wanted, message, number, number_of, scalar, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;
use crate::time::Timestamp;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    record.event_id = event_id(row.get("Id"))?;
    record.version = number_of(row, "Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    text(row, "ProviderName").clone_into(&mut record.provider);
    text(row, "MachineName").clone_into(&mut record.computer);
    text(row, "LogName").clone_into(&mut record.channel);
    if let Some(number) = number_of(row, "RecordId") {
        record.set_number(number);
    }
    record.audit = AuditOutcome::from_keywords(number_of(row, "Keywords").unwrap_or(0));
    let properties = row.get("Properties").filter(|_| is_wanted(record.event_id));
    if let Some((values, binary)) = properties.and_then(|it| values_of(&it.read())) {
        record.binary = binary;
        if !record.name_values(values) {
            record.positional.clear();
        }
    }
    let time = row.get("TimeCreated").map_or(RecordTime::NONE, time);
    Some(Filled {
        message: message(record, row, "Message"),
        time,
        recovered: false,
        tool: ExportTool::PowerShell,
    })
}

/// The values of an event's properties, and the bytes of a binary one; `None` where only the names of types
/// were written.
fn values_of(properties: &Node<'_>) -> Option<(Vec<String>, Vec<u8>)> {
    let mut texts = Vec::new();
    let mut binary = Vec::new();
    let Node::List(properties) = properties else { return None };
    for property in properties {
        let value = property.get("Value").unwrap_or(property);
        match value {
            Node::Text(text) if text.starts_with("System.") => return None,
            Node::List(bytes) => binary = bytes.iter().filter_map(byte).collect(),
            // A SID is written under this name.
            Node::Object(inner) => texts.push(text(inner, "Value").to_owned()),
            Node::Text(_) | Node::Null | Node::Bool(_) | Node::Number(_) | Node::Unread(_) => {
                texts.extend(scalar(value));
            }
        }
    }
    Some((texts, binary))
}

fn byte(value: &Node<'_>) -> Option<u8> {
    number(value).and_then(|byte| u8::try_from(byte).ok())
}

/// `/Date(1763885054258)/` counts from 1970 in UTC; PowerShell 7 writes RFC 3339, without a zone where the
/// object had none.
fn time(value: &Node<'_>) -> RecordTime {
    let text = match value {
        Node::Object(inner) => text(inner, "value"),
        value => value.as_str().unwrap_or_default(),
    };
    let Some(count) = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) else {
        return RecordTime::parse(text);
    };
    milliseconds(count).map_or(RecordTime::NONE, RecordTime::At)
}

/// A count with a sign, followed by an offset without effect.
fn milliseconds(count: &str) -> Option<Timestamp> {
    let sign = usize::from(count.starts_with('-'));
    let digits = count.get(sign..)?.split(['+', '-']).next()?;
    let millis: i64 = count.get(..sign + digits.len())?.parse().ok()?;
    millis.checked_mul(NANOS_PER_MILLI).map(Timestamp)
}

const NANOS_PER_MILLI: i64 = 1_000_000;
