//! Text exports of event logs: text to records, one reader per format, one event at a time in memory.
//!
//! A text has no reliable record boundaries. Each reader finds the beginning of an event by marks that nothing
//! else has, so that a damaged event affects no other; what could not be read is reported with its offset.
//! Exports are usually selections: missing record numbers mean nothing and are not reported.

mod source;

mod event_splitter;

mod splitting;

pub mod xml;

pub mod object_xml;

pub mod netevents;

pub mod json;

mod dates;

mod local_times;

mod placing;

mod rows;

mod row_reading;

pub mod csv;

pub mod listing;

mod parts;

mod property_list;

pub mod gateway;

pub mod state;

mod message;

use super::summary::Tally;
use super::{AuditChange, AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::{AUDITPOL, event, events_numbered};
use crate::evidence::{
    EventFault, EvidenceId, ExportProblem, ExportTool, FileProblem, LogTimeProblem, Position,
    RecordRef,
};
use crate::xml::{Element, XmlError};
use placing::{Placed, place};
use source::Source;
use std::collections::BTreeMap;
use xml::text_at;

impl From<XmlError> for EventFault {
    fn from(error: XmlError) -> Self {
        Self::NotWellFormed(error.to_string())
    }
}

impl From<serde_json::Error> for EventFault {
    fn from(error: serde_json::Error) -> Self {
        Self::NotWellFormed(error.to_string())
    }
}

/// An export while it is read.
struct Export<'s> {
    evidence: EvidenceId,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
    /// Records so far: the number of a record without one.
    met: u64,
    /// Records without a usable time.
    timeless: u64,
    /// Times are in a zone that the export does not name.
    is_local_time: bool,
    /// No time has seconds.
    has_no_seconds: bool,
    /// It shows a state and is no log: its records need no time.
    is_of_one_moment: bool,
    missing: BTreeMap<u16, Missing>,
    /// By event number, records whose source and log are unknown.
    unplaced: BTreeMap<u16, Missing>,
    /// Audit policy changes in words of an unknown language.
    unreadable_changes: Option<Missing>,
    /// By the source that the export names, records that were identified by their format.
    by_shape: BTreeMap<String, (&'static str, Missing)>,
}

/// Incomplete records, and the first of them.
struct Missing {
    offset: u64,
    record: u64,
    count: u64,
    tool: ExportTool,
}

impl<'s> Export<'s> {
    fn new(evidence: EvidenceId, mark: u64, sink: &'s mut dyn FnMut(LogEvent)) -> Self {
        let mut tally = Tally::default();
        tally.is_export();
        tally.cover("file_header", mark, 0);
        Self {
            evidence,
            tally,
            sink,
            met: 0,
            timeless: 0,
            is_local_time: false,
            has_no_seconds: false,
            is_of_one_moment: false,
            missing: BTreeMap::new(),
            unplaced: BTreeMap::new(),
            unreadable_changes: None,
            by_shape: BTreeMap::new(),
        }
    }

    /// An empty record, numbered by its position in the export.
    fn blank(&mut self) -> LogRecord {
        self.met = self.met.saturating_add(1);
        LogRecord {
            record: RecordRef { evidence: self.evidence, record: self.met },
            written_as: None,
            is_numbered: false,
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

    /// Adds a record of this many bytes of the file; returns its event where the catalogue knows it.
    fn event_of(&mut self, record: &LogRecord, offset: u64, bytes: u64) -> Option<LogEvent> {
        let number = record.record.record;
        self.tally.of_source(&record.computer, &record.channel);
        self.tally.record(number, record.time);
        if record.channel.eq_ignore_ascii_case("Security") {
            self.tally.security_record(record.event_id, record.time);
        }
        let event = LogEvent::from_record(record);
        event.iter().for_each(|event| self.tally.event(event));
        let change = event.as_ref().and_then(LogEvent::audit_change);
        if record.channel != AUDITPOL && change.is_some_and(AuditChange::is_unreadable) {
            let first = Missing { offset, record: number, count: 0, tool: ExportTool::EventViewer };
            self.unreadable_changes.get_or_insert(first).count += 1;
        }
        if event.is_none() {
            self.tally.not_interpreted(record.event_id);
        }
        let bucket = if event.is_some() { "records_known" } else { "records_other" };
        self.tally.cover(bucket, bytes, 1);
        event
    }

    /// The same, and passes the event on.
    fn record(&mut self, record: &LogRecord, offset: u64, bytes: u64) {
        if record.time.is_none() {
            self.no_time(offset, record.record.record);
        }
        if let Some(event) = self.event_of(record, offset, bytes) {
            (self.sink)(event);
        }
    }

    fn no_time(&mut self, offset: u64, record: u64) {
        self.timeless += 1;
        self.tally.problem(LogTimeProblem::Missing, Some(offset), Position::Record(record));
    }

    /// Reports that times are in an unnamed zone.
    fn name_local_times(&mut self) {
        self.is_local_time = true;
        self.tally.problem(LogTimeProblem::LocalTime, None, Position::File);
    }

    /// Reads the event at the front of the window, an element of this length that `fill` reads.
    fn element(
        &mut self,
        source: &mut Source<'_>,
        length: usize,
        fill: fn(&mut LogRecord, &Element) -> Result<(), EventFault>,
    ) {
        let offset = source.offset();
        let (text, is_sound) = text_at(source, length);
        let mut record = self.blank();
        let filled = Element::parse(&text)
            .map_err(EventFault::from)
            .and_then(|event| fill(&mut record, &event));
        drop(text);
        let bytes = source.consume(length);
        if let Err(why) = filled {
            return self.damaged(why, offset, bytes);
        }
        if !is_sound {
            self.not_text(offset, record.record.record);
        }
        self.record(&record, offset, bytes);
    }

    /// The text between events: markup of the format, or damage.
    fn between(
        &mut self,
        source: &mut Source<'_>,
        length: usize,
        is_markup: impl Fn(&[u8]) -> bool,
    ) {
        let offset = source.offset();
        let is_markup = is_markup(source.window().get(..length).unwrap_or_default());
        let bytes = source.consume(length);
        if is_markup {
            self.tally.cover("markup", bytes, 0);
        } else {
            self.damaged(EventFault::NoEvent, offset, bytes);
        }
    }

    /// Bytes that could not be read as an event.
    fn damaged(&mut self, fault: EventFault, offset: u64, bytes: u64) {
        self.tally.cover("records_damaged", bytes, 1);
        let kind = ExportProblem::Skipped { bytes, fault };
        self.tally.problem(kind, Some(offset), Position::File);
    }

    /// The end of the file came inside an event.
    fn cut(&mut self, offset: u64, bytes: u64) {
        self.tally.cover("records_damaged", bytes, 1);
        self.tally.problem(ExportProblem::EventCut, Some(offset), Position::File);
        self.tally.summary().truncated_at = Some(offset.saturating_add(bytes));
    }

    /// Reports that bytes that are not UTF-8 were replaced.
    fn not_text(&mut self, offset: u64, record: u64) {
        self.tally.problem(ExportProblem::NotUtf8, Some(offset), Position::Record(record));
    }

    /// Gives the record its log, its source and, where it has no values, those of its message; counts what is
    /// missing for records whose number is in the catalogue.
    fn place(&mut self, record: &mut LogRecord, message: &str, offset: u64, tool: ExportTool) {
        let (id, number) = (record.event_id, record.record.record);
        if events_numbered(id).is_empty() {
            return;
        }
        let first = Missing { offset, record: number, count: 0, tool };
        let source = record.provider.clone();
        match place(record, message) {
            (Placed::Named, true) => {}
            (Placed::Named, false) => self.missing.entry(id).or_insert(first).count += 1,
            (Placed::Unknown, _) => self.unplaced.entry(id).or_insert(first).count += 1,
            (Placed::ByShape, _) => {
                let row = event(&record.channel, &record.provider, id);
                let provider = row.map_or("", |row| row.provider);
                if self.by_shape.len() < MOST_SOURCES || self.by_shape.contains_key(&source) {
                    self.by_shape.entry(source).or_insert((provider, first)).1.count += 1;
                }
            }
        }
    }

    /// Reports what the records lack.
    fn lacking(&mut self) {
        let mut lacking = Vec::new();
        for (event, missing) in std::mem::take(&mut self.missing) {
            let Missing { count, tool, .. } = missing;
            lacking.push((ExportProblem::NoValues { count, event, tool }, missing));
        }
        for (event, missing) in std::mem::take(&mut self.unplaced) {
            let Missing { count, tool, .. } = missing;
            lacking.push((ExportProblem::NoSource { count, event, tool }, missing));
        }
        for (source, (provider, missing)) in std::mem::take(&mut self.by_shape) {
            let (count, provider) = (missing.count, provider.to_owned());
            lacking.push((ExportProblem::SourceInferred { count, source, provider }, missing));
        }
        if let Some(missing) = self.unreadable_changes.take() {
            lacking.push((ExportProblem::UnknownAuditChanges(missing.count), missing));
        }
        for (kind, Missing { offset, record, .. }) in lacking {
            self.tally.problem(kind, Some(offset), Position::Record(record));
        }
        // Lines of others, and what could not be read, are no records that could have a time.
        let records = self.tally.summary().records;
        if !self.is_of_one_moment && records > 0 && self.timeless == records {
            self.tally.problem(LogTimeProblem::AllMissing, None, Position::File);
        }
    }

    fn finish(mut self, source: Source<'_>) -> LogSummary {
        let (end, left_over) = (source.offset(), source.left_over());
        if left_over > 0 {
            self.cut(end, left_over);
        }
        if let Some(failure) = source.into_failure() {
            let kind = FileProblem::ReadingStopped(failure.to_string());
            self.tally.problem(kind, Some(end), Position::File);
            self.tally.summary().truncated_at = Some(end);
        }
        self.lacking();
        let mut summary = self.tally.finish();
        summary.gaps.clear();
        summary.gaps_omitted = 0;
        let (span, is_only) = ((summary.first_time, summary.last_time), summary.sources.len() == 1);
        for source in &mut summary.sources {
            if is_only && source.first_time.is_none() {
                (source.first_time, source.last_time) = span;
            }
            source.gaps.clear();
            source.trust.silences.clear();
            source.trust.setbacks.clear();
            source.trust.is_selection = true;
            source.trust.is_local_time = self.is_local_time;
            source.trust.has_no_seconds = self.has_no_seconds;
        }
        summary
    }
}

/// Names of sources in no table that are kept apart.
const MOST_SOURCES: usize = 64;
/// Longer events are reported and skipped.
const LONGEST_EVENT: usize = 4 << 20;
