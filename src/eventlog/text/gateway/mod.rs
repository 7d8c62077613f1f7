//! Logs of the IKE daemons on gateways, strongSwan's charon and libreswan's pluto: their own files, lines of
//! the system's log, charon's JSON and the journal's.
//!
//! A record is a line, and its number that of the line; in an array or in objects of several lines, it is an object.
//! Lines of other programs are skipped.

mod charon;

mod line;

mod pluto;

mod statement;

use super::json::{Objects, is_markup};
use super::local_times::RecordTime;
use super::row_reading::Reading;
use super::rows::Row;
use super::source::Source;
use super::splitting::{Segment, Splitter};
use super::xml::{lost, text_at};
use crate::eventlog::{LogEvent, LogSummary, undated};
use crate::evidence::{EventFault, EvidenceId, ExportProblem, Position, without_marks};
use crate::time::{Resolution, Zone};
use charon::Charon;
use line::{Daemon, Line, RowText, Shown};
use pluto::Pluto;
use std::io::Read;

/// Reads a whole log, passes each statement about an SA or a negotiation to `sink` in the order of the file,
/// and returns what the file holds and its time resolution. Times without a zone are read in `zone`; where the
/// lines have no year, [`LogSummary::is_undated`] is set, and [`undated`] determines the years.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    zone: Option<&Zone>,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut log = Log {
        reading: Reading::new(evidence, mark, zone, sink),
        charon: Charon::default(),
        pluto: Pluto::default(),
        turn: FIRST_TURN,
        month: None,
        is_undated: false,
    };
    if has_long_objects(&mut source) {
        log.objects(&mut source);
    } else {
        log.lines(&mut source);
    }
    log.finish(source)
}

/// Whether the text is an array of objects, or objects of several lines (`journalctl -o json-pretty`, `jq -s`).
fn has_long_objects(source: &mut Source<'_>) -> bool {
    while source.window().trim_ascii_start().is_empty() && source.grow() {}
    match source.window().trim_ascii_start().first() {
        Some(b'[') => true,
        Some(b'{') => {
            let length = next_line(source).map_or(0, |(length, _)| length);
            let line = source.window().get(..length).unwrap_or_default();
            !line.trim_ascii_end().ends_with(b"}")
        }
        Some(_) | None => false,
    }
}

struct Log<'s> {
    reading: Reading<'s>,
    charon: Charon,
    pluto: Pluto,
    /// The number of new years so far, and the month of the last line.
    turn: i16,
    month: Option<i8>,
    is_undated: bool,
}

impl Log<'_> {
    fn lines(&mut self, source: &mut Source<'_>) {
        let mut number = 0;
        let mut is_cut = false;
        while let Some((length, is_whole)) = next_line(source) {
            number += u64::from(!is_cut);
            if is_cut || !is_whole {
                let offset = source.offset();
                let bytes = source.consume(length);
                let fault = EventFault::LineTooLong(LONGEST_LINE as u64);
                self.reading.export.damaged(fault, offset, bytes);
            } else {
                self.line(source, length, number);
            }
            is_cut = !is_whole;
        }
    }

    /// Reads objects wherever they begin and end; a record's number is that of the object.
    fn objects(&mut self, source: &mut Source<'_>) {
        let (mut objects, mut number) = (Objects::default(), 0);
        while let Some(segment) = objects.next(source) {
            match segment {
                Segment::Event(length) => {
                    number += 1;
                    self.line(source, length, number);
                }
                Segment::Between(length) => {
                    let is_markup = |text: &[u8]| is_markup(text, false);
                    self.reading.export.between(source, length, is_markup);
                }
                other => lost(&mut self.reading.export, source, other),
            }
        }
    }

    /// Reads a line, or an object.
    fn line(&mut self, source: &mut Source<'_>, length: usize, number: u64) {
        let offset = source.offset();
        let (text, is_sound) = text_at(source, length);
        let text = without_marks(text.trim_end());
        let mut record = self.reading.export.blank();
        record.record.record = number;
        let mut row_text = RowText::default();
        let row: Option<Row<'_>> =
            text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
        let line = match &row {
            Some(row) => Line::of_row(row, &mut row_text),
            None => Line::of_text(text),
        };
        let Some(line) = line else {
            let bytes = source.consume(length);
            return self.reading.export.tally.cover("lines_other", bytes, 1);
        };
        let time = self.time(line.shown);
        line.host.clone_into(&mut record.computer);
        line.daemon.name().clone_into(&mut record.channel);
        line.daemon.name().clone_into(&mut record.provider);
        let stated = match line.daemon {
            Daemon::Charon => self.charon.state(&line, number),
            Daemon::Pluto => self.pluto.state(&line, number),
        };
        if let Some(statement) = stated {
            statement.fill(&mut record, line.daemon, line.message);
        }
        if !is_sound {
            self.reading.export.not_text(offset, number);
        }
        let bytes = source.consume(length);
        self.reading.line(record, time, offset, bytes);
    }

    fn time(&mut self, shown: Shown) -> RecordTime {
        let (month, day, time, nanos) = match shown {
            Shown::Time(time) => return time,
            Shown::NoYear { month, day, time, nanos } => (month, day, time, nanos),
        };
        if let Some(before) = self.month {
            // Lines may be slightly out of order; a step of half a year is a new year.
            self.turn += i16::from(before - month > 6) - i16::from(month - before > 6);
        }
        self.month = Some(month);
        self.is_undated = true;
        undated::shown(self.turn, month, day, time, nanos).map_or(RecordTime::NONE, RecordTime::At)
    }

    fn finish(mut self, source: Source<'_>) -> (LogSummary, Resolution) {
        let export = &mut self.reading.export;
        if export.tally.summary().records == 0 {
            export.tally.problem(ExportProblem::NoDaemon, None, Position::File);
        }
        if self.is_undated && self.reading.is_without_zone() {
            self.reading.export.name_local_times();
        }
        let (mut summary, resolution) = self.reading.finish(source);
        summary.is_undated = self.is_undated;
        (summary, resolution)
    }
}

/// The length of the line in front of the window, with its end, and whether that is the whole line; `None` at
/// the end of the file.
fn next_line(source: &mut Source<'_>) -> Option<(usize, bool)> {
    let mut seen = 0;
    loop {
        let window = source.window();
        let fresh = window.get(seen..).unwrap_or_default();
        if let Some(end) = memchr::memchr(b'\n', fresh) {
            return Some((seen + end + 1, true));
        }
        seen = window.len();
        if seen > LONGEST_LINE {
            return Some((seen, false));
        }
        if !source.grow() {
            return (seen > 0).then_some((seen, true));
        }
    }
}

/// No line of a log is longer.
const LONGEST_LINE: usize = 1 << 16;
/// Capacity for logs whose newest lines come first.
const FIRST_TURN: i16 = 9;

#[cfg(test)]
mod tests;
