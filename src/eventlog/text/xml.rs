//! Events as XML: `wevtutil qe /f:xml`, which writes no root element, and Event Viewer's file.
//!
//! Source: the event schema (`http://schemas.microsoft.com/win/2004/08/events/event`).

use super::super::interpret::whole_number;
use super::event_splitter::{EventSplitter, Tag, is_markup, is_named};
use super::local_times::RecordTime;
use super::source::Source;
use super::splitting::{Segment, Splitter};
use super::{Export, LONGEST_EVENT};
use crate::eventlog::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId};
use crate::xml::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::io::Read;

/// Reads a whole export, passes each event that the catalogue knows to `sink` in the order of the file, and
/// returns what the file holds. Damage becomes problems, and reading continues after it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let (mut source, mark) = Source::new(reader);
    let mut export = Export::new(evidence, mark, sink);
    let mut splitter = EventSplitter::new(rules);
    while let Some(segment) = splitter.next(&mut source) {
        match segment {
            Segment::Event(length) => export.element(&mut source, length, fill),
            Segment::Between(length) => {
                export.between(&mut source, length, |text| is_markup(text, ROOTS));
            }
            other => lost(&mut export, &mut source, other),
        }
    }
    export.finish(source)
}

/// A segment that is no whole event.
pub(super) fn lost(export: &mut Export<'_>, source: &mut Source<'_>, segment: Segment) {
    let offset = source.offset();
    match segment {
        Segment::Cut(length) => {
            let bytes = source.consume(length);
            export.cut(offset, bytes);
        }
        Segment::TooLong(length) => {
            let bytes = source.consume(length);
            export.damaged(EventFault::TooLong(LONGEST_EVENT as u64), offset, bytes);
        }
        Segment::Event(length) | Segment::Endless(length) | Segment::Between(length) => {
            let bytes = source.consume(length);
            export.damaged(EventFault::NoEnd, offset, bytes);
        }
    }
}

/// The text of the event at the front of the window, and whether it was valid UTF-8.
pub(super) fn text_at<'s>(source: &'s Source<'_>, length: usize) -> (Cow<'s, str>, bool) {
    let bytes = source.window().get(..length).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let is_sound = matches!(text, Cow::Borrowed(_));
    (text, is_sound)
}

/// Fills the record with the event's values as written.
pub(super) fn fill(record: &mut LogRecord, event: &Element) -> Result<(), EventFault> {
    let system = event.child("System").ok_or(EventFault::NoSystem)?;
    record.event_id = system.text_of("EventID").parse().map_err(|_| EventFault::NoEventId)?;
    let attribute =
        |element, name| system.child(element).map_or("", |e: &Element| e.attribute(name));
    record.provider = attribute("Provider", "Name").to_owned();
    record.channel = system.text_of("Channel").to_owned();
    record.computer = system.text_of("Computer").to_owned();
    record.version = system.text_of("Version").parse().unwrap_or(0);
    // Windows writes a zone; EvtxECmd writes UTC and none (EvtxECmd/Program.cs).
    record.time = match RecordTime::parse_utc(attribute("TimeCreated", "SystemTime")) {
        RecordTime::At(time) => Some(time),
        RecordTime::Local(_) | RecordTime::Missing(_) => None,
    };
    let keywords = whole_number(system.text_of("Keywords")).unwrap_or(0);
    record.audit = AuditOutcome::from_keywords(keywords);
    if let Ok(number) = system.text_of("EventRecordID").parse() {
        record.set_number(number);
    }
    for body in ["EventData", "UserData"] {
        event.child(body).iter().flat_map(|body| &body.children).for_each(|e| fields(e, record));
    }
    Ok(())
}

/// Flattens the body of an event: a value under its nearest name.
fn fields(element: &Element, record: &mut LogRecord) {
    element.children.iter().for_each(|child| fields(child, record));
    if !element.children.is_empty() && element.text.trim().is_empty() {
        return;
    }
    let text = element.text.clone();
    match (element.name.as_str(), element.attribute("Name")) {
        ("Binary", _) => record.binary = bytes_of(&text),
        ("Data", "") => record.positional.push(text),
        ("Data" | "ComplexData", name) => record.named.push((name.to_owned(), text)),
        (name, _) => record.named.push((name.to_owned(), text)),
    }
}

