//! The .evtx format, Windows Vista and later: a header of 4096 bytes, then chunks of 64 KiB.
//!
//! Reads forward only, a few chunks in memory at a time, so the caller can hash the bytes as they pass. A scan
//! decodes most records without rendering them; the `evtx` crate decodes the rest. This file decides what is
//! wanted of it, and accounts for every byte. Records that lie behind the live ones of a chunk are listed
//! apart, as recovered, and are in no count of the live log.

mod cursor;

mod template;

mod values;

mod scan;

mod hidden;

mod chunk;

mod content;

mod position;

use super::summary::Tally;
use super::{LogEvent, LogRecord, LogSummary};
use crate::evidence::{
    EvidenceId, Extent, FileProblem, LogProblem, LogTimeProblem, Position, ProblemKind, RecordRef,
};
use crate::time::Timestamp;
use ::evtx::err::{ChunkError, EvtxError};
use ::evtx::{
    EvtxChunkData, EvtxFileHeader, EvtxRecord, HeaderFlags, ParserSettings, SerializedEvtxRecord,
};
use chunk::{Chunk, Look, Sound};
use content::{CHANNEL, COMPUTER, TIME, cut, event_ids, log_record, may_be_known, text_behind};
use cursor::is_in_any_case;
use hidden::{Behind, parted};
use position::{ChunkPosition, Names, Source};
use scan::{CONNECTION, Plain, Seen};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

/// Reads a whole .evtx file, passes each event that the catalogue knows to `sink` in the order of the file, and
/// reports what the file holds.
///
/// Damage becomes problems of the summary, and reading continues after it. A file in which Windows started
/// again at the front is not in the order of time.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    read_with(true, reader, evidence, sink)
}

/// The same by the `evtx` crate alone, which renders every record: the reference for the scan.
pub fn read_by_crate(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    read_with(false, reader, evidence, sink)
}

fn read_with(
    by_scan: bool,
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut dyn FnMut(LogEvent),
) -> LogSummary {
    let settings = Arc::new(ParserSettings::new().indent(false));
    let names = Names::default();
    let mut log = Log {
        evidence,
        settings,
        names,
        tally: Tally::default(),
        sink,
        connections: MOST_CONNECTIONS,
        has_cut: false,
        behind: Vec::new(),
        others: Extent::default(),
    };
    let mut source = Source::new(reader, FILE_HEADER as u64, CHUNK_MARK);
    let declared_chunks = if source.first_chunk == 0 {
        log.tally.problem(LogProblem::NoHeader, Some(0), Position::File);
        0
    } else {
        let mut data = Vec::new();
        source.next(FILE_HEADER, &mut data);
        log.file_header(&data)
    };
    let mut chunks: u64 = 0;
    chunk::chunks(&mut source, by_scan, log.connections, |chunk| {
        chunks += u64::from(chunk.size == CHUNK as u64);
        log.chunk(chunk);
        log.connections
    });
    if let Some(failure) = source.failure {
        let kind = FileProblem::ReadingStopped(failure.to_string());
        log.tally.problem(kind, Some(source.offset), Position::File);
        log.tally.summary().truncated_at = Some(source.offset);
    } else if !source.is_at_chunk(CHUNK as u64) || chunks < declared_chunks {
        let kind: ProblemKind = match source.offset {
            0 => FileProblem::Empty.into(),
            end if end < source.first_chunk => LogProblem::HeaderCut.into(),
            // The header may be older than the file, and then counts fewer chunks.
            _ if chunks >= declared_chunks => LogProblem::ChunkCut(chunks).into(),
            _ => LogProblem::ChunksMissing { whole: chunks, declared: declared_chunks }.into(),
        };
        log.tally.problem(kind, Some(source.offset), Position::File);
        log.tally.summary().truncated_at = Some(source.offset);
    }
    log.tally.finish()
}

/// A log while it is read.
struct Log<'s> {
    evidence: EvidenceId,
    settings: Arc<ParserSettings>,
    names: Names,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
    /// The number of connections (5156) that are still read for the addresses that they name.
    connections: usize,
    /// A record's text was cut.
    has_cut: bool,
    /// What lies behind the data of the chunk's records.
    behind: Vec<Behind>,
    /// The chunk's records that the catalogue does not know.
    others: Extent,
}

