//! One file from its first byte to its last: format, digest, summary, defects.
//!
//! Every byte is read once; the digest is taken as the bytes pass.

use super::describing::{describe_capture, describe_log, folder_of, named};
use super::members::{Item, Remarks};
use super::observing::{Observing, Way, observe};
use super::source::Watched;
use super::trace::add_event;
use super::unread::{is_rendered_text, unknown};
use super::{Activities, Request, Watch};
use crate::capture::{
    Buffer, CaptureOutline, HandOver, RawFrame, read_etl, read_netmon, read_pcap_from,
    read_pcapng_from, read_snoop_from,
};
use crate::eventlog::trace::TraceLog;
use crate::eventlog::{LogEvent, LogSummary, evt, evtx, text, undated};
use crate::evidence::{
    Before, Content, Evidence, EvidenceId, Extent, FileProblem, Format, FormatProblem, Found,
    HashedBy, Hashing, Member, Own, Packed, Packing, PackingFault, Problem, ProblemKind, Unpacking,
    is_carved, open, open_stream, peek,
};
use crate::protection::NamedPorts;
use crate::summary::{CaptureObserver, Count, LogPart, Part, Summary};
use crate::time::{Resolution, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What one file came to.
pub(super) struct Reading {
    pub(super) part: Part,
    /// It was given by name, not met in a folder.
    explicit: bool,
    /// Why it is taken for a file that plainsight wrote.
    own: Option<Own>,
    /// It holds packets that plainsight carved.
    carved: bool,
    /// It is a collection, and its members are evidence of their own.
    is_opened: bool,
    /// It is a log whose times name no year yet.
    pub(super) is_undated: bool,
}

/// What is the same for all files.
pub(super) struct Context<'r> {
    pub(super) request: &'r Request,
    pub(super) named: &'r NamedPorts,
    pub(super) watch: &'r dyn Watch,
    pub(super) hashed_by: HashedBy,
    /// Whether threads may help with one large file: to read ahead, to observe.
    pub(super) helped: bool,
    /// Whether there may be another capture of the same packets.
    pub(super) compared: bool,
}

impl Context<'_> {
    /// Standard input has no size beforehand.
    const fn is_worth_a_thread(&self, size: u64) -> bool {
        self.helped && (size == 0 || size >= WORTH_A_THREAD)
    }
}

/// Reads one file. What goes wrong becomes a problem of the evidence.
pub(super) fn read(item: &Item, id: EvidenceId, context: &Context<'_>) -> Reading {
    let found = &item.found;
    // A fault of ours in one file must not cost the others. What the reading held is dropped with it.
    let read = catch_unwind(AssertUnwindSafe(|| {
        context.watch.begins(&found.shown);
        read_one(item, id, context)
    }));
    context.watch.ended();
    read.unwrap_or_else(|_| {
        let mut reading = Reading::of_nothing(found, id);
        reading.problem(FileProblem::Bug, None);
        reading
    })
}

fn read_one(item: &Item, id: EvidenceId, context: &Context<'_>) -> Reading {
    let found = &item.found;
    let mut reading = Reading::of_nothing(found, id);
    reading.part.evidence.origin.clone_from(&item.origin);
    if let Some(problem) = &found.problem {
        reading.part.evidence.problems.push(problem.clone());
        return reading;
    }
    let mut before = None;
    let file: Box<dyn Read + Send> = if found.is_stream || item.member.is_some() {
        let opened = item.member.as_ref().map_or_else(|| open_stream(&found.path), Member::open);
        match opened {
            Ok(file) => file,
            Err(error) => {
                reading.problem(FileProblem::CannotOpen(error.to_string()), None);
                return reading;
            }
        }
    } else {
        match open(&found.path) {
            Ok(file) => {
                before = Before::note(&found.path, &file).ok();
                Box::new(file)
            }
            Err(error) => {
                reading.problem(FileProblem::CannotOpen(error.to_string()), None);
                return reading;
            }
        }
    };
    let mut source = Watched::new(file, context.watch);
    // Neither `Watched` nor `Unpacking` gives errors: where something fails, they end.
    let first_bytes = peek(&mut source).unwrap_or_default();
    let format = Format::recognize(&first_bytes);
    reading.carved = is_carved(&first_bytes);
    if let Some(remarks) = &item.collection {
        reading.collection(remarks);
    }
    // Frames are read ahead as it is, while those before are observed.
    let ahead = !format.is_capture() && context.is_worth_a_thread(found.size);
    let failure = source.show(ahead, |source| {
        reading.whole(format, &mut first_bytes.chain(source), context);
    });
    if let Some(error) = failure {
        let size = reading.part.evidence.size;
        reading.part.evidence.sha256 = None;
        reading.part.evidence.size = found.size.max(size);
        reading.problem(FileProblem::ReadingStopped(error.to_string()), Some(size));
        reading.part.evidence.truncated_at.get_or_insert(size);
    }
    if let Some(change) = before.and_then(|before| before.change()) {
        reading.problem(FileProblem::Changed(change), None);
    }
    reading.account_for_the_rest();
    reading
}

