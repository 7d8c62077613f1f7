//! What the timeline shows: a lane a pair, the worst first, then a lane a file. Draws nothing.

use crate::report::moment::nanos;
use crate::report::schema::{
    BypassSpan, ClockOffset, Evidence, IkeExchange, LogEvent, Pair, Protected, Report, Sa, Window,
};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Everything that is drawn.
pub(super) struct Timeline<'a> {
    /// Pairs, the worst first.
    pub(super) lanes: Vec<Lane<'a>>,
    /// Captures and logs.
    pub(super) files: Vec<FileLane<'a>>,
    /// Pairs that have something to show and no lane, because there are too many.
    pub(super) left_out: usize,
    /// What is shown first, in nanoseconds: the span of the captures, else that of the logs; `None` where no
    /// file shows a time.
    pub(super) span: Option<(i64, i64)>,
}

/// What became of a pair.
pub(super) struct Lane<'a> {
    pub(super) pair: &'a Pair,
    pub(super) windows: Vec<&'a Window>,
    pub(super) protected: Vec<&'a Protected>,
    /// Its negotiations that failed.
    pub(super) failed: Vec<&'a IkeExchange>,
}

/// What a capture or log covers.
pub(super) struct FileLane<'a> {
    pub(super) file: &'a Evidence,
    /// The log's clock against the captures'.
    pub(super) clock: Option<&'a ClockOffset>,
    /// The events that are drawn.
    pub(super) events: Vec<&'a LogEvent>,
    bypasses: Vec<&'a BypassSpan>,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut lanes: Vec<Lane<'a>> = lanes(report).into_values().collect();
        lanes.retain(|lane| {
            lane.pair.expectation == "required"
                || !(lane.windows.is_empty() && lane.protected.is_empty() && lane.failed.is_empty())
        });
        lanes.sort_by_key(|lane| {
            let clear: u64 = lane.windows.iter().map(|window| window.frames).sum();
            (badness(&lane.pair.verdict), Reverse(clear), Reverse(lane.failed.len()))
        });
        let left_out = lanes.len().saturating_sub(MOST_LANES);
        lanes.truncate(MOST_LANES);
        let files = files(report);
        let span = span(&files, "capture").or_else(|| span(&files, "log"));
        Self { lanes, files, left_out, span }
    }

    /// For the script of the page.
    pub(super) fn json(&self) -> Value {
        json!({
            "lanes": self.lanes.iter().map(Lane::json).collect::<Vec<_>>(),
            "files": self.files.iter().map(FileLane::json).collect::<Vec<_>>(),
        })
    }
}

impl Lane<'_> {
    /// Security associations that nothing but a header shows.
    pub(super) fn doubtful(&self) -> impl Iterator<Item = &Sa> {
        self.pair.sas.iter().filter(|sa| !sa.corroborated).take(MOST_DOUBTFUL)
    }

    fn json(&self) -> Value {
        let windows = self.windows.iter().map(|w| {
            let cause = w.causes.first().map_or("", |cause| cause.reason.as_str());
            let (first, last) = (frame(&w.first), frame(&w.last));
            json!([
                w.start,
                tail(&w.start, &w.end),
                w.id,
                w.frames,
                u8::from(w.mixed),
                first,
                last,
                cause
            ])
        });
        let protected = self.protected.iter().map(|run| {
            let spis = run.spis.get(..MOST_SPIS).unwrap_or(&run.spis);
            json!([run.start, tail(&run.start, &run.end), run.frames, spis.join(", ")])
        });
        let failed = self.failed.iter().map(|x| {
            json!([
                x.start,
                tail(&x.start, &x.end),
                x.id,
                x.reason,
                frame(&x.first),
                frame(&x.last)
            ])
        });
        let pair = self.pair;
        let frames = pair.by_class.esp_null.frames + pair.by_class.ah.frames;
        let readable = pair.readable_first_time.iter().zip(&pair.readable_last_time);
        let readable = readable.map(|(start, end)| json!([start, tail(start, end), frames]));
        let doubtful = self.doubtful();
        let doubtful = doubtful.map(|sa| {
            json!([sa.first_time, tail(&sa.first_time, &sa.last_time), sa.frames, sa.spi])
        });
        json!({
            "a": pair.a,
            "b": pair.b,
            "names": [pair.a_names.join(" or "), pair.b_names.join(" or ")],
            "readable": readable.collect::<Vec<_>>(),
            "doubtful": doubtful.collect::<Vec<_>>(),
            "verdict": self.pair.verdict,
            "seen": [self.pair.first_time, tail(&self.pair.first_time, &self.pair.last_time), self.pair.frames],
            "clear": windows.collect::<Vec<_>>(),
            "esp": protected.collect::<Vec<_>>(),
            "failed": failed.collect::<Vec<_>>(),
        })
    }
}

