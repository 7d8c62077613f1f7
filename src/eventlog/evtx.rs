//! The .evtx format, Windows Vista and later: a header of 4096 bytes, then chunks of 64 KiB.
//!
//! Reads forward only, one chunk in memory at a time, so the caller can hash the bytes as they
//! pass. The `evtx` crate takes chunks apart; here it is decided what of it is wanted and where
//! every byte went. Records carved from unused space are not looked for.

use super::interpret::whole_number;
use super::summary::Tally;
use super::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::events_numbered;
use crate::evidence::{EvidenceId, Position, ProblemCode, RecordRef};
use crate::time::Timestamp;
use ::evtx::err::EvtxError;
use ::evtx::{
    ChunkFlags, EvtxChunkData, EvtxFileHeader, EvtxRecord, HeaderFlags, ParserSettings,
    SerializedEvtxRecord,
};
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

/// Reads a whole .evtx file, hands each event that the catalogue knows to `sink` in the order of
/// the file, and tells what the file holds.
///
/// Damage becomes problems of the summary and reading goes on behind it. A file in which Windows
/// began again at the front is not in the order of time.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let settings = Arc::new(ParserSettings::new().indent(false));
    let mut log = Log { evidence, settings, tally: Tally::default(), sink };
    let mut source = Source { reader, offset: 0, failure: None };
    let header = source.next(FILE_HEADER);
    let declared_chunks = log.file_header(&header);
    let mut chunks: u64 = 0;
    while source.offset % (CHUNK as u64) == FILE_HEADER as u64 {
        let offset = source.offset;
        let data = source.next(CHUNK);
        if data.is_empty() {
            break;
        }
        chunks += u64::from(data.len() == CHUNK);
        log.chunk(offset, data);
    }
    if let Some(failure) = source.failure {
        let text = format!("reading stopped: {failure}");
        log.tally.problem(ProblemCode::Unreadable, text, Some(source.offset), Position::File);
        log.tally.summary().truncated_at = Some(source.offset);
    } else if source.offset % (CHUNK as u64) != FILE_HEADER as u64 || chunks < declared_chunks {
        let (code, text) = match source.offset {
            0 => (ProblemCode::Empty, "the file is empty".to_owned()),
            end if end < FILE_HEADER as u64 => {
                (ProblemCode::Truncated, "the file ends inside its header".to_owned())
            }
            _ => (
                ProblemCode::Truncated,
                format!("the file ends after {chunks} of {declared_chunks} whole chunks"),
            ),
        };
        log.tally.problem(code, text, Some(source.offset), Position::File);
        log.tally.summary().truncated_at = Some(source.offset);
    }
    log.tally.finish()
}

/// Bytes in order, in pieces of a wanted size.
struct Source<'r> {
    reader: &'r mut dyn Read,
    offset: u64,
    failure: Option<std::io::Error>,
}

impl Source<'_> {
    /// The next `size` bytes; fewer only at the end of the file or where reading fails.
    fn next(&mut self, size: usize) -> Vec<u8> {
        let mut piece = vec![0; size];
        let mut filled = 0;
        while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        piece.truncate(filled);
        self.offset = self.offset.saturating_add(filled as u64);
        piece
    }
}

/// A log while it is read.
struct Log<'s> {
    evidence: EvidenceId,
    settings: Arc<ParserSettings>,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
}

