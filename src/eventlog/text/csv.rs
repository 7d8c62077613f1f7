//! Event Viewer's CSV: level, local date and time, source, number, task, and the message.
//!
//! Names of columns and the message are in the language of the system, so columns are taken by
//! place and a row is told by its date and number. Computer, log and record number are not in it:
//! the log follows from source and number, records count from 1.

use super::dates::{Order, Stamp};
use super::source::Source;
use super::{Export, LONGEST_EVENT};
use crate::catalogue::events_numbered;
use crate::eventlog::{AuditOutcome, LogEvent, LogSummary};
use crate::evidence::{EvidenceId, Position, ProblemCode};
use std::io::Read;

/// Reads a whole export, hands each event that the catalogue knows to `sink` in the order of the
/// file, and tells what the file holds. Damage becomes problems and reading goes on behind it.
///
/// Events are handed on at the end of the file: only then it is known whether its dates begin with
/// the day or the month.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let (mut source, mark) = Source::new(reader);
    let mut table = Table {
        export: Export::new(evidence, mark, sink),
        columns: Vec::new(),
        has_begun: false,
        dates: Dates::default(),
        events: Vec::new(),
        lost: None,
    };
    let mut rows = Rows::default();
    while let Some(row) = rows.next(&mut source) {
        table.take(row, &mut source);
    }
    table.finish(source)
}

/// An export while it is read.
struct Table<'s> {
    export: Export<'s>,
    /// The names in the first line.
    columns: Vec<String>,
    has_begun: bool,
    dates: Dates,
    events: Vec<(LogEvent, Option<Stamp>)>,
    /// Place and length of what could not be read, up to here.
    lost: Option<(u64, u64)>,
}

impl Table<'_> {
    fn take(&mut self, row: Row, source: &mut Source<'_>) {
        let offset = source.offset();
        let text = source.window().get(..row.length).unwrap_or_default();
        let is_blank = text.trim_ascii().is_empty();
        let (fields, is_sound) = if row.is_whole { fields(text) } else { (Vec::new(), true) };
        let begins = !std::mem::replace(&mut self.has_begun, true);
        let octets = source.consume(row.length);
        if is_blank || begins && row.is_whole && !is_row(&fields) {
            let bucket = if is_blank { "markup" } else { "file_header" };
            self.columns = if begins { fields } else { std::mem::take(&mut self.columns) };
            return self.export.tally.cover(bucket, octets, 0);
        }
        if !row.is_whole || !is_row(&fields) {
            let (_, length) = self.lost.get_or_insert((offset, 0));
            *length = length.saturating_add(octets);
            return;
        }
        self.tell_lost();
        self.event(&fields, offset, octets, is_sound);
    }

    fn event(&mut self, fields: &[String], offset: u64, octets: u64, is_sound: bool) {
        let text = |at: usize| fields.get(at).map_or("", |field| field.trim());
        let mut record = self.export.blank();
        let number = record.record.record;
        record.event_id = text(EVENT_ID).parse().unwrap_or_default();
        let source = SOURCES.iter().find(|row| row.0.eq_ignore_ascii_case(text(SOURCE)));
        source.map_or(text(SOURCE), |row| row.1).clone_into(&mut record.provider);
        let known = events_numbered(record.event_id).iter();
        let mut known = known.filter(|row| row.provider.eq_ignore_ascii_case(&record.provider));
        known.next().map_or("", |row| row.channel).clone_into(&mut record.channel);
        let column = |name: &str| self.columns.iter().position(|it| it.eq_ignore_ascii_case(name));
        column("Computer").map_or("", text).clone_into(&mut record.computer);
        record.audit = match text(0) {
            "Audit Success" => AuditOutcome::Success,
            "Audit Failure" => AuditOutcome::Failure,
            _ => AuditOutcome::NotAudit,
        };
        let is_known = !record.channel.is_empty();
        if is_known && !record.fill_from_message(fields.last().map_or("", String::as_str)) {
            self.export.missing(&record, offset);
        }
        if !is_sound {
            self.export.not_text(offset, number);
        }
        let stamp = Stamp::parse(text(DATE));
        match stamp {
            Some(stamp) => self.dates.add(stamp),
            None => self.export.no_time(offset, number),
        }
        let event = self.export.event_of(&record, octets);
        self.events.extend(event.map(|event| (event, stamp)));
    }

    fn tell_lost(&mut self) {
        if let Some((offset, octets)) = self.lost.take() {
            self.export.damaged("text that is no row", offset, octets);
        }
    }

    fn finish(mut self, source: Source<'_>) -> LogSummary {
        self.tell_lost();
        let order = self.dates.order();
        if self.dates.any.is_some() {
            self.export.local_time();
        }
        if self.dates.is_undecided() {
            let text = match order {
                Order::DayFirst => "dates may begin with day or month; they were read as day first",
                Order::MonthFirst => {
                    "dates may begin with day or month; they were read as month first"
                }
            };
            let code = ProblemCode::BadTime;
            self.export.tally.problem(code, text.to_owned(), None, Position::File);
        }
        let spans = self.dates.spans(order);
        let summary = self.export.tally.summary();
        (summary.first_time, summary.last_time) = spans.unzip();
        for (mut event, stamp) in self.events {
            event.time = stamp.and_then(|stamp| stamp.in_order(stamp.proof().unwrap_or(order)));
            (self.export.sink)(event);
        }
        self.export.finish(source)
    }
}

