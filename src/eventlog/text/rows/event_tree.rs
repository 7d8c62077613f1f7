//! The event's XML as a tree of names: evtx_dump (plain and `--separate-json-attributes`), python-evtx's
//! JSON, chainsaw's dump and hunt, EvtxECmd's `--json --fj`, Velociraptor's `parse_evtx`.
//!
//! Source: the tools' own output of this project's samples (evtx_dump); snapshots of
//! omerbenamram/evtx; WithSecureLabs/chainsaw src/file/evtx.rs; EricZimmerman/evtx EvtxECmd/Program.cs.

use super::{Filled, Row, Tool, event_id, number, scalar, take_named, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::RecordRef;
use crate::time::Timestamp;
use serde_json::Value;

pub(super) fn fill(record: &mut LogRecord, row: &Row) -> Option<Filled> {
    let event = row.get("Event").and_then(Value::as_object).unwrap_or(row);
    let system = event.get("System")?.as_object()?;
    record.event_id = event_id(system.get("EventID").map(content))?;
    attribute(system, "Provider", "Name").and_then(Value::as_str)?.clone_into(&mut record.provider);
    text(system, "Channel").clone_into(&mut record.channel);
    text(system, "Computer").clone_into(&mut record.computer);
    let whole = |name: &str| system.get(name).map(content).and_then(number);
    record.version = whole("Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    record.audit = AuditOutcome::from_keywords(whole("Keywords").unwrap_or(0));
    if let Some(number) = whole("EventRecordID") {
        record.record = RecordRef { record: number, ..record.record };
    }
    for body in ["EventData", "UserData"] {
        event.get(body).into_iter().for_each(|body| data(record, body));
    }
    let time = attribute(system, "TimeCreated", "SystemTime").map_or(RecordTime::NONE, time);
    let message = event.get("Message").or_else(|| row.get("Message"));
    let message = message.and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Filled { message, time, recovered: false, tool: &EVENT_TREE })
}

/// An element's own value, where attributes stand beside it.
fn content(value: &Value) -> &Value {
    let beside = ["#text", "Value"].into_iter().find_map(|name| value.get(name));
    beside.unwrap_or(value)
}

/// An attribute of an element: inside it under `#attributes` or `@name` or `name`, or beside it.
fn attribute<'r>(system: &'r Row, element: &str, name: &str) -> Option<&'r Value> {
    let inside = system.get(element).and_then(|element| {
        let attributes = element.get("#attributes").unwrap_or(element);
        attributes.get(name).or_else(|| attributes.get(format!("@{name}")))
    });
    let beside = || system.get(&format!("{element}_attributes")).and_then(|it| it.get(name));
    inside.or_else(beside)
}

/// UTC, whether marked or not, as every one of these tools writes it; Velociraptor counts seconds.
fn time(value: &Value) -> RecordTime {
    match value {
        Value::String(text) => RecordTime::parse_utc(text),
        Value::Number(number) => {
            seconds(&number.to_string()).map_or(RecordTime::NONE, RecordTime::At)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => RecordTime::NONE,
    }
}

/// Seconds since 1970 with a fraction, in decimal.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<9}");
    Timestamp::from_seconds(whole.parse().ok()?, fraction.get(..9)?.parse().ok()?)
}

/// The event's own data, whatever lies around it: a value under its nearest name.
pub(super) fn data(record: &mut LogRecord, body: &Value) {
    let Some(body) = body.as_object() else { return };
    let is_data = |name: &str| {
        !name.starts_with('#') && !name.starts_with('@') && !name.ends_with("_attributes")
    };
    for (name, value) in body.iter().filter(|(name, _)| is_data(name)) {
        match (name.as_str(), value) {
            ("Data", value) => nameless(record, value),
            (_, Value::Object(inner)) if inner.contains_key("#text") => {
                let inner = [(name.clone(), content(value).clone())].into_iter().collect();
                take_named(record, &inner);
            }
            (_, Value::Object(_)) => data(record, value),
            (_, value) => {
                let one = [(name.clone(), value.clone())].into_iter().collect();
                take_named(record, &one);
            }
        }
    }
}

/// `Data` elements: a list of texts, or of elements with a name each.
fn nameless(record: &mut LogRecord, value: &Value) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| nameless(record, value)),
        Value::Object(element) => {
            let name = element.get("@Name").or_else(|| element.get("Name")).and_then(Value::as_str);
            match (name, content(value)) {
                (Some(name), one) => {
                    record.named.extend(scalar(one).map(|it| (name.to_owned(), it)))
                }
                (None, Value::Array(values)) => {
                    record.positional.extend(values.iter().filter_map(scalar));
                }
                (None, one) => record.positional.extend(scalar(one)),
            }
        }
        one => record.positional.extend(scalar(one)),
    }
}

const EVENT_TREE: Tool =
    Tool { name: "evtx_dump and its like", remedy: "export the whole event, with its EventData" };
