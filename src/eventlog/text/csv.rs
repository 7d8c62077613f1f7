//! Tables of events: Event Viewer's, and those of tools that name their columns.
//!
//! Event Viewer writes level, local date and time, source, number, task, and the message. Column names and the
//! message are in the language of the system, so columns are taken by position and a row is recognized by its
//! date and number. Computer, log and record number are missing: the log follows from source and number,
//! records count from 1. A table whose columns have the names of a tool is read by these. Columns are separated
//! by commas, semicolons or tabs.

use super::LONGEST_EVENT;
use super::dates::{NoTime, Stamp};
use super::local_times::RecordTime;
use super::row_reading::Reading;
use super::rows::{self, Filled, Node};
use super::source::Source;
use crate::eventlog::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId, ExportTool, is_csv_preface};
use crate::time::{Resolution, Zone};
use std::borrow::Cow;
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
    let layout = Layout::detect(source.window());
    let mut table = Table {
        reading: Reading::new(evidence, mark, zone, sink),
        layout,
        columns: Vec::new(),
        has_begun: false,
        lost: None,
    };
    let mut rows = Rows::new(layout);
    while let Some(row) = rows.next(&mut source) {
        table.add_row(row, &mut source);
    }
    table.finish(source)
}

/// An export while it is read.
struct Table<'s> {
    reading: Reading<'s>,
    layout: Layout,
    /// The names in the first line.
    columns: Vec<String>,
    has_begun: bool,
    /// Offset and length of what could not be read, up to here.
    lost: Option<(u64, u64)>,
}

impl Table<'_> {
    fn add_row(&mut self, row: Row, source: &mut Source<'_>) {
        let offset = source.offset();
        let text = source.window().get(..row.length).unwrap_or_default();
        let is_blank = text.trim_ascii().is_empty() || is_csv_preface(text);
        let parsed = row.is_whole.then(|| fields(text, self.layout.separator));
        let bytes = source.consume(row.length);
        if is_blank {
            return self.reading.export.tally.cover("markup", bytes, 0);
        }
        let begins = !std::mem::replace(&mut self.has_begun, true);
        let (fields, is_sound) = parsed.unwrap_or((Vec::new(), true));
        let is_event = row.is_whole
            && if self.layout.is_named {
                !begins && fields.len() == self.columns.len()
            } else {
                is_row(&fields)
            };
        if begins && row.is_whole && !is_event {
            self.columns = fields;
            return self.reading.export.tally.cover("file_header", bytes, 0);
        }
        if !is_event {
            let (_, length) = self.lost.get_or_insert((offset, 0));
            *length = length.saturating_add(bytes);
            return;
        }
        self.name_lost();
        let mut record = self.reading.export.blank();
        let filled = if self.layout.is_named {
            let names = self.columns.iter().map(|name| Cow::Borrowed(name.as_str()));
            let values = fields.into_iter().map(|field| Node::Text(Cow::Owned(field)));
            let row = names.zip(values).collect();
            rows::fill(&mut record, &row)
        } else {
            Ok(self.by_place(&mut record, &fields))
        };
        match filled {
            Err(why) => self.reading.export.damaged(why, offset, bytes),
            Ok(filled) => {
                if !is_sound {
                    self.reading.export.not_text(offset, record.record.record);
                }
                self.reading.add_record(record, filled, offset, bytes);
            }
        }
    }

    /// A row of Event Viewer.
    fn by_place(&self, record: &mut LogRecord, fields: &[String]) -> Filled {
        let text = |at: usize| fields.get(at).map_or("", |field| field.trim());
        record.event_id = text(EVENT_ID).parse().unwrap_or_default();
        text(SOURCE).clone_into(&mut record.provider);
        let column = |name: &str| self.columns.iter().position(|it| it.eq_ignore_ascii_case(name));
        column("Computer").map_or("", text).clone_into(&mut record.computer);
        record.audit = match text(0) {
            "Audit Success" => AuditOutcome::Success,
            "Audit Failure" => AuditOutcome::Failure,
            _ => AuditOutcome::NotAudit,
        };
        let message = fields.last().cloned().unwrap_or_default();
        Filled {
            message,
            time: RecordTime::parse(text(DATE)),
            recovered: false,
            tool: ExportTool::EventViewer,
        }
    }

    fn name_lost(&mut self) {
        if let Some((offset, bytes)) = self.lost.take() {
            self.reading.export.damaged(EventFault::NoRow, offset, bytes);
        }
    }

    fn finish(mut self, source: Source<'_>) -> (LogSummary, Resolution) {
        self.name_lost();
        self.reading.finish(source)
    }
}

