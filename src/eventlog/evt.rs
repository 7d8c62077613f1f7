//! The .evt format of Windows 2000, XP and Server 2003: a header, records in a ring, an end record.
//!
//! The header of a log that was in use gives outdated offsets, so the end record is searched for. Records that
//! lie outside the ring are remnants of an earlier turn: those that are complete are listed apart, as
//! recovered, and are in no count of the live log. Holds the file in memory, because a ring may begin anywhere;
//! Windows keeps such logs below 1 GiB.
//!
//! Source: [MS-EVEN] 2.2, Microsoft "Event Log File Format", libevt's format documentation.

use super::summary::Tally;
use super::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::channel_of_source;
use crate::evidence::{EvidenceId, FileProblem, LogProblem, Position, ProblemKind, RecordRef};
use crate::time::Timestamp;
use std::io::Read;

/// Reads a whole .evt file, passes each event that the catalogue knows to `sink` in the order of the log, and
/// reports what the file holds. Damage becomes problems, and reading continues after it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let mut file = Vec::new();
    let mut tally = Tally::default();
    if let Err(error) = reader.take(LARGEST).read_to_end(&mut file) {
        tally.problem(FileProblem::ReadingStopped(error.to_string()), None, Position::File);
    }
    let ring = Ring { file: &file };
    let mut log = Log { ring: &ring, evidence, tally, sink, live: Vec::new() };
    log.header();
    match ring.end_record() {
        Some(end) => {
            log.tally.cover("end_record", END_RECORD.min((file.len() - end) as u64), 0);
            log.live.push((end, END_MARK.len() * 2));
            let begin = ring.u32(end + END_BEGIN).map_or(HEADER, |at| at as usize);
            // No record begins inside the end record, although a damaged one may suggest it.
            let inside = (end + 1..end + END_MARK.len() * 2).contains(&begin);
            log.walk(if inside { HEADER } else { begin }, Some(end));
        }
        None if file.len() > HEADER => {
            log.tally.problem(LogProblem::NoEndRecord, None, Position::File);
            log.walk(HEADER, None);
        }
        None => {}
    }
    log.recover();
    let Log { mut tally, .. } = log;
    let covered: u64 = tally.summary().coverage.values().map(|extent| extent.bytes).sum();
    tally.cover("residue", (file.len() as u64).saturating_sub(covered), 0);
    tally.finish()
}

/// The file's bytes as a ring: the end is followed by the offset after the header.
struct Ring<'f> {
    file: &'f [u8],
}

impl Ring<'_> {
    fn u32(&self, at: usize) -> Option<u32> {
        self.file.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The end record with the highest record number: others are remnants.
    fn end_record(&self) -> Option<usize> {
        let places = (HEADER..self.file.len()).step_by(4);
        let is_end = |at: &usize| self.file.get(*at..).is_some_and(|b| b.starts_with(&END_MARK));
        places.filter(is_end).max_by_key(|at| self.u32(at + END_NEXT))
    }

    /// `length` bytes from an offset, across the end of the file where necessary.
    fn bytes(&self, at: usize, length: usize) -> Option<Vec<u8>> {
        let tail = self.file.get(at..)?;
        match tail.get(..length) {
            Some(whole) => Some(whole.to_vec()),
            None => {
                let head = self.file.get(HEADER..HEADER.checked_add(length - tail.len())?)?;
                Some([tail, head].concat())
            }
        }
    }

    /// The offset after `length` bytes.
    fn behind(&self, at: usize, length: usize) -> usize {
        let end = at + length;
        if end < self.file.len() { end } else { end - self.file.len() + HEADER }
    }

    /// Whether a record begins here: a possible length, and the mark.
    fn record_length(&self, at: usize) -> Option<usize> {
        let length = self.u32(at)? as usize;
        let marked = self.u32(at + 4) == Some(MARK);
        let fits = (SHORTEST..=self.file.len()).contains(&length) && length.is_multiple_of(4);
        (marked && fits).then_some(length)
    }
}

/// A log while it is read.
struct Log<'f, 's> {
    ring: &'f Ring<'f>,
    evidence: EvidenceId,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
    /// Where live records and the end record are, with their lengths.
    live: Vec<(usize, usize)>,
}

