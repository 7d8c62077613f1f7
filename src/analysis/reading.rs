//! One file from its first byte to its last: format, digest, summary, defects.
//!
//! Every byte is read once; the digest is taken as the bytes pass.

use super::{Request, Watch};
use crate::capture::{CaptureOutline, RawFrame, read_pcap, read_pcapng};
use crate::eventlog::{LogEvent, LogSummary, evt, evtx};
use crate::evidence::{
    Content, Evidence, EvidenceId, Format, Found, Hashing, PEEK, Packing, Position, Problem,
    ProblemCode, UnpackFailure, Unpacking,
};
use crate::protection::NamedPorts;
use crate::summary::{CaptureObserver, Count, LogPart, Summary};
use crate::time::{Resolution, Timestamp};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};

/// What one file came to.
pub(super) struct Reading {
    pub(super) evidence: Evidence,
    /// The file's part of the summary; empty where nothing could be read.
    pub(super) part: Summary,
    pub(super) outside_span: Count,
}

/// What is asked of the reading of one file.
#[derive(Clone, Copy)]
struct Task<'a> {
    request: &'a Request,
    named: &'a NamedPorts,
    /// It was given by name, not met in a folder.
    explicit: bool,
    watch: &'a dyn Watch,
}

/// Reads one file. What goes wrong becomes a problem of the evidence.
pub(super) fn read(
    found: &Found,
    id: EvidenceId,
    request: &Request,
    named: &NamedPorts,
    watch: &dyn Watch,
) -> Reading {
    let mut reading = Reading::of_nothing(found, id);
    if let Some(problem) = &found.problem {
        reading.evidence.problems.push(problem.clone());
        return reading;
    }
    let file: Box<dyn Read> = if found.path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        match File::open(&found.path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                reading.problem(ProblemCode::Unreadable, format!("cannot open it: {error}"), None);
                return reading;
            }
        }
    };
    let mut source = Watched { file, watch, failure: None };
    let mut first_bytes = Vec::with_capacity(PEEK);
    // `Watched` gives an end where the file gives an error, so this cannot fail.
    let _ = source.by_ref().take(PEEK as u64).read_to_end(&mut first_bytes);
    let (format, packing) = (Format::of(&first_bytes), Packing::of(&first_bytes));
    let task = Task { request, named, explicit: found.explicit, watch };
    let mut bytes = Hashing::new(first_bytes.chain(&mut source), request.hash);
    reading.evidence.format = format;
    match packing {
        Some(packing) => reading.unpack(packing, &mut bytes, &task),
        None => reading.content_of(&mut bytes, &task),
    }
    let _ = bytes.drain();
    let size = bytes.passed();
    reading.evidence.size = size;
    reading.evidence.sha256 = bytes.finish();
    if let Some(error) = source.failure {
        reading.evidence.sha256 = None;
        reading.evidence.size = found.size.max(size);
        let text = format!("reading stopped: {error}");
        reading.problem(ProblemCode::Unreadable, text, Some(size));
        reading.evidence.truncated_at.get_or_insert(size);
    }
    reading.account_for_the_rest();
    reading
}

impl Reading {
    fn of_nothing(found: &Found, id: EvidenceId) -> Self {
        let evidence = Evidence {
            id,
            path: found.shown.clone(),
            format: Format::Unknown,
            content: Content::Nothing,
            size: found.size,
            sha256: None,
            records: 0,
            span: None,
            resolution: Resolution::NANOSECONDS,
            truncated_at: None,
            packed: None,
            coverage: [].into(),
            problems: Vec::new(),
        };
        Self { evidence, part: Summary::default(), outside_span: Count::default() }
    }

    /// Reads what is compressed as if it lay there unpacked.
    fn unpack(&mut self, packing: Packing, bytes: &mut impl Read, task: &Task<'_>) {
        let passed = Cell::new(0);
        let mut unpacking = match Unpacking::new(packing, bytes, &passed) {
            Ok(unpacking) => unpacking,
            Err(error) => {
                let text = format!("{} cannot be unpacked: {error}", packing.as_str());
                return self.problem(ProblemCode::Corrupt, text, Some(0));
            }
        };
        let mut first_bytes = Vec::with_capacity(PEEK);
        // `Unpacking` gives an end where the decoder gives an error.
        let _ = unpacking.by_ref().take(PEEK as u64).read_to_end(&mut first_bytes);
        self.evidence.format = Format::of(&first_bytes);
        let is_empty = first_bytes.is_empty() && unpacking.failure().is_some();
        let mut inside = first_bytes.chain(&mut unpacking);
        if !is_empty {
            self.content_of(&mut inside, task);
        }
        // To the end, so that the packing's own checksum is looked at.
        let _ = io::copy(&mut inside, &mut io::sink());
        let unpacked = unpacking.unpacked();
        self.evidence.packed = Some((packing, unpacked));
        let (code, text) = match unpacking.failure() {
            None => return,
            Some(UnpackFailure::Damaged(words)) => (
                ProblemCode::Corrupt,
                format!("the {} data are damaged: {words}", packing.as_str()),
            ),
            Some(UnpackFailure::Expansion) => (
                ProblemCode::Expansion,
                format!(
                    "{unpacked} octets came out of {} of {}, more than any evidence gives; the rest was not unpacked",
                    passed.get(),
                    packing.as_str()
                ),
            ),
        };
        self.problem(code, text, Some(unpacked));
        self.evidence.truncated_at.get_or_insert(unpacked);
    }