/// The layout of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    separator: u8,
    /// Whether its columns have the names of a tool.
    is_named: bool,
}

impl Layout {
    /// Detects it by the line of names, which comes first, or after a preface.
    fn detect(window: &[u8]) -> Self {
        let mut lines = window.split(|byte| *byte == b'\n');
        let header = lines.find(|line| !is_csv_preface(line)).unwrap_or_default();
        let header = header.get(..LONGEST_HEADER.min(header.len())).unwrap_or_default();
        // A message in quotes may hold any number of them.
        let mut is_quoted = false;
        let outside: Vec<u8> = (header.iter().copied())
            .filter(|byte| {
                is_quoted ^= *byte == b'"';
                !is_quoted
            })
            .collect();
        let count = |separator: u8| outside.iter().filter(|byte| **byte == separator).count();
        let separator =
            SEPARATORS.into_iter().max_by_key(|separator| (count(*separator), *separator == b','));
        let separator = separator.unwrap_or(b',');
        let (columns, _) = fields(header, separator);
        let has = |names: &[&str]| columns.iter().any(|column| names.contains(&column.as_str()));
        let is_of_sas = has(&["LocalEndpoint"]) && has(&["InitiatorCookie", "QmSaId"]);
        let is_named = is_of_sas
            || has(&["Id", "EventId", "EventID"])
                && has(&[
                    "ProviderName",
                    "Provider",
                    "LogName",
                    "Channel",
                    "TimeCreated",
                    "Computer",
                    "MachineName",
                    "Message",
                ]);
        Self { separator, is_named }
    }
}

/// A part of the window, from its front.
struct Row {
    length: usize,
    /// Whether its quotation marks are complete.
    is_whole: bool,
}

/// Finds the rows of a text. Where a quotation mark is missing, a row runs into the next ones; then the text is
/// searched for the next line that can begin a row.
struct Rows {
    layout: Layout,
    at: usize,
    state: State,
    has_ended: bool,
    is_lost: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quotation mark inside quotation marks.
    Quote,
    /// After a quoted field and a carriage return.
    Return,
}

impl Rows {
    const fn new(layout: Layout) -> Self {
        Self { layout, at: 0, state: State::FieldStart, has_ended: false, is_lost: false }
    }

    fn next(&mut self, source: &mut Source<'_>) -> Option<Row> {
        loop {
            let window = source.window();
            if window.is_empty() && self.has_ended {
                return None;
            }
            let found = if self.is_lost { self.line(window) } else { self.row(window) };
            if let Some(row) = found {
                (self.at, self.state) = (0, State::FieldStart);
                return Some(row);
            }
            self.has_ended = !source.grow();
        }
    }

