//! Events as JSON: an array, a stream, or one per line, from any tool.
//!
//! This file only decides where an event begins and ends.

use super::LONGEST_EVENT;
use super::event_splitter::{AHEAD, find};
use super::row_reading::Reading;
use super::rows::{self, Filled, Row};
use super::source::Source;
use super::splitting::{Segment, Splitter, State};
use super::xml::lost;
use crate::eventlog::{LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId, wrapper_length};
use crate::time::{Resolution, Zone};
use std::io::Read;

/// Reads a whole export, passes each event that the catalogue knows to `sink` in the order of the file, and
/// returns what the file holds and its time resolution. Times without a zone are read in `zone`. Damage becomes
/// problems, and reading continues after it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    zone: Option<&Zone>,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut reading = Reading::new(evidence, mark, zone, sink);
    let envelope = envelope(&mut source);
    if envelope > 0 {
        let bytes = source.consume(envelope);
        reading.export.tally.cover("markup", bytes, 0);
    }
    let mut objects = Objects::default();
    loop {
        while whole_line(&mut reading, &mut objects, &mut source) {
            let blank = blank_front(source.window());
            let bytes = source.consume(blank);
            reading.export.tally.cover("markup", bytes, 0);
        }
        let Some(segment) = objects.next(&mut source) else { break };
        match segment {
            Segment::Event(length) => reading.event(&mut source, length, fill),
            Segment::Between(length) => {
                let is_markup = |text: &[u8]| is_markup(text, envelope > 0);
                reading.export.between(&mut source, length, is_markup);
            }
            other => lost(&mut reading.export, &mut source, other),
        }
    }
    reading.finish(source)
}

fn fill(record: &mut LogRecord, text: &str) -> Result<Filled, EventFault> {
    let row: Row<'_> = serde_json::from_str(text)?;
    rows::fill(record, &row)
}

/// Reads the object in front of the window where it is a line of its own and valid JSON: most exports consist
/// of such lines, and the end of a line is found faster than the end of an object.
fn whole_line(reading: &mut Reading<'_>, objects: &mut Objects, source: &mut Source<'_>) -> bool {
    let window = source.window();
    let near = window.get(..LONGEST_LINE.min(window.len())).unwrap_or_default();
    if !near.starts_with(b"{") {
        return false;
    }
    let line = memchr::memchr(b'\n', near).and_then(|end| near.get(..end));
    let line = line.unwrap_or_default().trim_ascii_end();
    let Some(text) = Some(line).filter(|line| line.ends_with(b"}")) else { return false };
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let Ok(row) = serde_json::from_str::<Row<'_>>(text) else { return false };
    if objects.first_name.is_empty() {
        objects.first_name = beginning(line).unwrap_or_default();
    }
    let length = line.len();
    let mut record = reading.export.blank();
    let filled = rows::fill(&mut record, &row);
    drop(row);
    reading.filled(source, length, record, filled);
    true
}

/// How many blanks and ends of lines the text begins with.
fn blank_front(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// The length of the text before the events in an object that holds them all: before the hits of an Elasticsearch
/// response, or before the list of a wrapper; 0 in any other text.
fn envelope(source: &mut Source<'_>) -> usize {
    while source.window().len() < AHEAD && source.grow() {}
    let wrapper = wrapper_length(source.window());
    if wrapper > 0 {
        return wrapper;
    }
    let is_answer = |window: &[u8]| {
        let first = window.trim_ascii_start();
        let name = first.starts_with(b"{").then(|| beginning(first)).flatten();
        name.is_some_and(|name| ANSWER.contains(&name.as_slice()))
    };
    while is_answer(source.window()) && source.window().len() < LONGEST_ENVELOPE {
        if let Some(length) = hits_at(source.window()) {
            return length;
        }
        if !source.grow() {
            break;
        }
    }
    0
}

/// Where the list of hits begins: after the bracket of the first `"hits": [`.
fn hits_at(window: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = window.get(at..)?;
        at += find(rest, HITS)? + HITS.len();
        let behind = window.get(at..)?;
        let list = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        if let Some(list) = list.strip_prefix(b"[") {
            return Some(window.len() - list.len());
        }
    }
}

/// Between events there are brackets and commas, the ends of the object that holds them all, and the lines of
/// evtx_dump with a record's number (`Record 5191`).
pub(super) fn is_markup(text: &[u8], has_envelope: bool) -> bool {
    let is_bracket = |byte: &u8| match byte {
        b'[' | b']' | b',' | b' ' | b'\t' | b'\r' => true,
        b'}' => has_envelope,
        _ => false,
    };
    text.split(|byte| *byte == b'\n').all(|line| {
        let number = line.trim_ascii().strip_prefix(b"Record ");
        let is_number = |number: &[u8]| !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        number.map_or_else(|| line.iter().all(is_bracket), is_number)
    })
}

/// Finds the outermost objects of a text. Brackets around them do not matter, so that a stream of objects is
/// read like an array.
#[derive(Default)]
pub(super) struct Objects {
    state: State,
    is_in_string: bool,
    is_escaped: bool,
    /// The beginning of every event, without blanks: a brace and its first name.
    first_name: Vec<u8>,
}

impl Splitter for Objects {
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    fn step(&mut self, window: &[u8]) -> Option<Segment> {
        while let Some(byte) = window.get(self.state.at) {
            if *byte == b'{' {
                let rest = window.get(self.state.at..)?;
                if rest.len() <= AHEAD && !self.state.has_ended {
                    return None;
                }
                if let Some(segment) = self.brace(rest) {
                    return Some(segment);
                }
            } else if let Some(segment) = self.byte(*byte) {
                return Some(segment);
            }
            if self.state.at > LONGEST_EVENT {
                return Some(self.state.too_long());
            }
        }
        None
    }
}