impl FileLane<'_> {
    /// How much its clock is ahead of the captures', in seconds; `None` where that is not known, and nothing is
    /// put right.
    pub(super) fn ahead(&self) -> Option<f64> {
        self.clock.and_then(|clock| clock.seconds.as_ref()?.get().parse().ok())
    }

    /// When it begins and ends, in nanoseconds by the captures' clock as far as that is known.
    pub(super) fn extent(&self) -> Option<(i64, i64)> {
        let first = self.corrected(self.file.first_time.as_ref()?)?;
        Some((first, self.corrected(self.file.last_time.as_ref()?)?))
    }

    /// A time of its clock in nanoseconds by the captures' clock, as far as that is known.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "an offset of years fits a number of nanoseconds; it is only drawn"
    )]
    pub(super) fn corrected(&self, time: &str) -> Option<i64> {
        let ahead = self.ahead().unwrap_or(0.0) * 1e9;
        Some(nanos(time)?.saturating_sub(ahead as i64))
    }

    fn json(&self) -> Value {
        let file = self.file;
        let log = file.log_coverage.as_ref();
        let gaps = log.iter().flat_map(|log| &log.gaps).take(MOST_MARKS);
        let silences = log.iter().flat_map(|log| &log.silences).take(MOST_MARKS);
        let addresses = log.iter().flat_map(|log| &log.addresses);
        let addresses = addresses.filter(|address| address.claimed_by.is_empty());
        json!({
            "id": file.id,
            "kind": file.kind,
            "name": file_name(file),
            "first": file.first_time,
            "last": file.last_time,
            "records": file.records,
            "ahead": self.ahead(),
            "addresses": addresses.map(|a| &a.address).collect::<Vec<_>>(),
            "gaps": gaps.map(|g| json!([g.after, g.before, g.first, g.last])).collect::<Vec<_>>(),
            "silences": silences.map(|s| json!([s.from, s.to])).collect::<Vec<_>>(),
            "bypasses": self.bypasses.iter().map(|b| json!([b.start, b.end, b.first_record, b.last_record])).collect::<Vec<_>>(),
            "events": self.events.iter().map(|e| event(e)).collect::<Vec<_>>(),
        })
    }
}

/// Which mark means an event; `None` where it changes nothing that the timeline shows.
pub(super) fn mark(event: &LogEvent) -> Option<&'static str> {
    match event.category.as_str() {
        "service_state" | "host_state" => Some("service"),
        "policy_change" => Some("policy"),
        "evidence_integrity" | "clock_change" => Some("log"),
        "ike_failure" => Some("failure"),
        _ => None,
    }
}

fn event(event: &LogEvent) -> Value {
    let mut reported = format!("event {}, {}", event.event_id, event.category.replace('_', " "));
    for part in [&event.service, &event.service_state, &event.reason].into_iter().flatten() {
        reported.push_str(", ");
        reported.push_str(part);
    }
    let time = event.time_corrected.as_ref().or(event.time.as_ref());
    let is_corrected = u8::from(event.time_corrected.is_some());
    json!([time, event.id, mark(event), reported, event.record, is_corrected])
}

/// What of a run's end its start does not say already; all of it where the two have not the same digits.
fn tail<'e>(start: &str, end: &'e str) -> &'e str {
    let same = start.bytes().zip(end.bytes()).take_while(|(a, b)| a == b).count();
    if start.len() == end.len() { end.get(same..).unwrap_or(end) } else { end }
}