/// Shows `visit` the frames of a capture, and hands their bytes over where that is asked for. The
/// bytes of Network Monitor's captures lie in one piece and are not.
pub(super) fn frames_of(
    format: Format,
    bytes: &mut impl Read,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
    hand_over: Option<&mut HandOver<'_>>,
) -> io::Result<CaptureOutline> {
    match format {
        Format::NetMon1 | Format::NetMon2 => return read_netmon(bytes, visit),
        Format::EventTrace => return read_etl(bytes, visit, &mut |_| {}),
        _ => {}
    }
    let mut buffer = match hand_over {
        Some(hand_over) => Buffer::handing_over(bytes, hand_over),
        None => Buffer::new(bytes),
    };
    let outline = match format {
        Format::PcapNg => read_pcapng_from(&mut buffer, visit),
        Format::Snoop => read_snoop_from(&mut buffer, visit),
        _ => read_pcap_from(&mut buffer, visit),
    };
    buffer.finish();
    outline
}

impl Reading {
    fn of_nothing(found: &Found, id: EvidenceId) -> Self {
        let evidence = Evidence {
            id,
            path: found.shown.clone(),
            format: Format::Unknown,
            origin: None,
            packed: None,
            content: Content::Nothing,
            size: found.size,
            sha256: None,
            records: 0,
            span: None,
            resolution: Resolution::NANOSECONDS,
            truncated_at: None,
            coverage: [].into(),
            problems: Vec::new(),
        };
        let part = Part { evidence, summary: Summary::default(), outside_span: Count::default() };
        let (explicit, own) = (found.explicit, found.own);
        Self { part, explicit, own, carved: false, is_opened: false, is_undated: false }
    }

    /// What is said of a collection; its members are read each by itself.
    fn collection(&mut self, remarks: &Remarks) {
        self.is_opened = true;
        self.part.evidence.records = remarks.files;
        self.part.evidence.problems.extend(remarks.problems.iter().cloned());
    }

    /// Reads a file from its first byte to its last.
    fn whole(&mut self, format: Format, source: &mut dyn Read, context: &Context<'_>) {
        let mut bytes = Hashing::new(source, context.hashed_by);
        match format {
            Format::Packed(packing) if !self.is_own(format) => {
                self.unpack(packing, &mut bytes, context);
            }
            format => self.content_of(format, &mut bytes, context),
        }
        let _ = bytes.drain();
        self.part.evidence.size = bytes.passed();
        self.part.evidence.sha256 = bytes.finish();
    }

    /// What a compressed file holds; of a second layer it is only said that it is there.
    fn unpack(&mut self, packing: Packing, reader: impl Read, context: &Context<'_>) {
        let mut unpacking = Unpacking::new(packing, reader);
        let mut bytes = Hashing::new(&mut unpacking, context.hashed_by);
        let first_bytes = peek(&mut bytes).unwrap_or_default();
        self.carved = is_carved(&first_bytes);
        match Format::recognize(&first_bytes) {
            // Nothing came out of it: the failure below says why.
            Format::Unknown if first_bytes.is_empty() => {
                self.part.evidence.format = Format::Packed(packing);
            }
            format if is_held_whole(format) => {
                let mut held = first_bytes.chain(&mut bytes).take(MOST_HELD_UNPACKED);
                self.content_of(format, &mut held, context);
            }
            format => self.content_of(format, &mut first_bytes.chain(&mut bytes), context),
        }
        let _ = bytes.drain();
        let unpacked_size = bytes.passed();
        if is_held_whole(self.part.evidence.format) && unpacked_size > MOST_HELD_UNPACKED {
            let (unpacked, read) = (unpacked_size, MOST_HELD_UNPACKED);
            self.problem(FileProblem::TooLargeUnpacked { unpacked, read }, Some(read));
        }
        let unpacked_sha256 = bytes.finish();
        let failure = unpacking.into_failure();
        if failure.is_none() && unpacked_size == 0 {
            self.problem(FileProblem::Packed(packing, PackingFault::Empty), None);
        }
        let unpacked_sha256 = unpacked_sha256.filter(|_| failure.is_none());
        if let Some(failure) = failure {
            self.part.evidence.truncated_at = self.part.evidence.truncated_at.or(failure.offset);
            self.part.evidence.problems.push(failure);
        }
        self.part.evidence.packed = Some(Packed { packing, unpacked_size, unpacked_sha256 });
    }