    /// The row at the front of the window, or the extent of what is no row.
    fn row(&mut self, window: &[u8]) -> Option<Row> {
        while let Some(byte) = window.get(self.at) {
            self.at += 1;
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) => State::Quoted,
                (State::FieldStart, b'"') | (State::Quote, b'"') => State::Quoted,
                (State::FieldStart | State::Plain | State::Quote | State::Return, b'\n') => {
                    return Some(Row { length: self.at, is_whole: true });
                }
                (State::FieldStart | State::Plain | State::Quote, byte)
                    if *byte == self.layout.separator =>
                {
                    State::FieldStart
                }
                (State::FieldStart | State::Plain, _) => State::Plain,
                (State::Quote, b'\r') => State::Return,
                (State::Quote | State::Return, _) => return Some(self.broken(window)),
            };
            if self.at > LONGEST_EVENT {
                return Some(self.broken(window));
            }
        }
        let is_whole = self.state != State::Quoted;
        match (self.has_ended, is_whole) {
            (false, _) => None,
            (true, true) => Some(Row { length: self.at, is_whole }),
            (true, false) => Some(self.broken(window)),
        }
    }

    /// The text up to the next line that may begin a row, or up to the end of the search.
    fn broken(&mut self, window: &[u8]) -> Row {
        let seen = window.get(..self.at).unwrap_or_default();
        let mut length = 0;
        let mut lines = seen.split_inclusive(|byte| *byte == b'\n');
        length += lines.next().map_or(0, <[u8]>::len);
        for line in lines {
            // The last line may be cut at the end of the search; its rest is in the window.
            let whole = window.get(length..).unwrap_or_default();
            if may_begin_row(whole, self.layout) {
                return Row { length, is_whole: false };
            }
            length += line.len();
        }
        self.is_lost = !seen.ends_with(b"\n");
        Row { length: seen.len(), is_whole: false }
    }

    /// After damage: whole lines, until one may begin a row.
    fn line(&mut self, window: &[u8]) -> Option<Row> {
        let rest = window.get(self.at..)?;
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.at = window.len();
            let is_long = self.at > LONGEST_EVENT || self.has_ended;
            return is_long.then_some(Row { length: self.at, is_whole: false });
        };
        let length = self.at + end + 1;
        let next = window.get(length..)?;
        if next.len() < LONGEST_HEAD && !self.has_ended {
            return None;
        }
        self.is_lost = !may_begin_row(next, self.layout);
        Some(Row { length, is_whole: false })
    }
}

/// Whether a text may begin a row: in Event Viewer's table with a word, a date, a word and a number; in another
/// table any line may.
fn may_begin_row(text: &[u8], layout: Layout) -> bool {
    if layout.is_named {
        return true;
    }
    let head = text.get(..LONGEST_HEAD.min(text.len())).unwrap_or_default();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.split(char::from(layout.separator)).take(5).collect();
    let is_plain = fields.iter().take(4).all(|field| !field.contains('"'));
    fields.len() == 5 && is_plain && is_head(&fields)
}

/// Whether the fields are those of an event.
fn is_row(fields: &[String]) -> bool {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    fields.len() >= 5 && is_head(&fields)
}

fn is_head(fields: &[&str]) -> bool {
    let text = |at: usize| fields.get(at).map_or("", |field| field.trim());
    // An unknown mark or calendar makes the time unknown, not the row invalid.
    Stamp::parse(text(DATE)) != Err(NoTime::NoDate) && text(EVENT_ID).parse::<u16>().is_ok()
}

/// The fields of one row, and whether all of it was text.
pub(super) fn fields(row: &[u8], separator: u8) -> (Vec<String>, bool) {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(row.len().max(1))
        .from_reader(row);
    let mut record = ::csv::ByteRecord::new();
    // Reading from memory does not fail, and lengths may differ.
    let _ = reader.read_byte_record(&mut record);
    let fields = record.iter().map(|field| String::from_utf8_lossy(field).into_owned());
    (fields.collect(), std::str::from_utf8(row).is_ok())
}

const DATE: usize = 1;
const SOURCE: usize = 2;
const EVENT_ID: usize = 3;
/// The longest that the first four fields of a row are together.
const LONGEST_HEAD: usize = 512;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
const LONGEST_HEADER: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regression_separators_inside_quotes_are_no_separators() {
        let message = format!("\"Key Exchange {}\"", ";".repeat(40));
        let row = format!("a,1.1.2026 1:1:1,Security,547,b,{message}\r\n");
        let mut events = 0;
        read(&mut row.as_bytes(), EvidenceId(1), None, &mut |_| events += 1);
        assert_eq!(events, 1);
        assert_eq!(Layout::detect(row.as_bytes()).separator, b',');
        assert_eq!(Layout::detect(b"a;b;\"c,d,e,f\"\r\n").separator, b';');
    }
}