    fn content_of(&mut self, bytes: &mut impl Read, task: &Task<'_>) {
        match self.evidence.format {
            Format::Pcap | Format::PcapNg => self.capture(bytes, task),
            Format::Evtx | Format::Evt => self.log(bytes, task.request),
            Format::Unread(unread) => {
                let text =
                    format!("{} is not read by this version; {}", unread.name, unread.remedy);
                self.problem(ProblemCode::UnsupportedFormat, text, None);
            }
            // A note beside the evidence is no damage; a note given as evidence is a mistake.
            Format::Text if !task.explicit => {
                let text = "a text file beside the evidence; it was not read".to_owned();
                self.problem(ProblemCode::NotEvidence, text, None);
            }
            Format::Text | Format::Unknown => {
                let mut first = [0; 8];
                let read = bytes.read(&mut first).unwrap_or_default();
                let first = first.get(..read).unwrap_or_default();
                let (code, text) = unknown(self.evidence.format, first);
                self.problem(code, text, Some(0));
            }
        }
    }

    fn capture(&mut self, bytes: &mut impl Read, task: &Task<'_>) {
        let Task { request, named, watch, .. } = *task;
        let mut observer = CaptureObserver::new(self.evidence.id, named);
        let mut span: Option<(Timestamp, Timestamp)> = None;
        let mut outside = Count::default();
        let mut visit = |frame: RawFrame<'_>| {
            let (first, last) = span.unwrap_or((frame.time, frame.time));
            span = Some((first.min(frame.time), last.max(frame.time)));
            if request.holds(frame.time) {
                observer.observe(&frame);
            } else {
                outside.add(u64::from(frame.original_len));
            }
            !watch.is_cancelled()
        };
        let outline = if self.evidence.format == Format::PcapNg {
            read_pcapng(bytes, &mut visit)
        } else {
            read_pcap(bytes, &mut visit)
        };
        let evidence = &mut self.evidence;
        evidence.span = span;
        match outline {
            Ok(outline) => describe_capture(evidence, outline),
            Err(error) => {
                self.problem(ProblemCode::Unreadable, format!("reading stopped: {error}"), None);
            }
        }
        self.outside_span = outside;
        let mut summary = observer.finish();
        self.evidence.problems.append(&mut summary.problems);
        self.part.captures.insert(self.evidence.id, summary);
    }

    fn log(&mut self, bytes: &mut impl Read, request: &Request) {
        let folder = self.evidence.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut part = LogPart { folder: folder.to_owned(), events: Vec::new() };
        let mut keep = |event: LogEvent| {
            // An event without a time cannot be told to lie outside.
            if event.time.is_none_or(|time| request.holds(time)) {
                part.events.push(event);
            }
        };
        let (summary, resolution) = if self.evidence.format == Format::Evt {
            (evt::read(bytes, self.evidence.id, &mut keep), Resolution::SECONDS)
        } else {
            (evtx::read(bytes, self.evidence.id, &mut keep), Resolution::FILETIME)
        };
        self.evidence.resolution = resolution;
        describe_log(&mut self.evidence, summary);
        self.part.logs.insert(self.evidence.id, part);
    }

    fn problem(&mut self, code: ProblemCode, text: String, offset: Option<u64>) {
        let position = Position::File;
        self.evidence.problems.push(Problem { code, text, offset, position });
    }

    /// Bytes that no reader took: behind damage, or of a file that is not read.
    fn account_for_the_rest(&mut self) {
        let evidence = &mut self.evidence;
        let covered = evidence.coverage.values().fold(0u64, |sum, e| sum.saturating_add(e.bytes));
        let length = evidence.packed.map_or(evidence.size, |(_, unpacked)| unpacked);
        let rest = length.saturating_sub(covered);
        if rest > 0 {
            evidence.coverage.entry("unread").or_default().add(rest, 0);
        }
    }
}

impl Request {
    fn holds(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

fn describe_capture(evidence: &mut Evidence, outline: CaptureOutline) {
    evidence.resolution = outline.resolution();
    evidence.records = outline.frames;
    evidence.truncated_at = outline.truncated_at;
    evidence.coverage = outline.coverage;
    evidence.problems.extend(outline.problems);
    evidence.content = Content::Capture {
        interfaces: outline.interfaces,
        dropped_by_capturer: outline.dropped_by_capturer,
    };
}

fn describe_log(evidence: &mut Evidence, summary: LogSummary) {
    evidence.records = summary.records;
    evidence.span = summary.first_time.zip(summary.last_time);
    evidence.truncated_at = summary.truncated_at;
    evidence.coverage = summary.coverage;
    evidence.problems.extend(summary.problems);
    evidence.content = Content::Log {
        hosts: summary.hosts,
        gaps: summary.gaps.iter().map(|gap| (gap.first, gap.last)).collect(),
    };
}

fn unknown(format: Format, first: &[u8]) -> (ProblemCode, String) {
    const KNOWN: &str = "expected pcap, pcapng, evtx or evt";
    match (format, first) {
        (_, []) => (ProblemCode::Empty, "the file is empty".to_owned()),
        (Format::Text, _) => (ProblemCode::UnknownFormat, format!("it begins with text; {KNOWN}")),
        (_, first) => {
            let hex: Vec<String> = first.iter().map(|octet| format!("{octet:02x}")).collect();
            (ProblemCode::UnknownFormat, format!("it begins with {}; {KNOWN}", hex.join(" ")))
        }
    }
}

/// A file that tells how far it was read. Where the file fails or the work is ended, it ends; the
/// failure is kept.
struct Watched<'w> {
    file: Box<dyn Read>,
    watch: &'w dyn Watch,
    failure: Option<io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() || self.watch.is_cancelled() {
            return Ok(0);
        }
        loop {
            match self.file.read(room) {
                Ok(read) => {
                    self.watch.advanced(read as u64);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    return Ok(0);
                }
            }
        }
    }
}