/// A lane for every pair, with what belongs to it.
fn lanes(report: &Report) -> BTreeMap<(&str, &str), Lane<'_>> {
    let lane = |pair| Lane { pair, windows: vec![], protected: vec![], failed: vec![] };
    let mut lanes: BTreeMap<(&str, &str), Lane<'_>> =
        report.pairs.iter().map(|pair| ((pair.a.as_str(), pair.b.as_str()), lane(pair))).collect();
    for window in &report.windows {
        if let Some(lane) = lanes.get_mut(&(window.a.as_str(), window.b.as_str())) {
            lane.windows.push(window);
        }
    }
    for run in &report.protected {
        if let Some(lane) = lanes.get_mut(&(run.a.as_str(), run.b.as_str())) {
            lane.protected.push(run);
        }
    }
    for exchange in report.ike_exchanges.iter().filter(|x| x.reason.is_some()) {
        let (one, other) = (host(&exchange.initiator), host(&exchange.responder));
        let key = [(&one, &other), (&other, &one)].into_iter();
        let mut key = key.map(|(a, b)| (a.as_str(), b.as_str()));
        // The keys borrow from the report, the addresses do not.
        let found = key.find_map(|key| lanes.get(&key).map(|lane| lane.pair));
        if let Some(lane) = found.and_then(|p| lanes.get_mut(&(p.a.as_str(), p.b.as_str()))) {
            lane.failed.push(exchange);
        }
    }
    lanes
}

/// What a lane of a file is called: the name of the file, and of a log the computers that it names.
pub(super) fn file_name(file: &Evidence) -> String {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if file.hosts.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", file.hosts.join(", "))
    }
}

/// An address without its port.
pub(super) fn host(endpoint: &str) -> String {
    endpoint.parse::<SocketAddr>().map_or_else(|_| endpoint.to_owned(), |at| at.ip().to_string())
}

fn files(report: &Report) -> Vec<FileLane<'_>> {
    let mut events: BTreeMap<&str, Vec<&LogEvent>> = BTreeMap::new();
    // Nothing rests on what was recovered, so it is not drawn.
    for event in report.log_events.iter().filter(|e| mark(e).is_some() && !e.recovered) {
        let of_file = events.entry(event.evidence.as_str()).or_default();
        if of_file.len() < MOST_MARKS {
            of_file.push(event);
        }
    }
    let known: BTreeSet<&str> = report.bypass_spans.iter().map(|b| b.evidence.as_str()).collect();
    let clocks: BTreeMap<&str, &ClockOffset> =
        report.clock_offsets.iter().map(|clock| (clock.evidence.as_str(), clock)).collect();
    let timed = report.evidence.iter().filter(|file| file.first_time.is_some());
    let lanes = timed.take(MOST_LANES).map(|file| {
        let id = file.id.as_str();
        let spans = report.bypass_spans.iter().filter(|b| known.contains(id) && b.evidence == id);
        FileLane {
            file,
            clock: clocks.get(id).copied(),
            events: events.remove(id).unwrap_or_default(),
            bypasses: spans.collect(),
        }
    });
    lanes.collect()
}

fn span(files: &[FileLane<'_>], kind: &str) -> Option<(i64, i64)> {
    let extents =
        || files.iter().filter(|lane| lane.file.kind == kind).filter_map(FileLane::extent);
    Some((extents().map(|e| e.0).min()?, extents().map(|e| e.1).max()?))
}

fn frame(frame: &crate::report::schema::FrameRef) -> String {
    format!("{}:{}", frame.evidence, frame.frame)
}

/// How bad a verdict is; 0 is the worst.
pub(super) fn badness(verdict: &str) -> u8 {
    match verdict {
        "unprotected" => 0,
        "partially_protected" => 1,
        "protected" => 3,
        _ => 2,
    }
}

/// Lanes that the page carries.
const MOST_LANES: usize = 2_000;
/// Marks of a file.
const MOST_MARKS: usize = 5_000;
/// Security associations of a lane that only a header shows.
const MOST_DOUBTFUL: usize = 50;
/// SPIs of a run.
const MOST_SPIS: usize = 4;