impl Log<'_, '_> {
    /// Complete records outside the ring. Both lengths must be present and equal: the mark alone occurs in many
    /// places that are no record.
    fn recover(&mut self) {
        self.live.sort_unstable();
        let mut live = std::mem::take(&mut self.live).into_iter().peekable();
        let mut at = HEADER;
        while at + SHORTEST <= self.ring.file.len() {
            while live.next_if(|(start, length)| start + length <= at).is_some() {}
            let next_live = live.peek().map_or(self.ring.file.len(), |(start, _)| *start);
            if next_live <= at {
                at = live.next().map_or(at, |(start, length)| start + length);
                continue;
            }
            let length = self.ring.record_length(at).filter(|length| at + length <= next_live);
            let whole = length.and_then(|length| self.ring.file.get(at..at + length));
            match whole.filter(|bytes| field(bytes, bytes.len() - 4) == field(bytes, 0)) {
                Some(bytes) => {
                    self.add_recovered(bytes);
                    at += bytes.len();
                }
                None => at += 4,
            }
        }
    }

    fn add_recovered(&mut self, bytes: &[u8]) {
        let Some(record) = log_record(bytes, self.evidence) else { return };
        let recovered = &mut self.tally.summary().recovered;
        *recovered = recovered.saturating_add(1);
        if let Some(mut event) = LogEvent::from_record(&record) {
            event.recovered = true;
            (self.sink)(event);
        }
    }

    fn header(&mut self) {
        let size = self.ring.file.len();
        self.tally.cover("file_header", size.min(HEADER) as u64, 0);
        if size < HEADER {
            let kind: ProblemKind =
                if size == 0 { FileProblem::Empty.into() } else { LogProblem::HeaderCut.into() };
            self.tally.problem(kind, Some(size as u64), Position::File);
            self.tally.summary().truncated_at = Some(size as u64);
            return;
        }
        let flags = self.ring.u32(36).unwrap_or_default();
        self.tally.summary().dirty = flags & 1 != 0;
        self.tally.summary().full = flags & 4 != 0;
    }

    /// Follows the ring from its oldest record to the end record; without an end record the file is no ring and
    /// is read to its end.
    fn walk(&mut self, begin: usize, end: Option<usize>) {
        let size = self.ring.file.len();
        let mut at = if begin < HEADER || begin >= size { HEADER } else { begin };
        let mut left = match end {
            Some(end) if end >= at => end - at,
            Some(end) => size - at + end - HEADER,
            None => size - at,
        };
        while left >= 4 {
            // Where a record's fixed part does not fit, the ring continues at the front.
            let room = size - at;
            if end.is_some() && room < SHORTEST && room <= left && room > 0 {
                left -= room;
                at = HEADER;
                continue;
            }
            match self.ring.record_length(at) {
                Some(length) if length <= left => {
                    self.record(at, length);
                    at = self.ring.behind(at, length);
                    left -= length;
                }
                Some(length) if end.is_none() => {
                    let (claimed, remain) = (length as u64, left as u64);
                    let kind = LogProblem::RecordBeyondEnd { claimed, remain };
                    self.tally.problem(kind, Some(at as u64), Position::File);
                    self.tally.summary().truncated_at = Some(size as u64);
                    return;
                }
                Some(_) | None => {
                    let skipped = self.skip(at, left);
                    at = self.ring.behind(at, skipped);
                    left -= skipped;
                }
            }
        }
    }

    /// Skips what is no record, up to the next record; returns how much.
    fn skip(&mut self, at: usize, left: usize) -> usize {
        let begins = |skipped: &usize| {
            self.ring
                .record_length(self.ring.behind(at, *skipped))
                .is_some_and(|l| l <= left - skipped)
        };
        let skipped = (4..left).step_by(4).find(begins).unwrap_or(left);
        let kind = LogProblem::NoRecord(skipped as u64);
        self.tally.problem(kind, Some(at as u64), Position::File);
        self.tally.cover("records_damaged", skipped as u64, 1);
        skipped
    }