    fn is_own(&self, format: Format) -> bool {
        self.own.is_some_and(|own| own.covers(format))
    }

    fn content_of(&mut self, format: Format, bytes: &mut impl Read, context: &Context<'_>) {
        self.part.evidence.format = format;
        if let Some(own) = self.own.filter(|own| own.covers(format)) {
            self.problem(FormatProblem::Own(own), None);
            return;
        }
        match format {
            Format::PcapNg if self.carved && !self.explicit => {
                self.problem(FormatProblem::Carved, None);
            }
            Format::Pcap
            | Format::PcapNg
            | Format::Snoop
            | Format::NetMon1
            | Format::NetMon2
            | Format::EventTrace => self.capture(bytes, context),
            Format::Evtx
            | Format::Evt
            | Format::EventXml
            | Format::EventObjects
            | Format::EventJson
            | Format::EventCsv
            | Format::EventList
            | Format::NetEvents
            | Format::GatewayLog
            | Format::AuditPolicy
            | Format::WfpState => self.log(bytes, context.request),
            Format::Collection(_) if self.is_opened => {}
            Format::Collection(archive) => {
                self.problem(FormatProblem::Archive(archive), None);
            }
            Format::Packed(packing) => {
                self.problem(FileProblem::Packed(packing, PackingFault::Nested), None);
            }
            Format::Unread(_) if format.is_summary() && !self.explicit => {
                self.problem(FormatProblem::OwnSummary, None);
            }
            Format::Unread(unread) => {
                self.problem(FormatProblem::Unread(unread), None);
            }
            // A note beside the evidence is no damage; a note given as evidence is a mistake.
            Format::Text if !self.explicit => {
                self.problem(FormatProblem::TextBeside, None);
            }
            Format::Unknown if is_rendered_text(&self.part.evidence.path) => {
                self.problem(FormatProblem::RenderedMessages, None);
            }
            Format::Text | Format::Unknown => {
                let mut first = [0; 8];
                let read = bytes.read(&mut first).unwrap_or_default();
                let first = first.get(..read).unwrap_or_default();
                let evidence = &self.part.evidence;
                let kind = unknown(evidence.format, &evidence.path, first);
                self.problem(kind, Some(0));
            }
        }
    }

