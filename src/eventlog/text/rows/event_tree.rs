//! The event's XML as a tree of names: evtx_dump (plain and `--separate-json-attributes`), python-evtx's
//! JSON, chainsaw's dump and hunt, EvtxECmd's `--json --fj`, Velociraptor's `parse_evtx`.
//!
//! Source: the tools' own output of this project's samples (evtx_dump); snapshots of
//! omerbenamram/evtx; WithSecureLabs/chainsaw src/file/evtx.rs; EricZimmerman/evtx EvtxECmd/Program.cs.

use super::{Filled, Node, Row, event_id, is_wanted, message, number, scalar, take_named, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;
use crate::time::Timestamp;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    let event = row.get("Event").and_then(Node::as_object).unwrap_or(row);
    let system = event.get("System")?.as_object()?;
    record.event_id = event_id(system.get("EventID").map(content))?;
    attribute(system, "Provider", "Name").and_then(Node::as_str)?.clone_into(&mut record.provider);
    text(system, "Channel").clone_into(&mut record.channel);
    text(system, "Computer").clone_into(&mut record.computer);
    let whole = |name: &str| system.get(name).map(content).and_then(number);
    record.version = whole("Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    record.audit = AuditOutcome::from_keywords(whole("Keywords").unwrap_or(0));
    if let Some(number) = whole("EventRecordID") {
        record.set_number(number);
    }
    let is_wanted = is_wanted(record.event_id);
    for body in ["EventData", "UserData"].into_iter().filter(|_| is_wanted) {
        event.get(body).into_iter().for_each(|body| data(record, &body.read()));
    }
    let time = attribute(system, "TimeCreated", "SystemTime").map_or(RecordTime::NONE, time);
    let holder = if event.contains("Message") { event } else { row };
    let message = message(record, holder, "Message");
    Some(Filled { message, time, recovered: false, tool: ExportTool::EvtxDump })
}

/// An element's own value, where it has attributes too.
fn content<'r, 't>(value: &'r Node<'t>) -> &'r Node<'t> {
    let beside = ["#text", "Value"].into_iter().find_map(|name| value.get(name));
    beside.unwrap_or(value)
}

/// An attribute of an element: inside it under `#attributes` or `@name` or `name`, or beside it.
fn attribute<'r, 't>(system: &'r Row<'t>, element: &str, name: &str) -> Option<&'r Node<'t>> {
    let inside = system.get(element).and_then(|element| {
        let attributes = element.get("#attributes").unwrap_or(element);
        attributes.get(name).or_else(|| attributes.get(&format!("@{name}")))
    });
    let beside = || system.get(&format!("{element}_attributes")).and_then(|it| it.get(name));
    inside.or_else(beside)
}

/// In UTC, whether marked or not, as all of these tools write it; Velociraptor counts seconds.
fn time(value: &Node<'_>) -> RecordTime {
    match value {
        Node::Text(text) => RecordTime::parse_utc(text),
        Node::Number(number) => {
            seconds(&number.to_string()).map_or(RecordTime::NONE, RecordTime::At)
        }
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) | Node::Unread(_) => {
            RecordTime::NONE
        }
    }
}

/// Seconds since 1970 with a fraction, in decimal.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<9}");
    Timestamp::from_seconds(whole.parse().ok()?, fraction.get(..9)?.parse().ok()?)
}

/// The event's own data, at any depth: a value under its nearest name.
pub(super) fn data(record: &mut LogRecord, body: &Node<'_>) {
    let Some(body) = body.as_object() else { return };
    let is_data = |name: &str| {
        !name.starts_with('#') && !name.starts_with('@') && !name.ends_with("_attributes")
    };
    for (name, value) in body.iter().filter(|(name, _)| is_data(name)) {
        match (name, value) {
            ("Data", value) => nameless(record, value),
            (name, Node::Object(inner)) if inner.contains("#text") => {
                take_named(record, [(name, content(value))]);
            }
            (_, Node::Object(_)) => data(record, value),
            (name, value) => take_named(record, [(name, value)]),
        }
    }
}

/// `Data` elements: a list of texts, or of elements with a name each.
fn nameless(record: &mut LogRecord, value: &Node<'_>) {
    match value {
        Node::List(values) => values.iter().for_each(|value| nameless(record, value)),
        Node::Object(element) => {
            let name = element.get("@Name").or_else(|| element.get("Name")).and_then(Node::as_str);
            match (name, content(value)) {
                (Some(name), one) => {
                    record.named.extend(scalar(one).map(|it| (name.to_owned(), it)))
                }
                (None, Node::List(values)) => {
                    record.positional.extend(values.iter().filter_map(scalar));
                }
                (None, one) => record.positional.extend(scalar(one)),
            }
        }
        one => record.positional.extend(scalar(one)),
    }
}