/// The bytes that Windows writes in hexadecimal, and python-evtx in base64.
fn bytes_of(text: &str) -> Vec<u8> {
    let bytes = bytes_of_hex(text);
    if bytes.is_empty() { STANDARD.decode(text.trim()).unwrap_or_default() } else { bytes }
}

/// Empty where the text is not hexadecimal.
pub(super) fn bytes_of_hex(text: &str) -> Vec<u8> {
    let pairs = text.trim().as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    pairs.collect::<Option<Vec<u8>>>().unwrap_or_default()
}

fn rules(tag: &[u8]) -> Tag {
    if is_named(tag, b"<Event") {
        Tag::Begin
    } else if is_named(tag, b"</Event") {
        Tag::Close
    } else {
        Tag::Other
    }
}

/// The root elements around the events.
const ROOTS: &[&[u8]] = &[b"<Events", b"</Events"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{ExportProblem, Problem, ProblemCode, ProblemKind};

    fn event(number: u64) -> String {
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
             <Provider Name=\"Microsoft-Windows-Security-Auditing\"/><EventID>4655</EventID>\
             <Keywords>0x8020000000000000</Keywords>\
             <TimeCreated SystemTime='2026-11-23T08:04:14.2581420Z'/>\
             <EventRecordID>{number}</EventRecordID><Channel>Security</Channel>\
             <Computer>FS01</Computer></System><EventData>\
             <Data Name='LocalAddress'>10.0.0.1</Data><Data Name='RemoteAddress'>10.0.0.2</Data>\
             </EventData></Event>"
        )
    }

    fn read(text: &[u8]) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let summary = super::read(&mut &*text, EvidenceId(1), &mut |event| events.push(event));
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64, "{:?}", summary.coverage);
        (summary, events)
    }

    #[test]
    fn with_and_without_a_root_and_in_both_encodings() {
        let bare = format!("{}\r\n{}\r\n", event(7), event(9));
        let rooted = format!("<?xml version=\"1.0\"?>\n<!-- <Event > -->\n<Events>{bare}</Events>");
        let wide: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(rooted.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for text in [bare.as_bytes(), rooted.as_bytes(), &wide] {
            let (summary, events) = read(text);
            assert_eq!(summary.problems, []);
            assert_eq!((summary.records, summary.gaps.len(), events.len()), (2, 0, 2));
            let event = &events[1];
            assert_eq!((event.record.record, event.host.as_str()), (9, "FS01"));
            assert_eq!(event.peer(), Some("10.0.0.2".parse().unwrap()));
            assert_eq!(event.audit, AuditOutcome::Success);
        }
    }

    #[test]
    fn an_event_without_its_end_costs_no_other() {
        let lost = event(2).replace("</Event>", "");
        let torn = event(4).replace("<EventID>", "<EventID");
        let text = format!("{}{lost}{}{torn}{}junk", event(1), event(3), event(5));
        let (summary, events) = read(text.as_bytes());
        let numbers: Vec<u64> = events.iter().map(|event| event.record.record).collect();
        assert_eq!(numbers, [1, 3, 5]);
        let places: Vec<_> = summary.problems.iter().map(|p| (p.code(), p.offset)).collect();
        let one = event(1).len() as u64;
        let second = one + lost.len() as u64 + one;
        let end = second + torn.len() as u64 + one;
        let skipped = |at| (ProblemCode::Skipped, Some(at));
        assert_eq!(places, [skipped(one), skipped(second), skipped(end)]);
    }

    #[test]
    fn a_cut_export_is_truncated() {
        let text = event(1) + &event(2);
        let (summary, events) = read(&text.as_bytes()[..text.len() - 3]);
        assert_eq!((events.len(), summary.truncated_at), (1, Some(text.len() as u64 - 3)));
        assert_eq!(summary.problems[0].code(), ProblemCode::Truncated);
    }

    #[test]
    fn an_event_that_is_too_long_is_named_and_the_next_one_read() {
        let long = event(1).replace("10.0.0.1", &"x".repeat(9 << 20));
        let (summary, events) = read(format!("{long}{}", event(2)).as_bytes());
        assert_eq!((events.len(), summary.records), (1, 1));
        let fault = EventFault::TooLong(LONGEST_EVENT as u64);
        let skipped = |problem: &Problem| match &problem.kind {
            ProblemKind::Export(ExportProblem::Skipped { fault: why, .. }) => *why == fault,
            _ => false,
        };
        assert!(summary.problems.iter().all(skipped), "{:?}", summary.problems);
    }
}