    fn capture(&mut self, bytes: &mut impl Read, context: &Context<'_>) {
        let Context { request, named, watch, .. } = *context;
        let mut observer =
            CaptureObserver::new(self.part.evidence.id, named).with_most_pairs(request.max_pairs);
        if context.compared {
            observer = observer.with_fingerprints();
        }
        let mut span: Option<(Timestamp, Timestamp)> = None;
        let mut outside = Count::default();
        let activities = watch.activities().map(|_| Activities::default());
        let mut observing = Observing { observer, activities };
        let format = self.part.evidence.format;
        let mut events = Vec::new();
        let mut keep = |event: LogEvent| {
            if event.time.is_none_or(|time| request.holds(time)) {
                events.push(event);
            }
        };
        let mut log = TraceLog::new(self.part.evidence.id, &mut keep);
        let in_one_piece = matches!(format, Format::NetMon1 | Format::NetMon2 | Format::EventTrace);
        let way = match context.is_worth_a_thread(self.part.evidence.size) {
            _ if in_one_piece => Way::OneByOne,
            true => Way::Beside,
            false => Way::InBatches,
        };
        let outline = observe(&mut observing, named, way, |shown| {
            let mut visit = |frame: RawFrame<'_>| {
                let (first, last) = span.unwrap_or((frame.time, frame.time));
                span = Some((first.min(frame.time), last.max(frame.time)));
                if request.holds(frame.time) {
                    shown.frame(&frame);
                } else {
                    outside.add(u64::from(frame.original_len), frame.data.len() as u64);
                }
                !watch.is_cancelled()
            };
            let mut hand_over = |bytes, begins_at| shown.hold(bytes, begins_at);
            let asked: Option<&mut HandOver<'_>> =
                if shown.waits_for_bytes() { Some(&mut hand_over) } else { None };
            match format {
                Format::EventTrace => {
                    read_etl(bytes, &mut visit, &mut |event| add_event(&mut log, &event))
                }
                _ => frames_of(format, bytes, &mut visit, asked),
            }
        });
        let logged = log.finish();
        let Observing { observer, activities } = observing;
        if let (Some(all), Some(seen)) = (watch.activities(), activities) {
            all.join(seen);
        }
        let evidence = &mut self.part.evidence;
        evidence.span = span;
        match outline {
            Ok(outline) => describe_capture(evidence, outline),
            Err(error) => {
                self.problem(FileProblem::ReadingStopped(error.to_string()), None);
            }
        }
        self.part.outside_span = outside;
        let mut summary = observer.finish_open();
        // The bytes of a trace's packets may be compressed: they are not bytes of the file.
        if format != Format::EventTrace {
            self.report_frames_by_class(summary.ledger());
        }
        self.part.evidence.problems.append(&mut summary.problems);
        self.part.summary.captures.insert(self.part.evidence.id, summary);
        if let Some(logged) = logged {
            self.trace_log(logged, events);
        }
    }

    /// Keeps what an event trace shows beside its packets.
    fn trace_log(&mut self, mut logged: LogSummary, mut events: Vec<LogEvent>) {
        self.part.evidence.problems.append(&mut logged.problems);
        events.sort_by_key(|event| (event.time, event.record));
        let folder = folder_of(&self.part.evidence.path);
        let logs = LogPart::by_source(self.part.evidence.id, &folder, logged.sources, events);
        self.part.summary.logs.extend(logs);
    }

    /// Parts what the reader counts as frames into their headers and the classes of what they hold.
    fn report_frames_by_class(&mut self, mut ledger: BTreeMap<&'static str, Extent>) {
        let outside = self.part.outside_span;
        if outside.frames > 0 {
            ledger.entry("frames_outside_span").or_default().add(outside.captured, outside.frames);
        }
        let held = ledger.values().fold(0u64, |sum, extent| sum.saturating_add(extent.bytes));
        if let Some(frames) = self.part.evidence.coverage.remove("frames") {
            let headers = frames.bytes.saturating_sub(held);
            self.part.evidence.coverage.entry("frame_headers".into()).or_default().add(headers, 0);
        }
        self.part.evidence.coverage.extend(named(ledger));
    }

    fn log(&mut self, bytes: &mut impl Read, request: &Request) {
        let folder = folder_of(&self.part.evidence.path);
        let mut events = Vec::new();
        let mut keep = |event: LogEvent| {
            // An event without a time cannot be determined to lie outside.
            if event.time.is_none_or(|time| request.holds(time) || undated::is_undated(time)) {
                events.push(event);
            }
        };
        let (id, zone) = (self.part.evidence.id, request.timezone.as_ref());
        let (summary, resolution) = match self.part.evidence.format {
            Format::Evt => (evt::read(bytes, id, &mut keep), Resolution::SECONDS),
            Format::EventXml => (text::xml::read(bytes, id, &mut keep), Resolution::FILETIME),
            Format::EventJson => text::json::read(bytes, id, zone, &mut keep),
            Format::EventObjects => text::object_xml::read(bytes, id, zone, &mut keep),
            Format::EventCsv => text::csv::read(bytes, id, zone, &mut keep),
            Format::EventList => text::listing::read(bytes, id, zone, &mut keep),
            Format::AuditPolicy => text::state::auditpol::read(bytes, id, &mut keep),
            Format::WfpState => {
                (text::state::wfpstate::read(bytes, id, &mut keep), Resolution::MILLISECONDS)
            }
            Format::GatewayLog => text::gateway::read(bytes, id, zone, &mut keep),
            Format::NetEvents => {
                (text::netevents::read(bytes, id, &mut keep), Resolution::MILLISECONDS)
            }
            _ => (evtx::read(bytes, id, &mut keep), Resolution::FILETIME),
        };
        self.part.evidence.resolution = resolution;
        self.is_undated = summary.is_undated;
        let sources = describe_log(&mut self.part.evidence, summary);
        let logs = LogPart::by_source(id, &folder, sources, events);
        self.part.summary.logs.extend(logs);
    }

    pub(super) fn problem(&mut self, kind: impl Into<ProblemKind>, offset: Option<u64>) {
        self.part.evidence.problems.push(Problem::of_file(kind, offset));
    }

    /// Bytes that no reader took: behind damage, or of a file that is not read.
    fn account_for_the_rest(&mut self) {
        let evidence = &mut self.part.evidence;
        let covered = evidence.coverage.values().fold(0u64, |sum, e| sum.saturating_add(e.bytes));
        let rest = evidence.content_size().saturating_sub(covered);
        if rest > 0 {
            evidence.coverage.entry("unread".into()).or_default().add(rest, 0);
        }
    }
}

impl Request {
    pub(super) fn holds(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

/// Whether a file of that format is read whole before anything of it is reported.
pub(super) const fn is_held_whole(format: Format) -> bool {
    matches!(format, Format::NetMon1 | Format::NetMon2 | Format::EventTrace | Format::Evt)
}

/// Of a compressed file that is held whole: 40 KB may unpack to a gibibyte of zeros.
pub(super) const MOST_HELD_UNPACKED: u64 = 256 << 20;
/// Below that a thread costs more than it saves.
const WORTH_A_THREAD: u64 = 4 << 20;
