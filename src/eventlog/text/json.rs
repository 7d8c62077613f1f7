//! Events as `Get-WinEvent | ConvertTo-Json` writes them: values by place, and the message.
//!
//! Names of values come from the catalogue. Where the values were left out, because the text is not
//! deep enough, they are told from the message. Source: EventLogRecord of
//! System.Diagnostics.Eventing.Reader; output of Windows PowerShell 5.1 and PowerShell 7.

use super::dates;
use super::pieces::{AHEAD, Piece};
use super::source::Source;
use super::xml::{lost, text_at};
use super::{Export, LONGEST_EVENT};
use crate::catalogue::channel_of_source;
use crate::eventlog::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::evidence::{EvidenceId, RecordRef};
use crate::time::{Resolution, Timestamp};
use serde_json::{Map, Value};
use std::io::Read;

/// Reads a whole export, hands each event that the catalogue knows to `sink` in the order of the
/// file, and tells what the file holds and how finely it tells time. Damage becomes problems and
/// reading goes on behind it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut export = Export::new(evidence, mark, sink);
    let mut objects = Objects::default();
    let mut clock = Clock { resolution: MILLISECONDS, is_local: false };
    while let Some(piece) = objects.next(&mut source) {
        match piece {
            Piece::Event(length) => event(&mut export, &mut source, length, &mut clock),
            Piece::Between(length) => between(&mut export, &mut source, length),
            other => lost(&mut export, &mut source, other),
        }
    }
    if clock.is_local {
        export.local_time();
    }
    (export.finish(source), clock.resolution)
}

/// What the export shows of its clock.
struct Clock {
    resolution: Resolution,
    is_local: bool,
}

fn event(export: &mut Export<'_>, source: &mut Source<'_>, length: usize, clock: &mut Clock) {
    let offset = source.offset();
    let (text, is_sound) = text_at(source, length);
    let mut record = export.blank();
    let object: Result<Map<String, Value>, _> = serde_json::from_str(&text);
    let filled = object
        .map_err(|error| error.to_string())
        .and_then(|object| fill(&mut record, &object, clock));
    let octets = source.consume(length);
    match filled {
        Err(why) => return export.damaged(&why, offset, octets),
        Ok(false) => export.missing(&record, offset),
        Ok(true) => {}
    }
    if !is_sound {
        export.not_text(offset, record.record.record);
    }
    export.record(&record, offset, octets);
}

/// What the object says; gives whether its values could be told.
fn fill(
    record: &mut LogRecord,
    object: &Map<String, Value>,
    clock: &mut Clock,
) -> Result<bool, String> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| object.get(key).and_then(Value::as_u64);
    let id = number("Id").or_else(|| text("Id").parse().ok()).ok_or("it has no Id")?;
    record.event_id = u16::try_from(id & 0xffff).unwrap_or_default();
    record.version = number("Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    text("ProviderName").clone_into(&mut record.provider);
    text("MachineName").clone_into(&mut record.computer);
    let channel = match text("LogName") {
        "" => channel_of_source(&record.provider),
        channel => channel,
    };
    channel.clone_into(&mut record.channel);
    if let Some(number) = number("RecordId") {
        record.record = RecordRef { record: number, ..record.record };
    }
    record.time = object.get("TimeCreated").and_then(|time| time_of(time, clock));
    // A signed number in PowerShell.
    let keywords = object
        .get("Keywords")
        .and_then(|it| it.as_u64().or_else(|| it.as_i64().map(i64::cast_unsigned)));
    record.audit = AuditOutcome::from_keywords(keywords.unwrap_or(0));
    if let Some(values) = object.get("Properties").and_then(values_of) {
        let (values, binary) = values;
        record.binary = binary;
        return Ok(record.name_values(values));
    }
    Ok(record.fill_from_message(text("Message")))
}

/// The values of an event's properties, and the octets that a value of them is; `None` where only
/// the names of types were written.
fn values_of(properties: &Value) -> Option<(Vec<String>, Vec<u8>)> {
    let mut texts = Vec::new();
    let mut binary = Vec::new();
    for property in properties.as_array()? {
        let value = property.get("Value").unwrap_or(property);
        match value {
            Value::String(text) if text.starts_with("System.") => return None,
            Value::String(text) => texts.push(text.clone()),
            Value::Array(octets) => binary = octets.iter().filter_map(octet).collect(),
            Value::Object(inner) => {
                // A SID tells itself under this name.
                let text = inner.get("Value").and_then(Value::as_str).unwrap_or_default();
                texts.push(text.to_owned());
            }
            Value::Null => texts.push(String::new()),
            Value::Bool(_) | Value::Number(_) => texts.push(value.to_string()),
        }
    }
    Some((texts, binary))
}

fn octet(value: &Value) -> Option<u8> {
    value.as_u64().and_then(|octet| u8::try_from(octet).ok())
}

