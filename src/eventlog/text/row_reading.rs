//! Reads exports of named values: identifies each row, gives it a time and passes it on.

use super::Export;
use super::local_times::{LocalTimes, RecordTime};
use super::rows::Filled;
use super::source::Source;
use super::xml::text_at;
use crate::catalogue::SA_STATE;
use crate::eventlog::{LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId};
use crate::time::{Resolution, Timestamp, Zone};

/// An export of rows while it is read.
pub(super) struct Reading<'s> {
    pub(super) export: Export<'s>,
    times: LocalTimes<'s>,
    /// The finest unit of time seen so far.
    unit: i64,
}

impl<'s> Reading<'s> {
    pub(super) fn new(
        evidence: EvidenceId,
        mark: u64,
        zone: Option<&'s Zone>,
        sink: Sink<'s>,
    ) -> Self {
        let export = Export::new(evidence, mark, sink);
        Self { export, times: LocalTimes::new(zone), unit: NANOS_PER_SECOND }
    }

    /// Reads the event of this length at the front of the window, whose text `fill` reads.
    pub(super) fn event(
        &mut self,
        source: &mut Source<'_>,
        length: usize,
        fill: impl FnOnce(&mut LogRecord, &str) -> Result<Filled, EventFault>,
    ) {
        let (text, is_sound) = text_at(source, length);
        let mut record = self.export.blank();
        let filled = fill(&mut record, &text);
        drop(text);
        if filled.is_ok() && !is_sound {
            self.export.not_text(source.offset(), record.record.record);
        }
        self.filled(source, length, record, filled);
    }

    /// Adds the result of reading an event of this length at the front of the window.
    pub(super) fn filled(
        &mut self,
        source: &mut Source<'_>,
        length: usize,
        record: LogRecord,
        filled: Result<Filled, EventFault>,
    ) {
        let offset = source.offset();
        let bytes = source.consume(length);
        match filled {
            Err(fault) => self.export.damaged(fault, offset, bytes),
            Ok(filled) => self.add_record(record, filled, offset, bytes),
        }
    }

    /// Adds a record of this many bytes of the file.
    pub(super) fn add_record(
        &mut self,
        mut record: LogRecord,
        filled: Filled,
        offset: u64,
        bytes: u64,
    ) {
        let Filled { message, time, recovered, tool } = filled;
        self.export.place(&mut record, &message, offset, tool);
        self.times.add(&record, time);
        match time {
            RecordTime::At(time) => {
                record.time = Some(time);
                self.show(time);
            }
            RecordTime::Local(stamp) => self.show(Timestamp(stamp.fraction())),
            // SAs at one moment have no time, and need none.
            RecordTime::Missing(_) if record.channel == SA_STATE => {
                self.export.is_of_one_moment = true;
                self.export.timeless += 1;
            }
            RecordTime::Missing(_) => self.export.no_time(offset, record.record.record),
        }
        if let Some(mut event) = self.export.event_of(&record, offset, bytes) {
            event.recovered = recovered;
            self.times.pass(event, time, &mut self.export);
        }
    }

    /// Adds a line of a log in which times may be missing from all lines.
    pub(super) fn line(
        &mut self,
        mut record: LogRecord,
        time: RecordTime,
        offset: u64,
        bytes: u64,
    ) {
        self.times.add(&record, time);
        match time {
            RecordTime::At(time) => {
                record.time = Some(time);
                self.show(time);
            }
            RecordTime::Local(stamp) => self.show(Timestamp(stamp.fraction())),
            RecordTime::Missing(_) => self.export.timeless += 1,
        }
        if let Some(event) = self.export.event_of(&record, offset, bytes) {
            self.times.pass(event, time, &mut self.export);
        }
    }

    /// Whether the user gave no zone.
    pub(super) const fn is_without_zone(&self) -> bool {
        self.times.is_without_zone()
    }

    fn show(&mut self, Timestamp(time): Timestamp) {
        while self.unit > FINEST && time % self.unit != 0 {
            self.unit /= 10;
        }
    }

    /// What the file holds, and its time resolution.
    pub(super) fn finish(mut self, source: Source<'_>) -> (LogSummary, Resolution) {
        self.times.finish(&mut self.export);
        let resolution = match self.unit {
            NANOS_PER_SECOND => Resolution::SECONDS,
            NANOS_PER_MILLI.. => Resolution::MILLISECONDS,
            NANOS_PER_MICRO.. => Resolution::MICROSECONDS,
            _ => Resolution::FILETIME,
        };
        (self.export.finish(source), resolution)
    }
}

/// The receiver of the events.
pub(super) type Sink<'s> = &'s mut dyn FnMut(crate::eventlog::LogEvent);

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;
const NANOS_PER_MICRO: i64 = 1_000;
/// A FILETIME counts units of 100 ns.
const FINEST: i64 = 100;