/// What all dates of a file say together.
#[derive(Default)]
struct Dates {
    any: Option<Stamp>,
    proof: Option<Order>,
    is_ambiguous: bool,
    day_first: Option<Span>,
    month_first: Option<Span>,
}

type Span = (crate::time::Timestamp, crate::time::Timestamp);

impl Dates {
    fn add(&mut self, stamp: Stamp) {
        self.any.get_or_insert(stamp);
        self.proof = self.proof.or(stamp.proof());
        self.is_ambiguous |= stamp.is_ambiguous();
        for (order, span) in
            [(Order::DayFirst, &mut self.day_first), (Order::MonthFirst, &mut self.month_first)]
        {
            let Some(time) = stamp.in_order(stamp.proof().unwrap_or(order)) else { continue };
            let (first, last) = span.unwrap_or((time, time));
            *span = Some((first.min(time), last.max(time)));
        }
    }

    fn order(&self) -> Order {
        let likely = self.any.map_or(Order::DayFirst, Stamp::order);
        self.proof.unwrap_or(likely)
    }

    fn is_undecided(&self) -> bool {
        self.is_ambiguous && self.proof.is_none()
    }

    fn spans(&self, order: Order) -> Option<Span> {
        match order {
            Order::DayFirst => self.day_first,
            Order::MonthFirst => self.month_first,
        }
    }
}

/// A part of the window, from its front.
struct Row {
    length: usize,
    /// Whether its quotation marks are right.
    is_whole: bool,
}

/// Finds the rows of a text. Where a quotation mark is missing, a row runs into the next ones; then
/// the text is searched for the next line that a row can begin with.
#[derive(Default)]
struct Rows {
    at: usize,
    state: State,
    has_ended: bool,
    is_lost: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quotation mark inside quotation marks.
    Quote,
    /// Behind a quoted field and a carriage return.
    Return,
}

impl Rows {
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

    /// A row in front of the window, or how far it is none.
    fn row(&mut self, window: &[u8]) -> Option<Row> {
        while let Some(octet) = window.get(self.at) {
            self.at += 1;
            self.state = match (self.state, octet) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) => State::Quoted,
                (State::FieldStart, b'"') | (State::Quote, b'"') => State::Quoted,
                (State::FieldStart | State::Plain | State::Quote | State::Return, b'\n') => {
                    return Some(Row { length: self.at, is_whole: true });
                }
                (State::FieldStart | State::Plain | State::Quote, b',') => State::FieldStart,
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

    /// The text up to the next line that may be a row's first, or as far as was looked.
    fn broken(&mut self, window: &[u8]) -> Row {
        let seen = window.get(..self.at).unwrap_or_default();
        let mut length = 0;
        let mut lines = seen.split_inclusive(|octet| *octet == b'\n');
        length += lines.next().map_or(0, <[u8]>::len);
        for line in lines {
            // The last line may be cut where looking ended; its rest is seen in the window.
            let whole = window.get(length..).unwrap_or_default();
            if may_begin_row(whole) {
                return Row { length, is_whole: false };
            }
            length += line.len();
        }
        self.is_lost = !seen.ends_with(b"\n");
        Row { length: seen.len(), is_whole: false }
    }

    /// Behind damage: whole lines, until one may be a row's first.
    fn line(&mut self, window: &[u8]) -> Option<Row> {
        let rest = window.get(self.at..)?;
        let Some(end) = rest.iter().position(|octet| *octet == b'\n') else {
            self.at = window.len();
            let is_long = self.at > LONGEST_EVENT || self.has_ended;
            return is_long.then_some(Row { length: self.at, is_whole: false });
        };
        let length = self.at + end + 1;
        let next = window.get(length..)?;
        if next.len() < LONGEST_HEAD && !self.has_ended {
            return None;
        }
        self.is_lost = !may_begin_row(next);
        Some(Row { length, is_whole: false })
    }
}

/// Whether a text begins as rows do: a word, a date, a word and a number.
fn may_begin_row(text: &[u8]) -> bool {
    let head = text.get(..LONGEST_HEAD.min(text.len())).unwrap_or_default();
    let line = head.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.split(',').take(5).collect();
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
    Stamp::parse(text(DATE)).is_some() && text(EVENT_ID).parse::<u16>().is_ok()
}

/// The fields of one row, and whether all of it was text.
fn fields(row: &[u8]) -> (Vec<String>, bool) {
    let mut reader = ::csv::ReaderBuilder::new()
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
/// How long the first four fields of a row are together, at most.
const LONGEST_HEAD: usize = 512;
/// Names that Event Viewer shows for sources.
const SOURCES: &[(&str, &str)] = &[
    ("Microsoft Windows security auditing.", "Microsoft-Windows-Security-Auditing"),
    ("Security-Auditing", "Microsoft-Windows-Security-Auditing"),
    ("Eventlog", "Microsoft-Windows-Eventlog"),
];
