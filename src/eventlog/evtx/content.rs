//! Converts a record that the `evtx` crate rendered as JSON to a [`LogRecord`].
//!
//! Takes the record's values as written; what they mean is decided elsewhere.

use super::super::interpret::whole_number;
use super::super::{AuditOutcome, LogRecord};
use crate::catalogue::events_numbered;
use crate::evidence::RecordRef;
use crate::time::Timestamp;
use serde_json::Value;

/// Whether the record's number is one that the catalogue has, from any provider. Searches the text only,
/// because most records of a busy log end here; records that pass are parsed.
pub(super) fn may_be_known(json: &str) -> bool {
    event_ids(json).any(|id| !events_numbered(id).is_empty())
}

/// The numbers in the place of an event's number; the first is the record's own.
pub(super) fn event_ids(json: &str) -> impl Iterator<Item = u16> {
    json.match_indices(EVENT_ID).filter_map(|(at, _)| {
        let value = json.get(at + EVENT_ID.len()..).unwrap_or_default();
        // With qualifiers, the number is the text of an object.
        let value = match value.strip_prefix('{') {
            Some(object) => object.split_once("\"#text\":").map_or("", |(_, text)| text),
            None => value,
        };
        let value = value.strip_prefix('"').unwrap_or(value);
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        value.get(..digits)?.parse().ok()
    })
}

/// The first text after a key; empty where there is none, or where it contains an escape, which no name of a
/// computer or a log does.
pub(super) fn text_behind<'j>(json: &'j str, key: &str) -> &'j str {
    let text = json.split_once(key).and_then(|(_, text)| text.split_once('"'));
    text.map(|(name, _)| name).filter(|name| !name.contains('\\')).unwrap_or_default()
}

pub(super) fn log_record(
    event: &Value,
    record: RecordRef,
    written: Option<Timestamp>,
) -> Option<LogRecord> {
    let event = event.get("Event")?;
    let system = event.get("System")?;
    let attribute = |pointer| system.pointer(pointer).map(text_of).unwrap_or_default();
    let element = |name| system.get(name).map(text_of).unwrap_or_default();
    let time = attribute("/TimeCreated/#attributes/SystemTime");
    let keywords = whole_number(&element("Keywords"));
    let own: Option<u64> = element("EventRecordID").parse().ok();
    let mut filled = LogRecord {
        record,
        written_as: own.filter(|number| *number != record.record),
        is_numbered: true,
        provider: attribute("/Provider/#attributes/Name"),
        channel: element("Channel"),
        computer: element("Computer"),
        event_id: element("EventID").parse().ok()?,
        version: element("Version").parse().unwrap_or(0),
        time: Timestamp::from_rfc3339(&time).or(written),
        audit: AuditOutcome::from_keywords(keywords.unwrap_or(0)),
        named: Vec::new(),
        positional: Vec::new(),
        binary: Vec::new(),
    };
    for body in ["EventData", "UserData"] {
        collect_fields(body, event.get(body).unwrap_or(&Value::Null), &mut filled);
    }
    Some(filled)
}

/// Cuts the texts of a record, the last first, to about this many bytes together; returns whether anything was
/// cut. A template that records share may hold more text, or more values, than all of them.
pub(super) fn cut(record: &mut LogRecord, most: usize) -> bool {
    let LogRecord { provider, channel, computer, named, positional, .. } = record;
    let mut left = most;
    let mut is_cut = false;
    let mut shorten = |text: &mut String| {
        if text.len() > left {
            text.truncate(text.floor_char_boundary(left));
            text.push('…');
            text.shrink_to_fit();
            is_cut = true;
        }
        // A value has a cost even where it is empty.
        left = left.saturating_sub(text.len() + VALUE);
        left > 0
    };
    [provider, channel, computer].into_iter().for_each(|text| {
        shorten(text);
    });
    let mut kept = 0;
    for (name, value) in named.iter_mut() {
        if !(shorten(name) && shorten(value)) {
            break;
        }
        kept += 1;
    }
    let kept_places =
        positional.iter_mut().map(&mut shorten).take_while(|has_room| *has_room).count();
    let is_short = kept == named.len() && kept_places == positional.len();
    // The text at which the limit was reached is kept up to there.
    named.truncate(kept + 1);
    positional.truncate(kept_places + usize::from(kept == named.len()));
    named.shrink_to_fit();
    positional.shrink_to_fit();
    is_cut || !is_short
}

/// Flattens the body of a record: a value under its nearest name. `Data` is no name.
fn collect_fields(name: &str, value: &Value, record: &mut LogRecord) {
    match value {
        Value::Null if is_container(name) => {}
        Value::Object(members) => {
            for (member, value) in members.iter().filter(|(member, _)| *member != "#attributes") {
                let name = if member == "#text" { name } else { member };
                collect_fields(name, value, record);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_fields(name, item, record)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = text_of(value);
            match name {
                "Binary" => record.binary = bytes_of_hex(&text),
                "Data" => record.positional.push(text),
                _ => record.named.push((name.to_owned(), text)),
            }
        }
    }
}

fn is_container(name: &str) -> bool {
    matches!(name, "EventData" | "UserData")
}

/// A scalar as text; of an element with attributes, its text.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Object(members) => members.get("#text").map(text_of).unwrap_or_default(),
    }
}

/// Empty where the text is not hexadecimal.
fn bytes_of_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    pairs.collect::<Option<Vec<u8>>>().unwrap_or_default()
}

/// The cost of a value besides its text.
const VALUE: usize = 8;
const EVENT_ID: &str = "\"EventID\":";
/// What precedes an event's time.
pub(super) const TIME: &str = "\"SystemTime\":\"";
/// … before the computer's name.
pub(super) const COMPUTER: &str = "\"Computer\":\"";
/// … before the log's name.
pub(super) const CHANNEL: &str = "\"Channel\":\"";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(body: &Value) -> LogRecord {
        let system = json!({ "EventID": 4654, "Channel": "Security", "Computer": "FS01" });
        let event = json!({ "Event": { "System": system, "EventData": body } });
        let at = RecordRef { evidence: crate::evidence::EvidenceId(1), record: 7 };
        log_record(&event, at, None).unwrap()
    }

    fn held(record: &LogRecord) -> usize {
        let named = record.named.iter().map(|(name, value)| name.len() + value.len() + VALUE);
        named.chain(record.positional.iter().map(|value| value.len() + VALUE)).sum()
    }

    #[test]
    fn many_values_are_bounded_as_one_long_one_is() {
        for value in ["", "x"] {
            let mut many = record(&json!({ "Data": vec![value; 10_000] }));
            assert!(cut(&mut many, 1_000));
            assert!(held(&many) < 1_100);
        }
    }

    #[test]
    fn a_record_holds_no_more_text_than_its_bound() {
        let long = "ä".repeat(16_000);
        for body in [json!({ "A": long, "B": "b" }), json!({ "Data": ["x", long, long] })] {
            let mut long = record(&body);
            assert!(cut(&mut long, 1_001));
            assert!(held(&long) < 1_100);
            assert_eq!((long.channel.as_str(), long.computer.as_str()), ("Security", "FS01"));
        }
        let mut short = record(&json!({ "A": "a", "B": "b" }));
        assert!(!cut(&mut short, 1_000));
        assert_eq!(
            short.named,
            [("A".to_owned(), "a".to_owned()), ("B".to_owned(), "b".to_owned())]
        );
    }
}
