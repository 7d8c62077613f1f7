//! Facts → the types of report.json: texts, ids, times with the evidence's own digits.
//!
//! Each struct is written out field by field, so that a new field cannot be forgotten.

use super::community_id::community_id;
use super::host::{Names, hosts};
use super::reference::{evidence_key, window_key};
use super::{limits, log, negotiation, schema};
use crate::carve::stretch_filter;
use crate::correlate::{
    Cause, CleartextWindow, Closing, ExplainedWindow, FactRef, Facts, KeptOpen, PairFacts,
    SaAlgorithms, SaFacts,
};
use crate::evidence::{Content, Evidence, EvidenceId, FrameRef, Position};
use crate::findings::{self, Finding, When};
use crate::protection::{EspSpi, ProtectionClass};
use crate::summary::{ClassRun, Contents, Count, TlsSeen};
use crate::time::{Resolution, Span, Timestamp};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The files.
    pub evidence: &'a [Evidence],
    /// Frames left out by `--from` and `--to`.
    pub outside_span: Count,
    /// What is proven.
    pub facts: &'a Facts,
    /// What it means.
    pub findings: &'a [Finding],
}

/// Writes everything out as report.json has it.
#[must_use]
pub fn build(sources: &Sources<'_>, options: schema::Options) -> schema::Report {
    let facts = sources.facts;
    let clock = Clock::of(sources.evidence);
    let names = Names::of(facts);
    schema::Report {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        options,
        pseudonymous: false,
        case: None,
        verdict: facts.verdict().as_str().to_owned(),
        verdict_limits: limits::verdict_limits(&facts.limits),
        evidence: sources.evidence.iter().map(|file| evidence(file, facts, &clock)).collect(),
        totals: totals(sources),
        hosts: hosts(facts),
        pairs: pairs(facts, &clock, &names),
        windows: numbered(&facts.windows, |id, w| schema::Window {
            key: window_key(&w.window, sources.evidence),
            a_names: names.names(w.window.pair.a()),
            b_names: names.names(w.window.pair.b()),
            ..window(id, w, &clock)
        }),
        protected: facts
            .protected
            .iter()
            .map(|w| schema::Protected {
                a: w.pair.a().to_string(),
                b: w.pair.b().to_string(),
                start: clock.start(&w.run),
                end: clock.end(&w.run),
                frames: w.run.frames,
                bytes: w.run.bytes,
                spis: spis(&w.spis),
            })
            .collect(),
        ike_exchanges: numbered(&facts.exchanges, |id, x| {
            negotiation::exchange(id, x, facts, &clock)
        }),
        log_events: facts
            .events
            .iter()
            .chain(&facts.recovered)
            .zip(1..)
            .map(|(placed, number)| log::event(number, placed, &clock))
            .collect(),
        clock_offsets: facts.clock_offsets.iter().map(log::clock_offset).collect(),
        bypass_spans: facts.bypasses.iter().map(|span| log::bypass(span, &clock)).collect(),
        findings: super::finding::findings(sources, &clock),
    }
}

