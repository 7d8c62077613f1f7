//! Text exports of event logs: text to records, one reader per format, one event at a time in memory.
//!
//! A text has no reliable record boundaries. Each reader finds the beginning of an event by marks that nothing
//! else has, so that a damaged event affects no other; what could not be read is reported with its offset.
//! Exports are usually selections: missing record numbers mean nothing and are not reported.

mod source;

mod event_error;

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

pub mod gateway;

pub mod state;

mod message;

use super::summary::Tally;
use super::{AuditChange, AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::{AUDITPOL, event, events_numbered};
use crate::evidence::{EvidenceId, Position, ProblemCode, RecordRef};
use crate::xml::Element;
use event_error::EventError;
use placing::{Placed, place};
use row_reading::EVENT_VIEWER;
use rows::Tool;
use source::Source;
use std::collections::BTreeMap;
use std::fmt;
use xml::text_at;

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
    tool: &'static Tool,
}

impl<'s> Export<'s> {
    fn new(evidence: EvidenceId, mark: u64, sink: &'s mut dyn FnMut(LogEvent)) -> Self {
        let mut tally = Tally::default();
        tally.cover("file_header", mark, 0);
        Self {
            evidence,
            tally,
            sink,
            met: 0,
            timeless: 0,
            is_local_time: false,
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
            let first = Missing { offset, record: number, count: 0, tool: &EVENT_VIEWER };
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
        let text = "the record has no usable time".to_owned();
        self.tally.problem(ProblemCode::BadTime, text, Some(offset), Position::Record(record));
    }

    /// Reports that times are in an unnamed zone.
    fn name_local_times(&mut self) {
        self.is_local_time = true;
        let text = "times are of a local clock whose zone the export does not name; they were read as UTC. Name the zone with --timezone";
        self.tally.problem(ProblemCode::LocalTime, text.to_owned(), None, Position::File);
    }

    /// Reads the event at the front of the window, an element of this length that `fill` reads.
    fn element(
        &mut self,
        source: &mut Source<'_>,
        length: usize,
        fill: fn(&mut LogRecord, &Element) -> Result<(), EventError>,
    ) {
        let offset = source.offset();
        let (text, is_sound) = text_at(source, length);
        let mut record = self.blank();
        let filled = Element::parse(&text)
            .map_err(EventError::from)
            .and_then(|event| fill(&mut record, &event));
        drop(text);
        let bytes = source.consume(length);
        if let Err(why) = filled {
            return self.damaged(&why, offset, bytes);
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
            self.damaged("text that is not an event", offset, bytes);
        }
    }

    /// Bytes that could not be read as an event.
    fn damaged(&mut self, text: impl fmt::Display, offset: u64, bytes: u64) {
        self.tally.cover("records_damaged", bytes, 1);
        let text = format!("{bytes} bytes were skipped: {text}");
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), Position::File);
    }

    /// The end of the file came inside an event.
    fn cut(&mut self, offset: u64, bytes: u64) {
        self.tally.cover("records_damaged", bytes, 1);
        let text = "the file ends inside an event".to_owned();
        self.tally.problem(ProblemCode::Truncated, text, Some(offset), Position::File);
        self.tally.summary().truncated_at = Some(offset.saturating_add(bytes));
    }

    /// Reports that bytes that are not UTF-8 were replaced.
    fn not_text(&mut self, offset: u64, record: u64) {
        let text = "bytes that are not UTF-8 were replaced".to_owned();
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), Position::Record(record));
    }

    /// Gives the record its log, its source and, where it has no values, those of its message; counts what is
    /// missing for records whose number is in the catalogue.
    fn place(&mut self, record: &mut LogRecord, message: &str, offset: u64, tool: &'static Tool) {
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
        for (id, missing) in std::mem::take(&mut self.missing) {
            let text = format!(
                "{} records of event {id} do not show their values, or in an unknown layout. {}",
                missing.count,
                missing.tool.advice()
            );
            lacking.push((ProblemCode::FieldsMissing, text, missing));
        }
        for (id, missing) in std::mem::take(&mut self.unplaced) {
            let text = format!(
                "{} records numbered {id} name no known source and no known log, and do not have the format of a single provider's event; they were left out. {}",
                missing.count,
                missing.tool.advice()
            );
            lacking.push((ProblemCode::FieldsMissing, text, missing));
        }
        for (source, (provider, missing)) in std::mem::take(&mut self.by_shape) {
            let named = if source.is_empty() {
                "name no source".to_owned()
            } else {
                format!("name the source `{source}`, which is in no table")
            };
            let text = format!(
                "{} records {named}; their numbers and the format of their messages identify {provider}",
                missing.count
            );
            lacking.push((ProblemCode::SourceInferred, text, missing));
        }
        if let Some(missing) = self.unreadable_changes.take() {
            let text = format!(
                "{} changes of the audit policy are in unknown words; what is audited after them is unknown. Export them as XML, which has numbers instead",
                missing.count
            );
            lacking.push((ProblemCode::FieldsMissing, text, missing));
        }
        for (code, text, Missing { offset, record, .. }) in lacking {
            self.tally.problem(code, text, Some(offset), Position::Record(record));
        }
        if !self.is_of_one_moment && self.met > 0 && self.timeless == self.met {
            let text = "no record has a usable time; nothing can be placed in time".to_owned();
            self.tally.problem(ProblemCode::FieldsMissing, text, None, Position::File);
        }
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
        }
        summary
    }
}

/// Names of sources in no table that are kept apart.
const MOST_SOURCES: usize = 64;
/// Longer events are reported and skipped.
const LONGEST_EVENT: usize = 4 << 20;