/// `/Date(1763885054258)/` counts from 1970 in UTC; PowerShell 7 writes RFC 3339, and without a
/// zone where the object had none.
fn time_of(value: &Value, clock: &mut Clock) -> Option<Timestamp> {
    let text = match value {
        Value::Object(inner) => inner.get("value").and_then(Value::as_str)?,
        _ => value.as_str()?,
    };
    if let Some(count) = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) {
        let sign = usize::from(count.starts_with('-'));
        let digits = count.get(sign..)?.split(['+', '-']).next()?;
        let millis: i64 = count.get(..sign + digits.len())?.parse().ok()?;
        return millis.checked_mul(NANOS_PER_MILLI).map(Timestamp);
    }
    if let Some(time) = Timestamp::from_rfc3339(text) {
        clock.resolution = Resolution::FILETIME;
        return Some(time);
    }
    let local = Timestamp::from_rfc3339(&format!("{text}Z"))
        .or_else(|| dates::Stamp::parse(text).and_then(|stamp| stamp.in_order(stamp.order())));
    clock.is_local |= local.is_some();
    local
}

fn between(export: &mut Export<'_>, source: &mut Source<'_>, length: usize) {
    let offset = source.offset();
    let text = source.window().get(..length).unwrap_or_default();
    let is_markup =
        text.iter().all(|octet| matches!(octet, b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n'));
    let octets = source.consume(length);
    if is_markup {
        export.tally.cover("markup", octets, 0);
    } else {
        export.damaged("text that is no event", offset, octets);
    }
}

/// Finds the outermost objects of a text. Brackets around them do not matter, so that a stream of
/// objects reads as an array does.
#[derive(Default)]
struct Objects {
    at: usize,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    /// How every event begins, blanks left out: a brace and its first name.
    first_name: Vec<u8>,
    is_too_long: bool,
    has_ended: bool,
}

impl Objects {
    fn next(&mut self, source: &mut Source<'_>) -> Option<Piece> {
        loop {
            let mut found = self.step(source.window());
            if found.is_none() && self.has_ended {
                found = Some(source.window().len())
                    .filter(|left| *left > 0)
                    .map(|left| self.last(left));
            }
            if found.is_some() || self.has_ended {
                self.at = 0;
                return found;
            }
            self.has_ended = !source.grow();
        }
    }

    fn step(&mut self, window: &[u8]) -> Option<Piece> {
        while let Some(octet) = window.get(self.at) {
            if *octet == b'{' {
                let rest = window.get(self.at..)?;
                if rest.len() <= AHEAD && !self.has_ended {
                    return None;
                }
                if let Some(piece) = self.brace(rest) {
                    return Some(piece);
                }
            } else if let Some(piece) = self.octet(*octet) {
                return Some(piece);
            }
            if self.at > LONGEST_EVENT {
                return Some(self.too_long());
            }
        }
        None
    }

    /// A brace begins an event, or an object in one, or is text. No text holds a brace with the
    /// events' first name behind it, because quotation marks in texts are escaped.
    fn brace(&mut self, rest: &[u8]) -> Option<Piece> {
        let here = self.at;
        let begins = self.depth == 0 || self.begins_event(rest);
        if begins && here > 0 {
            let depth = std::mem::take(&mut self.depth);
            (self.is_in_string, self.is_escaped) = (false, false);
            return Some(match (depth, std::mem::take(&mut self.is_too_long)) {
                (0, _) => Piece::Between(here),
                (_, true) => Piece::TooLong(here),
                (_, false) => Piece::Endless(here),
            });
        }
        if begins {
            self.depth = 0;
            (self.is_in_string, self.is_escaped, self.is_too_long) = (false, false, false);
            if self.first_name.is_empty() {
                self.first_name = beginning(rest).unwrap_or_default();
            }
        }
        self.depth += usize::from(!self.is_in_string);
        self.is_escaped = false;
        self.at += 1;
        None
    }

    fn begins_event(&self, rest: &[u8]) -> bool {
        !self.first_name.is_empty() && beginning(rest).is_some_and(|it| it == self.first_name)
    }

    /// Any other octet.
    fn octet(&mut self, octet: u8) -> Option<Piece> {
        self.at += 1;
        if self.is_in_string {
            // No text holds a line's end; where one is, its quotation mark is missing.
            let ends = octet == b'\n' || octet == b'"' && !self.is_escaped;
            self.is_in_string = !ends;
            self.is_escaped = octet == b'\\' && !self.is_escaped;
            return None;
        }
        match octet {
            b'"' if self.depth > 0 => self.is_in_string = true,
            b'}' if self.depth > 1 => self.depth -= 1,
            b'}' if self.depth == 1 => {
                self.depth = 0;
                let is_too_long = std::mem::take(&mut self.is_too_long);
                return Some(if is_too_long {
                    Piece::TooLong(self.at)
                } else {
                    Piece::Event(self.at)
                });
            }
            _ => {}
        }
        None
    }

    fn too_long(&mut self) -> Piece {
        let length = std::mem::take(&mut self.at);
        self.is_too_long = self.depth > 0;
        if self.is_too_long { Piece::TooLong(length) } else { Piece::Between(length) }
    }

    fn last(&mut self, left: usize) -> Piece {
        match std::mem::take(&mut self.depth) {
            0 => Piece::Between(left),
            _ if self.is_too_long => Piece::TooLong(left),
            _ => Piece::Cut(left),
        }
    }
}

/// The first name of an object, with its quotation marks; `None` where none is near.
fn beginning(rest: &[u8]) -> Option<Vec<u8>> {
    let text = rest.get(1..AHEAD.min(rest.len()))?.trim_ascii_start();
    let name = text.strip_prefix(b"\"")?;
    let length = name.iter().position(|octet| *octet == b'"')?;
    let behind = name.get(length + 1..)?.trim_ascii_start();
    behind.starts_with(b":").then(|| name.get(..length).map(<[u8]>::to_vec))?
}

const NANOS_PER_MILLI: i64 = 1_000_000;
const MILLISECONDS: Resolution = Resolution::MILLISECONDS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ProblemCode;

    fn event(number: u64) -> String {
        format!(
            r#"{{
        "Message":  "An IPsec Main Mode security association ended.\r\n\r\n\"quoted {{\" x",
        "Id":  4655,
        "Keywords":  -9214364837600034816,
        "RecordId":  {number},
        "ProviderName":  "Microsoft-Windows-Security-Auditing",
        "LogName":  "Security",
        "MachineName":  "FS01",
        "TimeCreated":  "\/Date(1763885054258)\/",
        "Bookmark":  {{ }},
        "Properties":  [ {{ "Value":  "10.0.0.1" }}, {{ "Value":  "10.0.0.2" }},
                         {{ "Value":  "%%8222" }}, {{ "Value":  77 }} ]
    }}"#
        )
    }

    fn read(text: &str) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let mut octets = text.as_bytes();
        let summary = super::read(&mut octets, EvidenceId(1), &mut |event| events.push(event)).0;
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64, "{:?}", summary.coverage);
        (summary, events)
    }

    #[test]
    fn an_array_a_stream_and_a_single_object() {
        for text in [
            format!("[\r\n    {},\r\n    {}\r\n]\r\n", event(7), event(8)),
            format!("{}\n{}", event(7), event(8)),
        ] {
            let (summary, events) = read(&text);
            assert_eq!(summary.problems, []);
            assert_eq!(events.len(), 2);
            let event = &events[0];
            assert_eq!((event.record.record, event.main_mode_sa()), (7, Some(77)));
            assert_eq!(event.peer(), Some("10.0.0.2".parse().unwrap()));
            assert_eq!(event.audit, AuditOutcome::Success);
            assert_eq!(event.time, Timestamp::from_rfc3339("2025-11-23T08:04:14.258Z"));
        }
        assert_eq!(read(&event(7)).1.len(), 1);
    }

    #[test]
    fn a_lost_mark_costs_one_event_and_is_named() {
        let lost = [
            event(2).replace("\"FS01\"", "\"FS01"),
            event(2).replace("\"Bookmark\":  { }", "\"Bookmark\":  {"),
            event(2).replace("\"LogName\"", "LogName\""),
            event(2).replace("\r\n", "").replace('\n', "").replace("Security\",", "Security,"),
        ];
        for lost in lost {
            let text = format!("[{},{lost},{}]", event(1), event(3));
            let (summary, events) = read(&text);
            let numbers: Vec<u64> = events.iter().map(|event| event.record.record).collect();
            assert_eq!(numbers, [1, 3], "{lost}");
            let first = summary.problems.first().map(|p| (p.code, p.offset));
            let place = event(1).len() as u64 + 2;
            assert_eq!(first, Some((ProblemCode::Skipped, Some(place))), "{lost}");
        }
    }

    #[test]
    fn without_values_the_message_tells_them() {
        let message = "An IPsec Main Mode security association ended.\\r\\n\\r\\nLocal Network Address:\\t\\t10.0.0.1\\r\\nRemote Network Address:\\t10.0.0.2\\r\\nKeying Module Name:\\t\\tIKEv2\\r\\nMain Mode SA ID:\\t\\t77";
        let object = |message: &str| {
            format!(
                r#"{{"Id":4655,"ProviderName":"Microsoft-Windows-Security-Auditing","TimeCreated":"2026-11-23T08:04:14.2581420+01:00","Message":"{message}","Properties":["System.Diagnostics.Eventing.Reader.EventProperty"]}}"#
            )
        };
        let (summary, events) = read(&object(message));
        assert_eq!(summary.problems, []);
        assert_eq!(events[0].main_mode_sa(), Some(77));
        assert_eq!(events[0].time, Timestamp::from_rfc3339("2026-11-23T07:04:14.2581420Z"));
        let (summary, events) = read(&object("Ende."));
        assert_eq!((events.len(), events[0].peer()), (1, None));
        assert_eq!(summary.problems[0].code, ProblemCode::FieldsMissing);
    }
}