    /// Records the extent of a live record; a part past the end continues at the front.
    fn live(&mut self, at: usize, length: usize) {
        let room = self.ring.file.len().saturating_sub(at);
        self.live.push((at, length.min(room)));
        if length > room {
            self.live.push((HEADER, length - room));
        }
    }

    fn record(&mut self, at: usize, length: usize) {
        let bytes = self.ring.bytes(at, length).unwrap_or_default();
        self.live(at, length);
        let Some(record) = log_record(&bytes, self.evidence) else {
            self.tally.problem(LogProblem::RecordUnreadable, Some(at as u64), Position::File);
            self.tally.cover("records_damaged", length as u64, 1);
            return;
        };
        let number = record.record.record;
        if field(&bytes, length - 4) != u32::try_from(length).ok() {
            let position = Position::Record(number);
            self.tally.problem(LogProblem::RecordLengths, Some(at as u64), position);
        }
        self.tally.of_source(&record.computer, &record.channel);
        self.tally.record(number, record.time);
        if record.channel == "Security" {
            self.tally.security_record(record.event_id, record.time);
        }
        let event = LogEvent::from_record(&record);
        event.iter().for_each(|event| self.tally.event(event));
        if event.is_none() {
            self.tally.not_interpreted(record.event_id);
        }
        let bucket = if event.is_some() { "records_known" } else { "records_other" };
        self.tally.cover(bucket, length as u64, 1);
        if let Some(event) = event {
            (self.sink)(event);
        }
    }
}

/// EVENTLOGRECORD ([MS-EVEN] 2.2.3).
fn log_record(bytes: &[u8], evidence: EvidenceId) -> Option<LogRecord> {
    let names = bytes.get(NAMES..)?;
    let (provider, used) = utf16_until_nul(names);
    let (computer, _) = utf16_until_nul(names.get(used..).unwrap_or_default());
    let event_id = u16::try_from(field(bytes, 20)? & 0xffff).ok()?;
    let (kind, strings) = (half(bytes, 24)?, half(bytes, 26)?);
    let time = Timestamp::from_seconds(i64::from(field(bytes, 12)?), 0);
    let mut rest = bytes.get(field(bytes, 36)? as usize..).unwrap_or_default();
    let mut positional = Vec::new();
    for _ in 0..strings {
        if rest.is_empty() {
            break;
        }
        let (text, used) = utf16_until_nul(rest);
        positional.push(text);
        rest = rest.get(used..).unwrap_or_default();
    }
    let (data_length, data_at) = (field(bytes, 48)? as usize, field(bytes, 52)? as usize);
    let binary = data_at.checked_add(data_length).and_then(|end| bytes.get(data_at..end));
    Some(LogRecord {
        record: RecordRef { evidence, record: u64::from(field(bytes, 8)?) },
        written_as: None,
        is_numbered: true,
        channel: channel_of_source(&provider).to_owned(),
        provider,
        computer,
        event_id,
        version: 0,
        time,
        audit: match kind {
            8 => AuditOutcome::Success,
            16 => AuditOutcome::Failure,
            _ => AuditOutcome::NotAudit,
        },
        named: Vec::new(),
        positional,
        binary: binary.unwrap_or_default().to_vec(),
    })
}

/// Text up to a NUL or the end, and the bytes it took with its NUL.
fn utf16_until_nul(bytes: &[u8]) -> (String, usize) {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes(pair.try_into().unwrap_or_default()))
        .take_while(|unit| *unit != 0)
        .collect();
    (String::from_utf16_lossy(&units), (units.len() + 1) * 2)
}

fn field(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

const LARGEST: u64 = 1 << 30;
const HEADER: usize = 48;
/// A record's fixed fields.
const SHORTEST: usize = 56;
/// Where a record's source and computer are.
const NAMES: usize = 56;
/// `LfLe`.
const MARK: u32 = 0x654c_664c;
const END_RECORD: u64 = 40;
/// In the end record: the offset of the oldest record, and the number of the next.
const END_BEGIN: usize = 20;
const END_NEXT: usize = 28;
/// Its length and four words that no record holds.
const END_MARK: [u8; 20] = [
    0x28, 0, 0, 0, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22, 0x33, 0x33, 0x33, 0x33, 0x44,
    0x44, 0x44, 0x44,
];