impl Objects {
    /// A brace begins an event, or an object in one, or is part of a text. No text contains a brace followed by
    /// the events' first name, because quotation marks in texts are escaped.
    fn brace(&mut self, rest: &[u8]) -> Option<Segment> {
        let here = self.state.at;
        let begins = self.state.depth == 0 || self.begins_event(rest);
        if begins && here > 0 {
            let depth = std::mem::take(&mut self.state.depth);
            (self.is_in_string, self.is_escaped) = (false, false);
            return Some(match (depth, std::mem::take(&mut self.state.is_too_long)) {
                (0, _) => Segment::Between(here),
                (_, true) => Segment::TooLong(here),
                (_, false) => Segment::Endless(here),
            });
        }
        if begins {
            self.state.depth = 0;
            (self.is_in_string, self.is_escaped, self.state.is_too_long) = (false, false, false);
            if self.first_name.is_empty() {
                self.first_name = beginning(rest).unwrap_or_default();
            }
        }
        self.state.depth += usize::from(!self.is_in_string);
        self.is_escaped = false;
        self.state.at += 1;
        None
    }

    fn begins_event(&self, rest: &[u8]) -> bool {
        !self.first_name.is_empty() && beginning(rest).is_some_and(|it| it == self.first_name)
    }

    /// Any other byte.
    fn byte(&mut self, byte: u8) -> Option<Segment> {
        self.state.at += 1;
        if self.is_in_string {
            // No text contains the end of a line; where one does, its quotation mark is missing.
            let ends = byte == b'\n' || byte == b'"' && !self.is_escaped;
            self.is_in_string = !ends;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            return None;
        }
        match byte {
            b'"' if self.state.depth > 0 => self.is_in_string = true,
            b'}' if self.state.depth > 1 => self.state.depth -= 1,
            b'}' if self.state.depth == 1 => {
                self.state.depth = 0;
                let is_too_long = std::mem::take(&mut self.state.is_too_long);
                return Some(if is_too_long {
                    Segment::TooLong(self.state.at)
                } else {
                    Segment::Event(self.state.at)
                });
            }
            _ => {}
        }
        None
    }
}

/// The first name of an object, with its quotation marks; `None` where none is near.
fn beginning(rest: &[u8]) -> Option<Vec<u8>> {
    let text = rest.get(1..AHEAD.min(rest.len()))?.trim_ascii_start();
    let name = text.strip_prefix(b"\"")?;
    let length = name.iter().position(|byte| *byte == b'"')?;
    let behind = name.get(length + 1..)?.trim_ascii_start();
    behind.starts_with(b":").then(|| name.get(..length).map(<[u8]>::to_vec))?
}

/// Names with which a response of Elasticsearch begins (reference, "Search API", response body).
const ANSWER: &[&[u8]] = &[
    b"took",
    b"timed_out",
    b"_shards",
    b"hits",
    b"_scroll_id",
    b"pit_id",
    b"num_reduce_phases",
    b"responses",
];
const HITS: &[u8] = b"\"hits\"";
/// Longer lines are read object by object.
const LONGEST_LINE: usize = 16 << 10;
const LONGEST_ENVELOPE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::AuditOutcome;
    use crate::evidence::ProblemCode;
    use crate::time::Timestamp;

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
        let mut bytes = text.as_bytes();
        let summary =
            super::read(&mut bytes, EvidenceId(1), None, &mut |event| events.push(event)).0;
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
    fn the_hits_of_an_answer_are_events() {
        let text = format!(
            "{{\"took\": 5, \"_shards\": {{\"total\": 1}}, \"hits\": {{ \"total\": {{\"value\": 2}}, \"hits\" : [\n{},\n{}] }} }}\n",
            event(7),
            event(8)
        );
        let (summary, events) = read(&text);
        assert_eq!((summary.problems, events.len()), (Vec::new(), 2));
        // A superfluous brace ends nothing in a list without a response around it.
        assert_eq!(read(&format!("[{}}}]", event(7))).0.problems.len(), 1);
    }

    #[test]
    fn the_list_in_an_object_that_holds_nothing_else_is_events() {
        for (begin, end) in [("{\"Events\" : [", "]}"), ("\n{\"events\":{\"Event\":[\n", "] } }\n")]
        {
            let (summary, events) = read(&format!("{begin}{},{}{end}", event(7), event(8)));
            assert_eq!((summary.problems, events.len()), (Vec::new(), 2));
        }
    }

    #[test]
    fn a_line_with_the_number_of_a_record_is_no_damage() {
        let numbered = |line: &str| format!("{line}\n{}\n{line}\r\n{}\n", event(7), event(8));
        let (summary, events) = read(&numbered("Record 5191"));
        assert_eq!((summary.problems, events.len()), (Vec::new(), 2));
        for other in ["Record", "Record x", "Record 5191 x", "Rec"] {
            assert_eq!(read(&numbered(other)).0.problems.len(), 2, "{other}");
        }
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
            let first = summary.problems.first().map(|p| (p.code(), p.offset));
            let place = event(1).len() as u64 + 2;
            assert_eq!(first, Some((ProblemCode::Skipped, Some(place))), "{lost}");
        }
    }

    #[test]
    fn without_values_the_message_gives_them() {
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
        assert_eq!(summary.problems[0].code(), ProblemCode::FieldsMissing);
    }
}