impl Log<'_> {
    /// Records what the file header states; returns the number of chunks it claims.
    fn file_header(&mut self, bytes: &[u8]) -> u64 {
        self.tally.cover("file_header", bytes.len() as u64, 0);
        if bytes.len() < FILE_HEADER {
            return 0;
        }
        let header = match EvtxFileHeader::from_bytes(bytes) {
            Ok(header) => header,
            Err(error) => {
                let kind = LogProblem::HeaderUnreadable(in_words(&error));
                self.tally.problem(kind, Some(0), Position::File);
                return 0;
            }
        };
        if !header.validate_checksum() {
            self.tally.problem(LogProblem::HeaderChecksum, Some(0), Position::File);
        }
        let summary = self.tally.summary();
        summary.dirty = header.flags.contains(HeaderFlags::DIRTY);
        summary.full = header.flags.contains(HeaderFlags::FULL);
        u64::from(header.chunk_count)
    }

    /// Processes a chunk and keeps its memory.
    fn chunk(&mut self, chunk: &mut Chunk) {
        let (offset, size) = (chunk.offset, chunk.size);
        let (look, seen) = chunk.seen();
        match look {
            Look::Unused => self.tally.cover("chunks_unused", size, 0),
            Look::Unreadable(why) => self.lost_chunk(offset, size, std::mem::take(why)),
            Look::Sound(sound) => self.sound_chunk(offset, size, sound, seen),
        }
        chunk.done();
    }

    fn sound_chunk(&mut self, offset: u64, size: u64, chunk: &mut Sound, seen: &[Seen]) {
        for kind in std::mem::take(&mut chunk.broken) {
            self.tally.problem(kind, Some(offset), Position::File);
        }
        self.behind = std::mem::take(&mut chunk.behind);
        let chunk = &mut chunk.data;
        let live_end = u64::from(chunk.header.free_space_offset).min(size);
        let mut place = ChunkPosition { offset, size, cursor: CHUNK_HEADER.min(size), lost: false };
        let read = self.records(&mut place, chunk, seen);
        let Extent { bytes, records } = std::mem::take(&mut self.others);
        self.tally.cover("records_other", bytes, records);
        if let Err(error) = read {
            return self.lost_chunk(offset, size, in_words(&error));
        }
        self.tally.cover("chunk_headers", CHUNK_HEADER.min(size), 0);
        if place.lost {
            // The record that could not be read reaches up to the free space at most.
            self.tally.cover("records_damaged", live_end.saturating_sub(place.cursor), 0);
            place.cursor = place.cursor.max(live_end);
        }
        self.tally.cover("chunk_slack", size.saturating_sub(place.cursor), 0);
        self.hidden(offset, chunk);
        if size == CHUNK as u64 && has_record_from(&chunk.data, place.cursor) {
            self.recover(chunk);
        }
    }

    /// Bytes inside records behind their own data: reported, and read where they are records.
    fn hidden(&mut self, offset: u64, chunk: &EvtxChunkData) {
        let places = std::mem::take(&mut self.behind);
        let mut outers: BTreeMap<u64, u64> = BTreeMap::new();
        for place in &places {
            let (number, bytes) = (place.number, place.len());
            let kind = LogProblem::Hidden { bytes, records: place.records.len() as u64 };
            let at = offset.saturating_add(place.from as u64);
            self.tally.problem(kind, Some(at), Position::Record(number));
            outers.extend(place.records.iter().map(|start| (*start as u64, number)));
        }
        if outers.is_empty() {
            return;
        }
        let settings = Arc::new(ParserSettings::new().indent(false));
        let Ok(mut parted) = EvtxChunkData::new(parted(&chunk.data, &places), false) else {
            return;
        };
        let Ok(mut parted) = parted.parse(settings) else { return };
        for record in parted.iter().filter_map(Result::ok) {
            let start = record.binxml_offset.saturating_sub(RECORD_HEADER);
            if let Some(outer) = outers.get(&start) {
                self.outside(record, Some(*outer));
            }
        }
    }

    /// Records behind the live ones, as far as the crate can still read them: data that they share with live
    /// records may have been overwritten.
    fn recover(&mut self, chunk: &mut EvtxChunkData) {
        let settings = Arc::new(ParserSettings::new().indent(false).recover_records(true));
        let Ok(mut chunk) = chunk.parse(settings) else { return };
        for record in chunk.iter().filter_map(Result::ok).filter(|record| record.recovered) {
            self.outside(record, None);
        }
    }

    /// A record outside the live log.
    fn outside(&mut self, record: EvtxRecord<'_>, hidden_in: Option<u64>) {
        let number = record.event_record_id;
        let written = i64::try_from(record.timestamp.as_nanosecond()).ok().map(Timestamp);
        let Ok(json) = record.into_json() else { return };
        let recovered = &mut self.tally.summary().recovered;
        *recovered = recovered.saturating_add(1);
        if !may_be_known(&json.data) {
            return;
        }
        let Ok(event) = serde_json::from_str::<Value>(&json.data) else { return };
        let record = RecordRef { evidence: self.evidence, record: number };
        let event = log_record(&event, record, written).as_ref().and_then(LogEvent::from_record);
        if let Some(mut event) = event {
            (event.recovered, event.hidden_in) = (true, hidden_in);
            (self.sink)(event);
        }
    }

    /// Reads a chunk's records: by the scan alone where it understands all of them and the catalogue knows
    /// none.
    fn records(
        &mut self,
        place: &mut ChunkPosition,
        chunk: &mut EvtxChunkData,
        seen: &[Seen],
    ) -> Result<(), ChunkError> {
        // The crate stops after the last record that it is needed for.
        let rendered = match seen {
            [] => usize::MAX,
            seen => seen.iter().rposition(|seen| seen.plain.is_none()).map_or(0, |last| last + 1),
        };
        if rendered > 0 {
            let mut chunk = chunk.parse(Arc::clone(&self.settings))?;
            chunk.iter().take(rendered).for_each(|record| self.record(place, record, seen));
        }
        for seen in seen.get(rendered..).unwrap_or_default() {
            seen.plain.iter().for_each(|plain| self.plain(place, seen, plain, &chunk.data));
        }
        Ok(())
    }

    fn lost_chunk(&mut self, offset: u64, size: u64, error: String) {
        self.tally.cover("chunks_damaged", size, 0);
        let kind = LogProblem::ChunkSkipped(error);
        self.tally.problem(kind, Some(offset), Position::File);
    }

    /// A record that the scan has decoded and the catalogue does not know.
    fn plain(&mut self, place: &mut ChunkPosition, seen: &Seen, plain: &Plain, chunk: &[u8]) {
        let size = self.account(place, seen.start as u64, seen.size as u64);
        let Names { computer, channel } = &mut self.names;
        let computer = computer.decode(plain.computer.bytes_in(chunk));
        self.tally.of_source(computer, channel.decode(plain.channel.bytes_in(chunk)));
        if is_in_any_case(plain.channel.bytes_in(chunk), SECURITY) {
            self.tally.security_record(plain.event_id, Some(plain.time));
        }
        self.tally.record(seen.number, Some(plain.time));
        self.tally.not_interpreted(plain.event_id);
        self.others.add(size, 1);
    }

    /// Accounts for a record; returns how many of its bytes were not accounted for before.
    fn account(&mut self, place: &mut ChunkPosition, start: u64, size: u64) -> u64 {
        place.lost = false;
        self.tally.cover("records_damaged", start.saturating_sub(place.cursor), 0);
        let end = start.saturating_add(size);
        let size = end.saturating_sub(start.max(place.cursor));
        place.cursor = place.cursor.max(end);
        let Some(behind) = self.behind.iter().find(|behind| behind.outer as u64 == start) else {
            return size;
        };
        let hidden = behind.len().min(size);
        self.tally.cover("records_hidden", hidden, behind.records.len() as u64);
        size - hidden
    }

    fn record(
        &mut self,
        place: &mut ChunkPosition,
        record: Result<EvtxRecord<'_>, EvtxError>,
        seen: &[Seen],
    ) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                place.lost = true;
                return self.lost_record(place.file_offset(place.cursor), &error);
            }
        };
        place.lost = false;
        let start = record.binxml_offset.saturating_sub(RECORD_HEADER);
        let known_to_scan = seen.binary_search_by_key(&start, |seen| seen.start as u64).ok();
        if let Some(seen) = known_to_scan.and_then(|at| seen.get(at))
            && let Some(plain) = &seen.plain
        {
            return self.plain(place, seen, plain, record.chunk.data);
        }
        let size = u64::from(record.binxml_size).saturating_add(RECORD_FRAME);
        let (number, at) = (record.event_record_id, place.file_offset(start));
        if start.saturating_add(size) > place.size {
            // The data read behind the cut is zeros that we added.
            place.lost = true;
            let position = Position::Record(number);
            self.tally.problem(LogProblem::RecordCut, Some(at), position);
            return;
        }
        let size = self.account(place, start, size);
        self.content_of(record, size, at);
    }

    /// A record as the crate renders it.
    fn content_of(&mut self, record: EvtxRecord<'_>, size: u64, at: u64) {
        let number = record.event_record_id;
        // The frame of an exported log may have no time or another one; the content is right.
        let written = i64::try_from(record.timestamp.as_nanosecond()).ok().map(Timestamp);
        let content = record.into_json().and_then(|json| self.content(&json, written, (size, at)));
        match content {
            Ok((known, time)) => {
                self.tally.record(number, time);
                if time.is_none() {
                    let position = Position::Record(number);
                    self.tally.problem(LogTimeProblem::Missing, Some(at), position);
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
        self.tally.problem(LogProblem::RecordSkipped(in_words(error)), Some(offset), position);
    }

    /// A record's own text is no longer than its bytes allow, and the constants of a template are short.
    fn bound(&mut self, record: &mut LogRecord, size: u64, at: u64) {
        let most = usize::try_from(size).unwrap_or(usize::MAX).saturating_mul(4);
        if cut(record, most.saturating_add(MOST_CONSTANTS)) && !self.has_cut {
            self.has_cut = true;
            let number = record.record.record;
            let position = Position::Record(number);
            self.tally.problem(LogProblem::Expansion, Some(at), position);
        }
    }

    /// Passes the event on where the catalogue knows it; returns whether it does, and the record's time.
    fn content(
        &mut self,
        json: &SerializedEvtxRecord<String>,
        written: Option<Timestamp>,
        (size, at): (u64, u64),
    ) -> Result<(bool, Option<Timestamp>), EvtxError> {
        let channel = text_behind(&json.data, CHANNEL);
        self.tally.of_source(text_behind(&json.data, COMPUTER), channel);
        let time = Timestamp::from_rfc3339(text_behind(&json.data, TIME)).or(written);
        let id = event_ids(&json.data).next();
        if let Some(id) = id.filter(|_| channel.eq_ignore_ascii_case(SECURITY)) {
            self.tally.security_record(id, time);
        }
        let is_connection = id == Some(CONNECTION) && self.connections > 0;
        if !is_connection && !may_be_known(&json.data) {
            id.iter().for_each(|id| self.tally.not_interpreted(*id));
            return Ok((false, time));
        }
        let event: Value =
            serde_json::from_str(&json.data).map_err(::evtx::err::SerializationError::from)?;
        let record = RecordRef { evidence: self.evidence, record: json.event_record_id };
        let mut record = log_record(&event, record, time);
        if let Some(record) = &mut record {
            self.bound(record, size, at);
        }
        if is_connection {
            self.connections -= 1;
            let own = record.as_ref().and_then(LogRecord::connection_source);
            let source = self.tally.source();
            source.into_iter().for_each(|log| log.trust.connection_addresses.extend(own));
        }
        let event = record.as_ref().and_then(LogEvent::from_record);
        let known = event.is_some();
        if known && record.as_ref().is_some_and(|record| record.written_as.is_some()) {
            self.tally.renumbered();
        }
        if !known {
            id.iter().for_each(|id| self.tally.not_interpreted(*id));
        }
        event.iter().for_each(|event| self.tally.event(event));
        event.into_iter().for_each(&mut *self.sink);
        Ok((known, time))
    }
}

/// Whether a record's mark lies behind an offset; records begin at multiples of eight.
fn has_record_from(chunk: &[u8], cursor: u64) -> bool {
    let from = usize::try_from(cursor).unwrap_or(usize::MAX).next_multiple_of(8);
    let words = chunk.get(from..).unwrap_or_default().as_chunks::<8>().0;
    words.iter().any(|word| word.starts_with(b"**\0\0"))
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

const SECURITY: &str = "Security";
/// Connections that are read for the addresses they name; a busy host logs millions.
const MOST_CONNECTIONS: usize = 256;
/// Text that a template adds to a record's own: no template of Windows has more.
const MOST_CONSTANTS: usize = 1024;
const FILE_HEADER: usize = 4096;
/// What a chunk begins with.
const CHUNK_MARK: &[u8] = b"ElfChnk\0";
const CHUNK: usize = 65_536;
const CHUNK_HEADER: u64 = 512;
/// Magic, size, number and time precede a record's content.
const RECORD_HEADER: u64 = 24;
/// … and a copy of the size behind it.
const RECORD_FRAME: u64 = RECORD_HEADER + 4;
