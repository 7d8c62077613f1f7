//! Text exports of event logs: text to records, one reader a form, one event at a time in memory.
//!
//! A text has no record boundaries to trust. Each reader finds where an event begins by what only
//! an event begins with, so that a damaged one costs no other; what could not be read is named with
//! its place. Exports are selections more often than not: missing record numbers mean nothing and
//! are not told.

mod source;

mod pieces;

mod element;

pub mod xml;

pub mod netevents;

pub mod json;

mod dates;

pub mod csv;

mod message;

use super::summary::Tally;
use super::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::events_numbered;
use crate::evidence::{EvidenceId, Position, ProblemCode, RecordRef};
use source::Source;
use std::collections::BTreeMap;

/// An export while it is read.
struct Export<'s> {
    evidence: EvidenceId,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
    /// Records met so far: the number of one that tells none.
    met: u64,
    missing: BTreeMap<u16, Missing>,
}

/// Records of one event whose values could not be told.
struct Missing {
    offset: u64,
    record: u64,
    count: u64,
}

impl<'s> Export<'s> {
    fn new(evidence: EvidenceId, mark: u64, sink: &'s mut dyn FnMut(LogEvent)) -> Self {
        let mut tally = Tally::default();
        tally.cover("file_header", mark, 0);
        Self { evidence, tally, sink, met: 0, missing: BTreeMap::new() }
    }

    /// A record with nothing in it, numbered by its place in the export.
    fn blank(&mut self) -> LogRecord {
        self.met = self.met.saturating_add(1);
        LogRecord {
            record: RecordRef { evidence: self.evidence, record: self.met },
            provider: String::new(),
            channel: String::new(),
            computer: String::new(),
            event_id: 0,
            version: 0,
            time: None,
            audit: AuditOutcome::NotAudit,
            named: Vec::new(),
            positional: Vec::new(),
            binary: Vec::new(),
        }
    }

    /// A record of so many octets of the file; gives its event where the catalogue knows it.
    fn event_of(&mut self, record: &LogRecord, octets: u64) -> Option<LogEvent> {
        let number = record.record.record;
        self.tally.record(number, record.time);
        self.tally.host(&record.computer);
        self.tally.channel(&record.channel);
        if record.channel.eq_ignore_ascii_case("Security") {
            self.tally.security_record(record.event_id, record.time);
        }
        let event = LogEvent::from_record(record);
        event.iter().for_each(|event| self.tally.event(event));
        let bucket = if event.is_some() { "records_known" } else { "records_other" };
        self.tally.cover(bucket, octets, 1);
        event
    }

    /// The same, and hands the event on.
    fn record(&mut self, record: &LogRecord, offset: u64, octets: u64) {
        if record.time.is_none() {
            self.no_time(offset, record.record.record);
        }
        if let Some(event) = self.event_of(record, octets) {
            (self.sink)(event);
        }
    }

    fn no_time(&mut self, offset: u64, record: u64) {
        let text = "the record tells no usable time".to_owned();
        self.tally.problem(ProblemCode::BadTime, text, Some(offset), Position::Record(record));
    }

    /// Says once that the export tells times of a clock whose zone it does not tell.
    fn local_time(&mut self) {
        let text = "times are local and the export does not tell their zone; they were read as UTC";
        let code = ProblemCode::LocalTime;
        self.tally.problem(code, text.to_owned(), None, Position::File);
    }

    /// Octets that could not be read as an event.
    fn damaged(&mut self, text: &str, offset: u64, octets: u64) {
        self.tally.cover("records_damaged", octets, 1);
        let text = format!("{octets} bytes were passed over: {text}");
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), Position::File);
    }

    /// The end of the file came inside an event.
    fn cut(&mut self, offset: u64, octets: u64) {
        self.tally.cover("records_damaged", octets, 1);
        let text = "the file ends inside an event".to_owned();
        self.tally.problem(ProblemCode::Truncated, text, Some(offset), Position::File);
        self.tally.summary().truncated_at = Some(offset.saturating_add(octets));
    }

    /// Text that Windows writes as UTF-8 and that is none was replaced by marks in its place.
    fn not_text(&mut self, offset: u64, record: u64) {
        let text = "octets that are no UTF-8 were replaced".to_owned();
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), Position::Record(record));
    }

    /// Notes that a record's values could not be told, if the catalogue has its number.
    fn missing(&mut self, record: &LogRecord, offset: u64) {
        let (id, number) = (record.event_id, record.record.record);
        if events_numbered(id).is_empty() {
            return;
        }
        let first = Missing { offset, record: number, count: 0 };
        self.missing.entry(id).or_insert(first).count += 1;
    }

    fn finish(mut self, source: Source<'_>) -> LogSummary {
        let (end, left_over) = (source.offset(), source.left_over());
        if left_over > 0 {
            self.cut(end, left_over);
        }
        if let Some(failure) = source.into_failure() {
            let text = format!("reading stopped: {failure}");
            self.tally.problem(ProblemCode::Unreadable, text, Some(end), Position::File);
            self.tally.summary().truncated_at = Some(end);
        }
        for (id, missing) in std::mem::take(&mut self.missing) {
            let text = format!(
                "{} records of event {id} do not tell their values, or in a layout that is not known",
                missing.count
            );
            let position = Position::Record(missing.record);
            let (code, place) = (ProblemCode::FieldsMissing, Some(missing.offset));
            self.tally.problem(code, text, place, position);
        }
        let mut summary = self.tally.finish();
        summary.gaps.clear();
        summary.gaps_omitted = 0;
        summary.trust.silences.clear();
        summary.trust.setbacks.clear();
        summary.trust.is_selection = true;
        summary
    }
}

/// No event is longer; what is, is named and passed over.
const LONGEST_EVENT: usize = 4 << 20;