/// The program as report and manifest name it.
pub(super) fn tool() -> schema::Tool {
    schema::Tool { name: "plainsight".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// How finely each file shows time.
pub(super) struct Clock(BTreeMap<EvidenceId, Resolution>);

impl Clock {
    fn of(evidence: &[Evidence]) -> Self {
        Self(evidence.iter().map(|file| (file.id, file.resolution)).collect())
    }

    pub(super) fn show(&self, time: Timestamp, by: EvidenceId) -> String {
        time.rfc3339(self.0.get(&by).copied().unwrap_or(Resolution::NANOSECONDS))
    }

    fn start(&self, run: &ClassRun) -> String {
        self.show(run.start, run.first.evidence)
    }

    fn end(&self, run: &ClassRun) -> String {
        self.show(run.end, run.last.evidence)
    }

    pub(super) fn when(&self, when: When) -> String {
        self.show(when.time, when.evidence)
    }
}

fn numbered<T, U>(items: &[T], make: impl Fn(usize, &T) -> U) -> Vec<U> {
    items.iter().enumerate().map(|(at, item)| make(at + 1, item)).collect()
}

fn evidence(file: &Evidence, facts: &Facts, clock: &Clock) -> schema::Evidence {
    let (kind, interfaces, hosts, dropped) = match &file.content {
        Content::Capture { interfaces, dropped_by_capturer, .. } => {
            ("capture", interfaces.as_slice(), Vec::new(), *dropped_by_capturer)
        }
        Content::Log { hosts, .. } => ("log", &[][..], hosts.iter().cloned().collect(), None),
        Content::Nothing => ("unknown", &[][..], Vec::new(), None),
    };
    schema::Evidence {
        id: file.id.to_string(),
        key: evidence_key(file),
        path: file.path.clone(),
        original_path: file.origin.as_ref().and_then(|origin| origin.path.clone()),
        collected_from: file.origin.as_ref().and_then(|origin| origin.host.clone()),
        kind: kind.to_owned(),
        format: file.format.as_str().to_owned(),
        packed: file.packed.as_ref().map(|packed| schema::Packed {
            packing: packed.packing.as_str().to_owned(),
            unpacked_bytes: packed.unpacked_size,
            unpacked_sha256: packed.unpacked_sha256.clone(),
        }),
        size_bytes: file.size,
        sha256: file.sha256.clone(),
        records: file.records,
        first_time: file.span.map(|(first, _)| first.rfc3339(file.resolution)),
        last_time: file.span.map(|(_, last)| last.rfc3339(file.resolution)),
        truncated_at: file.truncated_at,
        dropped_by_capturer: dropped,
        interfaces: interfaces
            .iter()
            .map(|i| schema::Interface {
                name: i.name.clone(),
                linktype: i.linktype,
                snaplen: i.snaplen,
                time_digits: i.resolution.digits(),
            })
            .collect(),
        notes: notes(&file.content),
        hosts,
        vantage: facts.vantages.get(&file.id).map(|vantage| vantage.as_str().to_owned()),
        coverage: file
            .coverage
            .iter()
            .map(|(bucket, e)| {
                (bucket.to_string(), schema::Extent { bytes: e.bytes, records: e.records })
            })
            .collect(),
        log_coverage: log::coverage(file.id, facts, clock),
        problems: file
            .problems
            .iter()
            .map(|problem| {
                let (frame, record) = match problem.position {
                    Position::File => (None, None),
                    Position::Frame(number) => (Some(number), None),
                    Position::Record(number) => (None, Some(number)),
                };
                schema::Problem {
                    code: problem.code().as_str().to_owned(),
                    text: findings::problem(problem),
                    offset: problem.offset,
                    frame,
                    record,
                }
            })
            .collect(),
    }
}

/// What a capture says of itself.
fn notes(content: &Content) -> Vec<schema::Note> {
    let Content::Capture { notes, .. } = content else { return Vec::new() };
    let reported = notes.iter().map(|note| schema::Note {
        place: note.place.to_string(),
        kind: note.kind.as_str().to_owned(),
        text: note.text.clone(),
    });
    reported.collect()
}

fn totals(sources: &Sources<'_>) -> schema::Totals {
    let facts = sources.facts;
    let mut by_app: BTreeMap<String, schema::Count> = BTreeMap::new();
    for ((app, _), sum) in &facts.by_app {
        let all = by_app.entry(app.as_str().to_owned()).or_default();
        all.frames += sum.frames;
        all.bytes += sum.bytes;
    }
    let undecodable = facts.undecodable.iter().map(|(reason, n)| ((*reason).to_owned(), *n));
    schema::Totals {
        frames: facts.total.frames,
        bytes: facts.total.bytes,
        by_class: by_class(|class| facts.by_class.get(&class).copied().map(count)),
        by_app,
        artefacts: artefacts(facts),
        undecodable_reasons: undecodable.collect(),
        outside_span: count(sources.outside_span),
        folded_pairs: schema::FoldedPairs {
            pairs: sources.facts.folded.0,
            frames: sources.facts.folded.1.frames,
            bytes: sources.facts.folded.1.bytes,
        },
    }
}

/// Frames that show a packet again, by kind.
fn artefacts(facts: &Facts) -> BTreeMap<String, schema::Count> {
    let mut seen: BTreeMap<String, schema::Count> = BTreeMap::new();
    for (why, run) in facts.pairs.iter().flat_map(|pair| pair.set_aside.iter()) {
        let all = seen.entry(why.as_str().to_owned()).or_default();
        all.frames += run.frames;
        all.bytes += run.bytes;
    }
    for ((_, kind), reported) in &facts.duplicates {
        let all = seen.entry(kind.as_str().to_owned()).or_default();
        all.frames += reported.count.frames;
        all.bytes += reported.count.bytes;
    }
    seen
}

const fn count(sum: Count) -> schema::Count {
    schema::Count { frames: sum.frames, bytes: sum.bytes }
}

fn by_class(of: impl Fn(ProtectionClass) -> Option<schema::Count>) -> schema::ByClass {
    let of = |class| of(class).unwrap_or_default();
    schema::ByClass {
        esp: of(ProtectionClass::Esp),
        esp_null: of(ProtectionClass::EspNull),
        ah: of(ProtectionClass::Ah),
        ike: of(ProtectionClass::Ike),
        natt_keepalive: of(ProtectionClass::NattKeepalive),
        exempt: of(ProtectionClass::Exempt),
        clear: of(ProtectionClass::Clear),
        non_ip: of(ProtectionClass::NonIp),
        undecodable: of(ProtectionClass::Undecodable),
    }
}

/// A pair of which a frame was seen.
fn pairs(facts: &Facts, clock: &Clock, names: &Names<'_>) -> Vec<schema::Pair> {
    let mut algorithms = facts.sa_algorithms();
    let each = facts.pairs.iter().filter_map(|known| {
        let of_pair = algorithms.remove(&known.pair).unwrap_or_default();
        let (a_names, b_names) = (names.names(known.pair.a()), names.names(known.pair.b()));
        Some(schema::Pair { a_names, b_names, ..pair(known, &of_pair, clock)? })
    });
    each.collect()
}

fn esp_algorithms(of: &SaAlgorithms) -> schema::EspAlgorithms {
    let mut records: BTreeMap<EvidenceId, Vec<u64>> = BTreeMap::new();
    for record in &of.records {
        records.entry(record.evidence).or_default().push(record.record);
    }
    let evidence = records.into_iter().map(|(id, records)| schema::Proof {
        evidence: id.to_string(),
        frames: None,
        records: Some(records),
    });
    schema::EspAlgorithms {
        algorithms: of.text(),
        spis: spis(&of.spis),
        evidence: evidence.collect(),
    }
}

fn by_direction(facts: &PairFacts) -> Vec<schema::DirectedExpectation> {
    let hosts = [facts.pair.a(), facts.pair.b()];
    let directed = hosts.into_iter().zip(facts.by_direction.as_deref().into_iter().flatten());
    directed
        .map(|(host, (expectation, source))| schema::DirectedExpectation {
            opened_by: host.to_string(),
            expectation: expectation.as_str().to_owned(),
            source: source.to_string(),
        })
        .collect()
}

fn pair(facts: &PairFacts, algorithms: &[SaAlgorithms], clock: &Clock) -> Option<schema::Pair> {
    let total = facts.total()?;
    let of_class = |class| {
        let run = facts.by_class.get(&class)?;
        Some(schema::Count { frames: run.frames, bytes: run.bytes })
    };
    let readable = [ProtectionClass::EspNull, ProtectionClass::Ah];
    let mut readable = readable.iter().filter_map(|class| facts.by_class.get(class).copied());
    let readable = readable.next().map(|first| {
        readable.fold(first, |mut all, run| {
            all.absorb(run);
            all
        })
    });
    Some(schema::Pair {
        a: facts.pair.a().to_string(),
        b: facts.pair.b().to_string(),
        a_names: Vec::new(),
        b_names: Vec::new(),
        expectation: facts.expectation.as_str().to_owned(),
        expectation_source: facts.source.to_string(),
        expectation_by_direction: by_direction(facts),
        expectation_spans: facts
            .obligations
            .iter()
            .map(|span| schema::ExpectationSpan {
                source: span.from.as_str().to_owned(),
                start: span.start.rfc3339(Resolution::SECONDS),
                end: span.end.rfc3339(Resolution::SECONDS),
            })
            .collect(),
        verdict: facts.verdict().as_str().to_owned(),
        verdict_limits: limits::verdict_limits(&facts.limits),
        frames: total.frames,
        bytes: total.bytes,
        by_class: by_class(of_class),
        first_time: clock.start(&total),
        last_time: clock.end(&total),
        readable_first_time: readable.map(|run| clock.start(&run)),
        readable_last_time: readable.map(|run| clock.end(&run)),
        spis: spis(&facts.spis),
        sas: facts.sas.iter().map(|known| sa(known, clock)).collect(),
        esp_algorithms: algorithms.iter().map(esp_algorithms).collect(),
        readable: apps(&facts.readable),
        tls: facts.tls.iter().map(tls_server).collect(),
        inside_of: facts.inside_of.iter().map(|p| format!("{} - {}", p.a(), p.b())).collect(),
        tunnel_frames: facts.as_tunnel.frames,
    })
}

fn apps(apps: &Contents) -> Vec<schema::App> {
    let reported = apps.iter().map(|((app, encrypted), sum)| schema::App {
        app: app.as_str().to_owned(),
        frames: sum.frames,
        bytes: sum.bytes,
        encrypted: *encrypted,
    });
    reported.collect()
}

fn sa(sa: &SaFacts, clock: &Clock) -> schema::Sa {
    schema::Sa {
        spi: format!("0x{:08x}", sa.spi.0),
        source: sa.source().to_string(),
        destination: sa.destination().to_string(),
        frames: sa.run.frames,
        first_time: clock.start(&sa.run),
        last_time: clock.end(&sa.run),
        corroborated: sa.corroborated.is_some(),
        by: sa.corroborated.map(|by| by.as_str().to_owned()),
    }
}

fn tls_server((name, seen): (&Option<String>, &TlsSeen)) -> schema::TlsServer {
    schema::TlsServer {
        server_name: name.clone(),
        versions: seen.versions.iter().map(ToString::to_string).collect(),
        hellos: seen.hellos,
        first: frame(seen.first.frame),
    }
}

fn window(number: usize, explained: &ExplainedWindow, clock: &Clock) -> schema::Window {
    let window = &explained.window;
    let (a, b) = (window.pair.a(), window.pair.b());
    let flows = window.flows.iter();
    let (from_a, [payload_a, payload_b]) = (window.run.from_a, window.run.payload);
    schema::Window {
        id: format!("W{number}"),
        key: String::new(),
        a: a.to_string(),
        b: b.to_string(),
        a_names: Vec::new(),
        b_names: Vec::new(),
        community_ids: flows
            .map(|flow| community_id((a, flow.a_port), (b, flow.b_port), flow.protocol))
            .collect(),
        start: clock.start(&window.run),
        end: clock.end(&window.run),
        frames: window.run.frames,
        bytes: window.run.bytes,
        mixed: window.mixed,
        expectation: window.expectation.as_str().to_owned(),
        duration_seconds: duration(&window.run),
        a_to_b: schema::Way {
            packets: from_a,
            payload_bytes: payload_a,
            answered: window.run.is_answered(),
        },
        b_to_a: schema::Way {
            packets: window.run.frames - from_a,
            payload_bytes: payload_b,
            answered: window.run.is_answered(),
        },
        apps: apps(&window.apps),
        first: frame(window.run.first),
        last: frame(window.run.last),
        filter: stretch_filter(
            window.pair,
            (window.run.first, window.run.last),
            (window.run.start, window.run.end),
        ),
        opened_by: explained.opened_by.iter().map(cause).collect(),
        kept_open_by: explained
            .kept_open_by
            .iter()
            .map(|kept| kept_open(kept, window, clock))
            .collect(),
        closed_by: explained.closed_by.iter().map(closing).collect(),
        chain: findings::chain(explained),
        causes: explained.causes.iter().map(cause).collect(),
        audits: explained.audits.iter().map(log::host_audit).collect(),
        same_frames_as: explained.same_frames_as.iter().map(|at| format!("W{}", at + 1)).collect(),
        shared_frames: explained.shared_frames,
    }
}

fn cause(cause: &Cause) -> schema::Cause {
    schema::Cause {
        refs: refs(&cause.refs),
        reason: cause.reason.as_str().to_owned(),
        confidence: cause.confidence().as_str().to_owned(),
        score: cause.score,
        why: findings::why(cause),
        against: cause.against.iter().map(findings::against).collect(),
    }
}

fn refs(refs: &BTreeSet<FactRef>) -> Vec<String> {
    let named = refs.iter().map(|fact| match fact {
        FactRef::Exchange(at) => format!("X{}", at + 1),
        FactRef::Event(at) => format!("L{}", at + 1),
    });
    named.collect()
}

fn kept_open(kept: &KeptOpen, window: &CleartextWindow, clock: &Clock) -> schema::KeptOpen {
    let schema::Cause { refs, reason, confidence, score, why, against } = cause(&kept.cause);
    // Times inside the window have the digits of the capture that shows it.
    let by = window.run.first.evidence;
    let (start, end) = (clock.show(kept.start, by), clock.show(kept.end, by));
    schema::KeptOpen { refs, reason, confidence, score, why, against, start, end }
}

fn closing(closing: &Closing) -> schema::Cause {
    schema::Cause {
        refs: refs(&closing.refs),
        reason: closing.code.as_str().to_owned(),
        confidence: closing.confidence().as_str().to_owned(),
        score: closing.score,
        why: findings::closing(closing),
        against: Vec::new(),
    }
}

pub(super) fn frame(frame: FrameRef) -> schema::FrameRef {
    schema::FrameRef { evidence: frame.evidence.to_string(), frame: frame.frame.0 }
}

fn spis(spis: &BTreeSet<EspSpi>) -> Vec<String> {
    spis.iter().map(|spi| format!("0x{:08x}", spi.0)).collect()
}

/// From the first packet to the last; a number of seconds is always JSON.
fn duration(run: &ClassRun) -> Box<RawValue> {
    decimal(run.end.since(run.start)).unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// Seconds as a JSON number with every digit; a binary fraction would round them.
pub(super) fn decimal(span: Span) -> Option<Box<RawValue>> {
    RawValue::from_string(span.to_string()).ok()
}

/// The version of the layout of report.json and manifest.json.
pub(super) const SCHEMA_VERSION: &str = "2";
