//! Events listed as text: `wevtutil qe /f:text`, and what Event Viewer copies of an event. Objects that PowerShell lists
//! are read by `property_list`.
//!
//! An event begins with lines of a label and a value: log, source, date, number, and more; then its message
//! follows. Labels are in the language of the system, so lines are taken by position. wevtutil numbers its
//! events (`Event[0]`); Event Viewer appends the event as XML, which then has all values.
//!
//! Source: output of wevtutil (Windows 7 to 11) and of Event Viewer's "Copy details as text".

use super::LONGEST_EVENT;
use super::dates::NoTime;
use super::event_splitter::{find, is_named};
use super::local_times::RecordTime;
use super::parts::{Events, LONGEST_HEAD, ListingPart};
use super::property_list;
use super::row_reading::Reading;
use super::rows::Filled;
use super::source::Source;
use super::xml;
use crate::eventlog::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId, ExportTool};
use crate::time::{Resolution, Zone};
use crate::xml::Element;
use std::io::Read;

/// Reads a whole listing, passes each event that the catalogue knows to `sink` in the order of the file, and
/// returns what the file holds and its time resolution. Times without a zone are read in `zone`. Damage becomes
/// problems, and reading continues after it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    zone: Option<&Zone>,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let reading = Reading::new(evidence, mark, zone, sink);
    while source.window().len() < LONGEST_HEAD && source.grow() {}
    match property_list::first_label(source.window()) {
        Some(first) => read_parts(
            source,
            reading,
            |text| property_list::begins(text, &first),
            property_list::fill,
        ),
        None => read_parts(source, reading, begins, fill),
    }
}

fn read_parts(
    mut source: Source<'_>,
    mut reading: Reading<'_>,
    begins: impl Fn(&[u8]) -> bool,
    fill: fn(&mut LogRecord, &str) -> Result<Filled, EventFault>,
) -> (LogSummary, Resolution) {
    let mut events = Events::new(begins);
    while let Some(part) = events.next(&mut source) {
        match part {
            ListingPart::Event(length) => reading.event(&mut source, length, fill),
            ListingPart::Between(length) => {
                let is_blank = |text: &[u8]| text.trim_ascii().is_empty();
                reading.export.between(&mut source, length, is_blank);
            }
            ListingPart::TooLong(length) => {
                let offset = source.offset();
                let bytes = source.consume(length);
                let fault = EventFault::TooLong(LONGEST_EVENT as u64);
                reading.export.damaged(fault, offset, bytes);
            }
        }
    }
    reading.finish(source)
}

/// Whether an event begins here: with wevtutil's number, or with the log, the source, a date and a number after
/// labels.
fn begins(text: &[u8]) -> bool {
    let head = text.get(..LONGEST_HEAD.min(text.len())).unwrap_or_default();
    if head.first().is_none_or(|first| matches!(first, b' ' | b'\t' | b'\r' | b'\n')) {
        return false;
    }
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let is_numbered = is_number(first);
    if !is_numbered && !first.contains(&b':') && find(first, FULL_WIDTH_COLON).is_none() {
        return false;
    }
    let head = String::from_utf8_lossy(head);
    let mut values = head.lines().skip(usize::from(is_numbered)).map(value);
    let (_, _) = (values.next(), values.next());
    let [Some(Some(date)), Some(Some(id))] = [values.next(), values.next()] else { return false };
    id.parse::<u16>().is_ok() && RecordTime::parse(date) != RecordTime::Missing(NoTime::NoDate)
}

/// `Event[0]` or `Event[0]:`, in any language.
fn is_number(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b":").unwrap_or(line);
    let number = line.strip_suffix(b"]").and_then(|line| {
        let at = line.iter().position(|byte| *byte == b'[')?;
        line.get(at + 1..)
    });
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// The text after the label of a line; `None` where it has no label.
fn value(line: &str) -> Option<&str> {
    line.split_once([':', '\u{ff1a}']).map(|(_, value)| value.trim())
}