impl Log<'_> {
    /// Notes what the file says of itself; gives the number of chunks it claims.
    fn file_header(&mut self, bytes: &[u8]) -> u64 {
        self.tally.cover("file_header", bytes.len() as u64, 0);
        if bytes.len() < FILE_HEADER {
            return 0;
        }
        let header = match EvtxFileHeader::from_bytes(bytes) {
            Ok(header) => header,
            Err(error) => {
                let text = format!("file header: {}", in_words(&error));
                self.tally.problem(ProblemCode::Corrupt, text, Some(0), Position::File);
                return 0;
            }
        };
        if !header.validate_checksum() {
            let text = "the checksum of the file header does not hold".to_owned();
            self.tally.problem(ProblemCode::Checksum, text, Some(0), Position::File);
        }
        let summary = self.tally.summary();
        summary.dirty = header.flags.contains(HeaderFlags::DIRTY);
        summary.full = header.flags.contains(HeaderFlags::FULL);
        u64::from(header.chunk_count)
    }

    fn chunk(&mut self, offset: u64, mut data: Vec<u8>) {
        let size = data.len() as u64;
        // The tables at the head of a chunk that was cut name places behind the cut; with zeros
        // there, the records before it can still be read.
        data.resize(CHUNK, 0);
        if data.iter().all(|byte| *byte == 0) {
            self.tally.cover("chunks_unused", size, 0);
            return;
        }
        let mut chunk = match EvtxChunkData::new(data, false) {
            Ok(chunk) => chunk,
            Err(error) => return self.lost_chunk(offset, size, in_words(&error)),
        };
        self.checksums(offset, &chunk, size == CHUNK as u64);
        let live_end = u64::from(chunk.header.free_space_offset).min(size);
        let mut place = Place { offset, size, cursor: CHUNK_HEADER.min(size), lost: false };
        match chunk.parse(Arc::clone(&self.settings)) {
            Ok(mut chunk) => {
                for record in chunk.iter() {
                    self.record(&mut place, record);
                }
            }
            Err(error) => return self.lost_chunk(offset, size, in_words(&error)),
        }
        self.tally.cover("chunk_headers", CHUNK_HEADER.min(size), 0);
        if place.lost {
            // The record that could not be read reaches up to the free space at most.
            self.tally.cover("records_damaged", live_end.saturating_sub(place.cursor), 0);
            place.cursor = place.cursor.max(live_end);
        }
        self.tally.cover("chunk_slack", size.saturating_sub(place.cursor), 0);
    }

    fn lost_chunk(&mut self, offset: u64, size: u64, error: String) {
        self.tally.cover("chunks_damaged", size, 0);
        let text = format!("a chunk was passed over: {error}");
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), Position::File);
    }

    fn checksums(&mut self, offset: u64, chunk: &EvtxChunkData, whole: bool) {
        if chunk.header.flags.contains(ChunkFlags::NO_CRC32) {
            return;
        }
        let mut broken = |what: &str| {
            let text = format!("the checksum of a chunk's {what} does not hold");
            self.tally.problem(ProblemCode::Checksum, text, Some(offset), Position::File);
        };
        if !chunk.validate_header_checksum() {
            broken("header");
        }
        if whole && !chunk.validate_data_checksum() {
            broken("records");
        }
    }

    fn record(&mut self, place: &mut Place, record: Result<EvtxRecord<'_>, EvtxError>) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                place.lost = true;
                return self.lost_record(place.file_offset(place.cursor), &error);
            }
        };
        place.lost = false;
        let start = record.binxml_offset.saturating_sub(RECORD_HEADER);
        let size = u64::from(record.binxml_size).saturating_add(RECORD_FRAME);
        let (number, at) = (record.event_record_id, place.file_offset(start));
        if start.saturating_add(size) > place.size {
            // What was read behind the cut are zeros of ours.
            place.lost = true;
            let text = format!("record {number} is cut off");
            let position = Position::Record(number);
            self.tally.problem(ProblemCode::Truncated, text, Some(at), position);
            return;
        }
        self.tally.cover("records_damaged", start.saturating_sub(place.cursor), 0);
        let end = start.saturating_add(size);
        let size = end.saturating_sub(start.max(place.cursor));
        place.cursor = place.cursor.max(end);

        // The frame of an exported log may hold no time or another one; the content is right.
        let written = i64::try_from(record.timestamp.as_nanosecond()).ok().map(Timestamp);
        let content = record.into_json().and_then(|json| self.content(&json, written));
        match content {
            Ok((known, time)) => {
                self.tally.record(number, time);
                if time.is_none() {
                    let text = "the record tells no usable time".to_owned();
                    let position = Position::Record(number);
                    self.tally.problem(ProblemCode::BadTime, text, Some(at), position);
                }
                let bucket = if known { "records_known" } else { "records_other" };
                self.tally.cover(bucket, size, 1);
            }
            Err(error) => {
                self.tally.cover("records_damaged", size, 0);
                self.lost_record(
                    at,
                    &EvtxError::FailedToParseRecord { record_id: number, source: Box::new(error) },
                );
            }
        }
    }

    fn lost_record(&mut self, offset: u64, error: &EvtxError) {
        self.tally.cover("records_damaged", 0, 1);
        let position = match error {
            EvtxError::FailedToParseRecord { record_id, .. } => Position::Record(*record_id),
            _ => Position::File,
        };
        let text = format!("a record was passed over: {}", in_words(error));
        self.tally.problem(ProblemCode::Skipped, text, Some(offset), position);
    }

    /// Hands the event on where the catalogue knows it, says whether it does, and tells the
    /// record's time.
    fn content(
        &mut self,
        json: &SerializedEvtxRecord<String>,
        written: Option<Timestamp>,
    ) -> Result<(bool, Option<Timestamp>), EvtxError> {
        self.tally.host(text_behind(&json.data, COMPUTER));
        self.tally.channel(text_behind(&json.data, CHANNEL));
        let time = Timestamp::from_rfc3339(text_behind(&json.data, TIME)).or(written);
        if !may_be_known(&json.data) {
            return Ok((false, time));
        }
        let event: Value =
            serde_json::from_str(&json.data).map_err(::evtx::err::SerializationError::from)?;
        let record = RecordRef { evidence: self.evidence, record: json.event_record_id };
        let event = log_record(&event, record, time).as_ref().and_then(LogEvent::from_record);
        let known = event.is_some();
        event.into_iter().for_each(&mut *self.sink);
        Ok((known, time))
    }
}

