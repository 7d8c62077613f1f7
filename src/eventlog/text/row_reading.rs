//! An export of named values while it is read: each row placed, timed and handed on.

use super::Export;
use super::local_times::{LocalTimes, Told};
use super::rows::Filled;
use super::source::Source;
use crate::eventlog::{LogRecord, LogSummary};
use crate::time::{Resolution, Timestamp};

/// An export of rows while it is read.
pub(super) struct Reading<'s> {
    pub(super) export: Export<'s>,
    times: LocalTimes,
    /// The finest unit of time that a row showed.
    unit: i64,
}

impl<'s> Reading<'s> {
    pub(super) fn new(export: Export<'s>) -> Self {
        Self { export, times: LocalTimes::default(), unit: NANOS_PER_SECOND }
    }

    /// Takes a record that lies in so many octets of the file.
    pub(super) fn take(&mut self, mut record: LogRecord, filled: Filled, offset: u64, octets: u64) {
        let Filled { message, told, recovered } = filled;
        self.export.place(&mut record, &message, offset);
        self.times.add(told);
        match told {
            Told::At(time) => {
                record.time = Some(time);
                self.show(time);
            }
            Told::Local(_) => {}
            Told::Nothing(_) => self.export.no_time(offset, record.record.record),
        }
        if let Some(mut event) = self.export.event_of(&record, octets) {
            event.recovered = recovered;
            self.times.pass(event, told, &mut self.export);
        }
    }

    fn show(&mut self, Timestamp(time): Timestamp) {
        while self.unit > FINEST && time % self.unit != 0 {
            self.unit /= 10;
        }
    }

    /// What the file holds, and how finely it shows time.
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

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;
const NANOS_PER_MICRO: i64 = 1_000;
/// A FILETIME counts units of 100 ns.
const FINEST: i64 = 100;