fn fill(record: &mut LogRecord, text: &str) -> Result<Filled, EventFault> {
    let is_numbered = text.lines().next().is_some_and(|line| is_number(line.as_bytes()));
    let text = if is_numbered { behind_line(text) } else { text };
    let places = if is_numbered { &WEVTUTIL } else { &EVENT_VIEWER };
    let tool = if is_numbered { ExportTool::Wevtutil } else { ExportTool::EventViewerCopy };
    let at = |place: usize| text.lines().nth(place).and_then(value).unwrap_or_default();
    let time = RecordTime::parse(at(2));
    if let Some(time) = exact(record, text, time)? {
        return Ok(Filled { message: String::new(), time, recovered: false, tool });
    }
    at(0).clone_into(&mut record.channel);
    at(1).clone_into(&mut record.provider);
    record.event_id = at(3).parse().map_err(|_| EventFault::NoNumber)?;
    at(places.computer).clone_into(&mut record.computer);
    record.audit = match at(places.keywords) {
        "Audit Success" => AuditOutcome::Success,
        "Audit Failure" => AuditOutcome::Failure,
        _ => AuditOutcome::NotAudit,
    };
    let mut message = text;
    for _ in 0..places.message {
        message = behind_line(message);
    }
    let message = match message.split_once('\n') {
        Some((line, rest)) => format!("{}{rest}", value(line).unwrap_or_default()),
        None => value(message).unwrap_or_default().to_owned(),
    };
    Ok(Filled { message, time, recovered: false, tool })
}

/// Fills the record from the XML that Event Viewer appends to an event; returns its time. `None` where there is
/// no XML.
fn exact(
    record: &mut LogRecord,
    text: &str,
    shown: RecordTime,
) -> Result<Option<RecordTime>, EventFault> {
    let lines = text.match_indices("\n<Event").filter_map(|(at, _)| text.get(at + 1..));
    let xml = lines.filter(|line| is_named(line.as_bytes(), b"<Event")).last();
    let Some(xml) = xml.and_then(|xml| xml.rfind(END).and_then(|end| xml.get(..end + END.len())))
    else {
        return Ok(None);
    };
    xml::fill(record, &Element::parse(xml)?)?;
    Ok(Some(record.time.map_or(shown, RecordTime::At)))
}

/// The text after its first line.
fn behind_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// At which lines of an event its values are, from 0.
struct Places {
    keywords: usize,
    computer: usize,
    message: usize,
}