/// Where in a chunk the reading stands.
struct Place {
    /// How much of the chunk the file holds.
    size: u64,
    /// The chunk's offset in the file.
    offset: u64,
    /// The end of what was accounted for, from the chunk's start.
    cursor: u64,
    /// What lies behind the cursor is a record that could not be read.
    lost: bool,
}

impl Place {
    fn file_offset(&self, in_chunk: u64) -> u64 {
        self.offset.saturating_add(in_chunk)
    }
}

/// Whether the record's number is one that the catalogue has, whoever wrote it. Looks at the text
/// only, because most records of a busy log end here; what it lets through is read properly.
fn may_be_known(json: &str) -> bool {
    json.match_indices(EVENT_ID).any(|(at, _)| {
        let value = json.get(at + EVENT_ID.len()..).unwrap_or_default();
        // With qualifiers the number is the text of an object.
        let value = match value.strip_prefix('{') {
            Some(object) => object.split_once("\"#text\":").map_or("", |(_, text)| text),
            None => value,
        };
        let value = value.strip_prefix('"').unwrap_or(value);
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let id = value.get(..digits).and_then(|digits| digits.parse().ok());
        id.is_some_and(|id| !events_numbered(id).is_empty())
    })
}

/// The first text that follows a key; empty where there is none or it holds an escape, which no
/// name of a computer or a log does.
fn text_behind<'j>(json: &'j str, key: &str) -> &'j str {
    let text = json.split_once(key).and_then(|(_, text)| text.split_once('"'));
    text.map(|(name, _)| name).filter(|name| !name.contains('\\')).unwrap_or_default()
}

fn log_record(event: &Value, record: RecordRef, written: Option<Timestamp>) -> Option<LogRecord> {
    let event = event.get("Event")?;
    let system = event.get("System")?;
    let attribute = |pointer| system.pointer(pointer).map(text_of).unwrap_or_default();
    let element = |name| system.get(name).map(text_of).unwrap_or_default();
    let time = attribute("/TimeCreated/#attributes/SystemTime");
    let keywords = whole_number(&element("Keywords"));
    let mut filled = LogRecord {
        record,
        provider: attribute("/Provider/#attributes/Name"),
        channel: element("Channel"),
        computer: element("Computer"),
        event_id: element("EventID").parse().ok()?,
        version: element("Version").parse().unwrap_or(0),
        time: Timestamp::from_rfc3339(&time).or(written),
        audit: AuditOutcome::from_keywords(keywords.unwrap_or(0)),
        named: Vec::new(),
        positional: Vec::new(),
        binary: Vec::new(),
    };
    for body in ["EventData", "UserData"] {
        collect_fields(body, event.get(body).unwrap_or(&Value::Null), &mut filled);
    }
    Some(filled)
}

/// Flattens the body of a record: a value under its nearest name. `Data` is no name.
fn collect_fields(name: &str, value: &Value, record: &mut LogRecord) {
    match value {
        Value::Null if is_container(name) => {}
        Value::Object(members) => {
            for (member, value) in members.iter().filter(|(member, _)| *member != "#attributes") {
                let name = if member == "#text" { name } else { member };
                collect_fields(name, value, record);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_fields(name, item, record)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = text_of(value);
            match name {
                "Binary" => record.binary = bytes_of_hex(&text),
                "Data" => record.positional.push(text),
                _ => record.named.push((name.to_owned(), text)),
            }
        }
    }
}

fn is_container(name: &str) -> bool {
    matches!(name, "EventData" | "UserData")
}

/// A scalar as text; of an element with attributes, its text.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Object(members) => members.get("#text").map(text_of).unwrap_or_default(),
    }
}

/// Empty where the text is not hexadecimal.
fn bytes_of_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    pairs.collect::<Option<Vec<u8>>>().unwrap_or_default()
}

/// An error and what it came from, in one line.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

const FILE_HEADER: usize = 4096;
const CHUNK: usize = 65_536;
const CHUNK_HEADER: u64 = 512;
/// Magic, size, number and time stand before a record's content.
const RECORD_HEADER: u64 = 24;
/// … and a copy of the size behind it.
const RECORD_FRAME: u64 = RECORD_HEADER + 4;
const EVENT_ID: &str = "\"EventID\":";
const TIME: &str = "\"SystemTime\":\"";
const COMPUTER: &str = "\"Computer\":\"";
const CHANNEL: &str = "\"Channel\":\"";