/// Log, source, date, number, task, level, opcode, keyword, user, user name, computer, description.
const WEVTUTIL: Places = Places { keywords: 7, computer: 10, message: 11 };
/// Log, source, date, number, task, level, keywords, user, computer, description.
const EVENT_VIEWER: Places = Places { keywords: 6, computer: 8, message: 9 };
const END: &str = "</Event>";
const FULL_WIDTH_COLON: &[u8] = "\u{ff1a}".as_bytes();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{ExportProblem, Problem, ProblemCode, ProblemKind};
    use crate::time::Timestamp;

    const MESSAGE: &str = "An IPsec Main Mode security association ended.\r\n\r\nLocal Network Address:\t\t10.0.0.1\r\nRemote Network Address:\t10.0.0.2\r\nKeying Module Name:\t\tIKEv2\r\nMain Mode SA ID:\t\t77\r\n";

    fn wevtutil(number: u32, date: &str) -> String {
        format!(
            "Event[{number}]:\r\n  Log Name: Security\r\n  Source: Microsoft-Windows-Security-Auditing\r\n  Date: {date}\r\n  Event ID: 4655\r\n  Task: IPsec Main Mode\r\n  Level: Information\r\n  Opcode: Info\r\n  Keyword: Audit Success\r\n  User: N/A\r\n  User Name: N/A\r\n  Computer: FS01\r\n  Description: \r\n{MESSAGE}\r\n"
        )
    }

    fn copied(date: &str) -> String {
        format!(
            "Protokollname: Security\r\nQuelle:        Microsoft-Windows-Security-Auditing\r\nDatum:         {date}\r\nEreignis-ID:   4655\r\nAufgabenkategorie:IPsec-Hauptmodus\r\nEbene:         Informationen\r\nSchlüsselwörter:Überwachung erfolgreich\r\nBenutzer:      Nicht zutreffend\r\nComputer:      FS01\r\nBeschreibung:\r\n{MESSAGE}"
        )
    }

    fn read(text: &str) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let mut bytes = text.as_bytes();
        let zone = Zone::parse("+01:00");
        let mut sink = |event| events.push(event);
        let summary = super::read(&mut bytes, EvidenceId(1), zone.as_ref(), &mut sink).0;
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64, "{:?}", summary.coverage);
        (summary, events)
    }

    fn check(text: &str, count: usize, time: &str) {
        let (summary, events) = read(text);
        assert_eq!(summary.problems, [], "{text}");
        assert_eq!(events.len(), count, "{text}");
        for event in events {
            assert_eq!((event.main_mode_sa(), event.host.as_str()), (Some(77), "FS01"));
            assert_eq!(event.time, Timestamp::from_rfc3339(time), "{text}");
        }
    }

    #[test]
    fn wevtutil_lists_events_with_their_numbers() {
        let local =
            wevtutil(0, "2026-11-23T08:04:14.258") + &wevtutil(1, "2026-11-23T08:04:14.258");
        check(&local, 2, "2026-11-23T07:04:14.258Z");
        check(&local.replace("]:", "]"), 2, "2026-11-23T07:04:14.258Z");
        let utc = wevtutil(0, "2026-11-23T08:04:14.2581420Z");
        check(&utc, 1, "2026-11-23T08:04:14.258142Z");
        assert_eq!(read(&local).1[0].audit, AuditOutcome::Success);
    }

    #[test]
    fn event_viewer_copies_an_event_in_the_language_of_the_system() {
        let text = copied("23.11.2026 08:04:14");
        check(&text, 1, "2026-11-23T07:04:14Z");
        check(&format!("{text}\r\n{text}"), 2, "2026-11-23T07:04:14Z");
    }

    #[test]
    fn the_xml_behind_a_copied_event_says_everything() {
        let xml = "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">\r\n  <System><Provider Name=\"Microsoft-Windows-Security-Auditing\"/><EventID>4655</EventID>\r\n<TimeCreated SystemTime='2026-11-23T07:04:14.2581420Z'/><EventRecordID>5191</EventRecordID><Channel>Security</Channel><Computer>FS01</Computer></System>\r\n<EventData><Data Name='MMSAID'>77</Data></EventData></Event>";
        let text = format!("{}Ereignis-XML:\r\n{xml}", copied("23.11.2026 08:04:14"));
        check(&text, 1, "2026-11-23T07:04:14.258142Z");
        assert_eq!(read(&text).1[0].record.record, 5191);
        let torn = text.replace("</System>", "");
        assert_eq!(read(&torn).0.problems[0].code(), ProblemCode::Skipped);
    }

    #[test]
    fn text_before_the_first_event_and_events_too_long_are_named() {
        let event = wevtutil(0, "2026-11-23T08:04:14.258");
        let (summary, events) = read(&format!("a note\r\n{event}"));
        assert_eq!((summary.problems[0].code(), events.len()), (ProblemCode::Skipped, 1));
        let long = event.replace("ended.", &"x".repeat(9 << 20));
        let (summary, events) = read(&format!("{long}{event}"));
        let fault = EventFault::TooLong(LONGEST_EVENT as u64);
        let skipped = |problem: &Problem| match &problem.kind {
            ProblemKind::Export(ExportProblem::Skipped { fault: why, .. }) => *why == fault,
            _ => false,
        };
        assert!(summary.problems.iter().all(skipped));
        assert_eq!((events.len(), summary.records), (1, 1));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_accounted_for(text in "(Event\\[0\\]:?\n|a: b\n|d: 1.2.2026 1:2:3\n|n: 4655\n|<Event>|</Event>|x|\n|\r| |：){0,60}") {
            read(&text);
        }
    }
}
